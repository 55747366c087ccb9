"""The split search against an exhaustive search in plain Python, and its rules one by one."""

from __future__ import annotations

import doctest
from dataclasses import replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

import vfl.core.split
from vfl.core.histogram import FeatureMeta, HistogramLayout
from vfl.core.split import LeafStats, Split, SplitFinder, SplitParams, best_split
from vfl.errors import ConfigError, LocalProtocolError

FloatArray = npt.NDArray[np.float64]
LOOSE = SplitParams(min_data_in_leaf=1, min_sum_hessian_in_leaf=0.0)


def random_sums(random: np.random.Generator, n_bins: int, empty: float = 0.3) -> tuple[FloatArray, LeafStats]:
    """Sums of a leaf in which every row has hessian 0.25, so that estimated counts are true."""
    rows = random.integers(1, 40, n_bins) * (random.random(n_bins) >= empty)
    rows[random.integers(n_bins)] += 30
    sums = np.column_stack([random.integers(-20, 21, n_bins) * (rows > 0) * 0.25, rows * 0.25])
    return sums, LeafStats(float(sums[:, 0].sum()), float(sums[:, 1].sum()), int(rows.sum()))


def gain_of(sums: FloatArray, left: list[int], params: SplitParams, l2: float) -> float | None:
    """Gain of sending bins ``left`` left, over the leaf unsplit; None where a side is too small."""
    inside = np.isin(np.arange(len(sums)), left)
    total = 0.0
    for side in (inside, ~inside):
        g, h = sums[side].sum(axis=0)
        if round(h * 4) < params.min_data_in_leaf or h < params.min_sum_hessian_in_leaf or h == 0:
            return None
        total += max(0.0, abs(g) - params.lambda_l1) ** 2 / (h + l2)
    g, h = sums.sum(axis=0)
    return float(total - max(0.0, abs(g) - params.lambda_l1) ** 2 / (h + params.lambda_l2))


def left_bins(split: Split, meta: FeatureMeta) -> list[int]:
    if split.threshold_bin is None:
        return list(split.left_bins)
    bins = [b for b in range(meta.n_bins - meta.has_nan_bin) if b <= split.threshold_bin]
    if meta.has_nan_bin and meta.n_bins == 2:
        return [0]
    return [*bins, meta.n_bins - 1] if meta.has_nan_bin and split.default_left else bins


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("has_nan_bin", [False, True])
def test_numeric_split_is_the_best_of_all(seed: int, has_nan_bin: bool) -> None:
    random = np.random.default_rng(seed)
    meta = FeatureMeta(int(random.integers(2, 25)), has_nan_bin=has_nan_bin)
    params = SplitParams(
        min_data_in_leaf=int(random.integers(1, 60)),
        min_sum_hessian_in_leaf=float(random.uniform(0, 8)),
        lambda_l1=float(random.choice([0, 1.5])),
        lambda_l2=float(random.choice([0, 4.0])),
    )
    sums, leaf = random_sums(random, meta.n_bins)
    cuts = [list(range(t + 1)) for t in range(meta.n_bins - 1)]
    if has_nan_bin:
        cuts += [[*cut, meta.n_bins - 1] for cut in cuts[:-1]]
    gains = [g for cut in cuts if (g := gain_of(sums, cut, params, params.lambda_l2)) is not None and g > 1e-9]
    split = best_split(sums, meta, leaf, params)
    if not gains:
        assert split is None or split.gain < 1e-9
        return
    assert split is not None
    assert split.gain == pytest.approx(max(gains), rel=1e-9)
    chosen = left_bins(split, meta)
    assert gain_of(sums, chosen, params, params.lambda_l2) == pytest.approx(split.gain, rel=1e-9)
    left, right = sums[chosen].sum(axis=0), np.delete(sums, chosen, axis=0).sum(axis=0)
    assert [split.left.sum_gradient, split.left.sum_hessian] == pytest.approx(left.tolist())
    assert [split.right.sum_gradient, split.right.sum_hessian] == pytest.approx(right.tolist())
    assert split.left.count == round(left[1] * 4)
    assert split.right.count == leaf.count - split.left.count
    shrunk = np.sign(left[0]) * max(0.0, abs(left[0]) - params.lambda_l1)
    assert split.left.output == pytest.approx(-shrunk / (left[1] + params.lambda_l2))


