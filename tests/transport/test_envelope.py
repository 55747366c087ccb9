"""Envelopes and links: every check, its order and its name."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from transport_harness import GENESIS, members

from vfl.crypto.certificates import CertificateAuthority
from vfl.crypto.envelope import MAX_BODY_BYTES, MAX_ENVELOPE_BYTES, Envelope, Link, check_signature
from vfl.crypto.identity import PartyIdentity
from vfl.crypto.links import Accepted, Duplicate, Equivocation, Gap, InboundLink, OutboundLink
from vfl.crypto.randomness import JobSeed
from vfl.errors import CryptoError, LocalProtocolError, RemoteProtocolError, TranscriptMismatch
from vfl.pb.v1 import envelope_pb2

LINK = Link("job-1", 0, "bank-a", "platform-b")


class Ends:
    """Both ends of one link, the receiver's with a journal."""

    def __init__(self, sender: PartyIdentity, receiver: PartyIdentity, link: Link = LINK) -> None:
        self.sender, self.receiver = sender, receiver
        self.journal: dict[int, bytes] = {}
        self.out = OutboundLink(sender, receiver.record, link, GENESIS)
        self.into = InboundLink(receiver, sender.record, link, GENESIS, recorded=self.journal.get)

    def seal(self, body: bytes = b"hello") -> bytes:
        return self.out.seal(step="trees/1", type="vfl.v1.Test", body=body)

    def take(self, raw: bytes) -> list[bytes]:
        outcome = self.into.accept(raw)
        assert isinstance(outcome, Accepted)
        self.journal.update({o.header.seq: o.raw for o in outcome.opened})
        return [o.body for o in outcome.opened]


@pytest.fixture(scope="module")
def party() -> dict[str, PartyIdentity]:
    return members(CertificateAuthority.ephemeral("lab"), "bank-a", "platform-b", "platform-c")


@pytest.fixture
def ends(party: dict[str, PartyIdentity]) -> Ends:
    return Ends(party["bank-a"], party["platform-b"])


def test_bodies_arrive_and_lengths_are_the_only_trace(ends: Ends) -> None:
    for body in (b"", b"x", os.urandom(1000), bytes(MAX_BODY_BYTES)):
        raw = ends.seal(body)
        assert len(raw) <= MAX_ENVELOPE_BYTES
        assert len(Envelope.parse(raw).body) == len(body) + 16
        assert body not in raw or len(body) < 2
        assert ends.take(raw) == [body]


def test_sealing_follows_the_documented_construction(ends: Ends) -> None:
    """An independent computation from the RFCs' building blocks opens the envelope and finds the same nonce."""
    body = b"what the text of the module promises"
    envelope = Envelope.parse(ends.seal(body))
    own, peer = ends.receiver, ends.sender.record
    secret = own._agreement.exchange(X25519PublicKey.from_public_bytes(peer.agreement_key))
    prk = hmac.new(GENESIS, secret, hashlib.sha256).digest()
    names = "\0".join(("lab", "job-1", "0", "bank-a", "platform-b", "", "")).encode()
    info = b"vfl/link-keys/1\0" + peer.agreement_key + own.record.agreement_key + names
    first = hmac.new(prk, info + b"\x01", hashlib.sha256).digest()
    second = hmac.new(prk, first + info + b"\x02", hashlib.sha256).digest()
    header = envelope.header_raw
    assert ChaCha20Poly1305(first).decrypt(envelope.nonce, envelope.body, header) == body
    framed = len(header).to_bytes(8, "big") + header + body
    assert envelope.nonce == hmac.new(second, framed, hashlib.sha256).digest()[:12]


def test_resealing_gives_the_same_bytes_and_another_text_another_nonce(party: dict[str, PartyIdentity]) -> None:
    first, again = (Ends(party["bank-a"], party["platform-b"]) for _ in range(2))
    assert [first.seal(b"a"), first.seal(b"b")] == [again.seal(b"a"), again.seal(b"b")]
    nonces = {Envelope.parse(Ends(party["bank-a"], party["platform-b"]).seal(b"%d" % i)).nonce for i in range(50)}
    assert len(nonces) == 50


