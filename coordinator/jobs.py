"""The job book: signed documents in the order they came, never changed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from coordinator.store import open_store
from vfl.crypto.documents import SignedDocument
from vfl.crypto.identity import PartyRecord
from vfl.errors import PolicyRefused, RemoteProtocolError, Text

__all__ = ["DocumentLine", "JobBook"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB UNIQUE NOT NULL,
    job TEXT NOT NULL, kind TEXT NOT NULL, party TEXT NOT NULL, body BLOB NOT NULL, signature BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_job ON document (job, number);
CREATE INDEX IF NOT EXISTS by_party ON document (party);
"""
_PAGE = 1000
_QUOTA_BYTES = 256 << 20  # per party, for the life of the book


class DocumentLine(NamedTuple):
    """A document without its body."""

    number: int
    id: bytes
    job: str
    kind: str
    party: str
    size: int


class JobBook:
    """Documents of one network."""

    def __init__(self, path: Path) -> None:
        self._db = open_store(path, _SCHEMA)

    def close(self) -> None:
        self._db.close()

    def publish(self, document: SignedDocument, author: PartyRecord) -> int:
        """Add a document of its author and return its number; the same document again gives the same number.

        Raises
        ------
        CryptoError
            ``SIGNATURE_INVALID``.
        RemoteProtocolError
            ``DOCUMENT_MALFORMED``.
        PolicyRefused
            ``DOCUMENT_QUOTA``.
        """
        document.verify(author)
        row = self._db.execute("SELECT number FROM document WHERE id = ?", (document.id,)).fetchone()
        if row is not None:
            return int(row[0])
        used = self._db.execute(
            "SELECT coalesce(sum(length(body)), 0) FROM document WHERE party = ?", (author.name,)
        ).fetchone()[0]
        if used + len(document.body) > _QUOTA_BYTES:
            raise PolicyRefused(
                "DOCUMENT_QUOTA",
                Text(en=f"{author.name} has used up its room in the job book", zh=f"{author.name} 的任务簿配额已用完"),
                cure=Text(en="ask the operator to archive finished jobs", zh="请运营方归档已完成的任务"),
            )
        made = self._db.execute(
            "INSERT INTO document (id, job, kind, party, body, signature) VALUES (?, ?, ?, ?, ?, ?)",
            (document.id, document.job, document.kind, document.party, document.body, document.signature),
        )
        return int(made.lastrowid or 0)

    def lines(self, job: str = "", after: int = 0) -> list[DocumentLine]:
        """Documents with a higher number, of one job or all, at most 1000."""
        rows = self._db.execute(
            "SELECT number, id, job, kind, party, length(body) FROM document "
            "WHERE number > ?1 AND (?2 = '' OR job = ?2) ORDER BY number LIMIT ?3",
            (after, job, _PAGE),
        )
        return [DocumentLine(*row) for row in rows]

    def get(self, id: bytes) -> SignedDocument:
        """RemoteProtocolError ``DOCUMENT_UNKNOWN``."""
        row = self._db.execute("SELECT job, kind, party, body, signature FROM document WHERE id = ?", (id,)).fetchone()
        if row is None:
            raise RemoteProtocolError(
                "DOCUMENT_UNKNOWN",
                Text(en="the job book has no such document", zh="任务簿中没有该文档"),
                cure=Text(en="list the job's documents", zh="请列出该任务的文档"),
            )
        return SignedDocument(*row)
