"""Choreographies: a protocol is one function that every node runs, performing its own role's lines.

The function sees no data. It holds *messages located at a role*, ``At[Role, Message]``, which have no truth
value, no arithmetic and no content, and *handles* of roles, through which alone anything happens:

====================================  =====================================================================
``role.do(Step, *args)``              run a local step; its message stays at ``role``
``role.stream(Step, *args)``          the same for a step that yields chunks of bulk
``await role.send(m, to=other)``      the send and its receive in one line; streams are sent as they are made
``await role.broadcast(m, to=…)``     one message or stream to several receivers
``await role.absorb(Step, stream)``   feed a stream to a step, chunk by chunk, as it arrives
``await role.announce(m, *others)``   make a decision known to all: the value itself, for control flow
``await c.phase(name, fn, …)``        a part of the job that, once ended, is never run again after a crash
====================================  =====================================================================

Three interpreters run the same function: :class:`~vfl.runtime.reference.ReferenceRun` (all roles in this
process), :class:`~vfl.runtime.noderun.NodeRun` (one role, peers over the network) and
:class:`~vfl.runtime.dry.DryRun` (no data; lists the messages). After choreographic programming
(Montesi 2023) and the located values of Shen, Kashiwa and Kuper's HasChor (ICFP 2023).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Concatenate, Generic, NoReturn, ParamSpec, TypeVar, cast, final, overload

from vfl.wire.messages import WireMessage

__all__ = ["At", "AtStream", "Choreography", "Handle", "Interpreter"]

R = TypeVar("R")
S = TypeVar("S")
M = TypeVar("M", bound=WireMessage)
A = TypeVar("A", bound=WireMessage)
B = TypeVar("B", bound=WireMessage)
D = TypeVar("D", bound=WireMessage)
P = ParamSpec("P")
N = TypeVar("N", bound=WireMessage | None)
N_co = TypeVar("N_co", bound=WireMessage | None, covariant=True)
M_co = TypeVar("M_co", bound=WireMessage, covariant=True)
R_co = TypeVar("R_co", covariant=True)


class _Located:
    """Something that is somewhere; opaque to the choreography."""

    __slots__ = ("_cell", "_owner", "_what")

    def __init__(self, owner: str, what: str, cell: Any) -> None:
        self._owner = owner
        self._what = what
        self._cell = cell

    def __repr__(self) -> str:
        return f"<{self._what} at {self._owner}>"

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{self!r} has no truth value: announce the decision")

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError(f"{self!r} does not compare")

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} does not pickle")


@final
class At(_Located, Generic[R_co, N_co]):
    """A message (or nothing) located at a role. Only its role's steps can look inside."""

    __slots__ = ()


@final
class AtStream(_Located, Generic[R_co, M_co]):
    """A stream of message chunks located at a role; made lazily, sent while it is made."""

    __slots__ = ()


class Interpreter(ABC):
    """How the lines of a choreography are carried out; one implementation per kind of run."""

    @abstractmethod
    def do(self, owner: str, role: type, step: Callable[..., Any], args: tuple[Any, ...]) -> Any: ...

    @abstractmethod
    def stream(self, owner: str, role: type, step: Callable[..., Any], args: tuple[Any, ...]) -> Any: ...

    @abstractmethod
    async def send(self, located: _Located, receivers: Sequence[str]) -> list[Any]: ...

    @abstractmethod
    async def absorb(
        self, owner: str, role: type, step: Callable[..., Any], stream: Any, known: tuple[str, ...]
    ) -> None: ...

    @abstractmethod
    async def announce(self, located: _Located, receivers: Sequence[str]) -> WireMessage: ...

    @abstractmethod
    async def phase(self, name: str, body: Callable[[], Awaitable[WireMessage | None]]) -> WireMessage | None: ...


