"""Messages of scorecards (protos/vfl/v1/scorecard.proto)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vfl.pb.v1 import scorecard_pb2
from vfl.protocols.messages.scoring import CODE_BITS
from vfl.wire.carriers import Disclosed
from vfl.wire.messages import WireMessage, message

__all__ = ["POINT_BITS", "POINT_ROWS", "REASON_BITS", "CardAnswers", "CardQuery", "PlatformPoints"]

Bits = npt.NDArray[np.bool_]

POINT_BITS = 16
"""A part's score lies within ±32,767 points."""
POINT_ROWS = 50_000
"""Rows per message."""
REASON_BITS = 10
"""One of fewer than 2^9 features, and a sign."""


@message(scorecard_pb2.PlatformPoints)
class PlatformPoints(WireMessage):
    """A chunk of a platform's points, row by row in the common order."""

    points: Disclosed[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        return POINT_BITS * len(self.points.value)


@message(scorecard_pb2.CardQuery)
class CardQuery(WireMessage):
    """A chunk of the firms to score."""

    firms: Disclosed[tuple[str, ...]]

    def disclosed_bits(self) -> int:
        return CODE_BITS * len(self.firms.value)


@message(scorecard_pb2.CardAnswers)
class CardAnswers(WireMessage):
    """The answer to one chunk."""

    known: Disclosed[Bits]
    points: Disclosed[tuple[int, ...]]
    reasons: Disclosed[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        told = POINT_BITS * len(self.points.value) + REASON_BITS * len(self.reasons.value)
        return len(self.known.value) + told