def test_every_flipped_byte_is_refused_with_a_name_and_leaves_the_link_as_it_was(ends: Ends) -> None:
    raw = ends.seal(b"secret body")
    codes: set[str] = set()
    for position in range(len(raw)):
        for flip in (0x01, 0x80):
            bad = bytearray(raw)
            bad[position] ^= flip
            with pytest.raises((CryptoError, RemoteProtocolError)) as caught:
                ends.into.accept(bytes(bad))
            codes.add(caught.value.code)
    assert codes >= {"ENVELOPE_MALFORMED", "SIGNATURE_INVALID", "OTHER_JOB", "OTHER_RECEIVER", "OTHER_SENDER"}
    assert ends.take(raw) == [b"secret body"]


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:-1],
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: raw + b"\x00",
        lambda raw: raw + b"\x2a\x00",  # an unknown field 5
        lambda raw: raw + envelope_pb2.Envelope(nonce=bytes(12)).SerializeToString(),  # a repeated field
        lambda raw: _reordered(raw),
        lambda raw: envelope_pb2.Envelope(header=b"\xff" * 40, nonce=bytes(12), body=bytes(20)).SerializeToString(),
        lambda raw: os.urandom(len(raw)),
    ],
    ids=["short", "half", "empty", "long", "unknown field", "repeated field", "reordered", "bad header", "noise"],
)
def test_what_is_not_the_canonical_encoding_is_malformed(ends: Ends, change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        ends.into.accept(change(ends.seal()))
    assert caught.value.code == "ENVELOPE_MALFORMED"


def _reordered(raw: bytes) -> bytes:
    pb = envelope_pb2.Envelope.FromString(raw)
    parts = [envelope_pb2.Envelope(signature=pb.signature), envelope_pb2.Envelope(body=pb.body)]
    parts += [envelope_pb2.Envelope(nonce=pb.nonce), envelope_pb2.Envelope(header=pb.header)]
    return b"".join(p.SerializeToString() for p in parts)


def test_too_long_is_refused_before_anything_is_parsed(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vfl.crypto.envelope.envelope_pb2", None)
    with pytest.raises(RemoteProtocolError) as caught:
        ends.into.accept(bytes(MAX_ENVELOPE_BYTES + 1))
    assert caught.value.code == "ENVELOPE_TOO_LARGE"


@pytest.mark.parametrize("version", [0, 2])
def test_other_version_is_refused_naming_both(ends: Ends, version: int) -> None:
    pb = envelope_pb2.Envelope.FromString(ends.seal())
    header = envelope_pb2.EnvelopeHeader.FromString(pb.header)
    header.version = version
    pb.header = header.SerializeToString(deterministic=True)
    with pytest.raises(RemoteProtocolError, match=f"version {version}, this side reads version 1") as caught:
        ends.into.accept(pb.SerializeToString(deterministic=True))
    assert caught.value.code == "ENVELOPE_VERSION"


@pytest.mark.parametrize(
    ("link", "code"),
    [
        (Link("job-2", 0, "bank-a", "platform-b"), "OTHER_JOB"),
        (Link("job-1", 1, "bank-a", "platform-b"), "OTHER_EPOCH"),
        (Link("job-1", 0, "bank-a", "platform-c"), "OTHER_RECEIVER"),
        (Link("job-1", 0, "platform-c", "platform-b"), "OTHER_SENDER"),
    ],
)
def test_a_genuine_envelope_pasted_elsewhere_is_refused(
    party: dict[str, PartyIdentity], ends: Ends, link: Link, code: str
) -> None:
    foreign = Ends(party[link.sender], party[link.receiver], link)
    with pytest.raises(RemoteProtocolError) as caught:
        ends.into.accept(foreign.seal())
    assert caught.value.code == code


def test_signature_of_another_party_is_refused_before_decryption(party: dict[str, PartyIdentity], ends: Ends) -> None:
    envelope = Envelope.parse(ends.seal())
    forged = Envelope.sign(party["platform-c"], envelope.header, envelope.nonce, envelope.body)
    ends.into._cipher = None  # type: ignore[assignment]
    with pytest.raises(CryptoError) as caught:
        ends.into.accept(forged.encode())
    assert caught.value.code == "SIGNATURE_INVALID"


def test_order_duplicates_and_gaps(ends: Ends) -> None:
    raws = [ends.seal(b"%d" % i) for i in range(5)]
    assert ends.into.accept(raws[2]) == Gap(0)
    assert ends.into.accept(raws[1]) == Gap(0)
    assert ends.take(raws[0]) == [b"0", b"1", b"2"]
    assert ends.into.accept(raws[1]) == Duplicate(3)
    assert ends.into.accept(raws[4]) == Gap(3)
    assert ends.take(raws[3]) == [b"3", b"4"]
    assert ends.into.next_seq == ends.out.next_seq == 5
    assert ends.into.head == ends.out.head


def test_early_envelopes_are_bounded(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vfl.crypto.links._EARLY_BYTES", 3000)
    raws = [ends.seal(bytes(500)) for _ in range(20)]
    for raw in raws[1:]:
        assert ends.into.accept(raw) == Gap(0)
    assert ends.into._early_bytes <= 3000
    taken = len(ends.take(raws[0]))
    assert 1 < taken < 20
    assert ends.into._early_bytes == 0


def test_another_contract_shows_at_the_first_envelope(party: dict[str, PartyIdentity]) -> None:
    a, b = party["bank-a"], party["platform-b"]
    out = OutboundLink(a, b.record, LINK, bytes(32))
    into = InboundLink(b, a.record, LINK, GENESIS, recorded=lambda _: None)
    with pytest.raises(TranscriptMismatch, match="another contract") as caught:
        into.accept(out.seal(step="s", type="t", body=b""))
    assert caught.value.code == "CHAIN_BROKEN"


def test_another_history_shows_at_the_next_envelope(party: dict[str, PartyIdentity]) -> None:
    one, two = (Ends(party["bank-a"], party["platform-b"]) for _ in range(2))
    one.take(one.seal(b"this"))
    two.seal(b"that")
    with pytest.raises(TranscriptMismatch, match="another history") as caught:
        one.into.accept(two.seal(b"next"))
    assert caught.value.code == "CHAIN_BROKEN"


def test_two_signed_versions_of_one_place_are_equivocation_with_evidence(party: dict[str, PartyIdentity]) -> None:
    honest, second = (Ends(party["bank-a"], party["platform-b"]) for _ in range(2))
    first = honest.seal(b"one story")
    honest.take(first)
    with pytest.raises(Equivocation) as caught:
        honest.into.accept(second.seal(b"another"))
    assert caught.value.code == "EQUIVOCATION"
    places = set()
    for raw in caught.value.evidence:
        envelope = Envelope.parse(raw)
        parts = (envelope.header_raw, envelope.nonce, len(envelope.body), envelope.body_hash, envelope.signature)
        check_signature(party["bank-a"].record, *parts)  # a judge needs the record only
        places.add((envelope.header.link, envelope.header.seq))
    assert len(places) == 1
    assert len(set(caught.value.evidence)) == 2


def test_equivocation_shows_among_early_envelopes_too(party: dict[str, PartyIdentity]) -> None:
    one, two = (Ends(party["bank-a"], party["platform-b"]) for _ in range(2))
    one.seal(b"x"), two.seal(b"y")
    one.into.accept(one.seal(b"one story"))
    with pytest.raises(Equivocation):
        one.into.accept(two.seal(b"another"))


def test_a_job_key_opens_nothing_once_its_seed_is_gone(party: dict[str, PartyIdentity]) -> None:
    a, b = party["bank-a"], party["platform-b"]
    seeds = JobSeed(b"a" * 32), JobSeed(b"b" * 32)
    for_job = Ends(a.for_job("job-1", seeds[0]), b.for_job("job-1", seeds[1]))
    raw = for_job.seal(b"for this job")
    restarted = Ends(a.for_job("job-1", seeds[0]), b.for_job("job-1", seeds[1]))
    assert restarted.seal(b"for this job") == raw
    general = InboundLink(b, for_job.sender.record, LINK, GENESIS, recorded=lambda _: None)
    with pytest.raises(CryptoError) as caught:
        general.accept(raw)
    assert caught.value.code == "BODY_NOT_AUTHENTIC"
    assert general.next_seq == 0
    assert for_job.take(raw) == [b"for this job"]


def test_restart_in_the_middle(party: dict[str, PartyIdentity], ends: Ends) -> None:
    raws = [ends.seal(b"%d" % i) for i in range(3)]
    ends.take(raws[0])
    a, b = ends.sender, ends.receiver
    into = InboundLink(
        b, a.record, LINK, GENESIS, recorded=ends.journal.get, next_seq=1, head=Envelope.parse(raws[0]).digest
    )
    assert isinstance(into.accept(raws[1]), Accepted)
    out = OutboundLink(a, b.record, LINK, GENESIS, next_seq=2, head=Envelope.parse(raws[1]).digest)
    assert out.seal(step="trees/1", type="vfl.v1.Test", body=b"2") == raws[2]


def test_local_misuse_is_refused(party: dict[str, PartyIdentity], ends: Ends) -> None:
    with pytest.raises(LocalProtocolError, match="BODY_TOO_LARGE"):
        ends.seal(bytes(MAX_BODY_BYTES + 1))
    with pytest.raises(LocalProtocolError, match="HEADER_FIELD"):
        ends.out.seal(step="two words", type="t", body=b"")
    with pytest.raises(LocalProtocolError, match="LINK_PARTIES"):
        OutboundLink(party["bank-a"], party["platform-c"].record, LINK, GENESIS)


def test_low_order_agreement_key_is_refused(party: dict[str, PartyIdentity], ends: Ends) -> None:
    record = party["platform-b"].record
    weak = type(record)(record.member, "", record.signing_key, bytes(32), record.certificate, b"")
    with pytest.raises(CryptoError, match="AGREEMENT_KEY_WEAK"):
        OutboundLink(party["bank-a"], weak, LINK, GENESIS)
