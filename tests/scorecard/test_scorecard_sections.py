"""Sections of the report from a card: own bins named, others anonymous, figures equal to the counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.scorecards import Fitted, coded

from vfl.core.binning import BinCounts
from vfl.core.card_feature import CardFeature
from vfl.core.logistic import p_values
from vfl.core.scorecard import Scorecard
from vfl.core.selection import pearson, variance_inflation
from vfl.errors import LocalProtocolError, Text
from vfl.protocols.joint_features import JointFeature
from vfl.report.contribution import Category, category_shares, own_category, owner_category
from vfl.report.model import Header, Party, PartyRows, ReportModel, Sample, SplitRows
from vfl.report.render import render
from vfl.report.scorecard_model import BinKind, Feature, ScorecardSection
from vfl.report.scorecard_sections import Estimate, by_period, scorecard_section, stability_section
from vfl.roles import RoleName


def joint_features(fitted: Fitted) -> list[JointFeature]:
    """What the bank knows after binning."""
    out = []
    for owner, table in fitted.tables.items():
        for index, feature in enumerate(table.features):
            prebins = feature.prebins
            raw = fitted.table[feature.name]
            bins = prebins.bins(raw) if isinstance(raw, np.ndarray) else None
            if bins is None:
                bins = prebins.bins(coded(raw))
            size = len(prebins.rows)
            rows = np.bincount(bins, minlength=size)
            events = np.bincount(bins, fitted.label, size).astype(np.int64)
            counts = BinCounts(rows, events, prebins.apart, prebins.ordered)
            name = feature.name if owner == "bank" else None
            out.append(JointFeature(owner, index, name, counts, feature.merge))
    return out


def estimates(fitted: Fitted) -> tuple[list[Estimate], Estimate]:
    fit = fitted.fit
    tests = p_values(fit.coefficients, fit.standard_errors)
    inflation = variance_inflation(pearson(fitted.design[:, 1:]))
    told = [Estimate(*map(float, row)) for row in zip(fit.coefficients, fit.standard_errors, tests, strict=True)]
    return (
        [Estimate(e.weight, e.standard_error, e.p_value, float(v)) for e, v in zip(told[1:], inflation, strict=True)],
        told[0],
    )


def section(fitted: Fitted, card: Scorecard) -> ScorecardSection:
    told, intercept = estimates(fitted)
    told = [
        e if isinstance(f, CardFeature) else Estimate(vif=e.vif) for f, e in zip(card.features, told, strict=True)
    ]
    return scorecard_section(
        card, joint_features(fitted), told, intercept, correlation=pearson(fitted.design[:, 1:])
    )


def test_the_bank_sees_others_as_anonymous_bins(fitted: Fitted) -> None:
    shown = section(fitted, fitted.card.part("bank"))
    own, other = shown.tables[0], shown.tables[2]
    assert own.feature == Feature("bank", 1, "debt")
    assert other.feature == Feature("platform", 1, None)
    assert {b.kind for b in other.bins} == {BinKind.ANONYMOUS}
    assert all(b.label == "" and math.isnan(b.points) and b.rows for b in other.bins)
    assert {b.kind for b in own.bins} == {BinKind.INTERVAL, BinKind.MISSING}
    assert own.bins[0].label.startswith("(−∞, ")
    assert shown.coefficients[0].feature is None
    assert math.isnan(shown.coefficients[3].estimate)
    assert {r.owner for r in shown.reasons} == {"bank"}
    assert shown.scaling is not None
    assert shown.scaling.intercept_points == fitted.card.start
    assert "tax" not in repr(shown)


def test_figures_are_those_of_the_rows(fitted: Fitted) -> None:
    shown = section(fitted, fitted.card)
    for table, feature in zip(shown.tables, fitted.card.known, strict=True):
        bins = feature.rule.bins(fitted.table[feature.name])
        assert [b.rows for b in table.bins] == np.bincount(bins).tolist()
        assert [b.events for b in table.bins] == np.bincount(bins, fitted.label).astype(int).tolist()
        assert sum(b.iv for b in table.bins) == pytest.approx(table.iv)
        assert [b.points for b in table.bins] == list(feature.points[:-1])


def test_kinds_and_labels(fitted: Fitted) -> None:
    shown = section(fitted, fitted.card)
    debt, kind, tax, _ = shown.tables
    missing = [b for b in debt.bins if b.kind is BinKind.MISSING]
    assert len(missing) == 1
    assert missing[0].label == ""
    assert any(b.kind is BinKind.SPECIAL and "-999" in b.label for b in tax.bins)
    assert any("其他 other" in b.label for b in kind.bins)
    assert {b.kind for b in kind.bins} <= {BinKind.CATEGORIES, BinKind.MISSING}


def test_a_platform_without_counts(fitted: Fitted) -> None:
    part = fitted.card.part("platform")
    shown = scorecard_section(part, [None] * 4, [Estimate()] * 4)
    assert [t.feature.label for t in shown.tables] == ["tax", "staff"]
    assert shown.coefficients == ()
    assert all(b.rows is None and math.isfinite(b.points) for t in shown.tables for b in t.bins)
    assert shown.scaling is not None
    assert math.isnan(shown.scaling.intercept_points)


def test_the_page_shows_the_card_in_both_languages(fitted: Fitted) -> None:
    header = Header(
        "job-1", "card", (Party("bank", RoleName.BANK), Party("platform", RoleName.PLATFORM)), "00", "2026-01-01",
        "2026-01-02", "0.1.0", "credit", "bad", "good", "2024", "2025", "scorecard", "paillier", 2048,
    )  # fmt: skip
    sample = Sample((PartyRows("bank", 3000), PartyRows("platform")), (SplitRows("train", 3000, 900),))
    page = render(ReportModel(header, sample, scorecard=section(fitted, fitted.card.part("bank"))))
    for words in ("600 分对应好坏比 50 : 1", "odds of 50 good to 1 bad", "边界不公开", "edges withheld", "BANK-01"):
        assert words in page
    assert "O&#39;Neil" in page
    for secret in ("tax", "staff", "PLATFORM-01"):
        assert secret not in page


def test_features_out_of_order_are_refused(fitted: Fitted) -> None:
    features = joint_features(fitted)
    with pytest.raises(LocalProtocolError, match="SCORECARD_SECTION"):
        scorecard_section(fitted.card, features[::-1], [Estimate()] * 4)


def test_stability(fitted: Fitted) -> None:
    score = fitted.card.score(fitted.table)
    period = ["2024-02" if i % 2 else "2024-01" for i in range(len(score))]
    scores = by_period(score, period)
    assert list(scores) == ["2024-01", "2024-02"]
    feature = Feature("bank", 1, "debt")
    bins = fitted.columns["bank"].bins[:, 0]
    shifted = np.where(bins == bins.max(), bins, 0).astype(np.uint8)
    told = stability_section(
        "train",
        {"train": score, "2024-01": scores["2024-01"], "later": score - 15},
        {feature: {"train": bins, "2024-01": bins[::2], "later": shifted}},
    )
    found = {(r.feature, r.period): r.value for r in told.rows}
    assert set(found) == {(None, "2024-01"), (None, "later"), (feature, "2024-01"), (feature, "later")}
    assert found[None, "2024-01"] < 0.02 < 0.1 < found[None, "later"]
    assert found[feature, "2024-01"] < 0.02 < 0.25 < found[feature, "later"]


def test_category_shares(fitted: Fitted) -> None:
    tax, staff = (Category("platform", code, Text(code, code)) for code in ("tax", "staff"))
    own = own_category("bank", None)
    told = category_shares(fitted.card.points(fitted.table), fitted.label, [own, own, tax, staff], seed=1)
    assert [c.owner for c in told if c.name == own.name] == ["bank"]
    assert [c.share.value for c in told] == sorted((c.share.value for c in told), reverse=True)
    assert all(c.share.low <= c.share.value <= c.share.high for c in told)


def test_categories_are_named_by_the_catalogue() -> None:
    assert own_category("bank", "tax.arrears").code == "tax"
    assert own_category("bank", "tax.arrears").name.zh != own_category("bank", "tax.arrears").name.en
    assert own_category("bank", "heating.bills").name == Text("heating", "heating")
    assert owner_category("platform-a") != owner_category("platform-b")


def test_many_categories_are_joined_to_as_many_as_can_be_worked_out() -> None:
    rng = np.random.default_rng(4)
    points = rng.integers(-20, 20, (300, 15)) // np.arange(1, 16)
    label = (rng.random(300) < 1 / (1 + np.exp(points.sum(axis=1) / 20))).astype(np.float64)
    told = category_shares(points, label, [own_category(f"bank-{i}", None) for i in range(15)], seed=1)
    assert len(told) == 12
    assert [c.name.en for c in told if not c.owner] == ["4 smaller ones together"]
    auc = float((points.sum(axis=1)[label == 0][:, None] > points.sum(axis=1)[label == 1]).mean())
    ties = float((points.sum(axis=1)[label == 0][:, None] == points.sum(axis=1)[label == 1]).mean())
    assert sum(c.share.value for c in told) == pytest.approx(auc + ties / 2 - 0.5)
