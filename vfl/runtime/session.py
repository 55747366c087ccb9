"""One party's durable conversation in one job: envelopes in order, journaled before they count.

Sending: seal, journal together with the audit entry, then hand to the link's courier, which sends from the journal
position that the receiver has asked for. Receiving: verify, order, open (:mod:`vfl.crypto.links`), journal together
with the audit entry, and only then acknowledge and deliver. After a crash the links stand where the last checkpoint
put them; recorded inbound envelopes are delivered again, and re-sealed outbound ones must equal the recorded ones
byte for byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from vfl.config.contract import Contract
from vfl.crypto.envelope import Header, Link
from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.crypto.links import Accepted, Duplicate, Equivocation, Gap, InboundLink, Opened, OutboundLink
from vfl.crypto.paillier import PublicKey
from vfl.errors import DataError, LocalProtocolError, Place, RemoteProtocolError, Text, TranscriptMismatch, VflError
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
_REFUSALS = 100
"""Refused envelopes that a session enters in the audit: a relay can send junk without end."""


class _Outgoing:
    """One outbound link and its courier's position."""

    def __init__(self, link: OutboundLink, acked: int, recorded_to: int) -> None:
        self.link = link
        self.acked = acked
        self.cursor = acked
        self.rewinds = 0
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
        self._refused = 0
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
        self._out[peer] = _Outgoing(
            OutboundLink(self._identity, record, there, genesis, next_seq=start.next_seq, head=start.prev_hash),
            acked=self._journal.acked(peer),
            recorded_to=max(start.next_seq, self._journal.outbound_end(peer)),
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
        """Leave the transport and stop; the journal keeps everything that a later start needs."""
        await self._transport.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._disk.shutdown)

    async def drained(self, finished: Mapping[str, asyncio.Event]) -> None:
        """Wait until every peer has recorded all that was sent.

        A peer that has ended its part of the job (``finished`` by name) has recorded everything, though it may no
        longer be there to say so.
        """
        for peer, out in self._out.items():
            await self._guard(self._acked_all(out), finished[peer].wait())

    async def _acked_all(self, out: _Outgoing) -> None:
        async with out.changed:
            while out.acked < out.link.next_seq:
                await out.changed.wait()

    async def note(self, event: str, **facts: Any) -> None:
        """Enter something in the audit that belongs to no message."""
        await self._on_disk(self._journal.record_audit, *self._audit.entry(event, **facts))

    def _on_disk(self, work: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """Queue ``work`` at once: journal and audit are written in the order of the calls."""
        return asyncio.get_running_loop().run_in_executor(self._disk, work, *args)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

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

    async def _guard(self, *waiting: Awaitable[Any]) -> Any:
        """The result of the first to end, or the session's failure; the others are cancelled."""
        tasks = [asyncio.ensure_future(w) for w in waiting]
        try:
            await asyncio.wait({*tasks, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                if not task.done():
                    task.cancel()
        done = [t for t in tasks if t.done()]
        return done[0].result() if done else self._failure.result()

    # --- sending ----------------------------------------------------------------------------------------------

    async def send(self, receiver: str, step: str, released: Released, *, last: bool) -> None:
        """Seal, journal and audit, queue. Returns once the message is durable and the courier is not far behind."""
        out = self._out[receiver]
        seq = out.link.next_seq
        raw = out.link.seal(step=step, type=released.type_name, body=bytes([last]) + released.body)
        if seq < out.recorded_to:
            if await self._on_disk(self._journal.outbound, receiver, seq) != raw:
                raise _replay_differs(step)
        else:
            entry = self._audit.entry(
                "sent", to=receiver, seq=seq, step=step, type=released.type_name, bytes=len(released.body),
                bits=released.bits, sha256=released.digest, reasons=list(released.reasons),
            )  # fmt: skip
            await self._on_disk(self._journal.record_outbound, receiver, seq, raw, entry)
        async with out.changed:
            if seq >= out.acked:
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
                seq, rewinds = out.cursor, out.rewinds
            raw = out.recent.get(seq) or await self._on_disk(self._journal.outbound, peer, seq)
            if raw is not None:  # else pruned: the peer has acknowledged it, whatever the relay says
                await self._transport.send(raw)
            async with out.changed:
                if out.rewinds == rewinds:
                    out.cursor = seq + 1
                out.changed.notify_all()

    def _outgoing(self, link: Link) -> _Outgoing | None:
        """Positions come unsigned from the relay: those of links that are not ours are nobody's."""
        out = self._out.get(link.receiver)
        return out if out is not None and out.link.link == link else None

    async def _on_resume(self, link: Link, next_seq: int) -> None:
        """The peer wants this link from ``next_seq`` on: the courier goes there."""
        out = self._outgoing(link)
        if out is not None:
            async with out.changed:
                out.cursor = min(next_seq, out.recorded_to)
                out.rewinds += 1
                out.changed.notify_all()

    def _on_acknowledged(self, link: Link, next_seq: int) -> None:
        out = self._outgoing(link)
        if out is None or not out.acked < next_seq <= out.recorded_to:
            return
        out.acked = next_seq
        for seq in [s for s in out.recent if s < next_seq]:
            del out.recent[seq]
        self._journal.note_acked(link.receiver, next_seq)
        self._spawn(self._notify(out))

    async def _notify(self, out: _Outgoing) -> None:
        async with out.changed:
            out.changed.notify_all()

    # --- receiving --------------------------------------------------------------------------------------------

    async def _on_envelope(self, raw: bytes) -> None:
        incoming = self._in.get(Header.peek(raw).link.sender)
        if incoming is not None:
            await incoming.raw.put(raw)

    async def _receiver(self, peer: str) -> None:
        incoming = self._in[peer]
        await self._replay(peer, incoming)
        await self._transport.resume(incoming.link.link, incoming.link.next_seq)
        while True:
            batch = [await incoming.raw.get()]
            while not incoming.raw.empty() and len(batch) < _INBOX:
                batch.append(incoming.raw.get_nowait())
            verdicts = [await self._judge(incoming, raw) for raw in batch]
            opened = [o for v in verdicts if isinstance(v, Accepted) for o in v.opened]
            if opened:
                entries = [self._entry(peer, o) for o in opened]
                await self._on_disk(
                    self._journal.record_inbound, [(peer, o.header.seq, o.raw) for o in opened], entries
                )
            # Only now: whoever hears a position may forget what is below it.
            if any(isinstance(v, Gap) and v.next_seq == incoming.link.next_seq for v in verdicts):
                await self._transport.resume(incoming.link.link, incoming.link.next_seq)
            else:
                await self._transport.acknowledge(incoming.link.link, incoming.link.next_seq)
            for message in opened:
                await incoming.inbox.put(message)

    async def _replay(self, peer: str, incoming: _Incoming) -> None:
        """Deliver again what was recorded after the last checkpoint."""
        while (raw := await self._on_disk(self._journal.inbound, peer, incoming.link.next_seq)) is not None:
            try:
                verdict = await asyncio.to_thread(incoming.link.accept, raw)
            except VflError as error:
                raise _recorded_unreadable(peer) from error
            if not isinstance(verdict, Accepted):
                raise _recorded_unreadable(peer)
            for message in verdict.opened:
                await incoming.inbox.put(message)

    async def _judge(self, incoming: _Incoming, raw: bytes) -> Accepted | Duplicate | Gap:
        """Check one envelope. What its sender did not sign is dropped and asked for again; what it did sign and
        should not have halts the job."""
        try:
            return await asyncio.to_thread(incoming.link.accept, raw)
        except Equivocation as error:
            await self._keep_evidence(incoming, error)
            raise
        except VflError as error:
            if isinstance(error, TranscriptMismatch) or error.code == "BODY_NOT_AUTHENTIC":
                raise
            log.warning("dropped an envelope on %s: %s", incoming.link.link, error.code)
            if self._refused < _REFUSALS:
                self._refused += 1
                await self.note("refused", sender=incoming.link.link.sender, code=error.code)
            return Gap(incoming.link.next_seq)

    async def _keep_evidence(self, incoming: _Incoming, error: Equivocation) -> None:
        sender, seq = incoming.link.link.sender, Header.peek(error.evidence[0]).seq
        digests = [hashlib.sha256(e).hexdigest() for e in error.evidence]
        entry = self._audit.entry("equivocation", sender=sender, seq=seq, envelopes=digests)
        await self._on_disk(self._journal.record_evidence, sender, seq, error.evidence, entry)

    def _entry(self, sender: str, opened: Opened) -> tuple[int, bytes]:
        body = opened.body[1:]
        return self._audit.entry(
            "received", sender=sender, seq=opened.header.seq, step=opened.header.step, type=opened.header.type,
            bytes=len(body), sha256=hashlib.sha256(body).hexdigest(),
        )  # fmt: skip

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
        """Count what a received message told; a peer that sends more than the contract allows ends the job."""
        line = self.received.line(type_name, sender)
        line.bits += bits
        budget = self._contract.budgets.get(type_name)
        if budget is None or line.messages > budget.messages or line.bits > budget.bits:
            raise RemoteProtocolError(
                "PEER_OVER_BUDGET",
                Text(en=f"{sender} sent more {type_name} than the contract allows",
                     zh=f"{sender} 发送的 {type_name} 超出合同额度"),
                cure=Text(en="stop the job; check that both nodes hold the same contract and version",
                          zh="请中止任务，并核对双方合同与版本"),
            )

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


def _replay_differs(step: str) -> LocalProtocolError:
    return LocalProtocolError(
        "REPLAY_DIFFERS",
        Text(en=f"replaying {step} made another message than the one already sent",
             zh=f"重放 {step} 时产生的消息与已发送的不一致"),
        cure=Text(en="the software or the data changed during the job: cancel it and start it again",
                  zh="任务期间软件或数据发生变化：请取消后重新发起"),
    )


def _recorded_unreadable(peer: str) -> DataError:
    return DataError(
        "JOURNAL_CORRUPT",
        Text(en=f"a recorded envelope of {peer} is not as it was accepted",
             zh=f"日志中 {peer} 的信封与当初验收时不符"),
        cure=Text(en="restore the node's backup, or cancel this job and start it again",
                  zh="恢复节点备份，或取消该任务后重新发起"),
        place=Place(file="journal.db"),
    )
