"""Gradients are derivatives of the losses; LightGBM's trees (test_boosting) fix the rest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from vfl.core.objective import Binary, Objective, Poisson, SquaredError
from vfl.errors import DataError

FloatArray = npt.NDArray[np.float64]
Loss = Callable[[FloatArray, FloatArray], FloatArray]

LOSSES: list[tuple[Objective, Loss, float]] = [
    (Binary(), lambda m, y: np.log1p(np.exp(-(2 * y - 1) * m)), 1.0),
    (Binary(scale_pos_weight=4.0), lambda m, y: np.where(y > 0, 4.0, 1.0) * np.log1p(np.exp(-(2 * y - 1) * m)), 1.0),
    (SquaredError(), lambda m, y: 0.5 * (m - y) ** 2, 1.0),
    (Poisson(), lambda m, y: np.exp(m) - y * m, float(np.exp(0.7))),
]


@pytest.mark.parametrize(("objective", "loss", "inflated"), LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_are_derivatives(objective: Objective, loss: Loss, inflated: float, weighted: bool) -> None:
    random = np.random.default_rng(0)
    margin, label = random.normal(size=50), (random.random(50) < 0.5).astype(np.float64)
    weight = random.uniform(0.5, 2.0, 50).astype(np.float32).astype(np.float64) if weighted else None
    factor = 1.0 if weight is None else weight
    gradient, hessian = objective.gradients(margin, label, weight)
    step = 1e-4
    up, here, down = (factor * loss(margin + s, label) for s in (step, 0.0, -step))
    np.testing.assert_allclose(gradient, (up - down) / (2 * step), atol=1e-6)
    np.testing.assert_allclose(hessian, inflated * (up - 2 * here + down) / step**2, atol=1e-5)
    for values in (gradient, hessian):
        np.testing.assert_array_equal(values, values.astype(np.float32))


@pytest.mark.parametrize(("objective", "loss", "inflated"), LOSSES)
def test_start_is_the_best_constant(objective: Objective, loss: Loss, inflated: float) -> None:
    random = np.random.default_rng(1)
    label = (random.random(300) < 0.3).astype(np.float64)
    start = objective.start(label, None)
    if isinstance(objective, Binary) and objective.scale_pos_weight != 1.0:
        start = Binary().start(label, None)  # LightGBM starts from the plain mean, whatever the weight of events
        loss = LOSSES[0][1]
        assert objective.start(label, None) == start
    best = loss(np.full(300, start), label).sum()
    for other in (start - 0.01, start + 0.01):
        assert loss(np.full(300, other), label).sum() > best
    np.testing.assert_allclose(objective.predict(np.array([start])), label.mean())


def test_extreme_margins_stay_finite() -> None:
    for gradient in Binary().gradients(np.array([-2000.0, 2000.0]), np.array([1.0, 0.0]), None):
        assert np.isfinite(gradient).all()
    assert Binary().predict(np.array([-2000.0, 2000.0])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("objective", "label"),
    [
        (Binary(), [0.0, 2.0]),
        (Binary(), [1.0, 1.0]),
        (Binary(), []),
        (Binary(), [0.0, np.nan]),
        (SquaredError(), [np.inf]),
        (Poisson(), [-1.0, 2.0]),
        (Poisson(), [0.0, 0.0]),
    ],
)
def test_labels_that_do_not_suit_are_refused(objective: Objective, label: list[float]) -> None:
    with pytest.raises(DataError, match="LABEL_VALUES"):
        objective.check(np.array(label), None)


@pytest.mark.parametrize("weight", [[1.0], [1.0, -1.0], [1.0, np.nan]])
def test_weights_that_do_not_suit_are_refused(weight: list[float]) -> None:
    with pytest.raises(DataError, match="WEIGHT_VALUES"):
        Binary().check(np.array([0.0, 1.0]), np.array(weight))
