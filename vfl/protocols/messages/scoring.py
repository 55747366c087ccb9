"""Messages of batch scoring (protos/vfl/v1/scoring.proto). Learns: see the proto's (privacy) options."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vfl.pb.v1 import scoring_pb2
from vfl.wire.carriers import Disclosed
from vfl.wire.messages import WireMessage, message

__all__ = ["CHUNK_FIRMS", "CODE_BITS", "ScoreQuery", "ScoreSides"]

Bits = npt.NDArray[np.bool_]

CHUNK_FIRMS = 2000
"""Firms per message."""
CODE_BITS = 94
"""Information of a unified social credit code: 18 characters of 31 less two check characters, rounded up."""


@message(scoring_pb2.ScoreQuery)
class ScoreQuery(WireMessage):
    """A chunk of the firms to score."""

    firms: Disclosed[tuple[str, ...]]
    splits: Disclosed[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        return CODE_BITS * len(self.firms.value) + 32 * len(self.splits.value)


@message(scoring_pb2.ScoreSides)
class ScoreSides(WireMessage):
    """The answer to one chunk."""

    known: Disclosed[Bits]
    left: Disclosed[Bits]

    def disclosed_bits(self) -> int:
        return len(self.known.value) + len(self.left.value)
