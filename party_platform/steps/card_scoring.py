"""A platform answers scoring queries with its part of a scorecard: points and reasons, for firms with consent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from vfl.core.reasons import Reason, reasons
from vfl.data.card_part import CardPart
from vfl.data.table import Dataset
from vfl.protocols.card_scoring import PlatformCardScoring
from vfl.protocols.messages.scorecard import CardAnswers, CardQuery
from vfl.wire.carriers import disclose

__all__ = ["PlatformCardScoringSteps"]


class PlatformCardScoringSteps(PlatformCardScoring):
    """Looks firms up in the current table.

    Parameters
    ----------
    part : CardPart
        This platform's part of the card.
    rows : mapping of code to int
        Row of each firm that may be answered for today (:func:`party_platform.steps.scoring.permitted_rows`).
    allowed : int
        Reasons told of a firm, at most: numbers of features with their signs.
    """

    def __init__(self, data: Dataset, part: CardPart, rows: Mapping[str, int], *, allowed: int) -> None:
        self._data, self._part, self._row, self._allowed = data, part, rows, allowed
        self._numbers = {f.reason.code: f.index for f in part.card.known}
        self._queries: list[CardQuery] = []

    def take_query(self, chunk: CardQuery) -> None:
        self._queries.append(chunk)

    def answers(self) -> Iterator[CardAnswers]:
        why = "the contract lets the bank read the platform's points, and so many reasons, of firms with consent"
        for query in self._queries:
            firms = query.firms.value
            known = np.array([firm in self._row for firm in firms], dtype=np.bool_)
            table = self._data.take([self._row[firm] for firm in firms if firm in self._row])
            points = self._part.points(table)
            told = reasons(points, self._part.card.known, top=self._allowed, strengths=self._allowed)
            numbers = (number for row in told for number in self._numbered(row[: self._allowed]))
            yield CardAnswers(
                known=disclose(known, reason=why),
                points=disclose(tuple(points.sum(axis=1).tolist()), reason=why),
                reasons=disclose(tuple(numbers), reason=why),
            )
        self._queries = []

    def _numbered(self, row: tuple[Reason, ...]) -> list[int]:
        """Numbers with signs, filled up with 0: every firm takes the same room."""
        numbers = [self._numbers[r.code] * (-1 if r.sign == "-" else 1) for r in row]
        return numbers + [0] * (self._allowed - len(numbers))
