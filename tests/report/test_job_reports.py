"""A whole scorecard job in the plaintext study mode: what the bank's report and the platform's hold, and keep apart."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from page_reader import Page

from party_bank.card_report import bank_alone
from party_bank.card_report import card_report_of as bank_report_of
from party_bank.lending import check_terms
from party_bank.sample_scores import sample_scores
from party_bank.steps.keys import KeyHolderSteps
from party_platform.card_report import card_report_of as platform_report_of
from vfl.config.job import JobSpec
from vfl.config.report_terms import ReportTerms
from vfl.data.consent import ConsentBook
from vfl.data.synthetic import SyntheticSet, generate
from vfl.data.table import Dataset, load_view
from vfl.data.views import load_views
from vfl.errors import ConfigError
from vfl.lab.assembly import LabJob, PlatformTable, assemble
from vfl.report.feedback import spread_shares
from vfl.report.model import ReportModel
from vfl.report.render import render
from vfl.report.scorecard_model import BinKind
from vfl.roles import RoleName
from vfl.runtime.egress import Ledger
from vfl.service.side import Outcome

BANK, PLATFORM = "bank-a", "platform-a"
JOB = """\
[job]
name = "a card to read"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = {as_of}
model = "scorecard"

[privacy]
key_bits = 1024
test_keys = true
plaintext = true
minimum_intersection = 500

[sample]
out_of_time = 0.15

[binning]
min_iv = 0.08

