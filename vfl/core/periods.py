"""Periods of observation as plain numbers: months counted from the first one of the window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["latest_share"]


def latest_share(periods: npt.NDArray[np.int64], share: float) -> npt.NDArray[np.bool_]:
    """Rows of the fewest latest periods that hold at least ``share`` of all rows, shape (rows,)."""
    numbers, counts = np.unique(periods, return_counts=True)
    latest_first = np.cumsum(counts[::-1])
    first = numbers[::-1][int(np.searchsorted(latest_first, share * len(periods)))] if len(numbers) else 0
    out: npt.NDArray[np.bool_] = periods >= first
    return out
