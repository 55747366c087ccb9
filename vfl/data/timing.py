"""Which rows of a table are in time: windows of observation and performance, snapshots, look-ahead.

Rows from outside the observation window are no part of the sample. A row that would let the model look ahead (features
from after the decision, a label not final on the job's day) refuses the table, or is left out and counted where the
contract says so.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter

import numpy as np
import numpy.typing as npt

from vfl.config.faults import Fault
from vfl.config.time import TimeSpec
from vfl.data import faults, sample_faults
from vfl.data.quality import LeftOut
from vfl.data.schema import Use, ViewSpec
from vfl.data.source import Block
from vfl.data.values import Where, read_dates
from vfl.roles import RoleName

__all__ = ["RowDates", "months_after"]

Days = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]


def months_after(days: Days, months: int) -> Days:
    """The same day some months later, or the month's last one where it has no such day; ``datetime64[D]``."""
    month = days.astype("datetime64[M]")
    target = month + months
    last = (target + 1).astype("datetime64[D]") - 1
    out: Days = np.minimum(target.astype("datetime64[D]") + (days - month.astype("datetime64[D]")), last)
    return out


class RowDates:
    """Reads the dates of a view's rows and says which rows stay.

    Parameters
    ----------
    cutoff : date, optional
        The job's day.
    today : date
        Days of snapshots and observations after it are mistakes.
    """

    def __init__(
        self, view: ViewSpec, *, role: RoleName, use: Use, time: TimeSpec, cutoff: dt.date | None, today: dt.date
    ) -> None:
        training = use is Use.TRAINING
        self._view, self._time = view, time
        self._sampled = training and role is RoleName.BANK
        self._today = np.datetime64(today, "D")
        self._cutoff = None if cutoff is None else np.datetime64(cutoff, "D")
        features = cutoff
        if cutoff is not None and training and role is RoleName.PLATFORM:
            features = time.feature_day(cutoff)
        self.feature_day = None if features is None else np.datetime64(features, "D")
        """The last day that features may be from."""
        self.monthly = training and time.monthly
        self.left_out: Counter[LeftOut] = Counter()
        self._columns = {"as_of": view.as_of, "valid_until": view.valid_until, "observed_on": view.observed_on}
        self._parts: dict[str, list[Days]] = {use: [] for use in self._columns}

    def admit(self, block: Block) -> npt.NDArray[np.intp]:
        """Positions of the block's rows that are in time; their dates are kept."""
        dates = {use: self._read(block, use) for use in self._columns}
        checks = _Checks(self, block, len(block.rows))
        as_of, observed_on = dates["as_of"], dates["observed_on"]
        if observed_on is not None and self._sampled:
            self._check_window(checks, observed_on)
        if as_of is not None:
            self._check_snapshot(checks, as_of, dates["valid_until"], observed_on)
        if observed_on is not None and self._sampled:
            self._check_outcome(checks, block, observed_on)
        kept = np.flatnonzero(checks.kept)
        for use, days in dates.items():
            if days is not None:
                self._parts[use].append(days[kept])
        return kept

    def days(self, use: str, rows: npt.NDArray[np.intp] | None) -> Days | None:
        """A column of all admitted rows, or of some; None where the view does not declare it."""
        parts = self._parts[use]
        if not parts:
            return None
        whole = np.concatenate(parts)
        return whole if rows is None else whole[rows]

    def _read(self, block: Block, use: str) -> Days | None:
        column = self._columns[use]
        if column is None:
            return None
        where = Where(self._view.source.name, block.rows, column)
        ends = use == "valid_until"
        days = read_dates(block.columns[column], where, blank=ends)
        if not ends and (days > self._today).any():
            raise faults.DATE_FUTURE.at(where.at(int(np.argmax(days > self._today))))
        return days

    # --- checks -----------------------------------------------------------------------------------------------

    def _check_window(self, checks: _Checks, observed_on: Days) -> None:
        first, last = self._time.observed_from, self._time.observed_until
        if first is not None and last is not None:
            outside = (observed_on < np.datetime64(first, "D")) | (observed_on > np.datetime64(last, "D"))
            checks.leave_out(outside, LeftOut.OUTSIDE_WINDOW)

    def _check_outcome(self, checks: _Checks, block: Block, observed_on: Days) -> None:
        column, months = self._view.performance_until, self._time.performance_months
        stated = months_after(observed_on, months)
        end, where = stated, self._view.observed_on
        if column is not None:
            place = Where(self._view.source.name, block.rows, column)
            end, where = read_dates(block.columns[column], place), column
            short = end < stated
            if (short & checks.kept).any():
                raise sample_faults.LABEL_WINDOW_SHORT.at(place.at(int(np.argmax(short & checks.kept))), months=months)
        if self._cutoff is not None:
            checks.look_ahead(end > self._cutoff, sample_faults.LABEL_IMMATURE, LeftOut.LABEL_IMMATURE, where)

    def _check_snapshot(
        self, checks: _Checks, as_of: Days, valid_until: Days | None, observed_on: Days | None
    ) -> None:
        column = self._view.as_of
        if valid_until is not None and (valid_until < as_of).any():
            place = checks.where(self._view.valid_until).at(int(np.argmax(valid_until < as_of)))
            raise sample_faults.SNAPSHOT_DATES.at(place)
        late = np.zeros(len(as_of), dtype=np.bool_)
        if observed_on is not None:
            late |= as_of > observed_on
        if self.feature_day is not None:
            beyond = as_of > self.feature_day
            if self._view.history:
                checks.leave_out(beyond, LeftOut.SNAPSHOT_LATER)
            else:
                late |= beyond
        checks.look_ahead(late, faults.SNAPSHOT_LOOKAHEAD, LeftOut.SNAPSHOT_LOOKAHEAD, column)


class _Checks:
    """The rows of one block while they are judged: each is left out for the first reason found."""

    def __init__(self, dates: RowDates, block: Block, rows: int) -> None:
        self._dates, self._block = dates, block
        self.kept: Mask = np.ones(rows, dtype=np.bool_)

    def where(self, column: str | None) -> Where:
        return Where(self._dates._view.source.name, self._block.rows, column or "")

    def leave_out(self, rows: Mask, reason: LeftOut) -> None:
        going = rows & self.kept
        if going.any():
            self._dates.left_out[reason] += int(going.sum())
            self.kept &= ~rows

    def look_ahead(self, rows: Mask, fault: Fault, reason: LeftOut, column: str | None) -> None:
        """Refuse the table at the first of ``rows`` still in, or leave them out: as the contract says."""
        going = rows & self.kept
        if going.any() and self._dates._time.refuses:
            raise fault.at(self.where(column).at(int(np.argmax(going))))
        self.leave_out(rows, reason)
