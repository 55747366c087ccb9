"""WOE and IV by their definitions, ChiMerge, bins kept apart, categories."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vfl.core.binning import BinCounts, MergeMethod, merge_bins, trend_of
from vfl.core.chi_merge import chi_merge, neighbour_chi_square
from vfl.core.optimal_binning import BinRule, Trend
from vfl.core.woe import WoeColumns, information_value, rounded_woe, weight_of_evidence
from vfl.errors import LocalProtocolError

ROWS = np.array([100, 200, 150, 50])
EVENTS = np.array([5, 30, 45, 20])


def test_woe_is_positive_where_it_is_safer() -> None:
    woe = weight_of_evidence(ROWS, EVENTS)
    assert woe[0] == pytest.approx(math.log((95 / 400) / (5 / 100)))
    assert (np.diff(woe) < 0).all()
    assert information_value(ROWS, EVENTS) == pytest.approx(
        sum(((r - e) / 400 - e / 100) * w for r, e, w in zip(ROWS, EVENTS, woe, strict=True))
    )


def test_woe_is_finite_for_bins_of_one_class_and_zero_for_empty_ones() -> None:
    rows, events = np.array([10, 10, 80, 0]), np.array([0, 10, 10, 0])
    woe = weight_of_evidence(rows, events)
    assert np.isfinite(woe).all()
    assert woe[0] > 0 > woe[1]
    assert woe[3] == 0
    assert woe[2] == pytest.approx(math.log((70 / 80) / (10 / 20)))  # not touched by the others' half rows
    assert np.isfinite(information_value(rows, np.zeros(4, dtype=np.int64)))
    assert (rounded_woe(rows, events) == np.round(woe, 3)).all()


def test_columns_refuse_what_does_not_belong_together() -> None:
    bins = np.array([[0], [2]], dtype=np.uint8)
    with pytest.raises(LocalProtocolError, match="WOE_COLUMNS_SHAPE"):
        WoeColumns(("a",), bins, (np.array([0.1, 0.2]),), np.array([0.1]))
    columns = WoeColumns(("a",), bins, (np.array([0.1, 0.2, 0.3]),), np.array([0.1]))
    assert columns.matrix().tolist() == [[0.1], [0.3]]
    assert columns.take(slice(1, 2)).matrix().tolist() == [[0.3]]
    assert columns.select([0]).names == ("a",)


def test_chi_square_is_pearsons() -> None:
    got = neighbour_chi_square(ROWS, EVENTS)
    for i in range(3):
        table = np.array([[EVENTS[i], ROWS[i] - EVENTS[i]], [EVENTS[i + 1], ROWS[i + 1] - EVENTS[i + 1]]], dtype=float)
        expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
        assert got[i] == pytest.approx(((table - expected) ** 2 / expected).sum())


def test_chi_merge_joins_until_few_and_different() -> None:
    rng = np.random.default_rng(5)
    rows = np.full(30, 200)
    events = rng.binomial(rows, np.linspace(0.05, 0.4, 30))
    starts = chi_merge(rows, events, 6000, BinRule(max_bins=6, max_p_value=0.05))
    joined = np.add.reduceat(rows, starts), np.add.reduceat(events, starts)
    assert 2 <= len(starts) <= 6
    assert neighbour_chi_square(*joined).min() >= 3.841
    optimal = merge_bins(BinCounts(rows, events), BinRule(max_bins=6, max_p_value=0.05, trend=Trend.NONE))
    greedy = merge_bins(BinCounts(rows, events), BinRule(max_bins=6, max_p_value=0.05), MergeMethod.CHI_MERGE)
    assert optimal.iv >= greedy.iv


@pytest.mark.parametrize("method", MergeMethod)
def test_every_method_keeps_the_floors(method: MergeMethod) -> None:
    rng = np.random.default_rng(11)
    for _ in range(30):
        rows = rng.integers(50, 90, 20)
        events = rng.binomial(rows, rng.uniform(0.01, 0.2, 20))
        merge = merge_bins(BinCounts(rows, events, apart=2), BinRule(min_share=0.0, max_bins=20), method)
        bins = BinCounts(rows, events).joined(merge.groups)
        assert bins.events.min() >= 5
        assert (bins.rows - bins.events).min() >= 5
        assert (rounded_woe(bins.rows, bins.events) == np.array(merge.woe)).all()
        assert information_value(bins.rows, bins.events) == merge.iv


def test_bins_apart_stay_apart_or_join_the_nearest_rate() -> None:
    rows, events = np.array([500, 500, 500, 100, 100]), np.array([25, 100, 200, 30, 2])
    merge = merge_bins(BinCounts(rows, events, apart=2), BinRule())
    assert merge.groups == (0, 1, 2, 3, 0)
    assert merge.trend is Trend.ASCENDING


def test_categories_are_ordered_by_event_rate() -> None:
    rows, events = np.full(6, 300), np.array([90, 15, 60, 18, 88, 62])
    merge = merge_bins(BinCounts(rows, events, ordered=False), BinRule(max_bins=3))
    assert merge.groups == (2, 0, 1, 0, 2, 1)
    assert merge.trend is Trend.NONE


def test_too_few_events_make_one_neutral_bin() -> None:
    merge = merge_bins(BinCounts(np.full(4, 100), np.array([1, 0, 2, 1])), BinRule())
    assert merge.groups == (0, 0, 0, 0)
    assert merge.woe == (0.0,)
    assert merge.iv == 0.0


@pytest.mark.parametrize(
    ("woe", "trend"),
    [
        ([0.3, 0.1, -0.2], Trend.ASCENDING), ([-0.1, 0.4], Trend.DESCENDING), ([0.3, -0.1, 0.2], Trend.PEAK),
        ([-0.1, 0.2, -0.3], Trend.VALLEY), ([0.1, -0.1, 0.1, -0.1], Trend.NONE), ([0.1], Trend.NONE),
    ],
)  # fmt: skip
def test_trend_is_that_of_the_event_rate(woe: list[float], trend: Trend) -> None:
    assert trend_of(np.array(woe)) is trend


def test_counts_are_checked() -> None:
    for rows, events, apart in (([10], [11], 0), ([10, 10], [1], 0), ([10], [1], 1)):
        with pytest.raises(LocalProtocolError, match="BIN_COUNTS"):
            BinCounts(np.array(rows), np.array(events), apart)
