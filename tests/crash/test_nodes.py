"""Real nodes in trouble: cancelled, refused, starved of disk, cut off. They stop clearly or go on by themselves."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from vfl.service.folder import JobState

from .disk import FULL
from .matrix import judge
from .network import BANK, COORDINATOR, PLATFORM, CrashNetwork, Run
from .trails import entries_of


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashNetwork]:
    with CrashNetwork(tmp_path_factory.mktemp("nodes")) as made:
        yield made


@pytest.fixture(scope="module")
def reference(network: CrashNetwork) -> Run:
    run = network.run()
    assert judge(network, run, run.model, kills=0) == ""
    return run


def until(condition: Callable[[], bool], what: str, *, limit: float = 60.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def assert_wiped(network: CrashNetwork, party: str, job: str) -> None:
    """Keys and role state are gone, no result lies about, the trail holds and says how it ended."""
    folder = network.folder(party, job)
    with sqlite3.connect(folder.file("journal.db")) as journal:
        assert journal.execute("SELECT (SELECT count(*) FROM meta), (SELECT count(*) FROM part)").fetchone() == (0, 0)
    results = {"model.json", "report.html", "sample_scores.csv", "ledger.json"}
    assert not results & {path.name for path in folder.path.iterdir()}
    state = folder.load()
    entries = entries_of(folder.path, network.local.parties[party].folder / "identity", str(state.facts["audit_head"]))
    assert (entries[-1]["event"], entries[-1]["state"], entries[-1]["code"]) == ("stopped", state.state, state.code)


def told(state: JobState, code: str, by: str) -> bool:
    """The other side knows who ended the job, how, and the code, and nothing else. ``code``: "failed: CODE"."""
    english, chinese = f"{by} ended the job (", f"{by} 终止了任务（"
    return (
        state.code == "JOB_ENDED_BY_PEER"
        and f"{english}{code})" in state.message_en
        and f"{chinese}{code.replace(': ', '：')}）" in state.message_zh
    )


@pytest.mark.parametrize(
    ("here", "there", "point"),
    [
        (BANK, PLATFORM, "state/approved:before"),
        pytest.param(BANK, PLATFORM, "in/bank-a/2:before", marks=pytest.mark.slow),
        (PLATFORM, BANK, "checkpoint/tree-0:after"),
        pytest.param(BANK, PLATFORM, "out/bank-a/0:after", marks=pytest.mark.slow),
        pytest.param(BANK, PLATFORM, "out/bank-a/16:after", marks=pytest.mark.slow),
        pytest.param(PLATFORM, BANK, "out/platform-a/2:before", marks=pytest.mark.slow),
        pytest.param(PLATFORM, BANK, "in/platform-a/16:before", marks=pytest.mark.slow),
    ],
)
def test_cancelled_while_the_other_is_away(network: CrashNetwork, here: str, there: str, point: str) -> None:
    def cancel(_node: str, job: str) -> None:
        network.folder(here, job).file("cancel").touch()
        until(lambda: network.state(here, job).final, "cancelled here")

    run = network.run({there: [point]}, on_death=cancel)
    assert run.restarts == [there]
    assert {s.state for s in run.states.values()} == {"cancelled"}
    assert run.states[here].code == "JOB_CANCELLED"
    assert told(run.states[there], "cancelled: JOB_CANCELLED", here)
    for party in (here, there):
        assert_wiped(network, party, run.job)


def test_cancelled_without_the_coordinator(network: CrashNetwork) -> None:
    """The keys are wiped at once; the others are told when that is possible again."""

    def cancel(_node: str, job: str) -> None:
        network.folder(BANK, job).file("cancel").touch()
        until(lambda: network.state(BANK, job).final, "cancelled at the bank")
        until(lambda: network.folder(BANK, job).file("closed").exists(), "wiped at the bank")
        assert not network.state(BANK, job).told
        assert not network.state(PLATFORM, job).final

    run = network.run({COORDINATOR: ["deliver/platform-a/bank-a/5:after"]}, on_death=cancel)
    assert {s.state for s in run.states.values()} == {"cancelled"}
    until(lambda: network.state(BANK, run.job).told, "told")
    assert_wiped(network, BANK, run.job)


def test_refused_by_the_platforms_policy(network: CrashNetwork) -> None:
    rules = 'approve = "auto"\nallow_test_keys = true\nminimum_key_bits = 1024\nrefused_messages = ["LeafHistogram"]\n'
    with _policy(network, PLATFORM, rules + "minimum_intersection = 500\n"):
        short = network.run()
        purpose = network.run(purpose="marketing", key_bits=1024)
        message = network.run(key_bits=1024)
    for run, state, code in (
        (short, "refused", "POLICY_KEY_BITS"),
        (purpose, "refused", "POLICY_PURPOSE"),
        (message, "failed", "POLICY_REFUSES_MESSAGE"),
    ):
        assert (run.states[PLATFORM].state, run.states[PLATFORM].code) == (state, code)
        assert run.states[BANK].state == state
        assert told(run.states[BANK], f"{state}: {code}", PLATFORM)
        assert "policy.toml" in run.states[PLATFORM].message_en
        assert "policy.toml" not in run.states[BANK].message_en


def test_data_changed_between_restarts(network: CrashNetwork) -> None:
    table = network.local.parties[BANK].folder / "bank.csv"
    before = table.read_bytes()

    def change(_node: str, _job: str) -> None:
        table.write_bytes(before.replace(b",0,", b",1,", 1))

    try:
        run = network.run({BANK: ["checkpoint/alignment:after"]}, on_death=change)
    finally:
        table.write_bytes(before)
    assert (run.states[BANK].state, run.states[BANK].code) == ("failed", "DATA_CHANGED")
    assert told(run.states[PLATFORM], "failed: DATA_CHANGED", BANK)
    assert "bank.csv" not in run.states[PLATFORM].message_en
    for party in (BANK, PLATFORM):
        assert_wiped(network, party, run.job)


@pytest.mark.parametrize(
    ("gone", "point", "code"),
    [
        (COORDINATOR, "deliver/platform-a/bank-a/9:after", "COORDINATOR_AWAY"),
        pytest.param(PLATFORM, "out/bank-a/8:after", "PEER_AWAY", marks=pytest.mark.slow),
    ],
)
def test_a_job_says_whom_it_waits_for_and_goes_on(
    network: CrashNetwork, reference: Run, gone: str, point: str, code: str
) -> None:
    shown: list[JobState] = []

    def wait(_node: str, job: str) -> None:
        until(lambda: network.state(BANK, job).state == "paused", "paused at the bank")
        shown.append(network.state(BANK, job))

    run = network.run({gone: [point]}, on_death=wait)
    assert judge(network, run, reference.model, kills=1) == ""
    assert shown[0].code == code
    assert shown[0].message_en
    assert shown[0].message_zh
    assert (run.states[BANK].code, run.states[BANK].message_en) == ("", "")


def test_a_full_disk_pauses_the_job_and_room_resumes_it(network: CrashNetwork, reference: Run) -> None:
    shown: list[JobState] = []

    def fill(_node: str, job: str) -> None:
        network.folder(BANK, job).file(FULL).touch()
        network.local.start(PLATFORM)
        until(lambda: network.state(BANK, job).code == "JOURNAL_NOT_WRITABLE", "paused at the bank")
        shown.append(network.state(BANK, job))
        network.folder(BANK, job).file(FULL).unlink()

    run = network.run({PLATFORM: ["in/bank-a/2:before"]}, on_death=fill)
    assert judge(network, run, reference.model, kills=1) == ""
    assert shown[0].state == "paused"
    assert "磁盘" in shown[0].message_zh


def test_a_damaged_journal_ends_the_job_clearly(network: CrashNetwork) -> None:
    def damage(_node: str, job: str) -> None:
        journal = network.folder(BANK, job).file("journal.db")
        for log in ("journal.db-wal", "journal.db-shm"):
            network.folder(BANK, job).file(log).unlink(missing_ok=True)
        journal.write_bytes(b"not a journal" * 1000)

    run = network.run({BANK: ["checkpoint/tree-0:after"]}, on_death=damage)
    assert (run.states[BANK].state, run.states[BANK].code) == ("failed", "JOURNAL_CORRUPT")
    assert told(run.states[PLATFORM], "failed: JOURNAL_CORRUPT", BANK)
    assert network.folder(BANK, run.job).file("journal.db.damaged").exists()
    assert_wiped(network, PLATFORM, run.job)


def test_the_network_still_works_after_all_this(network: CrashNetwork, reference: Run) -> None:
    assert judge(network, network.run(), reference.model, kills=0) == ""


@contextmanager
def _policy(network: CrashNetwork, party: str, text: str) -> Iterator[None]:
    """The party's node with another policy."""
    file = network.local.parties[party].folder / "policy.toml"
    before = file.read_text()

    def restart_with(rules: str) -> None:
        network.local.stop(party)
        file.write_text(rules)
        network.local.start(party)

    restart_with(text)
    try:
        yield
    finally:
        restart_with(before)
