"""A small session for tests: journals in memory, sends, answers resumes, keeps what it received."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from vfl.crypto.certificates import CertificateAuthority
from vfl.crypto.envelope import Link
from vfl.crypto.identity import PartyIdentity, PartyRecord, enrol
from vfl.crypto.links import Accepted, Gap, InboundLink, OutboundLink
from vfl.errors import VflError
from vfl.roles import RoleName
from vfl.runtime.transport import Handlers, Transport

JOB = "job-1"
GENESIS = bytes(range(32))


def members(authority: CertificateAuthority, *names: str) -> dict[str, PartyIdentity]:
    """Parties by name; ``bank…`` is a bank, all else a platform."""
    return {n: enrol(authority, RoleName.BANK if n.startswith("bank") else RoleName.PLATFORM, n) for n in names}


class Talker:
    """One party of one job. Survives its transport: ``attach`` gives it another one (a restarted process)."""

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
        self._seal = asyncio.Lock()
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

    async def say(self, to: str, body: bytes, *, job: str = JOB) -> None:
        link = Link(job, 0, self.name, to)
        async with self._seal:
            raw = self.out[link].seal(step="test/1", type="test.Message", body=body)
            self.sent[link].append(raw)
        await self.transport.send(raw)

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
        for raw in self.sent[link][next_seq:]:
            await self.transport.send(raw)


def _names(raw: bytes, link: Link) -> bool:
    from vfl.crypto.envelope import Header

    return Header.peek(raw).link == link
