"""What a platform tells the departments whose data it brought: uses and effect in one model (notice, item 5)."""

from __future__ import annotations

from dataclasses import dataclass

from vfl.errors import Text
from vfl.report.scorecard_model import Feature

__all__ = ["DepartmentRow", "FeedbackRow", "FeedbackSection"]


@dataclass(frozen=True, slots=True)
class FeedbackRow:
    """One feature as the platform offered it. NaN where it has no such figure.

    ``spread`` is its share of the spread of the platform's points over the aligned firms: the covariance of its points
    with their sum over the variance of the sum, which is its Shapley value of that variance; shares add up to 1.
    """

    feature: Feature
    item: str
    """Id of the catalogue item, empty without one."""
    name: Text
    """Of the item."""
    departments: tuple[Text, ...]
    mode: Text
    coverage: float
    """Share of the aligned firms with a value."""
    used: bool
    reason: Text
    """Why it is not used; empty if it is."""
    iv: float = float("nan")
    spread: float = float("nan")
    lowest: float = float("nan")
    """Points of its worst and best bin."""
    highest: float = float("nan")


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """All features that one department answers for; a feature of several departments counts for each."""

    department: Text
    offered: int
    used: int
    iv: float
    spread: float


@dataclass(frozen=True, slots=True)
class FeedbackSection:
    """``held_out`` and the three figures are what the bank told; 0 and NaN where the rows were too few."""

    departments: tuple[DepartmentRow, ...]
    features: tuple[FeedbackRow, ...]
    held_out: int
    auc_joint: float
    auc_bank_alone: float
    ks_joint: float
