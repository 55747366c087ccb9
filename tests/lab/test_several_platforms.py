"""The estimators with columns of several platforms: the same bins and weights as pooled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from vfl.errors import ConfigError
from vfl.lab.estimators import FederatedLogisticRegression, FederatedScorecard, FederatedTrees, WoeBinner

QUICK: dict[str, Any] = {"steps": 4, "curvatures": 2, "standard_errors": False}
KEYS: dict[str, Any] = {"backend": "paillier", "key_bits": 1024, "random_state": 1}
THREE = [[4, 1], [3]]
"""Columns of two platforms; the bank owns 0 and 2."""


@pytest.fixture(scope="module")
def table() -> tuple[Any, Any]:
    rng = np.random.default_rng(9)
    risk = rng.normal(size=240)
    values = np.column_stack([risk * by + rng.normal(size=240) for by in (1.0, 0.8, -0.9, 0.7, 0.6)])
    return values, (rng.random(240) < 1 / (1 + np.exp(1 - 1.5 * risk))).astype(int)


def _relative(joint: Any, pooled: Any) -> float:
    there = np.r_[pooled.intercept_, pooled.coef_[0]]
    return float(np.abs(np.r_[joint.intercept_, joint.coef_[0]] - there).max() / np.abs(there).max())


def test_a_regression_over_two_platforms_approaches_the_pooled_one(table: tuple[Any, Any]) -> None:
    coded = WoeBinner(row_floor=30).fit_transform(*table)[:120]
    pooled = FederatedLogisticRegression(platform_columns=THREE, **QUICK).fit(coded, table[1][:120])
    joint = clone(pooled).set_params(**KEYS).fit(coded, table[1][:120])
    assert _relative(joint, pooled) < 0.03
    assert {owner: columns.tolist() for owner, columns in joint.owners_.items()} == {
        "bank": [0, 2], "platform-1": [1, 4], "platform-2": [3],
    }  # fmt: skip
    assert joint.platform_columns_.tolist() == [1, 4, 3]


@pytest.mark.slow
def test_a_card_over_two_platforms_is_the_pooled_one(table: tuple[Any, Any]) -> None:
    loose = {"row_floor": 30, "min_iv": 0.0, "max_correlation": 1.0, "max_vif": 1e6}
    pooled = FederatedScorecard(platform_columns=THREE, **loose, **QUICK).fit(*table)
    joint = clone(pooled).set_params(**KEYS).fit(*table)
    assert joint.columns_.tolist() == pooled.columns_.tolist()
    assert _relative(joint, pooled) < 0.03
    assert joint.scorecard_.owners == ("bank", "platform-1", "platform-2")
    assert np.abs(joint.score_points(table[0]) - pooled.score_points(table[0])).max() <= 4


def test_trees_of_two_platforms_are_those_of_the_pooled_columns(table: tuple[Any, Any]) -> None:
    pooled = FederatedTrees(platform_columns=THREE, n_trees=2, min_data_in_leaf=30).fit(*table)
    joint = clone(pooled).set_params(backend="paillier", key_bits=512, random_state=1).fit(*table)
    there = pooled.decision_function(table[0])
    np.testing.assert_allclose(joint.decision_function(table[0]), there, rtol=0, atol=1e-12)


@pytest.mark.parametrize("wrong", [[[0], []], [[0, 1], [1]], [[0], [5]], [[]]])
def test_every_column_has_one_owner(table: tuple[Any, Any], wrong: list[list[int]]) -> None:
    with pytest.raises(ConfigError, match="ESTIMATOR_COLUMNS"):
        FederatedLogisticRegression(platform_columns=wrong).fit(*table)
