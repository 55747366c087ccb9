"""Node run: one party performs its own lines of the choreography; the others' lines are messages.

Steps run in one worker thread, in the order of the lines, while the event loop moves bytes: a stream's next chunk
is computed while the last one travels. Lines of other parties cost nothing. Every send and receive carries the
phase and line number of the choreography, so two nodes that run different protocols notice at the first message.
A step that fails ends the run at once, also while it waits for a peer, who may be waiting for that step's message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from vfl.errors import LocalProtocolError, RemoteProtocolError, Text
from vfl.runtime.choreography import AtStream, Interpreter, _Located
from vfl.runtime.egress import Egress, Released
from vfl.runtime.steps import Roles, call_step, empty_stream, message_made_by, require_message, role_object
from vfl.wire.codec import decode, encode
from vfl.wire.messages import WireMessage, message_named

__all__ = ["NodeRun", "Stateful", "StepChannel"]

T = TypeVar("T")
_END = object()


class Stateful(Protocol):
    """A role object whose state a checkpoint keeps."""

    def dump(self) -> dict[str, bytes]:
        """State by part name; unchanged parts must give unchanged bytes."""

    def restore(self, parts: dict[str, bytes]) -> None: ...


class StepChannel(Protocol):
    """What a node run needs of the session: ordered, durable messages between parties."""

    async def send(self, receiver: str, step: str, released: Released, *, last: bool) -> None: ...

    def receive(self, sender: str, step: str) -> Coroutine[Any, Any, tuple[str, bytes, bool]]:
        """Next message from ``sender``: (type name, body, last of its stream)."""

    def learned(self, sender: str, type_name: str, bits: int) -> None:
        """Count what a received message told, for this party's own ledger."""

    def ended(self, phase: str) -> tuple[str, bytes] | None:
        """Result of a phase that ended before a crash."""

    async def checkpoint(self, phase: str, result: tuple[str, bytes], parts: dict[str, bytes]) -> None: ...

    def public_keys(self) -> Any:
        """Public keys this job knows, by key id."""


class _Absent:
    """What other parties' lines leave here: the message class, no value."""

    __slots__ = ("made",)

    def __init__(self, made: type[WireMessage] | None) -> None:
        self.made = made


class _Pending:
    """A local step that the worker runs, or has run; calling it in a later step gives its message."""

    __slots__ = ("future",)

    def __init__(self, future: Future[Any]) -> None:
        self.future = future

    def __call__(self) -> Any:
        return self.future.result()


class _Inbox:
    """A stream still on its way."""

    __slots__ = ("made", "sender", "step")

    def __init__(self, made: type[WireMessage], sender: str, step: str) -> None:
        self.made, self.sender, self.step = made, sender, step


