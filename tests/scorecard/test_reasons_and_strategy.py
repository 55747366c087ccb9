"""Reason codes, cut-offs, decisions, champion against challenger."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from support.scorecards import Fitted

from vfl.core.reasons import Baseline, Reason, reasons
from vfl.core.strategy import Decision, champion_challenger, cut_off_for, decide, strategy_table
from vfl.errors import DataError

SCORE = np.array([500.0, 520, 520, 540, 560, 580])
LABEL = np.array([1.0, 1, 0, 0, 1, 0])
PD = np.array([0.5, 0.4, 0.4, 0.2, 0.1, 0.05])


@pytest.mark.parametrize("baseline", list(Baseline))
def test_reasons_rank_what_fell_furthest(fitted: Fitted, baseline: Baseline) -> None:
    part = fitted.card.part("platform")
    points = part.points(fitted.table)[:300]
    told = reasons(points, part.known, baseline=baseline, top=1, strengths=2)
    for row, given in zip(points, told, strict=True):
        over = {f.reason.code: int(p) - baseline.of(f) for p, f in zip(row, part.known, strict=True)}
        low = [r for r in given if r.sign == "-"]
        assert len(low) == min(1, sum(v < 0 for v in over.values()))
        assert all(over[r.code] == min(over.values()) for r in low)
        assert {r.code for r in given if r.sign == "+"} == {c for c, v in over.items() if v > 0}
    if baseline is Baseline.BEST:
        assert not any(r.sign == "+" for row in told for r in row)


def test_reasons_tell_codes_and_signs_only(fitted: Fitted) -> None:
    told = reasons(fitted.card.points(fitted.table)[:50], fitted.card.known)
    codes = {f.reason.code for f in fitted.card.known}
    assert codes == {"BANK-01", "BANK-02", "PLATFORM-01", "PLATFORM-02"}
    assert all(isinstance(r, Reason) and r.code in codes and r.sign == "-" for row in told for r in row)
    assert any(told)


def test_strategy_by_hand() -> None:
    table = strategy_table(SCORE, LABEL, PD, cut_offs=[600, 540, 520, 0], loss_given_default=0.5)
    none, upper, middle, everyone = table
    assert (none.approved, none.share, none.avoided) == (0, 0.0, 1.0)
    assert math.isnan(none.event_rate)
    assert (upper.approved, upper.event_rate, upper.declined_rate) == (3, pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert upper.expected_loss == pytest.approx(0.5 * 0.35)
    assert upper.observed_loss == pytest.approx(0.5)
    assert middle.approved == 5  # both at 520
    assert (everyone.avoided, everyone.event_rate) == (0.0, 0.5)
    assert math.isnan(everyone.declined_rate)


def test_exposure_weighs_losses() -> None:
    exposure = np.array([1.0, 1, 1, 10, 20, 30])
    (row,) = strategy_table(SCORE, LABEL, PD, cut_offs=[540], exposure=exposure, loss_given_default=1.0)
    assert row.expected_loss == pytest.approx(0.2 * 10 + 0.1 * 20 + 0.05 * 30)
    assert row.observed_loss == 20.0


def test_default_cut_offs_approve_ever_more(fitted: Fitted) -> None:
    score = fitted.card.score(fitted.table)
    table = strategy_table(score, fitted.label, fitted.card.probability(score))
    approved = [row.approved for row in table]
    assert len(table) > 10
    assert approved == sorted(approved)
    assert approved[-1] == len(score)
    assert table[-1].expected_loss / 0.45 == pytest.approx(fitted.label.sum(), rel=0.05)
    chosen = cut_off_for(table, max_event_rate=0.1)
    assert chosen is not None
    assert chosen.event_rate <= 0.1
    assert all(row.event_rate > 0.1 for row in table if row.approved > chosen.approved)
    assert cut_off_for(table, max_event_rate=-1.0) is None


def test_decisions() -> None:
    told = decide([499, 500, 539, 540], reject_below=500, review_below=540)
    assert [Decision(d) for d in told] == [Decision.REJECT, Decision.REVIEW, Decision.REVIEW, Decision.APPROVE]
    assert decide([499, 500], reject_below=500).tolist() == [Decision.REJECT, Decision.APPROVE]
    with pytest.raises(DataError, match="STRATEGY_CUT_OFFS"):
        decide([1.0], reject_below=540, review_below=500)


@pytest.mark.parametrize(
    ("score", "label", "pd"),
    [([], [], []), ([1.0], [0.5], [0.1]), ([1.0, math.nan], [0, 1], [0.1, 0.1]), ([1.0, 2.0], [0, 1], [0.1])],
)
def test_wrong_input_is_refused(score: list[float], label: list[float], pd: list[float]) -> None:
    with pytest.raises(DataError, match="STRATEGY_INPUT"):
        strategy_table(score, label, pd)


def test_champion_and_challenger(fitted: Fitted) -> None:
    joint = fitted.card.score(fitted.table)
    alone = fitted.card.part("bank").points(fitted.table).sum(axis=1)
    match = champion_challenger(fitted.label, alone, joint, approval_share=0.6)
    assert match.challenger_auc == pytest.approx(roc_auc_score(fitted.label, -joint))
    assert match.challenger_auc > match.champion_auc + 0.03
    assert match.challenger_ks > match.champion_ks
    assert match.p_value < 1e-6
    assert match.swapped_in == match.swapped_out > 50
    assert match.in_rate < match.out_rate
    same = champion_challenger(fitted.label, joint, joint)
    assert (same.p_value, same.swapped_in, same.swapped_out) == (1.0, 0, 0)


def test_delong_holds_its_level() -> None:
    """Two equally good scores: about 5 % of p-values lie below 0.05 (240 draws, 4 standard errors)."""
    rng = np.random.default_rng(11)
    low = 0
    for _ in range(240):
        truth = rng.normal(size=300)
        label = (truth + rng.normal(size=300) > 0.5).astype(np.float64)
        first, second = (np.round(-truth + rng.normal(size=300), 1) for _ in range(2))
        low += champion_challenger(label, first, second).p_value < 0.05
    assert 0.05 * 240 - 4 * math.sqrt(240 * 0.0475) < low < 0.05 * 240 + 4 * math.sqrt(240 * 0.0475)
