"""A coordinator that lies: whatever it does, nothing false is accepted, and the lie has a name."""

from __future__ import annotations

import asyncio

import pytest
from transport_harness import GENESIS, JOB, Network, Talker, members

from coordinator.relay import Peer, Relay
from vfl.crypto.certificates import CertificateAuthority
from vfl.crypto.documents import SignedDocument
from vfl.crypto.envelope import Envelope, Header, Link
from vfl.crypto.identity import PartyRecord
from vfl.errors import CryptoError, KeyMismatch, VflError
from vfl.pb.v1 import envelope_pb2, node_pb2
from vfl.runtime.client import CoordinatorClient

BODIES = [b"message %d" % i for i in range(6)]


class Dishonest(Relay):
    """Passes on what :meth:`change` makes of each envelope, the first time it sees it; honest afterwards."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.seen: list[bytes] = []

    def pass_on(self, peer: Peer, raw: bytes) -> None:
        first = raw not in self.seen
        self.seen.append(raw)
        for each in self.change(raw) if first else [raw]:
            link = Header.peek(raw).link
            if link.receiver in self.peers:
                self.peers[link.receiver].deliver(link, each)

    def change(self, raw: bytes) -> list[bytes]:
        raise NotImplementedError


def edited(raw: bytes, **fields: bytes) -> bytes:
    pb = envelope_pb2.Envelope.FromString(raw)
    for name, value in fields.items():
        setattr(pb, name, value)
    out: bytes = pb.SerializeToString(deterministic=True)
    return out


def header_edited(raw: bytes, **fields: object) -> bytes:
    header = envelope_pb2.EnvelopeHeader.FromString(Envelope.parse(raw).header_raw)
    for name, value in fields.items():
        setattr(header, name, value)
    return edited(raw, header=header.SerializeToString(deterministic=True))


class SwapsBodies(Dishonest):
    def change(self, raw: bytes) -> list[bytes]:
        if len(self.seen) % 2:
            return []
        one, two = Envelope.parse(self.seen[-2]), Envelope.parse(raw)
        return [edited(self.seen[-2], body=two.body), edited(raw, body=one.body)]


class EditsBody(Dishonest):
    def change(self, raw: bytes) -> list[bytes]:
        body = bytearray(Envelope.parse(raw).body)
        body[0] ^= 1
        return [edited(raw, body=bytes(body))]


class EditsSignature(Dishonest):
    def change(self, raw: bytes) -> list[bytes]:
        signature = bytearray(Envelope.parse(raw).signature)
        signature[63] ^= 0x10
        return [edited(raw, signature=bytes(signature))]


class EditsStep(Dishonest):
    def change(self, raw: bytes) -> list[bytes]:
        return [header_edited(raw, step="other/step")]


class Renumbers(Dishonest):
    def change(self, raw: bytes) -> list[bytes]:
        return [header_edited(raw, seq=Envelope.parse(raw).header.seq + 1)]


class WritesItself(Dishonest):
    """Signs with a key of its own what it would like to have been said."""

    def change(self, raw: bytes) -> list[bytes]:
        envelope = Envelope.parse(raw)
        forger = members(CertificateAuthority.ephemeral("lab"), "bank-a")["bank-a"]
        return [Envelope.sign(forger, envelope.header, envelope.nonce, envelope.body).encode()]


@pytest.mark.parametrize("relay", [SwapsBodies, EditsBody, EditsSignature, EditsStep, Renumbers, WritesItself])
def test_changed_envelopes_are_refused_by_signature_and_the_genuine_ones_arrive(
    network: Network, relay: type[Relay]
) -> None:
    async def run() -> None:
        async with network.up(relay):
            bank, platform = network.pair()
            await network.attach(bank, platform)
            for body in BODIES:
                await bank.say("platform-b", body)
            assert await platform.heard("bank-a", len(BODIES)) == BODIES
            assert {e.code for e in platform.errors} == {"SIGNATURE_INVALID"}
            assert all(isinstance(e, CryptoError) for e in platform.errors)
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


class Replays(Dishonest):
    def change(self, raw: bytes) -> list[bytes]:
        return [*self.seen[:-1], raw, raw]


class DropsThenReorders(Dishonest):
    def change(self, raw: bytes) -> list[bytes]:
        return self.seen[::-1] if len(self.seen) % 3 == 0 else []


@pytest.mark.parametrize("relay", [Replays, DropsThenReorders])
def test_replay_drop_and_reorder_have_no_effect(network: Network, relay: type[Relay]) -> None:
    async def run() -> None:
        async with network.up(relay):
            bank, platform = network.pair()
            await network.attach(bank, platform)
            for body in BODIES:
                await bank.say("platform-b", body)
            assert await platform.heard("bank-a", len(BODIES)) == BODIES
            await asyncio.sleep(0.1)
            assert platform.bodies["bank-a"] == BODIES
            assert platform.errors == []
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


class PastesAcrossJobs(Dishonest):
    """Delivers the envelopes of job-1 a second time, as if they were of job-2's link."""

    def pass_on(self, peer: Peer, raw: bytes) -> None:
        super().pass_on(peer, raw)
        self.peers["platform-b"].deliver(Link("job-2", 0, "bank-a", "platform-b"), header_edited(raw, job="job-2"))

    def change(self, raw: bytes) -> list[bytes]:
        return [raw]


