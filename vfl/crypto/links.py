"""Sealing and opening the envelopes of a link, in the manner of HPKE (RFC 9180) with keys both sides hold::

    secret       X25519(own agreement key, peer's agreement key)                RFC 7748
    link keys    HKDF-SHA256(secret, salt = contract hash, info = link, keys)   RFC 5869
    nonce        HMAC-SHA256(nonce key, header, plaintext)[:12]                 synthetic, as in SIV, RFC 5297
    body         ChaCha20-Poly1305(cipher key, nonce, plaintext, header)        RFC 8439

Sealing is deterministic, so a replayed step gives byte-identical envelopes; and the nonce depends on the
plaintext, so even a sender that broke that rule would not use one nonce for two texts.

The receiver checks size, encoding, version, link, signature, sequence and chain before it decrypts, and
decrypts before anything parses the body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vfl.crypto.envelope import MAX_BODY_BYTES, Envelope, Header, Link, other, plain_name
from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.errors import CryptoError, LocalProtocolError, RemoteProtocolError, Text, TranscriptMismatch

__all__ = ["Accepted", "Duplicate", "Equivocation", "Gap", "InboundLink", "Opened", "OutboundLink"]

_KEY_CONTEXT = b"vfl/link-keys/1\0"
_EARLY_BYTES = 16 << 20  # envelopes kept while one before them is missing; beyond that they are asked for again


class _LinkCipher:
    """The keys of one link, the same at both ends."""

    __slots__ = ("_aead", "_nonce_key")

    def __init__(self, identity: PartyIdentity, peer: PartyRecord, link: Link, genesis: bytes) -> None:
        own = identity.record
        sender, receiver = (own, peer) if link.sender == own.name else (peer, own)
        if (sender.name, receiver.name) != (link.sender, link.receiver) or own.member.network != peer.member.network:
            raise LocalProtocolError(
                "LINK_PARTIES",
                Text(en=f"the link {link} does not join these two parties", zh=f"链路 {link} 不属于这两方"),
                cure=Text(
                    en="open the link with the records of its own two parties", zh="请用该链路两方的身份记录打开"
                ),
            )
        parts = (
            own.member.network, link.job, str(link.epoch), link.sender, link.receiver, sender.job, receiver.job,
        )  # fmt: skip
        info = _KEY_CONTEXT + sender.agreement_key + receiver.agreement_key + "\0".join(parts).encode()
        okm = HKDF(hashes.SHA256(), 64, salt=genesis, info=info).derive(identity.agree(peer))
        self._aead = ChaCha20Poly1305(okm[:32])
        self._nonce_key = okm[32:]

    def seal(self, header_raw: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
        """(nonce, body). The header holds link and seq, so equal plaintexts get unequal nonces."""
        mac = hmac.new(self._nonce_key, len(header_raw).to_bytes(8, "big") + header_raw, hashlib.sha256)
        mac.update(plaintext)
        nonce = mac.digest()[:12]
        return nonce, self._aead.encrypt(nonce, plaintext, header_raw)

    def open(self, envelope: Envelope) -> bytes:
        try:
            return self._aead.decrypt(envelope.nonce, envelope.body, envelope.header_raw)
        except InvalidTag:
            raise CryptoError(
                "BODY_NOT_AUTHENTIC",
                Text(
                    en="the body does not open under this link's key, though its sender signed it",
                    zh="信封由发送方签名，但内容无法用本链路密钥解开",
                ),
                cure=Text(
                    en="both sides must use the same contract and each other's current records",
                    zh="双方须使用同一合同与对方当前的身份记录",
                ),
            ) from None


class OutboundLink:
    """The sender's end: seals messages in order.

    Parameters
    ----------
    identity, peer
        Own keys and the receiver's verified record.
    link : Link
    genesis : bytes
        The contract's hash, 32 bytes.
    next_seq, head
        Where to go on after a restart: the next number and the digest of the envelope before it.
    """

    def __init__(
        self,
        identity: PartyIdentity,
        peer: PartyRecord,
        link: Link,
        genesis: bytes,
        *,
        next_seq: int = 0,
        head: bytes | None = None,
    ) -> None:
        self.link = link
        self.next_seq = next_seq
        self.head = genesis if head is None else head
        self._identity = identity
        self._cipher = _LinkCipher(identity, peer, link, genesis)

    def seal(self, *, step: str, type: str, body: bytes) -> bytes:
        """The next envelope of the link. The same calls give the same bytes.

        LocalProtocolError ``BODY_TOO_LARGE`` beyond :data:`MAX_BODY_BYTES`, ``HEADER_FIELD`` for names that are
        not 1-128 plain characters.
        """
        if len(body) > MAX_BODY_BYTES:
            raise LocalProtocolError(
                "BODY_TOO_LARGE",
                Text(en=f"a message has more than {MAX_BODY_BYTES} bytes", zh=f"消息超过 {MAX_BODY_BYTES} 字节"),
                cure=Text(en="send bulk as a stream of chunks", zh="大数据请以分块流发送"),
            )
        if not all(map(plain_name, (self.link.job, step, type))):
            raise LocalProtocolError(
                "HEADER_FIELD",
                Text(
                    en="job, step and type have 1 to 128 plain characters",
                    zh="job、step、type 须为 1 到 128 个普通字符",
                ),
                cure=Text(en="use printable ASCII without blanks", zh="请使用不含空格的可打印 ASCII 字符"),
            )
        header = Header(self.link, self.next_seq, step, type, self.head)
        envelope = Envelope.sign(self._identity, header, *self._cipher.seal(header.encode(), body))
        self.head = envelope.digest
        self.next_seq += 1
        return envelope.encode()


class Equivocation(RemoteProtocolError):
    """A sender signed two different envelopes for one place of a link.

    Attributes
    ----------
    evidence : tuple of bytes
        Both envelopes; their signatures convince anyone who has the sender's record.
    """

    def __init__(self, link: Link, seq: int, first: bytes, second: bytes) -> None:
        super().__init__(
            "EQUIVOCATION",
            Text(
                en=f"{link.sender} signed two different messages number {seq} of {link.job}",
                zh=f"{link.sender} 对任务 {link.job} 的第 {seq} 条消息签署了两个不同版本",
            ),
            cure=Text(
                en="the job is halted; both messages are kept as evidence: take it up with that party",
                zh="任务已停止，两份消息均已留作证据，请与该机构交涉",
            ),
        )
        self.evidence = (first, second)


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """An envelope that passed every check, and its message."""

    header: Header
    body: bytes
    raw: bytes
    digest: bytes

    def __repr__(self) -> str:
        return f"<Opened {self.header.link} #{self.header.seq} {self.header.type}, {len(self.body)} bytes>"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The envelope was next, or filled the gap before others: act on these, in order."""

    opened: tuple[Opened, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Already accepted: ignore it, but acknowledge ``next_seq`` again."""

    next_seq: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Kept for later, or dropped when too far ahead: ask the sender to resume at ``next_seq``."""

    next_seq: int


class InboundLink:
    """The receiver's end: checks, orders and opens envelopes.

    Parameters
    ----------
    recorded : callable
        ``recorded(seq)`` gives an accepted envelope from the journal, or None when it was pruned: a repeat of
        a recorded one is compared with it, so that a changed repeat is found out.
    Others as for :class:`OutboundLink`.
    """

    def __init__(
        self,
        identity: PartyIdentity,
        peer: PartyRecord,
        link: Link,
        genesis: bytes,
        *,
        recorded: Callable[[int], bytes | None],
        next_seq: int = 0,
        head: bytes | None = None,
    ) -> None:
        self.link = link
        self.next_seq = next_seq
        self.head = genesis if head is None else head
        self._peer = peer
        self._recorded = recorded
        self._cipher = _LinkCipher(identity, peer, link, genesis)
        self._early: dict[int, bytes] = {}
        self._early_bytes = 0

    def accept(self, raw: bytes) -> Accepted | Duplicate | Gap:
        """Check one envelope from the transport; see the module's text for the order of the checks.

        Raises
        ------
        RemoteProtocolError
            ``ENVELOPE_TOO_LARGE``, ``ENVELOPE_MALFORMED``, ``ENVELOPE_VERSION``, ``OTHER_RECEIVER``,
            ``OTHER_SENDER``, ``OTHER_JOB``, ``OTHER_EPOCH``; :class:`Equivocation`.
        CryptoError
            ``SIGNATURE_INVALID``, ``BODY_NOT_AUTHENTIC``.
        TranscriptMismatch
            ``CHAIN_BROKEN``.

        After an error the link is as it was before the call.
        """
        envelope = Envelope.parse(raw)
        self._check_link(envelope.header.link)
        envelope.check_signature(self._peer)
        seq = envelope.header.seq
        if seq < self.next_seq:
            return self._repeated(seq, raw, self._recorded(seq))
        if seq > self.next_seq:
            return self._keep(seq, raw)
        opened = [self._open(envelope, raw)]
        while (waiting := self._early.pop(self.next_seq, None)) is not None:
            self._early_bytes -= len(waiting)
            try:
                opened.append(self._open(Envelope.parse(waiting), waiting))
            except (CryptoError, TranscriptMismatch):
                # The envelope that came in order stands; the bad one is asked for again and judged when it
                # comes as the next.
                break
        return Accepted(tuple(opened))

    def _check_link(self, got: Link) -> None:
        if got.receiver != self.link.receiver:
            raise other("OTHER_RECEIVER", "is for another receiver", "接收方不是本方")
        if got.sender != self.link.sender:
            raise other("OTHER_SENDER", "names another sender", "所署发送方不符")
        if got.job != self.link.job:
            raise other("OTHER_JOB", "belongs to another job", "属于其他任务")
        if got.epoch != self.link.epoch:
            raise other("OTHER_EPOCH", "belongs to another epoch of the job", "属于该任务的其他轮次")

    def _repeated(self, seq: int, raw: bytes, first: bytes | None) -> Duplicate:
        if first is not None and first != raw:
            raise Equivocation(self.link, seq, first, raw)
        return Duplicate(self.next_seq)

    def _keep(self, seq: int, raw: bytes) -> Gap:
        waiting = self._early.get(seq)
        if waiting is not None:
            self._repeated(seq, raw, waiting)
        elif self._early_bytes + len(raw) <= _EARLY_BYTES:
            self._early[seq] = raw
            self._early_bytes += len(raw)
        return Gap(self.next_seq)

    def _open(self, envelope: Envelope, raw: bytes) -> Opened:
        if not hmac.compare_digest(envelope.header.prev_hash, self.head):
            start = self.next_seq == 0
            raise TranscriptMismatch(
                "CHAIN_BROKEN",
                Text(
                    en=f"{self.link.sender} has "
                    + ("another contract than ours" if start else "another history of this link than ours"),
                    zh=f"{self.link.sender} 所持" + ("合同与本方不同" if start else "本链路的历史与本方不一致"),
                ),
                cure=Text(
                    en="compare the contract's fingerprint and both audit bundles; start the job in a new epoch",
                    zh="请核对合同指纹与双方审计包；在新的轮次中重新发起任务",
                ),
            )
        body = self._cipher.open(envelope)
        self.head = envelope.digest
        self.next_seq += 1
        return Opened(envelope.header, body, raw, envelope.digest)
