"""Calibration against scikit-learn and tables; mending."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss

from vfl.core.calibration import (
    calibration,
    chi_square_tail,
    fit_isotonic,
    fit_platt,
    hosmer_lemeshow,
    shift_to_rate,
)
from vfl.core.logistic import sigmoid
from vfl.errors import DataError

RNG = np.random.default_rng(5)
MARGIN = RNG.normal(-1.5, 1.2, 4000)
P = sigmoid(MARGIN)
LABEL = (RNG.random(4000) < P).astype(np.float64)
OFF = sigmoid(0.5 + 1.7 * MARGIN)


@pytest.mark.parametrize(
    ("statistic", "degrees", "tail"),
    # Abramowitz and Stegun, table 26.8, and the 5 % and 1 % points of every textbook.
    [(3.841459, 1, 0.05), (5.991465, 2, 0.05), (15.50731, 8, 0.05), (23.20925, 10, 0.01), (6.634897, 1, 0.01),
     (0.0, 4, 1.0), (16.81189, 6, 0.01), (18.47531, 7, 0.01)],
)  # fmt: skip
def test_chi_square(statistic: float, degrees: int, tail: float) -> None:
    assert chi_square_tail(statistic, degrees) == pytest.approx(tail, rel=1e-5)


def test_true_probabilities_pass_and_wrong_ones_fail() -> None:
    good, bad = calibration(LABEL, P), calibration(LABEL, OFF)
    assert good.p_value > 0.01
    assert good.hosmer_lemeshow.p_value > 0.01
    assert good.slope == pytest.approx(1, abs=0.1)
    assert good.intercept == pytest.approx(0, abs=0.15)
    assert bad.hosmer_lemeshow.p_value < 1e-6
    assert calibration(LABEL, sigmoid(MARGIN + 0.3)).p_value < 1e-3
    assert bad.slope == pytest.approx(1 / 1.7, abs=0.1)
    assert good.brier == pytest.approx(brier_score_loss(LABEL, P))
    assert good.brier < good.brier_of_rate < 0.25
    assert (good.rows, good.events) == (4000, int(LABEL.sum()))


def test_hosmer_lemeshow_by_hand() -> None:
    label = np.array([0, 0, 1, 0, 1, 1, 1, 0.0])
    p = np.array([0.2] * 4 + [0.6] * 4)
    told = hosmer_lemeshow(label, p, groups=2)
    assert told.statistic == pytest.approx((1 - 0.8) ** 2 / (0.8 * 0.8) + (3 - 2.4) ** 2 / (2.4 * 0.4))
    assert (told.degrees, told.groups) == (2, 2)
    assert np.isnan(hosmer_lemeshow(label, p, groups=2, trained_on=True).p_value)


def test_platt_undoes_a_distortion() -> None:
    mended = fit_platt(LABEL, OFF)
    assert calibration(LABEL, mended(OFF)).slope == pytest.approx(1, abs=1e-4)
    assert mended(OFF).mean() == pytest.approx(LABEL.mean(), abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=40))
def test_isotonic_equals_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    p, label = np.array([r / 8 for r, _ in rows]), np.array([float(e) for _, e in rows])
    if label.min() == label.max():
        with pytest.raises(DataError, match="CALIBRATION_INPUT"):
            fit_isotonic(label, p)
        return
    theirs = IsotonicRegression(out_of_bounds="clip").fit(p, label)
    grid = np.linspace(0, 1, 33)
    assert fit_isotonic(label, p)(grid) == pytest.approx(theirs.predict(grid))


def test_shift_keeps_the_ranking() -> None:
    moved, shift = shift_to_rate(P, 0.05)
    assert moved.mean() == pytest.approx(0.05, abs=1e-9)
    assert shift < 0
    assert np.array_equal(np.argsort(moved, kind="stable"), np.argsort(P, kind="stable"))
    with pytest.raises(DataError, match="CALIBRATION_INPUT"):
        shift_to_rate(P, 1.0)


@pytest.mark.parametrize(("label", "p"), [([1, 1], [0.1, 0.2]), ([0, 1], [0.1, 1.2]), ([0, 1, 0], [0.1, 0.2])])
def test_wrong_input_is_refused(label: list[int], p: list[float]) -> None:
    with pytest.raises(DataError, match="CALIBRATION_INPUT"):
        calibration(label, p)
