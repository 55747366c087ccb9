"""The solver against brute force over all ways to cut, for every trend."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vfl.core.optimal_binning import BinRule, Trend, best_cuts

FIXED_TRENDS = [t for t in Trend if t is not Trend.AUTO]


def follows(rates: list[Fraction], trend: Trend) -> bool:
    up = [a <= b for a, b in itertools.pairwise(rates)]
    down = [a >= b for a, b in itertools.pairwise(rates)]
    turn = range(len(up) + 1)
    return {
        Trend.ASCENDING: all(up),
        Trend.DESCENDING: all(down),
        Trend.PEAK: any(all(up[:k]) and all(down[k:]) for k in turn),
        Trend.VALLEY: any(all(down[:k]) and all(up[k:]) for k in turn),
        Trend.NONE: True,
    }[trend]


def apart(left: tuple[int, int], right: tuple[int, int], p_value: float) -> bool:
    """Two-sided pooled z test of equal proportions, from the error function."""
    (n1, e1), (n2, e2) = left, right
    pooled = (e1 + e2) / (n1 + n2)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return spread > 0 and math.erfc(abs(e1 / n1 - e2 / n2) / spread / math.sqrt(2)) <= p_value


def iv_of(bins: list[tuple[int, int]], rows: int, events: int) -> float:
    total = 0.0
    for n, e in bins:
        good, bad = max(n - e, 0.5) / (rows - events), max(e, 0.5) / events
        total += (good - bad) * math.log(good / bad)
    return total


def brute(rows: list[int], events: list[int], rule: BinRule) -> tuple[float, int] | None:
    """Best IV and the fewest bins that reach it, over all 2^(n-1) ways to cut; None if no way keeps the rule."""
    n, total_rows, total_events = len(rows), sum(rows), sum(events)
    found: dict[int, float] = {}
    for mask in itertools.product([False, True], repeat=n - 1):
        starts = [0, *(i + 1 for i, cut in enumerate(mask) if cut), n]
        bins = [(sum(rows[a:b]), sum(events[a:b])) for a, b in itertools.pairwise(starts)]
        if len(bins) > rule.max_bins:
            continue
        floor = max(rule.row_floor, 1, rule.min_share * total_rows)
        if any(r < floor or min(e, r - e) < rule.class_floor for r, e in bins):
            continue
        if not follows([Fraction(e, r) for r, e in bins], rule.trend):
            continue
        pairs = itertools.pairwise(bins)
        if rule.max_p_value < 1 and not all(apart(a, b, rule.max_p_value) for a, b in pairs):
            continue
        found[len(bins)] = max(found.get(len(bins), -1.0), iv_of(bins, total_rows, total_events))
    if not found:
        return None
    enough = {k: v for k, v in found.items() if k >= rule.min_bins} or {max(found): found[max(found)]}
    best = max(enough.values())
    return best, min(k for k, v in enough.items() if v >= best - 1e-12)


prebins = st.lists(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=2, max_size=7
)


@settings(max_examples=40, deadline=None)
@example(counts=[(1, 1), (1, 0), (1, 0)], max_bins=3, min_bins=3, share=0.0, p_value=0.2, floors=(1, 0))
@given(
    counts=prebins, max_bins=st.integers(1, 6), min_bins=st.integers(1, 4), share=st.sampled_from([0.0, 0.1, 0.25]),
    p_value=st.sampled_from([1.0, 0.2]), floors=st.sampled_from([(1, 0), (10, 2), (40, 5)]),
)  # fmt: skip
@pytest.mark.parametrize("trend", FIXED_TRENDS)
def test_equals_brute_force(
    trend: Trend, counts: list[tuple[int, int]], max_bins: int, min_bins: int, share: float, p_value: float,
    floors: tuple[int, int],
) -> None:
    rows, events = [r for r, _ in counts], [e for _, e in counts]
    if not 0 < sum(events) < sum(rows):
        return
    rule = BinRule(trend, max_bins, min_bins, share, p_value, *floors)
    cuts = best_cuts(np.array(rows), np.array(events), sum(rows), sum(events), rule)
    expected = brute(rows, events, rule)
    if expected is None:
        assert cuts.starts == (0,)
        return
    assert (cuts.iv, len(cuts.starts)) == (pytest.approx(expected[0], abs=1e-12), expected[1])
    ends = [*cuts.starts[1:], len(rows)]
    bins = [(sum(rows[a:b]), sum(events[a:b])) for a, b in zip(cuts.starts, ends, strict=True)]
    assert iv_of(bins, sum(rows), sum(events)) == pytest.approx(cuts.iv, abs=1e-12)  # the cuts give the IV they claim
    assert follows([Fraction(e, r) for r, e in bins], trend)


@settings(max_examples=40, deadline=None)
@given(counts=prebins)
def test_auto_takes_the_better_direction_and_turns_only_for_a_fifth_more(counts: list[tuple[int, int]]) -> None:
    rows, events = np.array([r for r, _ in counts]), np.array([e for _, e in counts])
    if not 0 < events.sum() < rows.sum():
        return
    rule = BinRule(min_share=0.0, row_floor=1, class_floor=0, min_bins=1)
    by = {
        t: best_cuts(rows, events, int(rows.sum()), int(events.sum()), replace(rule, trend=t)) for t in FIXED_TRENDS
    }
    auto = best_cuts(rows, events, int(rows.sum()), int(events.sum()), rule)
    monotone = max(by[Trend.ASCENDING].iv, by[Trend.DESCENDING].iv)
    turning = max(by[Trend.PEAK].iv, by[Trend.VALLEY].iv)
    assert auto.iv == pytest.approx(turning if turning > 1.2 * monotone else monotone, abs=1e-12)


def test_fixed_cuts_stay_and_nothing_else_is_forced() -> None:
    rows, events = np.full(10, 100), np.array([30, 28, 26, 25, 20, 19, 18, 12, 11, 10])
    fixed = np.zeros(10, dtype=np.bool_)
    fixed[[3, 6]] = True
    rule = BinRule(max_bins=4, min_share=0.0)
    free = best_cuts(rows, events, 1000, 199, rule)
    held = best_cuts(rows, events, 1000, 199, rule, fixed)
    assert {3, 6} <= set(held.starts)
    assert held.iv <= free.iv
    assert not {3, 6} <= set(free.starts)


def test_equal_rates_make_one_bin() -> None:
    rows, events = np.full(5, 100), np.full(5, 20)
    for trend in Trend:
        assert best_cuts(rows, events, 500, 100, BinRule(trend, min_bins=1)).starts == (0,)


def test_hundred_features_of_fifty_prebins_in_about_a_second() -> None:
    rng = np.random.default_rng(1)
    features = []
    for _ in range(10):
        rows = rng.integers(400, 800, 50)
        features.append((rows, rng.binomial(rows, np.clip(0.1 + rng.normal(0, 0.03, 50), 0.02, 0.9))))
    times = []
    for _ in range(3):
        started = time.process_time()
        for rows, events in features:
            best_cuts(rows, events, int(rows.sum()), int(events.sum()), BinRule())
        times.append(time.process_time() - started)
    assert min(times) * 10 < 4.0  # 1.2 to 1.9 s were seen on a crowded machine, where processor time stretches
