"""Masks: what a reply under a peer's key must hide, and additive shares.

Reply rule. The key holder chooses the plaintexts it sends, so a crafted input (one magic number per row) would
read single rows out of sums unless every plaintext bit it is not meant to read is masked before the reply is
re-randomised by ``seal``. Three makers, by what the reply may show; W is the window, B the bound on the true
value's magnitude, n the modulus:

========================  ==============================  ======================================
maker                     the peer reads                  the masker keeps
========================  ==============================  ======================================
:func:`mask_window`       the low W bits of the value     nothing
:func:`mask_slots`        one share of each packed value  the other share of each
:func:`mask`              one share of each value, plain  the other share of each
========================  ==============================  ======================================

:func:`mask_slots` with one slot per plaintext is the full-width mask of an unpacked value.
"""

from __future__ import annotations

from vfl.crypto import limbs
from vfl.crypto.keys import PublicKey
from vfl.crypto.paillier import AdditiveHE, Ciphertexts
from vfl.crypto.randomness import RandomStream
from vfl.errors import PlaintextOverflow, Text

__all__ = ["MASK_BITS", "mask_window"]

MASK_BITS = 40
"""Least number of bits by which a statistical mask exceeds what it hides."""

_MAKER = object()


def mask_window(he: AdditiveHE, packed: Ciphertexts, *, window_bits: int, stream: RandomStream) -> Ciphertexts:
    """``packed`` plus a random multiple of 2^W each, so that its low W = ``window_bits`` bits remain readable.

    Security: let y = (T + r 2^W) mod n with r uniform on [1, R), R = floor(n / 2^W) >= 2^40.

    * Honest T, |T| < 2^(W-1): y = T + r 2^W exactly, with no wrap, since 2^(W-1) < y < n. The low W bits are T in
      two's complement and the rest is r, less one if T is negative: within 1 / R of independent of T.
    * Crafted T, any residue T = T1 2^W + T0: without a wrap the low bits are T0 and the rest is uniform; with a
      wrap (r + T1 >= R, up to rounding) the low bits are T0 - n mod 2^W. The high part is uniform in both cases
      together, so besides the window the peer learns only *whether* it wrapped, which compares T1 with a fresh
      uniform threshold: at most one bit per reply ciphertext beyond the W declared. (Z_n has no homomorphism onto
      Z_2^W, so no mask can do without that bit.) Budgets count W + 1 bits.

    Raises PlaintextOverflow ``MASK_ROOM`` if fewer than 40 bits are left above the window.
    """
    reach = he.public.n >> window_bits
    if reach < 1 << MASK_BITS:
        raise _no_room(he.public, window_bits)
    multiples = ((r + 1) << window_bits for r in stream.below(reach - 1, len(packed)))
    return he.add_plain(packed, limbs.from_ints(multiples, he.public.limbs))


def _no_room(public: PublicKey, used: int) -> PlaintextOverflow:
    return PlaintextOverflow(
        "MASK_ROOM",
        Text(
            f"{used} bits of a {public.bits}-bit plaintext leave no room for a mask of {MASK_BITS} bits",
            f"{public.bits} 位明文已用 {used} 位，不足以容纳 {MASK_BITS} 位的掩码",
        ),
        cure=Text("pack fewer slots per ciphertext, or use a longer key", "请减少每个密文的槽数，或使用更长的密钥"),
    )