@pytest.mark.parametrize("seed", range(20))
def test_one_category_against_the_rest_is_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    meta = FeatureMeta(int(random.integers(3, 12)), is_categorical=True)
    params = replace(LOOSE, min_data_in_leaf=5, max_cat_to_onehot=20)
    sums, leaf = random_sums(random, meta.n_bins)
    gains = [gain_of(sums, [b], params, 0.0) for b in range(1, meta.n_bins)]
    best = max((g for g in gains if g is not None), default=0.0)
    split = best_split(sums, meta, leaf, params)
    if split is None:
        assert best < 1e-9
    else:
        assert split.gain == pytest.approx(best, rel=1e-9)
        assert len(split.left_bins) == 1
        assert split.is_categorical


@pytest.mark.parametrize("seed", range(20))
def test_sorted_categories_are_the_best_of_all_subsets(seed: int) -> None:
    """Fisher 1958: along gradient over hessian some prefix is best among all subsets (here cat_smooth = 0)."""
    random = np.random.default_rng(seed)
    meta = FeatureMeta(8, is_categorical=True)
    params = replace(LOOSE, max_cat_to_onehot=1, cat_smooth=0.0, cat_l2=0.0, min_data_per_group=1)
    sums, leaf = random_sums(random, meta.n_bins, empty=0.0)
    sums[0] = 0.0
    leaf = LeafStats(float(sums[:, 0].sum()), float(sums[:, 1].sum()), round(float(sums[:, 1].sum()) * 4))
    subsets = [list(s) for size in range(1, 7) for s in combinations(range(1, 8), size)]
    best = max(g for s in subsets if (g := gain_of(sums, s, params, 0.0)) is not None)
    split = best_split(sums, meta, leaf, params)
    assert split is not None
    assert split.gain == pytest.approx(best, rel=1e-9)
    assert 0 not in split.left_bins


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("has_nan_bin", [False, True])
def test_padding_changes_nothing(seed: int, has_nan_bin: bool) -> None:
    random = np.random.default_rng(seed)
    meta = FeatureMeta(int(random.integers(3, 20)), has_nan_bin=has_nan_bin)
    sums, leaf = random_sums(random, meta.n_bins)
    at = meta.n_bins - has_nan_bin
    padded = np.insert(sums, [at] * 9, 0.0, axis=0)
    wide = replace(meta, n_bins=meta.n_bins + 9)
    assert best_split(padded, wide, leaf, LOOSE) == best_split(sums, meta, leaf, LOOSE)


@pytest.mark.parametrize("n_bins", [3, 9])
def test_padding_keeps_the_choice_of_one_category(n_bins: int) -> None:
    random = np.random.default_rng(0)
    params = replace(LOOSE, cat_smooth=1.0, min_data_per_group=1)
    sums, leaf = random_sums(random, n_bins, empty=0.0)
    meta = FeatureMeta(n_bins, is_categorical=True)
    wide = FeatureMeta(16, is_categorical=True, unpadded_bins=n_bins)
    padded = np.concatenate([sums, np.zeros((16 - n_bins, 2))])
    assert best_split(padded, wide, leaf, params) == best_split(sums, meta, leaf, params)


def test_a_nan_bin_beside_one_value_bin_goes_right() -> None:
    sums = np.array([[-5.0, 10.0], [5.0, 10.0]])
    split = best_split(sums, FeatureMeta(2, has_nan_bin=True), LeafStats(0.0, 20.0, 80), LOOSE)
    assert split is not None
    assert (split.threshold_bin, split.default_left) == (0, False)


def test_missing_values_stay_left_when_no_bin_holds_any() -> None:
    sums = np.array([[-5.0, 10.0], [5.0, 10.0], [0.0, 0.0]])
    split = best_split(sums, FeatureMeta(3, has_nan_bin=True), LeafStats(0.0, 20.0, 80), LOOSE)
    assert split is not None
    assert split.default_left


