"""Real numbers as whole numbers with bounds declared in advance, and exact sums of them.

A :class:`FixedPoint` states the largest magnitude, the resolution and the number of rows ever summed. The width
of a sum follows from these three, so overflow is excluded before anything is encrypted, for all data.
:class:`WideInts` holds the sums: exact signed 128-bit integers, converted to float64 with a single rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.errors import Place, PlaintextOverflow, Text

__all__ = ["FixedPoint", "WideInts"]


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """v is encoded as rint(v * 2^fraction_bits), ties to even.

    Parameters
    ----------
    max_abs : float
        Bound on the magnitude of one value.
    fraction_bits : int
        Resolution 2^-fraction_bits; one value is off by at most half of it.
    max_rows : int
        The most values ever added into one sum.

    Raises
    ------
    PlaintextOverflow
        ``ENCODING_WIDTH`` if one value could exceed 63 bits or a sum 127.
    """

    max_abs: float
    fraction_bits: int
    max_rows: int

    def __post_init__(self) -> None:
        sound = math.isfinite(self.max_abs) and self.max_abs > 0 and self.max_rows > 0
        if not sound or self.limit >= 1 << 63 or self.width > 128:
            raise PlaintextOverflow(
                "ENCODING_WIDTH",
                Text(
                    f"{self.max_rows} values up to {self.max_abs:g} with {self.fraction_bits} fractional bits"
                    " exceed 63 bits each or 127 bits in sum",
                    f"{self.max_rows} 个不超过 {self.max_abs:g} 的数，保留 {self.fraction_bits} 位小数位，"
                    "单个超过 63 位或总和超过 127 位",
                ),
                cure=Text("use fewer fractional bits or a tighter bound", "请减少小数位数或收紧上界"),
            )

    @property
    def limit(self) -> int:
        """The largest magnitude of one encoded value."""
        return math.ceil(math.ldexp(self.max_abs, self.fraction_bits))

    @property
    def width(self) -> int:
        """Bits of a signed slot that holds any sum of ``max_rows`` values."""
        return (self.limit * self.max_rows).bit_length() + 1

    def encode(self, values: npt.NDArray[np.float64], *, name: str) -> npt.NDArray[np.int64]:
        """``values``, shape (rows,), as integers; ``name`` is what an error calls them.

        Raises
        ------
        PlaintextOverflow
            ``ENCODING_ROWS`` for more than ``max_rows`` values, ``ENCODING_RANGE`` for one that is not finite or
            beyond ``max_abs``.
        """
        if len(values) > self.max_rows:
            raise PlaintextOverflow(
                "ENCODING_ROWS",
                Text(f"{len(values)} rows where the encoding allows {self.max_rows}",
                     f"共 {len(values)} 行，而编码只允许 {self.max_rows} 行"),
                cure=Text("declare the true number of rows", "请按实际行数声明"),
                place=Place(column=name),
            )
        wrong = ~(np.abs(values) <= self.max_abs)
        if wrong.any():
            raise PlaintextOverflow(
                "ENCODING_RANGE",
                Text(f"a value is not finite or beyond the declared bound of {self.max_abs:g}",
                     f"存在非有限值或超出声明上界 {self.max_abs:g} 的值"),
                cure=Text("clip the values or declare a larger bound", "请截断数值或声明更大的上界"),
                place=Place(row=int(wrong.argmax()) + 1, column=name),
            )
        return np.rint(np.ldexp(values, self.fraction_bits)).astype(np.int64)

    def decode(self, sums: WideInts) -> npt.NDArray[np.float64]:
        """Sums of encoded values as the nearest float64."""
        return sums.to_float64(self.fraction_bits)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class WideInts:
    """Exact signed 128-bit integers hi * 2^64 + lo, arrays of one shape."""

    hi: npt.NDArray[np.int64]
    lo: npt.NDArray[np.uint64]

    @classmethod
    def from_int64(cls, values: npt.NDArray[np.int64]) -> WideInts:
        return cls(values >> 63, values.astype(np.uint64))

    @classmethod
    def from_limbs(cls, words: Limbs) -> WideInts:
        """From two's complement limbs, shape (count, 2)."""
        return cls(words[:, 1].astype(np.int64), words[:, 0].copy())

    def __len__(self) -> int:
        return len(self.lo)

    def __repr__(self) -> str:
        return f"<WideInts {self.lo.shape}>"  # sums are as private as what was summed

    def __getitem__(self, index: Any) -> WideInts:
        """Any numpy index that keeps an array."""
        return WideInts(self.hi[index], self.lo[index])

    def __add__(self, other: WideInts) -> WideInts:
        lo = self.lo + other.lo
        return WideInts(self.hi + other.hi + (lo < self.lo).astype(np.int64), lo)

    def __sub__(self, other: WideInts) -> WideInts:
        return WideInts(self.hi - other.hi - (self.lo < other.lo).astype(np.int64), self.lo - other.lo)

    def reshape(self, *shape: int) -> WideInts:
        return WideInts(self.hi.reshape(*shape), self.lo.reshape(*shape))

    def to_ints(self) -> list[int]:
        """Python integers, flattened."""
        return [(hi << 64) + lo for hi, lo in zip(self.hi.ravel().tolist(), self.lo.ravel().tolist(), strict=True)]

    def to_int64(self) -> npt.NDArray[np.int64]:
        """As int64; PlaintextOverflow ``SUM_TOO_WIDE`` if one does not fit."""
        narrow = self.lo.astype(np.int64)
        if not np.array_equal(narrow >> 63, self.hi):
            raise PlaintextOverflow(
                "SUM_TOO_WIDE",
                Text("a sum exceeds 63 bits", "有总和超过 63 位"),
                cure=Text("read it with to_float64", "请改用 to_float64 读取"),
            )
        return narrow

    def to_float64(self, fraction_bits: int = 0) -> npt.NDArray[np.float64]:
        """value / 2^fraction_bits, rounded once to the nearest float64, ties to even."""
        negative = self.hi < 0
        magnitude = np.stack([self.lo.ravel(), self.hi.ravel().astype(np.uint64)], axis=1)
        flip = negative.ravel()
        magnitude[flip] = limbs.add(~magnitude[flip], limbs.from_ints([1], 2))
        low, high = magnitude[:, 0], magnitude[:, 1]
        # Shift the leading bit to bit 127, then keep the upper word; what falls off survives as a sticky bit far
        # below the 53 bits of a float64, so that the one conversion below rounds as the exact value would.
        exponent = np.zeros(len(low), dtype=np.int64)
        for step in (64, 32, 16, 8, 4, 2, 1):
            small = high < (np.uint64(1) << np.uint64(64 - step)) if step < 64 else high == 0
            if step == 64:
                high, low = np.where(small, low, high), np.where(small, np.uint64(0), low)
            else:
                moved = (high << np.uint64(step)) | (low >> np.uint64(64 - step))
                high, low = np.where(small, moved, high), np.where(small, low << np.uint64(step), low)
            exponent -= np.where(small, step, 0)
        top = high | (low != 0).astype(np.uint64)
        value: npt.NDArray[np.float64] = np.ldexp(top.astype(np.float64), exponent + 64 - fraction_bits)
        value[flip] *= -1
        return value.reshape(self.lo.shape)
