"""The pooled maths: against scikit-learn, against closed forms, and the series against the sigmoid."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from vfl.core.logistic import (
    FourierSeries,
    fit_logistic,
    fit_series,
    information,
    p_values,
    sigmoid,
    sigmoid_slope,
    whitening,
)


def _problem(rows: int = 500, columns: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = np.round(rng.normal(0, 0.8, (rows, columns)), 1)
    y = (rng.random(rows) < sigmoid(-1 + x @ np.linspace(1, -1, columns))).astype(np.float64)
    return np.hstack([np.ones((rows, 1)), x]), y, np.r_[0.0, np.full(columns, 2.0)]


def test_equals_scikit_learn() -> None:
    x, y, ridge = _problem()
    weights = np.random.default_rng(1).uniform(0.2, 1, len(y))
    ours = fit_logistic(x, y, ridge, weights=weights)
    theirs = LogisticRegression(C=0.5, tol=1e-12, max_iter=10_000).fit(x[:, 1:], y, sample_weight=weights)
    assert ours.converged
    np.testing.assert_allclose(ours.coefficients, np.r_[theirs.intercept_, theirs.coef_[0]], atol=1e-6)


def test_standard_errors_of_one_group_are_the_binomials() -> None:
    y = np.r_[np.ones(30), np.zeros(70)]
    fit = fit_logistic(np.ones((100, 1)), y, np.zeros(1))
    np.testing.assert_allclose(fit.coefficients, [np.log(0.3 / 0.7)], rtol=1e-9)
    np.testing.assert_allclose(fit.standard_errors, [1 / np.sqrt(100 * 0.3 * 0.7)], rtol=1e-9)


def test_wald_p_value_of_1_96_standard_errors() -> None:
    np.testing.assert_allclose(p_values(np.array([1.959964, 0.0]), np.ones(2)), [0.05, 1.0], atol=1e-6)


def test_separable_and_collinear_data_have_a_finite_optimum() -> None:
    x = np.c_[np.ones(40), np.r_[-np.ones(20), np.ones(20)], np.r_[-np.ones(20), np.ones(20)]]
    fit = fit_logistic(x, (x[:, 1] > 0).astype(np.float64), np.r_[0.0, 1.0, 1.0])
    assert fit.converged
    assert np.abs(fit.coefficients).max() < 5
    np.testing.assert_allclose(fit.coefficients[1], fit.coefficients[2], atol=1e-8)


@pytest.mark.parametrize(("terms", "error"), [(6, 1e-2), (8, 4e-3), (10, 1e-3), (12, 4e-4)])
@pytest.mark.parametrize("centre", [-4.0, -1.2, 0.5])
def test_series_error_falls_geometrically(terms: int, error: float, centre: float) -> None:
    series = fit_series(sigmoid, terms, half_period=16, centre=centre, spread=2.5, reach=12)
    z = np.linspace(centre - 6, centre + 6, 999)
    assert np.abs(series.at(z) - sigmoid(z)).max() < error
    assert series.at(np.linspace(-16, 16, 999)).min() > -1
    assert series.at(np.linspace(-16, 16, 999)).max() < 2


def test_two_parties_values_multiply_to_the_series() -> None:
    series = fit_series(sigmoid_slope, 5, half_period=16, centre=-1, spread=2.5, reach=12)
    rng = np.random.default_rng(0)
    one, other = rng.uniform(0, 2 * np.pi, (2, 50))
    product = (series.rotated(one) * FourierSeries.turns(other, 5)).sum(axis=1) + series.constant
    np.testing.assert_allclose(product, series.at((one + other) * 16 / np.pi), atol=1e-12)


def test_whitening_bounds_every_curvature_by_the_unit_matrix() -> None:
    x, _, ridge = _problem()
    x = np.hstack([x, x[:, 1:3]])  # collinear
    ridge = np.r_[ridge, 2.0, 2.0]
    t = whitening(x.T @ x / 4 + np.diag(ridge))
    margins = np.random.default_rng(2).normal(0, 3, len(x))
    curvature = t @ information(x, margins, np.ones(len(x)), ridge) @ t.T
    assert np.linalg.eigvalsh(curvature).max() <= 1 + 1e-6
