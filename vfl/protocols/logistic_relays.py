"""Masked rows on their way to a provider (:mod:`vfl.protocols.logistic_provider`): one mask under two keys.

What one party knows only as a ciphertext under another's key must not reach a third as it is: the third could
recognise it, and with the key's holder read it. So every value gets a mask that exceeds it by 40 bits, over the
integers, and the ciphertext a fresh r^n; the mask travels beside it under the other key. Only the difference of the
two means anything, and sums of differences are differences of sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.crypto.keys import PublicKey
from vfl.crypto.paillier import AdditiveHE, Ciphertexts, SealedCiphertexts
from vfl.crypto.randomness import JobSeed
from vfl.crypto.shares import Ring, SlotPlan
from vfl.protocols.logistic_code import LogisticCode
from vfl.protocols.logistic_design import OwnDesign

__all__ = [
    "Masks",
    "packed_columns",
    "relay_chunks",
    "relay_plain",
    "relay_products",
    "relay_working",
    "stretched_columns",
]


@dataclass(frozen=True, slots=True)
class Masks:
    """The masks of one chunk of relayed values.

    Parameters
    ----------
    seed : JobSeed
    context : tuple
        Names the round, its place and what came before: no randomness serves two of them.
    bits : int
        Of each mask: 40 more than of the value under it.
    slots, slot_bits : int
        Values in a ciphertext, and their distance.
    """

    seed: JobSeed
    context: tuple[str | int | bytes, ...]
    bits: int
    slots: int = 1
    slot_bits: int = 0

    def drawn(self, count: int, public: PublicKey) -> Limbs:
        """The same masks at every call, as plaintexts of ``count`` ciphertexts."""
        each = self.seed.stream("logistic-relay", *self.context).bits(count * self.slots, self.bits)
        out = np.zeros((count, public.limbs), dtype=np.uint64)
        for slot in range(self.slots):
            limbs.place(out, slot * self.slot_bits, each[slot :: self.slots])
        return out

    def seals(self, public: PublicKey) -> tuple[str | int | bytes, ...]:
        return ("logistic-relay-seal", *self.context, public.key_id)


def relay_working(he: AdditiveHE, values: Ciphertexts, masks: Masks) -> SealedCiphertexts:
    """Working ciphertexts under another's key, masked and re-randomised."""
    masked = he.add_plain(values, masks.drawn(len(values), he.public))
    return he.seal(masked, masks.seed.stream(*masks.seals(he.public)))


def relay_plain(he: AdditiveHE, values: list[int], masks: Masks) -> SealedCiphertexts:
    """Own plain values (or zeros) under the same masks, freshly encrypted."""
    drawn = limbs.to_ints(masks.drawn(len(values), he.public))
    plain = limbs.from_ints(
        [(v + m) % he.public.n for v, m in zip(values, drawn, strict=True)], he.public.limbs
    )
    return he.encrypt_sealed(plain, masks.seed.stream(*masks.seals(he.public)))


def relay_chunks(code: LogisticCode, rows: int, per_row: int = 1) -> Iterator[slice]:
    """Rows of each message of two vectors of ``per_row`` ciphertexts a row."""
    step = max(1, code.chunk // (2 * per_row))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


# --- slopes times columns ---------------------------------------------------------------------------------------


def packed_columns(columns: Ring, plan: SlotPlan) -> Ring:
    """(rows, groups) signed integers that hold the columns of each row, shape (rows, columns), slot by slot."""
    parts = []
    for first in range(0, columns.shape[1], plan.per):
        block = columns[:, first : first + plan.per]
        parts.append(sum(block[:, j] * (1 << (j * plan.slot_bits)) for j in range(block.shape[1])))
    out: Ring = np.stack(parts, axis=1)
    return out


def stretched_columns(design: OwnDesign, plan: SlotPlan, rows: int) -> Ring:
    """The own columns as a relaying owner codes them: stretched, so that the provider's are not."""
    return packed_columns(design.curve_rows(rows, stretched=True).astype(object), plan)


def relay_products(
    he: AdditiveHE, slopes: Ciphertexts | None, packed: Ring, rows: slice, masks: Masks
) -> SealedCiphertexts:
    """[[slope]] of each of the ``rows`` times its packed columns, row by row, masked; of no slopes, the masks alone."""
    some = packed[rows]
    if slopes is None:
        return relay_plain(he, [0] * some.size, masks)
    flat: list[int] = some.ravel().tolist()
    words = -(-max(abs(v) for v in flat).bit_length() // 64) or 1
    repeated = he.take(slopes, np.repeat(np.arange(rows.start, rows.stop, dtype=np.int64), some.shape[1]))
    negative: npt.NDArray[np.bool_] = np.array([v < 0 for v in flat], dtype=np.bool_)
    products = he.mul_plain(repeated, limbs.from_ints([abs(v) for v in flat], words), negative)
    return relay_working(he, products, masks)
