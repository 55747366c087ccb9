"""Whole jobs in one process: the same as assembled by hand, seen by the wiretap, reported."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from vfl.config.job import JobSpec
from vfl.core.metrics import auc
from vfl.errors import ConfigError
from vfl.lab import JointCard, JointModel, Result, Simulation, Wiretap
from vfl.lab.packages import node_package
from vfl.report import ReportModel


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return Simulation.from_synthetic(firms=2_400, base_rate=0.2)


@pytest.fixture(scope="module")
def tapped(simulation: Simulation) -> tuple[Result, Wiretap]:
    tap = Wiretap()
    return simulation.run(simulation.job(trees=2), wiretap=tap, seed=bytes(32)), tap


def test_measures_are_those_of_the_test_rows(tapped: tuple[Result, Wiretap]) -> None:
    result = tapped[0]
    scores = result.job.bank.evaluation.scores()
    assert result.auc == auc(scores.labels, scores.joint)
    assert 0.5 < result.auc < 1
    assert set(result.measures) == {"joint", "bank_alone"}
    assert result.rows >= 1000


def test_the_joint_model_scores_as_the_bank_did(tapped: tuple[Result, Wiretap]) -> None:
    result = tapped[0]
    assert isinstance(result.model, JointModel)
    bank, platform = result.job.bank.work, result.job.platforms["platform-a"].work
    aligned = {"bank-a": bank.data.take(bank.alignment.rows), "platform-a": platform.data.take(platform.table_rows)}
    np.testing.assert_array_equal(result.model.margins(aligned), result.job.bank.trees.best_margins)
    assert set(result.model.splits) == {"bank-a", "platform-a"}


def test_the_ledger_adds_up_the_trace(tapped: tuple[Result, Wiretap]) -> None:
    result = tapped[0]
    assert sum(row.messages for row in result.ledger) == len(result.trace)
    assert sum(row.bytes for row in result.ledger) == sum(sent.size for sent in result.trace)
    received = result.job.received()
    assert {row.message for row in result.ledger if row.receiver == "bank-a"} == {t for t, _ in received.lines}


def test_the_wiretap_holds_every_message_and_its_fields(tapped: tuple[Result, Wiretap]) -> None:
    result, tap = tapped
    assert [m.sent for m in tap] == result.trace
    assert len(tap.view("bank-a")) + len(tap.view("platform-a")) == len(tap)
    begin = tap.of("TreeBegin")[0]
    assert begin.kind == "DISCLOSURE"
    assert begin.fields() == {"go_on": True, "federated": True}
    assert len(tap.of("EncryptedGradients")) >= 2
    assert len(tap.show(limit=5).splitlines()) == 6
    assert tap.messages[0].leaks_zh in tap.show(language="zh", limit=1)
    with pytest.raises(ConfigError, match="MESSAGE_UNKNOWN"):
        tap.of("RawLabels")


def test_no_message_holds_a_code_of_a_firm(tapped: tuple[Result, Wiretap]) -> None:
    result, tap = tapped
    codes = [code.encode() for code in result.job.bank.work.data.ids[:50]]
    assert not any(code in m.body for m in tap for code in codes)


def test_the_same_seed_gives_the_same_model(simulation: Simulation, tapped: tuple[Result, Wiretap]) -> None:
    again = simulation.run(simulation.job(trees=2), seed=bytes(32))
    assert again.auc == tapped[0].auc
    assert again.digest == tapped[0].digest
    assert [(s.type_name, s.size) for s in again.trace] == [(s.type_name, s.size) for s in tapped[0].trace]


def test_the_report_is_the_banks_own(tapped: tuple[Result, Wiretap], tmp_path: Path) -> None:
    result = tapped[0]
    path = result.report(tmp_path / "report.html", language="en")
    assert "<html" in path.read_text()
    model = result.report_model()
    assert isinstance(model, ReportModel)
    assert model.header.key_bits == 512


@pytest.fixture(scope="module")
def card(simulation: Simulation) -> Result:
    """A scorecard of the few most telling features, in two Newton steps."""
    text = simulation.job(model="scorecard").text
    text += "[binning]\nmin_iv = 0.15\n[logistic]\nsteps = 2\ncurvatures = 1\nstandard_errors = false\n"
    return simulation.run(JobSpec.parse(text, "card"), seed=bytes(32))


def test_a_scorecard_runs_and_scores_as_the_bank_did(card: Result) -> None:
    model, bank, platform = card.model, card.job.bank.work, card.job.platforms["platform-a"].work
    assert isinstance(model, JointCard)
    assert model.card.complete
    assert model.card.owners == ("bank-a", "platform-a")
    aligned = {"bank-a": bank.data.take(bank.alignment.rows), "platform-a": platform.data.take(platform.table_rows)}
    np.testing.assert_array_equal(model.scores(aligned), card.job.bank.card.scores)
    test = card.job.bank.work.parts[2]
    np.testing.assert_array_equal(model.probabilities(aligned)[test], card.job.bank.evaluation.scores().joint)
    assert card.auc > 0.6
    assert set(card.measures) == {"joint", "bank_alone"}


def test_a_scorecards_parts_are_those_that_its_owners_made(card: Result) -> None:
    model = card.model
    assert isinstance(model, JointCard)
    assert model.card.part("bank-a") == card.job.bank.card.card()
    own = [f for f in model.card.known if f.owner == "platform-a"]
    assert own == list(card.job.platforms["platform-a"].card.card().known)


def test_a_scorecards_report(card: Result, tmp_path: Path) -> None:
    assert card.report_model().scorecard is not None
    assert "<html" in card.report(tmp_path / "card.html").read_text()
    assert len(card.digest) == 64


def test_two_platforms_and_a_running_loop() -> None:
    """A notebook's own loop is running when a cell calls us."""
    simulation = Simulation.from_synthetic(firms=2_400, platforms=2, base_rate=0.2)

    async def cell() -> Result:
        return simulation.run(simulation.job(trees=1))

    result = asyncio.run(cell())
    assert set(result.job.platforms) == {"platform-a", "platform-b"}


def test_wrong_parties_and_missing_packages_are_named(simulation: Simulation, tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    job.write_text(simulation.job(trees=1).text.replace('["platform-a"]', '["platform-q"]'))
    with pytest.raises(ConfigError, match="SIM_PARTIES"):
        simulation.run(job)
    job.write_text(simulation.job(trees=1).text + '[score]\nmodel = "m"\n')
    with pytest.raises(ConfigError, match="SIM_SCORING"):
        simulation.run(job)
    with pytest.raises(ConfigError, match="PACKAGE_MISSING"):
        node_package("party_nobody.roles")
