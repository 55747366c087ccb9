"""Pre-bins: floors on every cut, no row left over, degenerate columns, files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vfl.core.binned_table import BinnedTable, WoeFeature
from vfl.core.binning import BinCounts, merge_bins
from vfl.core.optimal_binning import BinRule
from vfl.core.prebins import CategoryPreBins, CutMethod, NumericPreBins, PreBins, prebins_from_dict
from vfl.errors import DataError

VALUES = st.lists(
    st.one_of(st.integers(-4, 4).map(float), st.floats(-1e9, 1e9), st.just(float("nan")), st.just(-999.0)),
    min_size=1, max_size=300,
)  # fmt: skip


def counted(prebins: PreBins, values: object, rows: int) -> np.ndarray:
    bins = prebins.bins(values)
    assert len(bins) == rows
    return np.bincount(bins, minlength=len(prebins.rows))


@settings(max_examples=80, deadline=None)
@given(
    values=VALUES, floor=st.integers(1, 60), most=st.integers(2, 50), method=st.sampled_from(CutMethod),
    special=st.booleans(),
)  # fmt: skip
def test_every_row_is_in_a_bin_and_every_bin_keeps_the_floor(
    values: list[float], floor: int, most: int, method: CutMethod, special: bool
) -> None:
    column = np.array(values)
    specials = [[-999.0]] if special else []
    prebins = NumericPreBins.fit(column, name="x", method=method, max_bins=most, floor=floor, specials=specials)
    rows = counted(prebins, column, len(column))
    assert tuple(rows.tolist()) == prebins.rows  # as it says, and none unseen
    assert prebins.regular <= most
    assert len(prebins.rows) == 1 or rows.min() >= floor
    assert not set(prebins.edges) & set(values) or method is CutMethod.EQUAL_WIDTH or _adjacent(prebins, column)
    assert prebins_from_dict(prebins.to_dict()) == prebins


def _adjacent(prebins: NumericPreBins, column: np.ndarray) -> bool:
    """A cut may be a value only where no float lies between it and the one below."""
    known = np.unique(column[~np.isnan(column)])
    for edge in set(prebins.edges) & set(known.tolist()):
        below = known[np.searchsorted(known, edge) - 1]
        if below < below / 2 + edge / 2 < edge:
            return False
    return True


@settings(max_examples=60, deadline=None)
@given(
    codes=st.lists(st.integers(-1, 15), min_size=1, max_size=300), floor=st.integers(1, 60), most=st.integers(2, 20)
)
def test_categories_keep_the_floor_too(codes: list[int], floor: int, most: int) -> None:
    column, levels = np.array(codes, dtype=np.int32), [f"level {i}" for i in range(16)]
    prebins = CategoryPreBins.fit(column, levels, name="c", max_bins=most, floor=floor)
    rows = counted(prebins, (column, levels), len(column))
    assert tuple(rows.tolist()) == prebins.rows
    assert prebins.regular <= most
    assert len(prebins.rows) == 1 or rows.min() >= floor
    assert prebins_from_dict(prebins.to_dict()) == prebins


def test_intervals_hold_their_left_end() -> None:
    prebins = NumericPreBins.by_hand(np.arange(100.0), [50.0, 20.0], name="x", floor=5)
    assert prebins.edges == (20.0, 50.0)
    assert prebins.bins(np.array([19.999, 20.0, 49.0, 50.0, 1e9])).tolist() == [0, 1, 1, 2, 2]


def test_a_heavy_value_gets_its_own_bin() -> None:
    values = np.concatenate([np.linspace(-1, -0.1, 200), np.zeros(600), np.linspace(0.1, 1, 200)])
    prebins = NumericPreBins.fit(values, name="x", max_bins=5, floor=50)
    assert 600 in prebins.rows


@pytest.mark.parametrize(
    "column",
    [np.full(500, 2.0), np.full(500, np.nan), np.array([np.nan] * 480 + [1.0] * 20), np.array([1.0])],
    ids=["constant", "empty", "nearly empty", "one row"],
)
def test_degenerate_columns_have_one_bin(column: np.ndarray) -> None:
    prebins = NumericPreBins.fit(column, name="x", specials=[[2.5]])
    assert prebins.rows == (len(column),)
    assert set(prebins.bins(column).tolist()) == {0}


def test_few_missing_values_join_the_largest_bin_many_stand_apart() -> None:
    column = np.concatenate([np.arange(900.0), np.full(40, np.nan)])
    few = NumericPreBins.fit(column, name="x", max_bins=4, floor=50)
    assert few.apart == 0
    assert few.rest == int(np.argmax(few.rows))
    assert sum(few.rows) == 940
    many = NumericPreBins.fit(np.concatenate([column, np.full(60, np.nan)]), name="x", max_bins=4, floor=50)
    assert many.apart == 1
    assert many.rows[-1] == 100 == many.rows[many.rest or 0]


def test_special_values_stand_apart_or_with_missing_ones() -> None:
    column = np.concatenate([np.arange(900.0), np.full(100, -1.0), np.full(30, -2.0), np.full(30, np.nan)])
    prebins = NumericPreBins.fit(column, name="x", max_bins=4, floor=50, specials=[[-1.0], [-2.0]])
    assert prebins.specials == ((-1.0,),)
    assert prebins.small_specials == (-2.0,)
    assert prebins.rows[-2:] == (100, 60)
    assert prebins.bins(np.array([-1.0, -2.0, np.nan])).tolist() == [4, 5, 5]


def test_what_training_never_saw_is_neutral() -> None:
    prebins = NumericPreBins.fit(np.arange(1000.0), name="x", max_bins=4)
    counts = BinCounts(np.array(prebins.rows), np.array([10, 20, 40, 80]))
    feature = WoeFeature(prebins, merge_bins(counts, BinRule()))
    assert feature.woe[feature.bins(np.array([np.nan]))].tolist() == [0.0]
    levels = ["a", "b"]
    category = CategoryPreBins.fit(np.repeat([0, 1], 100).astype(np.int32), levels, name="c")
    assert category.bins((np.array([0, 1, 2, -1], dtype=np.int32), ["a", "b", "new"])).tolist() == [0, 1, 2, 2]


def test_edges_by_hand_are_checked() -> None:
    with pytest.raises(DataError, match="BIN_EDGES"):
        NumericPreBins.by_hand(np.arange(10.0), [np.inf], name="x")


def test_bins_file_round_trip_and_refusal() -> None:
    rng = np.random.default_rng(3)
    column = np.concatenate([rng.normal(size=800), np.full(200, np.nan)])
    labels = rng.random(1000) < 0.3
    prebins = NumericPreBins.fit(column, name="收入", max_bins=10)
    bins = prebins.bins(column)
    counts = BinCounts(np.array(prebins.rows), np.bincount(bins, weights=labels).astype(np.int64), prebins.apart)
    table = BinnedTable((WoeFeature(prebins, merge_bins(counts, BinRule())),))
    again = BinnedTable.from_json(table.to_json())
    np.testing.assert_array_equal(again.columns([column], 1000).matrix(), table.columns([column], 1000).matrix())
    assert again.features[0].labels() == table.features[0].labels()
    assert again.features[0].labels()[-1] == "missing"
    assert "收入" in table.to_json()
    assert "收入" not in repr(table)
    for text in ("", "[]", '{"format": "other"}', '{"format": "vfl-bins/1"}'):
        with pytest.raises(DataError, match="BINS_FILE"):
            BinnedTable.from_json(text)
