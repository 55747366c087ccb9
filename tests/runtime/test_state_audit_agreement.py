"""Role state as bytes; the audit chain; proposal and approval."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from functools import partial

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support.jobs import JOB, Shape, spec_of

from vfl.crypto.certificates import CertificateAuthority
from vfl.crypto.documents import SignedDocument
from vfl.crypto.identity import PartyIdentity, enrol
from vfl.crypto.randomness import JobSeed
from vfl.errors import DataError, RemoteProtocolError
from vfl.protocols.plan import contract_of
from vfl.roles import RoleName
from vfl.runtime.agreement import Approval, Facts, Proposal
from vfl.runtime.audit import AUDIT_CONTEXT, AuditTrail, verify_trail
from vfl.runtime.state import freeze, thaw

# --- state -------------------------------------------------------------------------------------------------------


def test_state_comes_back_bit_for_bit() -> None:
    arrays = {
        "margins": np.array([0.1, -np.inf, np.nan, 5e-324]), "rows": np.arange(6, dtype=np.int32).reshape(2, 3),
        "empty": np.zeros((0, 4), dtype=np.uint16), "sides": np.array([True, False]),
    }  # fmt: skip
    facts = {"losses": [0.1, 1 / 3], "名称": "甲", "next": 2**60}
    again, told = thaw(freeze(arrays, facts))
    assert told == facts
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype
        assert again[name].tobytes() == array.tobytes()
        assert again[name].flags.writeable


def test_equal_state_gives_equal_bytes_whatever_the_order_and_layout() -> None:
    square = np.arange(9.0).reshape(3, 3)
    one = freeze({"a": square, "b": square[:, ::-1]}, {"x": 1, "y": 2})
    other = freeze({"b": square[:, ::-1].copy(), "a": np.asfortranarray(square)}, {"y": 2, "x": 1})
    assert one == other


def test_objects_are_no_state() -> None:
    with pytest.raises(TypeError, match="plain numbers"):
        freeze({"a": np.array([object()])}, {})


# --- audit -------------------------------------------------------------------------------------------------------

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


class Noon:
    def now(self) -> dt.datetime:
        return dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def trail(lines: list[bytes] | None = None) -> AuditTrail:
    return AuditTrail("bank-a", lambda raw: KEY.sign(AUDIT_CONTEXT + raw), Noon(), lines or [])


def chain(length: int = 5) -> tuple[list[bytes], str]:
    audit = trail()
    lines = [audit.entry("sent", to="platform-a", bytes=i)[1] for i in range(length)]
    return lines, audit.head


def test_a_whole_chain_verifies_and_goes_on_after_a_restart() -> None:
    lines, head = chain()
    assert verify_trail(lines, KEY.public_key(), name="a", head=head) == 5
    index, line = trail(lines).entry("sent", to="platform-a")
    assert index == 5
    assert verify_trail([*lines, line], KEY.public_key(), name="a") == 6


@pytest.mark.parametrize(
    ("spoil", "row"),
    [
        (lambda x: [x[0], x[1].replace(b'"bytes":1', b'"bytes":9'), *x[2:]], 2),
        (lambda x: [*x[:2], *x[3:]], 3),
        (lambda x: [x[0], x[2], x[1], *x[3:]], 2),
        (lambda x: [*x[:3], x[3][:-3] + b'0"}', x[4]], 4),
        (lambda x: [b"[]", *x[1:]], 1),
        (lambda x: [*x[:4], x[4] + b" "], 5),
        (lambda x: [*x, x[-1]], 6),
        (lambda x: x[1:], 1),
    ],
)
def test_a_spoilt_chain_is_refused_at_its_first_wrong_entry(spoil: object, row: int) -> None:
    lines, _ = chain()
    with pytest.raises(DataError) as caught:
        verify_trail(spoil(lines), KEY.public_key(), name="audit.jsonl")  # type: ignore[operator]
    assert caught.value.code == "AUDIT_BROKEN"
    assert caught.value.place is not None
    assert (caught.value.place.file, caught.value.place.row) == ("audit.jsonl", row)


def test_a_truncated_chain_shows_by_its_head() -> None:
    lines, head = chain()
    with pytest.raises(DataError) as caught:
        verify_trail(lines[:-1], KEY.public_key(), name="a", head=head)
    assert caught.value.code == "AUDIT_TRUNCATED"
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32).public_key()
    with pytest.raises(DataError):
        verify_trail(lines, other, name="a")


def test_a_fact_cannot_take_the_place_of_the_chain() -> None:
    """``index``, ``prev``, ``party`` and time are the trail's own, whatever facts are recorded."""
    _, line = trail().entry("sent", prev="forged", index=99, at="never", to="platform-a")
    entry = json.loads(line)["entry"]
    assert (entry["index"], entry["prev"], entry["at"][:10]) == (0, "0" * 64, "2026-01-01")
    assert entry["to"] == "platform-a"
    assert verify_trail([line], KEY.public_key(), name="a") == 1


