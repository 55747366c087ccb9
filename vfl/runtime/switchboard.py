"""One connection to the coordinator, many jobs: envelopes go to the session of their job."""

from __future__ import annotations

import logging

from vfl.crypto.envelope import Header, Link
from vfl.errors import VflError
from vfl.runtime.transport import FrameTransport, Handlers, Transport

__all__ = ["JobTransport", "Switchboard"]

log = logging.getLogger(__name__)


class JobTransport(Transport):
    """The transport as one job's session sees it."""

    def __init__(self, shared: FrameTransport, board: Switchboard, job: str) -> None:
        self.party = shared.party
        self._shared = shared
        self._board = board
        self._job = job

    def set_handlers(self, handlers: Handlers) -> None:
        self._board.plug(self._job, handlers)

    async def connect(self) -> None:
        """The node connects once for all jobs."""

    async def close(self) -> None:
        """Hear nothing more of this job; the shared connection stays."""
        self._board.unplug(self._job)
        self._shared.forget(self._job)

    async def send(self, envelope: bytes) -> None:
        await self._shared.send(envelope)

    async def resume(self, link: Link, next_seq: int) -> None:
        await self._shared.resume(link, next_seq)

    async def acknowledge(self, link: Link, next_seq: int) -> None:
        await self._shared.acknowledge(link, next_seq)

    async def failed(self) -> None:
        await self._shared.failed()


class Switchboard:
    """Hands a shared transport's events to the jobs that are plugged in; others find nobody and are dropped.

    A dropped envelope is asked for again when its session starts.
    """

    def __init__(self, shared: FrameTransport) -> None:
        self._shared = shared
        self._plugged: dict[str, Handlers] = {}
        self.connected = False
        self.present: set[str] = set()
        """Peers that are connected."""
        self.refused: VflError | None = None
        shared.set_handlers(
            Handlers(
                on_envelope=self._envelope,
                on_resume=self._resume,
                on_acknowledged=self._acknowledged,
                on_connection=self._connection,
                on_presence=self._presence,
                on_refused=self._refused,
            )
        )

    def transport(self, job: str) -> JobTransport:
        return JobTransport(self._shared, self, job)

    def plug(self, job: str, handlers: Handlers) -> None:
        self._plugged[job] = handlers

    def unplug(self, job: str) -> None:
        self._plugged.pop(job, None)

    async def _envelope(self, raw: bytes) -> None:
        handlers = self._plugged.get(Header.peek(raw).link.job)
        if handlers is not None:
            await handlers.on_envelope(raw)

    async def _resume(self, link: Link, next_seq: int) -> None:
        handlers = self._plugged.get(link.job)
        if handlers is not None:
            await handlers.on_resume(link, next_seq)

    def _acknowledged(self, link: Link, next_seq: int) -> None:
        handlers = self._plugged.get(link.job)
        if handlers is not None:
            handlers.on_acknowledged(link, next_seq)

    def _connection(self, up: bool) -> None:
        self.connected = up
        log.info("connection to the coordinator: %s", "up" if up else "lost")

    def _presence(self, peer: str, up: bool) -> None:
        (self.present.add if up else self.present.discard)(peer)

    def _refused(self, error: VflError) -> None:
        self.refused = error
