"""What each group of features adds to the AUC of a fitted scorecard: Shapley's value of a game without retraining.

The players are groups of features, usually the kinds of the credit catalogue. A coalition S scores every firm with the
points of its groups alone, the others held at a constant, and its worth is what that score ranks beyond chance::

    v(S) = AUC(sum of points of the groups in S) - 1/2,   v(no group) = 0

AUC ignores constants, so it does not matter at which. The share of a group is its mean marginal worth over all orders
of the players (Shapley 1953); the shares add up to AUC(all) - 1/2 exactly, a group whose points never differ gets 0,
and groups with equal points get equal shares. The weights are those of the joint model: the question is what a group
does in this card, not what a card could do without it (retraining games: Lipovetsky and Conklin 2001).

All 2^m coalitions are worked out, for at most :data:`MAX_GROUPS` groups, over the distinct rows of points.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from vfl.config.faults import data_fault
from vfl.core.metrics import Interval

__all__ = ["FAULTS", "MAX_GROUPS", "shapley_auc", "shapley_auc_intervals"]

Floats = npt.NDArray[np.float64]

MAX_GROUPS = 12
"""4,096 coalitions: a few seconds at 10^4 rows."""

CONTRIBUTION_INPUT = data_fault(
    "CONTRIBUTION_INPUT",
    "Contributions need one row of finite points per label, labels 0 and 1 both present, and 1 to {limit} groups.",
    "计算贡献度须每个标签对应一行有限得分，0、1 两类标签均出现，且分组数为 1 至 {limit}。",
    "Join small groups, or correct the columns that are evaluated.",
    "请合并较小的分组，或更正参与评估的列。",
)

FAULTS = (CONTRIBUTION_INPUT,)


def shapley_auc(label: npt.ArrayLike, points: npt.ArrayLike) -> Floats:
    """Share of each group in AUC - 1/2.

    Parameters
    ----------
    label : array, shape (rows,)
        1 = event.
    points : array, shape (rows, groups)
        Sum of the points of each group's features; higher is safer.

    Returns
    -------
    float64 array, shape (groups,)
        Adds up to AUC - 1/2 of the whole score; negative for a group that ranks against the others.

    Raises
    ------
    DataError
        ``CONTRIBUTION_INPUT``.
    """
    kinds, others, events = _distinct(label, points)
    out: Floats = _shares(_worths(kinds, others[None], events[None]))[0]
    return out


def shapley_auc_intervals(
    label: npt.ArrayLike, points: npt.ArrayLike, *, seed: int, level: float = 0.95, rounds: int = 100
) -> tuple[Interval, ...]:
    """The same with percentile bootstrap intervals, drawn within events and within others (Efron and Tibshirani 1993,
    §13); ``rounds`` times the work."""
    kinds, others, events = _distinct(label, points)
    generator = np.random.default_rng(seed)
    # Drawing n rows of a class with replacement is a multinomial over its distinct rows.
    draws = [
        np.vstack([counts, generator.multinomial(int(counts.sum()), counts / counts.sum(), size=rounds)])
        for counts in (others, events)
    ]
    value, *drawn = _shares(_worths(kinds, *draws))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return tuple(
        Interval(float(v), float(lo), float(hi), level) for v, lo, hi in zip(value, low, high, strict=True)
    )


def _distinct(label: npt.ArrayLike, points: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Distinct rows of points, and how many non-events and events each holds."""
    y, x = np.asarray(label, dtype=np.float64), np.asarray(points, dtype=np.float64)
    sound = (
        x.ndim == 2
        and y.shape == x.shape[:1]
        and 1 <= x.shape[1] <= MAX_GROUPS
        and bool(np.isfinite(x).all())
        and bool(((y == 0) | (y == 1)).all())
        and 0 < y.sum() < len(y)
    )
    if not sound:
        raise CONTRIBUTION_INPUT.at(limit=MAX_GROUPS)
    kinds, row = np.unique(x, axis=0, return_inverse=True)
    row = row.reshape(-1)  # numpy 2.0 gave it a second axis
    events = np.bincount(row, y, len(kinds)).astype(np.float64)
    return kinds, np.bincount(row, minlength=len(kinds)) - events, events


def _worths(kinds: Floats, others: Floats, events: Floats) -> Floats:
    """v of each coalition, as a bit set, the empty one first: shape (draws, coalitions); counts (draws, kinds)."""
    groups = kinds.shape[1]
    pairs = others.sum(axis=1) * events.sum(axis=1)
    worth = np.zeros((len(others), 2**groups))
    for coalition in range(1, 2**groups):
        inside = [g for g in range(groups) if coalition >> g & 1]
        score = kinds[:, inside].sum(axis=1)
        order = np.argsort(score, kind="stable")
        # Sums of whole points are exact, so equal scores are equal.
        starts = np.flatnonzero(np.concatenate(([True], np.diff(score[order]) > 0)))
        e, o = (np.add.reduceat(counts[:, order], starts, axis=1) for counts in (events, others))
        worth[:, coalition] = (o * (np.cumsum(e, axis=1) - 0.5 * e)).sum(axis=1) / pairs - 0.5
    return worth


def _shares(worth: Floats) -> Floats:
    """Shapley value of each group, (draws, groups): marginal worth weighted by |S|! (m - |S| - 1)! / m!."""
    coalitions = np.arange(worth.shape[1])
    groups = int(coalitions[-1]).bit_length()
    size = np.array([int(c).bit_count() for c in coalitions])
    weight = np.array([1.0 / (groups * math.comb(groups - 1, s)) for s in range(groups)])
    out = np.empty((len(worth), groups))
    for group in range(groups):
        without = coalitions[coalitions >> group & 1 == 0]
        out[:, group] = (worth[:, without | 1 << group] - worth[:, without]) @ weight[size[without]]
    return out
