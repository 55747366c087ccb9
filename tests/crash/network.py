"""One bank, one platform, one coordinator on loopback, whose processes die as planned and are started again."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from vfl.data.synthetic import generate
from vfl.roles import RoleName
from vfl.service.folder import JobFolder, JobState
from vfl.service.local import LocalNetwork

from .points import KEYS, passed, read_plan, write_plan

__all__ = ["BANK", "COORDINATOR", "NODES", "PLATFORM", "SCORECARD", "CrashNetwork", "Run"]

BANK, PLATFORM, COORDINATOR = "bank-a", "platform-a", "coordinator"
NODES = (BANK, PLATFORM, COORDINATOR)
_keys = tempfile.TemporaryDirectory(prefix="crash-keys-")
os.environ[KEYS] = _keys.name

_POLICY = """\
approve = "auto"
minimum_key_bits = 512
allow_test_keys = true
minimum_intersection = 500
purposes = ["credit-modelling", "marketing"]
"""
_JOB = """\
[job]
name = "crash"
purpose = "{purpose}"
model = "{model}"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = {as_of}

[privacy]
key_bits = {key_bits}
test_keys = true
minimum_intersection = 500

[sample]
train = 0.4
valid = 0.05
test = 0.55

[trees]
trees = {trees}
num_leaves = 4
max_bin = 15
min_data_in_leaf = 30
learning_rate = 0.3
{more}"""
SCORECARD = {
    "model": "scorecard",
    "key_bits": 768,
    "more": "[logistic]\nsteps = 2\ncurvatures = 1\nstandard_errors = false\n",
}
"""Terms of a small scorecard job."""


@dataclass(slots=True)
class Run:
    """How one job went."""

    job: str
    states: dict[str, JobState]
    model: str
    """SHA-256 over both parties' model parts."""
    seconds: float
    restarts: list[str] = field(default_factory=list)
    """Names of nodes started again, in order."""
    unmet: list[str] = field(default_factory=list)
    """Planned points that were never passed."""

    @property
    def done(self) -> bool:
        return all(s.state == "done" for s in self.states.values())


class CrashNetwork:
    """Long-lived: many jobs run in it one after another.

    Use as a context manager; ``root`` must be empty.
    """

    def __init__(self, root: Path, *, firms: int = 1500, trees: int = 2) -> None:
        self.local = LocalNetwork(root / "network")
        self._numbers = itertools.count()
        made = generate(root / "made", firms=firms, base_rate=0.2)
        self._terms: dict[str, object] = {
            "as_of": made.as_of, "trees": trees, "purpose": "credit-modelling", "key_bits": 512,
            "model": "trees", "more": "",
        }  # fmt: skip
        self.local.create([BANK], [PLATFORM], policy=_POLICY)
        self.local.stop()
        self._place(made.bank, BANK, made.bank.name)
        self._place(made.bank_views, BANK, "views.toml")
        for source, name in ((made.platforms[0], made.platforms[0].name), (made.consents, made.consents.name),
                             (made.platform_views[0], "views.toml")):  # fmt: skip
            self._place(source, PLATFORM, name)
        for party in self.local.parties.values():
            kind = ["tests.crash.relay"] if party.role is RoleName.COORDINATOR else ["tests.crash.node", party.role]
            party.command = [sys.executable, "-m", *kind, *party.command[party.command.index("--config") :]]

    def _place(self, source: Path, party: str, name: str) -> None:
        shutil.copyfile(source, self.local.parties[party].folder / name)

    def __enter__(self) -> Self:
        self.local.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.local.stop(by=signal.SIGKILL)

    def folder(self, party: str, job: str) -> JobFolder:
        return JobFolder(self.local.parties[party].jobs, job)

    def state(self, party: str, job: str) -> JobState:
        return self.folder(party, job).load()

    def plan_folder(self, node: str, job: str) -> Path:
        """Where the node's plan and points of a job lie."""
        if node == COORDINATOR:
            return self.local.parties[node].folder / "crash" / job
        return self.folder(node, job).path

    def points(self, run: Run) -> dict[str, list[str]]:
        """The points that each node passed in a run."""
        return {node: passed(self.plan_folder(node, run.job)) for node in NODES}

    def run(
        self,
        plans: Mapping[str, Sequence[str]] | None = None,
        *,
        meddle: Callable[[float], None] = lambda _: None,
        on_death: Callable[[str, str], None] = lambda _node, _job: None,
        limit: float = 120.0,
        **terms: object,
    ) -> Run:
        """One job to its end.

        Parameters
        ----------
        plans : mapping of node to points
            Where each node dies.
        meddle : callable
            Called with the seconds since the start every few milliseconds, to kill or stop nodes by other rules.
        on_death : callable
            Called with (node, job) before a dead node is started again; what happens meanwhile, happens without it.
        terms
            Of the job, where they differ: ``model``, ``purpose``, ``key_bits``, ``trees``.
        limit : float
            Seconds after which the run is given up; its states tell how far it came.
        """
        job = f"job-{next(self._numbers):04d}"
        for node in NODES:
            write_plan(self.plan_folder(node, job), (plans or {}).get(node, ()))
        restarts: list[str] = []
        began = time.monotonic()
        self.folder(BANK, job).write("request.toml", _JOB.format(**(self._terms | terms)).encode())
        while (spent := time.monotonic() - began) < limit:
            meddle(spent)
            for node in self.local.dead():
                restarts.append(node)
                on_death(node, job)
                self.local.start(node)
            states = {p: self.state(p, job) for p in (BANK, PLATFORM)}
            closed = [self.folder(p, job).file("closed").exists() for p in states]
            if all(closed) and all(s.final for s in states.values()) and not self.local.dead():
                break
            time.sleep(0.02)
        unmet = [f"{n} {p}" for n in NODES for p in read_plan(self.plan_folder(n, job))]
        return Run(job, states, self._model(job), spent, restarts, unmet)

    def _model(self, job: str) -> str:
        files = [self.folder(p, job).file(name) for p in (BANK, PLATFORM) for name in ("model.json", "scorecard.json")]
        parts = [json.loads(file.read_text()) if file.exists() else None for file in files]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
