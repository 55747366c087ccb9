"""A platform answers scoring queries: sides at its own splits, for firms with consent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import numpy as np

from vfl.data.consent import ConsentBook
from vfl.data.owned_splits import OwnedSplits
from vfl.data.table import Dataset
from vfl.errors import RemoteProtocolError, Text
from vfl.protocols.messages.scoring import ScoreQuery, ScoreSides
from vfl.protocols.scoring import PlatformScoring
from vfl.wire.carriers import disclose

__all__ = ["PlatformScoringSteps", "permitted_rows"]


def permitted_rows(data: Dataset, consents: ConsentBook, *, bank: str, purpose: str, on: dt.date) -> dict[str, int]:
    """Row of each firm that may be answered for on this day."""
    permitted = consents.permitted(data.ids, bank, purpose, on)
    return {code: row for row, (code, allowed) in enumerate(zip(data.ids, permitted, strict=True)) if allowed}


class PlatformScoringSteps(PlatformScoring):
    """Looks firms up in the current table.

    Parameters
    ----------
    splits : OwnedSplits
        This platform's part of the model.
    rows : mapping of code to int
        Row of each firm that may be answered for today (:func:`permitted_rows`).
    """

    def __init__(self, data: Dataset, splits: OwnedSplits, rows: Mapping[str, int]) -> None:
        self._data, self._splits, self._row = data, splits, rows
        self._queries: list[ScoreQuery] = []

    def take_query(self, chunk: ScoreQuery) -> None:
        if not set(chunk.splits.value) <= set(self._splits.rules):
            raise RemoteProtocolError(
                "SCORE_SPLITS_UNKNOWN",
                Text(en="the bank asks for splits that this model part does not have",
                     zh="银行请求的分裂不在本方模型分片中"),
                cure=Text(en="both sides must hold the model of the same job", zh="双方须持有同一任务的模型"),
            )
        self._queries.append(chunk)

    def sides(self) -> Iterator[ScoreSides]:
        for query in self._queries:
            firms = query.firms.value
            known = np.array([firm in self._row for firm in firms], dtype=np.bool_)
            table = self._data.take([self._row[firm] for firm in firms if firm in self._row])
            sides = self._splits.sides(table)
            asked = query.splits.value
            left = np.array([sides[i] for i in asked], dtype=np.bool_).reshape(len(asked), len(table)).T.reshape(-1)
            why = "the contract lets the bank route firms through the trees"
            yield ScoreSides(disclose(known, reason=why), disclose(left, reason=why))
        self._queries = []