def test_cross_job_paste_is_refused(network: Network) -> None:
    async def run() -> None:
        async with network.up(PastesAcrossJobs):
            bank, platform = network.pair()
            records = [bank.identity.record, platform.identity.record]
            other = Talker(platform.identity, records, job="job-2")  # the platform runs both jobs
            platform.into |= other.into
            platform.journal |= other.journal
            await network.attach(bank, platform)
            await bank.say("platform-b", b"for job-1 only")
            await platform.failed_with("SIGNATURE_INVALID")
            assert await platform.heard("bank-a", 1) == [b"for job-1 only"]
            assert other.journal[Link("job-2", 0, "bank-a", "platform-b")] == {}
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


class ForgesAcks(Relay):
    """Tells the sender that everything has arrived, and delivers nothing while it lies."""

    lying = True

    def pass_on(self, peer: Peer, raw: bytes) -> None:
        if not self.lying:
            return super().pass_on(peer, raw)
        at = node_pb2.Position(job=JOB, sender="bank-a", receiver="platform-b", next_seq=2**40)
        self.peers["bank-a"].tell_position(node_pb2.Frame(ack=at), at)
        return None


def test_forged_acknowledgement_delays_and_no_more(network: Network) -> None:
    async def run() -> None:
        async with network.up(ForgesAcks) as coordinator:
            bank, platform = network.pair()
            await network.attach(bank, platform)
            for body in BODIES:
                await bank.say("platform-b", body)
            async with asyncio.timeout(5):
                while not bank.acked:
                    await asyncio.sleep(0.01)
            coordinator.relay.lying = False
            assert platform.bodies == {}
            # The receiver's own question brings them, as after any reconnect.
            await platform.detach()
            await network.attach(platform)
            assert await platform.heard("bank-a", len(BODIES)) == BODIES
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


def test_split_view_of_the_contract_shows_at_the_first_message(network: Network) -> None:
    """The coordinator gave the two sides different contracts (an older one, say)."""

    async def run() -> None:
        async with network.up():
            bank, platform = network.pair()
            records = [bank.identity.record, platform.identity.record]
            misled = Talker(platform.identity, records, genesis=bytes(reversed(GENESIS)))
            await network.attach(bank, misled)
            await bank.say("platform-b", b"under my contract")
            assert (await misled.failed_with("CHAIN_BROKEN")).exit_code == 5
            assert misled.bodies == {}
            await bank.detach()
            await misled.detach()

    asyncio.run(run())


def test_split_view_of_the_registry_is_caught_by_the_pinned_key(network: Network) -> None:
    """Even with the authority's help: it certifies another bank-a and lists that one to the platform."""

    async def run() -> None:
        async with network.up() as coordinator:
            bank, platform = network.pair()
            planted = members(network.authority, "bank-a")["bank-a"]
            await network.attach(bank, platform)
            coordinator.registry.present(planted.member, planted.record.raw, software="", digest=b"")
            async with CoordinatorClient(platform.identity, network.address) as client:
                listed = {p.name: p for p in await client.parties()}["bank-a"]
            assert listed.record is not None  # it is properly certified
            anchor = bank.identity.record.anchor  # what the signed contract names
            with pytest.raises(KeyMismatch, match="RECORD_OTHER_ANCHOR"):
                PartyRecord.verify(listed.record.raw, network.authority.certificate, anchor=anchor)
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


