"""Disks that fill up, turn read-only, tear or lose files: the job pauses or stops clearly, and nothing unrecorded
leaves."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from crash.disk import FULL, READ_ONLY, TroubledJournal
from support.jobs import BANK, played

from vfl.errors import DataError, JobAborted, LocalProtocolError, TransportError, VflError
from vfl.runtime.journal import Checkpoint, Journal, LinkPosition

from .simulation import SHAPE, Simulation
from .test_simulation import check

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("trouble", "party"),
    [
        (FULL, BANK),
        (READ_ONLY, "platform-a"),
        pytest.param(FULL, "platform-a", marks=pytest.mark.slow),
        pytest.param(READ_ONLY, BANK, marks=pytest.mark.slow),
    ],
)
def test_a_job_waits_for_its_disk_and_goes_on(tmp_path: Path, trouble: str, party: str) -> None:
    simulation = Simulation(tmp_path, journal_class=TroubledJournal)
    flag = simulation.parties[party].folder.file(trouble)
    frames: list[int] = []

    async def chaos() -> None:
        while simulation.frames < 30:
            await asyncio.sleep(0.002)
        flag.touch()
        while len(simulation.parties[party].pauses) < 3:
            await asyncio.sleep(0.01)
        frames.append(simulation.frames)
        flag.unlink()

    simulation.run(chaos)
    check(simulation, SHAPE)
    assert set(simulation.parties[party].pauses) == {"JOURNAL_NOT_WRITABLE"}
    assert frames[0] < simulation.frames


def test_the_error_of_a_full_disk_says_what_to_do(tmp_path: Path) -> None:
    journal = TroubledJournal(_folder(tmp_path) / "journal.db", KEY)
    (tmp_path / "job" / FULL).touch()
    with pytest.raises(TransportError) as caught:
        _fill(journal, 100)
    assert caught.value.code == "JOURNAL_NOT_WRITABLE"
    assert "磁盘" in caught.value.in_("zh")
    (tmp_path / "job" / FULL).unlink()
    written = len(journal.audit_entries())
    journal.record_outbound("peer", written, bytes(5000), (written, b"{}"))
    assert journal.outbound("peer", written) == bytes(5000)


def test_the_audit_chain_has_no_hole_after_a_failed_write(tmp_path: Path) -> None:
    journal = TroubledJournal(_folder(tmp_path) / "journal.db", KEY)
    journal.record_audit(0, b"first")
    (tmp_path / "job" / READ_ONLY).touch()
    with pytest.raises(TransportError):
        journal.record_audit(1, b"second")
    (tmp_path / "job" / READ_ONLY).unlink()
    with pytest.raises(LocalProtocolError) as caught:
        journal.record_audit(2, b"third")
    assert caught.value.code == "AUDIT_GAP"
    assert journal.audit_entries() == [b"first"]


@pytest.mark.parametrize("damage", ["header", "middle", "other file", "cut short"])
def test_a_damaged_journal_stops_clearly(tmp_path: Path, damage: str) -> None:
    path = _filled(tmp_path)
    raw = bytearray(path.read_bytes())
    if damage == "header":
        raw[:100] = bytes(100)
    elif damage == "middle":
        for at in range(4096, len(raw), 512):
            raw[at : at + 64] = b"\xa5" * 64
    elif damage == "other file":
        raw = bytearray(b"not a journal at all" * 500)
    else:
        del raw[len(raw) // 2 :]
    path.write_bytes(bytes(raw))
    with pytest.raises(VflError) as caught:
        _read_all(path)
    assert caught.value.code == "JOURNAL_CORRUPT"
    assert caught.value.cure


def test_a_torn_last_transaction_is_forgotten_whole(tmp_path: Path) -> None:
    """As after a power cut: the write-ahead log ends in the middle of a transaction."""
    path = _folder(tmp_path) / "journal.db"
    journal = Journal(path, KEY)
    journal.record_outbound("peer", 0, b"a" * 3000, (0, b"{}"))
    whole = path.with_name("journal.db-wal").stat().st_size
    journal.record_outbound("peer", 1, b"b" * 3000, (1, b"{}"))
    torn = tmp_path / "torn"
    torn.mkdir()
    shutil.copy(path, torn / "journal.db")
    wal = path.with_name("journal.db-wal").read_bytes()
    (torn / "journal.db-wal").write_bytes(wal[: whole + (len(wal) - whole) // 2])
    journal.close()
    again = Journal(torn / "journal.db", KEY)
    assert again.outbound("peer", 0) == b"a" * 3000
    assert again.outbound("peer", 1) is None
    assert len(again.audit_entries()) == 1
    again.record_outbound("peer", 1, b"b" * 3000, (1, b"{}"))


def test_sealed_state_opens_under_its_own_key_and_job_only(tmp_path: Path) -> None:
    path = _filled(tmp_path)
    with pytest.raises(DataError) as caught:
        Journal(path, bytes(32)).load()
    assert caught.value.code == "JOURNAL_WRONG_KEY"
    other = tmp_path / "another-job"
    shutil.copytree(path.parent, other)
    with pytest.raises(DataError) as caught:
        Journal(other / "journal.db", KEY).load()
    assert caught.value.code == "JOURNAL_WRONG_KEY"
    assert Journal(path, KEY).load().parts == {"state": b"x" * 5000}


def test_a_wiped_journal_keeps_no_secret_and_takes_no_new_one(tmp_path: Path) -> None:
    path = _filled(tmp_path)
    journal = Journal(path, KEY)
    journal.forget_secrets()
    with pytest.raises(JobAborted) as caught:
        journal.once("key", b"made by a step that was still running")
    assert caught.value.code == "JOB_WIPED"
    journal.close()
    assert Journal(path, KEY).load().parts == {}
    assert len(Journal(path, KEY).audit_entries()) == 40
    files = b"".join(p.read_bytes() for p in path.parent.iterdir())
    assert b"made by a step" not in files


def test_secrets_in_the_journal_are_sealed(tmp_path: Path) -> None:
    path = _folder(tmp_path) / "journal.db"
    journal = Journal(path, KEY)
    secret = b"a seed that must not lie about in the clear"
    assert journal.once("seed", secret) == secret
    assert journal.once("seed", b"another") == secret
    journal.checkpoint("keys", ("", b""), Checkpoint(parts={"state": secret}))
    journal.close()
    assert path.stat().st_mode & 0o077 == 0
    for file in path.parent.iterdir():
        assert secret[:16] not in file.read_bytes()


def test_what_peers_acknowledged_rides_on_the_next_write(tmp_path: Path) -> None:
    path = _folder(tmp_path) / "journal.db"
    journal = Journal(path, KEY)
    journal.record_outbound("peer", 0, b"zero", (0, b"{}"))
    journal.note_acked("peer", 1)
    assert Journal(path, KEY).acked("peer") == 0
    journal.record_outbound("peer", 1, b"one", (1, b"{}"))
    assert Journal(path, KEY).acked("peer") == 1
    # A closed phase prunes what the peer holds, and nothing else.
    position = LinkPosition(2, bytes(32))
    journal.checkpoint("keys", ("", b""), Checkpoint(sent={"peer": position}, received={}))
    assert journal.outbound("peer", 0) is None
    assert journal.outbound("peer", 1) == b"one"


def test_reference_run_of_the_shape_is_not_trivial() -> None:
    assert len(played(SHAPE).trace) > 40


def _folder(root: Path) -> Path:
    (root / "job").mkdir()
    return root / "job"


def _fill(journal: Journal, envelopes: int) -> None:
    for seq in range(envelopes):
        journal.record_outbound("peer", seq, bytes(5000), (seq, b"{}"))


def _filled(root: Path) -> Path:
    """A closed journal with some of everything."""
    path = _folder(root) / "journal.db"
    journal = Journal(path, KEY)
    journal.once("seed", bytes(32))
    for seq in range(20):
        journal.record_outbound("peer", seq, bytes([seq]) * 2000, (2 * seq, b"{}" * 100))
        journal.record_inbound([("peer", seq, bytes([seq]) * 2000)], [(2 * seq + 1, b"{}" * 100)])
    journal.checkpoint("keys", ("", b""), Checkpoint(parts={"state": b"x" * 5000}))
    journal.close()
    return path


def _read_all(path: Path) -> None:
    journal = Journal(path, KEY)
    journal.load()
    journal.audit_entries()
    for seq in range(20):
        if journal.outbound("peer", seq) is None or journal.inbound("peer", seq) is None:
            raise AssertionError("an envelope is gone without a word")
