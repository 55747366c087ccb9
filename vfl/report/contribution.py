"""Which kinds of information the score lives on: Shapley shares by kind of the credit catalogue and by owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from vfl.core.contribution import MAX_GROUPS, shapley_auc_intervals
from vfl.data.catalogue import Catalogue
from vfl.errors import Text
from vfl.report.model import CategoryImportance
from vfl.report.performance_model import Interval

__all__ = ["Category", "category_shares", "kind_name", "own_category", "owner_category"]


@dataclass(frozen=True, slots=True)
class Category:
    """What the points of a feature are added up under; ``code`` is a kind of the catalogue, or empty."""

    owner: str
    code: str
    name: Text


def own_category(owner: str, item: str | None) -> Category:
    """Of one's own feature by its catalogue item; features without one are the owner's own records."""
    if item is None:
        return Category(owner, "", Text("own records, no catalogue item", "自有数据（非目录信息）"))
    kind = item.partition(".")[0]
    return Category(owner, kind, kind_name(kind))


def owner_category(owner: str) -> Category:
    """All that another owner adds."""
    return Category(owner, "", Text(f"all points of {owner}", f"{owner} 全部得分"))


@cache
def _kinds() -> dict[str, Text]:
    return {kind.id: kind.name for kind in Catalogue.load().kinds}


def kind_name(kind: str) -> Text:
    """Name of a kind of the national catalogue; a region's own kind is told by its id."""
    return _kinds().get(kind, Text(kind, kind))


def category_shares(
    points: npt.NDArray[np.int64], label: npt.NDArray[np.float64], categories: Sequence[Category], *, seed: int
) -> tuple[CategoryImportance, ...]:
    """Shapley share of the AUC of each category of each owner, the largest first.

    With more categories than can be worked out together, those whose points differ least are joined.

    Parameters
    ----------
    points : int64 array, shape (rows, columns)
        Of features, or sums over several.
    categories : sequence of Category
        Of each column.
    seed : int
        Of the bootstrap.
    """
    members: dict[Category, list[int]] = {}
    for place, category in enumerate(categories):
        members.setdefault(category, []).append(place)
    sums = {category: points[:, places].sum(axis=1) for category, places in members.items()}
    if len(sums) > MAX_GROUPS:
        sums = _joined(sums)
    shares = shapley_auc_intervals(label, np.column_stack(list(sums.values())), seed=seed)
    found = [
        CategoryImportance(c.code, c.name, c.owner, Interval(share.value, share.lower, share.upper))
        for c, share in zip(sums, shares, strict=True)
    ]
    return tuple(sorted(found, key=lambda c: -c.share.value))


def _joined(sums: dict[Category, npt.NDArray[np.int64]]) -> dict[Category, npt.NDArray[np.int64]]:
    """All but the most telling categories as one."""
    ranked = sorted(sums, key=lambda c: -float(sums[c].std()))
    kept, small = ranked[: MAX_GROUPS - 1], ranked[MAX_GROUPS - 1 :]
    rest = Category("", "", Text(f"{len(small)} smaller ones together", f"其余 {len(small)} 类合计"))
    return {c: sums[c] for c in kept} | {rest: np.sum([sums[c] for c in small], axis=0)}
