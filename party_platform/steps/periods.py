"""A platform's side of the periods of observation: it learns them, and dates its features by them."""

from __future__ import annotations

import numpy as np

from party_platform.steps.workspace import PlatformWorkspace
from vfl.protocols.messages.periods import ObservationPeriods
from vfl.protocols.periods import PlatformPeriods
from vfl.runtime.workspace import malformed

__all__ = ["PlatformPeriodsSteps"]


class PlatformPeriodsSteps(PlatformPeriods):
    """Collects the periods row by row."""

    def __init__(self, work: PlatformWorkspace) -> None:
        self._work = work
        self._told: list[int] = []

    def take_periods(self, chunk: ObservationPeriods) -> None:
        self._told.extend(chunk.periods.value)
        count = self._work.spec.periods
        sound = chunk.count.value == count and max(chunk.periods.value, default=0) < count
        if not sound or len(self._told) > len(self._work.alignment.rows):
            raise malformed("PERIODS", "periods that the contract does not know", "合同未约定的观察时期")

    def arrange(self) -> None:
        if len(self._told) != len(self._work.alignment.rows):
            raise malformed("PERIODS", "periods of another number of rows", "观察时期的行数不符")
        self._work.arrange(np.array(self._told, dtype=np.int64))
        self._told = []
        # Features from after their firm's day are refused here, before anything is made of them.
        self._work.table()
