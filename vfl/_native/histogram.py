"""The plan of a histogram: which rows fall into which bin, and how the lists are dealt to the lanes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vfl._native import kernel

__all__ = ["cut", "rows_by_bin"]

_Index = npt.NDArray[np.int64]

_ORDER_LIMIT = 1 << 24
"""Row numbers sorted at a time (64 MiB of int32)."""
_SHORTEST_PIECE = 16
"""A bin's list of rows is not cut into shorter pieces than this: each cut costs one product later."""
_PIECES_PER_LANE = 4


def rows_by_bin(
    bins: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], rows: npt.NDArray[np.int32] | None,
    n_bins: npt.NDArray[np.int32],
) -> Iterator[tuple[npt.NDArray[np.int32], _Index]]:
    """Rows sorted by bin, a block of features at a time: ``order`` and the ``offsets`` of the bins in it.

    ``bins`` has shape (rows, features); ``rows`` selects (None: all). ValueError names a feature with a bin that is
    not below its ``n_bins``.
    """
    chosen = np.empty(0, dtype=np.int32) if rows is None else np.ascontiguousarray(rows, dtype=np.int32)
    selected = len(bins) if rows is None else len(chosen)
    at_once = max(1, _ORDER_LIMIT // max(1, selected))
    for first in range(0, len(n_bins), at_once):
        block = np.ascontiguousarray(bins[:, first : first + at_once])
        sizes = np.ascontiguousarray(n_bins[first : first + at_once], dtype=np.int32)
        order = np.empty(len(sizes) * selected, dtype=np.int32)
        offsets = np.empty(int(sizes.sum()) + 1, dtype=np.int64)
        refused = kernel.bin_order(
            block, chosen, sizes, order, offsets, len(bins), block.dtype.itemsize, rows is None
        )
        if refused >= 0:
            raise ValueError(f"feature {first + refused} has a bin beyond its n_bins")
        yield order, offsets


def cut(offsets: _Index, lanes: int) -> tuple[_Index, _Index]:
    """Segments cut so that all lanes end together: ranges of the pieces, and of each segment's pieces.

    Both have shape (count, 2). With as many pieces as segments nothing was cut.
    """
    lengths = np.diff(offsets)
    limit = max(_SHORTEST_PIECE, -(-int(lengths.sum()) // (lanes * _PIECES_PER_LANE)))
    cuts = np.maximum(1, -(-lengths // limit))
    first = np.concatenate([[0], np.cumsum(cuts)])
    owner = np.repeat(np.arange(len(lengths)), cuts)
    within = np.arange(len(owner)) - first[owner]
    start = offsets[owner] + lengths[owner] * within // cuts[owner]
    stop = offsets[owner] + lengths[owner] * (within + 1) // cuts[owner]
    return np.stack([start, stop], axis=1), np.stack([first[:-1], first[1:]], axis=1)
