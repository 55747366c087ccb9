"""Envelopes: what one party says to another, readable by that party alone and provable to anyone.

A *link* is one direction between two parties in one epoch of a job. Its envelopes are numbered from 0 and each
holds the digest of the one before; the first holds the contract's hash::

    signature    Ed25519(nonce, size and SHA-256 of body, header)               RFC 8032
    digest       SHA-256(signature, nonce, size and SHA-256 of body, header)

Both need the hash of the body only, so the chain of a link is verified without any body (witness, audit
bundle). This module is the format; :mod:`vfl.crypto.links` seals and opens.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import NamedTuple, Self

from google.protobuf.message import DecodeError

from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.errors import RemoteProtocolError, Text
from vfl.pb.v1 import envelope_pb2

__all__ = [
    "ENVELOPE_VERSION",
    "MAX_BODY_BYTES",
    "MAX_ENVELOPE_BYTES",
    "Envelope",
    "Header",
    "Link",
    "check_signature",
    "envelope_digest",
    "other",
    "plain_name",
]

ENVELOPE_VERSION = 1
MAX_BODY_BYTES = 1 << 20
"""Longest message, before sealing."""
MAX_ENVELOPE_BYTES = MAX_BODY_BYTES + 2048
"""Longest envelope: header, tag and signature take less than 2 KiB."""

_MAX_HEADER_BYTES = 1024
_SIGNATURE_CONTEXT = b"vfl/envelope/1\0"
_DIGEST_CONTEXT = b"vfl/envelope-digest/1\0"
_TAG_BYTES = 16
_NAME = re.compile(r"[!-~]{1,128}")


def plain_name(text: str) -> bool:
    """Whether ``text`` can stand in a header: 1 to 128 printable ASCII characters, no blank."""
    return _NAME.fullmatch(text) is not None


class Link(NamedTuple):
    """One direction between two parties in one epoch of one job."""

    job: str
    epoch: int
    sender: str
    receiver: str

    @property
    def reverse(self) -> Link:
        return Link(self.job, self.epoch, self.receiver, self.sender)

    def __str__(self) -> str:
        return f"{self.job}/{self.epoch} {self.sender}->{self.receiver}"


@dataclass(frozen=True, slots=True)
class Header:
    """What anyone on the way may read."""

    link: Link
    seq: int
    step: str
    type: str
    prev_hash: bytes

    @classmethod
    def peek(cls, raw: bytes) -> Self:
        """The header of an envelope, for routing: checks size and header, hashes nothing, believes nothing."""
        return cls.parse(_outer(raw).header)

    def encode(self) -> bytes:
        """The bytes that are signed and authenticated."""
        made: bytes = envelope_pb2.EnvelopeHeader(
            version=ENVELOPE_VERSION,
            job=self.link.job,
            epoch=self.link.epoch,
            seq=self.seq,
            step=self.step,
            sender=self.link.sender,
            receiver=self.link.receiver,
            type=self.type,
            prev_hash=self.prev_hash,
        ).SerializeToString(deterministic=True)
        return made

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """A header in its one canonical encoding.

        RemoteProtocolError ``ENVELOPE_MALFORMED``, ``ENVELOPE_VERSION``.
        """
        try:
            if len(raw) > _MAX_HEADER_BYTES:
                raise ValueError("too long")
            pb = envelope_pb2.EnvelopeHeader.FromString(raw)
            if pb.version != ENVELOPE_VERSION:
                raise _version_refused(pb.version)
            link = Link(pb.job, pb.epoch, pb.sender, pb.receiver)
            made = cls(link, pb.seq, pb.step, pb.type, pb.prev_hash)
            names = (pb.job, pb.sender, pb.receiver, pb.step, pb.type)
            if not all(map(plain_name, names)) or len(pb.prev_hash) != 32 or pb.seq >> 63:
                raise ValueError("fields")
            if made.encode() != raw:
                raise ValueError("not canonical")
        except (DecodeError, ValueError):
            raise _malformed() from None
        return made


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """A parsed envelope; nothing in it is to be believed before :meth:`check_signature`."""

    header: Header
    header_raw: bytes
    nonce: bytes
    body: bytes
    signature: bytes
    body_hash: bytes
    digest: bytes

    def __repr__(self) -> str:
        return f"<Envelope {self.header.link} #{self.header.seq} {self.header.type}, {len(self.body)} bytes>"

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Size first, then encoding, then version.

        Raises
        ------
        RemoteProtocolError
            ``ENVELOPE_TOO_LARGE``, ``ENVELOPE_MALFORMED``, ``ENVELOPE_VERSION``.
        """
        pb = _outer(raw)
        header_raw, nonce, body, signature = pb.header, pb.nonce, pb.body, pb.signature
        # An encoder has freedom (order, repeats, unknown fields); a second encoding of the same content would
        # look like another message, so only the canonical one is an envelope.
        if len(nonce) != 12 or len(signature) != 64 or len(body) < _TAG_BYTES:
            raise _malformed()
        if _encode(header_raw, nonce, body, signature) != raw:
            raise _malformed()
        body_hash = hashlib.sha256(body).digest()
        digest = envelope_digest(header_raw, nonce, len(body), body_hash, signature)
        return cls(Header.parse(header_raw), header_raw, nonce, body, signature, body_hash, digest)

    @classmethod
    def sign(cls, identity: PartyIdentity, header: Header, nonce: bytes, body: bytes) -> Self:
        """An envelope of ``identity``; ``body`` is sealed already."""
        header_raw = header.encode()
        body_hash = hashlib.sha256(body).digest()
        content = _signed_content(header_raw, nonce, len(body), body_hash)
        signature = identity.sign(_SIGNATURE_CONTEXT, content)
        digest = envelope_digest(header_raw, nonce, len(body), body_hash, signature)
        return cls(header, header_raw, nonce, body, signature, body_hash, digest)

    def encode(self) -> bytes:
        return _encode(self.header_raw, self.nonce, self.body, self.signature)

    def check_signature(self, sender: PartyRecord) -> None:
        """CryptoError ``SIGNATURE_INVALID``; RemoteProtocolError ``OTHER_SENDER`` when the names differ."""
        if sender.name != self.header.link.sender:
            raise other("OTHER_SENDER", "names another sender", "所署发送方不符")
        check_signature(sender, self.header_raw, self.nonce, len(self.body), self.body_hash, self.signature)