def test_equal_gains_go_to_the_first_feature() -> None:
    sums = np.array([[-5.0, 10.0], [5.0, 10.0]])
    layout = HistogramLayout([FeatureMeta(2)] * 3)
    finder = SplitFinder(layout, LOOSE)
    leaf = LeafStats(0.0, 20.0, 80)
    found = finder.find(np.tile(sums, (3, 1)), leaf)
    assert found.split is not None
    assert found.split.feature == 0
    masked = finder.find(np.tile(sums, (3, 1)), leaf, np.array([False, True, True]))
    assert masked.split is not None
    assert masked.split.feature == 1
    assert masked.splittable.tolist() == [False, True, True]


def test_a_feature_that_cannot_split_is_told_apart() -> None:
    sums = np.array([[0.0, 10.0], [0.0, 10.0], [-5.0, 10.0], [5.0, 10.0]])
    found = SplitFinder(HistogramLayout([FeatureMeta(2)] * 2), LOOSE).find(sums, LeafStats(0.0, 20.0, 80))
    assert found.splittable.tolist() == [False, True]


def test_min_gain_to_split() -> None:
    sums = np.array([[-5.0, 10.0], [5.0, 10.0]])
    leaf = LeafStats(0.0, 20.0, 80)
    free = best_split(sums, FeatureMeta(2), leaf, LOOSE)
    assert free is not None
    dear = best_split(sums, FeatureMeta(2), leaf, replace(LOOSE, min_gain_to_split=4.0))
    assert dear is not None
    assert dear.gain == pytest.approx(free.gain - 4.0)
    assert best_split(sums, FeatureMeta(2), leaf, replace(LOOSE, min_gain_to_split=5.0)) is None


def test_monotone_feature_refuses_the_other_direction() -> None:
    sums = np.array([[5.0, 10.0], [-5.0, 10.0]])  # outputs rise: -0.5, then 0.5
    leaf = LeafStats(0.0, 20.0, 80)
    rising = best_split(sums, FeatureMeta(2, monotone=1), leaf, LOOSE)
    assert rising is not None
    assert (rising.left.upper, rising.right.lower) == (0.0, 0.0)
    assert best_split(sums, FeatureMeta(2, monotone=-1), leaf, LOOSE) is None


def test_bounds_of_a_leaf_hold_its_children() -> None:
    sums = np.array([[5.0, 10.0], [-5.0, 10.0]])
    leaf = LeafStats(0.0, 20.0, 80, lower=-0.1, upper=0.2)
    split = best_split(sums, FeatureMeta(2, monotone=1), leaf, LOOSE)
    assert split is not None
    assert (split.left.output, split.right.output) == (-0.1, 0.2)


def test_max_delta_step_limits_outputs() -> None:
    sums = np.array([[5.0, 10.0], [-5.0, 10.0]])
    split = best_split(sums, FeatureMeta(2), LeafStats(0.0, 20.0, 80), replace(LOOSE, max_delta_step=0.3))
    assert split is not None
    assert (split.left.output, split.right.output) == (-0.3, 0.3)


def test_wrong_shapes_and_parameters_are_refused() -> None:
    with pytest.raises(LocalProtocolError, match="HISTOGRAM_SHAPE"):
        best_split(np.zeros((3, 2)), FeatureMeta(4), LeafStats(0.0, 1.0, 1), LOOSE)
    for wrong in ({"n_bins": 0}, {"n_bins": 3, "most_frequent_bin": 3}, {"n_bins": 3, "monotone": 2}):
        with pytest.raises(LocalProtocolError, match="HISTOGRAM_SHAPE"):
            FeatureMeta(**wrong)
    with pytest.raises(LocalProtocolError, match="HISTOGRAM_SHAPE"):
        FeatureMeta(3, is_categorical=True, has_nan_bin=True)
    with pytest.raises(ConfigError, match="lambda_l2"):
        SplitParams(lambda_l2=-1.0)
    with pytest.raises(ConfigError, match="cat_smooth"):
        SplitParams(cat_smooth=float("nan"))


def test_example_in_the_docstring() -> None:
    assert doctest.testmod(vfl.core.split).failed == 0
