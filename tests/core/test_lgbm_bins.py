"""Bins are LightGBM's: compared with the bins that LightGBM itself assigns to every row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import numpy.typing as npt
import pytest

from vfl.core.lgbm_bins import BinMapper, sample_rows
from vfl.errors import ConfigError, DataError

FloatArray = npt.NDArray[np.float64]
Maker = Callable[[np.random.Generator, int], FloatArray]


def sprinkle(values: FloatArray, random: np.random.Generator, share: float, what: float) -> FloatArray:
    out = values.copy()
    out[random.random(out.size) < share] = what
    return out


NUMERIC: dict[str, Maker] = {
    "normal": lambda r, n: r.normal(size=n),
    "ties": lambda r, n: np.round(r.normal(size=n), 1),
    "few": lambda r, n: r.integers(-2, 3, n).astype(float),
    "two values": lambda r, n: r.integers(0, 2, n).astype(float),
    "constant": lambda r, n: np.full(n, 7.5),
    "all zero": lambda r, n: np.zeros(n),
    "all missing": lambda r, n: np.full(n, np.nan),
    "zeros": lambda r, n: sprinkle(r.normal(size=n), r, 0.5, 0.0),
    "mostly zeros": lambda r, n: sprinkle(r.exponential(size=n), r, 0.97, 0.0),
    "negative": lambda r, n: -r.exponential(size=n),
    "negative and zero": lambda r, n: sprinkle(-r.exponential(size=n), r, 0.2, 0.0),
    "missing": lambda r, n: sprinkle(r.normal(size=n), r, 0.3, np.nan),
    "mostly missing": lambda r, n: sprinkle(r.normal(size=n), r, 0.98, np.nan),
    "missing and zero": lambda r, n: sprinkle(sprinkle(r.normal(size=n), r, 0.3, np.nan), r, 0.3, 0.0),
    "one value and missing": lambda r, n: sprinkle(np.full(n, 3.0), r, 0.4, np.nan),
    "big": lambda r, n: np.exp(r.normal(size=n) * 30) * 1e100,
    "tiny": lambda r, n: r.normal(size=n) * 1e-35,
    "one heavy value": lambda r, n: sprinkle(r.normal(size=n), r, 0.6, 1.25),
    "heavy values": lambda r, n: np.where(r.random(n) < 0.7, r.integers(1, 6, n), r.exponential(3, size=n)),
    "neighbours one ulp apart": lambda r, n: 1.0 + r.integers(0, 40, n) * 2.0**-52,
    "rounded money": lambda r, n: np.round(r.lognormal(10, 2, n), -2),
    "skewed counts": lambda r, n: r.geometric(0.02, n).astype(float),
}
CATEGORICAL: dict[str, Maker] = {
    "few": lambda r, n: r.integers(0, 3, n).astype(float),
    "geometric": lambda r, n: r.geometric(0.1, n).astype(float),
    "with missing": lambda r, n: sprinkle(r.geometric(0.3, n).astype(float), r, 0.2, np.nan),
    "negative is missing": lambda r, n: r.integers(-3, 8, n).astype(float),
    "many": lambda r, n: np.floor(r.pareto(0.6, n) * 10).clip(0, 1e6),
    "fractions": lambda r, n: r.integers(0, 12, n) / 2.0,
    "one": lambda r, n: np.full(n, 4.0),
    "all missing": lambda r, n: np.full(n, np.nan),
    "equal counts": lambda r, n: (np.arange(n) % 9).astype(float),
}


def lightgbm_bins(
    table: FloatArray, path: Path, categorical: bool, **params: int | bool
) -> list[npt.NDArray[np.int64] | None]:
    """LightGBM's bin of every row, per column; None for a column it drops."""
    settings = {"verbose": -1, "enable_bundle": False, "feature_pre_filter": False} | params
    columns = list(range(table.shape[1])) if categorical else []
    data = lightgbm.Dataset(table, np.zeros(len(table)), params=settings, categorical_feature=columns)
    data.construct()._dump_text(path)
    lines = path.read_text().splitlines()[-len(table) :]
    cells = np.array([[cell.strip() for cell in line.split(",")[:-1]] for line in lines])
    return [None if column[0] == "NA" else column.astype(np.int64) for column in cells.T]


@pytest.mark.parametrize(("seed", "rows"), [(0, 7), (1, 90), (2, 3000)])
@pytest.mark.parametrize(
    ("max_bin", "min_data_in_bin"), [(255, 3), (16, 3), (2, 3), (3, 1), (255, 50), (1000, 1)]
)
def test_numeric_bins_are_lightgbms(
    seed: int, rows: int, max_bin: int, min_data_in_bin: int, tmp_path: Path
) -> None:
    random = np.random.default_rng(seed)
    table = np.column_stack([make(random, rows) for make in NUMERIC.values()])
    params = {"max_bin": max_bin, "min_data_in_bin": min_data_in_bin}
    expected = lightgbm_bins(table, tmp_path / "dump.txt", categorical=False, **params)
    for name, column, bins in zip(NUMERIC, table.T, expected, strict=True):
        mapper = BinMapper.fit(column, max_bin=max_bin, min_data_in_bin=min_data_in_bin)
        assert mapper.is_trivial == (bins is None), name
        if bins is not None:
            np.testing.assert_array_equal(mapper.transform(column), bins, err_msg=name)


