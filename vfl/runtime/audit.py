"""The audit trail of one party in one job: an append-only hash chain of signed entries.

An entry is one JSON line ``{"entry": {...}, "signature": hex}``; ``entry.prev`` is the SHA-256 of the line before
it, so a flipped, deleted or reordered entry breaks the chain at a place that :func:`verify_trail` names. What left
is recorded by type, receiver, bytes, bits and digest, never by content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vfl.errors import DataError, Place, Text
from vfl.runtime.clock import Clock

__all__ = ["AUDIT_CONTEXT", "AuditTrail", "verify_trail"]

_GENESIS = "0" * 64
AUDIT_CONTEXT = b"vfl/audit/1\0"
"""What an audit signature covers besides the entry: no signature made for something else passes here."""


class AuditTrail:
    """Makes the entries of one chain; whoever owns the disk records them (:class:`vfl.runtime.journal.Journal`).

    Parameters
    ----------
    party : str
    sign : callable
        Ed25519 signature over :data:`AUDIT_CONTEXT` and the bytes, by the party's signing key.
    lines : sequence of bytes
        The entries recorded so far.
    """

    def __init__(self, party: str, sign: Callable[[bytes], bytes], clock: Clock, lines: Sequence[bytes] = ()) -> None:
        self._party = party
        self._sign = sign
        self._clock = clock
        self._index = len(lines)
        self._prev = hashlib.sha256(lines[-1]).hexdigest() if lines else _GENESIS

    @property
    def head(self) -> str:
        """SHA-256 of the last line."""
        return self._prev

    def entry(self, event: str, **facts: Any) -> tuple[int, bytes]:
        """The next (index, line). It must be recorded before another is made."""
        entry = facts | {
            "index": self._index,
            "at": self._clock.now().isoformat(timespec="milliseconds"),
            "party": self._party,
            "event": event,
            "prev": self._prev,
        }
        raw = json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        line = b'{"entry":' + raw + b',"signature":"' + self._sign(raw).hex().encode() + b'"}'
        index = self._index
        self._index += 1
        self._prev = hashlib.sha256(line).hexdigest()
        return index, line


def verify_trail(lines: Sequence[bytes], key: Ed25519PublicKey, *, name: str, head: str | None = None) -> int:
    """Check a chain offline: order, links, signatures and, where ``head`` is known, its end.

    Returns the number of entries.

    Raises
    ------
    DataError
        ``AUDIT_BROKEN`` naming the first entry that fails (row = entry number from 1), ``AUDIT_TRUNCATED``.
    """
    prev = _GENESIS
    for index, line in enumerate(lines):
        fault = _fault(line, index, prev, key)
        if fault is not None:
            raise DataError(
                "AUDIT_BROKEN",
                Text(en=f"this audit entry {fault[0]}", zh=f"该审计条目{fault[1]}"),
                cure=Text(en="treat everything from this entry on as unproven; compare with the peers' copies",
                          zh="自该条起的内容均不可信；请与其他参与方的副本比对"),
                place=Place(file=name, row=index + 1),
            )
        prev = hashlib.sha256(line).hexdigest()
    if head is not None and prev != head:
        raise DataError(
            "AUDIT_TRUNCATED",
            Text(en="the trail does not end where its countersigned head says", zh="审计链的末尾与已会签的链头不符"),
            cure=Text(en="ask the party for the missing entries", zh="请要求该方补齐缺失条目"),
            place=Place(file=name, row=len(lines)),
        )
    return len(lines)


def _fault(line: bytes, index: int, prev: str, key: Ed25519PublicKey) -> tuple[str, str] | None:
    head, mark, tail = line.partition(b',"signature":"')
    raw = head.removeprefix(b'{"entry":')
    if not mark or raw == head or not tail.endswith(b'"}'):
        return "is not in the trail's form", "格式不符"
    try:
        entry = json.loads(raw)
        key.verify(bytes.fromhex(tail[:-2].decode()), AUDIT_CONTEXT + raw)
    except (ValueError, InvalidSignature):
        return "was altered: its signature does not hold", "被篡改：签名不成立"
    if not isinstance(entry, dict):
        return "is not in the trail's form", "格式不符"
    if entry.get("index") != index:
        return "is out of order or one before it is missing", "顺序错误或其前有缺失"
    if entry.get("prev") != prev:
        return "does not chain to the one before it", "与前一条不衔接"
    return None
