"""Messages of the evaluation (protos/vfl/v1/evaluation.proto)."""

from __future__ import annotations

from vfl.pb.v1 import evaluation_pb2
from vfl.wire.carriers import Aggregate
from vfl.wire.messages import WireMessage, message

__all__ = ["Quality"]


@message(evaluation_pb2.Quality)
class Quality(WireMessage):
    """Ranking quality on held-out rows: feedback to those who supplied the data."""

    rows: Aggregate[int]
    auc_joint: Aggregate[float]
    auc_bank_alone: Aggregate[float]
    ks_joint: Aggregate[float]

    def disclosed_bits(self) -> int:
        return 50
