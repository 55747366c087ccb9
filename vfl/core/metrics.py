"""How well a score ranks and prices events: AUC, KS, Gini, log loss, lift, stability.

Plain numpy. ``label`` is 0/1 with 1 = event; a higher ``score`` means the event is likelier; ``weight`` None
means equal weights. All arrays have shape (rows,).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.errors import DataError, Text

__all__ = [
    "Interval",
    "LiftBand",
    "auc",
    "auc_interval",
    "gini",
    "ks",
    "lift_table",
    "log_loss",
    "stability_index",
]

FloatArray = npt.NDArray[np.float64]

_EPSILON = float(np.float32(1e-15))


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its bootstrap percentile interval."""

    value: float
    lower: float
    upper: float
    level: float


@dataclass(frozen=True, slots=True)
class LiftBand:
    """One band of a lift and gain table, bands from the highest score down.

    Attributes
    ----------
    rows, events : float
        Weighted where weights are given.
    event_rate : float
    lift : float
        Event rate over the overall event rate.
    gain : float
        Share of all events in this band and those above.
    """

    rows: float
    events: float
    event_rate: float
    lift: float
    gain: float


def auc(label: FloatArray, score: FloatArray, weight: FloatArray | None = None) -> float:
    """Area under the ROC curve; ties count half (LightGBM's and Mann-Whitney's)."""
    events, others = _by_score(label, score, weight)
    above = np.cumsum(events) - events
    return float(np.cumsum(others * (events * 0.5 + above))[-1] / (events.sum() * others.sum()))


def gini(label: FloatArray, score: FloatArray, weight: FloatArray | None = None) -> float:
    """2 · AUC - 1."""
    return 2.0 * auc(label, score, weight) - 1.0


def ks(label: FloatArray, score: FloatArray, weight: FloatArray | None = None) -> float:
    """Kolmogorov-Smirnov: the greatest distance between the score's distributions of events and of others."""
    events, others = _by_score(label, score, weight)
    return float(np.abs(np.cumsum(events) / events.sum() - np.cumsum(others) / others.sum()).max())


def log_loss(label: FloatArray, probability: FloatArray, weight: FloatArray | None = None) -> float:
    """Mean -ln of the probability given to what happened; each at least 1e-15, as in LightGBM."""
    _check(label, probability, weight)
    told = np.where(label > 0, probability, 1.0 - probability)
    return float(np.average(-np.log(np.maximum(told, _EPSILON)), weights=weight))


def lift_table(
    label: FloatArray, score: FloatArray, weight: FloatArray | None = None, *, bands: int = 10
) -> tuple[LiftBand, ...]:
    """Rows cut by falling score into ``bands`` of equal weight; equal scores stay together.

    A band that equal scores have swallowed is left out.
    """
    events, others = _by_score(label, score, weight)
    rows = events + others
    # A group of equal scores belongs to the band its middle falls in.
    middle = (np.cumsum(rows) - rows / 2) / rows.sum()
    band = np.minimum((middle * bands).astype(np.int64), bands - 1)
    rows_in, events_in = np.bincount(band, rows, bands), np.bincount(band, events, bands)
    overall = events.sum() / rows.sum()
    gains = np.cumsum(events_in) / events.sum()
    return tuple(
        LiftBand(float(r), float(e), float(e / r), float(e / r / overall), float(g))
        for r, e, g in zip(rows_in, events_in, gains, strict=True)
        if r > 0
    )


def auc_interval(
    label: FloatArray, score: FloatArray, *, seed: int, level: float = 0.95, rounds: int = 1000
) -> Interval:
    """Percentile bootstrap of the AUC, drawn within events and within others (Efron and Tibshirani 1993, §13).

    Drawing n rows of a class with replacement is a multinomial over its distinct scores, so each round works on
    counts of scores, not on rows.
    """
    events, others = _by_score(label, score, None)
    generator = np.random.default_rng(seed)
    drawn = np.empty(rounds)
    n_events, n_others = int(events.sum()), int(others.sum())
    for index in range(rounds):
        e = generator.multinomial(n_events, events / n_events).astype(np.float64)
        o = generator.multinomial(n_others, others / n_others).astype(np.float64)
        drawn[index] = np.dot(o, np.cumsum(e) - e * 0.5) / (n_events * n_others)
    tail = (1.0 - level) / 2.0
    lower, upper = np.quantile(drawn, [tail, 1.0 - tail])
    return Interval(auc(label, score), float(lower), float(upper), level)


def stability_index(expected: FloatArray, actual: FloatArray, *, floor: float = 1e-6) -> float:
    """Population stability index of two distributions over the same bands.

    Parameters
    ----------
    expected, actual : float64 array, (bands,)
        Rows or shares per band; normalised here.
    floor : float
        Smallest share, so that an empty band gives a finite, large index.

    Returns
    -------
    float
        Σ (a - e) · ln(a / e). Customary reading: below 0.1 stable, above 0.25 shifted.
    """
    if expected.shape != actual.shape or expected.ndim != 1 or not (expected.sum() > 0 and actual.sum() > 0):
        raise _bad("Two distributions must cover the same bands.", "两个分布须覆盖相同的分段。")
    if min(expected.min(), actual.min()) < 0:
        raise _bad("A band cannot hold fewer than 0 rows.", "分段行数不能为负。")
    e = np.maximum(expected / expected.sum(), floor)
    a = np.maximum(actual / actual.sum(), floor)
    return float(np.sum((a - e) * np.log(a / e)))


def _by_score(
    label: FloatArray, score: FloatArray, weight: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Weight of events and of others at each distinct score, from the highest score down."""
    _check(label, score, weight)
    distinct, group = np.unique(-score, return_inverse=True)
    weights = np.ones(label.size) if weight is None else weight
    events = np.bincount(group, np.where(label > 0, weights, 0.0), distinct.size).astype(np.float64)
    others = np.bincount(group, np.where(label > 0, 0.0, weights), distinct.size).astype(np.float64)
    if not (events.sum() > 0 and others.sum() > 0):
        raise _bad("Events and non-events must both be present.", "事件与非事件样本均须出现。")
    return events, others


def _check(label: FloatArray, score: FloatArray, weight: FloatArray | None) -> None:
    same = label.ndim == 1 and label.size > 0 and label.shape == score.shape
    if not same or (weight is not None and weight.shape != label.shape):
        raise _bad("Labels, scores and weights must be one per row.", "标签、评分与权重须每行各一。")
    if not np.isfinite(score).all() or not np.all((label == 0) | (label == 1)):
        raise _bad("Scores must be finite and labels 0 or 1.", "评分须为有限数值，标签须为 0 或 1。")


def _bad(en: str, zh: str) -> DataError:
    cure = Text("Correct the columns that are evaluated.", "请更正参与评估的列。")
    return DataError("METRIC_INPUT", Text(en, zh), cure=cure)