class _Failed:
    """A stream broke off here: what follows must not look like its end."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


async def _take(ready: asyncio.Queue[object]) -> object:
    item = await ready.get()
    if isinstance(item, _Failed):
        raise item.error
    return item


class NodeRun(Interpreter):
    """Interprets a choreography at ``party``."""

    def __init__(
        self,
        party: str,
        roles: Roles,
        state: Stateful,
        egress: Egress,
        channel: StepChannel,
        *,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._party = party
        self._roles = roles
        self._state = state
        self._egress = egress
        self._channel = channel
        self._progress = progress
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"steps-{party}")
        self._pending: list[Future[Any]] = []
        self._phase = ""
        self._line = 0
        self._loop = asyncio.get_running_loop()
        self._broken: asyncio.Future[None] = self._loop.create_future()
        """Holds the first failure of a local step."""

    async def close(self) -> None:
        """Wait for the step that is running; the others are dropped."""
        await asyncio.to_thread(self._worker.shutdown, wait=True, cancel_futures=True)

    def do(self, owner: str, role: type, step: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        if owner != self._party:
            return _Absent(message_made_by(step))
        target = role_object(self._roles, role, owner)
        future = self._worker.submit(call_step, target, step, args, owner)
        future.add_done_callback(self._step_ended)
        self._pending.append(future)
        return _Pending(future)

    def stream(self, owner: str, role: type, step: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return self.do(owner, role, step, args)

    async def send(self, located: _Located, receivers: Sequence[str]) -> list[Any]:
        step = self._next_line()
        sender = located._owner
        if sender == self._party:
            made = await self._send_out(located, receivers, step)
            return [_Absent(made) for _ in receivers]
        expected = located._cell.made
        if self._party not in receivers:
            return [_Absent(expected) for _ in receivers]
        here: Any
        if isinstance(located, AtStream):
            here = _Inbox(expected, sender, step)
        else:
            here, _ = await self._receive(expected, sender, step)
        return [here if r == self._party else _Absent(expected) for r in receivers]

    async def absorb(
        self, owner: str, role: type, step: Callable[..., Any], stream: Any, known: tuple[str, ...]
    ) -> None:
        if owner != self._party:
            return
        target = role_object(self._roles, role, owner)
        last, running = False, None
        while not last:
            # The next chunk arrives while the worker digests this one.
            chunk, last = await self._receive(stream.made, stream.sender, stream.step)
            if running is not None:
                await asyncio.wrap_future(running)
            running = self._worker.submit(call_step, target, step, (chunk, *known), owner)
        if running is not None:
            await asyncio.wrap_future(running)
        await self._settle()

    async def announce(self, located: _Located, receivers: Sequence[str]) -> WireMessage:
        if self._party != located._owner and self._party not in receivers:
            raise LocalProtocolError(
                "ANNOUNCED_ELSEWHERE",
                Text(en=f"{located!r} is announced, but not to {self._party}",
                     zh=f"{located!r} 已宣布，但未通知 {self._party}"),
                cure=Text(en="announce decisions to every party that follows them", zh="决策应通知所有相关方"),
            )
        if self._party == located._owner:
            message = require_message(await self._value(located), located._what)
            if receivers:
                await self.send(located, receivers)
            # The announcer reads its own words as the others do, so that control flow is the same everywhere.
            return decode(type(message), encode(message), self._channel.public_keys())
        arrived = await self.send(located, receivers)
        here: WireMessage = arrived[list(receivers).index(self._party)]
        return here

    async def phase(self, name: str, body: Callable[[], Awaitable[WireMessage | None]]) -> WireMessage | None:
        if self._phase:
            raise LocalProtocolError(
                "PHASE_NESTED",
                Text(en=f"phase {name} inside phase {self._phase}", zh=f"阶段 {name} 嵌套于阶段 {self._phase}"),
                cure=Text(en="phases follow one another", zh="阶段只能依次进行"),
            )
        ended = self._channel.ended(name)
        if ended is not None:
            kind, raw = ended
            made = message_named(kind)
            return None if made is None else decode(made, raw, self._channel.public_keys())
        self._phase, self._line = name, 0
        self._progress(name)
        try:
            result = await body()
            await self._settle()
            parts = await asyncio.wrap_future(self._worker.submit(self._state.dump))
            outcome = ("", b"") if result is None else (result.type_name, encode(result))
            await self._channel.checkpoint(name, outcome, parts)
            return result
        finally:
            self._phase = ""

    # --- inside -----------------------------------------------------------------------------------------------

    def _step_ended(self, future: Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self._loop.call_soon_threadsafe(self._step_failed, error)

    def _step_failed(self, error: BaseException) -> None:
        if not self._broken.done():
            self._broken.set_exception(error)
            self._broken.exception()  # seen: whatever waits for a peer raises it

    async def _unless_broken(self, waiting: Coroutine[Any, Any, T]) -> T:
        """Wait for a peer, or for the failure of a local step."""
        task = asyncio.ensure_future(waiting)
        either: set[asyncio.Future[Any]] = {task, self._broken}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                self._broken.result()
            return task.result()
        finally:
            task.cancel()

    def _next_line(self) -> str:
        self._line += 1
        return f"{self._phase}/{self._line}"

    async def _value(self, located: _Located) -> Any:
        return await asyncio.wrap_future(located._cell.future)

    async def _settle(self) -> None:
        """Wait for the local steps so far; the first failure surfaces here."""
        pending, self._pending = self._pending, []
        for future in pending:
            await asyncio.wrap_future(future)

    async def _send_out(self, located: _Located, receivers: Sequence[str], step: str) -> type[WireMessage]:
        value = await self._value(located)
        await self._settle()
        if not isinstance(value, Iterator):
            message = require_message(value, located._what)
            await self._release(message, receivers, step, last=True)
            return type(message)
        made: type[WireMessage] | None = None
        ready: asyncio.Queue[object] = asyncio.Queue(maxsize=2)
        maker = asyncio.ensure_future(self._make_chunks(value, ready))
        try:
            current = await _take(ready)
            while current is not _END:
                message = require_message(current, located._what)
                made = type(message)
                # One chunk ahead: the last one must say that it is the last.
                following = await _take(ready)
                await self._release(message, receivers, step, last=following is _END)
                current = following
        finally:
            maker.cancel()
        if made is None:
            raise empty_stream(located._what)
        return made

    async def _make_chunks(self, chunks: Iterator[object], ready: asyncio.Queue[object]) -> None:
        """Compute chunks in the worker while earlier ones are journaled and sent."""
        try:
            while (chunk := await asyncio.wrap_future(self._worker.submit(next, chunks, _END))) is not _END:
                await ready.put(chunk)
            await ready.put(_END)
        except Exception as error:
            await ready.put(_Failed(error))

    async def _release(self, message: WireMessage, receivers: Sequence[str], step: str, *, last: bool) -> None:
        released = self._egress.release(message, receivers)
        for receiver in receivers:
            await self._channel.send(receiver, step, released, last=last)

    async def _receive(self, expected: type[WireMessage], sender: str, step: str) -> tuple[WireMessage, bool]:
        kind, body, last = await self._unless_broken(self._channel.receive(sender, step))
        if kind != expected.type_name:
            raise RemoteProtocolError(
                "MESSAGE_UNEXPECTED",
                Text(en=f"{sender} sent {kind} where {expected.type_name} belongs",
                     zh=f"{sender} 发来 {kind}，而此处应为 {expected.type_name}"),
                cure=Text(en="check that both nodes run the same version", zh="请核对双方节点的版本是否一致"),
            )
        message = await asyncio.get_running_loop().run_in_executor(
            None, decode, expected, body, self._channel.public_keys()
        )
        self._channel.learned(sender, kind, message.disclosed_bits())
        return message, last
