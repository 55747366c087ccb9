"""A scorecard through the whole product, real processes over mutual TLS: train, score, revoke, audit.

The arithmetic is the study's, without encryption: what crosses and who keeps what is the same, in a tenth of the time.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.cli.calling import done, vfl
from vfl.core.binned_table import BinnedTable
from vfl.core.card_feature import CategoryRule
from vfl.core.metrics import auc
from vfl.data.card_part import CardPart
from vfl.data.synthetic import generate
from vfl.data.table import Dataset, load_view
from vfl.data.views import load_views
from vfl.report.exports import ExportFormat, card_from_json
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
    assert not own.card.complete
    assert not theirs.card.complete
    assert own.card.joined(theirs.card) == theirs.card.joined(own.card)
    assert own.card.joined(theirs.card).complete
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


def test_each_owner_exports_its_own_part(network: Network, tmp_path: Path) -> None:
    for party in ("bank-a", "platform-a"):
        node = network.local.parties[party].folder / "node.toml"
        made = {path.name for path in network.file(party, network.trained, "exports").iterdir() if path.is_file()}
        left_out = network.state(party, network.trained).facts["exports_left_out"]
        assert left_out == ({} if find_spec("onnx") else {"onnx": "ONNX_MISSING"})
        assert made == {form.file for form in ExportFormat if form not in left_out}
        said = done("export", network.trained, "--out", tmp_path / party, "--node", node)
        assert "not a score" in said
        assert {p.name for p in (tmp_path / party).iterdir()} == made
        card = card_from_json((tmp_path / party / "scorecard.json").read_text(encoding="utf-8"))
        assert {f.owner for f in card.known} == {party}
        assert not card.complete


def test_exported_scripts_add_up_to_the_scores(network: Network, tmp_path: Path) -> None:
    """Bank and platform run ``score.py`` on their own tables: the points add up to what ``vfl score`` gave."""
    _, scores = network.scores()
    joint = [code for code, row in scores.items() if row["model"] == "joint"]
    totals = dict.fromkeys(joint, 0)
    for party, folder, role in (
        ("bank-a", network.bank, RoleName.BANK), ("platform-a", network.platform, RoleName.PLATFORM)
    ):  # fmt: skip
        node = folder / "node.toml"
        done("export", network.trained, "--format", "score.py", "--out", tmp_path / party, "--node", node)
        data = load_view(load_views(folder / "views.toml", role=role), "main", role=role)
        place = {code: row for row, code in enumerate(data.ids)}
        table = data.take([place[code] for code in joint])
        card = network.part(party)[0].card
        columns = [_cells(table, f.name, f.rule) for f in card.known]
        source = tmp_path / f"{party}.csv"
        with source.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(card.columns)
            rows.writerows(zip(*columns, strict=True))
        script = tmp_path / party / "score.py"
        out = subprocess.run([sys.executable, script, source], capture_output=True, text=True, check=True).stdout
        for code, row in zip(joint, csv.DictReader(out.splitlines()), strict=True):
            totals[code] += int(row["points"])
    assert totals == {code: int(scores[code]["score"]) for code in joint}


def _cells(table: Dataset, name: str, rule: object) -> list[str]:
    """A column as CSV cells; missing is empty."""
    if isinstance(rule, CategoryRule):
        codes, levels = table.categorical(name)
        return [levels[c] if c >= 0 else "" for c in codes.tolist()]
    return ["" if np.isnan(v) else repr(v) for v in table.numeric(name).tolist()]


def test_the_fallback_is_a_whole_card(network: Network, tmp_path: Path) -> None:
    said = done("export", network.trained, "--fallback", "--format", "json", "--out", tmp_path, "--node", network.node)
    assert "not a score" not in said
    assert card_from_json((tmp_path / "scorecard.json").read_text(encoding="utf-8")).complete
    platform = network.platform / "node.toml"
    assert "[EXPORT_FALLBACK]" in vfl("export", network.trained, "--fallback", "--node", platform).stderr


def test_what_cannot_be_exported_is_said(network: Network, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unknown = vfl("export", network.trained + "x", "--node", network.node)
    assert "[JOB_UNKNOWN]" in unknown.stderr
    assert network.trained in unknown.stderr
    network.scores()
    assert "[EXPORT_NONE]" in vfl("export", network.latest(), "--node", network.node).stderr
    trees = JobFolder(network.bank / "jobs", "trees")
    trees.make()
    trees.write("model.json", b"{}")
    refused = vfl("export", "trees", "--node", network.node, lang="zh")
    assert refused.exit_code == 2
    assert "提升树" in refused.stderr
    shutil.rmtree(trees.path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    missing = vfl("export", network.trained, "--format", "onnx", "--out", tmp_path, "--node", network.node)
    assert "[ONNX_MISSING]" in missing.stderr
    assert "joint-credit-lab[onnx]" in missing.stderr
    assert "onnx left out: ONNX_MISSING" in done("export", network.trained, "--out", tmp_path, "--node", network.node)


def test_another_job_starts_from_the_weights_of_the_first(network: Network) -> None:
    def model(party: str, job: str, figures: str) -> dict[str, float]:
        part = json.loads(network.file(party, job, "scorecard.json").read_text())
        names = [f.name for f in BinnedTable.from_dict(part["bins"]).features]
        return dict(zip(names, part["model"][figures][-len(names) :], strict=True))

    more = f'warm_start = "{network.trained}"\nstandard_errors = false\n'
    text = network.job.read_text().replace("steps = 4\ncurvatures = 2\n", "steps = 1\ncurvatures = 1\n" + more)
    again = network.job.with_name("again.toml")
    again.write_text(text)
    done("run", again, "--node", network.node)
    job = network.latest()
    assert job != network.trained
    for party in ("bank-a", "platform-a"):
        before, after = (model(party, job_, "weights") for job_ in (network.trained, job))
        errors = model(party, network.trained, "standard_errors")
        both = sorted(set(before) & set(after))
        assert len(both) >= 3
        # Other training rows: not the same model, but as near as samples of one table are, after a single step.
        gap = max(abs(before[name] - after[name]) / errors[name] for name in both)
        assert 0 < gap < 4
    assert "MODEL_UNKNOWN" in vfl("run", _unknown(again, network.trained), "--node", network.node).output


def _unknown(job: Path, trained: str) -> Path:
    other = job.with_name("unknown.toml")
    other.write_text(job.read_text().replace(trained, "no-such-job"))
    return other
