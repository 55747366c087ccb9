"""What the interpreters share: unwrapping a step's arguments and calling it on the role object."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vfl.errors import LocalProtocolError, Text
from vfl.runtime.choreography import At, AtStream
from vfl.wire.messages import WireMessage

__all__ = ["Roles", "call_step", "empty_stream", "message_made_by", "require_message", "role_object"]

Roles = Mapping[type, object]
"""The role objects of one party, by role interface."""


def role_object(roles: Roles, role: type, party: str) -> object:
    """The object that plays ``role`` at ``party``; a missing one is a wrong assembly, not a peer's fault."""
    found = roles.get(role)
    if found is None:
        raise LocalProtocolError(
            "ROLE_MISSING",
            Text(en=f"{party} does not play {role.__name__}", zh=f"{party} 未实现角色 {role.__name__}"),
            cure=Text(en="install the node package of this party's kind", zh="安装与该参与方类型相符的节点程序"),
        )
    return found


def call_step(target: object, step: Callable[..., Any], args: tuple[Any, ...], owner: str) -> Any:
    """Run ``step`` (looked up by name, so that the node's implementation serves) with unlocated arguments."""
    return getattr(target, step.__name__)(*(_local(a, owner) for a in args))


def _local(value: Any, owner: str) -> Any:
    if isinstance(value, At | AtStream):
        if value._owner != owner:
            raise TypeError(f"{value!r} cannot be used at {owner}")
        cell = value._cell
        return cell() if callable(cell) else cell
    if isinstance(value, list | tuple):
        return [_local(v, owner) for v in value]
    return value


def require_message(value: object, step: str) -> WireMessage:
    """Gate 2: only typed messages can be sent."""
    if not isinstance(value, WireMessage):
        raise LocalProtocolError(
            "NOT_A_MESSAGE",
            Text(en=f"{step} made a {type(value).__name__}, which may not leave", zh=f"{step} 的结果不是可发送的消息"),
            cure=Text(en="wrap it in a classed message", zh="请将其放入已分类的消息类型"),
        )
    return value


def empty_stream(step: str) -> LocalProtocolError:
    """A stream without a chunk has no last one, so its receiver would wait for ever."""
    return LocalProtocolError(
        "STREAM_EMPTY",
        Text(en=f"{step} made no chunk", zh=f"{step} 未产生任何数据块"),
        cure=Text(en="a stream holds at least one chunk", zh="数据流至少应含一个数据块"),
    )


@functools.cache
def message_made_by(step: Callable[..., Any]) -> type[WireMessage] | None:
    """The message class that a step is declared to make (chunks' class for a stream), None for a local step."""
    made = typing.get_type_hints(step).get("return")
    if typing.get_origin(made) is Iterator:
        (made,) = typing.get_args(made)
    if made is None or made is type(None):
        return None
    if not (isinstance(made, type) and issubclass(made, WireMessage)):
        raise TypeError(f"{step.__qualname__} must be declared to make a message or nothing")
    return made
