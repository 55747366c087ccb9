"""The witness: an append-only hash chain of every envelope passed on, without bodies.

An entry holds header, nonce, size and hash of the body, and the sender's signature: enough to verify signature
and order of a whole job offline (:mod:`vfl.crypto.envelope`). Each entry's chain value is SHA-256 over the
previous one and the envelope's digest; the coordinator signs count and head on request, so that two parties
who are shown different histories hold proof of it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from coordinator.store import open_store
from vfl.crypto.envelope import Envelope, Link, envelope_digest
from vfl.errors import DataError, Place, RemoteProtocolError, Text

__all__ = ["Head", "Witness", "WitnessEntry"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    number INTEGER PRIMARY KEY,
    job TEXT NOT NULL, epoch INTEGER NOT NULL, sender TEXT NOT NULL, receiver TEXT NOT NULL,
    seq INTEGER NOT NULL,
    header BLOB NOT NULL, nonce BLOB NOT NULL, body_size INTEGER NOT NULL, body_hash BLOB NOT NULL,
    signature BLOB NOT NULL, digest BLOB NOT NULL, chain BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS place ON entry (job, epoch, sender, receiver, seq);
"""
_GENESIS = hashlib.sha256(b"vfl/witness/1").digest()
_PAGE = 1000


class WitnessEntry(NamedTuple):
    number: int
    header: bytes
    nonce: bytes
    body_size: int
    body_hash: bytes
    signature: bytes
    chain: bytes


class Head(NamedTuple):
    """Where the chain stands."""

    length: int
    chain: bytes


class Witness:
    """One coordinator's log.

    Raises DataError ``WITNESS_BROKEN`` on opening a file whose last entry does not fit the one before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = open_store(path, _SCHEMA)
        count = self._db.execute("SELECT coalesce(max(number), 0) FROM entry").fetchone()[0]
        self.head = self._check(max(1, count))

    def close(self) -> None:
        self._db.close()

    def note(self, envelope: Envelope) -> None:
        """Enter an envelope; a repeat is entered once.

        RemoteProtocolError ``EQUIVOCATION`` when the sender signed another one for the same place: both are in
        the chain then, as evidence.
        """
        link, seq = envelope.header.link, envelope.header.seq
        known = [
            bytes(row[0])
            for row in self._db.execute(
                "SELECT digest FROM entry WHERE job = ? AND epoch = ? AND sender = ? AND receiver = ? AND seq = ?",
                (*link, seq),
            )
        ]
        if envelope.digest not in known:
            self._append(envelope, link, seq)
        if known and known[0] != envelope.digest:
            raise RemoteProtocolError(
                "EQUIVOCATION",
                Text(
                    en=f"{link.sender} signed two different messages number {seq} of {link.job}",
                    zh=f"{link.sender} 对任务 {link.job} 的第 {seq} 条消息签署了两个不同版本",
                ),
                cure=Text(en="both are in the witness log as evidence", zh="两者均已记入见证日志作为证据"),
            )

    def _append(self, envelope: Envelope, link: Link, seq: int) -> None:
        head = Head(self.head.length + 1, _next(self.head.chain, envelope.digest))
        row = (
            head.length, *link, seq, envelope.header_raw, envelope.nonce, len(envelope.body), envelope.body_hash,
            envelope.signature, envelope.digest, head.chain,
        )  # fmt: skip
        self._db.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        self.head = head

    def entries(self, job: str, after: int = 0, limit: int = _PAGE) -> list[WitnessEntry]:
        """Entries of one job with a higher number, in order."""
        rows = self._db.execute(
            "SELECT number, header, nonce, body_size, body_hash, signature, chain FROM entry "
            "WHERE job = ? AND number > ? ORDER BY number LIMIT ?",
            (job, after, min(limit, _PAGE)),
        )
        return [WitnessEntry(*row) for row in rows]

    def verify(self) -> Head:
        """Check the whole chain, from the signed parts of each entry; DataError ``WITNESS_BROKEN``."""
        return self._check(1)

    def _check(self, first: int) -> Head:
        start = self._db.execute("SELECT chain FROM entry WHERE number = ?", (first - 1,)).fetchone()
        if start is None and first > 1:
            raise self._broken(first - 1)
        head = Head(first - 1, _GENESIS if start is None else bytes(start[0]))
        for number, digest, chain in self._digests(first):
            if number != head.length + 1 or chain != _next(head.chain, digest):
                raise self._broken(head.length + 1)
            head = Head(number, chain)
        return head

    def _digests(self, first: int) -> Iterator[tuple[int, bytes, bytes]]:
        rows: sqlite3.Cursor = self._db.execute(
            "SELECT number, header, nonce, body_size, body_hash, signature, chain FROM entry "
            "WHERE number >= ? ORDER BY number",
            (first,),
        )
        for row in rows:
            entry = WitnessEntry(*row)
            digest = envelope_digest(entry.header, entry.nonce, entry.body_size, entry.body_hash, entry.signature)
            yield entry.number, digest, bytes(entry.chain)

    def _broken(self, number: int) -> DataError:
        return DataError(
            "WITNESS_BROKEN",
            Text(
                en=f"entry {number} of the witness log was changed, removed or reordered",
                zh=f"见证日志第 {number} 条被改动、删除或调换顺序",
            ),
            cure=Text(
                en="restore the log from backup; compare its head with those the parties have kept",
                zh="从备份恢复日志，并与各方保存的链头核对",
            ),
            place=Place(file=str(self._path), row=number),
        )


def _next(chain: bytes, digest: bytes) -> bytes:
    return hashlib.sha256(chain + digest).digest()
