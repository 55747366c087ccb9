"""Moving envelopes between parties: at least once, with credit, over connections that come and go.

A transport keeps no envelope. The sender's journal holds each one until the receiver has acknowledged it, and
the receiver acknowledges what its own journal holds; so any connection, relay or process may die at any moment:

* the receiver names the next number it wants of each link (*resume*): after it connects, when the sender
  appears, and when it sees a gap;
* the sender then sends again from there, byte-identical, out of its journal;
* at most :data:`WINDOW_BYTES` per link are unacknowledged (*credit*): a slow receiver stops its senders, and
  nobody in between needs more room than that.

Positions (ack, resume) are not signed: a lying relay can cause repeats or a stall, which it can do anyway by
dropping; it cannot make anyone accept or skip an envelope. :class:`FrameTransport` does all this on frames;
:mod:`vfl.runtime.memory` and :mod:`vfl.runtime.grpc` carry the frames.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from vfl.crypto.envelope import MAX_ENVELOPE_BYTES, Header, Link
from vfl.errors import RemoteProtocolError, Text, TransportError, VflError
from vfl.pb.v1 import node_pb2

__all__ = ["WINDOW_BYTES", "FrameTransport", "Handlers", "Transport", "backoff"]

WINDOW_BYTES = 16 << 20
"""Unacknowledged bytes per link."""

_ASK_AGAIN_S = 1.0  # a gap shows at each envelope that comes too early: one question is enough
_PATIENCE_S = 15.0  # nothing acknowledged for so long though the peer is there: send again, then wait longer
_PATIENCE_GROWTH = 16.0


def _ignore(*_: object) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """What a transport tells its session.

    Links and names come from the relay, which may invent them: a handler ignores those it does not know. A
    handler that raises fails the transport.
    """

    on_envelope: Callable[[bytes], Awaitable[None]]
    """An envelope, unchecked, maybe a duplicate; calls for one link come one after another."""
    on_resume: Callable[[Link, int], Awaitable[None]]
    """The peer wants this link from this number on. The session sends each link in order from one task with a
    cursor, and moves the cursor here."""
    on_acknowledged: Callable[[Link, int], None] = _ignore
    """The peer's journal holds all below this number."""
    on_presence: Callable[[str, bool], None] = _ignore
    """A peer has come or gone."""
    on_connection: Callable[[bool], None] = _ignore
    """The connection to the network stands or is lost (it is made again without help)."""
    on_refused: Callable[[VflError], None] = _ignore
    """Something arrived that is no envelope, or the relay refused to pass one on."""


class Transport(Protocol):
    """What a session needs. ``party`` is our own name."""

    party: str

    def set_handlers(self, handlers: Handlers) -> None:
        """Before :meth:`connect`."""

    async def connect(self) -> None:
        """Connect and stay connected; returns at the first success.

        Raises what no retry can mend: a refused version or certificate. Anything else is retried.
        """

    async def close(self) -> None: ...

    async def send(self, envelope: bytes) -> None:
        """Hand over an envelope that the journal holds; waits for credit, not for delivery.

        Without a connection it returns at once: the receiver will ask for it. Raises the failure once the
        transport has failed for good.
        """

    async def resume(self, link: Link, next_seq: int) -> None:
        """Receive ``link`` from ``next_seq`` on: once for each inbound link, and again when there is a gap."""

    async def acknowledge(self, link: Link, next_seq: int) -> None:
        """Tell the sender that our journal holds all below ``next_seq``."""

    async def failed(self) -> None:
        """Never returns; raises the error when the transport has failed for good."""


def backoff(attempt: int, rng: random.Random, *, first: float = 0.25, cap: float = 30.0) -> float:
    """Seconds to wait before attempt 1, 2, …: doubling, capped, with full jitter above one half."""
    top = min(cap, first * 2.0 ** min(attempt - 1, 16))
    return top * (0.5 + 0.5 * rng.random())


@dataclass(slots=True)
class _Outbound:
    """Credit of one link that we send on."""

    in_flight: dict[int, int] = field(default_factory=dict)
    """Bytes by sequence number, sent and not acknowledged."""
    bytes: int = 0
    wanted: int | None = None
    """The next number that the receiver has named, once it has."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    progress: float = 0.0
    patience: float = 1.0
    """As a multiple of the transport's patience."""

    def add(self, seq: int, size: int, now: float) -> None:
        if not self.in_flight:
            self.progress = now
        self.bytes += size - self.in_flight.get(seq, 0)
        self.in_flight[seq] = size

    def settle(self, below: int, now: float) -> None:
        self.wanted = below if self.wanted is None else max(self.wanted, below)
        done = [seq for seq in self.in_flight if seq < below]
        for seq in done:
            self.bytes -= self.in_flight.pop(seq)
        if done:
            self.progress, self.patience = now, 1.0
            self.changed.set()

    def forget(self) -> None:
        """What was in flight is lost or will be sent again: it holds no credit."""
        self.in_flight.clear()
        self.bytes = 0
        self.changed.set()


