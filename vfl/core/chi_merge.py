"""Merging of neighbouring bins: ChiMerge, and the least merging that keeps floors.

ChiMerge (Kerber, AAAI 1992) joins the two neighbours whose event rates differ least by Pearson's chi-square until few
enough bins are left and all neighbours differ. It is greedy: :mod:`vfl.core.optimal_binning` finds more IV; this one is
here because many banks' rules name it.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from vfl.core.optimal_binning import BinRule

__all__ = ["chi_merge", "floor_merge", "neighbour_chi_square"]

Counts = npt.NDArray[np.int64]


def chi_merge(rows: Counts, events: Counts, total_rows: int, rule: BinRule) -> tuple[int, ...]:
    """First pre-bin of each bin. Ends at ``max_bins`` with all neighbours apart by ``max_p_value`` and floors kept."""
    critical = NormalDist().inv_cdf(1 - rule.max_p_value / 2) ** 2 if rule.max_p_value < 1 else 0.0
    return _merge(rows, events, total_rows, rule, critical, rule.max_bins)


def floor_merge(rows: Counts, events: Counts, total_rows: int, rule: BinRule) -> tuple[int, ...]:
    """First pre-bin of each bin after joining only what lies under the floors, to the more alike neighbour."""
    return _merge(rows, events, total_rows, rule, 0.0, len(rows))


def neighbour_chi_square(rows: Counts, events: Counts) -> npt.NDArray[np.float64]:
    """Pearson's chi-square (1 degree of freedom) of each bin and the next, shape (n - 1,); 0 where one class lacks."""
    left_rows, right_rows = rows[:-1].astype(np.float64), rows[1:].astype(np.float64)
    both, hit = left_rows + right_rows, (events[:-1] + events[1:]).astype(np.float64)
    cross = events[1:] * left_rows - events[:-1] * right_rows
    scale = hit * (both - hit) * left_rows * right_rows
    return np.divide(cross**2 * both, scale, out=np.zeros_like(scale), where=scale > 0)


def _merge(
    rows: Counts, events: Counts, total_rows: int, rule: BinRule, critical: float, max_bins: int
) -> tuple[int, ...]:
    starts = np.arange(len(rows))
    while len(starts) > 1:
        joined_rows, joined_events = np.add.reduceat(rows, starts), np.add.reduceat(events, starts)
        chi = neighbour_chi_square(joined_rows, joined_events)
        weak = ~rule.fits(joined_rows, joined_events, total_rows)
        if weak.any():
            # Bins under a floor go first, whatever their neighbours.
            chi = np.where(weak[:-1] | weak[1:], chi, np.inf)
        elif len(starts) <= max_bins and chi.min() >= critical:
            break
        starts = np.delete(starts, int(chi.argmin()) + 1)
    return tuple(starts.tolist())
