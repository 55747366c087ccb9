"""Pooled training gives LightGBM's own trees: structure, thresholds, default sides, category sets, leaf values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pytest
from lightgbm_oracle import assert_same_trees, both

from vfl.core.boosting import BoostParams, train_local
from vfl.core.metrics import auc
from vfl.core.objective import Binary, Poisson, SquaredError
from vfl.core.split import SplitParams
from vfl.core.split_table import importance
from vfl.core.tree import GrowParams
from vfl.errors import ConfigError, DataError, LocalProtocolError

FloatArray = npt.NDArray[np.float64]
SMALL = BoostParams(n_trees=8)


def make_table(seed: int, rows: int = 1500) -> tuple[FloatArray, FloatArray]:
    """Ties, zeros, negatives, skew, missing values and two columns fit for categories (2 and 7)."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 8))
    x[:, 1] = np.round(x[:, 1], 1)
    x[:, 2] = random.integers(0, 4, rows)
    x[random.random(rows) < 0.6, 3] = 0.0
    x[:, 4] = np.exp(3 * x[:, 4]) * 1e6
    x[random.random(rows) < 0.2, 5] = np.nan
    x[random.random(rows) < 0.8, 6] = np.nan
    x[:, 7] = np.minimum(random.geometric(0.2, rows), 15)
    margin = x[:, 0] + np.nan_to_num(x[:, 5]) * x[:, 1] + (x[:, 3] > 0) + 0.5 * (x[:, 7] % 3) - 1
    return x, (random.random(rows) < 1 / (1 + np.exp(-margin))).astype(np.float64)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("categorical", [(), (2, 7)])
@pytest.mark.parametrize("gradient_bits", [None, 40])
def test_same_trees(seed: int, categorical: tuple[int, ...], gradient_bits: int | None) -> None:
    x, y = make_table(seed)
    params = replace(SMALL, gradient_bits=gradient_bits)
    assert_same_trees(*both(x, y, params, categorical=categorical))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lambda_l1", 2.0),
        ("lambda_l2", 5.0),
        ("min_data_in_leaf", 1),
        ("min_data_in_leaf", 200),
        ("min_sum_hessian_in_leaf", 20.0),
        ("min_gain_to_split", 3.0),
        ("max_delta_step", 0.3),
        ("max_cat_to_onehot", 20),
        ("max_cat_threshold", 2),
        ("cat_smooth", 60.0),
        ("cat_l2", 0.0),
        ("min_data_per_group", 10),
    ],
)
def test_same_trees_with_split_parameter(name: str, value: float) -> None:
    x, y = make_table(11)
    split = SplitParams(**{name: value})
    params = replace(SMALL, grow=GrowParams(split=split))
    assert_same_trees(*both(x, y, params, categorical=(2, 7), **{name: value}))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"num_leaves": 2}, {"num_leaves": 2}),
        ({"num_leaves": 200}, {"num_leaves": 200}),
        ({"max_depth": 3}, {"max_depth": 3}),
        ({"learning_rate": 0.37}, {"learning_rate": 0.37}),
    ],
)
def test_same_trees_with_growth_parameter(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    x, y = make_table(12)
    assert_same_trees(*both(x, y, replace(SMALL, grow=GrowParams(**ours)), **theirs))


@pytest.mark.parametrize("max_bin", [2, 3, 16, 1000])
def test_same_trees_with_max_bin(max_bin: int) -> None:
    x, y = make_table(13)
    assert_same_trees(*both(x, y, replace(SMALL, max_bin=max_bin), max_bin=max_bin))


def test_same_trees_with_weights() -> None:
    x, y = make_table(14)
    weight = np.random.default_rng(14).uniform(0.1, 3.0, y.size)
    assert_same_trees(*both(x, y, SMALL, weight=weight))


def test_same_trees_with_scale_pos_weight_and_no_start() -> None:
    x, y = make_table(15)
    params = replace(SMALL, objective=Binary(scale_pos_weight=3.5), boost_from_average=False)
    assert_same_trees(*both(x, y, params, scale_pos_weight=3.5, boost_from_average=False))


@pytest.mark.parametrize("weighted", [False, True])
def test_same_trees_for_squared_error(weighted: bool) -> None:
    x, _ = make_table(16)
    random = np.random.default_rng(16)
    y = x[:, 0] * 3 + np.nan_to_num(x[:, 5]) + random.normal(size=x.shape[0])
    weight = random.uniform(0.1, 3.0, y.size) if weighted else None
    assert_same_trees(*both(x, y, replace(SMALL, objective=SquaredError()), weight=weight, objective="regression"))


def test_same_trees_for_poisson() -> None:
    x, _ = make_table(17)
    y = np.random.default_rng(17).poisson(np.exp(0.5 * x[:, 0])).astype(np.float64)
    assert_same_trees(*both(x, y, replace(SMALL, objective=Poisson()), objective="poisson"))


def test_same_trees_with_monotone_constraints() -> None:
    x, y = make_table(18)
    monotone = (1, -1, 0, 0, 1, -1, 1, 0)
    assert_same_trees(*both(x, y, replace(SMALL, monotone=monotone), monotone_constraints=list(monotone)))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"feature_fraction": 0.5}, {"feature_fraction": 0.5}),
        ({"bagging_fraction": 0.8, "bagging_freq": 1}, {"bagging_fraction": 0.8, "bagging_freq": 1}),
        ({"bagging_fraction": 0.4, "bagging_freq": 3}, {"bagging_fraction": 0.4, "bagging_freq": 3}),
        ({"goss": (0.2, 0.1)}, {"data_sample_strategy": "goss"}),
        ({"goss": (0.5, 0.3)}, {"data_sample_strategy": "goss", "top_rate": 0.5, "other_rate": 0.3}),
    ],
)
def test_same_trees_with_sampling(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    x, y = make_table(26, rows=2500)
    params = BoostParams(n_trees=14, grow=GrowParams(learning_rate=0.25), **ours)
    assert_same_trees(*both(x, y, params, learning_rate=0.25, **theirs))


@pytest.mark.parametrize("enable_bundle", [False, True])
def test_same_trees_on_sparse_columns(enable_bundle: bool) -> None:
    """Columns that are mostly zero and never non-zero together: what LightGBM bundles."""
    random = np.random.default_rng(19)
    which = random.integers(0, 12, 2000)
    x = np.zeros((2000, 12))
    x[np.arange(2000), which] = random.integers(1, 30, 2000)
    y = (random.random(2000) < 0.1 + 0.05 * which + 0.01 * x.max(axis=1)).astype(np.float64)
    assert_same_trees(*both(x, y, SMALL, enable_bundle=enable_bundle))


@pytest.mark.parametrize("metric", ["auc", "binary_logloss"])
@pytest.mark.parametrize("rounds", [1, 5])
def test_same_early_stopping(metric: str, rounds: int) -> None:
    x, y = make_table(20)
    grow = GrowParams(learning_rate=0.3)
    params = BoostParams(n_trees=60, metric=metric, early_stopping_rounds=rounds, grow=grow)
    ours = train_local(x[:1000], y[:1000], params, valid=(x[1000:], y[1000:]))
    settings = {"objective": "binary", "metric": metric, "learning_rate": 0.3, "deterministic": True}
    settings |= {"force_row_wise": True, "num_threads": 1, "verbose": -1}
    train = lightgbm.Dataset(x[:1000], y[:1000])
    told: dict[str, dict[str, list[float]]] = {}
    theirs = lightgbm.train(
        settings, train, 60, valid_sets=[lightgbm.Dataset(x[1000:], y[1000:], reference=train)], valid_names=["v"],
        callbacks=[lightgbm.early_stopping(rounds, verbose=False), lightgbm.record_evaluation(told)],
    )  # fmt: skip
    assert ours.best_iteration == theirs.best_iteration < 60
    np.testing.assert_allclose(ours.history, told["v"][metric], rtol=1e-12)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-12)


