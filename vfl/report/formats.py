"""How numbers look in a report: one rule per kind of quantity, the same in tables, charts and sentences.

Every function gives ``—`` for what is not defined (NaN, ``None``): a reader sees that there is no number, and the
text beside it says why.
"""

from __future__ import annotations

import math
from datetime import datetime

from vfl.report.performance_model import Interval

__all__ = [
    "NOT_DEFINED",
    "as_amount",
    "as_bits",
    "as_bytes",
    "as_count",
    "as_interval",
    "as_measure",
    "as_number",
    "as_p_value",
    "as_percent",
    "as_points",
    "as_range",
    "as_seconds",
    "as_signed",
    "as_time",
    "ratio",
]

NOT_DEFINED = "—"
_MINUS = "−"


def _defined(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def ratio(part: float | None, whole: float | None) -> float:
    """``part / whole``, NaN where there is no such number."""
    if part is None or whole is None or whole == 0:
        return math.nan
    return part / whole


def as_number(value: float | None, digits: int = 4) -> str:
    """Fixed decimals: ``0.7812``, ``−1.25``."""
    if value is None or not _defined(value):
        return NOT_DEFINED
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.removeprefix("-")  # no minus zero
    return text.replace("-", _MINUS)


def as_amount(value: float | None) -> str:
    """A sum of money or of exposure: whole units from 1,000 on, one decimal below."""
    return as_number(value, 0 if value is not None and abs(value) >= 1000 else 1)


def as_measure(value: float | None) -> str:
    """Four significant digits, for quantities of unknown size: ``6,321``, ``0.0410``."""
    if value is None or not _defined(value):
        return NOT_DEFINED
    size = math.floor(math.log10(abs(value))) if value else 0
    return as_number(value, min(max(3 - size, 0), 8))


def as_time(moment: str) -> str:
    """ISO 8601 as people read it: ``2026-03-14 09:31:48+08:00``; anything else is kept."""
    try:
        return datetime.fromisoformat(moment).isoformat(" ", "seconds")
    except ValueError:
        return moment


def as_signed(value: float | None, digits: int = 4) -> str:
    """Like :func:`as_number` with a plus sign where positive: differences."""
    text = as_number(value, digits)
    return f"+{text}" if value is not None and _defined(value) and value > 0 else text


def as_count(value: float | None) -> str:
    """Whole numbers with thousands separators."""
    return as_number(value, 0)


def as_percent(value: float | None, digits: int = 2) -> str:
    """A share in [0, 1] as per cent: ``21.00%``."""
    return NOT_DEFINED if value is None or not _defined(value) else f"{as_number(value * 100, digits)}%"


def as_interval(interval: Interval, digits: int = 4, *, signed: bool = False) -> str:
    """``0.7812 [0.7701, 0.7923]``; the brackets are left out where there is no interval."""
    value = as_signed(interval.value, digits) if signed else as_number(interval.value, digits)
    if not (_defined(interval.low) and _defined(interval.high)):
        return value
    return f"{value} [{as_number(interval.low, digits)}, {as_number(interval.high, digits)}]"


def as_range(lower: float, upper: float, digits: int = 0) -> str:
    """The half-open score band [lower, upper): ``[520,560)``, ``< 520``, ``≥ 700``."""
    if math.isinf(lower) and math.isinf(upper):
        return "all · 全部"
    if math.isinf(lower):
        return f"< {as_number(upper, digits)}"
    if math.isinf(upper):
        return f"≥ {as_number(lower, digits)}"
    return f"[{as_number(lower, digits)},{as_number(upper, digits)})"


def as_points(value: float | None) -> str:
    """Scorecard points: whole, no separator needed."""
    return as_number(value, 0)


def as_p_value(value: float | None) -> str:
    """Three decimals; below them ``< 0.001``."""
    if value is None or not _defined(value):
        return NOT_DEFINED
    return "< 0.001" if value < 0.001 else as_number(value, 3)


def as_bytes(value: float | None) -> str:
    """Decimal units: ``812 B``, ``1.24 MB``."""
    if value is None or not _defined(value):
        return NOT_DEFINED
    if value < 1000:
        return f"{value:.0f} B"
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5:
            return f"{_three_digits(value)} {unit}"
    return f"{_three_digits(value / 1000)} TB"


def as_seconds(value: float | None) -> str:
    """``0.42 s``, ``12.3 s``, ``4 min 05 s``, ``2 h 10 min``."""
    if value is None or not _defined(value):
        return NOT_DEFINED
    if value < 99.95:
        return f"{_three_digits(value)} s"
    minutes, seconds = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def as_bits(value: float | None) -> str:
    """A bound on disclosed information, rounded up: a bound is never shown smaller than it is."""
    if value is None or not _defined(value):
        return NOT_DEFINED
    return as_count(math.ceil(value))


def _three_digits(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
