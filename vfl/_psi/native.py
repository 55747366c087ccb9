"""The C extension over all cores: the same functions as :mod:`vfl._psi.portable`, for whole arrays.

The extension computes slices without the interpreter lock; this module cuts the slices and hands them to one
thread per core. Without the extension, :func:`paths` is empty.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

try:
    from vfl._psi import _curve
except ImportError:  # built without a compiler
    _curve = None  # type: ignore[assignment]

__all__ = ["Kernel", "paths"]

Points = npt.NDArray[np.uint8]

_LANES = {"ifma": 8, "int64": 1}
_LEAST = 512  # points that are worth a thread


def paths() -> list[str]:
    """The paths this build has on this machine, fastest first."""
    if _curve is None:
        return []
    return [name for name, lanes in _LANES.items() if lanes <= _curve.widest()]


def _over_slices(count: int, work: Callable[[int, int], None]) -> None:
    """Run ``work(start, stop)`` over [0, count) cut into one slice per core, of a multiple of 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = max(1, min(cores, count // _LEAST))
    step = max(1, -(-count // (8 * threads))) * 8
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda start: work(start, min(start + step, count)), range(0, count, step)))


class Kernel:
    """One path of the extension: ``"ifma"`` or ``"int64"``."""

    def __init__(self, name: str) -> None:
        self._lanes = _LANES[name]

    def map_messages(self, messages: list[bytes], dst: bytes) -> Points:
        """See :func:`vfl._psi.portable.map_messages`."""
        data = b"".join(messages)
        ends = np.cumsum([0, *map(len, messages)], dtype=np.uint64)
        out = np.empty((len(messages), 32), dtype=np.uint8)
        _over_slices(
            len(messages), lambda i, j: _curve.map_messages(data, ends[i : j + 1], dst, out[i:j], self._lanes)
        )
        return out

    def ladder(self, scalar: bytes, points: Points) -> Points:
        """See :func:`vfl._psi.portable.ladder`."""
        out = np.empty_like(points)
        _over_slices(len(points), lambda i, j: _curve.ladder(scalar, points[i:j], out[i:j], self._lanes))
        return out

    def classify(self, points: Points) -> npt.NDArray[np.uint8]:
        """See :func:`vfl._psi.portable.classify`."""
        out = np.empty(len(points), dtype=np.uint8)
        _over_slices(len(points), lambda i, j: _curve.classify(points[i:j], out[i:j], self._lanes))
        return out

    def hash_points(self, domain: bytes, points: Points) -> npt.NDArray[np.uint64]:
        """See :func:`vfl._psi.portable.hash_points`."""
        out = np.empty((len(points), 8), dtype="<u8")
        _over_slices(len(points), lambda i, j: _curve.hash_points(domain, points[i:j], out[i:j], self._lanes))
        return out