def test_equal_gains_of_a_free_and_a_constrained_feature() -> None:
    x, y = make_table(27)
    x[:, 1] = x[:, 0]
    for monotone in ((0, 1), (1, 0)):
        params = replace(SMALL, monotone=monotone)
        assert_same_trees(*both(x[:, :2], y, params, monotone_constraints=list(monotone)))


def test_same_importance() -> None:
    x, y = make_table(28)
    ours, theirs = both(x, y, SMALL, categorical=(2, 7))
    for kind in ("gain", "split"):
        found = importance(ours.trees, 0, ours.splits, x.shape[1], kind=kind)
        np.testing.assert_allclose(found, theirs.feature_importance(kind), rtol=1e-6)


def test_best_iteration_without_early_stopping_is_the_last() -> None:
    x, y = make_table(21)
    model = train_local(x, y, BoostParams(n_trees=3), valid=(x, y))
    assert (model.best_iteration, len(model.trees), len(model.history)) == (3, 3, 3)


def test_unseen_rows_are_predicted_as_lightgbm_predicts_them() -> None:
    x, y = make_table(22)
    ours, theirs = both(x, y, SMALL, categorical=(2, 7))
    fresh, _ = make_table(23)
    random = np.random.default_rng(23)
    fresh[random.random(fresh.shape) < 0.1] = np.nan
    fresh[:50, 7] = 99.0
    fresh[50:60, 7] = -3.0
    fresh[60:80, 0] = 1e9
    np.testing.assert_allclose(ours.predict(fresh), theirs.predict(fresh), rtol=1e-12)


def test_a_table_without_any_split_gives_no_tree() -> None:
    model = train_local(np.zeros((100, 2)), np.arange(100) % 2 * 1.0, BoostParams(n_trees=5))
    assert model.trees == ()
    np.testing.assert_allclose(model.predict(np.zeros((3, 2))), 0.5)


def test_few_gradient_bits_still_learn() -> None:
    x, y = make_table(24)
    fine, coarse = (train_local(x, y, replace(SMALL, gradient_bits=bits)) for bits in (40, 8))
    assert auc(y, coarse.predict(x)) > auc(y, fine.predict(x)) - 0.02


def test_wrong_calls_are_refused() -> None:
    x, y = make_table(25, rows=100)
    with pytest.raises(ConfigError, match="BOOST_PARAMETER"):
        BoostParams(metric="rmse?")
    with pytest.raises(ConfigError, match="BOOST_PARAMETER"):
        BoostParams(goss=(0.2, 0.1), bagging_freq=1)
    with pytest.raises(ConfigError, match="BOOST_PARAMETER"):
        train_local(x, y, BoostParams(early_stopping_rounds=3))
    with pytest.raises(DataError, match="LABEL_VALUES"):
        train_local(x, y + 1, BoostParams())
    with pytest.raises(DataError, match="LABEL_VALUES"):
        train_local(x, y[1:], BoostParams())
    with pytest.raises(LocalProtocolError, match="VALID_ROWS"):
        train_local(x, y, BoostParams(), valid=(x, y[1:]))
