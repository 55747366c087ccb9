"""One party's durable conversation in one job: envelopes in order, journaled before they count.

Sending: seal, journal together with the audit entry, then hand to the link's courier, which sends from the journal
position that the receiver has asked for. Receiving: verify, order, open (:mod:`vfl.crypto.links`), journal,
acknowledge, then deliver. After a crash the links stand where the last checkpoint put them; recorded inbound
envelopes are delivered again, and re-sealed outbound ones must equal the recorded ones byte for byte.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from vfl.config.contract import Contract
from vfl.crypto.envelope import Header, Link
from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.crypto.links import Accepted, Duplicate, Equivocation, InboundLink, Opened, OutboundLink
from vfl.crypto.paillier import PublicKey
from vfl.errors import (
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    Text,
    TranscriptMismatch,
    VflError,
)
from vfl.runtime.audit import AuditTrail
from vfl.runtime.egress import Ledger, Released
from vfl.runtime.journal import Checkpoint, Journal, LinkPosition
from vfl.runtime.transport import Handlers, Transport

__all__ = ["Session"]

T = TypeVar("T")
log = logging.getLogger(__name__)

_INBOX = 8
"""Messages per link delivered but not yet consumed; beyond it nothing is acknowledged, so the sender waits."""
_LAG = 8
"""Messages per link sealed but not yet handed to the transport."""


class _Outgoing:
    """One outbound link and its courier's position."""

    def __init__(self, link: OutboundLink, acked: int, recorded_to: int) -> None:
        self.link = link
        self.acked = acked
        self.cursor = acked
        self.recorded_to = recorded_to
        self.recent: dict[int, bytes] = {}
        self.changed = asyncio.Condition()


class _Incoming:
    """One inbound link, its raw queue and what has been delivered and consumed."""

    def __init__(self, link: InboundLink, consumed: LinkPosition) -> None:
        self.link = link
        self.raw: asyncio.Queue[bytes] = asyncio.Queue(maxsize=_INBOX)
        self.inbox: asyncio.Queue[Opened] = asyncio.Queue(maxsize=_INBOX)
        self.consumed = consumed


