"""Does a probability of default mean what it says? Tests, and three ways to mend it.

``label`` is 1 for the event and ``probability`` that of the event, both of shape (rows,). Tests: mean predicted
against observed, Brier (1950), Hosmer and Lemeshow (1980), slope and intercept of Cox (1958). Mending: Platt's
logistic curve (1999), isotonic regression by pooling adjacent violators (Ayer et al. 1955; Zadrozny and Elkan 2002),
and a shift of the log odds to a long-run default rate, which keeps every ranking.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.config.faults import data_fault
from vfl.core.logistic import fit_logistic, p_values, sigmoid

__all__ = [
    "FAULTS",
    "Calibration",
    "HosmerLemeshow",
    "Isotonic",
    "Platt",
    "calibration",
    "chi_square_tail",
    "fit_isotonic",
    "fit_platt",
    "hosmer_lemeshow",
    "shift_to_rate",
]

Floats = npt.NDArray[np.float64]

CALIBRATION_INPUT = data_fault(
    "CALIBRATION_INPUT",
    "Calibration needs one probability from 0 to 1 per label, and labels 0 and 1 both present.",
    "校准需每个标签对应一个 0 到 1 之间的概率，且 0、1 两类标签均出现。",
    "Correct the columns, or widen the sample until it holds both classes.",
    "请更正相应列，或扩大样本使两类均出现。",
)

FAULTS = (CALIBRATION_INPUT,)

_EDGE = 1e-12


@dataclass(frozen=True, slots=True)
class HosmerLemeshow:
    """Chi-square over groups of rising probability; a small ``p_value`` says that the probabilities are off.

    ``degrees`` is groups - 2 on the rows that the model was trained on, and groups on others.
    """

    statistic: float
    degrees: int
    p_value: float
    groups: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probabilities against outcomes.

    Attributes
    ----------
    rows, events : int
    mean_probability, event_rate : float
    p_value : float
        Two-sided, of the number of events under the probabilities (normal approximation).
    brier : float
        Mean squared difference; ``brier_of_rate`` is what predicting the event rate for all would give.
    slope, intercept : float
        Of the log odds of the event on those predicted: 1 and 0 when calibrated; a slope below 1 is overfit.
    """

    rows: int
    events: int
    mean_probability: float
    event_rate: float
    p_value: float
    brier: float
    brier_of_rate: float
    slope: float
    intercept: float
    hosmer_lemeshow: HosmerLemeshow


def calibration(label: npt.ArrayLike, probability: npt.ArrayLike, *, trained_on: bool = False) -> Calibration:
    """All figures of one set of rows; ``trained_on`` if the model was fitted to them.

    Raises
    ------
    DataError
        ``CALIBRATION_INPUT``.
    """
    y, p = _checked(label, probability)
    rate = float(y.mean())
    spread = math.sqrt(float((p * (1 - p)).sum()))
    gap = abs(float(y.sum() - p.sum()))
    curve = fit_platt(y, p)
    return Calibration(
        rows=len(y),
        events=int(y.sum()),
        mean_probability=float(p.mean()),
        event_rate=rate,
        p_value=float(p_values(np.array([gap]), np.array([max(spread, _EDGE)]))[0]),
        brier=float(np.mean((p - y) ** 2)),
        brier_of_rate=rate * (1.0 - rate),
        slope=curve.slope,
        intercept=curve.intercept,
        hosmer_lemeshow=hosmer_lemeshow(y, p, trained_on=trained_on),
    )