def test_witness_shows_two_faces_only_at_the_price_of_proof(network: Network) -> None:
    """A relay that drops an entry for one party must sign a head that contradicts the other's."""

    async def run() -> None:
        async with network.up() as coordinator:
            bank, platform = network.pair()
            await network.attach(bank, platform)
            for body in BODIES:
                await bank.say("platform-b", body)
            await platform.heard("bank-a", len(BODIES))
            record = bank.transport.coordinator_record
            async with CoordinatorClient(bank.identity, network.address) as client:
                page = await client.witness(JOB, record)
                assert page.count == len(page.entries) == len(BODIES)
                coordinator.witness.head = coordinator.witness.head._replace(chain=bytes(32))
                other = await client.witness(JOB, record)
            assert other.count == page.count
            assert other.head != page.head  # both signed: evidence
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


def test_altered_document_and_another_in_its_place_are_refused(network: Network) -> None:
    async def run() -> None:
        async with network.up() as coordinator:
            bank, platform = network.pair()
            await network.attach(bank, platform)
            made = [SignedDocument.make(bank.identity, job=JOB, kind="approval", body=b"%d" % i) for i in range(2)]
            async with CoordinatorClient(bank.identity, network.address) as client:
                for document in made:
                    await client.publish(document)
            db = coordinator.jobs._db
            async with CoordinatorClient(platform.identity, network.address) as client:
                assert (await client.get(made[0].id, bank.identity.record)).body == b"0"
                db.execute("UPDATE document SET body = ? WHERE id = ?", (b"altered", made[0].id))
                with pytest.raises(CryptoError, match="SIGNATURE_INVALID"):
                    await client.get(made[0].id, bank.identity.record)
                db.execute("DELETE FROM document WHERE id = ?", (made[0].id,))
                db.execute("UPDATE document SET id = ?", (made[0].id,))  # the other one under its name
                with pytest.raises(VflError, match="DOCUMENT_OTHER"):
                    await client.get(made[0].id, bank.identity.record)
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


def test_honest_relay_refuses_what_a_dishonest_party_sends(network: Network) -> None:
    async def run() -> None:
        async with network.up() as coordinator:
            bank, platform = network.pair()
            await network.attach(bank, platform)
            link = Link(JOB, 0, "bank-a", "platform-b")
            raw = bank.out[link].seal(step="s", type="t", body=b"x")
            for sender, bad, code in (
                (platform, raw, "OTHER_SENDER"),
                (bank, EditsBody.change(None, raw)[0], "SIGNATURE_INVALID"),  # type: ignore[arg-type]
                (bank, raw + b"\x00", "ENVELOPE_MALFORMED"),
            ):
                sender.transport._write(node_pb2.Frame(deliver=bad))
                async with asyncio.timeout(5):
                    while not any(code in str(e) for e in sender.errors):
                        await asyncio.sleep(0.01)
            at = node_pb2.Position(job=JOB, sender="bank-a", receiver="platform-b", next_seq=99)
            bank.transport._write(node_pb2.Frame(ack=at))  # an ack for someone else's link
            async with asyncio.timeout(5):
                while not any("OTHER_RECEIVER" in str(e) for e in bank.errors):
                    await asyncio.sleep(0.01)
            assert coordinator.witness.head.length == 0
            assert platform.bodies == {}
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


def test_equivocating_party_is_refused_by_relay_and_convicted_by_the_witness(network: Network) -> None:
    async def run() -> None:
        async with network.up() as coordinator:
            bank, platform = network.pair()
            await network.attach(bank, platform)
            await bank.say("platform-b", b"one story")
            await platform.heard("bank-a", 1)
            again = Talker(bank.identity, [platform.identity.record])
            link = Link(JOB, 0, "bank-a", "platform-b")
            bank.transport._write(
                node_pb2.Frame(deliver=again.out[link].seal(step="test/1", type="test.Message", body=b"another"))
            )
            async with asyncio.timeout(5):
                while not any("EQUIVOCATION" in str(e) for e in bank.errors):
                    await asyncio.sleep(0.01)
            entries = coordinator.witness.entries(JOB)
            assert [Header.parse(e.header).seq for e in entries] == [0, 0]
            assert entries[0].signature != entries[1].signature
            coordinator.witness.verify()
            await bank.detach()
            await platform.detach()

    asyncio.run(run())
