"""Linear and Poisson regression by the rounds of the logistic one, against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import ElasticNet, PoissonRegressor, Ridge
from test_refits import noisy, study

from vfl.config.logistic import LogisticSpec
from vfl.core.links import link_of
from vfl.core.logistic import fit_link
from vfl.errors import ConfigError, DataError

Floats = npt.NDArray[np.float64]


def _table(rows: int = 700) -> tuple[Floats, Floats, Floats]:
    bank, platform, _ = noisy(rows, seed=4)
    x = np.hstack([bank, platform])
    return bank, platform, x @ np.r_[0.9, -0.6, 0, 0, 0.8, 0.5, np.zeros(x.shape[1] - 6)]


def _against(joint: Any, expected: Floats) -> float:
    return float(np.abs(joint.coefficients - expected).max() / np.abs(expected).max())


def test_linear_is_ridge_regression() -> None:
    bank, platform, z = _table()
    y = 1e6 * (2.0 + z + np.random.default_rng(0).normal(0, 0.5, len(z)))
    spec = LogisticSpec(family="linear", ridge=3.0, target_limit=1e7)
    joint = study(bank, platform, np.zeros(len(y), dtype=np.uint8), spec, target=y)
    joint.run()
    x = np.hstack([bank, platform])
    theirs = Ridge(alpha=3.0, tol=1e-12).fit(x, y)
    assert _against(joint, np.r_[theirs.intercept_, theirs.coef_]) < 1e-4
    design = np.hstack([np.ones((len(y), 1)), x])
    penalty = np.diag(np.r_[0.0, np.full(x.shape[1], 3.0)])
    unscaled = np.sqrt(np.diag(np.linalg.inv(design.T @ design + penalty)))
    np.testing.assert_allclose(joint.standard_errors, unscaled, rtol=0.01)
    assert joint.bank.model_part()["p_values"] == []


@pytest.mark.slow
def test_linear_elastic_net() -> None:
    bank, platform, z = _table()
    y = 2.0 + z + np.random.default_rng(0).normal(0, 0.5, len(z))
    spec = LogisticSpec(family="linear", ridge=5.0, l1=40.0, target_limit=10.0, standard_errors=False)
    joint = study(bank, platform, np.zeros(len(y), dtype=np.uint8), spec, target=y)
    joint.run()
    total = 45.0
    theirs = ElasticNet(alpha=total / len(y), l1_ratio=40 / total, tol=1e-10, max_iter=100_000)
    theirs.fit(np.hstack([bank, platform]), y)
    expected = np.r_[theirs.intercept_, theirs.coef_]
    assert (expected == 0).sum() >= 2
    np.testing.assert_array_equal(joint.coefficients == 0, expected == 0)
    assert _against(joint, expected) < 1e-3


def test_poisson_is_scikit_learns() -> None:
    bank, platform, z = _table()
    y = np.random.default_rng(1).poisson(np.exp(-0.5 + 0.7 * z)).astype(np.float64)
    spec = LogisticSpec(family="poisson", ridge=2.0, target_limit=float(y.max()), steps=6, curvatures=3)
    joint = study(bank, platform, np.zeros(len(y), dtype=np.uint8), spec, target=y)
    joint.run()
    x = np.hstack([bank, platform])
    theirs = PoissonRegressor(alpha=2.0 / len(y), tol=1e-10, max_iter=10_000, solver="newton-cholesky").fit(x, y)
    expected = np.r_[theirs.intercept_, theirs.coef_]
    assert _against(joint, expected) < 1e-2
    design, ridge = np.hstack([np.ones((len(y), 1)), x]), np.r_[0.0, np.full(x.shape[1], 2.0)]
    errors = fit_link(link_of("poisson", float(y.max())), design, y, ridge).standard_errors
    # Means are small beside the limit, so a row's rounding weighs more than in a logistic regression.
    assert np.abs((joint.coefficients - expected) / errors).max() < 0.1
    np.testing.assert_allclose(joint.standard_errors, errors, rtol=0.03)


def test_targets_beyond_the_limit_are_refused_before_anything_leaves() -> None:
    bank, platform, _ = _table(100)
    for family, y in (("poisson", np.full(100, 4.0)), ("poisson", -np.ones(100)), ("linear", np.full(100, np.nan))):
        spec = LogisticSpec(family=family, target_limit=3.0, standard_errors=False)
        with pytest.raises(DataError) as caught:
            study(bank, platform, np.zeros(100, dtype=np.uint8), spec, target=y).run()
        assert caught.value.code == "LOGISTIC_TARGET"


def test_elimination_needs_a_known_deviation() -> None:
    with pytest.raises(ConfigError):
        LogisticSpec(family="linear", selection="aic")
