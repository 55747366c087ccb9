"""A TCP proxy that misbehaves like a network: user space only, so that any test machine will do."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field

__all__ = ["FaultProxy"]


@dataclass(kw_only=True)
class FaultProxy:
    """Forwards connections to ``target`` port on loopback. All faults may be changed while it runs.

    Attributes
    ----------
    slice_bytes : int
        Forward at most so many bytes per write.
    delay_s, jitter_s : float
        Wait before each forwarded piece; order is kept.
    rate : float
        Bytes per second and direction; 0: unlimited.
    """

    target: int
    slice_bytes: int = 65536
    delay_s: float = 0.0
    jitter_s: float = 0.0
    rate: float = 0.0
    refuse: bool = False
    connections: int = 0
    _pairs: list[dict[str, asyncio.StreamWriter]] = field(default_factory=list)

    async def start(self) -> int:
        """The port to dial instead of the target's."""
        self._rng = random.Random(7)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        self._server.close()
        self.reset()

    def reset(self) -> None:
        """Cut every connection at once, in the middle of whatever it carries (RST, no farewell)."""
        for pair in self._pairs:
            for writer in pair.values():
                raw = writer.get_extra_info("socket")
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        self._pairs.clear()

    def hold(self, *directions: str) -> None:
        """Existing connections carry nothing more ``up`` (to the target) or ``down``, yet stay open."""
        for pair in self._pairs:
            for direction in directions:
                pair.pop(direction, None)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            writer.transport.abort()
            return
        self.connections += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = {"up": far_writer, "down": writer}
        self._pairs.append(pair)
        await asyncio.gather(self._pump(reader, pair, "up"), self._pump(far_reader, pair, "down"))

    async def _pump(self, reader: asyncio.StreamReader, pair: dict[str, asyncio.StreamWriter], direction: str) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while raw := await reader.read(65536):
                for start in range(0, len(raw), self.slice_bytes):
                    piece = raw[start : start + self.slice_bytes]
                    await self._wait(len(piece))
                    if direction not in pair:
                        await asyncio.Event().wait()  # held: swallowed for good, the connection stays open
                    pair[direction].write(piece)
                    await pair[direction].drain()
        if direction in pair:
            pair[direction].close()

    async def _wait(self, size: int) -> None:
        wait = self.delay_s + self.jitter_s * self._rng.random() + (size / self.rate if self.rate else 0.0)
        if wait:
            await asyncio.sleep(wait)
