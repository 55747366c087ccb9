"""The operators' commands on a running network: ask, approve, follow, report, compare, audit, cancel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.calling import done, vfl
from vfl.data.synthetic import generate
from vfl.service.folder import JobFolder, job_folders
from vfl.service.local import LocalNetwork

POLICY = 'approve = "ask"\nallow_test_keys = true\nminimum_key_bits = 512\nminimum_intersection = 500\n'
JOB = """\
[job]
name = "Cli {name}"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = {as_of}
[privacy]
key_bits = 512
test_keys = true
minimum_intersection = 500
[trees]
trees = {trees}
num_leaves = 6
"""


class Network:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.local = LocalNetwork(root / "network")
        self.local.create(["bank-a"], ["platform-a"], policy=POLICY)
        made = generate(root / "made", firms=2400, base_rate=0.15)
        self.as_of = made.as_of
        self.bank, self.platform = (self.local.parties[p].folder for p in ("bank-a", "platform-a"))
        for folder, table, views in (
            (self.bank, made.bank, made.bank_views), (self.platform, made.platforms[0], made.platform_views[0])
        ):  # fmt: skip
            shutil.copy(table, folder)
            shutil.copy(views, folder / "views.toml")
        shutil.copy(made.consents, self.platform)
        self.local.start("platform-a")

    def job(self, name: str, trees: int = 2) -> Path:
        path = self.root / f"{name}.toml"
        path.write_text(JOB.format(name=name, as_of=self.as_of, trees=trees))
        return path

    def latest(self) -> str:
        return job_folders(self.bank / "jobs")[-1].job


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("cli"))
    try:
        yield made
    finally:
        made.local.stop()


def _until(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def first(network: Network) -> str:
    """A job asked for while the bank's node is down, then run to its end with approval."""
    bank, platform = network.bank / "node.toml", network.platform / "node.toml"
    said = done("run", network.job("first"), "--node", bank, "--detach")
    assert "has not picked the request up" in said
    assert "python -m party_bank --config" in said
    job = network.latest()
    assert job.startswith("cli-first-")
    assert "requested" in done("status", job, "--node", bank)
    network.local.start("bank-a")
    waiting = JobFolder(network.platform / "jobs", job)
    _until(lambda: waiting.path.exists() and waiting.load().state == "waiting-approval")
    assert "vfl approve" in done("status", job, "--node", platform)
    said = done("approve", job, "--node", platform, answer="n\n")
    assert "Nothing was signed" in said
    assert 'name = "Cli first"' in said
    assert "SplitSides" in said
    assert waiting.load().state == "waiting-approval"
    assert "已批准" in done("approve", job, "--node", platform, "--yes", lang="zh")
    _until(lambda: all(JobFolder(f / "jobs", job).load().final for f in (network.bank, network.platform)))
    return job


def test_a_job_is_approved_and_done(network: Network, first: str) -> None:
    said = done("status", first, "--node", network.bank / "node.toml")
    assert "done" in said
    assert "joint: AUC 0." in said
    listed = done("status", "--node", network.platform / "node.toml", lang="zh")
    assert first in listed
    assert "完成" in listed


def test_run_follows_to_the_report(network: Network, first: str) -> None:
    node = network.bank / "node.toml"
    following = subprocess.Popen(
        [sys.executable, "-m", "vfl.cli", "run", str(network.job("second")), "--node", str(node)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"VFL_LANG": "en"},
    )  # fmt: skip
    platform = network.platform / "jobs"
    _until(lambda: any(f.load().state == "waiting-approval" for f in job_folders(platform)))
    second = next(f.job for f in job_folders(platform) if f.load().state == "waiting-approval")
    done("approve", second, "--node", network.platform / "node.toml", "--yes")
    out, err = following.communicate(timeout=60)
    assert following.returncode == 0, err
    assert "joint: AUC 0." in out
    report = Path(out.rstrip().splitlines()[-1].removeprefix("Report: "))
    assert report.is_file()
    page = done("compare", first, second, "--node", node).strip()
    assert first in Path(page).read_text()
    assert second in Path(page).read_text()


def test_report_is_made_anew_in_the_language_asked_for(network: Network, first: str) -> None:
    node = network.bank / "node.toml"
    path = Path(done("report", first, "--node", node, "--lang", "en").strip())
    english = path.read_text()
    assert done("report", first, "--node", node, "--lang", "zh").strip() == str(path)
    assert path.read_text() != english
    data = path.with_name("report.json")
    kept = data.read_text()
    try:
        data.write_text(kept[:200])
        assert vfl("report", first, "--node", node).exit_code == 3
    finally:
        data.write_text(kept)
    assert "[REPORT_NONE]" in vfl("report", first, "--node", network.platform / "node.toml").stderr


@pytest.mark.parametrize("party", ["bank", "platform"])
def test_both_trails_verify(network: Network, first: str, party: str) -> None:
    folder: Path = getattr(network, party)
    trail = folder / "jobs" / first / "audit.jsonl"
    head = json.loads((folder / "jobs" / first / "state.json").read_text())["facts"]["audit_head"]
    said = done("audit", "verify", trail, "--identity", folder / "identity", "--head", head)
    assert "unbroken" in said
    other = network.platform if party == "bank" else network.bank
    assert vfl("audit", "verify", trail, "--identity", other / "identity").exit_code == 3


def test_cancel_ends_a_job_everywhere(network: Network, first: str) -> None:
    node = network.bank / "node.toml"
    done("run", network.job("third"), "--node", node, "--detach")
    third = network.latest()
    other = JobFolder(network.platform / "jobs", third)
    _until(lambda: other.path.exists() and other.load().state == "waiting-approval")
    assert vfl("cancel", third, "--node", node, answer="n\n").exit_code == 130
    assert "keys are wiped" in done("cancel", third, "--node", node, "--yes")
    _until(lambda: other.load().final)
    assert other.load().state == "cancelled"
    assert "[JOB_ENDED]" in vfl("cancel", third, "--node", node).stderr
    assert "[JOB_NOT_WAITING]" in vfl("approve", third, "--node", network.platform / "node.toml").stderr


def test_wrong_jobs_are_refused_before_anything_is_written(network: Network, first: str) -> None:
    node = network.bank / "node.toml"
    before = len(job_folders(network.bank / "jobs"))
    wrong = network.job("wrong")
    text = wrong.read_text()
    for old, new, status in (
        ('bank = "bank-a"', 'bank = "bank-b"', 2),
        ("trees = 2", "treez = 2", 2),
        ("key_bits = 512", "key_bits = 500", 2),
        ("minimum_intersection = 500", "minimum_intersection = 50", 4),
    ):
        wrong.write_text(text.replace(old, new))
        assert vfl("run", wrong, "--node", node).exit_code == status, new
    assert vfl("run", network.job("wrong"), "--node", network.platform / "node.toml").exit_code == 2
    assert len(job_folders(network.bank / "jobs")) == before


def test_an_unknown_job_names_the_nearest(network: Network, first: str) -> None:
    result = vfl("status", first[:-1] + "x", "--node", network.bank / "node.toml")
    assert result.exit_code == 2
    assert f"did you mean {first}?" in result.stderr


def test_doctor_finds_a_running_node_fit(network: Network, first: str) -> None:
    said = done("doctor", "--node", network.bank / "node.toml")
    assert "this node is connected" in said
    assert "This node is fit to run." in said
