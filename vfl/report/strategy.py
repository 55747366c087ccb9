"""From scores, labels and the bank's terms to the strategy and segment sections of the report.

Plain numpy over rows that are the caller's own. ``points`` are higher for safer firms, ``probability`` is that of the
event, ``label`` is 1 for the event; float64, shape (rows,).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vfl.config.report_terms import ReportTerms
from vfl.core import strategy as core
from vfl.report.formats import ratio
from vfl.report.measure import Scored, auc_interval_of, gain_of
from vfl.report.performance_model import Interval
from vfl.report.strategy_model import (
    CutOffRow,
    Decided,
    Economics,
    Match,
    Segment,
    SegmentColumn,
    SegmentSection,
    StrategySection,
)

__all__ = ["SEGMENT_FLOOR", "Partition", "ScoredRows", "chosen_cut_off", "match_of", "segments_of", "strategy_of"]

Floats = npt.NDArray[np.float64]

SEGMENT_FLOOR = 50
"""Rows below which a segment is pooled: rates of fewer firms say more of chance than of the segment."""
_CLASS_FLOOR = 5
_MOST_SEGMENTS = 20


@dataclass(frozen=True, slots=True, repr=False)
class ScoredRows:
    """One split, scored."""

    label: Floats
    points: Floats
    probability: Floats
    exposure: Floats | None = None
    """Per row, at default; None: 1 each."""

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True, slots=True, repr=False)
class Partition:
    """Rows by the values of a column: ``names[place]`` of each row, in the order to be shown; -1 is missing."""

    names: tuple[str, ...]
    place: npt.NDArray[np.int64]


def chosen_cut_off(terms: ReportTerms, points: Floats) -> float:
    """The bank's cut-off, or the score from which up ``approval_rate`` of these points (the training rows') lie.

    Whole points: the same decision whether a score is a sum of whole points or was computed with decimals.
    """
    if terms.cut_off is not None:
        return terms.cut_off
    return float(np.floor(np.quantile(points, 1.0 - terms.approval_rate)))


def strategy_of(
    split: str, rows: Mapping[str, ScoredRows], terms: ReportTerms, cut_off: float, match: Match | None = None
) -> StrategySection:
    """The cut-off table of ``split``, what ``cut_off`` does in every split, and the match of two models.

    Parameters
    ----------
    split : str
        A key of ``rows``.
    rows : mapping of str to ScoredRows
    """
    here = rows[split]
    economics = None
    if terms.loss_given_default is not None:
        margin = math.nan if terms.margin is None else terms.margin
        economics = Economics(terms.exposure, terms.loss_given_default, margin)
    return StrategySection(
        split=split,
        cut_off=cut_off,
        given=terms.cut_off is not None,
        approval_share=ratio(int((here.points >= cut_off).sum()), len(here)),
        table=_table(here, terms, cut_off),
        decided=tuple(_decided(name, s, cut_off) for name, s in rows.items() if len(s)),
        economics=economics,
        match=match,
    )


def _table(rows: ScoredRows, terms: ReportTerms, cut_off: float) -> tuple[CutOffRow, ...]:
    """Twentieths of the scores and the cut-off itself, strictest first; all approved at last."""
    edges = np.quantile(rows.points, np.linspace(0.05, 0.95, 19)).round().tolist()
    edges = [*edges, cut_off, float(np.floor(rows.points.min()))]
    loss = terms.loss_given_default
    table = core.strategy_table(
        rows.points, rows.label, rows.probability, cut_offs=edges, exposure=rows.exposure,
        loss_given_default=0.0 if loss is None else loss,
    )  # fmt: skip
    return tuple(_row(line, rows, terms) for line in table)


def _row(line: core.CutOff, rows: ScoredRows, terms: ReportTerms) -> CutOffRow:
    known = terms.loss_given_default is not None
    profit = math.nan
    if terms.margin is not None:
        owed = np.ones(len(rows)) if rows.exposure is None else rows.exposure
        good = (rows.points >= line.cut_off) & (rows.label == 0)
        profit = terms.margin * float(owed[good].sum()) - line.observed_loss
    return CutOffRow(
        cut_off=line.cut_off,
        approved=line.approved,
        share=line.share,
        event_rate=line.event_rate,
        declined_rate=line.declined_rate,
        avoided=line.avoided,
        expected_loss=line.expected_loss if known else math.nan,
        observed_loss=line.observed_loss if known else math.nan,
        profit=profit,
    )


def _decided(split: str, rows: ScoredRows, cut_off: float) -> Decided:
    approved = core.decide(rows.points, reject_below=cut_off) == core.Decision.APPROVE
    events = int(rows.label.sum())
    of_approved = int(rows.label[approved].sum())
    count = int(approved.sum())
    return Decided(split, count, of_approved, len(rows) - count, events - of_approved)


def match_of(
    split: str,
    label: Floats,
    champion: Floats,
    challenger: Floats,
    *,
    names: tuple[str, str],
    approval_share: float,
    seed: int,
) -> Match | None:
    """Two models on the same rows; None where one class is missing.

    Parameters
    ----------
    champion, challenger : float64 array, (rows,)
        Probabilities of the event.
    names : (str, str)
        Of champion and challenger.
    """
    if not 0 < label.sum() < len(label):
        return None
    found = core.champion_challenger(label, -champion, -challenger, approval_share=approval_share)
    gain, _ = gain_of(Scored(label, challenger), Scored(label, champion), seed=seed)
    approved = round(approval_share * len(label))
    rates = [
        ratio(int(label[np.argsort(p, kind="stable")[:approved]].sum()), approved) for p in (champion, challenger)
    ]
    return Match(
        champion=names[0],
        challenger=names[1],
        split=split,
        rows=len(label),
        champion_auc=found.champion_auc,
        challenger_auc=found.challenger_auc,
        champion_ks=found.champion_ks,
        challenger_ks=found.challenger_ks,
        auc_gain=gain,
        p_value=found.p_value,
        approval_share=approval_share,
        champion_rate=rates[0],
        challenger_rate=rates[1],
        in_rows=found.swapped_in,
        in_events=round(found.in_rate * found.swapped_in) if found.swapped_in else 0,
        out_rows=found.swapped_out,
        out_events=round(found.out_rate * found.swapped_out) if found.swapped_out else 0,
    )


def segments_of(
    split: str,
    rows: ScoredRows,
    columns: Mapping[str, Partition],
    cut_off: float,
    *,
    modelled: frozenset[str],
    seed: int,
    floor: int = SEGMENT_FLOOR,
) -> SegmentSection:
    """Rows, bad rate, approval, AUC and mean probability of each value of each column.

    Parameters
    ----------
    columns : mapping of str to Partition
    modelled : frozenset of str
        Columns that are features of the model too.
    floor : int
        Values with fewer rows are pooled.
    """
    return SegmentSection(
        split, cut_off, floor,
        tuple(
            SegmentColumn(name, name in modelled, _segments(rows, values, cut_off, seed, floor))
            for name, values in columns.items()
        ),
    )  # fmt: skip


def _segments(rows: ScoredRows, values: Partition, cut_off: float, seed: int, floor: int) -> tuple[Segment, ...]:
    counts = np.bincount(values.place + 1, minlength=len(values.names) + 1)
    largest = np.argsort(-counts, kind="stable")[:_MOST_SEGMENTS]
    alone = sorted(int(i) for i in largest if counts[i] >= floor)
    groups = [("" if i == 0 else values.names[i - 1], values.place == i - 1, False) for i in alone]
    rest = ~np.isin(values.place + 1, alone)
    if rest.any():
        groups.append(("", rest, True))
    made = [_segment(name, rows, chosen, cut_off, seed, pooled) for name, chosen, pooled in groups]
    # The best-treated segment is one that may be judged: a pooled rest is no group of firms.
    best = max((ratio(s.approved, s.rows) for s in made if not s.pooled), default=math.nan)
    return tuple(
        s if s.pooled else replace(s, approval_ratio=ratio(ratio(s.approved, s.rows), best)) for s in made
    )


def _segment(
    name: str, rows: ScoredRows, chosen: npt.NDArray[np.bool_], cut_off: float, seed: int, pooled: bool
) -> Segment:
    label, p = rows.label[chosen], rows.probability[chosen]
    events = int(label.sum())
    enough = min(events, len(label) - events) >= _CLASS_FLOOR
    return Segment(
        value=name,
        rows=len(label),
        events=events,
        approved=int((rows.points[chosen] >= cut_off).sum()),
        mean_probability=float(p.mean()),
        auc=auc_interval_of(label, p, seed=seed) if enough else Interval(math.nan),
        pooled=pooled,
    )
