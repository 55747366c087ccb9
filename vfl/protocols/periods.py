"""Periods of observation: rows held out of time, and the day as of which each row's features are taken.

Only jobs whose contract asks for it have this phase, after the alignment.

======  ====================  ===========================  =============================================
line    message               kind                         who learns what
======  ====================  ===========================  =============================================
1       ObservationPeriods    DISCLOSURE bank→platform     period in which each common firm was observed
======  ====================  ===========================  =============================================

Trust: semi-honest; the number of rows and the range of periods are checked.

Why it is told: an owner must know which rows train, since it cuts, counts and sums over them. For an out-of-time sample
that is one bit a row: observed before the day of the contract, or from it on. A regression alone could hide it behind
encrypted weights of 0, but not binning, whose floors each platform keeps over rows it can count. Where snapshots are
taken by month, the platform is told the month, no finer: it takes what it knew on the first day of that month, which is
never after the decision. That is what it would learn from being queried at the time, and less exact.

Rows held out of time are put last in the common order, both parts in the order they had, so that training, validation,
test and out-of-time rows are consecutive; the new Merkle root is that of the new order at all owners.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from vfl.protocols.messages.periods import ObservationPeriods
from vfl.runtime.choreography import Choreography, Handle

__all__ = ["BankPeriods", "PlatformPeriods", "periods"]


class BankPeriods(ABC):
    """Holds the days of observation."""

    @abstractmethod
    def observation_periods(self) -> Iterator[ObservationPeriods]:
        """Period of each common row. Learns (platform): these."""

    @abstractmethod
    def arrange(self) -> None:
        """Put the rows held out of time last."""


class PlatformPeriods(ABC):
    """Holds dated features."""

    @abstractmethod
    def take_periods(self, chunk: ObservationPeriods) -> None: ...

    @abstractmethod
    def arrange(self) -> None:
        """Put the rows held out of time last; refuse features from after their firm's day."""


async def periods(c: Choreography, bank: Handle[BankPeriods], platforms: Sequence[Handle[PlatformPeriods]]) -> None:
    """One stream to all platforms; then every owner arranges its rows alike."""
    told = await bank.broadcast(bank.stream(BankPeriods.observation_periods), to=platforms)  # 1
    for platform, chunks in zip(platforms, told, strict=True):
        await platform.absorb(PlatformPeriods.take_periods, chunks)
    bank.do(BankPeriods.arrange)
    for platform in platforms:
        platform.do(PlatformPeriods.arrange)
