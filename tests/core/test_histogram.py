"""Histograms add exactly what they should, in floats and in fixed point."""

from __future__ import annotations

import numpy as np
import pytest

from vfl.core.histogram import FeatureMeta, HistogramLayout, exact_histogram, histogram, subtract
from vfl.core.objective import FixedPoint
from vfl.errors import ConfigError, DataError, LocalProtocolError

LAYOUT = HistogramLayout([FeatureMeta(5), FeatureMeta(300), FeatureMeta(1)])


def make(seed: int, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    bins = np.column_stack([random.integers(0, m.n_bins, rows) for m in LAYOUT.features]).astype(np.uint16)
    return bins, np.sort(random.choice(rows, rows // 3, replace=False)).astype(np.int32)


@pytest.mark.parametrize("all_rows", [True, False])
def test_float_sums(all_rows: bool) -> None:
    bins, rows = make(0)
    random = np.random.default_rng(1)
    gradient, hessian = random.normal(size=400), random.random(400)
    sums = histogram(bins, None if all_rows else rows, gradient, hessian, LAYOUT)
    expected = np.zeros((LAYOUT.total_bins, 2))
    for row in range(400) if all_rows else rows:
        for feature in range(3):
            expected[LAYOUT.offsets[feature] + bins[row, feature]] += gradient[row], hessian[row]
    np.testing.assert_array_equal(sums, expected)


@pytest.mark.parametrize("largest", [1 << 20, (1 << 53) - 1, 1 << 54])
def test_fixed_point_sums_are_exact(largest: int) -> None:
    """Also where single sums exceed the 53 bits of a float64."""
    bins, rows = make(2)
    random = np.random.default_rng(3)
    gradient = random.integers(-largest, largest, 400)
    gradient[0], gradient[1] = largest, -largest
    hessian = random.integers(0, largest, 400)
    sums = exact_histogram(bins, rows, gradient, hessian, LAYOUT)
    assert sums.dtype == np.int64
    expected = [[0, 0] for _ in range(LAYOUT.total_bins)]
    for row in rows:
        for feature in range(3):
            cell = expected[LAYOUT.offsets[feature] + int(bins[row, feature])]
            cell[0] += int(gradient[row])
            cell[1] += int(hessian[row])
    assert sums.tolist() == expected


def test_sums_that_could_leave_64_bits_are_refused() -> None:
    bins, _ = make(4)
    values = np.full(400, 1 << 60)
    with pytest.raises(LocalProtocolError, match="FIXED_POINT_RANGE"):
        exact_histogram(bins, None, values, values, LAYOUT)


def test_sibling_of_exact_sums_is_exact() -> None:
    bins, rows = make(5)
    random = np.random.default_rng(6)
    point = FixedPoint(40)
    values = point.encode(random.normal(size=400)), point.encode(random.random(400))
    others = np.setdiff1d(np.arange(400, dtype=np.int32), rows)
    parent, child, sibling = (
        point.decode(exact_histogram(bins, which, *values, LAYOUT)) for which in (None, rows, others)
    )
    np.testing.assert_array_equal(subtract(parent, child), sibling)


def test_most_frequent_bin_is_the_rest_of_the_leaf() -> None:
    layout = HistogramLayout(
        [FeatureMeta(3, most_frequent_bin=2), FeatureMeta(2, most_frequent_bin=0), FeatureMeta(2)]
    )
    sums = np.array([[1.0, 2.0], [3.0, 4.0], [99.0, 99.0], [7.0, 7.0], [5.0, 5.0], [6.0, 6.0], [6.0, 6.0]])
    expected = sums.copy()
    expected[2] = 12.0 - 1.0 - 3.0, 20.0 - 2.0 - 4.0
    layout.derive_most_frequent(sums, 12.0, 20.0)
    np.testing.assert_array_equal(sums, expected)


def test_float32_gradients_survive_40_bits() -> None:
    random = np.random.default_rng(7)
    values = (random.uniform(2.0**-16, 1.0, 10_000)).astype(np.float32).astype(np.float64)
    point = FixedPoint(40)
    np.testing.assert_array_equal(point.decode(point.encode(values)), values)
    assert point.encode(np.array([-0.5, 2.0**-41, 3 * 2.0**-41])).tolist() == [-(1 << 39), 0, 2]


def test_fixed_point_refuses() -> None:
    with pytest.raises(ConfigError, match="GRADIENT_BITS"):
        FixedPoint(60)
    for wrong in (np.array([np.nan]), np.array([2.0**23])):
        with pytest.raises(DataError, match="GRADIENT_RANGE"):
            FixedPoint(40).encode(wrong)


def test_layout_repr_and_lookup() -> None:
    assert repr(LAYOUT) == "<HistogramLayout: 3 features, 306 bins>"
    assert LAYOUT.bins_of(1) == slice(5, 305)
