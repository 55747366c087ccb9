"""From labels and scores to the tables of the report: performance, gain over one party alone, bands, swap set.

Plain numpy over rows that are the caller's own; nothing here knows a party or a key. ``label`` is 1 for the event
(bad). ``probability`` is that of the event, so higher is riskier; ``points`` are scorecard points, so higher is
safer. All are float64 arrays of shape (rows,). What is not defined (AUC without events) comes out as NaN.

Intervals are percentile bootstraps drawn within events and within others (Efron and Tibshirani 1993, §13), from
``seed`` alone, so that a report is reproduced to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.core import calibration, metrics
from vfl.errors import DataError, Text
from vfl.report.performance_model import (
    Band,
    BandSection,
    CalibrationRow,
    Interval,
    LiftRow,
    ModelKind,
    ModelPerformance,
    Pricing,
    RankPoint,
    SplitPerformance,
    SwapSet,
    Uplift,
)
from vfl.report.scorecard_model import Feature, StabilityRow

__all__ = [
    "Scored",
    "auc_interval_of",
    "bands_of",
    "gain_of",
    "performance_of",
    "ranking_of",
    "stability_of",
    "swap_set_of",
    "uplift_of",
]

FloatArray = npt.NDArray[np.float64]

_TENTHS = 10
_LEVEL = 0.95
_NOT_DEFINED = Interval(float("nan"))


@dataclass(frozen=True, slots=True)
class Scored:
    """Labels and predicted event probabilities of the rows of one split."""

    label: FloatArray
    probability: FloatArray


def performance_of(
    model: ModelKind, splits: Mapping[str, Scored], *, seed: int, party: str = "", rounds: int = 200
) -> ModelPerformance:
    """All that the report says of one model.

    Parameters
    ----------
    model : ModelKind
        Which columns it saw.
    splits : mapping of str to Scored
        By name: ``train``, ``valid``, ``test``, ``out_of_time`` or a name of the job's own.
    seed : int
        Of the bootstrap.
    party : str
        Whose model it is, where several parties have one of this kind.
    rounds : int
        Bootstrap draws.

    Raises
    ------
    DataError
        ``REPORT_COLUMNS``: labels other than 0 and 1, scores that are not finite, unequal lengths.
    """
    measured = tuple(_split_performance(name, scored, seed, rounds) for name, scored in splits.items())
    return ModelPerformance(model, measured, party)


def _split_performance(split: str, scored: Scored, seed: int, rounds: int) -> SplitPerformance:
    label, p = _checked(scored.label, scored.probability)
    rows, events = len(label), int(label.sum())
    if rows == 0:
        return SplitPerformance(split, 0, 0, _NOT_DEFINED, _NOT_DEFINED)
    auc = ks = _NOT_DEFINED
    lift: tuple[LiftRow, ...] = ()
    pricing = None
    if 0 < events < rows:
        draws = _bootstrap(label, (p,), seed, rounds)[0]
        auc = _interval(metrics.auc(label, p), draws[:, 0])
        ks = _interval(metrics.ks(label, p), draws[:, 1])
        bands = metrics.lift_table(label, p, bands=_TENTHS)
        lift = tuple(LiftRow(i, round(band.rows), round(band.events)) for i, band in enumerate(bands, 1))
        pricing = _pricing_of(label, p, trained_on=split == "train")
    return SplitPerformance(
        split=split,
        rows=rows,
        events=events,
        auc=auc,
        ks=ks,
        brier=float(np.mean((p - label) ** 2)),
        log_loss=metrics.log_loss(label, p),
        ranking=ranking_of(label, p),
        lift=lift,
        calibration=_calibration_of(label, p),
        pricing=pricing,
    )


def _pricing_of(label: FloatArray, probability: FloatArray, *, trained_on: bool) -> Pricing:
    found = calibration.calibration(label, probability, trained_on=trained_on)
    test = found.hosmer_lemeshow
    return Pricing(
        mean_probability=found.mean_probability,
        p_value=found.p_value,
        brier_of_rate=found.brier_of_rate,
        slope=found.slope,
        intercept=found.intercept,
        chi_square=test.statistic,
        degrees=test.degrees,
        chi_square_p_value=test.p_value,
    )


def auc_interval_of(label: FloatArray, probability: FloatArray, *, seed: int, rounds: int = 200) -> Interval:
    """AUC with its bootstrap interval; not defined where one class is absent."""
    label, p = _checked(label, probability)
    if not 0 < label.sum() < len(label):
        return _NOT_DEFINED
    return _interval(metrics.auc(label, p), _bootstrap(label, (p,), seed, rounds)[0][:, 0])


def uplift_of(
    split: str, joint: Scored, alone: Scored, *, over: ModelKind, seed: int, party: str = "", rounds: int = 200
) -> Uplift:
    """Gain of the joint model over a model of one party, by a bootstrap paired on the rows of ``split``."""
    return Uplift(split, over, *gain_of(joint, alone, seed=seed, rounds=rounds), party)


def gain_of(scored: Scored, beside: Scored, *, seed: int, rounds: int = 200) -> tuple[Interval, Interval]:
    """AUC and KS of the first less those of the second, by a bootstrap paired on the same rows."""
    label, p = _checked(scored.label, scored.probability)
    other, q = _checked(beside.label, beside.probability)
    if not np.array_equal(label, other):
        raise _refused(
            "Two models are compared on different rows.",
            "两个模型的对比样本不一致。",
        )
    if not 0 < label.sum() < len(label):
        return _NOT_DEFINED, _NOT_DEFINED
    first, second = _bootstrap(label, (p, q), seed, rounds)
    gains = first - second
    auc = metrics.auc(label, p) - metrics.auc(label, q)
    ks = metrics.ks(label, p) - metrics.ks(label, q)
    return _interval(auc, gains[:, 0]), _interval(ks, gains[:, 1])


def ranking_of(label: FloatArray, probability: FloatArray, *, points: int = 200) -> tuple[RankPoint, ...]:
    """The ranking curve, thinned to about ``points`` of its corners; the corner of the KS is always kept.

    Rows of equal probability are passed together, so that the curve does not depend on their order.
    Empty where one class is absent.
    """
    label, probability = _checked(label, probability)
    total = label.sum()
    if not 0 < total < len(label):
        return ()
    order = np.argsort(-probability, kind="stable")
    last_of_ties = np.append(np.flatnonzero(np.diff(probability[order])), len(label) - 1)
    events = np.cumsum(label[order])[last_of_ties]
    caught, flagged = events / total, (last_of_ties + 1 - events) / (len(label) - total)
    kept = np.linspace(0, len(last_of_ties) - 1, points).round().astype(np.intp)
    kept = np.unique(np.append(kept, np.argmax(np.abs(caught - flagged))))
    shares = (last_of_ties + 1) / len(label)
    corners = [RankPoint(float(shares[i]), float(caught[i]), float(flagged[i])) for i in kept]
    return (RankPoint(0.0, 0.0, 0.0), *corners)


def _calibration_of(label: FloatArray, probability: FloatArray) -> tuple[CalibrationRow, ...]:
    """Rows, events and mean probability of each tenth, safest first."""
    tenths = np.array_split(np.argsort(probability, kind="stable"), _TENTHS)
    return tuple(
        CalibrationRow(i, len(t), int(label[t].sum()), float(probability[t].mean()))
        for i, t in enumerate(tenths, 1)
        if len(t)
    )


def bands_of(
    split: str, label: FloatArray, points: FloatArray, *, edges: Sequence[float] = (), count: int = 10
) -> BandSection:
    """Score bands [lower, upper) between ``edges``; without edges, about ``count`` bands of equal rows.

    The first band reaches down to −∞ and the last up to +∞, so that every later score has a band.
    """
    label, points = _checked(label, points)
    if not edges and len(points):
        edges = np.unique(np.quantile(points, np.arange(1, count) / count).round()).tolist()
    limits = np.concatenate([[-np.inf], np.sort(np.asarray(edges, dtype=np.float64)), [np.inf]])
    place = np.searchsorted(limits, points, side="right") - 1
    rows = np.bincount(place, minlength=len(limits) - 1)
    events = np.bincount(place, weights=label, minlength=len(limits) - 1)
    bands = zip(limits[:-1], limits[1:], rows, events, strict=True)
    return BandSection(split, tuple(Band(float(a), float(b), int(r), int(e)) for a, b, r, e in bands))


def swap_set_of(label: FloatArray, joint: FloatArray, alone: FloatArray, approval_share: float) -> SwapSet:
    """Who is approved by which model when each approves its safest ``approval_share`` of the same rows.

    ``joint`` and ``alone`` are event probabilities; rows of equal probability are approved in their order.
    """
    label, joint = _checked(label, joint)
    _, alone = _checked(label, alone)
    approved = round(approval_share * len(label))
    by_joint, by_alone = np.zeros((2, len(label)), dtype=bool)
    by_joint[np.argsort(joint, kind="stable")[:approved]] = True
    by_alone[np.argsort(alone, kind="stable")[:approved]] = True
    both, gained, lost = by_joint & by_alone, by_joint & ~by_alone, by_alone & ~by_joint
    return SwapSet(
        approval_share=approval_share,
        both_rows=int(both.sum()),
        both_events=int(label[both].sum()),
        swap_in_rows=int(gained.sum()),
        swap_in_events=int(label[gained].sum()),
        swap_out_rows=int(lost.sum()),
        swap_out_events=int(label[lost].sum()),
    )


def stability_of(
    reference: FloatArray, periods: Mapping[str, FloatArray], *, feature: Feature | None = None, bands: int = 10
) -> tuple[StabilityRow, ...]:
    """Stability index of a score or a feature in each period, over quantile bands of ``reference``."""
    edges = np.unique(np.quantile(reference, np.arange(1, bands) / bands)) if len(reference) else np.empty(0)

    def counts(values: FloatArray) -> FloatArray:
        return np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1).astype(np.float64)

    expected = counts(reference)
    rows = []
    for period, values in periods.items():
        known = len(values) > 0 and len(reference) > 0
        value = metrics.stability_index(expected, counts(values)) if known else float("nan")
        rows.append(StabilityRow(period, value, feature))
    return tuple(rows)


def _bootstrap(label: FloatArray, scores: Sequence[FloatArray], seed: int, rounds: int) -> list[FloatArray]:
    """AUC and KS of each score in each round, shape (rounds, 2), all scores on the same drawn rows.

    A draw is a weight per row, and a sorted score needs no second sorting: each round is a few sums.
    """
    generator = np.random.default_rng(seed)
    events, others = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    groups = [np.unique(-score, return_inverse=True)[1] for score in scores]
    drawn = [np.empty((rounds, 2)) for _ in scores]
    for i in range(rounds):
        of_events = np.bincount(generator.integers(0, len(events), len(events)), minlength=len(events))
        of_others = np.bincount(generator.integers(0, len(others), len(others)), minlength=len(others))
        for group, into in zip(groups, drawn, strict=True):
            size = int(group.max()) + 1
            e = np.bincount(group[events], of_events, size) / len(events)
            o = np.bincount(group[others], of_others, size) / len(others)
            above_e, above_o = np.cumsum(e), np.cumsum(o)
            into[i] = np.dot(o, above_e - e / 2), np.abs(above_e - above_o).max()
    return drawn


def _interval(value: float, draws: FloatArray) -> Interval:
    low, high = np.quantile(draws, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Interval(value, float(low), float(high))


def _checked(label: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    if label.ndim != 1 or label.shape != scores.shape:
        raise _refused("Labels and scores are not two columns of equal length.", "标签与分数不是等长的两列。")
    if not np.isin(label, (0, 1)).all():
        raise _refused("A label is neither 0 nor 1.", "存在既非 0 也非 1 的标签。")
    if not np.isfinite(scores).all():
        raise _refused("A score is not a finite number.", "存在非有限数值的分数。")
    return label.astype(np.float64), scores.astype(np.float64)


def _refused(en: str, zh: str) -> DataError:
    cure = Text(
        "Give one label (1 for bad, else 0) and one finite score per row, the same rows for every model.",
        "请为每行提供一个标签（坏为 1，否则为 0）和一个有限的分数，各模型使用相同的样本。",
    )
    return DataError("REPORT_COLUMNS", Text(en, zh), cure=cure)
