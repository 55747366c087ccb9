"""A feature on a scorecard: the rule from a value to a bin, and each bin's points.

The last bin of every feature is what training never saw: WOE 0, neither safer nor riskier. A rule is all that an
export needs, in the order in which it is applied: missing first, then special values, then intervals [a, b) or levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.config.faults import data_fault
from vfl.core.binned_table import WoeFeature
from vfl.core.prebins import CategoryPreBins, NumericPreBins
from vfl.errors import LocalProtocolError, Place, Text

__all__ = ["FAULTS", "CardFeature", "CategoryRule", "HiddenFeature", "NumericRule", "ReasonText", "Values", "card_rule"]

Floats = npt.NDArray[np.float64]
Bins = npt.NDArray[np.intp]
Values = Floats | Sequence[str | None]
"""A column: float64 with NaN for missing, or a sequence of levels with None for missing."""

SCORECARD_EDGES = data_fault(
    "SCORECARD_EDGES",
    "A cut or special value of the bins is not finite, so no export can hold it.",
    "分箱的切分点或特殊值不是有限数值，无法导出。",
    "Replace infinite values in the column and bin it again.",
    "请替换该列中的无穷值后重新分箱。",
)

FAULTS = (SCORECARD_EDGES,)


@dataclass(frozen=True, slots=True)
class NumericRule:
    """``intervals[k]`` is the bin from ``edges[k - 1]`` up to, not including, ``edges[k]``; ``specials`` go first."""

    edges: tuple[float, ...]
    intervals: tuple[int, ...]
    specials: tuple[tuple[float, int], ...]
    missing: int

    def __post_init__(self) -> None:
        if len(self.intervals) != len(self.edges) + 1 or any(a >= b for a, b in pairwise(self.edges)):
            raise _shape()
        if not np.isfinite([*self.edges, *(value for value, _ in self.specials)]).all():
            raise SCORECARD_EDGES.at()

    def bins(self, values: Values) -> Bins:
        """Bin of each value, shape (rows,); NaN is missing."""
        x = np.asarray(values, dtype=np.float64)
        out = np.asarray(self.intervals, dtype=np.intp)[np.searchsorted(np.asarray(self.edges), x, side="right")]
        for value, bin_ in self.specials:
            out[x == value] = bin_
        out[np.isnan(x)] = self.missing
        return out

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "numeric",
            "edges": list(self.edges),
            "intervals": list(self.intervals),
            "specials": [[value, bin_] for value, bin_ in self.specials],
            "missing": self.missing,
        }


@dataclass(frozen=True, slots=True)
class CategoryRule:
    """Bin of each known level; ``other`` is that of all others, ``missing`` that of no level."""

    levels: tuple[tuple[str, int], ...]
    other: int
    missing: int

    def bins(self, values: Values) -> Bins:
        """Bin of each level, shape (rows,); None is missing."""
        of_level: dict[str | None, int] = dict(self.levels)
        of_level[None] = self.missing
        return np.array([of_level.get(level, self.other) for level in values], dtype=np.intp)

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "category",
            "levels": [[level, bin_] for level, bin_ in self.levels],
            "other": self.other,
            "missing": self.missing,
        }


def card_rule(feature: WoeFeature) -> NumericRule | CategoryRule:
    """The rule of a binned feature, with neighbouring intervals of one bin joined."""
    prebins, groups = feature.prebins, feature.merge.groups
    unseen = len(feature.merge.woe)
    missing = unseen if prebins.rest is None else groups[prebins.rest]
    if isinstance(prebins, NumericPreBins):
        regular = groups[: prebins.regular]
        cuts = [k for k in range(1, len(regular)) if regular[k] != regular[k - 1]]
        specials = [
            (value, groups[prebins.regular + number])
            for number, group in enumerate(prebins.specials)
            for value in group
        ]
        specials += [(value, missing) for value in prebins.small_specials]
        return NumericRule(
            edges=tuple(float(prebins.edges[k - 1]) for k in cuts),
            intervals=tuple(regular[k] for k in (0, *cuts)),
            specials=tuple(specials),
            missing=missing,
        )
    if isinstance(prebins, CategoryPreBins):
        return CategoryRule(
            levels=tuple((level, groups[b]) for b, members in enumerate(prebins.levels) for level in members),
            other=unseen if prebins.rare is None else groups[prebins.rare],
            missing=missing,
        )
    raise _shape()


@dataclass(frozen=True, slots=True)
class ReasonText:
    """What is told when a feature pulled the score down: a code, and words of the owner's choice."""

    code: str
    text: Text

    @classmethod
    def of(cls, owner: str, index: int, name: str) -> ReasonText:
        """The plain default."""
        return cls(f"{owner.upper()}-{index:02d}", Text(f"{name} lowered the score", f"{name} 拉低了评分"))