class Session:
    """The channel of a node run (see :class:`vfl.runtime.noderun.StepChannel`).

    Parameters
    ----------
    identity : PartyIdentity
        Own keys, with the job's own agreement key.
    peers : mapping of party name to PartyRecord
        Verified records of all other parties of the contract.
    on_idle : callable, optional
        Told the name of the peer that is being waited for, and "" when it has answered.
    """

    def __init__(
        self,
        identity: PartyIdentity,
        peers: Mapping[str, PartyRecord],
        contract: Contract,
        journal: Journal,
        transport: Transport,
        audit: AuditTrail,
        *,
        epoch: int = 0,
        keys: dict[bytes, PublicKey] | None = None,
        on_idle: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._identity = identity
        self._contract = contract
        self._journal = journal
        self._transport = transport
        self._audit = audit
        self._keys = {} if keys is None else keys
        self._on_idle = on_idle
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.restored: Checkpoint = journal.load()
        self.ledger = Ledger.load(self.restored.ledger)
        self.received = Ledger.load(self.restored.arrived)
        """What came in, by (message type, sender)."""
        self._out: dict[str, _Outgoing] = {}
        self._in: dict[str, _Incoming] = {}
        for name, record in peers.items():
            self._open_links(name, record, epoch)

    def _open_links(self, peer: str, record: PartyRecord, epoch: int) -> None:
        genesis = self._contract.digest
        there = Link(self._contract.job, epoch, self._identity.name, peer)
        start = self.restored.sent.get(peer, LinkPosition(0, genesis))
        recorded = self._journal.outbound_after(peer, 0)
        self._out[peer] = _Outgoing(
            OutboundLink(self._identity, record, there, genesis, next_seq=start.next_seq, head=start.prev_hash),
            acked=self._journal.acked(peer),
            recorded_to=max([start.next_seq, *(s + 1 for s in recorded)]),
        )
        start = self.restored.received.get(peer, LinkPosition(0, genesis))
        self._in[peer] = _Incoming(
            InboundLink(
                self._identity, record, there.reverse, genesis,
                recorded=lambda seq: self._journal.inbound(peer, seq),
                next_seq=start.next_seq, head=start.prev_hash,
            ),
            consumed=start,
        )  # fmt: skip

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Replay recorded envelopes, start couriers, ask peers for what is missing."""
        self._transport.set_handlers(
            Handlers(
                on_envelope=self._on_envelope, on_resume=self._on_resume, on_acknowledged=self._on_acknowledged
            )
        )
        for peer in self._out:
            self._spawn(self._courier(peer))
            self._spawn(self._receiver(peer))

    async def close(self) -> None:
        """Stop; the journal keeps everything that a later start needs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._disk.shutdown(wait=True)

    async def drained(self) -> None:
        """Wait until every peer has recorded all that was sent."""
        for out in self._out.values():
            async with out.changed:
                while out.acked < out.link.next_seq and not self._failure.done():
                    await out.changed.wait()
        if self._failure.done():
            self._failure.result()

    async def _on_disk(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work, *args)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self._failure.done():
            self._failure.set_exception(error)
            self._failure.exception()  # seen: every waiting call raises it
        for out in self._out.values():
            self._spawn(self._notify(out))

    async def _guard(self, waiting: Any) -> Any:
        """Wait for something, or for the session's failure."""
        task = asyncio.ensure_future(waiting)
        done, _ = await asyncio.wait({task, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        if self._failure in done and task not in done:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._failure.result()
        return task.result()

    # --- sending ----------------------------------------------------------------------------------------------

    async def send(self, receiver: str, step: str, released: Released, *, last: bool) -> None:
        """Seal, journal and audit, queue. Returns once the message is durable and the courier is not far behind."""
        out = self._out[receiver]
        seq = out.link.next_seq
        raw = out.link.seal(step=step, type=released.type_name, body=bytes([last]) + released.body)
        recorded = await self._on_disk(self._journal.outbound, receiver, seq) if seq < out.recorded_to else None
        if recorded is not None and recorded != raw:
            raise LocalProtocolError(
                "REPLAY_DIFFERS",
                Text(en=f"replaying {step} made another message than the one already sent",
                     zh=f"重放 {step} 时产生的消息与已发送的不一致"),
                cure=Text(en="the software or the data changed during the job: cancel it and start it again",
                          zh="任务期间软件或数据发生变化：请取消后重新发起"),
            )
        if recorded is None and seq >= out.recorded_to:
            entry = self._audit.entry(
                "sent", to=receiver, seq=seq, step=step, type=released.type_name, bytes=len(released.body),
                bits=released.bits, sha256=released.digest, reasons=list(released.reasons),
            )  # fmt: skip
            await self._on_disk(self._journal.record_outbound, receiver, seq, raw, entry)
        async with out.changed:
            out.recent[seq] = raw
            out.recorded_to = max(out.recorded_to, seq + 1)
            out.changed.notify_all()
            while out.link.next_seq - out.cursor > _LAG and not self._failure.done():
                await out.changed.wait()
        if self._failure.done():
            self._failure.result()

    async def _courier(self, peer: str) -> None:
        """Send from the cursor on, for ever; a resume request moves the cursor back."""
        out = self._out[peer]
        while True:
            async with out.changed:
                while out.cursor >= out.recorded_to:
                    await out.changed.wait()
                seq = out.cursor
            raw = out.recent.get(seq) or await self._on_disk(self._journal.outbound, peer, seq)
            if raw is not None:
                await self._transport.send(raw)
            async with out.changed:
                if out.cursor == seq:
                    out.cursor = seq + 1
                out.changed.notify_all()

    async def _on_resume(self, link: Link, next_seq: int) -> None:
        """The peer wants this link from ``next_seq`` on: the courier goes there."""
        out = self._out.get(link.receiver)
        if out is None or link != out.link.link:
            return  # positions are not signed: a relay may name links that do not exist
        async with out.changed:
            out.cursor = next_seq
            out.changed.notify_all()

    def _on_acknowledged(self, link: Link, next_seq: int) -> None:
        out = self._out.get(link.receiver)
        if out is None or link != out.link.link or not out.acked < next_seq <= out.link.next_seq:
            return
        out.acked = next_seq
        for seq in [s for s in out.recent if s < next_seq]:
            del out.recent[seq]
        self._disk.submit(self._journal.record_acked, link.receiver, next_seq)
        self._spawn(self._notify(out))

    async def _notify(self, out: _Outgoing) -> None:
        async with out.changed:
            out.changed.notify_all()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    # --- receiving --------------------------------------------------------------------------------------------

    async def _on_envelope(self, raw: bytes) -> None:
        await self._in[Header.peek(raw).link.sender].raw.put(raw)

    async def _receiver(self, peer: str) -> None:
        incoming = self._in[peer]
        for _, raw in self._journal.inbound_from(peer, incoming.link.next_seq):
            for message in await self._accept(incoming, raw):
                await incoming.inbox.put(message)
        await self._transport.resume(incoming.link.link, incoming.link.next_seq)
        while True:
            batch = [await incoming.raw.get()]
            while not incoming.raw.empty() and len(batch) < _INBOX:
                batch.append(incoming.raw.get_nowait())
            opened: list[Opened] = []
            for raw in batch:
                opened += await self._accept(incoming, raw)
            if opened:
                await self._on_disk(self._journal.record_inbound, [(peer, o.header.seq, o.raw) for o in opened])
                await self._transport.acknowledge(incoming.link.link, incoming.link.next_seq)
            for message in opened:
                await incoming.inbox.put(message)

    async def _accept(self, incoming: _Incoming, raw: bytes) -> tuple[Opened, ...]:
        """Check one envelope. What its sender did not sign is dropped and asked for again; what it did sign and
        should not have halts the job."""
        try:
            verdict = await asyncio.get_running_loop().run_in_executor(None, incoming.link.accept, raw)
        except (Equivocation, TranscriptMismatch):
            raise
        except (ProtocolError, VflError) as error:
            log.warning("dropped an envelope on %s: %s", incoming.link.link, error.code)
            self._journal_note("refused", incoming, error.code)
            return ()
        if isinstance(verdict, Accepted):
            return verdict.opened
        if isinstance(verdict, Duplicate):
            await self._transport.acknowledge(incoming.link.link, verdict.next_seq)
        else:
            await self._transport.resume(incoming.link.link, incoming.link.next_seq)
        return ()

    def _journal_note(self, event: str, incoming: _Incoming, code: str) -> None:
        self._disk.submit(
            self._journal.record_audit, *self._audit.entry(event, sender=incoming.link.link.sender, code=code)
        )

    async def receive(self, sender: str, step: str) -> tuple[str, bytes, bool]:
        """The next message from ``sender``, which must belong to line ``step`` of the choreography."""
        incoming = self._in[sender]
        if incoming.inbox.empty():
            self._on_idle(sender)
        opened: Opened = await self._guard(incoming.inbox.get())
        self._on_idle("")
        if opened.header.step != step:
            raise RemoteProtocolError(
                "STEP_MISMATCH",
                Text(en=f"{sender} is at {opened.header.step} where this side is at {step}",
                     zh=f"{sender} 处于 {opened.header.step}，而本方处于 {step}"),
                cure=Text(en="check that both nodes run the same version and the same contract",
                          zh="请核对双方节点的版本与合同是否一致"),
            )
        incoming.consumed = LinkPosition(opened.header.seq + 1, opened.digest)
        line = self.received.line(opened.header.type, sender)
        line.messages += 1
        line.bytes += len(opened.body) - 1
        return opened.header.type, opened.body[1:], opened.body[:1] == b"\x01"

    def learned(self, sender: str, type_name: str, bits: int) -> None:
        """Count what a received message told."""
        self.received.line(type_name, sender).bits += bits

    # --- checkpoints ------------------------------------------------------------------------------------------

    def ended(self, phase: str) -> tuple[str, bytes] | None:
        return self.restored.phases.get(phase)

    async def checkpoint(self, phase: str, result: tuple[str, bytes], parts: dict[str, bytes]) -> None:
        state = Checkpoint(
            parts=dict(parts),
            sent={p: LinkPosition(o.link.next_seq, o.link.head) for p, o in self._out.items()},
            received={p: i.consumed for p, i in self._in.items()},
            ledger=self.ledger.dump(),
            arrived=self.received.dump(),
        )
        await self._on_disk(self._journal.checkpoint, phase, result, state)

    def public_keys(self) -> Mapping[bytes, PublicKey]:
        return self._keys
