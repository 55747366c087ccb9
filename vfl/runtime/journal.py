"""The durable memory of one party in one job (SQLite, WAL, fsync on each commit).

Each inbound envelope is written before it is acted on, each outbound one before it is sent, both with their audit
entries in the same transaction. A checkpoint closes a phase: role state, link positions, the phase's announced
result. After a crash the job goes on from the last checkpoint, taking recorded envelopes from here and
re-sending byte-identical ones.

Security: envelopes are stored as they travel (end-to-end encrypted); role state is sealed with AES-256-GCM
under the node's storage key, bound to job and part name.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vfl.errors import DataError, JobAborted, LocalProtocolError, Place, Text, TransportError, VflError

__all__ = ["Checkpoint", "Journal", "LinkPosition"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS inbound (peer TEXT, seq INTEGER, envelope BLOB NOT NULL, PRIMARY KEY (peer, seq));
CREATE TABLE IF NOT EXISTS outbound (peer TEXT, seq INTEGER, envelope BLOB NOT NULL, PRIMARY KEY (peer, seq));
CREATE TABLE IF NOT EXISTS acked (peer TEXT PRIMARY KEY, next_seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS evidence (peer TEXT, seq INTEGER, envelope BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS audit (idx INTEGER PRIMARY KEY, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS phase (ord INTEGER PRIMARY KEY, name TEXT UNIQUE, result BLOB, result_type TEXT);
CREATE TABLE IF NOT EXISTS part (name TEXT PRIMARY KEY, digest BLOB NOT NULL, sealed BLOB NOT NULL);
"""
_ACKED = (
    "INSERT INTO acked VALUES (?, ?) ON CONFLICT (peer) DO UPDATE SET next_seq = max(next_seq, excluded.next_seq)"
)
_AUDIT = "INSERT INTO audit VALUES (?, ?)"


@dataclass(frozen=True, slots=True)
class LinkPosition:
    """Where one direction of a link stands: the next sequence number and the hash it must chain to."""

    next_seq: int
    prev_hash: bytes


