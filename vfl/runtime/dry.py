"""Dry run: interprets a choreography without data and lists its messages.

``vfl protocol show`` and ``vfl protocol leaks`` print from this, so the tables come from the code that runs.
Announced decisions take the example values that the message class gives (``rehearsal``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vfl.runtime.choreography import AtStream, Interpreter, _Located
from vfl.runtime.steps import message_made_by
from vfl.wire.messages import WireMessage

__all__ = ["DryRun", "Line"]


@dataclass(frozen=True, slots=True)
class Line:
    """One send of the choreography."""

    phase: str
    sender: str
    receivers: tuple[str, ...]
    message: type[WireMessage]
    stream: bool
    announced: bool


class DryRun(Interpreter):
    """Collects :class:`Line` objects in the order of the choreography."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._phase = ""
        self._rehearsals: dict[type[WireMessage], Iterator[WireMessage]] = {}

    def do(self, owner: str, role: type, step: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return message_made_by(step)

    def stream(self, owner: str, role: type, step: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return message_made_by(step)

    async def send(self, located: _Located, receivers: Sequence[str]) -> list[Any]:
        self._note(located, receivers, announced=False)
        return [located._cell] * len(receivers)

    async def absorb(
        self, owner: str, role: type, step: Callable[..., Any], stream: Any, known: tuple[str, ...]
    ) -> None:
        return None

    async def announce(self, located: _Located, receivers: Sequence[str]) -> WireMessage:
        self._note(located, receivers, announced=True)
        cls: type[WireMessage] = located._cell
        while True:
            try:
                return next(self._rehearsals.setdefault(cls, iter(cls.rehearsal())))
            except StopIteration:
                del self._rehearsals[cls]

    async def phase(self, name: str, body: Callable[[], Awaitable[WireMessage | None]]) -> WireMessage | None:
        outer, self._phase = self._phase, name
        try:
            return await body()
        finally:
            self._phase = outer

    def _note(self, located: _Located, receivers: Sequence[str], *, announced: bool) -> None:
        if receivers:
            self.lines.append(
                Line(self._phase, located._owner, tuple(receivers), located._cell,
                     isinstance(located, AtStream), announced)
            )
