"""The scorecard side of the report: binning, coefficients, points, reasons, stability."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vfl.errors import Text

__all__ = [
    "Bin",
    "BinKind",
    "BinningTable",
    "Coefficient",
    "Correlation",
    "Feature",
    "ReasonCode",
    "Removed",
    "Scaling",
    "ScorecardSection",
    "StabilityRow",
    "StabilitySection",
]


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of a party. ``name`` is ``None`` where the contract does not let the reader know it."""

    owner: str
    index: int
    """1-based place in the owner's list in this job; shown where there is no name."""
    name: str | None = None

    @property
    def label(self) -> str:
        """The name, or ``platform-a #3``."""
        return self.name if self.name is not None else f"{self.owner} #{self.index}"


class BinKind(StrEnum):
    INTERVAL = "interval"
    CATEGORIES = "categories"
    MISSING = "missing"
    SPECIAL = "special"
    ANONYMOUS = "anonymous"
    """A bin of another owner: the reader knows its counts under the floors, not its edges."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin. ``label`` is its interval or categories as its owner writes them, else empty.

    ``rows`` and ``events`` are ``None`` where the reader is not told them. ``woe`` is
    ln(non-event share / event share): positive is safer. ``points`` is NaN where the reader has no points.
    """

    kind: BinKind
    woe: float
    iv: float = float("nan")
    label: str = ""
    rows: int | None = None
    events: int | None = None
    points: float = float("nan")


@dataclass(frozen=True, slots=True)
class BinningTable:
    """分箱表 of one feature."""

    feature: Feature
    iv: float
    bins: tuple[Bin, ...]
    trend: str = ""
    """Of the event rate: ``ascending``, ``descending``, ``peak``, ``valley`` or ``none``."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A weight of the logistic regression on the WOE column of a feature (``None``: the intercept).

    With WOE positive for safer bins and the event as target, every weight should be negative.
    """

    feature: Feature | None
    estimate: float
    standard_error: float = float("nan")
    p_value: float = float("nan")
    vif: float = float("nan")


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson correlation of the WOE columns: ``matrix[i][j]`` for ``labels[i]``, ``labels[j]``."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Scaling:
    """``base_points`` at ``base_odds`` (non-event : event); ``pdo`` more points double the odds."""

    base_points: float
    base_odds: float
    pdo: float
    intercept_points: float = float("nan")
    """Points every firm starts from, before its bins' points are added."""


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """What is told to a firm or a clerk when this feature pulled the score down most."""

    code: str
    owner: str
    text: Text


@dataclass(frozen=True, slots=True)
class Removed:
    """A feature that was offered and is not on the card."""

    feature: Feature
    step: str
    """The rule that it broke: ``low-iv``, ``correlation``, ``vif`` and the like."""
    text: Text
    iv: float = float("nan")


@dataclass(frozen=True, slots=True)
class ScorecardSection:
    tables: tuple[BinningTable, ...]
    coefficients: tuple[Coefficient, ...] = ()
    correlation: Correlation | None = None
    scaling: Scaling | None = None
    reasons: tuple[ReasonCode, ...] = ()
    removed: tuple[Removed, ...] = ()


@dataclass(frozen=True, slots=True)
class StabilityRow:
    """Stability index of the score (``feature`` ``None``) or of a feature (CSI) in one split or period."""

    period: str
    value: float
    feature: Feature | None = None


@dataclass(frozen=True, slots=True)
class StabilitySection:
    """Sum of (share − reference share) · ln(share / reference share): < 0.1 stable, > 0.25 shifted."""

    reference: str
    rows: tuple[StabilityRow, ...]
