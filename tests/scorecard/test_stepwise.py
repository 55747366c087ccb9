"""Stepwise choice on data whose truth is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from vfl.core.logistic import fit_logistic, sigmoid
from vfl.core.stepwise import Criterion, stepwise

RNG = np.random.default_rng(2)
WOE = RNG.normal(size=(1500, 6))
WOE[:, 3] = WOE[:, 0] + 0.1 * RNG.normal(size=1500)
WOE[:, 5] *= -1
# Columns 0, 1 and 2 matter, 3 repeats 0, 4 is noise, 5 has the wrong sign.
LABEL = (RNG.random(1500) < sigmoid(-1 - 0.9 * WOE[:, 0] - 0.6 * WOE[:, 1] - 0.3 * WOE[:, 2] + 0.5 * WOE[:, 5])).astype(
    np.float64
)


def criterion_of(columns: tuple[int, ...], criterion: Criterion) -> float:
    design = np.column_stack([np.ones(1500), WOE[:, list(columns)]])
    weights = fit_logistic(design, LABEL, np.zeros(len(columns) + 1)).coefficients
    p = sigmoid(design @ weights)
    likelihood = float((LABEL * np.log(p) + (1 - LABEL) * np.log1p(-p)).sum())
    return criterion.of(likelihood, len(columns) + 1, 1500)


def test_bic_finds_the_true_columns() -> None:
    told = stepwise(WOE, LABEL, criterion=Criterion.BIC)
    assert set(told.columns) == {0, 1, 2}
    assert all(w < 0 for w in told.weights)
    assert told.criterion == pytest.approx(criterion_of(told.columns, Criterion.BIC), abs=1e-4)
    falling = [s.criterion for s in told.steps]
    assert falling == sorted(falling, reverse=True)


def test_without_the_sign_rule_the_best_of_all_subsets_is_found() -> None:
    told = stepwise(WOE, LABEL, criterion=Criterion.BIC, negative_only=False)
    subsets = [s for size in range(7) for s in itertools.combinations(range(6), size)]
    best = min(subsets, key=lambda s: criterion_of(s, Criterion.BIC))
    assert tuple(sorted(told.columns)) == best == (0, 1, 2, 5)


def test_forced_columns_stay_and_the_limit_holds() -> None:
    told = stepwise(WOE, LABEL, criterion=Criterion.BIC, forced=(4,), max_columns=2)
    assert told.columns[0] == 4
    assert len(told.columns) == 2
    assert {s.column for s in told.steps} == {told.columns[1]}


def test_bic_is_no_less_strict_than_aic() -> None:
    assert len(stepwise(WOE, LABEL, criterion=Criterion.AIC).columns) >= len(
        stepwise(WOE, LABEL, criterion=Criterion.BIC).columns
    )


def test_a_separating_column_stays_finite() -> None:
    label = np.array([0.0] * 50 + [1.0] * 50)
    told = stepwise(np.column_stack([1 - 2 * label, RNG.normal(size=100)]), label)
    assert told.columns[0] == 0
    assert np.isfinite(told.weights).all()
