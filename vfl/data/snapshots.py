"""Snapshots of firms over time: for each firm the newest that holds on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vfl.data import faults, sample_faults
from vfl.errors import Place

__all__ = ["Snapshots", "numbered"]

Days = npt.NDArray[np.datetime64]
Rows = npt.NDArray[np.intp]

_SPAN = 1 << 32
"""More than there are days: a firm and a day make one number that sorts by both."""


@dataclass(frozen=True, slots=True, repr=False)
class Snapshots:
    """Dated rows of a table.

    Attributes
    ----------
    firm : intp array, (rows,)
        Number of the firm that each row is of.
    as_of, valid_until : datetime64[D] array, (rows,)
        First and last day on which a row holds; NaT: it still does.
    lines : int64 array, (rows,)
        Where the rows stand in the file.
    place : Place
        File and column of ``as_of``.
    history : bool
        Whether a firm may have several; if not, one from after the day asked for is a fault.
    """

    firm: Rows
    as_of: Days
    valid_until: Days
    lines: npt.NDArray[np.int64]
    place: Place
    history: bool

    def __repr__(self) -> str:
        return f"<{len(self.firm)} snapshots>"

    def of(self, firms: npt.NDArray[np.bool_]) -> Snapshots:
        """The same rows with firms numbered anew, those of a mask only; rows of the others keep -1 as their firm."""
        number = np.where(firms, np.cumsum(firms) - 1, -1).astype(np.intp)
        return self if firms.all() else replace(self, firm=np.where(self.firm < 0, -1, number[self.firm]))

    def newest(self, firms: Rows, days: Days, *, expired: bool = False) -> Rows:
        """Row of each of ``firms`` as known on its day: the newest not after it; -1 where none holds on it.

        ``expired``: the newest counts even if it holds no longer.
        """
        numbers = self._key(self.firm, self.as_of)
        order = np.argsort(numbers, kind="stable")
        at = order[np.searchsorted(numbers[order], self._key(firms, days), side="right") - 1]
        until = self.valid_until[at]
        lasts = np.isnat(until) | (until >= days) | expired
        holds = (self.firm[at] == firms) & (self.as_of[at] <= days) & lasts
        out: Rows = np.where(holds, at, -1)
        return out

    @staticmethod
    def _key(firms: Rows, days: Days) -> npt.NDArray[np.int64]:
        out: npt.NDArray[np.int64] = firms.astype(np.int64) * _SPAN + days.astype(np.int64) + _SPAN // 2
        return out

    def require_no_later(self, firms: Rows, days: Days) -> None:
        """Refuse single snapshots from after their firm's day: DataError ``SNAPSHOT_LOOKAHEAD``."""
        if self.history:
            return
        day_of = np.full(int(self.firm.max(initial=-1)) + 1, np.datetime64("NaT"), dtype="datetime64[D]")
        day_of[firms] = days
        # A firm that is not asked for has no day, and nothing is later than that.
        late = (self.firm >= 0) & (self.as_of > day_of[self.firm])
        if late.any():
            raise faults.SNAPSHOT_LOOKAHEAD.at(
                Place(file=self.place.file, row=int(self.lines[int(np.argmax(late))]), column=self.place.column)
            )

    def require_distinct(self) -> None:
        """Refuse two snapshots of a firm on one day: DataError ``SNAPSHOT_TWICE``."""
        first: dict[int, int] = {}
        for number, line in zip(self._key(self.firm, self.as_of).tolist(), self.lines.tolist(), strict=True):
            if first.setdefault(number, line) != line:
                place = Place(file=self.place.file, row=line, column=self.place.column)
                raise sample_faults.SNAPSHOT_TWICE.at(place, first=first[number])


def numbered(codes: Sequence[str]) -> tuple[list[str], Rows]:
    """Distinct codes in order of first sight, and the number of each row's code among them."""
    number: dict[str, int] = {}
    rows = np.array([number.setdefault(code, len(number)) for code in codes], dtype=np.intp)
    return list(number), rows

