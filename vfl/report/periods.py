"""Days of observation to the periods that a report shows side by side: months, else quarters, half-years, years."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["MOST_PERIODS", "periods_of"]

MOST_PERIODS = 12
"""So many fit beside each other on paper."""


def periods_of(days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.str_]:
    """Period of each day, of the finest kind with at most :data:`MOST_PERIODS`; names sort by time.

    ``2024-03``, ``2024 Q1``, ``2024 H1``, ``2024``; years are the coarsest, however many. Empty for no day (NaT).
    """
    known = ~np.isnat(days)
    months = np.where(known, days, np.datetime64("1970-01-01")).astype("datetime64[M]").astype(np.int64)
    year, month = months // 12 + 1970, months % 12
    kinds: tuple[tuple[npt.NDArray[np.int64], Callable[[int], str]], ...] = (
        (months, lambda i: f"{year[i]}-{month[i] + 1:02d}"),
        (months // 3, lambda i: f"{year[i]} Q{month[i] // 3 + 1}"),
        (months // 6, lambda i: f"{year[i]} H{month[i] // 6 + 1}"),
        (year, lambda i: f"{year[i]}"),
    )
    number, name = next((k for k in kinds if len(np.unique(k[0][known])) <= MOST_PERIODS), kinds[-1])
    _, first, place = np.unique(number, return_index=True, return_inverse=True)
    names = np.array([name(i) for i in first.tolist()], dtype=np.str_)
    return np.where(known, names[place], "")
