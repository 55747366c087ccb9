"""Whole numbers as limb arrays: the few vectorised operations that encoding, packing and masking share.

A limb array has shape ``(count, limbs)``, dtype ``uint64``, the least significant limb first. Arithmetic is
modulo 2^(64 * limbs), so a negative number is its two's complement.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from vfl.crypto.backends.base import Limbs

__all__ = ["add", "at_least", "extract", "from_ints", "place", "to_ints"]

_WORD = 64


def from_ints(values: Iterable[int], width: int) -> Limbs:
    """Non-negative integers → limbs of ``width`` words; OverflowError if one does not fit."""
    raw = b"".join(int(value).to_bytes(width * 8, "little") for value in values)
    return np.frombuffer(raw, dtype="<u8").reshape(-1, width).astype(np.uint64)


def to_ints(limbs: Limbs) -> list[int]:
    """Limbs → non-negative Python integers."""
    size = limbs.shape[1] * 8
    raw = np.ascontiguousarray(limbs, dtype="<u8").tobytes()
    return [int.from_bytes(raw[start : start + size], "little") for start in range(0, len(raw), size)]


def add(a: Limbs, b: Limbs) -> Limbs:
    """a + b modulo 2^(64 * limbs); ``b`` may have one row, which then serves all."""
    out = np.empty_like(a)
    carry = np.zeros(len(a), dtype=np.uint64)
    for word in range(a.shape[1]):
        partial = a[:, word] + b[:, word]
        wrapped = partial < a[:, word]
        total = partial + carry
        out[:, word] = total
        carry = (wrapped | (total < partial)).astype(np.uint64)
    return out


def at_least(limbs: Limbs, bound: int) -> npt.NDArray[np.bool_]:
    """Which rows are >= ``bound``, a non-negative integer that fits the width."""
    words = from_ints([bound], limbs.shape[1])[0]
    greater = np.zeros(len(limbs), dtype=np.bool_)
    equal = np.ones(len(limbs), dtype=np.bool_)
    for word in range(limbs.shape[1] - 1, -1, -1):
        greater |= equal & (limbs[:, word] > words[word])
        equal &= limbs[:, word] == words[word]
        if not equal.any():
            break  # nearly always after the first word
    return greater | equal


def extract(limbs: Limbs, offset: int, width: int) -> Limbs:
    """The ``width`` bits that begin at bit ``offset``, as limbs of ceil(width / 64) words."""
    words = -(-width // _WORD)
    first, shift = divmod(offset, _WORD)
    out = np.zeros((len(limbs), words), dtype=np.uint64)
    for word in range(words):
        source = first + word
        out[:, word] = limbs[:, source] >> np.uint64(shift)
        if shift and source + 1 < limbs.shape[1]:
            out[:, word] |= limbs[:, source + 1] << np.uint64(_WORD - shift)
    if width % _WORD:
        out[:, -1] &= np.uint64((1 << (width % _WORD)) - 1)
    return out


def place(target: Limbs, offset: int, value: Limbs) -> None:
    """OR ``value`` into ``target`` (in place) from bit ``offset`` on; the bits there must be zero."""
    first, shift = divmod(offset, _WORD)
    for word in range(value.shape[1]):
        target[:, first + word] |= value[:, word] << np.uint64(shift)
        if shift and first + word + 1 < target.shape[1]:
            target[:, first + word + 1] |= value[:, word] >> np.uint64(_WORD - shift)
