"""Batch scoring with a scorecard: each owner tells the points of its own bins, the bank adds them up.

Trust: semi-honest. A platform learns which firms are queried. The bank learns, for the firms that a platform may
answer for, that platform's points and which of its numbered features moved them most: number and sign, never a name,
a value or a feature's points, and no more of them than both the scorecard's contract and this job's allow. Consent
is checked again, on the day of scoring.

======  ============  =======================  ======================================================
line    message       kind                     who learns what
======  ============  =======================  ======================================================
1       CardQuery     DISCLOSURE bank→plat.    firms queried
2       CardAnswers   DISCLOSURE plat.→bank    points and reason numbers, where allowed
======  ============  =======================  ======================================================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from vfl.protocols.messages.scorecard import CardAnswers, CardQuery
from vfl.runtime.choreography import Choreography, Handle

__all__ = ["BankCardScoring", "PlatformCardScoring", "card_scoring"]


class BankCardScoring(ABC):
    """Holds the start and its own part of the card."""

    @abstractmethod
    def queries(self, platform: str) -> Iterator[CardQuery]:
        """The firms, in chunks. Learns (platform): which firms."""

    @abstractmethod
    def take_answers(self, chunk: CardAnswers, platform: str) -> None: ...

    @abstractmethod
    def score(self) -> None:
        """Add up; firms that a platform cannot answer for get the fallback card."""


class PlatformCardScoring(ABC):
    """Holds its own part of the card."""

    @abstractmethod
    def take_query(self, chunk: CardQuery) -> None:
        """Keep a chunk; look up which of its firms may be answered for today."""

    @abstractmethod
    def answers(self) -> Iterator[CardAnswers]:
        """Chunk by chunk, points and reasons. Learns (bank): these, for firms with consent only."""


async def card_scoring(
    c: Choreography, bank: Handle[BankCardScoring], platforms: Sequence[Handle[PlatformCardScoring]]
) -> None:
    """One round trip for the whole batch."""
    for platform in platforms:
        queries = await bank.send(bank.stream(BankCardScoring.queries, platform.party), to=platform)  # 1
        await platform.absorb(PlatformCardScoring.take_query, queries)
    for platform in platforms:
        answers = await platform.send(platform.stream(PlatformCardScoring.answers), to=bank)  # 2
        await bank.absorb(BankCardScoring.take_answers, answers, platform.party)
    bank.do(BankCardScoring.score)
