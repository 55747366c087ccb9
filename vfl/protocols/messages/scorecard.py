"""Messages of scorecards (protos/vfl/v1/scorecard.proto)."""

from __future__ import annotations

from vfl.pb.v1 import scorecard_pb2
from vfl.wire.carriers import Disclosed
from vfl.wire.messages import WireMessage, message

__all__ = ["POINT_BITS", "POINT_ROWS", "PlatformPoints"]

POINT_BITS = 16
"""A part's score lies within ±32,767 points."""
POINT_ROWS = 50_000
"""Rows per message."""


@message(scorecard_pb2.PlatformPoints)
class PlatformPoints(WireMessage):
    """A chunk of a platform's points, row by row in the common order."""

    points: Disclosed[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        return POINT_BITS * len(self.points.value)
