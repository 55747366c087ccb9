"""A scorecard through the whole product, real processes over mutual TLS: train, score, revoke, audit.

The arithmetic is the study's, without encryption: what crosses and who keeps what is the same, in a tenth of the time.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.cli.calling import done, vfl
from vfl.core.metrics import auc
from vfl.data.card_part import CardPart
from vfl.data.synthetic import generate
from vfl.data.table import load_view
from vfl.data.views import load_views
from vfl.roles import RoleName
from vfl.service.folder import JobFolder, JobState, job_folders
from vfl.service.local import LocalNetwork

POLICY = 'approve = "auto"\nallow_test_keys = true\nminimum_key_bits = 1024\nminimum_intersection = 500\n'
TRAIN = """\
[job]
name = "card"
model = "scorecard"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = {as_of}

[privacy]
key_bits = 1024
test_keys = true
plaintext = true
minimum_intersection = 500

[binning]
min_iv = 0.05
max_correlation = 0.6

[logistic]
steps = 4
curvatures = 2

[scorecard]
reasons = 3
"""


class Network:
    """A running network with its data and one trained scorecard."""

    def __init__(self, root: Path) -> None:
        self.local = LocalNetwork(root / "network")
        self.local.create(["bank-a"], ["platform-a"], policy=POLICY)
        self.bank, self.platform = (self.local.parties[p].folder for p in ("bank-a", "platform-a"))
        made = generate(root / "made", firms=3000, base_rate=0.2)
        shutil.copy(made.bank, self.bank)
        shutil.copy(made.bank_views, self.bank / "views.toml")
        shutil.copy(made.platforms[0], self.platform)
        shutil.copy(made.consents, self.platform)
        shutil.copy(made.platform_views[0], self.platform / "views.toml")
        self.local.start()
        self.job = root / "job.toml"
        self.job.write_text(TRAIN.format(as_of=made.as_of))
        self.said = done("run", self.job, "--node", self.node)
        self.trained = self.latest()

    @property
    def node(self) -> Path:
        return self.bank / "node.toml"

    def latest(self) -> str:
        return job_folders(self.bank / "jobs")[-1].job

    def file(self, party: str, job: str, name: str) -> Path:
        return JobFolder(self.local.parties[party].jobs, job).file(name)

    def state(self, party: str, job: str) -> JobState:
        return JobFolder(self.local.parties[party].jobs, job).load()

    def part(self, party: str) -> tuple[CardPart, dict[str, object]]:
        state = json.loads(self.file(party, self.trained, "scorecard.json").read_text())
        return CardPart.from_dict(state), state

    def scores(self, *more: object, lang: str = "en") -> tuple[str, dict[str, dict[str, str]]]:
        said = done("score", self.trained, "--view", "main", "--node", self.node, *more, lang=lang)
        with self.file("bank-a", self.latest(), "scores.csv").open(newline="") as file:
            return said, {row["uscc"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("cards"))
    try:
        yield made
    finally:
        made.local.stop()


def test_training_says_what_came_out(network: Network) -> None:
    assert "joint: AUC 0." in network.said
    facts = network.state("bank-a", network.trained).facts
    assert facts["measures"]["joint"]["test"]["auc"] > facts["measures"]["bank_alone"]["test"]["auc"]


def test_every_party_keeps_only_its_own_part(network: Network) -> None:
    own, theirs = network.part("bank-a")[0], network.part("platform-a")[0]
    assert own.card.known
    assert theirs.card.known
    assert {f.owner for f in own.card.known} == {"bank-a"}
    assert {f.owner for f in theirs.card.known} == {"platform-a"}
    assert len(own.card.features) == len(own.card.known) + len(theirs.card.known)
    text = network.file("bank-a", network.trained, "scorecard.json").read_text()
    assert not any(f'"{f.name}"' in text for f in theirs.card.known)


def test_a_batch_is_scored_by_points_of_both(network: Network) -> None:
    said, scores = network.scores()
    with network.file("bank-a", network.trained, "sample_scores.csv").open() as file:
        sample = {r["uscc"]: float(r["probability"]) for r in csv.DictReader(file)}
    joint = {code: row for code, row in scores.items() if row["model"] == "joint"}
    shared = sample.keys() & joint.keys()
    assert len(shared) > 500
    assert all(float(joint[c]["probability"]) == pytest.approx(sample[c], abs=1e-12) for c in shared)
    assert f"{len(joint)} by the joint model" in said
    own = network.part("bank-a")[0].card
    code = next(iter(shared))
    whole = int(joint[code]["score"])
    assert float(joint[code]["probability"]) == pytest.approx(float(own.probability(whole)), abs=1e-15)


def test_firms_without_an_answer_get_the_bank_card_and_its_declared_loss(network: Network) -> None:
    said, scores = network.scores(lang="zh")
    alone = {code: row for code, row in scores.items() if row["model"] == "bank-only"}
    assert alone
    state = network.part("bank-a")[1]
    fallback = CardPart.from_dict(state["fallback"])  # type: ignore[arg-type]
    assert fallback.card.complete
    data = load_view(load_views(network.bank / "views.toml", role=RoleName.BANK), "main", role=RoleName.BANK)
    place = {c: row for row, c in enumerate(data.ids)}
    table = data.take([place[c] for c in alone])
    expected = fallback.card.start + fallback.points(table).sum(axis=1)
    assert [int(row["score"]) for row in alone.values()] == expected.tolist()
    loss = state["fallback_loss"]
    assert loss["auc"] > 0  # type: ignore[index]
    assert f"AUC 低 {loss['auc']:.4f}" in said  # type: ignore[index]
    # Calibrated on the firms it scores: those without an answer.
    assert table.labels is not None
    labels = table.labels.expose().astype(np.float64)
    probability = np.array([float(row["probability"]) for row in alone.values()])
    assert auc(labels, probability) > 0.55
    assert abs(probability.mean() - labels.mean()) < 0.02


def test_reasons_are_names_of_the_bank_and_numbers_of_the_platform(network: Network) -> None:
    _, scores = network.scores()
    own, theirs = network.part("bank-a")[0], network.part("platform-a")[0]
    codes = {f.reason.code for f in theirs.card.known}
    names = {f.name for f in own.card.known}
    told = [r.split(" ")[0] for row in scores.values() if row["model"] == "joint" for r in row["reasons"].split("; ")]
    assert set(told) & codes
    assert set(told) & names
    assert set(told) <= codes | names
    most = max(sum(r.startswith("PLATFORM-A") for r in row["reasons"].split("; ")) for row in scores.values())
    assert most == 3
    _, bare = network.scores("--reasons", 0)
    assert {row["reasons"] for row in bare.values()} == {""}


def test_more_reasons_than_contracted_are_refused(network: Network) -> None:
    refused = vfl("score", network.trained, "--view", "main", "--node", network.node, "--reasons", 4)
    assert refused.exit_code != 0
    assert "[SCORE_REASONS]" in refused.stderr


def test_a_revoked_consent_counts_at_the_next_score(network: Network) -> None:
    _, before = network.scores()
    firm = next(code for code, row in before.items() if row["model"] == "joint")
    path = next(network.platform.glob("consents*.csv"))
    kept = path.read_text(encoding="utf-8")
    try:
        head, *lines = kept.splitlines(keepends=True)
        path.write_text(head + "".join(line for line in lines if firm not in line), encoding="utf-8")
        _, after = network.scores()
        assert after[firm]["model"] == "bank-only"
        assert "PLATFORM-A" not in after[firm]["reasons"]
    finally:
        path.write_text(kept, encoding="utf-8")
