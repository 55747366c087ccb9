"""How gradients travel in boosted trees: fixed-point slots of one row, and rows per ciphertext.

Both sides derive the same layout from the contract, so neither has to tell the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from vfl.config.job import TreeSpec
from vfl.crypto.encoding import FixedPoint
from vfl.crypto.masking import MASK_BITS
from vfl.crypto.packing import SlotLayout
from vfl.crypto.paillier import PublicKey

__all__ = [
    "REPLY_CIPHERTEXTS",
    "GradientCode",
    "ciphertexts_per_message",
    "gradient_code",
    "gradient_code_bits",
    "padded_bins",
]

_CHUNK_BYTES = 1 << 19
"""Half of the message limit: small enough that adding starts while most rows are still being encrypted."""

REPLY_CIPHERTEXTS = 32
"""Ciphertexts per message of sums: the bank decrypts one message while the next is packed and sealed."""


@dataclass(frozen=True, slots=True)
class GradientCode:
    """Fixed-point form of (gradient, hessian) of one row, and how many fit where."""

    gradient: FixedPoint
    hessian: FixedPoint
    slots: SlotLayout
    per_ciphertext: int
    """Sums that one reply ciphertext carries under its window mask."""
    chunk: int
    """Ciphertexts per message."""


def gradient_code(spec: TreeSpec, rows: int, key: PublicKey) -> GradientCode:
    """Layout for ``rows`` training rows.

    The log loss has |g| <= w and 0 <= h <= w / 4 with w the larger class weight, so no sum can overflow its slot:
    overflow is excluded here, before anything is encrypted (PlaintextOverflow).
    """
    gradient, hessian, slots = _slots(spec, rows)
    return GradientCode(gradient, hessian, slots, slots.capacity(key), ciphertexts_per_message(key.key_bytes))


def gradient_code_bits(spec: TreeSpec, rows: int, key_bits: int) -> tuple[int, int, int]:
    """(bits of one sum, sums per ciphertext, ciphertexts per message) for a key not made yet."""
    width = _slots(spec, rows)[2].width
    return width, max(1, (key_bits - 1 - MASK_BITS) // width), ciphertexts_per_message(key_bits // 8)


def padded_bins(bins: int) -> int:
    """The least power of two, from 2 on, that holds ``bins``: what the bank learns of a feature's bin count."""
    return 1 << max(1, (bins - 1).bit_length())


def _slots(spec: TreeSpec, rows: int) -> tuple[FixedPoint, FixedPoint, SlotLayout]:
    weight = max(1.0, spec.scale_pos_weight)
    gradient = FixedPoint(max_abs=weight, fraction_bits=spec.gradient_bits, max_rows=rows)
    hessian = FixedPoint(max_abs=weight / 4, fraction_bits=spec.gradient_bits, max_rows=rows)
    return gradient, hessian, SlotLayout(("g", "h"), (gradient.width, hessian.width))


def ciphertexts_per_message(key_bytes: int) -> int:
    """How many ciphertexts a message of bulk holds: half of the limit."""
    return max(1, _CHUNK_BYTES // (2 * key_bytes))
