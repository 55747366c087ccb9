"""Cells to numbers, dates, categories and labels; the first cell that cannot be read is named by its place.

Nothing is guessed: a number written for people ("1,234.5", "12%", a date, an amount with its unit) is
refused with the cure, because each guess is right for one bank and silently wrong for the next.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vfl.config.faults import Fault
from vfl.data import faults, sample_faults
from vfl.data.schema import FeatureKind, FeatureSpec
from vfl.data.source import Cells
from vfl.errors import Place

__all__ = ["LIMIT", "Where", "read_categories", "read_dates", "read_labels", "read_numbers", "read_weights"]

LIMIT: Final = 1e15
"""Largest magnitude read: below 2^53, so that amounts in the smallest unit stay exact in float64."""

_THOUSANDS = re.compile(r"[-+]?\d{1,3}([,，']\d{3})+(\.\d*)?")
_PERCENT = re.compile(r"[-+]?[\d.,]+\s*[%％‰]")
_DATE = re.compile(r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}.*|\d{1,2}/\d{1,2}/\d{2,4}.*")
_UNIT = re.compile(r"[¥￥$€£]\s*[-+]?[\d.,]+.*|[-+]?[\d.,]+\s*(元|万|亿|万元|亿元|千元|USD|CNY|RMB|[kKmM])")
_ISO_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}.*)?", re.ASCII)
_EXCEL_SERIAL = re.compile(r"[2-9]\d{4}(\.\d*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Where:
    """Place of the cells of one column of a block."""

    file: str
    rows: Sequence[int]
    column: str

    def at(self, index: int) -> Place:
        return Place(file=self.file, row=self.rows[index], column=self.column)


def read_numbers(cells: Cells, feature: FeatureSpec, where: Where) -> npt.NDArray[np.float64]:
    """Float64 values, NaN where the cell is blank or holds a missing code.

    Raises
    ------
    DataError
        ``VALUE_…``.
    """
    if isinstance(cells, np.ndarray):
        values = np.array(cells, dtype=np.float64)
    else:
        values = _parsed(cells, frozenset(("", *feature.missing)), where)
    for code in feature.missing_numbers:
        values[values == code] = np.nan
    _refuse_first(np.isinf(values), faults.VALUE_INFINITE, where)
    _refuse_first(np.abs(values) > LIMIT, faults.VALUE_LIMIT, where, limit="10^15")
    return values


def read_categories(cells: Cells, feature: FeatureSpec, levels: dict[str, int]) -> npt.NDArray[np.int32]:
    """Codes by order of first sight, −1 for missing; ``levels`` (level → code) is extended in place."""
    missing = frozenset(("", *feature.missing))
    texts = _as_text(cells) if isinstance(cells, np.ndarray) else cells
    codes = np.empty(len(texts), dtype=np.int32)
    for index, cell in enumerate(texts):
        level = cell.strip()
        codes[index] = -1 if level in missing else levels.setdefault(level, len(levels))
    return codes


def read_labels(cells: Cells, where: Where) -> npt.NDArray[np.uint8]:
    """Labels: 1 for the event, 0 for all else.

    Raises
    ------
    DataError
        ``LABEL_MISSING``, ``LABEL_VALUE``.
    """
    if isinstance(cells, np.ndarray):
        values = cells
    else:
        known = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "": np.nan}
        values = np.array([known.get(cell.strip(), -1.0) for cell in cells], dtype=np.float64)
    _refuse_first(np.isnan(values), faults.LABEL_MISSING, where)
    _refuse_first((values != 0) & (values != 1), faults.LABEL_VALUE, where)
    return values.astype(np.uint8)


def read_weights(cells: Cells, where: Where, *, limit: float) -> npt.NDArray[np.float64]:
    """Sample weights from 0 to ``limit``.

    Raises
    ------
    DataError
        ``WEIGHT_VALUE``, ``WEIGHT_LIMIT``, ``VALUE_…``.
    """
    values = read_numbers(cells, FeatureSpec(where.column, FeatureKind.NUMERIC), where)
    _refuse_first(~(values >= 0), sample_faults.WEIGHT_VALUE, where)
    _refuse_first(values > limit, sample_faults.WEIGHT_LIMIT, where, limit=f"{limit:g}")
    return values


def read_dates(cells: Cells, where: Where, *, blank: bool = False) -> npt.NDArray[np.datetime64]:
    """Days (``datetime64[D]``); NaT for a blank cell where ``blank`` allows one.

    Raises
    ------
    DataError
        ``DATE_EXCEL_SERIAL``, ``DATE_FORMAT``.
    """
    texts = _as_text(cells) if isinstance(cells, np.ndarray) else cells
    # A column holds few distinct days: each is parsed once.
    days: dict[str, np.datetime64] = {}
    for index, cell in enumerate(texts):
        if cell not in days:
            days[cell] = _day(cell.strip(), where.at(index), blank=blank)
    return np.array([days[cell] for cell in texts], dtype="datetime64[D]")


def _parsed(cells: Sequence[str], missing: frozenset[str], where: Where) -> npt.NDArray[np.float64]:
    blank = np.fromiter(map(missing.__contains__, cells), dtype=np.bool_, count=len(cells))
    texts = cells if not blank.any() else ["nan" if cell in missing else cell for cell in cells]
    try:
        values = np.fromiter(map(float, texts), dtype=np.float64, count=len(cells))
    except ValueError:
        values = np.array(
            [_parse_one(cell, missing, where, index) for index, cell in enumerate(cells)], dtype=np.float64
        )
    # float() also takes "nan", which is missing only if declared so, and "1_000", which nobody means.
    doubtful = np.isnan(values) & ~blank
    if "_" in "".join(cells):
        doubtful |= np.array(["_" in cell for cell in cells], dtype=np.bool_)
    for index in np.flatnonzero(doubtful).tolist():
        _parse_one(cells[index], missing, where, index)
    return values


def _parse_one(cell: str, missing: frozenset[str], where: Where, index: int) -> float:
    text = cell.strip()
    if text in missing:
        return np.nan
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if np.isnan(value) or "_" in text:
        raise _not_a_number(text).at(where.at(index))
    return value


def _not_a_number(text: str) -> Fault:
    for pattern, fault in (
        (_THOUSANDS, faults.VALUE_THOUSANDS),
        (_PERCENT, faults.VALUE_PERCENT),
        (_DATE, faults.VALUE_DATE),
        (_UNIT, faults.VALUE_UNIT),
    ):
        if pattern.fullmatch(text):
            return fault
    return faults.VALUE_NOT_NUMBER


def _day(text: str, place: Place, *, blank: bool) -> np.datetime64:
    if blank and not text:
        return np.datetime64("NaT", "D")
    found = _ISO_DATE.fullmatch(text)
    if found:
        try:
            return np.datetime64(dt.date.fromisoformat(found.group(1)), "D")
        except ValueError:
            raise faults.DATE_FORMAT.at(place) from None
    fault = faults.DATE_EXCEL_SERIAL if _EXCEL_SERIAL.fullmatch(text) else faults.DATE_FORMAT
    raise fault.at(place)


def _as_text(numbers: npt.NDArray[np.float64]) -> list[str]:
    """Numbers as a category would be written: whole ones without a decimal point, NaN blank."""
    return [
        "" if value != value else str(int(value)) if value.is_integer() else repr(value)
        for value in numbers.tolist()
    ]


def _refuse_first(holds: npt.NDArray[np.bool_], fault: Fault, where: Where, **fields: object) -> None:
    if holds.any():
        raise fault.at(where.at(int(np.argmax(holds))), **fields)