@final
class Handle(Generic[R]):
    """A party in one of its roles. The role object itself is out of reach."""

    __slots__ = ("_interpreter", "_role", "party")

    def __init__(self, interpreter: Interpreter, party: str, role: type[R]) -> None:
        self._interpreter = interpreter
        self._role = role
        self.party = party

    def __repr__(self) -> str:
        return f"<{self._role.__name__} {self.party}>"

    # A step's arguments are located at the same role, or known to all: announced messages, a party's name.
    @overload
    def do(self, step: Callable[[R], N], /) -> At[R, N]: ...
    @overload
    def do(self, step: Callable[[R, A], N], a: At[R, A] | A, /) -> At[R, N]: ...
    @overload
    def do(self, step: Callable[[R, A, B], N], a: At[R, A] | A, b: At[R, B] | B, /) -> At[R, N]: ...
    @overload
    def do(
        self, step: Callable[[R, A, B, D], N], a: At[R, A] | A, b: At[R, B] | B, d: At[R, D] | D, /
    ) -> At[R, N]: ...
    @overload
    def do(self, step: Callable[[R, A, str], N], a: At[R, A] | A, known: str, /) -> At[R, N]: ...
    @overload
    def do(self, step: Callable[[R, str], N], known: str, /) -> At[R, N]: ...
    def do(self, step: Callable[..., Any], /, *args: Any) -> Any:
        """Run a local step; nothing moves."""
        self._check_arguments(args)
        return At(self.party, step.__name__, self._interpreter.do(self.party, self._role, step, args))

    @overload
    def stream(self, step: Callable[[R], Iterator[M]], /) -> AtStream[R, M]: ...
    @overload
    def stream(self, step: Callable[[R, A], Iterator[M]], a: At[R, A] | A, /) -> AtStream[R, M]: ...
    @overload
    def stream(self, step: Callable[[R, str], Iterator[M]], known: str, /) -> AtStream[R, M]: ...
    def stream(self, step: Callable[..., Any], /, *args: Any) -> Any:
        """A local step that yields chunks; it runs while the stream is sent."""
        self._check_arguments(args)
        return AtStream(self.party, step.__name__, self._interpreter.stream(self.party, self._role, step, args))

    def _check_arguments(self, args: tuple[Any, ...]) -> None:
        for arg in args:
            if isinstance(arg, _Located):
                _require_here(arg, self.party)
            elif not isinstance(arg, WireMessage | str):
                raise TypeError(f"a step takes located or announced messages and names, not {type(arg).__name__}")

    @overload
    async def send(self, what: At[R, M], *, to: Handle[S]) -> At[S, M]: ...
    @overload
    async def send(self, what: AtStream[R, M], *, to: Handle[S]) -> AtStream[S, M]: ...
    async def send(self, what: Any, *, to: Handle[Any]) -> Any:
        """Send and receive, in one line."""
        return (await self.broadcast(what, to=[to]))[0]

    @overload
    async def broadcast(self, what: At[R, M], *, to: Sequence[Handle[S]]) -> list[At[S, M]]: ...
    @overload
    async def broadcast(self, what: AtStream[R, M], *, to: Sequence[Handle[S]]) -> list[AtStream[S, M]]: ...
    async def broadcast(self, what: Any, *, to: Sequence[Handle[Any]]) -> list[Any]:
        """The same message or stream to several receivers."""
        _require_here(what, self.party)
        receivers = [h.party for h in to]
        cells = await self._interpreter.send(what, receivers)
        return [type(what)(r, what._what, cell) for r, cell in zip(receivers, cells, strict=True)]

    @overload
    async def absorb(self, step: Callable[[R, M], None], stream: AtStream[R, M], /) -> None: ...
    @overload
    async def absorb(self, step: Callable[[R, M, str], None], stream: AtStream[R, M], known: str, /) -> None: ...
    async def absorb(self, step: Callable[..., None], stream: AtStream[R, M], /, *known: str) -> None:
        """Feed each chunk of a received stream to ``step``, in order, as it arrives."""
        _require_here(stream, self.party)
        await self._interpreter.absorb(self.party, self._role, step, stream._cell, known)

    async def announce(self, what: At[R, M], *others: Handle[Any]) -> M:
        """Tell a decision to all ``others`` and let control flow read it: a visible, classed message."""
        _require_here(what, self.party)
        announced = await self._interpreter.announce(what, [h.party for h in others])
        return cast(M, announced)


def _require_here(located: Any, party: str) -> None:
    if not isinstance(located, _Located):
        raise TypeError(f"only messages located at {party} can be sent from it, not {type(located).__name__}")
    if located._owner != party:
        raise TypeError(f"{located!r} cannot be used at {party}")


@final
class Choreography:
    """The conductor's stand: hands out handles and marks phases."""

    __slots__ = ("_interpreter",)

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter

    def role(self, party: str, role: type[R]) -> Handle[R]:
        """The handle of ``party`` in the role interface ``role``."""
        return Handle(self._interpreter, party, role)

    async def phase(
        self,
        name: str,
        body: Callable[Concatenate[Choreography, P], Awaitable[N]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> N:
        """Run a part of the job; when it has ended everywhere-observable state is checkpointed.

        ``body`` returns an announced message or None: after a crash an ended phase is not run again, its
        announced result is read from the checkpoint.
        """
        result = await self._interpreter.phase(name, lambda: body(self, *args, **kwargs))
        return cast(N, result)
