"""A TCP proxy in user space between a node and its coordinator: slow, stuttering, cutting, or silent."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Self

__all__ = ["Line", "Proxy"]


@dataclass(slots=True)
class Line:
    """How the line is; may be changed while it is in use.

    Attributes
    ----------
    bytes_per_s : float
        Each way; 0 for no limit.
    delay_s, jitter_s : float
        Added to each piece, which keep their order.
    slice_bytes : int
        Longest piece passed on at once; 0 for as they come.
    reset_every : int
        Bytes after which a connection is reset, wherever that falls; 0 for never.
    silent_up, silent_down : bool
        Swallow everything towards the coordinator, or from it, without a word (half-open, one-way cut).
    """

    bytes_per_s: float = 0
    delay_s: float = 0
    jitter_s: float = 0
    slice_bytes: int = 0
    reset_every: int = 0
    silent_up: bool = False
    silent_down: bool = False


class Proxy:
    """Listens on a port of its own and passes on to ``target``; runs in a thread of its own.

    Use as a context manager; ``address`` is known from then on.
    """

    def __init__(self, target: str, line: Line | None = None) -> None:
        self.line = line or Line()
        self.address = ""
        self.passed = 0
        """Bytes passed on, both ways."""
        self.connections = 0
        self._target = target.rsplit(":", 1)
        self._rng = random.Random(1)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def cut(self) -> None:
        """Reset all connections now; new ones may be made."""
        self._loop.call_soon_threadsafe(self._reset, *self._writers)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there, to_there = await asyncio.open_connection(self._target[0], int(self._target[1]))
        except OSError:
            self._reset(writer)
            return
        pair = (writer, to_there)
        self._writers.update(pair)
        left = [self.line.reset_every]
        await asyncio.wait(
            [
                asyncio.ensure_future(self._pump(reader, to_there, pair, left, up=True)),
                asyncio.ensure_future(self._pump(there, writer, pair, left, up=False)),
            ],
            return_when=asyncio.FIRST_COMPLETED,
        )
        self._reset(*pair)
        self._writers.difference_update(pair)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        left: list[int],
        *,
        up: bool,
    ) -> None:
        line = self.line
        with contextlib.suppress(OSError):
            while piece := await reader.read(line.slice_bytes or 1 << 16):
                if line.silent_up if up else line.silent_down:
                    continue
                wait = line.delay_s + line.jitter_s * self._rng.random()
                wait += len(piece) / line.bytes_per_s if line.bytes_per_s else 0
                if wait:
                    await asyncio.sleep(wait)
                if line.reset_every:
                    left[0] -= len(piece)
                    if left[0] <= 0:
                        writer.write(piece[: len(piece) // 2])
                        return
                writer.write(piece)
                await writer.drain()
                self.passed += len(piece)

    @staticmethod
    def _reset(*writers: asyncio.StreamWriter) -> None:
        for writer in writers:
            # Without lingering the other end is told RST, not FIN.
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