# --- agreement ---------------------------------------------------------------------------------------------------

SPEC = spec_of(Shape(), "2026-07-01")
FACTS = Facts(2000, 15)


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority.ephemeral("test")


@pytest.fixture(scope="module")
def bank(authority: CertificateAuthority) -> PartyIdentity:
    return enrol(authority, RoleName.BANK, "bank-a")


@pytest.fixture(scope="module")
def platform(authority: CertificateAuthority) -> PartyIdentity:
    return enrol(authority, RoleName.PLATFORM, "platform-a")


def for_job(identity: PartyIdentity, job: str = JOB) -> PartyIdentity:
    return identity.for_job(job, JobSeed(identity.name.encode().ljust(32, b".")))


def proposal(bank: PartyIdentity, authority: CertificateAuthority) -> Proposal:
    document = Proposal.document(for_job(bank), JOB, SPEC, FACTS)
    return Proposal.read(document, bank.record, authority.certificate)


def test_both_sides_derive_one_contract(
    bank: PartyIdentity, platform: PartyIdentity, authority: CertificateAuthority
) -> None:
    read = proposal(bank, authority)
    answer = Approval.read(
        Approval.document(for_job(platform), read, Facts(1600, 9)), platform.record, authority.certificate, read
    )
    assert (answer.party, answer.facts) == ("platform-a", Facts(1600, 9))
    make = partial(contract_of, JOB, read.spec, rows=read.facts.rows, bank_features=read.facts.features)
    one = make(sizes={"platform-a": 1600}, features={"platform-a": 9})
    assert one.digest == make(sizes={"platform-a": 1600}, features={"platform-a": 9}).digest
    assert one.digest != make(sizes={"platform-a": 1600}, features={"platform-a": 10}).digest


def respoken(identity: PartyIdentity, kind: str, **changes: object) -> SignedDocument:
    """A document whose author signed a body of its own making."""
    made = Proposal.document(for_job(identity), JOB, SPEC, FACTS)
    body = json.loads(made.body) | changes
    body = {k: v for k, v in body.items() if v is not ...}
    return SignedDocument.make(identity, job=JOB, kind=kind, body=json.dumps(body).encode())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"rows": -1}, "FACTS_MALFORMED"),
        ({"rows": True}, "FACTS_MALFORMED"),
        ({"rows": "2000"}, "FACTS_MALFORMED"),
        ({"features": 10**6}, "FACTS_MALFORMED"),
        ({"terms": "[job"}, "PROPOSAL_MALFORMED"),
        ({"terms": 7}, "PROPOSAL_MALFORMED"),
        ({"terms": SPEC.text.replace("bank-a", "bank-b")}, "PROPOSAL_MALFORMED"),
        ({"terms": ...}, "PROPOSAL_MALFORMED"),
        ({"more": 1}, "PROPOSAL_MALFORMED"),
        ({"record": "###"}, "RECORD_MALFORMED"),
    ],
)
def test_a_malformed_proposal_is_refused_by_name(
    bank: PartyIdentity, authority: CertificateAuthority, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Proposal.read(respoken(bank, "proposal", **changes), bank.record, authority.certificate)
    assert caught.value.code == code


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"\xff", b'{"terms":', b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(
    bank: PartyIdentity, authority: CertificateAuthority, body: bytes
) -> None:
    document = SignedDocument.make(bank, job=JOB, kind="proposal", body=body[:60_000])
    with pytest.raises(RemoteProtocolError) as caught:
        Proposal.read(document, bank.record, authority.certificate)
    assert caught.value.code == "PROPOSAL_MALFORMED"


def test_an_approval_is_of_one_proposal_by_a_party_of_it(
    bank: PartyIdentity, platform: PartyIdentity, authority: CertificateAuthority
) -> None:
    read = proposal(bank, authority)
    other = dataclasses.replace(read, id=b"another proposal")
    stranger = enrol(authority, RoleName.PLATFORM, "platform-z")
    for document, author in (
        (Approval.document(for_job(platform), other, FACTS), platform),
        (Approval.document(for_job(stranger), read, FACTS), stranger),
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            Approval.read(document, author.record, authority.certificate, read)
        assert caught.value.code == "APPROVAL_OTHER"
