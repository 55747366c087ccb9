"""Optimal monotone binning, exactly, by dynamic programming on counts.

The problem is that of Navas-Palencia, *Optimal binning: mathematical programming formulation* (arXiv 2001.08025):
join neighbouring pre-bins so that the information value is largest, under floors, a trend of the event rate and a
test between neighbours. Their integer program sums one term per bin and constrains neighbouring bins only, so it is a
longest path: the state is the last bin, the number of bins and whether the trend has turned. With n pre-bins and m
bins at most that is O(n^3 m) in numpy, without a solver, and the optimum is the true one.

Event rates are compared as fractions of integers, so rounding never decides a constraint.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from vfl.core.woe import iv_terms

__all__ = ["BinRule", "Cuts", "Trend", "best_cuts"]

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Trend(StrEnum):
    """How the event rate may run over the bins; equal rates are allowed in every trend."""

    AUTO = "auto"
    """Ascending or descending, whichever has the larger IV; a turn only if it brings a fifth more."""
    ASCENDING = "ascending"
    DESCENDING = "descending"
    PEAK = "peak"
    """Ascending, then descending; either part may be empty."""
    VALLEY = "valley"
    """Descending, then ascending; either part may be empty."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class BinRule:
    """What bins must satisfy.

    Attributes
    ----------
    trend : Trend
        Of the event rate of ordered bins.
    max_bins, min_bins : int
        Number of ordered bins; ``min_bins`` gives way where the other rules leave fewer.
    min_share : float
        Least share of all rows in a bin.
    max_p_value : float
        Two-sided p-value, at most, of the test that neighbouring bins have equal event rates (pooled z); 1: no test.
    row_floor, class_floor : int
        Least rows, and least events and non-events, of a bin.
    """

    trend: Trend = Trend.AUTO
    max_bins: int = 8
    min_bins: int = 2
    min_share: float = 0.05
    max_p_value: float = 1.0
    row_floor: int = 50
    class_floor: int = 5

    def fits(self, rows: Counts, events: Counts, total_rows: int) -> Flags:
        """Which bins with these counts keep floors and least share."""
        floor = max(self.row_floor, 1, self.min_share * total_rows)
        classes = np.minimum(events, rows - events)
        fit: Flags = (rows >= floor) & (classes >= self.class_floor)
        return fit


@dataclass(frozen=True, slots=True)
class Cuts:
    """A solution: the first pre-bin of each bin (the first is 0), its IV without bins kept apart, its trend."""

    starts: tuple[int, ...]
    iv: float
    trend: Trend


# A trend as phases: the direction of a step within the phase, and the phases a step into it may come from.
_UP, _DOWN, _ANY = 1, -1, 0
_Phases = tuple[tuple[int, tuple[int, ...]], ...]
_PHASES: dict[Trend, _Phases] = {
    Trend.ASCENDING: ((_UP, (0,)),),
    Trend.DESCENDING: ((_DOWN, (0,)),),
    Trend.PEAK: ((_UP, (0,)), (_DOWN, (0, 1))),
    Trend.VALLEY: ((_DOWN, (0,)), (_UP, (0, 1))),
    Trend.NONE: ((_ANY, (0,)),),
}

_TURN_GAIN = 1.2
"""A turn is more to explain and less stable: AUTO wants this much more IV for it."""

_TIE = 1e-12
"""IVs this close are equal: fewer bins win."""


def best_cuts(
    rows: Counts, events: Counts, total_rows: int, total_events: int, rule: BinRule, fixed: Flags | None = None
) -> Cuts:
    """Bins of n ordered pre-bins with the largest information value.

    Parameters
    ----------
    rows, events : int64 arrays, shape (n,)
        Counts of the pre-bins.
    total_rows, total_events : int
        Of the feature, with bins kept apart: the IV's shares refer to them.
    rule : BinRule
    fixed : bool array, shape (n,), optional
        True: a bin must start here.

    Where no set of bins keeps the rule, the result is one bin.
    """
    segments = _Segments(rows, events, total_rows, total_events, rule, fixed)
    if rule.trend is not Trend.AUTO:
        return _Sweep(segments, rule, rule.trend).cuts(rule.trend)
    peak, valley = _Sweep(segments, rule, Trend.PEAK), _Sweep(segments, rule, Trend.VALLEY)
    # The first phase of a turning trend is the monotone one: one sweep solves both.
    monotone = max(peak.cuts(Trend.ASCENDING), valley.cuts(Trend.DESCENDING), key=lambda c: c.iv)
    turning = max(peak.cuts(Trend.PEAK), valley.cuts(Trend.VALLEY), key=lambda c: c.iv)
    return turning if turning.iv > _TURN_GAIN * monotone.iv else monotone


