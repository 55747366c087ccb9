"""The performance side of the report: how well each model ranks and prices, and who changes sides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Band",
    "BandSection",
    "CalibrationRow",
    "Interval",
    "LiftRow",
    "ModelKind",
    "ModelPerformance",
    "Performance",
    "Pricing",
    "RankPoint",
    "SplitPerformance",
    "SwapSet",
    "Uplift",
]


class ModelKind(StrEnum):
    """Which columns a model was allowed to see."""

    PLATFORM_ALONE = "platform_alone"
    BANK_ALONE = "bank_alone"
    JOINT = "joint"
    POOLED = "pooled"
    """All columns in one table: a yardstick that only a simulation can have."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the ends of its bootstrap interval (NaN where none was computed)."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True, slots=True)
class RankPoint:
    """With the riskiest ``share`` of rows called bad: shares of events and non-events caught, all in [0, 1].

    One such curve holds the ROC (non_events, events), the KS curve (both against share), gain and lift.
    """

    share: float
    events: float
    non_events: float


@dataclass(frozen=True, slots=True)
class LiftRow:
    """One tenth of the rows, riskiest first."""

    group: int
    rows: int
    events: int


@dataclass(frozen=True, slots=True)
class CalibrationRow:
    """One tenth of the rows by predicted probability, safest first."""

    group: int
    rows: int
    events: int
    predicted: float
    """Mean predicted probability of the event."""


@dataclass(frozen=True, slots=True)
class Pricing:
    """Do the probabilities mean what they say? ``p_value`` is that of the number of events under them, two-sided.

    ``slope`` and ``intercept`` are of the log odds of the event on those predicted (Cox): 1 and 0 when calibrated.
    ``chi_square`` is Hosmer and Lemeshow's, with ``degrees`` of freedom: groups - 2 on trained rows, else groups.
    """

    mean_probability: float
    p_value: float
    brier_of_rate: float
    """Brier score of predicting the event rate for all: what a model must stay under."""
    slope: float
    intercept: float
    chi_square: float
    degrees: int
    chi_square_p_value: float


@dataclass(frozen=True, slots=True)
class SplitPerformance:
    """How one model ranks and prices one split. ``brier`` and ``log_loss`` are per row, natural logarithm."""

    split: str
    rows: int
    events: int
    auc: Interval
    ks: Interval
    brier: float = float("nan")
    log_loss: float = float("nan")
    ranking: tuple[RankPoint, ...] = ()
    lift: tuple[LiftRow, ...] = ()
    calibration: tuple[CalibrationRow, ...] = ()
    pricing: Pricing | None = None


@dataclass(frozen=True, slots=True)
class ModelPerformance:
    model: ModelKind
    splits: tuple[SplitPerformance, ...]
    party: str = ""
    """Whose columns, where several parties have a model of the same kind."""


@dataclass(frozen=True, slots=True)
class Uplift:
    """AUC and KS of the joint model less those of ``over``, by a paired bootstrap on the same rows."""

    split: str
    over: ModelKind
    auc: Interval
    ks: Interval
    party: str = ""


@dataclass(frozen=True, slots=True)
class Performance:
    models: tuple[ModelPerformance, ...]
    uplift: tuple[Uplift, ...] = ()
    headline_split: str = "test"
    """The split that the summary and the pictures speak of."""


@dataclass(frozen=True, slots=True)
class Band:
    """Rows whose score lies in [lower, upper); a higher score is safer."""

    lower: float
    upper: float
    rows: int
    events: int


@dataclass(frozen=True, slots=True)
class SwapSet:
    """Who changes sides when the joint model replaces the bank's own at the same approval share."""

    approval_share: float
    both_rows: int
    both_events: int
    swap_in_rows: int
    """Approved by the joint model only."""
    swap_in_events: int
    swap_out_rows: int
    """Approved by the bank's own model only."""
    swap_out_events: int


@dataclass(frozen=True, slots=True)
class BandSection:
    """Score bands of the joint model on one split, safest last, and what changes at given approval shares."""

    split: str
    bands: tuple[Band, ...]
    swaps: tuple[SwapSet, ...] = ()