@dataclass(slots=True)
class _Inbound:
    """A link that we receive on."""

    next_seq: int
    waiting: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    bytes: int = 0
    asked: tuple[int, float] | None = None
    task: asyncio.Task[None] | None = None


class FrameTransport(ABC):
    """Everything about a transport but the wire.

    A subclass carries frames: it implements :meth:`_write` and calls :meth:`_connected`, :meth:`_received`,
    :meth:`_disconnected`, and :meth:`_fail` for what no retry can mend.
    """

    def __init__(self, party: str, *, window: int = WINDOW_BYTES, patience: float = _PATIENCE_S) -> None:
        if window < 2 * MAX_ENVELOPE_BYTES:
            raise ValueError("the window holds at least two of the longest envelopes")
        self.party = party
        self._window = window
        self._patience = patience
        self._handlers: Handlers | None = None
        self._outbound: dict[Link, _Outbound] = {}
        self._inbound: dict[Link, _Inbound] = {}
        self._present: set[str] = set()
        self._up = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: VflError | None = None
        self._failure_seen = asyncio.Event()

    # --- for the session --------------------------------------------------------------------------------------

    def set_handlers(self, handlers: Handlers) -> None:
        self._handlers = handlers

    async def send(self, envelope: bytes) -> None:
        header = Header.peek(envelope)
        link = self._outbound.setdefault(header.link, _Outbound())
        while self._failure is None and link.bytes and link.bytes + len(envelope) > self._window:
            link.changed.clear()
            await link.changed.wait()
        if self._failure is not None:
            raise self._failure
        link.add(header.seq, len(envelope), _time())
        self._write(node_pb2.Frame(deliver=envelope))

    async def resume(self, link: Link, next_seq: int) -> None:
        inbound = self._inbound.setdefault(link, _Inbound(next_seq))
        inbound.next_seq = next_seq
        if inbound.asked is None or inbound.asked[0] != next_seq or _time() > inbound.asked[1] + _ASK_AGAIN_S:
            self._ask(link, inbound)

    async def acknowledge(self, link: Link, next_seq: int) -> None:
        self._inbound.setdefault(link, _Inbound(next_seq)).next_seq = next_seq
        self._write(node_pb2.Frame(ack=_position(link, next_seq)))

    def forget(self, job: str) -> None:
        """Drop all links of a job whose session has closed; what comes for them finds nobody."""
        for link in [x for x in self._inbound if x.job == job]:
            task = self._inbound.pop(link).task
            if task is not None:
                task.cancel()
        for link in [x for x in self._outbound if x.job == job]:
            del self._outbound[link]

    async def failed(self) -> None:
        await self._failure_seen.wait()
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        self._up = False
        tasks = [t for t in self._tasks if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._inbound.clear()

    # --- for the subclass -------------------------------------------------------------------------------------

    @abstractmethod
    def _write(self, frame: node_pb2.Frame) -> None:
        """Pass a frame on without waiting, or drop it when there is no connection."""

    def _connected(self) -> None:
        self._up = True
        self._told().on_connection(True)  # who is there follows as presence, and links are asked for then

    def _disconnected(self) -> None:
        if not self._up:
            return
        self._up = False
        gone, self._present = self._present, set()
        for outbound in self._outbound.values():
            outbound.forget()
        for peer in sorted(gone):
            self._told().on_presence(peer, False)
        self._told().on_connection(False)

    def _fail(self, failure: VflError) -> None:
        """No retry can mend this: every call raises it from now on."""
        if self._failure is None:
            self._failure = failure
            self._failure_seen.set()
            for outbound in self._outbound.values():
                outbound.changed.set()

    def _received(self, frame: node_pb2.Frame) -> None:
        try:
            self._take(frame)
        except Exception as error:
            self._fail(error if isinstance(error, VflError) else _handler_failed(error))

    def _take(self, frame: node_pb2.Frame) -> None:
        kind = frame.WhichOneof("kind")
        if kind == "deliver":
            self._deliver(frame.deliver)
        elif kind == "ack":
            self._acknowledged(_link(frame.ack), frame.ack.next_seq)
        elif kind == "resume":
            link = _link(frame.resume)
            self._acknowledged(link, frame.resume.next_seq)
            if link.sender == self.party:
                self._rewind(link, frame.resume.next_seq)
        elif kind == "presence":
            self._presence(frame.presence.party, frame.presence.up)
        elif kind == "ping":
            self._write(node_pb2.Frame(pong=node_pb2.Pong(id=frame.ping.id)))
        elif kind == "refused":
            self._told().on_refused(_refused(frame.refused.code))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` in the background; its failure is the transport's."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def _watch(self) -> None:
        """Send again what a peer that is there has not acknowledged for long: a frame was lost on the way."""
        while True:
            await asyncio.sleep(self._patience / 4)
            now = _time()
            for link, outbound in list(self._outbound.items()):
                stalled = outbound.in_flight and now > outbound.progress + outbound.patience * self._patience
                if stalled and link.receiver in self._present:
                    outbound.patience = min(2 * outbound.patience, _PATIENCE_GROWTH)
                    outbound.progress = now
                    first = min(outbound.in_flight) if outbound.wanted is None else outbound.wanted
                    self._rewind(link, first)

    # --- inside -----------------------------------------------------------------------------------------------

    def _told(self) -> Handlers:
        if self._handlers is None:
            raise RuntimeError("set_handlers comes before connect")
        return self._handlers

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error if isinstance(error, VflError) else _handler_failed(error))

    def _deliver(self, raw: bytes) -> None:
        try:
            link = Header.peek(raw).link
        except VflError as error:
            self._told().on_refused(error)
            return
        inbound = self._inbound.get(link)
        if inbound is None or link.receiver != self.party:
            # Not a link that a session has opened. It will ask when it does.
            return
        if inbound.bytes + len(raw) > 2 * self._window:
            return  # the sender ignores its credit; what is dropped here is a gap, and asked for again
        inbound.bytes += len(raw)
        inbound.waiting.put_nowait(raw)
        if inbound.task is None:
            inbound.task = self._spawn(self._hand_over(inbound))

    async def _hand_over(self, inbound: _Inbound) -> None:
        """One task per link, so that a link whose session is slow holds up no other."""
        while True:
            raw = await inbound.waiting.get()
            try:
                await self._told().on_envelope(raw)
            finally:
                inbound.bytes -= len(raw)

    def _ask(self, link: Link, inbound: _Inbound) -> None:
        inbound.asked = (inbound.next_seq, _time())
        self._write(node_pb2.Frame(resume=_position(link, inbound.next_seq)))

    def _rewind(self, link: Link, next_seq: int) -> None:
        if link in self._outbound:
            self._outbound[link].forget()
        self._spawn(self._run_resume(link, next_seq))

    async def _run_resume(self, link: Link, next_seq: int) -> None:
        await self._told().on_resume(link, next_seq)

    def _acknowledged(self, link: Link, next_seq: int) -> None:
        if link.sender != self.party:
            return
        if link in self._outbound:
            self._outbound[link].settle(next_seq, _time())
        self._told().on_acknowledged(link, next_seq)

    def _presence(self, peer: str, up: bool) -> None:
        if up:
            self._present.add(peer)
            for link, inbound in self._inbound.items():
                if link.sender == peer:
                    self._ask(link, inbound)
        else:
            self._present.discard(peer)
        self._told().on_presence(peer, up)


def _time() -> float:
    return asyncio.get_running_loop().time()


def _position(link: Link, next_seq: int) -> node_pb2.Position:
    return node_pb2.Position(
        job=link.job, epoch=link.epoch, sender=link.sender, receiver=link.receiver, next_seq=next_seq
    )


def _link(position: node_pb2.Position) -> Link:
    return Link(position.job, position.epoch, position.sender, position.receiver)


def _refused(code: str) -> RemoteProtocolError:
    shown = plain_code(code)
    return RemoteProtocolError(
        "RELAY_REFUSED",
        Text(en=f"the coordinator refused to pass this on ({shown})", zh=f"协调节点拒绝转发（{shown}）"),
        cure=Text(
            en="check this party's status and record in the registry with the network's operator",
            zh="请与网络运营方核对本机构在注册表中的状态与身份记录",
        ),
    )


def plain_code(code: str) -> str:
    """An error code from outside, cut down to what may stand in a log."""
    return "".join(c for c in code if c.isascii() and (c.isalnum() or c == "_"))[:40] or "UNNAMED"


def _handler_failed(error: BaseException) -> TransportError:
    return TransportError(
        "TRANSPORT_HANDLER",
        Text(
            en=f"handling a frame failed ({type(error).__name__})",
            zh=f"处理收到的数据帧时出错（{type(error).__name__}）",
        ),
        cure=Text(en="this is a defect: report it with the log", zh="这是程序缺陷，请附日志报告"),
    )
