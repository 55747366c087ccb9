"""The record of the selection: which feature went at which step, by which figure and bound. For each owner's report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vfl.config.binning import BinningSpec
from vfl.core.selection import Reason, Removal
from vfl.errors import DataError, Text

__all__ = ["SelectionStep", "limit_of", "require_columns"]

_LIMITS = {
    Reason.MISSING: "max_missing",
    Reason.STABILITY: "max_shift",
    Reason.LOW_IV: "min_iv",
    Reason.HIGH_IV: "max_iv",
    Reason.CORRELATION: "max_correlation",
    Reason.VIF: "max_vif",
}
"""Keys of ``[binning]`` that a reason's bound is written under."""


def limit_of(reason: Reason, spec: BinningSpec) -> float:
    """The job's bound for a step; NaN where it has none."""
    return float(getattr(spec, _LIMITS[reason])) if reason in _LIMITS else np.nan


@dataclass(frozen=True, slots=True)
class SelectionStep:
    """One feature that went.

    Attributes
    ----------
    feature : str
        The name of an own feature, the place of another owner's.
    value, limit : float
        The figure that decided, NaN where another owner keeps it, and its bound, NaN where there is none.
    other : str or None
        The feature it was too close to.
    """

    owner: str
    feature: str
    step: Reason
    value: float
    limit: float
    other: str | None = None

    @classmethod
    def of(cls, removal: Removal, owner: str, labels: Sequence[str]) -> SelectionStep:
        """``labels`` names features by the positions that ``removal`` counts in."""
        other = None if removal.other is None else labels[removal.other]
        return cls(owner, labels[removal.feature], removal.reason, removal.value, removal.limit, other)

    @property
    def text(self) -> Text:
        """The step in one sentence."""
        other = None if self.other is None else 1
        return Removal(0, self.step, self.value, self.limit, other).text((self.feature, self.other or ""))

    def to_list(self) -> list[Any]:
        return [self.owner, self.feature, self.step.value, self.value, self.limit, self.other]

    @classmethod
    def from_list(cls, state: Sequence[Any]) -> SelectionStep:
        owner, feature, step, value, limit, other = state
        return cls(owner, feature, Reason(step), value, limit, other)


def require_columns(platform: str, brought: int, removed: Iterable[Removal], spec: BinningSpec) -> None:
    """Refuse to go on where no feature of a platform is left, and say which limits took them out.

    Raises
    ------
    DataError
        ``SCREENING_EMPTY``.
    """
    reasons = [removal.reason for removal in removed]
    if len(reasons) < brought:
        return
    told = [f"{_LIMITS[r]} = {limit_of(r, spec):g} ({reasons.count(r)})" for r in _LIMITS if r in reasons]
    en = f"of the {brought} features of {platform} that were binned none is left"
    zh = f"{platform} 参与分箱的 {brought} 个特征均未保留"
    raise DataError(
        "SCREENING_EMPTY",
        Text(en=f"{en}; taken out by: {', '.join(told)}" if told else en,
             zh=f"{zh}；剔除依据：{'、'.join(told)}" if told else zh),
        cure=Text(en="loosen these limits in [binning], or bring other features",
                  zh="请在 [binning] 中放宽上述限值，或提供其他特征"),
    )