@dataclass(slots=True)
class Checkpoint:
    """The state at the end of the last ended phase."""

    phases: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Ended phases in order: announced result as (message type, body); ("", b"") for none."""
    parts: dict[str, bytes] = field(default_factory=dict)
    sent: dict[str, LinkPosition] = field(default_factory=dict)
    received: dict[str, LinkPosition] = field(default_factory=dict)
    ledger: list[list[object]] = field(default_factory=list)
    arrived: list[list[object]] = field(default_factory=list)


def _positions(raw: Mapping[str, LinkPosition]) -> dict[str, list[object]]:
    return {p: [x.next_seq, x.prev_hash.hex()] for p, x in raw.items()}


def _load_positions(raw: Mapping[str, list[object]]) -> dict[str, LinkPosition]:
    return {p: LinkPosition(int(str(s)), bytes.fromhex(str(h))) for p, (s, h) in raw.items()}


class Journal:
    """One job's journal. Safe for threads: each transaction and each read is whole.

    Parameters
    ----------
    path : Path
        The SQLite file; made with mode 0600.
    storage_key : bytes
        32 bytes, the node's own; seals role state.

    Raises
    ------
    TransportError
        ``JOURNAL_NOT_WRITABLE``, from any call: disk full, read-only, locked. What failed to be written must not be
        sent or acted on; the same journal opened again goes on from what it holds.
    DataError
        ``JOURNAL_CORRUPT``, from any call; ``JOURNAL_WRONG_KEY``.
    """

    def __init__(self, path: Path, storage_key: bytes) -> None:
        self.path = path
        self._aead = AESGCM(storage_key)
        self._lock = threading.RLock()
        self._acked: dict[str, int] = {}
        self._wiped = False
        try:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise self._broken(error) from error

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _broken(self, error: sqlite3.Error | OSError) -> VflError:
        place = Place(file=self.path.name)
        if isinstance(error, sqlite3.OperationalError | OSError):
            return TransportError(
                "JOURNAL_NOT_WRITABLE",
                Text(en=f"the journal cannot be written ({error}); the job pauses, nothing was sent unrecorded",
                     zh=f"日志无法写入（{error}）；任务暂停，未记录的内容不会发出"),
                cure=Text(en="free disk space or mend the file's permissions; the job then goes on by itself",
                          zh="请释放磁盘空间或修复文件权限，任务随后自动继续"),
                place=place,
            )
        return DataError(
            "JOURNAL_CORRUPT",
            Text(en="the journal is damaged", zh="日志文件已损坏"),
            cure=Text(en="restore the node's backup, or cancel this job and start it again",
                      zh="恢复节点备份，或取消该任务后重新发起"),
            place=place,
        )

    def _write(
        self, *statements: tuple[str, Sequence[tuple[object, ...]]], audit: Sequence[tuple[int, bytes]] = ()
    ) -> None:
        """One transaction: all statements or none. What peers have acknowledged since the last one goes along."""
        with self._lock:
            self._check_audit(audit)
            acked = list(self._acked.items())
            try:
                self._db.execute("BEGIN IMMEDIATE")
                for sql, rows in ((_ACKED, acked), *statements, (_AUDIT, audit)):
                    self._db.executemany(sql, rows)
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._broken(error) from error
            finally:
                # After a full disk SQLite may or may not have rolled back by itself.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            self._acked.clear()

    def _read(self, sql: str, *arguments: object) -> list[Any]:
        with self._lock:
            try:
                return self._db.execute(sql, arguments).fetchall()
            except sqlite3.Error as error:
                raise self._broken(error) from error

    # --- meta -------------------------------------------------------------------------------------------------

    def once(self, name: str, value: bytes) -> bytes:
        """Store ``value`` under ``name`` unless one is there; return what is stored (sealed at rest).

        JobAborted ``JOB_WIPED`` after :meth:`forget_secrets`: a step still running then must not leave a new secret.
        """
        with self._lock:
            if self._wiped:
                raise JobAborted(
                    "JOB_WIPED",
                    Text(en="the job has ended and its secrets are wiped", zh="任务已结束，密钥已清除"),
                    cure=Text(en="start a new job if it is still wanted", zh="如仍需要，请重新发起任务"),
                )
            rows = self._read("SELECT value FROM meta WHERE name = ?", name)
            if rows:
                return self._unseal(name, rows[0][0])
            self._write(("INSERT INTO meta VALUES (?, ?)", [(name, self._seal(name, value))]))
            return value

    def forget_secrets(self) -> None:
        """Overwrite what :meth:`once` keeps and all role state: after the job nothing here opens what was sent."""
        with self._lock:
            self._wiped = True
            self._write(("DELETE FROM meta", [()]), ("DELETE FROM part", [()]))
            self._read("PRAGMA wal_checkpoint(TRUNCATE)")

    # --- envelopes --------------------------------------------------------------------------------------------

    def record_inbound(self, envelopes: Sequence[tuple[str, int, bytes]], audit: Sequence[tuple[int, bytes]]) -> None:
        """Write (peer, seq, envelope) and their audit entries before any is acted on; several in one commit."""
        self._write(("INSERT INTO inbound VALUES (?, ?, ?)", envelopes), audit=audit)

    def inbound(self, peer: str, seq: int) -> bytes | None:
        rows = self._read("SELECT envelope FROM inbound WHERE peer = ? AND seq = ?", peer, seq)
        return bytes(rows[0][0]) if rows else None

    def record_outbound(self, peer: str, seq: int, envelope: bytes, audit: tuple[int, bytes]) -> None:
        """Write an envelope and its audit entry before it is sent."""
        self._write(("INSERT INTO outbound VALUES (?, ?, ?)", [(peer, seq, envelope)]), audit=[audit])

    def outbound(self, peer: str, seq: int) -> bytes | None:
        rows = self._read("SELECT envelope FROM outbound WHERE peer = ? AND seq = ?", peer, seq)
        return bytes(rows[0][0]) if rows else None

    def outbound_end(self, peer: str) -> int:
        """One more than the highest sequence number recorded; 0 for none."""
        return int(self._read("SELECT coalesce(max(seq) + 1, 0) FROM outbound WHERE peer = ?", peer)[0][0])

    def note_acked(self, peer: str, next_seq: int) -> None:
        """The peer has recorded everything below ``next_seq``.

        Written with the next transaction: what a crash forgets of it is sent once more and ignored as a repeat.
        """
        with self._lock:
            self._acked[peer] = max(next_seq, self._acked.get(peer, 0))

    def acked(self, peer: str) -> int:
        """What :meth:`note_acked` was told last, as far as it is on disk."""
        rows = self._read("SELECT next_seq FROM acked WHERE peer = ?", peer)
        return int(rows[0][0]) if rows else 0

    # --- audit ------------------------------------------------------------------------------------------------

    def record_audit(self, index: int, entry: bytes) -> None:
        """Write an entry that belongs to no envelope."""
        self._write(audit=[(index, entry)])

    def record_evidence(self, peer: str, seq: int, envelopes: Sequence[bytes], audit: tuple[int, bytes]) -> None:
        """Keep envelopes that prove a peer's fault; they stay when the job's secrets go."""
        self._write(("INSERT INTO evidence VALUES (?, ?, ?)", [(peer, seq, e) for e in envelopes]), audit=[audit])

    def evidence(self, peer: str) -> list[tuple[int, bytes]]:
        return [(int(s), bytes(e)) for s, e in self._read("SELECT seq, envelope FROM evidence WHERE peer = ?", peer)]

    def audit_entries(self) -> list[bytes]:
        return [bytes(r[0]) for r in self._read("SELECT entry FROM audit ORDER BY idx")]

    def _check_audit(self, entries: Sequence[tuple[int, bytes]]) -> None:
        """The chain has no hole, also when the write of an entry before these failed."""
        if not entries:
            return
        recorded = int(self._read("SELECT coalesce(max(idx) + 1, 0) FROM audit")[0][0])
        if [index for index, _ in entries] != list(range(recorded, recorded + len(entries))):
            raise LocalProtocolError(
                "AUDIT_GAP",
                Text(en="an audit entry before this one was not recorded", zh="此前有审计条目未能写入"),
                cure=Text(en="restart the node: it goes on from what is recorded",
                          zh="请重启节点，它将从已记录处继续"),
                place=Place(file=self.path.name),
            )

    # --- checkpoints ------------------------------------------------------------------------------------------

    def checkpoint(self, name: str, result: tuple[str, bytes], state: Checkpoint) -> None:
        """Close phase ``name``: one transaction writes all changed parts, and prunes what no replay will need."""
        known = dict(self._read("SELECT name, digest FROM part"))
        parts = dict(state.parts)
        parts["/positions"] = json.dumps(
            {
                "sent": _positions(state.sent),
                "received": _positions(state.received),
                "ledger": state.ledger,
                "arrived": state.arrived,
            }
        ).encode()
        changed = []
        for part, raw in parts.items():
            digest = hashlib.sha256(raw).digest()
            if known.get(part) != digest:
                changed.append((part, digest, self._seal(part, raw)))
        gone = [(p,) for p in known if p not in parts]
        self._write(
            ("INSERT INTO phase (name, result_type, result) VALUES (?, ?, ?)", [(name, *result)]),
            ("INSERT OR REPLACE INTO part VALUES (?, ?, ?)", changed),
            ("DELETE FROM part WHERE name = ?", gone),
            ("DELETE FROM inbound WHERE peer = ? AND seq < ?", [(p, x.next_seq) for p, x in state.received.items()]),
            (
                "DELETE FROM outbound WHERE peer = ?1 AND seq < ?2 AND seq < "
                "coalesce((SELECT next_seq FROM acked WHERE acked.peer = ?1), 0)",
                [(p, x.next_seq) for p, x in state.sent.items()],
            ),
        )

    def load(self) -> Checkpoint:
        """The last checkpoint (empty for a fresh job)."""
        out = Checkpoint()
        for name, kind, body in self._read("SELECT name, result_type, result FROM phase ORDER BY ord"):
            out.phases[name] = (kind, bytes(body))
        for name, digest, sealed in self._read("SELECT name, digest, sealed FROM part"):
            raw = self._unseal(name, sealed)
            if hashlib.sha256(raw).digest() != digest:
                raise self._broken(sqlite3.DatabaseError("digest"))
            out.parts[name] = raw
        positions = out.parts.pop("/positions", None)
        if positions is not None:
            body = json.loads(positions)
            out.sent = _load_positions(body["sent"])
            out.received = _load_positions(body["received"])
            out.ledger, out.arrived = body["ledger"], body["arrived"]
        return out

    def _bound_to(self, name: str) -> bytes:
        """Job (its folder's name) and part: sealed state copied from elsewhere does not open."""
        return f"{self.path.parent.name}\0{name}".encode()

    def _seal(self, name: str, raw: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._aead.encrypt(nonce, raw, self._bound_to(name))

    def _unseal(self, name: str, sealed: bytes) -> bytes:
        try:
            return self._aead.decrypt(sealed[:12], sealed[12:], self._bound_to(name))
        except InvalidTag:
            raise DataError(
                "JOURNAL_WRONG_KEY",
                Text(en="the journal's sealed state does not open under this node's storage key",
                     zh="本节点的存储密钥无法解开日志中的密封状态"),
                cure=Text(en="restore the storage key that belongs to this journal", zh="恢复与该日志对应的存储密钥"),
                place=Place(file=self.path.name),
            ) from None
