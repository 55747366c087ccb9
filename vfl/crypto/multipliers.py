"""Plain multipliers of many ciphertexts at once, as the digits that a multi-exponentiation reads.

:meth:`vfl.crypto.paillier.AdditiveHE.weighted_sums` turns groups of ciphertexts into sums of their multiples,
∑_j m_j [[x_j]], several sums per group. Straus's method (Amer. Math. Monthly 71, 1964) writes all multipliers in
digits of four bits and works position by position, so that all terms of a sum share its squarings, and all sums of a
group share the tables of its ciphertexts. Every term costs one product per digit, whether or not the digit is zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.errors import LocalProtocolError, Text

__all__ = ["DIGIT_BITS", "Multipliers"]

DIGIT_BITS = 4


@dataclass(frozen=True, slots=True, repr=False)
class Multipliers:
    """Non-negative multipliers of ``groups`` groups.

    Parameters
    ----------
    digits : uint8 array of shape (groups, outputs, positions, inputs)
        Base 16, the most significant position first. Secret.
    steps : int32 array of shape (positions + 1,)
        Bits by which what came before is shifted ahead of each position (the first is 0), and after the last. Public.
    """

    digits: npt.NDArray[np.uint8]
    steps: npt.NDArray[np.int32]

    def __repr__(self) -> str:
        return f"<Multipliers {self.digits.shape}>"

    @property
    def groups(self) -> int:
        return int(self.digits.shape[0])

    @property
    def outputs(self) -> int:
        """Sums per group."""
        return int(self.digits.shape[1])

    @property
    def inputs(self) -> int:
        """Ciphertexts per group."""
        return int(self.digits.shape[3])

    @classmethod
    def spaced(cls, values: npt.NDArray[np.int64], bits: int, spacing: int = 0) -> Multipliers:
        """∑_p values[..., p] 2^(spacing p), shape (groups, outputs, inputs, parts), 0 <= values < 2^bits.

        Only the digits that may be other than zero are made, so a gap between parts costs its squarings alone.
        """
        parts, each = values.shape[3], -(-bits // DIGIT_BITS)
        sound = not values.size or (values.min() >= 0 and int(values.max()) < 1 << bits)
        if not sound or (parts > 1 and spacing < each * DIGIT_BITS):
            raise _too_wide(bits)
        shifts = np.arange(each - 1, -1, -1, dtype=np.int64) * DIGIT_BITS
        digits = values[..., ::-1, None] >> shifts & ((1 << DIGIT_BITS) - 1)
        groups, outputs, inputs = values.shape[:3]
        flat = digits.reshape(groups, outputs, inputs, parts * each).transpose(0, 1, 3, 2)
        gap = spacing - DIGIT_BITS * (each - 1)
        steps = [0 if i == 0 else gap if i % each == 0 else DIGIT_BITS for i in range(parts * each)]
        return cls(np.ascontiguousarray(flat, dtype=np.uint8), np.array([*steps, 0], dtype=np.int32))

    @classmethod
    def matrix(cls, values: npt.NDArray[Any]) -> Multipliers:
        """One group: non-negative Python or numpy integers of any size, shape (inputs, outputs)."""
        flat = values.ravel().tolist()
        if min(flat, default=0) < 0:
            raise _too_wide(0)
        count = -(-max(max(flat, default=0).bit_length(), 1) // DIGIT_BITS)
        octets = -(-count // 2)
        raw = b"".join(int(v).to_bytes(octets, "little") for v in flat)
        pairs = np.frombuffer(raw, dtype=np.uint8).reshape(*values.shape, octets)
        nibbles = np.stack([pairs & 15, pairs >> 4], axis=3).reshape(*values.shape, 2 * octets)[:, :, count - 1 :: -1]
        digits = np.ascontiguousarray(nibbles.transpose(1, 2, 0))[None]
        return cls(digits, np.array([0, *[DIGIT_BITS] * (count - 1), 0], dtype=np.int32))

    def repeated(self, times: int) -> Multipliers:
        """The same multipliers for ``times`` as many groups, one round of groups after another."""
        return Multipliers(np.tile(self.digits, (times, 1, 1, 1)), self.steps)

    def split(self, parts: int) -> Multipliers:
        """Of a single output: each group as ``parts`` groups of neighbouring inputs, whose sums are to be added."""
        groups, outputs, positions, inputs = self.digits.shape
        if outputs != 1 or inputs % parts:
            raise _too_wide(0)
        cut = self.digits.reshape(groups, positions, parts, inputs // parts).transpose(0, 2, 1, 3)
        return Multipliers(
            np.ascontiguousarray(cut).reshape(groups * parts, 1, positions, inputs // parts), self.steps
        )


def _too_wide(bits: int) -> LocalProtocolError:
    return LocalProtocolError(
        "MULTIPLIER_RANGE",
        Text(f"a multiplier is negative or does not fit its {bits} bits", f"乘数为负，或超出其 {bits} 位的宽度"),
        cure=Text("this is a fault of the calling code: report it", "调用代码有误，请报告"),
    )
