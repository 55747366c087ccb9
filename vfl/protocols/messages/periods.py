"""Messages of the periods of observation (protos/vfl/v1/periods.proto)."""

from __future__ import annotations

from vfl.pb.v1 import periods_pb2
from vfl.wire.carriers import Disclosed, Public
from vfl.wire.messages import WireMessage, message

__all__ = ["PERIOD_ROWS", "ObservationPeriods", "period_bits"]

PERIOD_ROWS = 500_000
"""Rows per message."""


def period_bits(count: int) -> int:
    """Bits that tell one of ``count`` periods."""
    return (count - 1).bit_length()


@message(periods_pb2.ObservationPeriods)
class ObservationPeriods(WireMessage):
    """A chunk of the periods, row by row in the order of the alignment."""

    count: Public[int]
    periods: Disclosed[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        return period_bits(self.count.value) * len(self.periods.value)
