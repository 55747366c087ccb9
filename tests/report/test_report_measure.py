"""Tables from labels and scores, against scikit-learn and against counting by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve

from vfl.errors import DataError
from vfl.report.measure import (
    Scored,
    bands_of,
    performance_of,
    ranking_of,
    stability_of,
    swap_set_of,
    uplift_of,
)
from vfl.report.performance_model import ModelKind


def _drawn(rows: int = 2000, seed: int = 1, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=rows)
    label = (rng.random(rows) < 1 / (1 + np.exp(2 - truth))).astype(float)
    return label, 1 / (1 + np.exp(2 - truth - noise * np.random.default_rng(seed + 1).normal(size=rows)))


def test_performance_agrees_with_scikit_learn() -> None:
    label, p = _drawn()
    split = performance_of(ModelKind.JOINT, {"test": Scored(label, p)}, seed=3).splits[0]
    fpr, tpr, _ = roc_curve(label, p, drop_intermediate=False)
    assert split.auc.value == pytest.approx(roc_auc_score(label, p), abs=1e-12)
    assert split.ks.value == pytest.approx(float(np.max(tpr - fpr)), abs=1e-12)
    assert split.brier == pytest.approx(brier_score_loss(label, p), abs=1e-12)
    assert split.log_loss == pytest.approx(log_loss(label, p), abs=1e-12)
    assert (split.rows, split.events) == (2000, int(label.sum()))
    assert sum(row.rows for row in split.lift) == sum(row.rows for row in split.calibration) == 2000
    assert sum(row.events for row in split.lift) == sum(row.events for row in split.calibration) == split.events


def test_thinned_ranking_keeps_the_ks_and_nearly_the_auc() -> None:
    label, p = _drawn(5000)
    points = ranking_of(label, p)
    assert len(points) <= 202
    fpr, tpr, _ = roc_curve(label, p, drop_intermediate=False)
    assert max(q.events - q.non_events for q in points) == pytest.approx(float(np.max(tpr - fpr)), abs=1e-12)
    area = np.trapezoid([q.events for q in points], [q.non_events for q in points])
    assert area == pytest.approx(roc_auc_score(label, p), abs=2e-3)
    assert (points[0].share, points[-1].share) == (0.0, 1.0)


def test_the_interval_covers_and_narrows_with_rows() -> None:
    few, many = (
        performance_of(ModelKind.JOINT, {"t": Scored(*_drawn(rows))}, seed=5).splits[0].auc for rows in (400, 6400)
    )
    for interval in (few, many):
        assert interval.low < interval.value < interval.high
    # Standard errors fall with the square root of the rows: a factor of four here.
    assert 2.5 < (few.high - few.low) / (many.high - many.low) < 6


def test_the_same_seed_gives_the_same_digits() -> None:
    scored = {"t": Scored(*_drawn(500))}
    assert performance_of(ModelKind.JOINT, scored, seed=9) == performance_of(ModelKind.JOINT, scored, seed=9)
    assert performance_of(ModelKind.JOINT, scored, seed=9) != performance_of(ModelKind.JOINT, scored, seed=10)


def test_pairing_finds_a_gain_that_two_intervals_would_hide() -> None:
    label, good = _drawn(4000, noise=0.3)
    worse = 0.8 * good + 0.2 * _drawn(4000, seed=8)[1]
    gain = uplift_of("test", Scored(label, good), Scored(label, worse), over=ModelKind.BANK_ALONE, seed=2)
    alone = performance_of(ModelKind.BANK_ALONE, {"test": Scored(label, worse)}, seed=2).splits[0].auc
    assert gain.auc.value == pytest.approx(roc_auc_score(label, good) - roc_auc_score(label, worse), abs=1e-12)
    assert 0 < gain.auc.low < gain.auc.value < gain.auc.high
    assert gain.auc.high - gain.auc.low < 0.5 * (alone.high - alone.low)


def test_no_gain_over_oneself() -> None:
    scored = Scored(*_drawn(300))
    gain = uplift_of("test", scored, scored, over=ModelKind.POOLED, seed=1)
    assert (gain.auc.low, gain.auc.value, gain.auc.high) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("label", [np.zeros(40), np.ones(40)])
def test_one_class_is_not_defined_rather_than_an_error(label: np.ndarray) -> None:
    p = np.linspace(0.1, 0.9, 40)
    split = performance_of(ModelKind.JOINT, {"t": Scored(label, p)}, seed=1).splits[0]
    assert math.isnan(split.auc.value)
    assert math.isnan(split.ks.value)
    assert split.ranking == split.lift == ()
    assert split.brier == pytest.approx(float(np.mean((p - label) ** 2)))
    assert math.isnan(uplift_of("t", Scored(label, p), Scored(label, p), over=ModelKind.POOLED, seed=1).auc.value)


def test_no_rows_at_all() -> None:
    empty = np.empty(0)
    split = performance_of(ModelKind.JOINT, {"t": Scored(empty, empty)}, seed=1).splits[0]
    assert (split.rows, split.events) == (0, 0)
    assert math.isnan(split.brier)
    assert sum(b.rows for b in bands_of("t", empty, empty).bands) == 0
    assert swap_set_of(empty, empty, empty, 0.5).both_rows == 0
    assert math.isnan(stability_of(empty, {"t": empty})[0].value)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(300, 800)), min_size=1, max_size=80),
    st.lists(st.integers(300, 800), max_size=6, unique=True),
)
def test_bands_hold_every_row_once(rows: list[tuple[bool, int]], edges: list[int]) -> None:
    label, points = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    section = bands_of("t", label, points, edges=edges)
    assert len(section.bands) == (len(edges) + 1 if edges else len(section.bands))
    for band in section.bands:
        inside = (points >= band.lower) & (points < band.upper)
        assert band.rows == inside.sum()
        assert band.events == label[inside].sum()
    assert sum(band.rows for band in section.bands) == len(rows)
    assert section.bands[0].lower == -math.inf
    assert section.bands[-1].upper == math.inf


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=60),
    st.floats(0, 1),
)
def test_swap_sets_exchange_equal_numbers(rows: list[tuple[bool, float, float]], share: float) -> None:
    label, joint, alone = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    swap = swap_set_of(label, joint, alone, share)
    assert swap.swap_in_rows == swap.swap_out_rows
    assert swap.both_rows + swap.swap_in_rows == round(share * len(rows))
    assert 0 <= swap.swap_in_events <= swap.swap_in_rows


def test_a_shifted_score_is_seen() -> None:
    rng = np.random.default_rng(4)
    reference = rng.normal(600, 40, 5000)
    same, moved = stability_of(reference, {"a": rng.normal(600, 40, 5000), "b": rng.normal(640, 40, 5000)})
    assert same.value < 0.02
    assert moved.value > 0.25


@pytest.mark.parametrize(
    ("label", "p"),
    [
        (np.array([0.0, 2.0]), np.array([0.1, 0.2])),
        (np.array([0.0, 1.0]), np.array([0.1, np.nan])),
        (np.array([0.0, 1.0]), np.array([0.1])),
        (np.array([[0.0, 1.0]]), np.array([[0.1, 0.2]])),
    ],
)
def test_bad_columns_are_refused(label: np.ndarray, p: np.ndarray) -> None:
    with pytest.raises(DataError, match="REPORT_COLUMNS"):
        performance_of(ModelKind.JOINT, {"t": Scored(label, p)}, seed=1)


def test_models_scored_on_different_rows_are_not_compared() -> None:
    label, p = _drawn(100)
    with pytest.raises(DataError, match="different rows"):
        uplift_of("t", Scored(label, p), Scored(1 - label, p), over=ModelKind.BANK_ALONE, seed=1)
