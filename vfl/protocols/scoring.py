"""Batch scoring with boosted trees: the platforms tell sides, the bank adds leaf values.

Trust: semi-honest. A platform learns which firms are queried. The bank learns, for the firms that a platform may
answer for, the side at each of that platform's splits: what training told it of the training rows. Consent is
checked again, on the day of scoring.

======  ============  =======================  ==============================================
line    message       kind                     who learns what
======  ============  =======================  ==============================================
1       ScoreQuery    DISCLOSURE bank→plat.    firms queried
2       ScoreSides    DISCLOSURE plat.→bank    sides at the platform's splits, where allowed
======  ============  =======================  ==============================================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from vfl.protocols.messages.scoring import ScoreQuery, ScoreSides
from vfl.runtime.choreography import Choreography, Handle

__all__ = ["BankScoring", "PlatformScoring", "scoring"]


class BankScoring(ABC):
    """Holds structure, leaf values and its own splits."""

    @abstractmethod
    def queries(self, platform: str) -> Iterator[ScoreQuery]:
        """The firms, in chunks. Learns (platform): which firms, which of its splits the model kept."""

    @abstractmethod
    def take_sides(self, chunk: ScoreSides, platform: str) -> None: ...

    @abstractmethod
    def score(self) -> None:
        """Route every firm, add up leaf values; firms that a platform cannot answer for get the fallback."""


class PlatformScoring(ABC):
    """Holds its own splits and thresholds."""

    @abstractmethod
    def take_query(self, chunk: ScoreQuery) -> None:
        """Keep a chunk; look up which of its firms may be answered for today."""

    @abstractmethod
    def sides(self) -> Iterator[ScoreSides]:
        """Chunk by chunk, the sides. Learns (bank): these, for firms with consent only."""


async def scoring(c: Choreography, bank: Handle[BankScoring], platforms: Sequence[Handle[PlatformScoring]]) -> None:
    """One round trip for the whole batch."""
    for platform in platforms:
        queries = await bank.send(bank.stream(BankScoring.queries, platform.party), to=platform)  # 1
        await platform.absorb(PlatformScoring.take_query, queries)
    for platform in platforms:
        sides = await platform.send(platform.stream(PlatformScoring.sides), to=bank)  # 2
        await bank.absorb(BankScoring.take_sides, sides, platform.party)
    bank.do(BankScoring.score)
