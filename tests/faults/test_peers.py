"""Sessions against peers and relays that err or lie: what is wrong is refused by name, what is lost is asked for."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from vfl.config.contract import Contract
from vfl.crypto.certificates import CertificateAuthority
from vfl.crypto.envelope import Envelope, Header, Link
from vfl.crypto.identity import PartyIdentity, enrol
from vfl.crypto.links import OutboundLink
from vfl.crypto.randomness import JobSeed
from vfl.errors import LocalProtocolError, RemoteProtocolError, TranscriptMismatch, VflError
from vfl.pb.v1 import node_pb2
from vfl.roles import RoleName
from vfl.runtime.audit import AUDIT_CONTEXT, AuditTrail, verify_trail
from vfl.runtime.clock import SystemClock
from vfl.runtime.egress import Released
from vfl.runtime.journal import Journal
from vfl.runtime.memory import MemoryNetwork
from vfl.runtime.session import Session
from vfl.runtime.switchboard import Switchboard

JOB = "job-1"
A, B = "bank-a", "platform-a"
ROLES = {A: RoleName.BANK, B: RoleName.PLATFORM}
LINK = Link(JOB, 0, A, B)
KEY = bytes(32)


def message(text: str) -> Released:
    body = text.encode()
    return Released("KeyOffer", body, hashlib.sha256(body).hexdigest(), 0, ())


class Pair:
    """Two sessions of one job in this process. ``tap`` sees each frame before it travels."""

    def __init__(self, root: Path) -> None:
        authority = CertificateAuthority.create(root / "authority", "peers")
        self.root = root
        self.identities: dict[str, PartyIdentity] = {
            name: enrol(authority, role, name).for_job(JOB, JobSeed(name.encode().ljust(32)))
            for name, role in ROLES.items()
        }
        self.contracts = dict.fromkeys(ROLES, Contract(JOB, ROLES, {}, "terms"))
        self.tap: Callable[[str, str, node_pb2.Frame], None] = lambda _s, _r, _f: None
        self.network = MemoryNetwork(patience=0.1, tap=lambda s, r, f: self.tap(s, r, f))
        self.journals: dict[str, Journal] = {}
        self.boards: dict[str, Switchboard] = {}

    @asynccontextmanager
    async def session(self, name: str) -> AsyncIterator[Session]:
        """One process of a party: opens its journal, ends with it."""
        identity = self.identities[name]
        journal = self.journals[name] = Journal(self.root / f"{name}.db", KEY)
        transport = self.network.transport(name)
        self.boards[name] = Switchboard(transport)
        trail = AuditTrail(
            name, lambda raw: identity.sign(AUDIT_CONTEXT, raw), SystemClock(), journal.audit_entries()
        )
        peers = {n: i.record for n, i in self.identities.items() if n != name}
        session = Session(
            identity, peers, self.contracts[name], journal, self.boards[name].transport(JOB), trail
        )
        await transport.connect()
        try:
            await session.start()
            yield session
        finally:
            await session.close()
            await transport.close()
            journal.close()

    def forge(self, seq: int, text: str, *, head: bytes | None = None) -> bytes:
        """An envelope that A really signed, though its session did not send it."""
        genesis = self.contracts[A].digest
        link = OutboundLink(self.identities[A], self.identities[B].record, LINK, genesis, next_seq=seq, head=head)
        return link.seal(step="toy/1", type="KeyOffer", body=b"\x01" + text.encode())

    async def listening(self, name: str) -> None:
        """Wait until the party's session has opened its links."""
        while not self.network._members[name]._inbound:
            await asyncio.sleep(0.005)

    def deliver(self, raw: bytes) -> None:
        """Put an envelope before B as the relay would."""
        self.network._members[B]._received(node_pb2.Frame(deliver=raw))

    def audit(self, name: str) -> list[str]:
        journal = Journal(self.root / f"{name}.db", KEY)
        lines = journal.audit_entries()
        verify_trail(lines, self.identities[name].record.public_signing_key(), name=name)
        return [line.decode() for line in lines]


