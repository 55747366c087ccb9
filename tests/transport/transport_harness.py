"""A small session for tests, and a coordinator over real TLS on loopback in the test's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from coordinator.node import Coordinator
from coordinator.relay import Limits, Relay
from vfl.crypto.certificates import CertificateAuthority
from vfl.crypto.envelope import Header, Link
from vfl.crypto.identity import PartyIdentity, PartyRecord, enrol
from vfl.crypto.links import Accepted, Gap, InboundLink, OutboundLink
from vfl.errors import VflError
from vfl.roles import RoleName
from vfl.runtime.grpc import GrpcTransport
from vfl.runtime.transport import Handlers, Transport

JOB = "job-1"
GENESIS = bytes(range(32))
LOOPBACK = "127.0.0.1"


def members(authority: CertificateAuthority, *names: str) -> dict[str, PartyIdentity]:
    """Parties by name; ``bank…`` is a bank, all else a platform."""
    return {n: enrol(authority, RoleName.BANK if n.startswith("bank") else RoleName.PLATFORM, n) for n in names}


class Talker:
    """One party of one job: journals in memory, one courier per link.

    Survives its transport: ``attach`` gives it another one, as a restarted process would have.
    """

    def __init__(
        self, identity: PartyIdentity, records: Iterable[PartyRecord], *, job: str = JOB, genesis: bytes = GENESIS
    ) -> None:
        self.name = identity.name
        self.identity = identity
        self.out: dict[Link, OutboundLink] = {}
        self.into: dict[Link, InboundLink] = {}
        self.sent: dict[Link, list[bytes]] = {}
        self.journal: dict[Link, dict[int, bytes]] = {}
        self.bodies: dict[str, list[bytes]] = {}
        self.errors: list[VflError] = []
        self.presence: list[tuple[str, bool]] = []
        self.acked: dict[Link, int] = {}
        self.arrived = asyncio.Condition()
        self.open = asyncio.Event()  # cleared: this session reads nothing, as a slow one
        self.open.set()
        self.cursor: dict[Link, int] = {}
        self.moved = asyncio.Condition()
        self.couriers: list[asyncio.Task[None]] = []
        for peer in records:
            if peer.name == self.name:
                continue
            out = Link(job, 0, self.name, peer.name)
            self.out[out] = OutboundLink(identity, peer, out, genesis)
            self.sent[out] = []
            journal = self.journal.setdefault(out.reverse, {})
            self.into[out.reverse] = InboundLink(identity, peer, out.reverse, genesis, recorded=journal.get)

    async def attach(self, transport: Transport) -> None:
        self.transport = transport
        transport.set_handlers(
            Handlers(
                on_envelope=self._envelope,
                on_resume=self._resume,
                on_acknowledged=lambda link, n: self.acked.update({link: max(n, self.acked.get(link, 0))}),
                on_presence=lambda peer, up: self.presence.append((peer, up)),
                on_refused=self.errors.append,
            )
        )
        await transport.connect()
        for link, inbound in self.into.items():
            await transport.resume(link, inbound.next_seq)
        self.cursor = {link: self.acked.get(link, 0) for link in self.out}
        self.couriers = [asyncio.create_task(self._courier(link)) for link in self.out]

    async def detach(self) -> None:
        """The process dies: transport and couriers end, journals stay."""
        for courier in self.couriers:
            courier.cancel()
        await asyncio.gather(*self.couriers, return_exceptions=True)
        await self.transport.close()

    async def say(self, to: str, body: bytes, *, job: str = JOB) -> None:
        link = Link(job, 0, self.name, to)
        self.sent[link].append(self.out[link].seal(step="test/1", type="test.Message", body=body))
        async with self.moved:
            self.moved.notify_all()

    async def delivered(self, timeout: float = 15.0) -> None:
        """Wait until all that was said is acknowledged."""
        async with asyncio.timeout(timeout):
            while any(self.acked.get(link, 0) < len(sent) for link, sent in self.sent.items()):
                await asyncio.sleep(0.01)

    async def _courier(self, link: Link) -> None:
        while True:
            async with self.moved:
                await self.moved.wait_for(lambda: self.cursor[link] < len(self.sent[link]))
            seq = self.cursor[link]
            await self.transport.send(self.sent[link][seq])
            if self.cursor[link] == seq:
                self.cursor[link] += 1

    async def heard(self, sender: str, count: int, timeout: float = 15.0) -> list[bytes]:
        """Wait until ``count`` messages of ``sender`` came; all of them."""
        async with asyncio.timeout(timeout), self.arrived:
            await self.arrived.wait_for(lambda: len(self.bodies.get(sender, ())) >= count)
        return self.bodies[sender]

    async def failed_with(self, code: str, timeout: float = 10.0) -> VflError:
        async with asyncio.timeout(timeout):
            while not (found := [e for e in self.errors if e.code == code]):
                await asyncio.sleep(0.01)
        return found[0]

    async def _envelope(self, raw: bytes) -> None:
        await self.open.wait()
        link = next((x for x in self.into if _names(raw, x)), None)
        if link is None:
            return
        inbound = self.into[link]
        try:
            outcome = inbound.accept(raw)
        except VflError as error:
            self.errors.append(error)
            await self.transport.resume(link, inbound.next_seq)
            return
        if isinstance(outcome, Gap):
            await self.transport.resume(link, outcome.next_seq)
            return
        if isinstance(outcome, Accepted):
            for opened in outcome.opened:
                self.journal[link][opened.header.seq] = opened.raw
                self.bodies.setdefault(link.sender, []).append(opened.body)
        await self.transport.acknowledge(link, inbound.next_seq)
        async with self.arrived:
            self.arrived.notify_all()

    async def _resume(self, link: Link, next_seq: int) -> None:
        async with self.moved:
            self.cursor[link] = next_seq
            self.moved.notify_all()


def _names(raw: bytes, link: Link) -> bool:
    return Header.peek(raw).link == link


class Network:
    """One authority, one coordinator that can be stopped and started on the same port, any parties."""

    def __init__(self, folder: Path) -> None:
        self.authority = CertificateAuthority.create(folder / "ca", "lab")
        self.hub = enrol(self.authority, RoleName.COORDINATOR, "hub")
        self.data = folder / "data"
        self.port = 0
        self.enrolment_port = 0
        self.running: Coordinator | None = None

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    async def start(self, relay: type[Relay] = Relay, **limits: Any) -> Coordinator:
        made = Coordinator(self.hub, self.data, authority=self.authority, limits=Limits(**limits), relay=relay)
        self.port, self.enrolment_port = await made.serve(f"{LOOPBACK}:{self.port}", f"{LOOPBACK}:0")
        self.running = made
        return made

    async def stop(self, grace: float = 0.2) -> None:
        if self.running is not None:
            await self.running.stop(grace)
            self.running = None

    def pair(self) -> tuple[Talker, Talker]:
        """A bank and a platform that know each other."""
        party = members(self.authority, "bank-a", "platform-b")
        records = [p.record for p in party.values()]
        bank, platform = (Talker(p, records) for p in party.values())
        return bank, platform

    async def attach(self, *talkers: Talker, **options: Any) -> None:
        for talker in talkers:
            await talker.attach(self.transport(talker.identity, **options))

    def transport(self, identity: PartyIdentity, **options: Any) -> GrpcTransport:
        options = {"software": "test 1.0", "longest_wait": 0.2} | options
        return GrpcTransport(identity, self.address, **options)

    @asynccontextmanager
    async def up(self, relay: type[Relay] = Relay, **limits: Any) -> AsyncIterator[Coordinator]:
        try:
            yield await self.start(relay, **limits)
        finally:
            await self.stop()
