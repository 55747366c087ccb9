"""What each message class is and who learns what from it, read from the ``(privacy)`` option of its proto."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from google.protobuf.descriptor import Descriptor

from vfl.pb.v1 import privacy_pb2
from vfl.roles import RoleName

__all__ = ["Kind", "PrivacyClass"]


class Kind(Enum):
    """What kind of thing leaves. There is no RAW."""

    PUBLIC = privacy_pb2.PUBLIC
    CIPHERTEXT = privacy_pb2.CIPHERTEXT
    BLINDED = privacy_pb2.BLINDED
    MASKED = privacy_pb2.MASKED
    AGGREGATE = privacy_pb2.AGGREGATE
    DISCLOSURE = privacy_pb2.DISCLOSURE


@dataclass(frozen=True, slots=True)
class PrivacyClass:
    """The declared class of one message type."""

    kind: Kind
    sender: RoleName
    receivers: frozenset[RoleName]
    leaks: str
    leaks_zh: str
    bits: str

    @classmethod
    def of(cls, descriptor: Descriptor) -> PrivacyClass:
        """Read the option; an unclassed or half-classed message is a programming error."""
        options = descriptor.GetOptions()
        if not options.HasExtension(privacy_pb2.privacy):
            raise TypeError(f"{descriptor.full_name} has no (privacy) option: nothing unclassed may be sent")
        p = options.Extensions[privacy_pb2.privacy]
        if p.kind == privacy_pb2.KIND_UNSPECIFIED or not (p.sender and p.receivers and p.leaks and p.leaks_zh):
            raise TypeError(f"{descriptor.full_name}: (privacy) wants kind, sender, receivers and leaks in words")
        if not p.bits:
            raise TypeError(f"{descriptor.full_name}: (privacy) wants the number of bits at most")
        return cls(
            kind=Kind(p.kind),
            sender=RoleName(p.sender),
            receivers=frozenset(RoleName(r) for r in p.receivers),
            leaks=p.leaks,
            leaks_zh=p.leaks_zh,
            bits=p.bits,
        )
