"""Additive shares of two parties, and linear algebra between one party's plain numbers and the other's ciphertexts.

Three rings, each for what it is good for:

* Z_2^64, *angles*: 2^64 is one full turn, so wrapping round is the period of sine and cosine.
* Z_2^S, S the width of a slot: what one slot of a masked ciphertext gives its two readers.
* Z_2^128, *fixed point* with 32 fractional bits: weights, gradients, curvatures. A value keeps 2^86 in magnitude
  before truncation, so a local truncation of both shares is wrong by more than one unit with probability 2^-41 at
  most (after Mohassel and Zhang, SecureML, 2017, theorem 1).

Shares are uniform in their ring: each party's alone is independent of the value. Ring elements mod 2^128 are numpy
arrays of Python integers (``dtype=object``): matrices here have at most a few thousand entries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.crypto.keys import PublicKey
from vfl.crypto.masking import MASK_BITS, mask_slots
from vfl.crypto.multipliers import Multipliers
from vfl.crypto.paillier import AdditiveHE, Ciphertexts, SealedCiphertexts
from vfl.crypto.randomness import RandomStream
from vfl.errors import PlaintextOverflow, RemoteProtocolError, Text

__all__ = [
    "FRACTION",
    "RING",
    "Ring",
    "SharedMatrix",
    "SlotPlan",
    "angle_product",
    "linear_map",
    "modular",
    "product_plan",
    "ring_bytes",
    "ring_from_bytes",
    "signed",
    "signed_plaintexts",
    "to_fixed",
    "to_floats",
    "truncate",
    "twos_complement",
]

RING = 128
"""Bits of a ring element of the fixed-point ring."""
FRACTION = 32
"""Fractional bits of fixed-point values in it."""

Ring = npt.NDArray[Any]
"""Python integers in [0, 2^128), any shape."""

_MODULUS = 1 << RING


def to_fixed(values: npt.NDArray[np.float64], fraction: int = FRACTION) -> Ring:
    """rint(v 2^fraction) mod 2^128. The double's 53 bits are kept exactly."""
    flat = [_scaled(v, fraction) % _MODULUS for v in values.ravel().tolist()]
    return _objects(flat, values.shape)


def _scaled(value: float, fraction: int) -> int:
    numerator, denominator = value.as_integer_ratio()
    return ((numerator << (fraction + 1)) + denominator) // (2 * denominator)


def signed(ring: Ring) -> Ring:
    """Representatives in [−2^127, 2^127)."""
    return _objects([v - _MODULUS if v >> (RING - 1) else v for v in ring.ravel().tolist()], ring.shape)


def to_floats(ring: Ring, fraction: int = FRACTION) -> npt.NDArray[np.float64]:
    """Values of *opened* ring elements, rounded once."""
    return np.array([v / (1 << fraction) for v in signed(ring).ravel().tolist()], dtype=np.float64).reshape(ring.shape)


def truncate(share: Ring, bits: int) -> Ring:
    """This party's share of value / 2^bits, where both parties call it: off by at most one unit.

    Read as signed numbers, the two shares add up to the value over the integers, unless one lies within |value| of
    ±2^127: then the result is wrong, with probability |value| / 2^127 for uniform shares, never for a share of zero.
    """
    return (signed(share) >> bits) % _MODULUS


def _objects(flat: list[int], shape: tuple[int, ...]) -> Ring:
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    return out.reshape(shape)


