"""An out-of-time sample and monthly snapshots over real processes; what breaks the contract ends before it begins."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.calling import done, vfl
from vfl.data.synthetic import generate
from vfl.service.folder import JobFolder, job_folders
from vfl.service.local import LocalNetwork

pytestmark = pytest.mark.slow

POLICY = 'approve = "auto"\nallow_test_keys = true\nminimum_key_bits = 1024\nminimum_intersection = 500\n'
JOB = """\
[job]
name = "card"
model = "scorecard"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = 2026-07-01

[privacy]
key_bits = 1024
test_keys = true
plaintext = true
minimum_intersection = 500

[sample]
train = 0.7
valid = 0.0
test = 0.3
out_of_time_from = 2025-04-01

[time]
observed_from = 2024-01-01
observed_until = 2025-06-30
performance_months = 12
snapshots = "monthly"

[logistic]
steps = 2
curvatures = 1
weight_limit = 2.0
"""


class Network:
    """A running bank and platform with made-up firms; the bank weighs them by hand."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.local = LocalNetwork(root / "network")
        self.local.create(["bank-a"], ["platform-a"], policy=POLICY)
        self.bank, self.platform = (self.local.parties[p].folder for p in ("bank-a", "platform-a"))
        made = generate(root / "made", firms=2500, base_rate=0.2)
        with made.bank.open(newline="") as file:
            head, *rows = csv.reader(file)
        with (self.bank / made.bank.name).open("w", newline="") as file:
            csv.writer(file).writerows(
                [[*head, "w"], *([*row, str(0.5 + (n % 4) / 2)] for n, row in enumerate(rows))]
            )
        views = made.bank_views.read_text().replace('id = "uscc"', 'id = "uscc"\nweight = "w"')
        (self.bank / "views.toml").write_text(views)
        shutil.copy(made.platforms[0], self.platform)
        shutil.copy(made.consents, self.platform)
        shutil.copy(made.platform_views[0], self.platform / "views.toml")
        self.local.start()

    def run(self, text: str, *, ends: int = 0) -> str:
        path = self.root / "job.toml"
        path.write_text(text)
        arguments = ("run", path, "--node", self.bank / "node.toml")
        if not ends:
            return done(*arguments)
        said = vfl(*arguments)
        assert said.exit_code == ends
        return said.stderr

    def file(self, party: str, name: str) -> Path:
        job = job_folders(self.bank / "jobs")[-1].job
        return JobFolder(self.local.parties[party].jobs, job).file(name)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("late"))
    try:
        yield made
    finally:
        made.local.stop()


def test_what_breaks_the_contract_is_refused_before_anything_is_proposed(network: Network) -> None:
    assert "JOB_TIME_IMMATURE" in network.run(JOB.replace("_months = 12", "_months = 13"), ends=2)
    heavy = network.run(JOB.replace("weight_limit = 2.0", "weight_limit = 1.0"), ends=8)
    assert "WEIGHT_LIMIT" in heavy
    assert "row 4, column w" in heavy
    assert not list((network.platform / "jobs").glob("card-*"))  # it never heard of either job


def test_late_rows_are_apart_and_the_platform_is_told_their_months(network: Network) -> None:
    network.run(JOB)
    with network.file("bank-a", "sample_scores.csv").open(newline="") as file:
        splits = Counter(row["split"] for row in csv.DictReader(file))
    assert {*splits} == {"train", "test", "out_of_time"}
    assert 0.1 < splits["out_of_time"] / splits.total() < 0.3
    assert "ObservationPeriods" in network.file("bank-a", "ledger.json").read_text()
    assert "跨期样本" in network.file("bank-a", "report.html").read_text(encoding="utf-8")