@pytest.mark.parametrize(("seed", "rows"), [(0, 7), (1, 90), (2, 3000)])
@pytest.mark.parametrize(("max_bin", "min_data_in_bin"), [(255, 3), (5, 3), (255, 1)])
def test_categorical_bins_are_lightgbms(
    seed: int, rows: int, max_bin: int, min_data_in_bin: int, tmp_path: Path
) -> None:
    random = np.random.default_rng(seed)
    table = np.column_stack([make(random, rows) for make in CATEGORICAL.values()])
    params = {"max_bin": max_bin, "min_data_in_bin": min_data_in_bin}
    expected = lightgbm_bins(table, tmp_path / "dump.txt", categorical=True, **params)
    for name, column, bins in zip(CATEGORICAL, table.T, expected, strict=True):
        mapper = BinMapper.fit(column, categorical=True, max_bin=max_bin, min_data_in_bin=min_data_in_bin)
        assert mapper.is_trivial == (bins is None), name
        if bins is not None:
            np.testing.assert_array_equal(mapper.transform(column), bins, err_msg=name)


@pytest.mark.parametrize("categorical", [False, True])
@pytest.mark.parametrize("least", [1, 20, 400])
def test_pre_filter_drops_what_lightgbm_drops(categorical: bool, least: int, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    makers = CATEGORICAL if categorical else NUMERIC
    table = np.column_stack([make(random, 1000) for make in makers.values()])
    expected = lightgbm_bins(
        table, tmp_path / "dump.txt", categorical, feature_pre_filter=True, min_data_in_leaf=least
    )
    for name, column, bins in zip(makers, table.T, expected, strict=True):
        mapper = BinMapper.fit(column, categorical=categorical, min_data_in_leaf=least)
        assert mapper.is_trivial == (bins is None), name


@pytest.mark.parametrize("sample_count", [2, 100, 5000])
def test_sample_is_lightgbms(sample_count: int, tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    column = random.normal(size=6000)
    (expected,) = lightgbm_bins(
        column[:, None], tmp_path / "dump.txt", False, bin_construct_sample_cnt=sample_count, min_data_in_bin=1
    )
    rows = sample_rows(column.size, sample_count)
    assert rows.size == sample_count
    mapper = BinMapper.fit(column[rows], min_data_in_bin=1)
    np.testing.assert_array_equal(mapper.transform(column), expected)


@pytest.mark.parametrize("name", NUMERIC)
def test_numeric_mapper_survives_json(name: str) -> None:
    column = NUMERIC[name](np.random.default_rng(5), 500)
    mapper = BinMapper.fit(column)
    again = BinMapper.from_dict(json.loads(json.dumps(mapper.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(again.upper_bounds, mapper.upper_bounds)
    np.testing.assert_array_equal(again.transform(column), mapper.transform(column))
    assert again.meta() == mapper.meta()


def test_categorical_mapper_survives_json() -> None:
    column = CATEGORICAL["with missing"](np.random.default_rng(6), 500)
    mapper = BinMapper.fit(column, categorical=True)
    again = BinMapper.from_dict(json.loads(json.dumps(mapper.to_dict(), allow_nan=False)))
    np.testing.assert_array_equal(again.transform(column), mapper.transform(column))
    assert again.meta() == mapper.meta()


def test_unseen_values() -> None:
    numeric = BinMapper.fit(np.arange(-50.0, 50.0))
    assert numeric.transform([-np.inf, np.inf]).tolist() == [0, numeric.n_bins - 1]
    assert numeric.transform([np.nan]) == numeric.transform([0.0])
    categorical = BinMapper.fit(np.repeat([1.0, 2.0, 5.0], 10), categorical=True)
    assert categorical.transform([3.0, -1.0, np.nan, 1e12]).tolist() == [0, 0, 0, 0]


def test_padding_moves_the_nan_bin_to_the_end() -> None:
    column = np.array([1.0] * 9 + [2.0] * 9 + [np.nan] * 40)
    mapper = BinMapper.fit(column)
    padded = mapper.transform(column, n_bins=32)
    assert set(padded[:18]) == set(mapper.transform(column[:18]))
    assert set(padded[18:]) == {31}
    assert mapper.meta(n_bins=32).n_bins == 32
    with pytest.raises(ConfigError, match="BIN_PARAMETER"):
        mapper.transform(column, n_bins=mapper.n_bins - 1)


def test_uint16_where_uint8_does_not_do() -> None:
    column = np.arange(3000.0)
    mapper = BinMapper.fit(column, max_bin=1000)
    bins = mapper.transform(column)
    assert bins.dtype == np.uint16
    assert bins.max() == mapper.n_bins - 1 > 255
    assert BinMapper.fit(column).transform(column).dtype == np.uint8


@pytest.mark.parametrize(
    "values", [np.zeros((2, 2)), np.array(["a"]), np.array([]), np.array([1.0, np.inf]), np.array([object()])]
)
def test_what_is_not_a_column_of_numbers_is_refused(values: npt.NDArray[np.generic]) -> None:
    with pytest.raises(DataError, match="BIN_VALUES"):
        BinMapper.fit(values, column="income")


def test_huge_category_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="BIN_VALUES"):
        BinMapper.fit([0.0, 2.0**31], categorical=True)


@pytest.mark.parametrize(
    "change",
    [
        {"upper_bounds": [2.0, 1.0]},
        {"upper_bounds": [float("nan")]},
        {"upper_bounds": "x"},
        {"most_frequent_bin": 99},
        {"is_categorical": True, "categories": [3, 3]},
        {"categories": None},
    ],
)
def test_broken_state_is_refused(change: dict[str, object]) -> None:
    state = BinMapper.fit(np.arange(100.0)).to_dict() | change
    with pytest.raises(DataError, match="BIN_STATE"):
        BinMapper.from_dict(state)


def test_repr_hides_the_cut_points() -> None:
    assert repr(BinMapper.fit(np.arange(100.0))) == "<BinMapper: numeric, 34 bins>"