[logistic]
curvatures = 2
"""
TERMS = ReportTerms(
    approval_rate=0.8, segments=("region", "utilisation"), exposure="credit_limit", loss_given_default=0.45, margin=0.05
)


@dataclass(frozen=True)
class Played:
    job: LabJob
    bank: ReportModel
    platform: ReportModel


def _loaded(files: SyntheticSet, role: RoleName, views: Path) -> Dataset:
    return load_view(load_views(views, role=role), "main", role=role, cutoff=files.as_of)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    files = generate(tmp_path_factory.mktemp("made"), firms=2000, seed=11, base_rate=0.2, grantee=BANK)
    spec = JobSpec.parse(JOB.format(as_of=files.as_of), "a card to read")
    platform = PlatformTable(
        _loaded(files, RoleName.PLATFORM, files.platform_views[0]),
        ConsentBook.load(load_views(files.platform_views[0], role=RoleName.PLATFORM)),
    )
    keys = {p: KeyHolderSteps.fresh(1024, test_keys=True, plaintext=True) for p in (BANK, PLATFORM)}
    bank = _loaded(files, RoleName.BANK, files.bank_views)
    job = assemble("job-1", spec, bank, {PLATFORM: platform}, seed=b"r" * 32, keys=keys)
    job.run()
    outcome = Outcome(job.contract.digest, job.exits[BANK].ledger, job.received(), job.seconds)
    theirs = Outcome(job.contract.digest, job.exits[PLATFORM].ledger, Ledger(), job.seconds)
    return Played(
        job, bank_report_of(job.bank, outcome, "ab" * 32, TERMS), platform_report_of(job.platforms[PLATFORM], theirs)
    )


def test_every_section_of_a_banks_report_is_there(played: Played) -> None:
    report = played.bank
    wanted = ("performance", "bands", "strategy", "segments", "importance", "scorecard", "stability", "ledger", "card")
    assert all(getattr(report, name) is not None for name in wanted)
    for language in ("zh", "en"):
        page = Page(render(report, language=language))
        assert page.errors == []
        assert len(page.ids) == len(set(page.ids))
        assert len(page.texts["zh"]) == len(page.texts["en"])


def test_calibration_of_each_split_agrees_with_its_rows(played: Played) -> None:
    assert played.bank.performance is not None
    joint = played.bank.performance.models[0]
    bank = played.job.bank
    assert [s.split for s in joint.splits] == ["train", "valid", "test", "out_of_time"]
    probability = bank.card.card().probability(bank.card.scores.astype(np.float64))
    for split, part in zip(joint.splits, bank.work.parts, strict=True):
        assert split.pricing is not None
        assert split.pricing.mean_probability == pytest.approx(probability[part].mean())
        assert split.events == bank.work.labels()[part].sum()
    alone = played.bank.performance.models[1]
    assert [s.split for s in alone.splits] == ["test", "out_of_time"]
    assert [u.split for u in played.bank.performance.uplift] == ["test", "out_of_time"]
    assert joint.splits[0].pricing is not None
    assert joint.splits[0].pricing.degrees == 8
    assert joint.splits[0].brier < joint.splits[0].pricing.brier_of_rate


def test_each_offered_feature_is_on_the_card_or_in_the_table_of_those_that_went(played: Played) -> None:
    card = played.bank.scorecard
    assert card is not None
    own = {t.feature.name for t in card.tables if t.feature.owner == BANK}
    gone = {r.feature.name for r in card.removed if r.feature.owner == BANK}
    assert own | gone == {f.name for f in played.job.bank.work.data.features}
    assert not own & gone
    assert all(r.text.en and r.text.zh for r in card.removed)


def test_the_bank_sees_its_own_bins_and_others_counts(played: Played) -> None:
    card, bank = played.bank.scorecard, played.job.bank
    assert card is not None
    train = bank.work.parts[0]
    assert {t.feature.owner for t in card.tables} == {BANK, PLATFORM}
    for table in card.tables:
        own = table.feature.owner == BANK
        assert (table.feature.name is not None) == own
        assert {b.kind is BinKind.ANONYMOUS for b in table.bins} == {not own}
        assert sum(b.rows or 0 for b in table.bins) == train.stop
        assert sum(b.events or 0 for b in table.bins) == bank.work.labels()[train].sum()
        assert sum(b.iv for b in table.bins) == pytest.approx(table.iv)


def test_shares_of_the_auc_add_up_to_that_of_the_model(played: Played) -> None:
    assert played.bank.importance is not None
    assert played.bank.performance is not None
    shares = played.bank.importance.categories
    assert {c.owner for c in shares} == {BANK, PLATFORM}
    test = next(s for s in played.bank.performance.models[0].splits if s.split == "test")
    assert sum(c.share.value for c in shares) == pytest.approx(test.auc.value - 0.5)


def test_stability_is_told_by_split_and_by_period_for_the_banks_own_features(played: Played) -> None:
    assert played.bank.stability is not None
    rows = played.bank.stability.rows
    periods = {r.period for r in rows}
    assert {"valid", "test", "out_of_time"} < periods
    assert any("Q" in p or "-" in p for p in periods)
    assert {r.feature.owner for r in rows if r.feature is not None} == {BANK}
    assert sum(p.rows for p in played.bank.sample.periods) == played.bank.sample.intersection


def test_sample_scores_mark_those_below_the_cut_off(played: Played) -> None:
    bank = played.job.bank
    points = bank.card.scores.astype(np.float64)
    made = sample_scores(
        bank.work, played.bank, bank_alone(bank), probability=bank.card.card().probability(points),
        points=points,
    )  # fmt: skip
    assert played.bank.strategy is not None
    assert made.cut_off == played.bank.strategy.cut_off
    below = sum(d.declined_rows for d in played.bank.strategy.decided)
    assert (made.points < made.cut_off).sum() == below > 0
    assert np.isfinite(made.bank_alone).sum() == made.split.count("test") + made.split.count("out_of_time")


def test_terms_that_name_no_column_are_refused_before_the_job(played: Played) -> None:
    data = played.job.bank.work.data
    check_terms(TERMS, data)
    for wrong in (
        dataclasses.replace(TERMS, segments=("regoin",)),
        dataclasses.replace(TERMS, exposure="nothing"),
        dataclasses.replace(TERMS, exposure="region"),
    ):
        with pytest.raises(ConfigError, match="REPORT_TERMS_COLUMN"):
            check_terms(wrong, data)


def test_a_platform_tells_its_departments_what_their_data_was_worth(played: Played) -> None:
    feedback = played.platform.feedback
    assert feedback is not None
    used = [f for f in feedback.features if f.used]
    assert {f.feature.name for f in feedback.features} == {
        f.name for f in played.job.platforms[PLATFORM].work.data.features
    }
    assert sum(f.spread for f in used) == pytest.approx(1.0)
    assert all(f.reason.zh for f in feedback.features if not f.used)
    offered = sum(len(f.departments) for f in feedback.features)
    assert sum(d.offered for d in feedback.departments) == offered
    page = render(played.platform)
    assert Page(page).errors == []
    assert "数据部门反馈" in page


def test_neither_report_names_the_others_features(played: Played) -> None:
    theirs = {f.name for f in played.job.platforms[PLATFORM].work.data.features}
    own = {f.name for f in played.job.bank.work.data.features}
    bank, platform = played.bank.to_json(), played.platform.to_json()
    assert not [name for name in theirs - own if f'"{name}"' in bank]
    assert not [name for name in own - theirs if f'"{name}"' in platform]
    assert played.platform.performance is None
    assert played.platform.strategy is None
    assert all(b.events is None for t in played.platform.scorecard.tables for b in t.bins)  # type: ignore[union-attr]


def test_spread_shares_are_covariances_with_the_sum() -> None:
    points = np.random.default_rng(2).integers(-20, 20, (400, 3)) * np.array([3, 1, 0])
    shares = spread_shares(points)
    total = points.sum(axis=1)
    for feature in range(3):
        assert shares[feature] == pytest.approx(np.cov(points[:, feature], total)[0, 1] / total.var(ddof=1))
    assert spread_shares(np.ones((5, 2), dtype=np.int64)).tolist() == [0.0, 0.0]
