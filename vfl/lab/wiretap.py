"""The wiretap: every message of a simulated job, with its class, its size and what its receiver can read of it.

For study and for attacks on one's own transcript. It sees what each receiver sees, before anyone decrypts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import vfl.protocols.messages  # noqa: F401 - registers the message classes
from vfl.errors import ConfigError, Text
from vfl.runtime.reference import Sent
from vfl.wire.messages import WireMessage, message_named

__all__ = ["Tapped", "Wiretap"]


@dataclass(frozen=True, slots=True, repr=False)
class Tapped:
    """One message as its receiver got it."""

    sent: Sent
    body: bytes

    def __repr__(self) -> str:
        s = self.sent
        return f"<{s.type_name} {s.sender} → {s.receiver}, {s.size} bytes>"

    @property
    def message(self) -> type[WireMessage]:
        """Its class."""
        made = message_named(self.sent.type_name)
        if made is None:
            raise LookupError(self.sent.type_name)
        return made

    @property
    def kind(self) -> str:
        return self.message.privacy.kind.name

    @property
    def leaks(self) -> str:
        """What an honest but curious receiver learns, in words."""
        return self.message.privacy.leaks

    @property
    def leaks_zh(self) -> str:
        return self.message.privacy.leaks_zh

    def fields(self) -> dict[str, Any]:
        """The protobuf fields as they travelled; bulk stays bytes."""
        parsed = self.message.proto.FromString(self.body)
        return {field.name: getattr(parsed, field.name) for field in parsed.DESCRIPTOR.fields}


class Wiretap:
    """Collects the messages of one run: ``Simulation.run(job, wiretap=tap)``."""

    def __init__(self) -> None:
        self.messages: list[Tapped] = []

    def __repr__(self) -> str:
        return f"<Wiretap: {len(self)} messages>"

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[Tapped]:
        return iter(self.messages)

    def __call__(self, sent: Sent, body: bytes) -> None:
        self.messages.append(Tapped(sent, body))

    def of(self, type_name: str) -> list[Tapped]:
        """All messages of a type; ConfigError ``MESSAGE_UNKNOWN`` for one that does not exist."""
        if message_named(type_name) is None:
            raise ConfigError(
                "MESSAGE_UNKNOWN",
                Text(en=f"there is no message {type_name}", zh=f"没有名为 {type_name} 的消息"),
                cure=Text(en="`vfl protocol show` lists them", zh="可用 `vfl protocol show` 列出全部消息"),
            )
        return [m for m in self.messages if m.sent.type_name == type_name]

    def view(self, receiver: str) -> list[Tapped]:
        """All that one party was sent."""
        return [m for m in self.messages if m.sent.receiver == receiver]

    def show(self, *, language: str = "en", limit: int = 40) -> str:
        """One line per message in order: phase, direction, type, class, bytes, what it tells."""
        zh = language.startswith("zh")
        lines = [
            f"{m.sent.phase:<11} {m.sent.sender} → {m.sent.receiver:<11} {m.sent.type_name:<19} {m.kind.lower():<11}"
            f" {m.sent.size:>9,} B  {m.leaks_zh if zh else m.leaks}"
            for m in self.messages[:limit]
        ]
        rest = len(self.messages) - limit
        if rest > 0:
            lines.append(f"… 其余 {rest} 条" if zh else f"… {rest} more")
        return "\n".join(lines)
