"""The lending side of the report: what a cut-off does, who is marked as rejected, how segments fare."""

from __future__ import annotations

from dataclasses import dataclass

from vfl.report.performance_model import Interval

__all__ = [
    "CutOffRow",
    "Decided",
    "Economics",
    "Match",
    "Segment",
    "SegmentColumn",
    "SegmentSection",
    "StrategySection",
]


@dataclass(frozen=True, slots=True)
class CutOffRow:
    """Approving every score from ``cut_off`` up. Sums are in units of exposure; NaN where not asked for."""

    cut_off: float
    approved: int
    share: float
    event_rate: float
    declined_rate: float
    avoided: float
    """Share of all events among the declined."""
    expected_loss: float = float("nan")
    """By the model's probabilities."""
    observed_loss: float = float("nan")
    profit: float = float("nan")
    """Margin on the approved good, less the observed loss."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One split at the report's own cut-off: the declined are those marked as rejected."""

    split: str
    approved_rows: int
    approved_events: int
    declined_rows: int
    declined_events: int


@dataclass(frozen=True, slots=True)
class Economics:
    """What the sums are made of. ``exposure`` names the column, empty for 1 each; ``margin`` is NaN without profit."""

    exposure: str
    loss_given_default: float
    margin: float = float("nan")


@dataclass(frozen=True, slots=True)
class Match:
    """Champion and challenger on the same held-out rows, both approving ``approval_share`` of them."""

    champion: str
    """``bank_alone``, or a name of the job's own."""
    challenger: str
    split: str
    rows: int
    champion_auc: float
    challenger_auc: float
    champion_ks: float
    challenger_ks: float
    auc_gain: Interval
    p_value: float
    """Two-sided, of equal AUC (DeLong)."""
    approval_share: float
    champion_rate: float
    """Event rate of those that the champion approves."""
    challenger_rate: float
    in_rows: int
    in_events: int
    out_rows: int
    out_events: int


@dataclass(frozen=True, slots=True)
class StrategySection:
    """``given``: the bank named the cut-off; else it follows from ``approval_share`` of the training rows."""

    split: str
    cut_off: float
    given: bool
    approval_share: float
    table: tuple[CutOffRow, ...]
    decided: tuple[Decided, ...] = ()
    economics: Economics | None = None
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Firms of one value (``value`` empty: missing; ``other`` pooled below the floor of rows)."""

    value: str
    rows: int
    events: int
    approved: int
    mean_probability: float
    auc: Interval
    approval_ratio: float = float("nan")
    """Approval rate over the highest of the column's; below 0.8 it wants a reason (the four-fifths rule)."""
    pooled: bool = False
    """All values too rare to be judged alone."""


@dataclass(frozen=True, slots=True)
class SegmentColumn:
    column: str
    modelled: bool
    """The column is a feature of the model too."""
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class SegmentSection:
    """``row_floor``: values with fewer rows are pooled, and no rate of fewer rows is shown."""

    split: str
    cut_off: float
    row_floor: int
    columns: tuple[SegmentColumn, ...]
