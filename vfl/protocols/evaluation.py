"""Evaluation: the bank judges the model on held-out rows and tells the platforms how well it ranks.

Trust: semi-honest. Learns: platforms learn three rounded figures over at least 500 rows, or nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from vfl.protocols.messages.evaluation import Quality
from vfl.runtime.choreography import Choreography, Handle

__all__ = ["BankEvaluation", "PlatformEvaluation", "evaluation"]


class BankEvaluation(ABC):
    """Holds labels and scores."""

    @abstractmethod
    def quality(self) -> Quality:
        """AUC and KS on the held-out rows. Learns (platform): these, to three decimals."""


class PlatformEvaluation(ABC):
    """Keeps the figures for its feedback to the departments that supplied the data."""

    @abstractmethod
    def take_quality(self, quality: Quality) -> None: ...


async def evaluation(
    c: Choreography, bank: Handle[BankEvaluation], platforms: Sequence[Handle[PlatformEvaluation]]
) -> None:
    """One message to each platform."""
    told = await bank.broadcast(bank.do(BankEvaluation.quality), to=platforms)
    for platform, quality in zip(platforms, told, strict=True):
        platform.do(PlatformEvaluation.take_quality, quality)
