"""The ``[time]`` part of a job: when firms were observed, how long their outcome was watched, how old features are.

::

    features are known        outcome is watched                 labels are final
    ───────────┬──────────────┬──────────────────────────────────┬───────────────→
       snapshot│  observed_on │ performance_months               │ as_of of the job
    ≤ feature_day

A model may know nothing from after the day on which the decision was taken. The bank's dates never leave it except as
stated: with ``snapshots = "fixed"`` no date is told, and every platform takes its features as of the first day of the
observation window; with ``"monthly"`` the bank tells the month of observation of each common firm, and platforms take
them as of the first day of that month.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from vfl.config.reading import Section
from vfl.errors import ConfigError, Place, Text

__all__ = ["MOST_PERIODS", "TimeSpec", "add_months", "check_time", "month_number", "read_time"]

MOST_PERIODS = 128
"""Periods that a job may tell apart: each crosses as one byte."""


@dataclass(frozen=True, slots=True)
class TimeSpec:
    """Windows of the sample; what is not stated is not checked."""

    observed_from: dt.date | None = None
    observed_until: dt.date | None = None
    """First and last day of the observation window, both included; other rows of the bank are no part of the sample."""
    performance_months: int = 0
    """Months after the observation over which the outcome is watched; 0: not stated."""
    snapshots: str = "fixed"
    """As of when platforms take their features: ``fixed`` or ``monthly``."""
    look_ahead: str = "refuse"
    """What becomes of rows that would let the model look ahead: ``refuse`` the table, or ``leave-out`` and count."""

    @property
    def refuses(self) -> bool:
        return self.look_ahead == "refuse"

    @property
    def windows(self) -> bool:
        """Whether the bank's days of observation are asked for."""
        return self.observed_from is not None or self.performance_months > 0

    @property
    def monthly(self) -> bool:
        return self.snapshots == "monthly"

    @property
    def first(self) -> dt.date:
        """The first day of the window; of all days, where none is stated."""
        return self.observed_from or dt.date.min

    @property
    def months(self) -> int:
        """Months that the observation window touches; 0 if it is not stated."""
        if self.observed_from is None or self.observed_until is None:
            return 0
        return month_number(self.observed_until) - month_number(self.observed_from) + 1

    def feature_day(self, as_of: dt.date) -> dt.date:
        """The last day that features of any firm may be from; ``as_of`` is the job's."""
        if self.observed_from is None:
            return as_of
        if self.monthly and self.observed_until is not None:
            return self.observed_until.replace(day=1)
        return self.observed_from


def month_number(day: dt.date) -> int:
    """Months since the year 0: differences count months."""
    return 12 * day.year + day.month - 1


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day of a later month, or its last one where it has no such day."""
    year, month = divmod(month_number(day) + months, 12)
    after = dt.date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last = after - dt.timedelta(days=1)
    return last.replace(day=min(day.day, last.day))


def read_time(s: Section) -> TimeSpec:
    """Read the section; every failure is a ConfigError that names the key."""
    d = TimeSpec()
    out = TimeSpec(
        observed_from=s.optional_date("observed_from"),
        observed_until=s.optional_date("observed_until"),
        performance_months=s.integer("performance_months", d.performance_months, low=0, high=120),
        snapshots=s.text("snapshots", d.snapshots, one_of=("fixed", "monthly")),
        look_ahead=s.text("look_ahead", d.look_ahead, one_of=("refuse", "leave-out")),
    )
    s.done()
    return out


def check_time(time: TimeSpec, as_of: dt.date, file: str) -> None:
    """Refuse windows that contradict each other: ConfigError ``JOB_TIME_WINDOW``, ``JOB_TIME_IMMATURE``."""
    first, last = time.observed_from, time.observed_until
    if (first is None) != (last is None) or (time.monthly and first is None):
        raise _window(file, "the observation window wants both its first and its last day",
                      "观察窗口须同时写明首日与末日")
    if first is None or last is None:
        return
    if not first <= last <= as_of:
        raise _window(file, "the observation window does not end between its first day and as_of",
                      "观察窗口的末日须介于首日与 as_of 之间")
    if time.months > MOST_PERIODS:
        raise _window(file, f"the observation window is longer than {MOST_PERIODS} months",
                      f"观察窗口超过 {MOST_PERIODS} 个月")
    if time.refuses and add_months(last, time.performance_months) > as_of:
        raise ConfigError(
            "JOB_TIME_IMMATURE",
            Text(en="the outcome of the window's last firms is still being watched on the day as_of",
                 zh="截至 as_of，观察窗口末期企业的表现期尚未结束"),
            cure=Text(en='end the observation window earlier, or write look_ahead = "leave-out"',
                      zh='请提前结束观察窗口，或写 look_ahead = "leave-out"'),
            place=Place(file=file, column="time.observed_until"),
        )


def _window(file: str, en: str, zh: str) -> ConfigError:
    return ConfigError(
        "JOB_TIME_WINDOW",
        Text(en=en, zh=zh),
        cure=Text(en="mend time.observed_from and time.observed_until",
                  zh="请修正 time.observed_from 与 time.observed_until"),
        place=Place(file=file, column="time"),
    )
