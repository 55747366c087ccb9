"""The durable memory of one party in one job (SQLite, WAL, fsync on each commit).

Each inbound envelope is written before it is acted on, each outbound one before it is sent, with its audit
entry in the same transaction. A checkpoint closes a phase: role state, link positions, the phase's announced
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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vfl.errors import DataError, Place, Text, TransportError

__all__ = ["Checkpoint", "Journal", "LinkPosition"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS inbound (peer TEXT, seq INTEGER, envelope BLOB NOT NULL, PRIMARY KEY (peer, seq));
CREATE TABLE IF NOT EXISTS outbound (peer TEXT, seq INTEGER, envelope BLOB NOT NULL, PRIMARY KEY (peer, seq));
CREATE TABLE IF NOT EXISTS acked (peer TEXT PRIMARY KEY, next_seq INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS audit (idx INTEGER PRIMARY KEY, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS phase (ord INTEGER PRIMARY KEY, name TEXT UNIQUE, result BLOB, result_type TEXT);
CREATE TABLE IF NOT EXISTS part (name TEXT PRIMARY KEY, digest BLOB NOT NULL, sealed BLOB NOT NULL);
"""


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
    """One job's journal. Not thread-safe: the session calls it from one thread.

    Parameters
    ----------
    path : Path
        The SQLite file; made with mode 0600.
    storage_key : bytes
        32 bytes, the node's own; seals role state.
    """

    def __init__(self, path: Path, storage_key: bytes) -> None:
        self.path = path
        self._aead = AESGCM(storage_key)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def close(self) -> None:
        self._db.close()

    def _broken(self, error: sqlite3.Error) -> Exception:
        full = isinstance(error, sqlite3.OperationalError)
        place = Place(file=self.path.name)
        if full:
            return TransportError(
                "JOURNAL_NOT_WRITABLE",
                Text(en=f"the journal cannot be written ({error}); the job pauses, nothing was sent unrecorded",
                     zh=f"日志无法写入（{error}）；任务暂停，未记录的内容不会发出"),
                cure=Text(en="free disk space or mend the file's permissions, then start the node again",
                          zh="释放磁盘空间或修复文件权限后重新启动节点"),
                place=place,
            )
        return DataError(
            "JOURNAL_CORRUPT",
            Text(en="the journal is damaged", zh="日志文件已损坏"),
            cure=Text(en="restore the node's backup, or cancel this job and start it again",
                      zh="恢复节点备份，或取消该任务后重新发起"),
            place=place,
        )

    def _write(self, *statements: tuple[str, Sequence[tuple[object, ...]]]) -> None:
        """One transaction: all statements or none."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for sql, rows in statements:
                    self._db.executemany(sql, rows)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._broken(error) from error

    # --- meta -------------------------------------------------------------------------------------------------

    def once(self, name: str, value: bytes) -> bytes:
        """Store ``value`` under ``name`` unless one is there; return what is stored (sealed at rest)."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if row is not None:
            return self._unseal(name, row[0])
        self._write(("INSERT INTO meta VALUES (?, ?)", [(name, self._seal(name, value))]))
        return value

    def forget_secrets(self) -> None:
        """Overwrite what :meth:`once` keeps and all role state: after the job nothing here opens what was sent."""
        self._write(("DELETE FROM meta", [()]), ("DELETE FROM part", [()]))
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise self._broken(error) from error

    # --- envelopes --------------------------------------------------------------------------------------------

    def record_inbound(self, envelopes: Sequence[tuple[str, int, bytes]]) -> None:
        """Write (peer, seq, envelope) before any is acted on; several in one commit."""
        self._write(("INSERT INTO inbound VALUES (?, ?, ?)", envelopes))

    def inbound(self, peer: str, seq: int) -> bytes | None:
        row = self._db.execute("SELECT envelope FROM inbound WHERE peer = ? AND seq = ?", (peer, seq)).fetchone()
        return None if row is None else bytes(row[0])

    def inbound_from(self, peer: str, seq: int) -> Iterator[tuple[int, bytes]]:
        """Recorded envelopes from ``seq`` on, in order."""
        yield from self._db.execute(
            "SELECT seq, envelope FROM inbound WHERE peer = ? AND seq >= ? ORDER BY seq", (peer, seq)
        ).fetchall()

    def record_outbound(self, peer: str, seq: int, envelope: bytes, audit: tuple[int, bytes]) -> None:
        """Write an envelope and its audit entry before it is sent."""
        self._write(
            ("INSERT INTO outbound VALUES (?, ?, ?)", [(peer, seq, envelope)]),
            ("INSERT INTO audit VALUES (?, ?)", [audit]),
        )

    def outbound(self, peer: str, seq: int) -> bytes | None:
        row = self._db.execute("SELECT envelope FROM outbound WHERE peer = ? AND seq = ?", (peer, seq)).fetchone()
        return None if row is None else bytes(row[0])

    def outbound_after(self, peer: str, seq: int) -> list[int]:
        """Sequence numbers recorded from ``seq`` on."""
        rows = self._db.execute(
            "SELECT seq FROM outbound WHERE peer = ? AND seq >= ? ORDER BY seq", (peer, seq)
        ).fetchall()
        return [int(r[0]) for r in rows]

    def record_acked(self, peer: str, next_seq: int) -> None:
        """The peer has recorded everything below ``next_seq``."""
        sql = (
            "INSERT INTO acked VALUES (?, ?) "
            "ON CONFLICT (peer) DO UPDATE SET next_seq = max(next_seq, excluded.next_seq)"
        )
        self._write((sql, [(peer, next_seq)]))

    def acked(self, peer: str) -> int:
        row = self._db.execute("SELECT next_seq FROM acked WHERE peer = ?", (peer,)).fetchone()
        return 0 if row is None else int(row[0])

    # --- audit ------------------------------------------------------------------------------------------------

    def record_audit(self, index: int, entry: bytes) -> None:
        self._write(("INSERT INTO audit VALUES (?, ?)", [(index, entry)]))

    def audit_entries(self) -> list[bytes]:
        return [bytes(r[0]) for r in self._db.execute("SELECT entry FROM audit ORDER BY idx").fetchall()]

    # --- checkpoints ------------------------------------------------------------------------------------------

    def checkpoint(self, name: str, result: tuple[str, bytes], state: Checkpoint) -> None:
        """Close phase ``name``: one transaction writes all changed parts, and prunes what no replay will need."""
        known = dict(self._db.execute("SELECT name, digest FROM part").fetchall())
        state.parts["/positions"] = json.dumps(
            {
                "sent": _positions(state.sent),
                "received": _positions(state.received),
                "ledger": state.ledger,
                "arrived": state.arrived,
            }
        ).encode()
        changed = []
        for part, raw in state.parts.items():
            digest = hashlib.sha256(raw).digest()
            if known.get(part) != digest:
                changed.append((part, digest, self._seal(part, raw)))
        gone = [(p,) for p in known if p not in state.parts]
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
        for name, kind, body in self._db.execute("SELECT name, result_type, result FROM phase ORDER BY ord"):
            out.phases[name] = (kind, bytes(body))
        for name, digest, sealed in self._db.execute("SELECT name, digest, sealed FROM part").fetchall():
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

    def _seal(self, name: str, raw: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._aead.encrypt(nonce, raw, name.encode())

    def _unseal(self, name: str, sealed: bytes) -> bytes:
        try:
            return self._aead.decrypt(sealed[:12], sealed[12:], name.encode())
        except InvalidTag:
            raise DataError(
                "JOURNAL_WRONG_KEY",
                Text(en="the journal's sealed state does not open under this node's storage key",
                     zh="本节点的存储密钥无法解开日志中的密封状态"),
                cure=Text(en="restore the storage key that belongs to this journal", zh="恢复与该日志对应的存储密钥"),
                place=Place(file=self.path.name),
            ) from None
