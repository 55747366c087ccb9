"""The constants of one modulus as the kernel reads them, and integers as its limbs.

All big-integer set-up happens here, once per key, in plain Python; the kernel only multiplies.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vfl._native import Path, kernel

__all__ = ["Ring", "Words"]

Words = npt.NDArray[np.uint64]

_SLACK_BITS = 8


class Ring:
    """Arithmetic mod ``modulus``² in base-``modulus`` form on one path of the kernel.

    Attributes
    ----------
    limbs : int
        k, limbs of the modulus with its slack; an element has ``2 * limbs`` words, a residue ``limbs``.
    radix : int
        R = 2^(limb bits * k), the Montgomery factor.
    record : uint64 array
        What the kernel's functions take as ``ring``. As secret as the modulus.
    """

    def __init__(self, path: Path, modulus: int, *, min_limbs: int = 0) -> None:
        if modulus < 3 or modulus % 2 == 0:
            raise ValueError("the modulus must be odd and above 2")
        needed = max(-(-(modulus.bit_length() + _SLACK_BITS) // path.limb_bits), min_limbs, path.limbs_min)
        self.limbs = -(-needed // path.limbs_multiple) * path.limbs_multiple
        if self.limbs > path.limbs_max:
            raise ValueError("keys above 4,096 bits are not supported")
        self.modulus = modulus
        self.slack_bits = path.limb_bits * self.limbs - modulus.bit_length()
        self.words = 2 * self.limbs
        self.limb_bits = path.limb_bits
        self.radix = 1 << (self.limb_bits * self.limbs)
        lift = self.digits(modulus * -(-self.radix // modulus), self.limbs + 1)
        if path.lift_redundant:
            # Each digit lends 1 to the one below, which takes 2^52: no digit of m can then exceed it.
            lift += np.uint64((1 << self.limb_bits) - 1)
            lift[0] += np.uint64(1)
            lift[-1] -= np.uint64(1 << self.limb_bits)
        header = [path.number, self.limbs, -pow(modulus, -1, 1 << self.limb_bits) % (1 << self.limb_bits)]
        self.record = np.concatenate([
            np.array(header, dtype=np.uint64),
            self.digits(modulus, self.limbs),
            lift,
            *(self.element(self.radix**power) for power in range(3)),
        ])

    def __repr__(self) -> str:
        return f"<Ring {self.modulus.bit_length()} bits>"

    def digits(self, value: int, count: int) -> Words:
        """``value`` as it stands, in ``count`` limbs."""
        mask = (1 << self.limb_bits) - 1
        return np.array([value >> (self.limb_bits * i) & mask for i in range(count)], dtype=np.uint64)

    def residue(self, value: int) -> Words:
        """``value`` mod the modulus as it stands, ``limbs`` words."""
        return self.digits(value % self.modulus, self.limbs)

    def element(self, value: int) -> Words:
        """``value`` mod the modulus squared, in Montgomery form, ``words`` words."""
        high, low = divmod(value * self.radix % self.modulus**2, self.modulus)
        return np.concatenate([self.digits(low, self.limbs), self.digits(high, self.limbs)])

    def integers(self, a: Words) -> list[int]:
        """Elements to integers mod the modulus squared."""
        width = -(-2 * self.modulus.bit_length() // 8)
        raw = bytearray(len(a) * width)
        kernel.dump(self.record, raw, a)
        return [int.from_bytes(raw[i : i + width], "little") for i in range(0, len(raw), width)]

    def inverses(self, values: list[int]) -> list[int]:
        """Inverses mod the modulus squared: one inversion, three products each. ValueError for a non-unit."""
        square, before, product = self.modulus**2, [], 1
        for value in values:
            before.append(product)
            product = product * value % square
        inverse = pow(product, -1, square)
        out = [0] * len(values)
        for i in range(len(values) - 1, -1, -1):
            out[i] = inverse * before[i] % square
            inverse = inverse * values[i] % square
        return out

    def integer(self, residue: Words) -> int:
        """A residue's limbs, as they stand, to an integer."""
        return sum(int(limb) << (self.limb_bits * i) for i, limb in enumerate(residue))
