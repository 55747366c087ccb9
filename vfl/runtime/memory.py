"""A network inside one process, with faults on request: for the reference run, the simulator and tests.

Faults are drawn from a seeded generator, one draw per frame in the order the frames are written, so the same
run meets the same faults.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from vfl.crypto.envelope import Header
from vfl.pb.v1 import node_pb2
from vfl.runtime.transport import WINDOW_BYTES, FrameTransport

__all__ = ["Faults", "MemoryNetwork", "MemoryTransport"]

_PLACED = ("deliver", "ack", "resume")
"""Frames from party to party: faults meet these only; presence is the network's own word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Probabilities per frame, and the longest delay in seconds (uniform; frames overtake each other)."""

    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    seed: int = 0


class MemoryNetwork:
    """Joins :class:`MemoryTransport` objects of one event loop.

    Parameters
    ----------
    faults : Faults
    tap : callable, optional
        ``tap(sender, receiver, frame)`` sees each frame as it is written: tests keep the parties' views.
    """

    def __init__(
        self,
        faults: Faults | None = None,
        *,
        window: int = WINDOW_BYTES,
        patience: float = 1.0,
        tap: Callable[[str, str, node_pb2.Frame], None] | None = None,
    ) -> None:
        self._faults = faults or Faults()
        self._rng = random.Random(self._faults.seed)  # noqa: S311 - faults, no secrets
        self._window = window
        self._patience = patience
        self._tap = tap
        self._members: dict[str, MemoryTransport] = {}

    def transport(self, party: str) -> MemoryTransport:
        """A transport for ``party``; it is on the network once connected."""
        return MemoryTransport(party, self, window=self._window, patience=self._patience)

    def cut(self, party: str) -> None:
        """Break the party's connection; frames on their way to it are lost."""
        member = self._members.pop(party, None)
        if member is not None:
            member._disconnected()
            self._announce(party, up=False)

    def heal(self, member: MemoryTransport) -> None:
        """Let a cut party back in."""
        self._members[member.party] = member
        member._connected()
        for other in list(self._members):
            if other != member.party:
                member._received(_presence(other, up=True))
        self._announce(member.party, up=True)

    def _announce(self, party: str, *, up: bool) -> None:
        for other in list(self._members.values()):
            if other.party != party:
                other._received(_presence(party, up=up))

    def _route(self, sender: str, frame: node_pb2.Frame) -> None:
        kind = frame.WhichOneof("kind")
        if kind not in _PLACED or sender not in self._members:
            return
        receiver = _receiver(frame)
        if self._tap is not None:
            self._tap(sender, receiver, frame)
        copies = 1
        if self._rng.random() < self._faults.drop:
            copies = 0
        elif self._rng.random() < self._faults.duplicate:
            copies = 2
        loop = asyncio.get_running_loop()
        for _ in range(copies):
            target = self._members.get(receiver)
            if target is None:
                continue
            if self._faults.delay:
                loop.call_later(self._faults.delay * self._rng.random(), self._arrive, target, frame)
            else:
                loop.call_soon(self._arrive, target, frame)

    def _arrive(self, target: MemoryTransport, frame: node_pb2.Frame) -> None:
        if self._members.get(target.party) is target:
            target._received(frame)


class MemoryTransport(FrameTransport):
    """One party's end of a :class:`MemoryNetwork`."""

    def __init__(self, party: str, network: MemoryNetwork, *, window: int, patience: float) -> None:
        super().__init__(party, window=window, patience=patience)
        self._network = network

    async def connect(self) -> None:
        self._spawn(self._watch())
        self._network.heal(self)

    async def close(self) -> None:
        self._network.cut(self.party)
        await super().close()

    def _write(self, frame: node_pb2.Frame) -> None:
        self._network._route(self.party, frame)


def _presence(party: str, *, up: bool) -> node_pb2.Frame:
    return node_pb2.Frame(presence=node_pb2.Presence(party=party, up=up))


def _receiver(frame: node_pb2.Frame) -> str:
    if frame.WhichOneof("kind") == "deliver":
        return Header.peek(frame.deliver).link.receiver
    position = frame.ack if frame.WhichOneof("kind") == "ack" else frame.resume
    return str(position.sender)
