"""Reference run: all roles in this process, every message still through egress, codec and trace.

Tests, notebooks and ``vfl sim`` use it. A node run of the same job must give the same trace and the same model,
bit for bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vfl.crypto.paillier import PublicKey
from vfl.runtime.choreography import Interpreter, _Located
from vfl.runtime.egress import Egress
from vfl.runtime.steps import Roles, call_step, empty_stream, require_message, role_object
from vfl.wire.codec import decode, encode
from vfl.wire.messages import WireMessage

__all__ = ["Party", "ReferenceRun", "Sent"]


@dataclass(frozen=True, slots=True)
class Sent:
    """One line of a trace."""

    phase: str
    step: int
    sender: str
    receiver: str
    type_name: str
    size: int
    digest: str


@dataclass(slots=True)
class Party:
    """One party of a reference run."""

    roles: Roles
    egress: Egress
    keys: Mapping[bytes, PublicKey]
    """Public keys this party accepts ciphertexts under; grows as keys are exchanged."""


class ReferenceRun(Interpreter):
    """Interprets a choreography with every party here.

    Parameters
    ----------
    parties : mapping of party name to Party
    wiretap : callable, optional
        Called with (Sent, body bytes) for each message: the views that the privacy tests search.
    """

    def __init__(
        self, parties: Mapping[str, Party], *, wiretap: Callable[[Sent, bytes], None] | None = None
    ) -> None:
        self._parties = parties
        self._wiretap = wiretap
        self._phase = ""
        self._step = 0
        self.trace: list[Sent] = []

    def do(self, owner: str, role: type, step: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return call_step(role_object(self._parties[owner].roles, role, owner), step, args, owner)

    def stream(self, owner: str, role: type, step: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        return self.do(owner, role, step, args)

    async def send(self, located: _Located, receivers: Sequence[str]) -> list[Any]:
        self._step += 1
        cell = located._cell
        if isinstance(cell, Iterator):
            chunks = [self._carry(located, chunk, receivers) for chunk in cell]
            if not chunks:
                raise empty_stream(located._what)
            return [iter([c[i] for c in chunks]) for i in range(len(receivers))]
        return self._carry(located, cell, receivers)

    def _carry(self, located: _Located, value: object, receivers: Sequence[str]) -> list[WireMessage]:
        message = require_message(value, located._what)
        sender = located._owner
        released = self._parties[sender].egress.release(message, receivers)
        arrived = []
        for receiver in receivers:
            sent = Sent(self._phase, self._step, sender, receiver, released.type_name, len(released.body),
                        hashlib.sha256(released.body).hexdigest())
            self.trace.append(sent)
            if self._wiretap is not None:
                self._wiretap(sent, released.body)
            arrived.append(decode(type(message), released.body, self._parties[receiver].keys))
        return arrived

    async def absorb(
        self, owner: str, role: type, step: Callable[..., Any], stream: Any, known: tuple[str, ...]
    ) -> None:
        target = role_object(self._parties[owner].roles, role, owner)
        for chunk in stream:
            call_step(target, step, (chunk, *known), owner)

    async def announce(self, located: _Located, receivers: Sequence[str]) -> WireMessage:
        message = require_message(located._cell, located._what)
        if receivers:
            await self.send(located, receivers)
        # The announcer reads its own words as the others do, so that control flow is the same everywhere.
        return decode(type(message), encode(message), self._parties[located._owner].keys)

    async def phase(self, name: str, body: Callable[[], Awaitable[WireMessage | None]]) -> WireMessage | None:
        outer, self._phase, self._step = (self._phase, self._step), name, 0
        try:
            return await body()
        finally:
            self._phase, self._step = outer
