"""Shapley's value against its definition over orders, and its axioms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from support.scorecards import Fitted

from vfl.core.contribution import MAX_GROUPS, shapley_auc, shapley_auc_intervals
from vfl.errors import DataError


def by_orders(label: np.ndarray, points: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """Mean marginal worth over all orders, by scikit-learn's AUC."""
    groups = points.shape[1]
    out = np.zeros(groups)
    orders = list(itertools.permutations(range(groups)))
    for order in orders:
        score, before = np.zeros(len(label)), 0.5
        for group in order:
            score = score + points[:, group]
            after = roc_auc_score(label, -score)
            out[group] += (after - before) / len(orders)
            before = after
    return out


@given(st.integers(1, 4), st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_equals_the_definition(groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(-3, 4, (40, groups)) * rng.integers(0, 4, groups)
    label = np.concatenate(([0.0, 1.0], (rng.random(38) < 0.3)))
    assert shapley_auc(label, points) == pytest.approx(by_orders(label, points), abs=1e-12)


def test_shares_add_up_and_follow_the_axioms(fitted: Fitted) -> None:
    points = fitted.card.points(fitted.table)
    auc = roc_auc_score(fitted.label, -fitted.card.score(fitted.table))
    shares = shapley_auc(fitted.label, points)
    assert shares.sum() == pytest.approx(auc - 0.5, abs=1e-12)
    assert (shares > 0).all()
    twice = np.column_stack([points[:, 0], points[:, 2], points[:, 0], np.full(len(points), 17)])
    first, _, second, constant = shapley_auc(fitted.label, twice)
    assert first == pytest.approx(second, abs=1e-12)
    assert constant == pytest.approx(0, abs=1e-12)


def test_intervals_hold_the_value(fitted: Fitted) -> None:
    points = fitted.card.points(fitted.table)
    told = shapley_auc_intervals(fitted.label, points, seed=3, rounds=60)
    assert [i.value for i in told] == pytest.approx(shapley_auc(fitted.label, points).tolist())
    assert all(i.lower < i.value < i.upper for i in told)
    assert all(0.005 < i.upper - i.lower < 0.06 for i in told)
    assert told == shapley_auc_intervals(fitted.label, points, seed=3, rounds=60)


@pytest.mark.parametrize(
    ("label", "points"),
    [([0, 1], np.zeros((2, MAX_GROUPS + 1))), ([0, 0], np.zeros((2, 2))), ([0, 1], np.zeros((3, 2))),
     ([0, 1], np.array([[0.0], [np.nan]])), ([0, 1], np.zeros((2, 0)))],
)  # fmt: skip
def test_wrong_input_is_refused(label: list[int], points: np.ndarray) -> None:  # type: ignore[type-arg]
    with pytest.raises(DataError, match="CONTRIBUTION_INPUT"):
        shapley_auc(label, points)