class _Segments:
    """All bins that could be: [i, j] joins the pre-bins i to j."""

    def __init__(
        self, rows: Counts, events: Counts, total_rows: int, total_events: int, rule: BinRule, fixed: Flags | None
    ) -> None:
        self.size = len(rows)
        self.rows, self.events = _all_sums(rows), _all_sums(events)
        fits = rule.fits(self.rows, self.events, total_rows)
        if fixed is not None:
            starts = np.concatenate([[0], np.cumsum(fixed[1:])])
            fits &= starts[:, None] == starts[None, :]
        upper = np.triu(fits)
        self.gain = np.full(upper.shape, -np.inf)
        self.gain[upper] = iv_terms(self.rows[upper], self.events[upper], total_rows, total_events)
        """IV of the bin, -inf where it breaks the rule."""
        self._critical = NormalDist().inv_cdf(1 - rule.max_p_value / 2) ** 2 if rule.max_p_value < 1 else 0.0

    def steps(self, i: int) -> tuple[Flags, Flags]:
        """Which bins [h, i-1] may precede which bins [i, j] in a rising and in a falling trend; (h, j - i) each."""
        left_rows, left_events = self.rows[:i, i - 1, None], self.events[:i, i - 1, None]
        right_rows, right_events = self.rows[None, i, i:], self.events[None, i, i:]
        climb = right_events * left_rows - left_events * right_rows
        rising, falling = climb >= 0, climb <= 0
        if self._critical:
            both, hit = left_rows + right_rows, left_events + right_events
            # z^2 = climb^2 both / (hit (both - hit) left right), kept free of divisions; where both bins hold one and
            # the same class alone, both sides are 0 and the rates are equal.
            apart = (climb != 0) & (
                climb.astype(np.float64) ** 2 * both
                >= self._critical * (hit.astype(np.float64) * (both - hit) * left_rows * right_rows)
            )
            rising, falling = rising & apart, falling & apart
        return rising, falling


def _all_sums(values: Counts) -> Counts:
    ends = np.concatenate([[0], np.cumsum(values)])
    sums: Counts = ends[None, 1:] - ends[:-1, None]
    return sums


class _Sweep:
    """The dynamic program: ``best[p][m, i, j]`` is the largest IV of m + 1 bins, the last [i, j], in phase p."""

    def __init__(self, segments: _Segments, rule: BinRule, trend: Trend) -> None:
        self._segments = segments
        self._rule = rule
        self._phases = _PHASES[trend]
        n = segments.size
        bins = max(1, min(rule.max_bins, n))
        self._best = [np.full((bins, n, n), -np.inf) for _ in self._phases]
        self._best[0][0, 0] = segments.gain[0]
        if bins == 1:
            return
        for i in range(1, n):
            self._extend(i)

    def _extend(self, i: int) -> None:
        """All bins that start at ``i``, after all bins that end before it."""
        gain = self._segments.gain[i, i:]
        before = [self._before(sources, i) for _, sources in self._phases]
        ends = np.flatnonzero(np.isfinite(gain))
        heads = np.flatnonzero(np.isfinite(np.maximum.reduce(before)).any(axis=0))
        if not len(ends) or not len(heads):
            return
        rising, falling = (flags[np.ix_(heads, ends)] for flags in self._segments.steps(i))
        for phase, (direction, _) in enumerate(self._phases):
            allowed = _allowed(direction, rising, falling)
            value = np.where(allowed, before[phase][:, heads, None], -np.inf).max(axis=1)
            self._best[phase][1:, i, i + ends] = value + gain[ends]

    def _before(self, sources: tuple[int, ...], i: int) -> Floats:
        """The best of the phases a step may come from: shape (bins - 1, i)."""
        out: Floats = np.maximum.reduce([self._best[s][:-1, :i, i - 1] for s in sources])
        return out

    def cuts(self, trend: Trend) -> Cuts:
        """The best bins of a trend that this sweep covers."""
        phases = len(_PHASES[trend])
        ending = np.stack([best[:, :, -1] for best in self._best[:phases]])
        by_bins = ending.max(axis=(0, 2))
        reachable = np.flatnonzero(np.isfinite(by_bins))
        if not len(reachable):
            return Cuts((0,), 0.0, trend)
        wanted = reachable[reachable + 1 >= self._rule.min_bins]
        chosen = wanted if len(wanted) else reachable[-1:]
        bins = int(chosen[np.argmax(by_bins[chosen] >= by_bins[chosen].max() - _TIE)])
        phase, start = divmod(int(ending[:, bins].argmax()), self._segments.size)
        return Cuts(self._trace(phase, bins, start), float(by_bins[bins]), trend)

    def _trace(self, phase: int, bins: int, start: int) -> tuple[int, ...]:
        starts, end = [start], self._segments.size - 1
        while bins:
            direction, sources = self._phases[phase]
            rising, falling = self._segments.steps(start)
            allowed = _allowed(direction, rising, falling)[:, end - start]
            values = np.stack([self._best[s][bins - 1, :start, start - 1] for s in sources])
            source, head = divmod(int(np.where(allowed, values, -np.inf).argmax()), start)
            phase, bins, end, start = sources[source], bins - 1, start - 1, head
            starts.append(start)
        return tuple(reversed(starts))


def _allowed(direction: int, rising: Flags, falling: Flags) -> Flags:
    if direction == _UP:
        return rising
    return falling if direction == _DOWN else rising | falling