def check_signature(
    sender: PartyRecord, header_raw: bytes, nonce: bytes, body_size: int, body_hash: bytes, signature: bytes
) -> None:
    """The same for a witness's entry, which has no body. CryptoError ``SIGNATURE_INVALID``."""
    sender.check(_SIGNATURE_CONTEXT, _signed_content(header_raw, nonce, body_size, body_hash), signature)


def _signed_content(header_raw: bytes, nonce: bytes, body_size: int, body_hash: bytes) -> bytes:
    """What the signature covers: fixed-size fields and the header last, so no two contents share an encoding."""
    return nonce + body_size.to_bytes(8, "big") + body_hash + header_raw


def envelope_digest(header_raw: bytes, nonce: bytes, body_size: int, body_hash: bytes, signature: bytes) -> bytes:
    """What the next envelope of the link holds as ``prev_hash``; needs no body."""
    content = _signed_content(header_raw, nonce, body_size, body_hash)
    return hashlib.sha256(_DIGEST_CONTEXT + signature + content).digest()


def _outer(raw: bytes) -> envelope_pb2.Envelope:
    if len(raw) > MAX_ENVELOPE_BYTES:
        raise RemoteProtocolError(
            "ENVELOPE_TOO_LARGE",
            Text(
                en=f"an envelope of {len(raw)} bytes; the limit is {MAX_ENVELOPE_BYTES}",
                zh=f"信封长度 {len(raw)} 字节，超过上限 {MAX_ENVELOPE_BYTES}",
            ),
            cure=Text(en="the sender must split bulk into chunks", zh="发送方须将大数据分块发送"),
        )
    try:
        made: envelope_pb2.Envelope = envelope_pb2.Envelope.FromString(raw)
    except DecodeError:
        raise _malformed() from None
    return made


def _encode(header_raw: bytes, nonce: bytes, body: bytes, signature: bytes) -> bytes:
    made: bytes = envelope_pb2.Envelope(
        header=header_raw, nonce=nonce, body=body, signature=signature
    ).SerializeToString(deterministic=True)
    return made


def _malformed() -> RemoteProtocolError:
    return RemoteProtocolError(
        "ENVELOPE_MALFORMED",
        Text(en="this is no envelope in its canonical encoding", zh="内容不是规范编码的信封"),
        cure=Text(
            en="nothing of it was used; if it repeats, compare the versions of both sides",
            zh="该内容未被使用；如反复出现，请核对双方版本",
        ),
    )


def _version_refused(version: int) -> RemoteProtocolError:
    return RemoteProtocolError(
        "ENVELOPE_VERSION",
        Text(
            en=f"the sender's envelope has version {version}, this side reads version {ENVELOPE_VERSION}",
            zh=f"发送方信封版本为 {version}，本方可读版本为 {ENVELOPE_VERSION}",
        ),
        cure=Text(en="bring both sides to the same release", zh="请将双方升级到同一版本"),
    )


def other(code: str, en: str, zh: str) -> RemoteProtocolError:
    """The error for an envelope that belongs elsewhere: "an envelope" + ``en``, "信封" + ``zh``."""
    return RemoteProtocolError(
        code,
        Text(en=f"an envelope {en}", zh=f"信封{zh}"),
        cure=Text(
            en="it was refused; if it repeats, the relay misdelivers: tell the network's operator",
            zh="已拒收；如反复出现，说明中继投递有误，请通知网络运营方",
        ),
    )
