"""``FederatedTrees`` behaves as scikit-learn asks, and learns the same with and without the protocol."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest
from estimator_suite import passes_checks
from sklearn.base import clone
from sklearn.datasets import make_classification

from vfl.errors import ConfigError, DataError
from vfl.lab.estimators import FederatedTrees
from vfl.lab.model import JointModel


@pytest.fixture(scope="module")
def table() -> tuple[Any, Any]:
    values, label = make_classification(700, 10, n_informative=6, random_state=3)
    values[::9, 2] = np.nan
    return values, np.where(label == 1, "bad", "good")


def test_passes_scikit_learns_checks() -> None:
    passes_checks(FederatedTrees())


@pytest.mark.slow
def test_passes_scikit_learns_checks_with_the_protocol() -> None:
    """On tables of a dozen rows: with the usual floors a platform would refuse them, as it should."""
    passes_checks(FederatedTrees(backend="paillier", n_trees=3, min_data_in_leaf=1, min_data_in_bin=1, leaf_floor=1))


def test_the_protocol_learns_what_the_pooled_table_teaches(table: tuple[Any, Any]) -> None:
    values, label = table
    pooled = FederatedTrees(n_trees=5).fit(values, label)
    joint = FederatedTrees(n_trees=5, backend="paillier", random_state=1).fit(values, label)
    assert pooled.bytes_sent_ == 0 < joint.bytes_sent_
    np.testing.assert_allclose(joint.decision_function(values), pooled.decision_function(values), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(joint.predict(values), pooled.predict(values))
    assert isinstance(joint.model_, JointModel)
    assert {owner for owner, cuts in joint.model_.splits.items() if cuts.rules} == {"bank", "platform"}


def test_the_model_is_lightgbms(table: tuple[Any, Any]) -> None:
    values, label = table
    ours = FederatedTrees(n_trees=8).fit(values, label)
    theirs = lightgbm.train(
        {"objective": "binary", "num_leaves": 15, "max_bin": 63, "min_data_in_leaf": 20, "verbosity": -1,
         "deterministic": True, "force_row_wise": True, "num_threads": 1, "enable_bundle": False},
        lightgbm.Dataset(values[:, np.arange(10)], label == "good"), 8,
    )  # fmt: skip
    np.testing.assert_allclose(ours.predict_proba(values)[:, 1], theirs.predict(values), rtol=0, atol=1e-6)


def test_columns_may_be_given_to_either_owner(table: tuple[Any, Any]) -> None:
    values, label = table
    every = FederatedTrees(n_trees=2, platform_columns=list(range(10)), backend="paillier").fit(values, label)
    assert isinstance(every.model_, JointModel)
    assert not every.model_.splits["bank"].rules
    some = FederatedTrees(n_trees=2, platform_columns=[1, 7]).fit(values, label)
    np.testing.assert_array_equal(some.platform_columns_, [1, 7])
    assert every.score(values, label) > 0.7


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"backend": "seal"}, "ESTIMATOR_BACKEND"),
        ({"platform_columns": [10]}, "ESTIMATOR_COLUMNS"),
        ({"platform_columns": []}, "ESTIMATOR_COLUMNS"),
        ({"n_trees": 0}, "CONFIG_RANGE"),
        ({"learning_rate": 2.0}, "CONFIG_RANGE"),
        ({"key_bits": 1000}, "JOB_KEY_BITS"),
    ],
)
def test_wrong_parameters_are_refused_at_fit(
    table: tuple[Any, Any], parameters: dict[str, Any], code: str
) -> None:
    estimator = clone(FederatedTrees().set_params(**parameters))
    with pytest.raises(ConfigError, match=code):
        estimator.fit(*table)


def test_a_platform_with_nothing_to_offer_refuses_as_in_production(table: tuple[Any, Any]) -> None:
    values, label = table
    constant = np.column_stack([values[:, :3], np.ones(len(values))])
    with pytest.raises(DataError, match="FEATURES_USELESS"):
        FederatedTrees(platform_columns=[3], backend="paillier").fit(constant, label)