def hosmer_lemeshow(
    label: npt.ArrayLike, probability: npt.ArrayLike, *, groups: int = 10, trained_on: bool = False
) -> HosmerLemeshow:
    """Rows in ``groups`` of about equal size by probability; equal probabilities stay in one group.

    The p-value is NaN where fewer than three groups are left on trained rows.
    """
    y, p = _checked(label, probability)
    _, place, counts = np.unique(p, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(p)
    group = np.minimum((middle * groups).astype(np.int64), groups - 1)[place.reshape(-1)]
    rows = np.bincount(group, minlength=groups)
    held = rows > 0
    expected, seen = np.bincount(group, p, groups)[held], np.bincount(group, y, groups)[held]
    variance = np.maximum(expected * (1.0 - expected / rows[held]), _EDGE)
    statistic = float(((seen - expected) ** 2 / variance).sum())
    count = int(held.sum())
    degrees = count - 2 if trained_on else count
    tail = chi_square_tail(statistic, degrees) if degrees > 0 else math.nan
    return HosmerLemeshow(statistic, degrees, tail, count)


def chi_square_tail(statistic: float, degrees: int) -> float:
    """P(chi-square with ``degrees`` of freedom > ``statistic``): Q(degrees / 2, statistic / 2) by its recurrence.

    Q(a + 1, x) = Q(a, x) + x^a e^-x / Γ(a + 1), from Q(1/2, x) = erfc(√x) or Q(1, x) = e^-x (DLMF 8.8.6).
    """
    x = statistic / 2.0
    if x <= 0:
        return 1.0
    a, tail = (0.5, math.erfc(math.sqrt(x))) if degrees % 2 else (1.0, math.exp(-x))
    while a < degrees / 2.0:
        tail += math.exp(a * math.log(x) - x - math.lgamma(a + 1.0))
        a += 1.0
    return min(tail, 1.0)


@dataclass(frozen=True, slots=True)
class Platt:
    """log odds → intercept + slope · log odds."""

    slope: float
    intercept: float

    def __call__(self, probability: npt.ArrayLike) -> Floats:
        return sigmoid(self.intercept + self.slope * _log_odds(np.asarray(probability, dtype=np.float64)))


def fit_platt(label: npt.ArrayLike, probability: npt.ArrayLike) -> Platt:
    """Maximum likelihood, without Platt's shrunk targets; a ridge of 1e-6 keeps separable data finite."""
    y, p = _checked(label, probability)
    design = np.column_stack([np.ones(len(y)), _log_odds(p)])
    fit = fit_logistic(design, y, np.array([0.0, 1e-6]))
    return Platt(slope=float(fit.coefficients[1]), intercept=float(fit.coefficients[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Isotonic:
    """A rising curve through ``points`` with ``values``, straight between them and level outside."""

    points: Floats
    values: Floats

    def __call__(self, probability: npt.ArrayLike) -> Floats:
        return np.interp(np.asarray(probability, dtype=np.float64), self.points, self.values)


def fit_isotonic(label: npt.ArrayLike, probability: npt.ArrayLike) -> Isotonic:
    """Least-squares rising fit. It follows the sample closely: fit it on rows that did not train the model."""
    y, p = _checked(label, probability)
    distinct, place = np.unique(p, return_inverse=True)
    rows = np.bincount(place.reshape(-1)).tolist()
    events = np.bincount(place.reshape(-1), y).tolist()
    blocks: list[tuple[float, float, int, int]] = []  # rows, events, first and last distinct probability
    for number, (r, e) in enumerate(zip(rows, events, strict=True)):
        block = (r, e, number, number)
        while blocks and blocks[-1][1] * block[0] >= block[1] * blocks[-1][0]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2], block[3])
        blocks.append(block)
    points = [distinct[end] for _, _, first, last in blocks for end in dict.fromkeys((first, last))]
    values = [e / r for r, e, first, last in blocks for _ in dict.fromkeys((first, last))]
    return Isotonic(np.array(points), np.array(values))


def shift_to_rate(probability: npt.ArrayLike, rate: float) -> tuple[Floats, float]:
    """Probabilities whose mean is ``rate``, all log odds moved by one amount, and that amount.

    For a scorecard the amount times ``-Scaling.factor`` are points to add to the start.
    """
    p = np.asarray(probability, dtype=np.float64)
    if not (p.size and 0.0 < rate < 1.0 and bool(((p >= 0) & (p <= 1)).all())):
        raise CALIBRATION_INPUT.at()
    odds = _log_odds(p)
    low, high = -60.0, 60.0
    for _ in range(80):
        middle = (low + high) / 2.0
        low, high = (middle, high) if sigmoid(odds + middle).mean() < rate else (low, middle)
    shift = (low + high) / 2.0
    return sigmoid(odds + shift), shift


def _log_odds(probability: Floats) -> Floats:
    p = np.clip(probability, _EDGE, 1.0 - _EDGE)
    out: Floats = np.log(p) - np.log1p(-p)
    return out


def _checked(label: npt.ArrayLike, probability: npt.ArrayLike) -> tuple[Floats, Floats]:
    y, p = np.asarray(label, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    sound = y.ndim == 1 and y.shape == p.shape and bool(((y == 0) | (y == 1)).all()) and 0 < y.sum() < len(y)
    if not (sound and bool(((p >= 0) & (p <= 1)).all())):
        raise CALIBRATION_INPUT.at()
    return y, p
