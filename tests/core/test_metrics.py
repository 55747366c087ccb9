"""Metrics against scikit-learn, LightGBM and their definitions."""

from __future__ import annotations

import lightgbm
import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics

from vfl.core.metrics import auc, auc_interval, gini, ks, lift_table, log_loss, stability_index
from vfl.errors import DataError

FloatArray = npt.NDArray[np.float64]


def make(seed: int, rows: int = 500, decimals: int = 1) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Label, tied score, weight."""
    random = np.random.default_rng(seed)
    label = (random.random(rows) < 0.3).astype(np.float64)
    score = np.round(random.normal(label), decimals)
    return label, score, random.uniform(0.1, 3.0, rows)


@pytest.mark.parametrize("seed", range(5))
def test_auc_is_sklearns(seed: int) -> None:
    label, score, weight = make(seed)
    assert auc(label, score) == pytest.approx(sklearn.metrics.roc_auc_score(label, score), rel=1e-12)
    expected = sklearn.metrics.roc_auc_score(label, score, sample_weight=weight)
    assert auc(label, score, weight) == pytest.approx(expected, rel=1e-12)
    assert gini(label, score) == pytest.approx(2 * auc(label, score) - 1)


def test_auc_and_log_loss_are_lightgbms() -> None:
    label = make(7)[0]
    table = np.random.default_rng(7).normal(size=(label.size, 3)) + label[:, None]
    settings = {"objective": "binary", "metric": ["auc", "binary_logloss"], "verbose": -1, "num_threads": 1}
    data = lightgbm.Dataset(table, label)
    told: dict[str, dict[str, list[float]]] = {}
    booster = lightgbm.train(
        settings, data, 15, valid_sets=[data], valid_names=["v"], callbacks=[lightgbm.record_evaluation(told)]
    )
    predicted = np.asarray(booster.predict(table))
    assert auc(label, predicted) == pytest.approx(told["v"]["auc"][-1], rel=1e-14)
    assert log_loss(label, predicted) == pytest.approx(told["v"]["binary_logloss"][-1], rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_ks_is_the_greatest_gap_of_the_roc_curve(seed: int) -> None:
    label, score, weight = make(seed)
    for w in (None, weight):
        fpr, tpr, _ = sklearn.metrics.roc_curve(label, score, sample_weight=w, drop_intermediate=False)
        assert ks(label, score, w) == pytest.approx(np.abs(tpr - fpr).max(), rel=1e-12)


def test_log_loss_is_sklearns_and_finite_when_certain_and_wrong() -> None:
    label, score, weight = make(8, decimals=6)
    probability = 1 / (1 + np.exp(-score))
    for w in (None, weight):
        expected = sklearn.metrics.log_loss(label, probability, sample_weight=w)
        assert log_loss(label, probability, w) == pytest.approx(expected, rel=1e-12)
    assert log_loss(np.array([1.0, 0.0]), np.array([0.0, 0.0])) == pytest.approx(-np.log(1e-15) / 2)


def test_lift_table_of_a_known_case() -> None:
    label = np.array([1, 1, 0, 1, 0, 0, 0, 0], dtype=np.float64)
    score = np.array([8, 7, 6, 5, 4, 3, 2, 1], dtype=np.float64)
    bands = lift_table(label, score, bands=4)
    assert [b.rows for b in bands] == [2, 2, 2, 2]
    assert [b.events for b in bands] == [2, 1, 0, 0]
    assert [b.event_rate for b in bands] == [1.0, 0.5, 0.0, 0.0]
    assert [b.lift for b in bands] == pytest.approx([8 / 3, 4 / 3, 0.0, 0.0])
    assert [b.gain for b in bands] == pytest.approx([2 / 3, 1.0, 1.0, 1.0])


@pytest.mark.parametrize("weighted", [False, True])
def test_lift_table_adds_up_and_keeps_ties_together(weighted: bool) -> None:
    label, score, weight = make(9)
    w = weight if weighted else np.ones(label.size)
    bands = lift_table(label, score, weight if weighted else None)
    assert sum(b.rows for b in bands) == pytest.approx(w.sum())
    assert sum(b.events for b in bands) == pytest.approx((w * label).sum())
    assert bands[-1].gain == pytest.approx(1.0)
    # A cut between bands never parts equal scores: each band's rows are a difference of the cumulated weight.
    order = np.argsort(-score, kind="stable")
    cumulated, changes = np.cumsum(w[order]), np.append(np.diff(score[order]) != 0, True)
    for end in np.cumsum([b.rows for b in bands]):
        assert np.abs(cumulated[changes] - end).min() < 1e-9


def test_auc_interval_covers_and_repeats() -> None:
    label, score, _ = make(10, rows=2000)
    found = auc_interval(label, score, seed=3, rounds=400)
    assert found == auc_interval(label, score, seed=3, rounds=400)
    assert found != auc_interval(label, score, seed=4, rounds=400)
    assert found.lower < found.value == auc(label, score) < found.upper
    # Hanley and McNeil 1982: the standard error of an AUC, to within a fifth.
    a, n, m = found.value, label.sum(), (1 - label).sum()
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = np.sqrt((a * (1 - a) + (n - 1) * (q1 - a * a) + (m - 1) * (q2 - a * a)) / (n * m))
    assert (found.upper - found.lower) / (2 * 1.96) == pytest.approx(error, rel=0.2)


def test_auc_interval_draws_rows_with_replacement() -> None:
    """The same distribution as resampling rows one by one."""
    label, score, _ = make(11, rows=120)
    random = np.random.default_rng(0)
    events, others = score[label > 0], score[label == 0]
    truth = np.repeat([1.0, 0.0], [events.size, others.size])
    slow = [
        auc(truth, np.concatenate([random.choice(events, events.size), random.choice(others, others.size)]))
        for _ in range(1000)
    ]
    fast = auc_interval(label, score, seed=1, rounds=2000)
    assert [fast.lower, fast.upper] == pytest.approx(np.quantile(slow, [0.025, 0.975]).tolist(), abs=0.015)


def test_stability_index() -> None:
    expected, actual = np.array([20.0, 30.0, 50.0]), np.array([30.0, 30.0, 40.0])
    by_hand = 0.1 * np.log(0.3 / 0.2) + (-0.1) * np.log(0.4 / 0.5)
    assert stability_index(expected, actual) == pytest.approx(by_hand)
    assert stability_index(expected, expected * 7) == 0.0
    assert 1 < stability_index(np.array([1.0, 1.0]), np.array([1.0, 0.0])) < np.inf


def test_what_cannot_be_measured_is_refused() -> None:
    label, score, weight = make(12)
    for wrong in (
        lambda: auc(np.ones(5), np.arange(5.0)),
        lambda: auc(label, score[1:]),
        lambda: ks(label * 2, score),
        lambda: auc(label, np.where(label > 0, np.nan, score)),
        lambda: auc(label, score, weight[1:]),
        lambda: stability_index(np.ones(3), np.ones(4)),
        lambda: stability_index(np.ones(3), np.array([1.0, -1.0, 3.0])),
    ):
        with pytest.raises(DataError, match="METRIC_INPUT"):
            wrong()
