"""Messages of the alignment (protos/vfl/v1/alignment.proto). Learns: see the proto's (privacy) options."""

from __future__ import annotations

from vfl.pb.v1 import alignment_pb2
from vfl.wire.carriers import BlindedPoints, Disclosed, PseudorandomWords, Public
from vfl.wire.messages import WireMessage, message

__all__ = [
    "TAG_BITS",
    "Answers",
    "BankHello",
    "BankOpening",
    "BankRoot",
    "Matches",
    "PlatformHello",
    "PlatformOpening",
    "PlatformRoot",
    "Queries",
    "Store",
]

TAG_BITS = 32
"""Bits that one tag may tell: which of the receiver's rows it is, of fewer than 2^32."""


@message(alignment_pb2.BankHello)
class BankHello(WireMessage):
    """Padded size, commitment to the order nonce, key for the shares."""

    size: Disclosed[int]
    order: Disclosed[bytes]
    share_key: Disclosed[bytes]

    def disclosed_bits(self) -> int:
        return 32


@message(alignment_pb2.PlatformHello)
class PlatformHello(WireMessage):
    """The same from a platform."""

    size: Disclosed[int]
    order: Disclosed[bytes]
    share_key: Disclosed[bytes]

    def disclosed_bits(self) -> int:
        return 32


@message(alignment_pb2.Queries)
class Queries(WireMessage):
    """A chunk of the bank's blinded set."""

    points: BlindedPoints


@message(alignment_pb2.Answers)
class Answers(WireMessage):
    """The same points under the platform's scalar too: with the store, one bit each."""

    points: BlindedPoints

    def disclosed_bits(self) -> int:
        return len(self.points.points)


@message(alignment_pb2.Store)
class Store(WireMessage):
    """A chunk of the platform's key-value store."""

    words: PseudorandomWords


@message(alignment_pb2.Matches)
class Matches(WireMessage):
    """A chunk of the intersection's tags."""

    tags: Disclosed[bytes]

    def disclosed_bits(self) -> int:
        return TAG_BITS * (len(self.tags.value) // 16)


@message(alignment_pb2.BankOpening)
class BankOpening(WireMessage):
    """The order nonce."""

    nonce: Public[bytes]


@message(alignment_pb2.PlatformOpening)
class PlatformOpening(WireMessage):
    """The order nonce."""

    nonce: Public[bytes]


@message(alignment_pb2.BankRoot)
class BankRoot(WireMessage):
    """Merkle root of the common rows."""

    root: Public[bytes]


@message(alignment_pb2.PlatformRoot)
class PlatformRoot(WireMessage):
    """Merkle root of the common rows."""

    root: Public[bytes]
