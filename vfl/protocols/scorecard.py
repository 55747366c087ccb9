"""A scorecard over owners: each makes the points of its own bins; the bank adds them up.

Trust: semi-honest. The platform turns its own weights and WOE into whole points with the scaling of the contract and
tells the bank their sum for each aligned row: what the table of who learns what calls the score.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from vfl.protocols.messages.scorecard import PlatformPoints
from vfl.runtime.choreography import Choreography, Handle

__all__ = ["BankCard", "PlatformCard", "scorecard"]


class BankCard(ABC):
    """The bank's points, its start, the sum."""

    @abstractmethod
    def take_points(self, chunk: PlatformPoints, platform: str) -> None: ...

    @abstractmethod
    def add_up(self) -> None:
        """Scores of all aligned rows."""


class PlatformCard(ABC):
    """A platform's points."""

    @abstractmethod
    def points(self) -> Iterator[PlatformPoints]:
        """Whole points of each aligned row. Learns (bank): these."""


async def scorecard(c: Choreography, bank: Handle[BankCard], platforms: Sequence[Handle[PlatformCard]]) -> None:
    """One stream from each platform."""
    for platform in platforms:
        points = await platform.send(platform.stream(PlatformCard.points), to=bank)
        await bank.absorb(BankCard.take_points, points, platform.party)
    bank.do(BankCard.add_up)
