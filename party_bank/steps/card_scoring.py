"""The bank scores a batch with a scorecard: its own points and the platforms', a fallback where some are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from vfl.core.card_feature import HiddenFeature, ReasonText
from vfl.core.reasons import reasons
from vfl.core.scorecard import Scaling
from vfl.data.card_part import CardPart
from vfl.data.table import Dataset
from vfl.errors import RemoteProtocolError, Text
from vfl.protocols.card_scoring import BankCardScoring
from vfl.protocols.messages.scorecard import CardAnswers, CardQuery
from vfl.protocols.messages.scoring import CHUNK_FIRMS
from vfl.wire.carriers import disclose

__all__ = ["BankCardScoringSteps"]

Bits = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


class BankCardScoringSteps(BankCardScoring):
    """Scores the rows of ``data``.

    Parameters
    ----------
    part : CardPart
        The bank's part of the card.
    fallback : CardPart or None
        A whole card of the bank's own columns, for firms that some platform cannot answer for.
    platforms : sequence of str
        Those of the card.
    allowed : int
        Reasons that each owner tells of a firm, at most.
    """

    def __init__(
        self, data: Dataset, part: CardPart, fallback: CardPart | None, platforms: Sequence[str], *, allowed: int
    ) -> None:
        self._data, self._part, self._fallback = data, part, fallback
        self._platforms, self._allowed = tuple(platforms), allowed
        self._known: dict[str, list[Bits]] = {}
        self._points: dict[str, list[int]] = {}
        self._told: dict[str, list[int]] = {}
        self.joint: Bits = np.zeros(0, dtype=np.bool_)
        """Rows that every platform answered for."""
        self.scores: Ints = np.zeros(0, dtype=np.int64)
        """Score of each row; without meaning where :attr:`scored` is False."""
        self.reasons: list[str] = []
        """Of each row, owner by owner: ``name (-)`` where a feature pulled the score down, ``(+)`` where up."""

    @property
    def scored(self) -> Bits:
        """Rows with a score: all, unless some need a fallback and the bank has no columns of its own."""
        return self.joint | (self._fallback is not None)

    @property
    def scaling(self) -> Scaling:
        return self._part.card.scaling

    def queries(self, platform: str) -> Iterator[CardQuery]:
        for start in range(0, len(self._data.ids), CHUNK_FIRMS):
            firms = tuple(self._data.ids[start : start + CHUNK_FIRMS])
            yield CardQuery(disclose(firms, reason="the platform must know whom to look up"))

    def take_answers(self, chunk: CardAnswers, platform: str) -> None:
        known, points, told = chunk.known.value, chunk.points.value, chunk.reasons.value
        answered = int(known.sum())
        taken = sum(len(k) for k in self._known.get(platform, []))
        hidden = sum(isinstance(f, HiddenFeature) and f.owner == platform for f in self._part.card.features)
        sound = (
            len(known) == min(CHUNK_FIRMS, len(self._data.ids) - taken)
            and len(points) == answered
            and len(told) == answered * self._allowed
            and max(map(abs, points), default=0) < 1 << 15
            and max(map(abs, told), default=0) <= hidden
        )
        if not sound:
            raise RemoteProtocolError(
                "CARD_ANSWERS",
                Text(en=f"{platform} answered for other firms, features or reasons than asked",
                     zh=f"{platform} 应答的企业、特征或原因码与查询不符"),
                cure=Text(en="both sides must hold the scorecard of the same job", zh="双方须持有同一任务的评分卡"),
            )
        self._known.setdefault(platform, []).append(known)
        self._points.setdefault(platform, []).extend(points)
        self._told.setdefault(platform, []).extend(told)

    def score(self) -> None:
        rows = len(self._data.ids)
        own = self._part.points(self._data)
        self.scores = self._part.card.start + own.sum(axis=1)
        self.reasons = self._own_reasons(self._part, own)
        self.joint = np.ones(rows, dtype=np.bool_)
        for platform in self._platforms:
            known = np.concatenate(self._known.pop(platform))
            self.joint &= known
            self.scores[known] += np.array(self._points.pop(platform), dtype=np.int64)
            told = np.array(self._told.pop(platform), dtype=np.int64).reshape(int(known.sum()), self._allowed)
            for row, numbers in zip(np.flatnonzero(known).tolist(), told.tolist(), strict=True):
                self.reasons[row] = _joined(self.reasons[row], *(_code(platform, n) for n in numbers if n))
        if self._fallback is not None and not self.joint.all():
            alone = self._fallback.points(self._data)
            told_alone = self._own_reasons(self._fallback, alone)
            self.scores[~self.joint] = (self._fallback.card.start + alone.sum(axis=1))[~self.joint]
            for row in np.flatnonzero(~self.joint).tolist():
                self.reasons[row] = told_alone[row]

    def _own_reasons(self, part: CardPart, points: Ints) -> list[str]:
        """The bank's own reasons by name; its rows never left it, so nothing bounds them but the job's number."""
        names = {f.reason.code: f.name for f in part.card.known}
        found = reasons(points, part.card.known, top=self._allowed, strengths=self._allowed)
        return [_joined("", *(f"{names[r.code]} ({r.sign})" for r in row[: self._allowed])) for row in found]


def _code(platform: str, number: int) -> str:
    """A platform's feature by its number: the code under which the platform itself knows the reason."""
    return f"{ReasonText.of(platform, abs(number), '').code} ({'-' if number < 0 else '+'})"


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
