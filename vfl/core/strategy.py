"""What a cut-off on the score would do: approvals, bad rate, loss; whom it rejects; champion against challenger.

``score`` is in points: higher is safer. ``label`` is 1 for the event. All arrays have shape (rows,).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from vfl.config.faults import data_fault
from vfl.core import metrics

__all__ = ["FAULTS", "CutOff", "Decision", "Match", "champion_challenger", "cut_off_for", "decide", "strategy_table"]

Floats = npt.NDArray[np.float64]

STRATEGY_INPUT = data_fault(
    "STRATEGY_INPUT",
    "Scores, labels, probabilities and exposures must be one finite number per row, labels 0 or 1.",
    "评分、标签、概率与敞口须每行各一个有限数值，标签须为 0 或 1。",
    "Correct the columns that are evaluated.",
    "请更正参与评估的列。",
)
STRATEGY_CUT_OFFS = data_fault(
    "STRATEGY_CUT_OFFS",
    "The cut-off for rejection lies above the one for review.",
    "拒绝线高于人工审核线。",
    "Set reject_below at most equal to review_below.",
    "请将 reject_below 设为不高于 review_below。",
)

FAULTS = (STRATEGY_INPUT, STRATEGY_CUT_OFFS)


@dataclass(frozen=True, slots=True)
class CutOff:
    """Approving every score from ``cut_off`` up. Rates are NaN where there is no row.

    Attributes
    ----------
    approved : int
        Rows.
    share : float
        Of all rows.
    event_rate, declined_rate : float
        Of the approved and of the others.
    avoided : float
        Share of all events among the others.
    expected_loss : float
        Sum of PD · LGD · exposure over the approved.
    observed_loss : float
        Sum of LGD · exposure over the approved events.
    """

    cut_off: float
    approved: int
    share: float
    event_rate: float
    declined_rate: float
    avoided: float
    expected_loss: float
    observed_loss: float


def strategy_table(
    score: npt.ArrayLike,
    label: npt.ArrayLike,
    probability: npt.ArrayLike,
    *,
    cut_offs: Sequence[float] | None = None,
    exposure: npt.ArrayLike | None = None,
    loss_given_default: float = 0.45,
) -> tuple[CutOff, ...]:
    """One row per cut-off, the strictest first.

    Parameters
    ----------
    probability
        Of the event, per row: what the expected loss is made of.
    cut_offs : optional
        In points; else the twentieths of the scores.
    exposure : optional
        At default, per row; else 1 each, so that losses are shares of the number of firms.
    loss_given_default : float
        Share of the exposure that is lost; 0.45 is the foundation approach's for senior unsecured claims
        (Basel II, §287).

    Raises
    ------
    DataError
        ``STRATEGY_INPUT``.
    """
    points, events, pd = (np.asarray(a, dtype=np.float64) for a in (score, label, probability))
    owed = np.ones(points.shape) if exposure is None else np.asarray(exposure, dtype=np.float64)
    _check(points, events, pd, owed)
    order = np.argsort(-points, kind="stable")
    # Sums over the highest k scores, for k = 0 ... rows.
    falling = -points[order]
    bad = np.concatenate(([0.0], np.cumsum(events[order])))
    expected = np.concatenate(([0.0], np.cumsum((pd * owed)[order])))
    observed = np.concatenate(([0.0], np.cumsum((events * owed)[order])))
    chosen = np.quantile(points, np.linspace(0, 0.95, 20), method="lower") if cut_offs is None else cut_offs
    out = []
    for cut_off in sorted({float(c) for c in chosen}, reverse=True):
        k = int(np.searchsorted(falling, -cut_off, side="right"))
        out.append(
            CutOff(
                cut_off=cut_off,
                approved=k,
                share=k / len(points),
                event_rate=_ratio(bad[k], k),
                declined_rate=_ratio(bad[-1] - bad[k], len(points) - k),
                avoided=_ratio(bad[-1] - bad[k], bad[-1]),
                expected_loss=float(expected[k]) * loss_given_default,
                observed_loss=float(observed[k]) * loss_given_default,
            )
        )
    return tuple(out)


def cut_off_for(table: Sequence[CutOff], *, max_event_rate: float) -> CutOff | None:
    """The row that approves most with an event rate up to ``max_event_rate``; None if there is none."""
    fit = [row for row in table if row.event_rate <= max_event_rate]
    return max(fit, key=lambda row: row.approved, default=None)


class Decision(IntEnum):
    """What the cut-offs say of a firm; a clerk may say otherwise."""

    REJECT = 0
    REVIEW = 1
    APPROVE = 2


def decide(
    score: npt.ArrayLike, *, reject_below: float, review_below: float | None = None
) -> npt.NDArray[np.int8]:
    """:class:`Decision` of each score; without ``review_below`` no firm is sent to a clerk.

    Raises
    ------
    DataError
        ``STRATEGY_CUT_OFFS``.
    """
    upper = reject_below if review_below is None else review_below
    if not reject_below <= upper:
        raise STRATEGY_CUT_OFFS.at()
    points = np.asarray(score, dtype=np.float64)
    return ((points >= reject_below).astype(np.int8) + (points >= upper)).astype(np.int8)


@dataclass(frozen=True, slots=True)
class Match:
    """Champion and challenger on the same rows.

    Attributes
    ----------
    champion_auc, challenger_auc, champion_ks, challenger_ks : float
    p_value : float
        Two-sided, of equal AUC (DeLong, DeLong and Clarke-Pearson 1988); 1 where the two rank all pairs alike.
    swapped_in, swapped_out : int
        Rows that the challenger alone approves and that it alone declines, at one share of approvals.
    in_rate, out_rate : float
        Their event rates; a better challenger has the lower rate of those in.
    """

    champion_auc: float
    challenger_auc: float
    champion_ks: float
    challenger_ks: float
    p_value: float
    swapped_in: int
    swapped_out: int
    in_rate: float
    out_rate: float


def champion_challenger(
    label: npt.ArrayLike, champion: npt.ArrayLike, challenger: npt.ArrayLike, *, approval_share: float = 0.7
) -> Match:
    """Compare two scores in points; equal scores at the edge of approval keep the order of the rows.

    Raises
    ------
    DataError
        ``STRATEGY_INPUT``; ``METRIC_INPUT`` if one class is missing.
    """
    y, a, b = (np.asarray(x, dtype=np.float64) for x in (label, champion, challenger))
    _check(a, y, b)
    auc_a, auc_b = metrics.auc(y, -a), metrics.auc(y, -b)
    approved = round(approval_share * len(y))
    by_a, by_b = (np.zeros(len(y), dtype=np.bool_) for _ in range(2))
    by_a[np.argsort(-a, kind="stable")[:approved]] = True
    by_b[np.argsort(-b, kind="stable")[:approved]] = True
    into, out = by_b & ~by_a, by_a & ~by_b
    return Match(
        champion_auc=auc_a,
        challenger_auc=auc_b,
        champion_ks=metrics.ks(y, -a),
        challenger_ks=metrics.ks(y, -b),
        p_value=_delong(y, -a, -b),
        swapped_in=int(into.sum()),
        swapped_out=int(out.sum()),
        in_rate=_ratio(float(y[into].sum()), int(into.sum())),
        out_rate=_ratio(float(y[out].sum()), int(out.sum())),
    )


def _delong(label: Floats, first: Floats, second: Floats) -> float:
    """p-value of equal AUC by placements, i.e. mid-ranks over all less those within the class (Sun and Xu 2014)."""
    event = label == 1
    above, below = [], []
    for score in (first, second):
        ranks = _mid_ranks(score)
        above.append((ranks[event] - _mid_ranks(score[event])) / (~event).sum())
        below.append(1.0 - (ranks[~event] - _mid_ranks(score[~event])) / event.sum())
    difference = np.array([1.0, -1.0])
    variance = sum(float(difference @ np.cov(v) @ difference) / v.shape[1] for v in map(np.array, (above, below)))
    gap = float(np.mean(above[0]) - np.mean(above[1]))
    if not variance > 1e-18:
        return 1.0 if abs(gap) < 1e-12 else 0.0
    return math.erfc(abs(gap) / math.sqrt(2.0 * variance))


def _mid_ranks(score: Floats) -> Floats:
    _, group, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: Floats = last - (counts - 1) / 2.0
    return middle[group]


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


def _check(points: Floats, label: Floats, *others: Floats) -> None:
    same = points.ndim == 1 and points.size > 0 and all(a.shape == points.shape for a in (label, *others))
    if not same or not all(np.isfinite(a).all() for a in (points, label, *others)):
        raise STRATEGY_INPUT.at()
    if not ((label == 0) | (label == 1)).all():
        raise STRATEGY_INPUT.at()
