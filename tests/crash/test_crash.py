"""Nodes killed at chosen instants: the job ends in the same model, and the audit trails agree."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .matrix import Case, cases_of, judge, run_cases
from .network import BANK, COORDINATOR, NODES, PLATFORM, SCORECARD, CrashNetwork, Run

SAMPLE = [
    Case(BANK, ("publish/proposal:after",)),
    Case(BANK, ("once/key:after",)),
    Case(BANK, ("in/platform-a/3:before",)),
    Case(BANK, ("checkpoint/alignment:before",)),
    Case(BANK, ("sent/platform-a/8:after",)),
    Case(BANK, ("state/done:before",)),
    Case(PLATFORM, ("publish/approval:before",)),
    Case(PLATFORM, ("in/bank-a/2:after",)),
    Case(PLATFORM, ("out/bank-a/8:after",)),
    Case(PLATFORM, ("checkpoint/tree-0:after",)),
    Case(COORDINATOR, ("witness/bank-a/platform-a/4:before",)),
    Case(COORDINATOR, ("deliver/platform-a/bank-a/9:after",)),
]
"""Each node, before and after, from agreement to the last word; ``python -m tests.crash.matrix`` runs all."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashNetwork]:
    with CrashNetwork(tmp_path_factory.mktemp("crash")) as made:
        yield made


@pytest.fixture(scope="module")
def reference(network: CrashNetwork) -> Run:
    """A job without kills."""
    run = network.run()
    assert judge(network, run, run.model, kills=0) == ""
    return run


def _every_other(cases: list[Case]) -> list[object]:
    """All of them, every second one behind ``slow``."""
    return [pytest.param(case, marks=pytest.mark.slow) if i % 2 else case for i, case in enumerate(cases)]


@pytest.mark.parametrize("case", _every_other(SAMPLE), ids=str)
def test_killed_once(network: CrashNetwork, reference: Run, case: Case) -> None:
    run = network.run({case.node: case.points})
    assert judge(network, run, reference.model, kills=1) == ""


def test_the_sample_names_points_that_nodes_pass(network: CrashNetwork, reference: Run) -> None:
    passed = network.points(reference)
    assert [c for c in SAMPLE if c.points[0] not in passed[c.node]] == []
    assert len({p for points in passed.values() for p in points}) > 300


def test_killed_twice_at_one_point_and_again_during_the_replay(network: CrashNetwork, reference: Run) -> None:
    points = ("checkpoint/tree-0:before", "checkpoint/tree-0:before", "out/platform-a/18:before")
    run = network.run({BANK: points, PLATFORM: ("in/bank-a/7:after",)})
    assert judge(network, run, reference.model, kills=4) == ""


def test_all_nodes_killed_at_once(network: CrashNetwork, reference: Run) -> None:
    run = network.run(meddle=_kill_all_at(network, 0.6))
    assert judge(network, run, reference.model, kills=3) == ""


@pytest.mark.slow
def test_all_nodes_killed_at_random_moments(network: CrashNetwork, reference: Run) -> None:
    rng = random.Random(20240328)
    for _ in range(25):
        run = network.run(meddle=_kill_all_at(network, 3.0 * rng.random()))
        assert judge(network, run, reference.model, kills=0) == ""


@pytest.mark.slow
def test_two_nodes_killed_at_random_points(network: CrashNetwork, reference: Run) -> None:
    rng = random.Random(7)
    points = network.points(reference)
    for _ in range(25):
        plans = {node: sorted(rng.sample(points[node], 2), key=points[node].index) for node in rng.sample(NODES, 2)}
        run = network.run(plans)
        # After the first kill the second point may lie behind the checkpoint, so not every planned kill happens.
        assert judge(network, run, reference.model, kills=2) == "", plans


@pytest.mark.slow
@pytest.mark.parametrize("node", NODES)
def test_stopped_for_three_seconds(network: CrashNetwork, reference: Run, node: str) -> None:
    def meddle(spent: float) -> None:
        process = network.local.parties[node].process
        if process is not None and 0.5 < spent < 3.0:
            process.send_signal(signal.SIGSTOP)
            time.sleep(3)
            process.send_signal(signal.SIGCONT)

    run = network.run(meddle=_once(meddle))
    assert judge(network, run, reference.model, kills=0) == ""


@pytest.mark.slow
@pytest.mark.parametrize("node", NODES)
def test_killed_while_it_starts(network: CrashNetwork, reference: Run, node: str) -> None:
    """Restarted and killed again every few hundred milliseconds, wherever its start has come to."""
    kills = [0.3 + 0.17 * n for n in range(12)]

    def meddle(spent: float) -> None:
        if kills and spent > kills[0]:
            kills.pop(0)
            network.local.stop(node, by=signal.SIGKILL)

    run = network.run(meddle=meddle)
    assert judge(network, run, reference.model, kills=12) == ""


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_scorecard_jobs_survive_too(network: CrashNetwork, tmp_path: Path) -> None:
    """Every fortieth point of a scorecard job; its steps keep other state than those of trees."""
    first = network.run(**SCORECARD)
    assert judge(network, first, first.model, kills=0) == ""
    outcomes = list(run_cases(tmp_path, cases_of(network, first)[::40], first.model, terms=SCORECARD))
    assert [f"{o.case}: {o.fault}" for o in outcomes if o.fault] == []
    assert len(outcomes) > 15


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_the_whole_matrix(network: CrashNetwork, reference: Run, tmp_path: Path) -> None:
    outcomes = list(run_cases(tmp_path, cases_of(network, reference), reference.model))
    assert [f"{o.case}: {o.fault}" for o in outcomes if o.fault] == []
    assert len(outcomes) > 300


def _kill_all_at(network: CrashNetwork, moment: float) -> Callable[[float], None]:
    def meddle(spent: float) -> None:
        if spent >= moment:
            network.local.stop(by=signal.SIGKILL)

    return _once(meddle, moment)


def _once(act: Callable[[float], None], moment: float = 0.5) -> Callable[[float], None]:
    """``act`` at the first look after ``moment``, and never again."""
    pending = [act]

    def meddle(spent: float) -> None:
        if pending and spent >= moment:
            pending.pop()(spent)

    return meddle