def ring_bytes(ring: Ring) -> npt.NDArray[np.uint8]:
    """Plain bytes of a ring array for role state, 16 per element."""
    raw = b"".join(v.to_bytes(RING // 8, "little") for v in ring.ravel().tolist())
    return np.frombuffer(raw, dtype=np.uint8).reshape(*ring.shape, RING // 8)


def ring_from_bytes(raw: npt.NDArray[np.uint8]) -> Ring:
    """The inverse of :func:`ring_bytes`."""
    flat = [int.from_bytes(row.tobytes(), "little") for row in raw.reshape(-1, RING // 8)]
    return _objects(flat, raw.shape[:-1])


def angle_product(design: npt.NDArray[np.int64], weights: Ring, shift: int) -> npt.NDArray[np.uint64]:
    """(design @ weights) 2^shift mod 2^64, exact; ``design`` (rows, columns), ``weights`` (columns,) ring elements."""
    low = np.array([w % (1 << 64) for w in weights.tolist()], dtype=np.uint64)
    out = np.zeros(len(design), dtype=np.uint64)
    for column in range(design.shape[1]):
        out += design[:, column].astype(np.uint64) * low[column]
    return out << np.uint64(shift)


# --- several signed digits in one integer ---------------------------------------------------------------------


def signed_plaintexts(values: npt.NDArray[np.int64], width: int, public: PublicKey) -> Limbs:
    """∑_m values[:, m] 2^(width m) mod n; |values| < 2^(width−2), width <= 64.

    Signed digits have mean zero where their values do, so nothing systematic carries from one slot to the next.
    """
    return modular(twos_complement(values, width, public.limbs, room=width), public)


def twos_complement(
    values: npt.NDArray[np.int64], spacing: int, words: int, *, start: int = 0, room: int = 64
) -> Limbs:
    """∑_m values[:, m] 2^(start + spacing m) mod 2^(64 words); |values| < 2^(room − 2), room <= 64 and <= spacing."""
    half = 1 << (room - 2)
    if values.size and int(np.abs(values).max()) >= half:
        raise PlaintextOverflow(
            "DIGIT_WIDTH",
            Text(f"a digit does not fit a slot of {room} bits", f"有数值超出 {room} 位的槽"),
            cure=Text("use wider slots or fewer fractional bits", "请加宽槽位或减少小数位数"),
        )
    out = np.zeros((len(values), words), dtype=np.uint64)
    for m in range(values.shape[1]):
        limbs.place(out, start + m * spacing, (values[:, m] + half).astype(np.uint64)[:, None])
    raised = sum(half << (start + m * spacing) for m in range(values.shape[1]))
    return limbs.add(out, limbs.from_ints([-raised % (1 << (64 * words))], words))


def modular(numbers: Limbs, public: PublicKey) -> Limbs:
    """Two's complement as residues mod n."""
    negative = (numbers[:, -1] >> np.uint64(63)).astype(np.bool_)
    out = numbers.copy()
    out[negative] = limbs.add(out[negative], limbs.from_ints([public.n], public.limbs))
    return out


# --- masked slots ---------------------------------------------------------------------------------------------


class SlotPlan:
    """How values of at most ``value_bits`` bits (signed) lie in ciphertexts that will be masked slot by slot.

    ``slot_bits`` leaves 41 bits above a value, so the mask of :func:`~vfl.crypto.masking.mask_slots` is within
    2^-40 of uniform whatever the value.
    """

    __slots__ = ("per", "slot_bits", "value_bits")

    def __init__(self, value_bits: int, public: PublicKey) -> None:
        self.value_bits = value_bits
        self.slot_bits = value_bits + 1 + MASK_BITS
        self.per = (public.bits - 1 - MASK_BITS) // self.slot_bits
        if self.per < 1:
            raise PlaintextOverflow(
                "SLOT_PLAN",
                Text(f"a value of {value_bits} bits under a mask does not fit a key of {public.bits} bits",
                     f"{value_bits} 位的数值加上掩码后，超出 {public.bits} 位密钥的容量"),
                cure=Text("use a longer key", "请使用更长的密钥"),
            )

    def groups(self, count: int) -> int:
        """Ciphertexts that hold ``count`` values."""
        return -(-count // self.per)

    def plaintexts(self, values: Ring, public: PublicKey) -> Limbs:
        """Non-negative integers, shape (rows, count), packed row by row: (rows * groups(count), limbs)."""
        count = values.shape[1]
        out = []
        for row in values.tolist():
            for start in range(0, count, self.per):
                part = row[start : start + self.per]
                out.append(sum(int(v) << (j * self.slot_bits) for j, v in enumerate(part)))
        return limbs.from_ints(out, public.limbs)

    def mask(self, he: AdditiveHE, packed: Ciphertexts, masks: RandomStream) -> tuple[Ciphertexts, Limbs]:
        """Packed values under full masks, and the masks."""
        return mask_slots(
            he, packed, slots=self.per, slot_bits=self.slot_bits, value_bits=self.value_bits, stream=masks
        )

    def read(self, plain: Limbs, rows: int, count: int) -> Ring:
        """The slots mod 2^128, shape (rows, count), of what :meth:`mask` masked (or of its masks)."""
        groups = self.groups(count)
        if len(plain) != rows * groups:
            raise _miscounted(rows * groups, len(plain))
        width = min(RING, self.slot_bits)
        out = np.empty((rows, groups * self.per), dtype=object)
        for slot in range(self.per):
            part = limbs.to_ints(limbs.extract(plain, slot * self.slot_bits, width))
            out[:, slot :: self.per] = _objects(part, (rows, groups))
        return out[:, :count]


def _miscounted(expected: int, got: int) -> RemoteProtocolError:
    return RemoteProtocolError(
        "REPLY_COUNT",
        Text(f"{got} ciphertexts came where {expected} belong", f"应收到 {expected} 个密文，实收 {got} 个"),
        cure=Text("check that both nodes run the same version", "请核对双方节点的版本是否一致"),
    )


# --- matrices -------------------------------------------------------------------------------------------------


def linear_map(he: AdditiveHE, c: Ciphertexts, matrix: Ring | npt.NDArray[np.int64]) -> Ciphertexts:
    """[[x]] ↦ [[x · matrix]]: ``len(c)`` ciphertexts to ``matrix.shape[1]``; ``matrix`` holds integers.

    One multi-exponentiation (:mod:`vfl.crypto.multipliers`). Where entries are negative, all are raised by a power of
    two, which is then taken off every output at once.
    """
    inputs, outputs = matrix.shape
    if inputs != len(c):
        raise _miscounted(inputs, len(c))
    flat = matrix.ravel().tolist()
    if min(flat, default=0) >= 0:
        return he.weighted_sums(c, Multipliers.matrix(matrix))
    bits = max(abs(v) for v in flat).bit_length()
    out = he.weighted_sums(c, Multipliers.matrix(matrix.astype(object) + (1 << bits)))
    excess = he.mul_plain(he.neg(he.sum(c)), limbs.from_ints([1 << bits], -(-(bits + 1) // 64)))
    return he.add(out, he.take(excess, np.zeros(outputs, dtype=np.int64)))


class SharedMatrix:
    """One party's share of a matrix, column by column under its key, at the other party.

    ``sealed`` holds ``plan.plaintexts(matrix.T, …)`` of the sender, encrypted.
    """

    __slots__ = ("_groups", "_he", "_opened", "_plan")

    def __init__(
        self, he: AdditiveHE, sealed: list[SealedCiphertexts], plan: SlotPlan, rows: int, columns: int
    ) -> None:
        opened = he.concat([he.open(part) for part in sealed])
        self._groups = plan.groups(rows)
        if len(opened) != self._groups * columns:
            raise _miscounted(self._groups * columns, len(opened))
        self._he, self._plan = he, plan
        # Group by group of rows; in each the columns, which a product adds up.
        order = np.arange(len(opened), dtype=np.int64).reshape(columns, self._groups).T.ravel()
        self._opened = he.take(opened, order)

    def times(self, right: Ring) -> Ciphertexts:
        """[[L]] · right, shape (columns, m): packed along the rows of L, output by output."""
        he, groups, outputs = self._he, self._groups, right.shape[1]
        if outputs == 1:
            return self._times_vector(right)
        digits = Multipliers.matrix(right)
        sums = he.weighted_sums(self._opened, digits.repeated(groups))
        return he.take(sums, np.arange(groups * outputs, dtype=np.int64).reshape(groups, outputs).T.ravel())

    def _times_vector(self, right: Ring) -> Ciphertexts:
        """A single output leaves lanes idle: each half of the columns is summed as a group of its own."""
        he, groups, columns = self._he, self._groups, len(right)
        padded = np.concatenate([right, np.zeros((columns % 2, 1), dtype=object)])
        place = np.minimum(np.arange(len(padded), dtype=np.int64), columns - 1)
        index = np.arange(groups, dtype=np.int64)[:, None] * columns + place
        halves = Multipliers.matrix(padded).split(2).repeated(groups)
        sums = he.weighted_sums(he.take(self._opened, index.ravel()), halves)
        first = 2 * np.arange(groups, dtype=np.int64)
        return he.add(he.take(sums, first), he.take(sums, first + 1))


def product_plan(public: PublicKey, inner: int) -> SlotPlan:
    """Slots for sums of ``inner`` products of two ring elements."""
    return SlotPlan(2 * RING + inner.bit_length(), public)
