"""Flat functions over buffers; the interpreter lock is released while they compute.

``lanes`` is 8 (AVX-512 IFMA; only if :func:`widest` is 8) or 1. Buffers are C-contiguous; points are rows of
32 bytes. ValueError: sizes that do not fit together.
"""

from typing import Any

def widest() -> int:
    """8 if this processor and this build have the eight-lane path, else 1."""

def map_messages(data: bytes, ends: Any, dst: bytes, out: Any, lanes: int) -> None:
    """u-coordinates of the Elligator 2 map of ``data[ends[i]:ends[i + 1]]``."""

def ladder(scalar: bytes, points: Any, out: Any, lanes: int) -> None:
    """u(scalar · P) for clamped ``scalar``; points must be canonical and of high order."""

def classify(points: Any, out: Any, lanes: int) -> None:
    """One byte per point: 0 on the curve, 1 not canonical, 2 low order, 3 on the twist."""

def hash_points(domain: bytes, points: Any, out: Any, lanes: int) -> None:
    """SHA-512(domain ‖ point), 64 bytes per point."""
