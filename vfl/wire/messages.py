"""Typed messages: the only things a choreography can hold or send.

A message class is a frozen dataclass of carriers, bound to a protobuf message whose ``(privacy)`` option says
what it is and who learns what. The binding is checked when the class is made: an unclassed proto, a field that
is not a carrier, or a carrier that does not fit the declared kind is a TypeError at import.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, NoReturn, TypeVar, dataclass_transform, get_args, get_origin, get_type_hints

from vfl.wire.carriers import (
    Aggregate,
    BlindedPoints,
    Disclosed,
    MaskedCiphertexts,
    PseudorandomWords,
    Public,
    SealedCiphertexts,
    WindowedCiphertexts,
)
from vfl.wire.privacy import Kind, PrivacyClass

__all__ = ["WireMessage", "all_messages", "message", "message_named"]

_CARRIERS: dict[type, frozenset[Kind]] = {
    Public: frozenset(Kind),
    SealedCiphertexts: frozenset({Kind.CIPHERTEXT}),
    WindowedCiphertexts: frozenset({Kind.MASKED}),
    MaskedCiphertexts: frozenset({Kind.MASKED}),
    BlindedPoints: frozenset({Kind.BLINDED}),
    PseudorandomWords: frozenset({Kind.BLINDED}),
    Aggregate: frozenset({Kind.AGGREGATE}),
    Disclosed: frozenset({Kind.DISCLOSURE}),
}
_REGISTRY: dict[str, type[WireMessage]] = {}


class WireMessage:
    """Base of all messages; subclasses are made with :func:`message`."""

    __slots__ = ()

    privacy: ClassVar[PrivacyClass]
    proto: ClassVar[Any]
    type_name: ClassVar[str]
    carriers: ClassVar[Mapping[str, type]]

    def __post_init__(self) -> None:
        """A type checker sees a wrong carrier; who runs none learns of it here, before anything is encoded."""
        for name, carrier in self.carriers.items():
            if type(getattr(self, name)) is not carrier:
                raise TypeError(f"{type(self).__name__}.{name} is a {carrier.__name__} and takes nothing else")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} has no truth value: announce a decision instead")

    def __reduce__(self) -> NoReturn:
        raise TypeError("messages do not pickle: they travel through the codec")

    def disclosed_bits(self) -> int:
        """Upper bound of the bits this message tells its receiver, for the ledger; 0 if it tells nothing."""
        if self.privacy.kind in (Kind.DISCLOSURE, Kind.AGGREGATE, Kind.MASKED):
            raise NotImplementedError(f"{type(self).__name__} must bound what it tells")
        return 0

    @classmethod
    def rehearsal(cls) -> Iterable[WireMessage]:
        """Example values that a dry run uses where this message is announced."""
        raise NotImplementedError(f"{cls.__name__} is announced: it needs rehearsal values")


M = TypeVar("M", bound=WireMessage)


@dataclass_transform(eq_default=False, frozen_default=True)
def message(proto: Any) -> Callable[[type[M]], type[M]]:
    """Class decorator: bind a message class to its protobuf class and check the binding."""

    def bind(cls: type[M]) -> type[M]:
        made = dataclasses.dataclass(frozen=True, slots=True, repr=False, eq=False)(cls)
        made.privacy = PrivacyClass.of(proto.DESCRIPTOR)
        made.proto = proto
        made.type_name = proto.DESCRIPTOR.name
        made.carriers = _checked_fields(made, proto)
        if made.type_name in _REGISTRY:
            raise TypeError(f"two message classes for {made.type_name}")
        _REGISTRY[made.type_name] = made
        return made

    return bind


def carrier_of(annotation: Any) -> tuple[type, Any]:
    """(carrier class, type argument or None) of a field annotation."""
    origin = get_origin(annotation) or annotation
    if not isinstance(origin, type) or origin not in _CARRIERS:
        raise TypeError(f"{annotation!r} is not a carrier")
    args = get_args(annotation)
    return origin, args[0] if args else None


def _checked_fields(cls: type[WireMessage], proto: Any) -> Mapping[str, type]:
    hints = get_type_hints(cls)
    names = [f.name for f in dataclasses.fields(cls)]  # type: ignore[arg-type]
    declared = [f.name for f in proto.DESCRIPTOR.fields]
    if names != declared:
        raise TypeError(f"{cls.__name__}: fields {names} differ from the proto's {declared}")
    carriers = {name: carrier_of(hints[name])[0] for name in names}
    for name, carrier in carriers.items():
        if cls.privacy.kind not in _CARRIERS[carrier]:
            raise TypeError(f"{cls.__name__}.{name}: a {carrier.__name__} cannot ride in {cls.privacy.kind.name}")
    return carriers


def message_named(type_name: str) -> type[WireMessage] | None:
    return _REGISTRY.get(type_name)


def all_messages() -> dict[str, type[WireMessage]]:
    """Every bound message class by type name."""
    return dict(_REGISTRY)
