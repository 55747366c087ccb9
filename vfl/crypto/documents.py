"""What is signed and kept at the coordinator: documents of the job book, heads of the witness log.

Documents are proposals, approvals, contracts, status lines. The coordinator stores and lists them; it cannot
read meaning into them nor change them. Signature: Ed25519 over the lengths and contents of job, kind, party and
body.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

from vfl.crypto.envelope import plain_name
from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.errors import LocalProtocolError, RemoteProtocolError, Text
from vfl.pb.v1 import node_pb2

__all__ = ["MAX_DOCUMENT_BYTES", "SignedDocument", "check_head", "sign_head"]

MAX_DOCUMENT_BYTES = 1 << 20

_CONTEXT = b"vfl/document/1\0"
_HEAD_CONTEXT = b"vfl/witness-head/1\0"


@dataclass(frozen=True, slots=True, repr=False)
class SignedDocument:
    """What ``party`` says about ``job``."""

    job: str
    kind: str
    party: str
    body: bytes
    signature: bytes

    def __repr__(self) -> str:
        return f"<SignedDocument {self.kind} of {self.job} by {self.party}, {len(self.body)} bytes>"

    @property
    def id(self) -> bytes:
        """SHA-256 over content and signature."""
        return hashlib.sha256(_CONTEXT + self.signature + _content(self.job, self.kind, self.party, self.body)).digest()

    @classmethod
    def make(cls, identity: PartyIdentity, *, job: str, kind: str, body: bytes) -> Self:
        """Sign a document; LocalProtocolError ``DOCUMENT_FIELDS`` when a field is out of bounds."""
        if not _in_bounds(job, kind, identity.name, body):
            raise LocalProtocolError(
                "DOCUMENT_FIELDS",
                Text(
                    en=f"a document has plain names and at most {MAX_DOCUMENT_BYTES} bytes",
                    zh=f"文档名称须为普通字符，内容不超过 {MAX_DOCUMENT_BYTES} 字节",
                ),
                cure=Text(
                    en="shorten it; names are printable ASCII without blanks",
                    zh="请缩短内容；名称为不含空格的可打印 ASCII",
                ),
            )
        signature = identity.sign(_CONTEXT, _content(job, kind, identity.name, body))
        return cls(job, kind, identity.name, body, signature)

    def verify(self, record: PartyRecord) -> None:
        """CryptoError ``SIGNATURE_INVALID``; RemoteProtocolError ``DOCUMENT_MALFORMED``."""
        if self.party != record.name or not _in_bounds(self.job, self.kind, self.party, self.body):
            raise RemoteProtocolError(
                "DOCUMENT_MALFORMED",
                Text(
                    en="a document of the job book is out of bounds or names another author",
                    zh="任务簿中的文档超出限制，或署名与作者不符",
                ),
                cure=Text(en="it was not used; tell the network's operator", zh="该文档未被使用；请通知网络运营方"),
            )
        record.check(_CONTEXT, _content(self.job, self.kind, self.party, self.body), self.signature)

    def to_message(self) -> node_pb2.Document:
        return node_pb2.Document(
            job=self.job, kind=self.kind, party=self.party, body=self.body, signature=self.signature
        )

    @classmethod
    def from_message(cls, message: node_pb2.Document) -> Self:
        """Not yet verified."""
        return cls(message.job, message.kind, message.party, message.body, message.signature)


def sign_head(identity: PartyIdentity, count: int, head: bytes) -> bytes:
    """The coordinator's signature on the state of its witness log; two that do not fit are proof against it."""
    return identity.sign(_HEAD_CONTEXT, count.to_bytes(8, "big") + head)


def check_head(coordinator: PartyRecord, count: int, head: bytes, signature: bytes) -> None:
    """CryptoError ``SIGNATURE_INVALID``."""
    coordinator.check(_HEAD_CONTEXT, count.to_bytes(8, "big") + head, signature)


def _in_bounds(job: str, kind: str, party: str, body: bytes) -> bool:
    return all(map(plain_name, (job, kind, party))) and len(body) <= MAX_DOCUMENT_BYTES


def _content(job: str, kind: str, party: str, body: bytes) -> bytes:
    parts = (job.encode(), kind.encode(), party.encode(), body)
    return b"".join(len(p).to_bytes(8, "big") + p for p in parts)
