"""The binner, the regression and the scorecard: as scikit-learn asks, and the same with and without the protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from estimator_suite import passes_checks
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from vfl.core.binning import BinCounts
from vfl.core.selection import Reason
from vfl.core.woe import information_value, rounded_woe
from vfl.errors import ConfigError, DataError
from vfl.lab.estimators import FederatedLogisticRegression, FederatedScorecard, WoeBinner
from vfl.lab.owners import BANK, PLATFORM

FEW_ROWS: dict[str, Any] = {"row_floor": 5, "class_floor": 1, "min_share": 0.0}
QUICK: dict[str, Any] = {"steps": 4, "curvatures": 2, "standard_errors": False}
ROWS = 500


@pytest.fixture(scope="module")
def table() -> tuple[Any, Any]:
    """Firms of a hidden risk: two columns of the bank, four of the platform, of which one is constant, one a twin."""
    rng = np.random.default_rng(4)
    risk = rng.normal(size=ROWS)
    one, two, three, four = (risk * by + rng.normal(0, noise, ROWS) for by, noise in
                             ((1, 1.2), (0.2, 1), (-1, 1.5), (0.5, 1)))  # fmt: skip
    three[::11] = np.nan
    values = np.column_stack([one, two, three, four, np.full(ROWS, 2.5), four + rng.normal(0, 0.02, ROWS)])
    return values, np.where(rng.random(ROWS) < 1 / (1 + np.exp(1 - 1.3 * risk)), "yes", "no")


@pytest.fixture(scope="module")
def coded(table: tuple[Any, Any]) -> Any:
    return WoeBinner(row_floor=30).fit_transform(*table)[:, [0, 1, 2, 3]]


@pytest.mark.parametrize(
    "estimator",
    [
        WoeBinner(), WoeBinner(**FEW_ROWS), FederatedLogisticRegression(), FederatedScorecard(),
        FederatedScorecard(**FEW_ROWS, min_iv=0.0, max_correlation=1.0),
    ],
)  # fmt: skip
def test_passes_scikit_learns_checks(estimator: Any) -> None:
    passes_checks(estimator)


# --- the binner -------------------------------------------------------------------------------------------------


def test_woe_is_that_of_the_rows_counted_by_hand(table: tuple[Any, Any]) -> None:
    values, label = table
    binner = WoeBinner(row_floor=30).fit(values, label)
    out, event = binner.transform(values), label == "yes"
    for column in range(values.shape[1]):
        bins = binner.binned_.features[column].bins(values[:, column])
        counts = BinCounts(np.bincount(bins), np.bincount(bins, event).astype(np.int64))
        np.testing.assert_array_equal(out[:, column], rounded_woe(counts.rows, counts.events)[bins])
        assert binner.iv_[column] == pytest.approx(information_value(counts.rows, counts.events), abs=1e-12)
    assert binner.iv_[4] == 0 == np.abs(out[:, 4]).max()
    assert binner.binned_.features[2].kinds()[-1] == "missing"
    assert binner.get_feature_names_out(["a", "b", "c", "d", "e", "f"]).tolist() == ["a", "b", "c", "d", "e", "f"]


@pytest.mark.parametrize("backend", ["plaintext", "paillier"])
def test_bins_are_told_by_column(table: tuple[Any, Any], backend: str) -> None:
    values, label = table
    values = values.copy()
    values[:60, 5] = -8.0
    told: dict[str, Any] = {"specials": {5: [-8.0]}, "fixed_cuts": {0: [0.5, -0.5]}, "trends": {1: "none"}}
    binner = WoeBinner(row_floor=30, backend=backend, platform_columns=[0, 1, 5], **told).fit(values, label)
    first, _, last = (binner.binned_.features[c] for c in (0, 1, 5))
    assert first.labels() == ("(-∞, -0.5)", "[-0.5, 0.5)", "[0.5, +∞)")
    assert "-8" in last.labels()
    assert last.kinds()[last.labels().index("-8")] == "special"


@pytest.mark.parametrize("told", [{"specials": {6: [0.0]}}, {"trends": {0: "up"}}, {"fixed_cuts": {"a": [0.0]}}])
def test_bins_of_no_column_are_refused(table: tuple[Any, Any], told: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="ESTIMATOR_BINS"):
        WoeBinner(**told).fit(*table)


def test_the_protocol_makes_the_same_bins(table: tuple[Any, Any]) -> None:
    values, label = table
    pooled = WoeBinner(row_floor=30, platform_columns=[0, 3, 4]).fit(values, label)
    joint = clone(pooled).set_params(backend="paillier", random_state=1).fit(values, label)
    np.testing.assert_array_equal(joint.transform(values), pooled.transform(values))
    np.testing.assert_allclose(joint.iv_, pooled.iv_, rtol=0, atol=5e-5)
    assert joint.bytes_sent_ > 0 == pooled.bytes_sent_


def test_bins_go_through_a_file(table: tuple[Any, Any], tmp_path: Path) -> None:
    values, label = table
    binner = WoeBinner(row_floor=30).fit(values, label)
    again = WoeBinner.load(binner.save(tmp_path / "bins.json"))
    np.testing.assert_array_equal(again.transform(values), binner.transform(values))
    np.testing.assert_array_equal(again.iv_, binner.iv_)
    with pytest.raises(ValueError, match="features"):
        again.transform(values[:, :2])
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(DataError, match="BINS_FILE"):
        WoeBinner.load(tmp_path / "other.json")


# --- the regression ---------------------------------------------------------------------------------------------


def test_the_pooled_optimum_is_scikit_learns(coded: Any, table: tuple[Any, Any]) -> None:
    ours = FederatedLogisticRegression(ridge=2.0).fit(coded, table[1])
    theirs = LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000).fit(coded, table[1])
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)
    np.testing.assert_allclose(ours.predict_proba(coded), theirs.predict_proba(coded), rtol=1e-6)
    assert (ours.p_values_[1:] < 0.05).sum() >= 2


def test_the_protocol_approaches_the_pooled_optimum(coded: Any, table: tuple[Any, Any]) -> None:
    """A key of 1,024 bits holds seven harmonics of the sigmoid, good for about 1 %."""
    few, label = coded[:200], table[1][:200]
    pooled = FederatedLogisticRegression(platform_columns=[0, 2], **QUICK).fit(few, label)
    joint = clone(pooled).set_params(backend="paillier", key_bits=1024, random_state=1).fit(few, label)
    assert _relative(joint, pooled) < 1e-2
    assert joint.standard_errors_.shape == (0,)
    assert joint.bytes_sent_ > 0 == pooled.bytes_sent_


@pytest.mark.slow
def test_a_real_key_gives_three_digits(coded: Any, table: tuple[Any, Any]) -> None:
    pooled = FederatedLogisticRegression().fit(coded, table[1])
    joint = FederatedLogisticRegression(backend="paillier").fit(coded, table[1])
    assert _relative(joint, pooled) < 1e-3
    np.testing.assert_allclose(joint.standard_errors_, pooled.standard_errors_, rtol=0.01)
    np.testing.assert_allclose(joint.p_values_, pooled.p_values_, rtol=0.1, atol=1e-3)


def _relative(joint: Any, pooled: Any) -> float:
    there = np.r_[pooled.intercept_, pooled.coef_[0]]
    return float(np.abs(np.r_[joint.intercept_, joint.coef_[0]] - there).max() / np.abs(there).max())


# --- the scorecard ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cards(table: tuple[Any, Any]) -> tuple[FederatedScorecard, FederatedScorecard]:
    """Pooled, and by the protocol; the platform owns columns 2 to 5."""
    pooled = FederatedScorecard(platform_columns=[2, 3, 4, 5], row_floor=30, **QUICK).fit(*table)
    joint = clone(pooled).set_params(backend="paillier", key_bits=1024, random_state=1).fit(*table)
    return pooled, joint


def test_the_card_is_the_parts_put_together(table: tuple[Any, Any]) -> None:
    values, label = table
    card = FederatedScorecard(row_floor=30, max_correlation=1.0, max_vif=1e6, min_iv=0.0).fit(values, label)
    parts = make_pipeline(WoeBinner(row_floor=30), FederatedLogisticRegression()).fit(values, label)
    np.testing.assert_allclose(card.coef_[0], parts[1].coef_[0, card.columns_], rtol=1e-6)
    np.testing.assert_allclose(card.iv_, parts[0].iv_[card.columns_], rtol=1e-12)
    # Each rounding moves the score by half a point at most, and 20 points are a factor of two.
    most = (len(card.columns_) + 1) / 2 * np.log(2) / 20
    assert np.abs(card.decision_function(values) - parts.decision_function(values)).max() <= most + 1e-9


def test_points_probabilities_and_classes_tell_the_same(
    cards: tuple[FederatedScorecard, FederatedScorecard], table: tuple[Any, Any]
) -> None:
    values, label = table
    card = cards[0]
    points, event = card.score_points(values), card.predict_proba(values)[:, 1]
    assert (np.diff(event[np.argsort(points)]) <= 0).all()
    np.testing.assert_array_equal(card.predict(values) == "yes", event > 0.5)
    assert points.min() >= card.scorecard_.span[0]
    assert points.max() <= card.scorecard_.span[1]
    assert card.score(values, label) > 0.65
    doubled = card.scorecard_.scaling
    assert doubled.probability(doubled.base_points) == pytest.approx(1 / 51)


def test_why_columns_are_left_out(cards: tuple[FederatedScorecard, FederatedScorecard]) -> None:
    for card in cards:
        assert card.removed_[4] is Reason.ONE_BIN
        assert len({3, 5} & set(card.removed_)) == 1
        assert {card.removed_[c] for c in {3, 5} & set(card.removed_)} == {Reason.CORRELATION}
        assert sorted([*card.columns_.tolist(), *card.removed_]) == list(range(6))


def test_the_protocol_makes_the_same_card(
    cards: tuple[FederatedScorecard, FederatedScorecard], table: tuple[Any, Any]
) -> None:
    pooled, joint = cards
    np.testing.assert_array_equal(joint.columns_, pooled.columns_)
    assert joint.removed_ == pooled.removed_
    assert [f.rule for f in joint.scorecard_.known] == [f.rule for f in pooled.scorecard_.known]
    assert joint.scorecard_.owners == (BANK, PLATFORM)
    assert _relative(joint, pooled) < 1e-2
    assert np.abs(joint.score_points(table[0]) - pooled.score_points(table[0])).max() <= 2


def test_low_floors_learn_small_tables() -> None:
    values, label = make_blobs(300, random_state=0)
    values, label = values[label != 2], label[label != 2]
    assert FederatedScorecard(**FEW_ROWS, max_correlation=1.0).fit(values, label).score(values, label) > 0.9


def test_a_card_without_columns_is_its_start(table: tuple[Any, Any]) -> None:
    values, label = table
    card = FederatedScorecard(min_iv=900.0).fit(values, label)
    assert not len(card.columns_)
    assert set(card.score_points(values).tolist()) == {card.scorecard_.start}
    assert card.predict_proba(values)[0, 1] == pytest.approx((label == "yes").mean(), abs=0.01)
    with pytest.raises(DataError, match="SCREENING_EMPTY"):
        card.set_params(backend="paillier", key_bits=1024).fit(values, label)


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "code"),
    [
        (WoeBinner(backend="seal"), "ESTIMATOR_BACKEND"),
        (WoeBinner(platform_columns=[6]), "ESTIMATOR_COLUMNS"),
        (WoeBinner(max_bins=1), "CONFIG_RANGE"),
        (FederatedLogisticRegression(ridge=0.0), "CONFIG_RANGE"),
        (FederatedLogisticRegression(steps=2, curvatures=3), "LOGISTIC_SPEC"),
        (FederatedScorecard(pdo=0.0), "CONFIG_RANGE"),
        (FederatedScorecard(key_bits=1000), "JOB_KEY_BITS"),
    ],
)
def test_wrong_parameters_are_refused_at_fit(table: tuple[Any, Any], estimator: Any, code: str) -> None:
    with pytest.raises(ConfigError, match=code):
        estimator.fit(np.nan_to_num(table[0]), table[1])


def test_what_the_regression_protocol_does_not_take(coded: Any, table: tuple[Any, Any]) -> None:
    raw, label = np.nan_to_num(table[0]), table[1]
    with pytest.raises(DataError, match="LOGISTIC_COLUMNS"):
        FederatedLogisticRegression(backend="paillier", key_bits=1024).fit(raw, label)


# --- constraints and penalties ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("terms", [{"signs": True, "ridge": 0.1}, {"l1": 8.0}, {"selection": "bic"}])
def test_the_protocol_holds_the_columns_of_the_pooled_fit(table: tuple[Any, Any], coded: Any, terms: Any) -> None:
    label = table[1]
    noise = np.round(np.random.default_rng(0).normal(0, 0.5, 5), 3)[np.random.default_rng(1).integers(0, 5, (ROWS, 2))]
    values = np.hstack([coded, noise])
    pooled = FederatedLogisticRegression(**terms, steps=4, curvatures=2).fit(values, label)
    assert pooled.held_
    joint = clone(pooled).set_params(backend="paillier", key_bits=1024, random_state=2).fit(values, label)
    assert joint.held_ == pooled.held_
    np.testing.assert_allclose(joint.coef_, pooled.coef_, atol=0.02 * np.abs(pooled.coef_).max())
    assert np.isnan(joint.standard_errors_).sum() == len(joint.held_)
