"""The bank's side of the periods of observation: it alone knows the days."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from party_bank.steps.workspace import BankWorkspace
from vfl.core.periods import latest_share
from vfl.errors import DataError, Text
from vfl.protocols.messages.periods import PERIOD_ROWS, ObservationPeriods
from vfl.protocols.periods import BankPeriods
from vfl.wire.carriers import disclose, public

__all__ = ["BankPeriodsSteps"]


class BankPeriodsSteps(BankPeriods):
    """Counts periods from the days of observation."""

    def __init__(self, work: BankWorkspace) -> None:
        self._work = work

    def _periods(self) -> npt.NDArray[np.int64]:
        """Period of each aligned row, in the order of the alignment, from 0."""
        spec, days = self._work.spec, self._work.days_observed()
        months = days.astype("datetime64[M]")
        if spec.time.monthly:
            numbers: npt.NDArray[np.int64] = (months - np.datetime64(spec.time.first, "M")).astype(np.int64)
            return numbers
        if spec.sample.out_of_time_from is not None:
            return (days >= np.datetime64(spec.sample.out_of_time_from, "D")).astype(np.int64)
        return latest_share(months.astype(np.int64), spec.sample.out_of_time).astype(np.int64)

    def observation_periods(self) -> Iterator[ObservationPeriods]:
        told, spec = self._periods(), self._work.spec
        if spec.sample.has_out_of_time:
            _require_both(self._work.held_out(told))
        for start in range(0, len(told), PERIOD_ROWS):
            chunk = tuple(told[start : start + PERIOD_ROWS].tolist())
            why = "owners must know which rows train and, by contract, the month of their features"
            yield ObservationPeriods(public(spec.periods), disclose(chunk, reason=why))

    def arrange(self) -> None:
        self._work.arrange(self._periods())


def _require_both(held_out: npt.NDArray[np.bool_]) -> None:
    if not 0 < held_out.sum() < len(held_out):
        raise DataError(
            "OUT_OF_TIME_EMPTY",
            Text(en="all common firms were observed on one side of the out-of-time day",
                 zh="全部共有企业的观察日都在时间外起始日的同一侧"),
            cure=Text(en="choose a day within the days of observation of the common firms",
                      zh="请在共有企业的观察日范围内选择时间外起始日"),
        )