def play(scene: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(scene(), 20)
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not [t for t in left if "limited" not in repr(t)], "a session that is closed leaves nothing running"

    asyncio.run(limited())


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_messages_arrive_in_order_and_are_audited_at_both_ends(pair: Pair) -> None:
    async def scene() -> None:
        async with pair.session(A) as a, pair.session(B) as b:
            for n in range(20):
                await a.send(B, f"toy/{n}", message(f"text {n}"), last=True)
                assert await b.receive(A, f"toy/{n}") == ("KeyOffer", f"text {n}".encode(), True)
            await a.drained({B: asyncio.Event()})
            assert a._out[B].recent == {}

    play(scene)
    for name, event in ((A, "sent"), (B, "received")):
        lines = [line for line in pair.audit(name) if f'"event":"{event}"' in line]
        assert len(lines) == 20
        assert hashlib.sha256(b"text 7").hexdigest() in lines[7]


def test_a_peer_at_another_line_is_refused(pair: Pair) -> None:
    async def scene() -> None:
        async with pair.session(A) as a, pair.session(B) as b:
            await a.send(B, "toy/1", message("text"), last=True)
            await b.receive(A, "toy/2")

    with pytest.raises(RemoteProtocolError) as caught:
        play(scene)
    assert caught.value.code == "STEP_MISMATCH"


def test_a_peer_with_other_terms_is_refused_at_its_first_message(pair: Pair) -> None:
    pair.contracts[A] = Contract(JOB, ROLES, {}, "other terms")

    async def scene() -> None:
        async with pair.session(A) as a, pair.session(B) as b:
            await a.send(B, "toy/1", message("text"), last=True)
            await b.receive(A, "toy/1")

    with pytest.raises(TranscriptMismatch) as caught:
        play(scene)
    assert caught.value.code == "CHAIN_BROKEN"


def test_two_messages_for_one_place_halt_the_job_with_evidence(pair: Pair) -> None:
    async def scene() -> None:
        async with pair.session(A) as a, pair.session(B) as b:
            await a.send(B, "toy/1", message("text"), last=True)
            await b.receive(A, "toy/1")
            pair.deliver(pair.forge(0, "another text"))
            await b.receive(A, "toy/2")

    with pytest.raises(RemoteProtocolError) as caught:
        play(scene)
    assert caught.value.code == "EQUIVOCATION"
    evidence = Journal(pair.root / f"{B}.db", KEY).evidence(A)
    assert [seq for seq, _ in evidence] == [0, 0]
    assert evidence[0] != evidence[1]
    assert '"event":"equivocation"' in pair.audit(B)[-1]


def test_altered_envelopes_are_dropped_noted_and_asked_for_again(pair: Pair) -> None:
    altered = 0

    def tap(sender: str, receiver: str, frame: node_pb2.Frame) -> None:
        nonlocal altered
        if frame.WhichOneof("kind") == "deliver" and altered < 5:
            raw = bytearray(frame.deliver)
            raw[-1 - altered * 40] ^= 1
            altered += 1
            frame.deliver = bytes(raw)

    async def scene() -> None:
        async with pair.session(A) as a, pair.session(B) as b:
            pair.tap = tap
            for n in range(8):
                await a.send(B, f"toy/{n}", message(f"text {n}" * 20), last=True)
            for n in range(8):
                assert (await b.receive(A, f"toy/{n}"))[1] == f"text {n}".encode() * 20

    play(scene)
    assert altered == 5
    assert sum('"event":"refused"' in line for line in pair.audit(B)) >= 1


def test_junk_without_end_does_not_fill_the_audit(pair: Pair) -> None:
    async def scene() -> None:
        async with pair.session(A) as a, pair.session(B) as b:
            await pair.listening(B)
            good = pair.forge(0, "text")
            for n in range(300):
                pair.deliver(good[:-1] + bytes([good[-1] ^ (1 + n % 255)]))
                await asyncio.sleep(0)
            await a.send(B, "toy/1", message("text"), last=True)
            assert (await b.receive(A, "toy/1"))[1] == b"text"

    play(scene)
    assert 0 < sum('"event":"refused"' in line for line in pair.audit(B)) <= 100


def test_positions_of_a_lying_relay_lose_nothing(pair: Pair) -> None:
    async def scene() -> None:
        async with pair.session(A) as a, pair.session(B) as b:
            member = pair.network._members[A]
            for job, sender, receiver in ((JOB, A, B), (JOB, A, "nobody"), ("other", A, B), (JOB, B, A)):
                for number in (0, 1, 7, 1 << 40):
                    where = node_pb2.Position(job=job, sender=sender, receiver=receiver, next_seq=number)
                    member._received(node_pb2.Frame(ack=where))
                    member._received(node_pb2.Frame(resume=where))
            for n in range(10):
                await a.send(B, f"toy/{n}", message(f"text {n}"), last=True)
                assert (await b.receive(A, f"toy/{n}"))[1] == f"text {n}".encode()
            assert member._failure is None

    play(scene)


def test_nothing_is_acknowledged_before_it_is_recorded(pair: Pair) -> None:
    """A repeat in the same batch as a new envelope must not carry a position past what is on disk."""
    early: list[int] = []

    def tap(sender: str, receiver: str, frame: node_pb2.Frame) -> None:
        kind = frame.WhichOneof("kind")
        if sender == B and kind in ("ack", "resume"):
            number = getattr(frame, kind).next_seq
            if number and pair.journals[B].inbound(A, number - 1) is None:
                early.append(number)

    async def scene() -> None:
        async with pair.session(B) as b:
            first = pair.forge(0, "text 0")
            head = _digest(pair, first)
            second = pair.forge(1, "text 1", head=head)
            pair.tap = tap
            await pair.listening(B)
            pair.deliver(first)
            assert (await b.receive(A, "toy/1"))[1] == b"text 0"
            for raw in (second, first, second):
                await b._in[A].raw.put(raw)
            assert (await b.receive(A, "toy/1"))[1] == b"text 1"

    play(scene)
    assert early == []


def test_a_restarted_sender_must_make_the_same_bytes(pair: Pair) -> None:
    async def scene() -> None:
        async with pair.session(A) as a:
            await a.send(B, "toy/1", message("text"), last=True)
        async with pair.session(A) as a:
            await a.send(B, "toy/1", message("text of other data"), last=True)

    with pytest.raises(LocalProtocolError) as caught:
        play(scene)
    assert caught.value.code == "REPLAY_DIFFERS"


def test_a_restarted_sender_repeats_what_it_recorded_and_audits_it_once(pair: Pair) -> None:
    async def scene() -> None:
        for _ in range(3):
            async with pair.session(A) as a:
                for n in range(5):
                    await a.send(B, f"toy/{n}", message(f"text {n}"), last=True)
        async with pair.session(A) as a, pair.session(B) as b:
            for n in range(5):
                await a.send(B, f"toy/{n}", message(f"text {n}"), last=True)
                assert (await b.receive(A, f"toy/{n}"))[1] == f"text {n}".encode()

    play(scene)
    assert sum('"event":"sent"' in line for line in pair.audit(A)) == 5


def test_a_sender_does_not_run_ahead_of_a_peer_that_is_away(pair: Pair) -> None:
    async def scene() -> None:
        async with pair.session(A) as a:
            async def send_all() -> None:
                for n in range(100):
                    await a.send(B, f"toy/{n}", message("x" * 900_000), last=False)

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(send_all(), 2)
            held = sum(map(len, a._out[B].recent.values()))
            assert 1 << 20 < held < 40 << 20

    play(scene)


def test_a_closed_session_is_forgotten_by_the_shared_connection(pair: Pair) -> None:
    async def scene() -> None:
        async with pair.session(B) as b:
            await pair.listening(B)
            for _ in range(40):  # more than the session takes in: the transport holds some back
                pair.deliver(pair.forge(3, "too early"))
            await asyncio.sleep(0.05)
            member = pair.network._members[B]
            assert member._inbound
            await b.close()
            assert not member._inbound
            assert not member._outbound

    play(scene)


def test_errors_name_the_cure_in_both_languages(pair: Pair) -> None:
    async def scene() -> None:
        async with pair.session(A) as a, pair.session(B) as b:
            await a.send(B, "toy/1", message("secret text"), last=True)
            await b.receive(A, "toy/2")

    with pytest.raises(VflError) as caught:
        play(scene)
    for language in ("en", "zh"):
        assert "toy/1" in caught.value.in_(language)
        assert "secret" not in caught.value.in_(language)


def _digest(pair: Pair, raw: bytes) -> bytes:
    assert Header.peek(raw).link == LINK
    return Envelope.parse(raw).digest
