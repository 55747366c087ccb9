"""Points from weights: scaling, rounding, parts, and the probability that a score stands for."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scorecards import SCALING, Fitted, hard_rows
from support.scorecards import fitted as fitted_card

from vfl.core.card_feature import CardFeature, HiddenFeature, NumericRule
from vfl.core.logistic import sigmoid
from vfl.core.scorecard import Scaling, Scorecard, card_features, round_half_up
from vfl.errors import ConfigError, DataError, LocalProtocolError


def test_scaling_means_what_it_says() -> None:
    assert SCALING.points(-math.log(50)) == pytest.approx(600)
    assert SCALING.points(-math.log(100)) == pytest.approx(620)
    assert SCALING.probability([600, 620, 580]) == pytest.approx([1 / 51, 1 / 101, 1 / 26])
    assert SCALING.margin(SCALING.points(0.37)) == pytest.approx(0.37)
    assert SCALING.probability([-1e9, 1e9]).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "numbers", [(math.nan, 50, 20), (600, 0, 20), (600, -1, 20), (600, 50, 0), (600, 50, -20), (600, math.inf, 20)]
)
def test_senseless_scaling_is_refused(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigError, match="SCORECARD_SCALING"):
        Scaling(*numbers)


def test_halves_go_up() -> None:
    assert [round_half_up(v) for v in (-2.5, -2.51, -0.5, 0.5, 1.49, 2.5)] == [-2, -3, 0, 1, 1, 3]


@pytest.mark.parametrize("spread", [False, True])
def test_score_is_the_margin_within_the_rounding(spread: bool) -> None:
    fitted = fitted_card(spread=spread)
    margin = fitted.design @ fitted.fit.coefficients
    exact = SCALING.base_points - SCALING.factor * (margin + math.log(SCALING.base_odds))
    gap = np.abs(fitted.card.score(fitted.table) - exact)
    assert 0 < gap.max() <= (len(fitted.card.features) + 1) / 2
    assert (fitted.card.start == 0) is spread


def test_probability_follows_the_regression(fitted: Fitted) -> None:
    p = fitted.card.probability(fitted.card.score(fitted.table))
    exact = sigmoid(fitted.design @ fitted.fit.coefficients)
    # Five roundings of half a point, 20 points to double the odds: a factor of 2^(2.5 / 20) on the odds at most.
    ratio = p / (1 - p) / (exact / (1 - exact))
    assert 2 ** (-2.5 / 20) <= ratio.min() < ratio.max() <= 2 ** (2.5 / 20)
    assert p.mean() == pytest.approx(fitted.label.mean(), abs=0.005)


def test_values_and_bins_give_the_same_points(fitted: Fitted) -> None:
    for owner, columns in fitted.columns.items():
        part = fitted.card.part(owner)
        assert np.array_equal(part.points(fitted.table), part.points_of_bins(columns))


def test_rule_and_bins_agree_on_hard_rows(fitted: Fitted) -> None:
    rows = hard_rows(fitted.card, 200, 3)
    for feature in fitted.card.known:
        if isinstance(feature.rule, NumericRule):
            binned = next(
                f for t in fitted.tables.values() for f in t.features if f.name == feature.name
            )
            assert np.array_equal(feature.rule.bins(rows[feature.name]), binned.bins(rows[feature.name]))


def test_unseen_values_are_neutral(fitted: Fitted) -> None:
    staff = fitted.card.known[3]  # never missing in training
    assert staff.name == "staff"
    assert staff.rule.missing == len(staff.points) - 1
    assert staff.neutral == 0
    assert fitted.card.known[0].rule.missing < len(fitted.card.known[0].points) - 1


def test_owners_add_up_to_the_score(fitted: Fitted) -> None:
    rows = hard_rows(fitted.card, 500, 1)
    parts = {owner: fitted.card.part(owner) for owner in fitted.card.owners}
    assert parts["platform"].start == 0
    total = fitted.card.start + sum(part.points(rows).sum(axis=1) for part in parts.values())
    assert np.array_equal(total, fitted.card.score(rows))


def test_a_part_shows_nothing_of_others(fitted: Fitted) -> None:
    part = fitted.card.part("platform")
    assert [type(f) for f in part.features] == [HiddenFeature, HiddenFeature, CardFeature, CardFeature]
    told = str(part.to_dict())
    assert "debt" not in told
    assert str(fitted.card.start) not in told
    with pytest.raises(DataError, match="SCORECARD_PART"):
        part.score(fitted.table)
    with pytest.raises(DataError, match="SCORECARD_PART"):
        _ = part.span


def test_each_owner_alone_makes_the_same_card(fitted: Fitted) -> None:
    bank = Scorecard.fitted(
        {"bank": fitted.tables["bank"]}, {"bank": fitted.weights["bank"]}, fitted.intercept, SCALING, home="bank",
        hidden={"platform": 2},
    )  # fmt: skip
    platform = Scorecard.part_of(
        "platform", fitted.tables["platform"], fitted.weights["platform"], SCALING, home="bank",
        counts={"bank": 2, "platform": 2},
    )  # fmt: skip
    assert bank == fitted.card.part("bank")
    assert platform == fitted.card.part("platform")
    assert bank.joined(platform) == fitted.card == platform.joined(bank)


def test_each_owner_alone_makes_its_part_of_a_spread_card() -> None:
    fitted = fitted_card(spread=True)
    platform = Scorecard.part_of(
        "platform", fitted.tables["platform"], fitted.weights["platform"], SCALING, home="bank",
        counts={"bank": 2, "platform": 2}, share=Scorecard.spread_share(fitted.intercept, SCALING, 4),
    )  # fmt: skip
    assert platform == fitted.card.part("platform")


def test_parts_of_two_cards_do_not_join(fitted: Fitted) -> None:
    bank, platform = fitted.card.part("bank"), fitted.card.part("platform")
    other = dataclasses.replace(platform, scaling=Scaling(600, 20, 20))
    fewer = dataclasses.replace(platform, features=platform.features[:-1])
    first = fitted.card.known[0]
    changed = dataclasses.replace(first, points=tuple(p + 1 for p in first.points))
    told_otherwise = dataclasses.replace(fitted.card, features=(changed, *fitted.card.features[1:]))
    for wrong in (other, fewer, told_otherwise):
        with pytest.raises(DataError, match="SCORECARD_PARTS_DIFFER"):
            bank.joined(wrong)


def test_column_names_stay_apart(fitted: Fitted) -> None:
    names = ("tax", "score", "tax", "staff")
    renamed = tuple(dataclasses.replace(f, name=n) for f, n in zip(fitted.card.known, names, strict=True))
    card = dataclasses.replace(fitted.card, features=renamed)
    assert card.columns == ("bank.tax", "bank.score", "platform.tax", "staff")


def test_wrong_input_is_named(fitted: Fitted) -> None:
    with pytest.raises(DataError, match=r"SCORECARD_COLUMN.*column tax"):
        fitted.card.score({k: v for k, v in fitted.table.items() if k != "tax"})
    with pytest.raises(DataError, match="SCORECARD_WEIGHTS"):
        card_features("bank", fitted.tables["bank"], [math.nan, 1.0], SCALING)
    with pytest.raises(DataError, match="SCORECARD_WEIGHTS"):
        Scorecard.fitted({}, {}, math.inf, SCALING, home="bank")
    with pytest.raises(LocalProtocolError, match="SCORECARD_SHAPE"):
        card_features("bank", fitted.tables["bank"], [1.0], SCALING)


def test_infinite_cuts_are_refused() -> None:
    with pytest.raises(DataError, match="SCORECARD_EDGES"):
        NumericRule((1.0, math.inf), (0, 1, 2), (), 3)


@given(
    edges=st.lists(st.floats(-1e6, 1e6), unique=True, max_size=8),
    value=st.floats(allow_nan=True, allow_infinity=True),
)
def test_intervals_are_closed_below(edges: list[float], value: float) -> None:
    rule = NumericRule(tuple(sorted(edges)), tuple(range(len(edges) + 1)), (), len(edges) + 1)
    expected = len(edges) + 1 if math.isnan(value) else sum(edge <= value for edge in edges)
    assert rule.bins(np.array([value])).tolist() == [expected]


def test_span_holds_every_score(fitted: Fitted) -> None:
    low, high = fitted.card.span
    scores = fitted.card.score(hard_rows(fitted.card, 2000, 5))
    assert low <= scores.min() < scores.max() <= high
