"""Two platforms, a bank and a coordinator as real processes over mutual TLS: train, then score, then audit."""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vfl.crypto.identity import PartyIdentity
from vfl.data.synthetic import generate
from vfl.runtime.audit import verify_trail
from vfl.service.folder import JobFolder, JobState
from vfl.service.local import LocalNetwork

POLICY = 'approve = "auto"\nallow_test_keys = true\nminimum_key_bits = 512\nminimum_intersection = 500\n'
TRAIN = """\
[job]
name = "end to end"
bank = "bank-a"
platforms = ["platform-a", "platform-b"]
bank_view = "main"
platform_view = "main"
as_of = {as_of}

[privacy]
key_bits = 512
test_keys = true
minimum_intersection = 500

[trees]
trees = 3
num_leaves = 6
"""


class Network:
    """A running network with its data."""

    def __init__(self, root: Path) -> None:
        self.local = LocalNetwork(root / "network")
        self.local.create(["bank-a"], ["platform-a", "platform-b"], policy=POLICY)
        made = generate(root / "made", firms=2600, platforms=2, base_rate=0.15)
        self.as_of = made.as_of
        bank = self.folder("bank-a")
        shutil.copy(made.bank, bank)
        shutil.copy(made.bank_views, bank / "views.toml")
        for name, table, views in zip(("platform-a", "platform-b"), made.platforms, made.platform_views, strict=True):
            shutil.copy(table, self.folder(name))
            shutil.copy(made.consents, self.folder(name))
            shutil.copy(views, self.folder(name) / "views.toml")
        self.local.start()

    def folder(self, party: str) -> Path:
        return self.local.parties[party].folder

    def job(self, party: str, job: str) -> JobFolder:
        return JobFolder(self.local.parties[party].jobs, job)

    def run(self, job: str, text: str, *, seconds: float = 120) -> dict[str, JobState]:
        """Request a job at the bank and wait until it has ended everywhere."""
        folder = self.job("bank-a", job)
        folder.make()
        folder.write("request.toml", text.encode())
        deadline = time.monotonic() + seconds
        parties = ("bank-a", "platform-a", "platform-b")
        while time.monotonic() < deadline:
            states = {p: self.job(p, job).load() for p in parties}
            if all(s.final for s in states.values()):
                return states
            assert not self.local.dead(), {p: self.local.parties[p].log.read_text()[-2000:] for p in self.local.dead()}
            time.sleep(0.1)
        raise AssertionError({p: (s.state, s.phase, s.message_en) for p, s in states.items()})


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("network"))
    try:
        yield made
    finally:
        made.local.stop()


@pytest.fixture(scope="module")
def trained(network: Network) -> dict[str, JobState]:
    return network.run("train-1", TRAIN.format(as_of=network.as_of))


def test_the_job_ends_well_at_every_party(network: Network, trained: dict[str, JobState]) -> None:
    assert {s.state for s in trained.values()} == {"done"}, [s.message_en for s in trained.values()]
    facts = trained["bank-a"].facts
    assert facts["trees"] == 3
    assert facts["measures"]["joint"]["test"]["auc"] > 0.5
    report = network.job("bank-a", "train-1").file("report.html").read_text()
    assert "platform-b" in report


def test_every_party_keeps_only_its_own_part(network: Network, trained: dict[str, JobState]) -> None:
    bank = json.loads(network.job("bank-a", "train-1").file("model.json").read_text())
    bank_names = {f["name"] for f in bank["joint"]["splits"]["features"]}
    for platform in ("platform-a", "platform-b"):
        part = json.loads(network.job(platform, "train-1").file("model.json").read_text())
        names = {f["name"] for f in part["splits"]["features"]}
        assert names
        assert not names & bank_names
        assert "trees" not in part


def test_ended_jobs_keep_no_secret(network: Network, trained: dict[str, JobState]) -> None:
    import sqlite3

    for party in trained:
        with sqlite3.connect(network.job(party, "train-1").file("journal.db")) as journal:
            assert journal.execute("SELECT count(*) FROM meta").fetchone() == (0,)
            assert journal.execute("SELECT count(*) FROM part").fetchone() == (0,)


def test_audit_trails_hold_and_agree(network: Network, trained: dict[str, JobState]) -> None:
    for party, state in trained.items():
        lines = network.job(party, "train-1").file("audit.jsonl").read_bytes().splitlines()
        record = PartyIdentity.load(network.folder(party) / "identity").record
        head = state.facts["audit_head"]
        assert verify_trail(lines, record.public_signing_key(), name=party, head=head) == len(lines)
        entries = [json.loads(line)["entry"] for line in lines]
        assert entries[0]["event"] == "started"
        assert entries[-1]["event"] == "ended"
        assert sum(e["event"] == "sent" for e in entries) > 5


def test_scoring_gives_the_training_rows_their_training_scores(
    network: Network, trained: dict[str, JobState]
) -> None:
    text = TRAIN.format(as_of=network.as_of).split("[trees]")[0] + '[score]\nmodel = "train-1"\n'
    states = network.run("score-1", text)
    assert {s.state for s in states.values()} == {"done"}, [s.message_en for s in states.values()]
    with network.job("bank-a", "train-1").file("sample_scores.csv").open() as file:
        sample = {r["uscc"]: float(r["probability"]) for r in csv.DictReader(file)}
    with network.job("bank-a", "score-1").file("scores.csv").open() as file:
        scores = {r["uscc"]: r for r in csv.DictReader(file)}
    assert len(scores) == states["bank-a"].facts["firms"]
    joint = {code: float(r["probability"]) for code, r in scores.items() if r["model"] == "joint"}
    shared = sample.keys() & joint.keys()
    assert len(shared) > 500
    assert max(abs(sample[c] - joint[c]) for c in shared) < 1e-12
    alone = [r for r in scores.values() if r["model"] == "bank-only"]
    assert alone, "firms without platform data or consent get the fallback"


def test_scoring_with_a_model_nobody_has_is_refused(network: Network, trained: dict[str, JobState]) -> None:
    text = TRAIN.format(as_of=network.as_of).split("[trees]")[0] + '[score]\nmodel = "train-9"\n'
    folder = network.job("bank-a", "score-9")
    folder.make()
    folder.write("request.toml", text.encode())
    deadline = time.monotonic() + 30
    while not (state := folder.load()).final and time.monotonic() < deadline:
        time.sleep(0.1)
    assert state.code == "MODEL_UNKNOWN"
