"""From a platform's own features, points and catalogue to its feedback section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from vfl.data.catalogue import Catalogue
from vfl.errors import ConfigError, Text
from vfl.report.feedback_model import DepartmentRow, FeedbackRow, FeedbackSection

__all__ = ["described", "feedback_section", "spread_shares"]

_NONE = Text("", "")
_UNDECLARED = Text("no catalogue item", "非目录信息")


def spread_shares(points: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Each feature's share of the variance of the sum of points, shape (features,); zeros where all rows are alike.

    cov(points of the feature, sum) / var(sum): the Shapley value of the variance of a sum. Negative for a feature whose
    points mostly offset those of the others.
    """
    x = points.astype(np.float64)
    centred = x - x.mean(axis=0)
    total = centred.sum(axis=1)
    variance = float(total @ total)
    out: npt.NDArray[np.float64] = centred.T @ total / variance if variance > 0 else np.zeros(x.shape[1])
    return out


def described(catalogue: Catalogue, item: str | None) -> tuple[Text, tuple[Text, ...], Text]:
    """Name, departments and mode of sharing of an item; one that the national list does not have is told by its id."""
    if item is None:
        return _UNDECLARED, (_UNDECLARED,), _NONE
    try:
        found = catalogue.item(item)
    except ConfigError:
        named = Text(item, item)
        return named, (named,), _NONE
    return found.name, tuple(d.name for d in found.departments), found.mode.label


def feedback_section(features: Sequence[FeedbackRow], quality: Mapping[str, float]) -> FeedbackSection:
    """``features``, the used ones first by IV, summed by department; ``quality`` as the bank told it."""
    ranked = sorted(features, key=lambda f: (not f.used, -np.nan_to_num(f.iv), f.feature.index))
    names = dict.fromkeys(department for f in ranked for department in f.departments)
    departments = []
    for name in names:
        own = [f for f in ranked if name in f.departments]
        used = [f for f in own if f.used]
        iv, spread = sum(f.iv for f in used), sum(f.spread for f in used)
        departments.append(DepartmentRow(name, len(own), len(used), float(iv), float(spread)))
    return FeedbackSection(
        departments=tuple(sorted(departments, key=lambda d: -d.iv)),
        features=tuple(ranked),
        held_out=int(quality.get("rows", 0)),
        auc_joint=quality.get("auc_joint", np.nan),
        auc_bank_alone=quality.get("auc_bank_alone", np.nan),
        ks_joint=quality.get("ks_joint", np.nan),
    )