@dataclass(frozen=True, slots=True)
class HiddenFeature:
    """A feature of another owner: it exists, and that is all its reader knows."""

    owner: str
    index: int

    def to_dict(self) -> dict[str, Any]:
        return {"owner": self.owner, "index": self.index}


@dataclass(frozen=True, slots=True)
class CardFeature:
    """A feature with the points of its bins.

    Attributes
    ----------
    owner, index : str, int
        Whose it is, and its 1-based place among the owner's.
    name : str
    rule : NumericRule or CategoryRule
    woe : tuple of float
        Of each bin; positive = safer; the last 0, for what training never saw.
    points : tuple of int
        Of each bin, in the same order.
    reason : ReasonText
    """

    owner: str
    index: int
    name: str
    rule: NumericRule | CategoryRule
    woe: tuple[float, ...]
    points: tuple[int, ...]
    reason: ReasonText

    def __post_init__(self) -> None:
        rule = self.rule
        used = (
            [*rule.intervals, *(b for _, b in rule.specials), rule.missing]
            if isinstance(rule, NumericRule)
            else [*(b for _, b in rule.levels), rule.other, rule.missing]
        )
        if len(self.woe) != len(self.points) or not 0 <= min(used) <= max(used) < len(self.points):
            raise _shape(self.name)

    @property
    def best(self) -> int:
        """Points of the best bin."""
        return max(self.points)

    @property
    def neutral(self) -> int:
        """Points at WOE 0."""
        return self.points[-1]

    def to_dict(self) -> dict[str, Any]:
        return {
            "owner": self.owner,
            "index": self.index,
            "name": self.name,
            "rule": self.rule.to_dict(),
            "woe": list(self.woe),
            "points": list(self.points),
            "reason": {"code": self.reason.code, "en": self.reason.text.en, "zh": self.reason.text.zh},
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> CardFeature:
        reason = state["reason"]
        return cls(
            owner=state["owner"],
            index=state["index"],
            name=state["name"],
            rule=_rule_from_dict(state["rule"]),
            woe=tuple(state["woe"]),
            points=tuple(state["points"]),
            reason=ReasonText(reason["code"], Text(reason["en"], reason["zh"])),
        )


def _rule_from_dict(state: Mapping[str, Any]) -> NumericRule | CategoryRule:
    if state["kind"] == "numeric":
        specials = tuple((value, bin_) for value, bin_ in state["specials"])
        return NumericRule(tuple(state["edges"]), tuple(state["intervals"]), specials, state["missing"])
    if state["kind"] == "category":
        return CategoryRule(tuple((level, bin_) for level, bin_ in state["levels"]), state["other"], state["missing"])
    raise _shape()


def _shape(name: str | None = None) -> LocalProtocolError:
    return LocalProtocolError(
        "CARD_FEATURE_SHAPE",
        Text("bins and points of a feature do not belong together", "特征的分箱与得分不一致"),
        cure=Text("this is a fault of the calling code: report it", "调用代码有误，请报告"),
        place=None if name is None else Place(column=name),
    )
