"""Joining, renewing, the job book and the witness, over gRPC and at rest."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from transport_harness import JOB, LOOPBACK, Network

from coordinator.jobs import JobBook
from coordinator.registry import Registry
from coordinator.witness import Witness
from vfl.crypto.certificates import CertificateAuthority, Member, utc_now
from vfl.crypto.documents import SignedDocument
from vfl.crypto.envelope import Link, check_signature, envelope_digest
from vfl.crypto.identity import PartyIdentity, create_party_keys, enrol
from vfl.crypto.invitation import Invitation
from vfl.errors import DataError, LocalProtocolError, PolicyRefused, VflError
from vfl.roles import RoleName
from vfl.runtime.client import CoordinatorClient, join, renew

BANK = Member("lab", RoleName.BANK, "bank-a")


def invitation(network: Network, member: Member = BANK) -> Invitation:
    assert network.running is not None
    token = network.running.registry.invite(member)
    enrolment = f"{LOOPBACK}:{network.enrolment_port}"
    return Invitation(member, network.address, enrolment, network.authority.certificate, token)


def test_join_by_invitation_then_talk(network: Network, tmp_path: Path) -> None:
    async def run() -> None:
        async with network.up():
            received = Invitation.decode(invitation(network).encode())
            assert received.fingerprint == invitation(network).fingerprint
            identity = await join(received, tmp_path / "bank")
            assert identity.member == BANK
            again = await join(received, tmp_path / "bank")  # the answer was lost, say: the same key may ask again
            assert again.certificate == identity.certificate
            with pytest.raises(PolicyRefused, match="INVITATION_INVALID"):
                await join(received, tmp_path / "thief")
            async with CoordinatorClient(identity, network.address) as client:
                assert await client.parties() == []  # nobody has connected to the relay yet

    asyncio.run(run())


def test_token_goes_to_the_right_coordinator_only(network: Network, tmp_path: Path) -> None:
    async def run() -> None:
        async with network.up() as coordinator:
            genuine = invitation(network)
            foreign = CertificateAuthority.ephemeral("lab").certificate
            misled = Invitation(BANK, genuine.address, genuine.enrolment, foreign, genuine.token)
            with pytest.raises(VflError, match="COORDINATOR_NOT_TRUSTED"):
                await join(misled, tmp_path / "bank")
            assert coordinator.registry.join(genuine.token, create_party_keys(tmp_path / "bank", BANK))

    asyncio.run(run())


def test_enrolment_port_offers_nothing_else_and_members_port_no_enrolment(network: Network, tmp_path: Path) -> None:
    async def run() -> None:
        async with network.up():
            bank = enrol(network.authority, RoleName.BANK, "bank-a")
            async with CoordinatorClient(bank, f"{LOOPBACK}:{network.enrolment_port}") as client:
                with pytest.raises(VflError, match="UNIMPLEMENTED"):
                    await client.parties()
            given = invitation(network)
            elsewhere = Invitation(BANK, given.address, given.address, given.authority, given.token)
            with pytest.raises(VflError, match="COORDINATOR_UNREACHABLE"):  # it shows no certificate there
                await join(elsewhere, tmp_path / "bank")

    asyncio.run(run())


def test_invitations_expire_and_unknown_tokens_look_the_same(tmp_path: Path) -> None:
    authority = CertificateAuthority.ephemeral("lab")
    now = utc_now()
    registry = Registry(
        tmp_path / "r", "lab", authority.certificate, authority=authority, now=lambda: now + dt.timedelta(days=late)
    )
    late = 0.0
    token = registry.invite(BANK, days=7)
    request = create_party_keys(tmp_path / "bank", BANK)
    late = 7.1
    said = set()
    for tried in (token, b"unknown"):
        with pytest.raises(PolicyRefused) as caught:
            registry.join(tried, request)
        said.add(caught.value.in_("zh"))
    assert len(said) == 1
    late = 6.9
    with pytest.raises(VflError, match="REQUEST_INVALID"):
        registry.join(token, create_party_keys(tmp_path / "b", Member("lab", RoleName.BANK, "bank-b")))
    assert registry.join(token, request)


def test_tokens_are_kept_as_hashes_only(tmp_path: Path) -> None:
    authority = CertificateAuthority.ephemeral("lab")
    registry = Registry(tmp_path / "r", "lab", authority.certificate, authority=authority)
    token = registry.invite(BANK)
    registry.close()
    assert all(token not in p.read_bytes() for p in tmp_path.glob("r*"))
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o600


def test_coordinator_without_the_authority_issues_nothing(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "r", "lab", CertificateAuthority.ephemeral("lab").certificate)
    with pytest.raises(VflError, match="NO_AUTHORITY_HERE"):
        registry.invite(BANK)


def test_renewal_keeps_the_keys_and_moves_the_date(network: Network, tmp_path: Path) -> None:
    async def run() -> None:
        async with network.up():
            home = tmp_path / "bank"
            before = await join(invitation(network), home)
            after = await renew(home, network.address)
            assert after.record.anchor == before.record.anchor
            assert after.certificate.serial_number != before.certificate.serial_number
            assert PartyIdentity.load(home).certificate == after.certificate

    asyncio.run(run())


def test_job_book_over_grpc(network: Network) -> None:
    async def run() -> None:
        async with network.up():
            bank, platform = network.pair()
            proposal = SignedDocument.make(bank.identity, job=JOB, kind="proposal", body=b"terms")
            async with CoordinatorClient(bank.identity, network.address) as client:
                with pytest.raises(VflError, match="NO_RECORD"):
                    await client.publish(proposal)
                await network.attach(bank, platform)
                assert await client.publish(proposal) == await client.publish(proposal) == 1
                posed = SignedDocument.make(platform.identity, job=JOB, kind="approval", body=b"")
                with pytest.raises(VflError, match="DOCUMENT_MALFORMED"):
                    await client.publish(posed)  # the platform's document, on the bank's connection
            async with CoordinatorClient(platform.identity, network.address) as client:
                await client.publish(posed)
                lines = await client.documents(JOB)
                assert [(x.number, x.kind, x.party, x.size) for x in lines] == [
                    (1, "proposal", "bank-a", 5),
                    (2, "approval", "platform-b", 0),
                ]
                assert [x.number for x in await client.documents(JOB, after=1)] == [2]
                assert await client.documents("job-2") == []
                parties = {p.name: p for p in await client.parties()}
                assert {n: (p.role, p.state, p.online) for n, p in parties.items()} == {
                    "bank-a": ("bank", "active", True),
                    "platform-b": ("platform", "active", True),
                }
                got = await client.get(lines[0].id, parties["bank-a"].record)
                assert (got.body, got.id) == (b"terms", proposal.id)
                with pytest.raises(VflError, match="DOCUMENT_UNKNOWN"):
                    await client.get(bytes(32), bank.identity.record)
            await bank.detach()
            await platform.detach()
            await network.stop()
            reopened = JobBook(network.data / "jobs.sqlite3")
            assert [x.kind for x in reopened.lines()] == ["proposal", "approval"]

    asyncio.run(run())


def test_documents_have_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = enrol(CertificateAuthority.ephemeral("lab"), RoleName.BANK, "bank-a")
    with pytest.raises(LocalProtocolError, match="DOCUMENT_FIELDS"):
        SignedDocument.make(bank, job="j", kind="k", body=bytes((1 << 20) + 1))
    with pytest.raises(LocalProtocolError, match="DOCUMENT_FIELDS"):
        SignedDocument.make(bank, job="two words", kind="k", body=b"")
    monkeypatch.setattr("coordinator.jobs._QUOTA_BYTES", 100)
    book = JobBook(tmp_path / "jobs")
    for i in range(2):
        book.publish(SignedDocument.make(bank, job="j", kind="k", body=bytes(40) + b"%d" % i), bank.record)
    with pytest.raises(PolicyRefused, match="DOCUMENT_QUOTA"):
        book.publish(SignedDocument.make(bank, job="j", kind="k", body=bytes(40)), bank.record)


def test_document_fields_do_not_run_into_each_other() -> None:
    bank = enrol(CertificateAuthority.ephemeral("lab"), RoleName.BANK, "bank-a")
    made = SignedDocument.make(bank, job="ab", kind="c", body=b"d")
    moved = SignedDocument("a", "bc", "bank-a", b"d", made.signature)
    with pytest.raises(VflError, match="SIGNATURE_INVALID"):
        moved.verify(bank.record)


# --- the witness ----------------------------------------------------------------------------------------------


def test_witness_pages_prove_signatures_and_order_without_bodies(network: Network) -> None:
    async def run() -> None:
        async with network.up():
            bank, platform = network.pair()
            await network.attach(bank, platform)
            for i in range(5):
                await bank.say("platform-b", b"body-%d" % i)
            await platform.heard("bank-a", 5)
            async with CoordinatorClient(platform.identity, network.address) as client:
                page = await client.witness(JOB, platform.transport.coordinator_record)
                assert [e.number for e in (await client.witness(JOB, network.hub.record, after=3)).entries] == [4, 5]
            digest = b""
            for entry in page.entries:
                parts = (entry.header, entry.nonce, entry.body_size, entry.body_hash, entry.signature)
                check_signature(bank.identity.record, *parts)
                digest = envelope_digest(*parts)
            assert digest == bank.out[Link(JOB, 0, "bank-a", "platform-b")].head
            stored = (network.data / "witness.sqlite3").read_bytes()
            assert b"body-" not in stored
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE entry SET body_hash = zeroblob(32) WHERE number = 2",
        "UPDATE entry SET body_size = body_size + 1 WHERE number = 3",
        "DELETE FROM entry WHERE number = 2",
        "UPDATE entry SET number = -number WHERE number IN (2, 3);"
        "UPDATE entry SET number = 5 + number WHERE number < 0",
        "UPDATE entry SET header = (SELECT header FROM entry WHERE number = 1) WHERE number = 4",
    ],
    ids=["edited", "resized", "deleted", "swapped", "replaced"],
)
def test_harm_to_the_witness_log_is_found(network: Network, harm: str) -> None:
    async def run() -> None:
        async with network.up():
            bank, platform = network.pair()
            await network.attach(bank, platform)
            for i in range(5):
                await bank.say("platform-b", b"%d" % i)
            await platform.heard("bank-a", 5)
            await bank.detach()
            await platform.detach()

    asyncio.run(run())
    witness = Witness(network.data / "witness.sqlite3")
    assert witness.verify().length == 5
    witness._db.executescript(harm)
    with pytest.raises(DataError, match="WITNESS_BROKEN"):
        witness.verify()
