"""Masks: what a reply under a peer's key must hide, and additive shares.

Reply rule. The key holder chooses the plaintexts it sends, so a crafted input (one magic number per row) would
read single rows out of sums unless every plaintext bit it is not meant to read is masked, before ``seal``
re-randomises the reply. T is the true plaintext, y = T + r mod n what the key holder decrypts.

====================  =====================================  ==========================================
maker                 the key holder reads                   the masker keeps
====================  =====================================  ==========================================
:func:`mask_window`   the low W bits of T                    nothing
:func:`mask_slots`    y: one share of each packed value      r: with y_j - r_j = T_j in every slot
:func:`mask_all`      y: one share of a value or a product   r: with y - r = T over the integers
:func:`mask`          (in clear) a share mod 2^k             the other share mod 2^k
====================  =====================================  ==========================================

Shares of single slots are read from y and r alike with :func:`slot_shares`.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import NoReturn, final

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.crypto.keys import PublicKey
from vfl.crypto.paillier import AdditiveHE, Ciphertexts
from vfl.crypto.randomness import RandomStream
from vfl.errors import LocalProtocolError, PlaintextOverflow, RemoteProtocolError, Text

__all__ = ["MASK_BITS", "MaskedVector", "mask", "mask_all", "mask_slots", "mask_window", "slot_shares"]

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


def mask_all(
    he: AdditiveHE, c: Ciphertexts, *, value_bits: int, stream: RandomStream
) -> tuple[Ciphertexts, Limbs]:
    """``c`` plus r uniform on [2^v, n - 2^v), v = ``value_bits``; returns the sums and r, shape (len(c), limbs).

    For |T| < 2^v, y = T + r holds over the integers, without a wrap, so any bit range of y and r are shares of
    that range of T up to a carry of one (the middle coefficient of a product of packed polynomials, say).

    Security: r is within 2^(v+1) / n <= 2^-40 of uniform on Z_n, so y is too, whatever T is: a crafted input reads
    nothing. Raises PlaintextOverflow ``MASK_ROOM`` if v + 42 exceeds the key.
    """
    public = he.public
    if value_bits + MASK_BITS + 2 > public.bits:
        raise _no_room(public, value_bits)
    bound = 1 << value_bits
    r = limbs.from_ints((value + bound for value in stream.below(public.n - 2 * bound, len(c))), public.limbs)
    return he.add_plain(c, r), r


def mask_slots(
    he: AdditiveHE, packed: Ciphertexts, *, slots: int, slot_bits: int, value_bits: int, stream: RandomStream
) -> tuple[Ciphertexts, Limbs]:
    """Packed values plus a mask of every slot and of all bits above; returns the sums and r, (len, limbs).

    For values |T_j| < 2^v, v = ``value_bits``, each y_j = T_j + r_j holds without wrap or carry, so each party
    may also shift its share right: the sum is then off by at most one unit.

    Security: r_j is within 2^(v + 1 - slot_bits) <= 2^-40 of uniform on [0, 2^slot_bits) and the bits above are
    uniform, so r is within (slots + 1) 2^-40 of uniform on Z_n: a crafted input reads nothing. Raises
    PlaintextOverflow ``MASK_ROOM`` if v + 41 > slot_bits, or fewer than 40 bits are left above the slots.
    """
    public = he.public
    reach = public.n >> (slots * slot_bits)
    if value_bits + 1 + MASK_BITS > slot_bits or reach < 1 << MASK_BITS:
        raise _no_room(public, slots * max(slot_bits, value_bits + 1 + MASK_BITS))
    count, bound = len(packed), 1 << value_bits
    each = stream.bits(count * slots, slot_bits)
    # The edges of the range, where T_j could carry, have probability below 2^-40: they move to its middle.
    edge = ~limbs.at_least(each, bound) | limbs.at_least(each, (1 << slot_bits) - bound)
    word, bit = divmod(slot_bits - 1, 64)
    each[edge, word] ^= np.uint64(1 << bit)
    above = (value << (slots * slot_bits) for value in stream.below(reach, count))
    r = limbs.from_ints(above, public.limbs)
    for slot in range(slots):
        limbs.place(r, slot * slot_bits, each[slot::slots])
    return he.add_plain(packed, r), r


def slot_shares(numbers: Limbs, *, slots: int, slot_bits: int, shift: int = 0) -> npt.NDArray[np.uint64]:
    """The slots of ``numbers`` (y at the key holder, r at the masker), shifted right by ``shift``, mod 2^64.

    Shape (len(numbers), slots). The masker's additive share is the negative of what it reads here.
    """
    columns = [
        limbs.extract(numbers, slot * slot_bits + shift, min(slot_bits - shift, 64))[:, 0] for slot in range(slots)
    ]
    return np.stack(columns, axis=1)


@final
@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MaskedVector:
    """Numbers mod 2^bits under a uniform one-time mask: made by :func:`mask` only, so fit to leave."""

    values: npt.NDArray[np.uint64]
    bits: int
    maker: InitVar[object]

    def __post_init__(self, maker: object) -> None:
        if maker is not _MAKER:
            raise TypeError("a MaskedVector is made by mask() only")

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"<MaskedVector n={len(self)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a MaskedVector does not pickle: it travels through the codec")

    def to_bytes(self) -> bytes:
        """Little-endian, ceil(bits / 8) bytes each."""
        octets = np.ascontiguousarray(self.values, dtype="<u8").view(np.uint8).reshape(-1, 8)
        return octets[:, : -(-self.bits // 8)].tobytes()

    @classmethod
    def received(cls, data: bytes, count: int, bits: int) -> MaskedVector:
        """What the wire brought; RemoteProtocolError ``SHARES_MALFORMED`` if length or range is wrong."""
        size = -(-bits // 8)
        if not 1 <= bits <= 64 or count < 0 or len(data) != count * size:
            raise _malformed()
        octets = np.zeros((count, 8), dtype=np.uint8)
        octets[:, :size] = np.frombuffer(data, dtype=np.uint8).reshape(count, size)
        values = octets.view("<u8")[:, 0].astype(np.uint64)
        if (values > _largest(bits)).any():
            raise _malformed()
        return cls(values, bits, _MAKER)


def mask(
    values: npt.NDArray[np.uint64], *, bits: int, stream: RandomStream
) -> tuple[MaskedVector, npt.NDArray[np.uint64]]:
    """Split numbers mod 2^bits (1 to 64 bits), shape (n,): a sendable share and the one to keep.

    Security: the sent share is values + r mod 2^bits with r uniform, independent of the values. The kept share is
    -r, so the two add up to the values mod 2^bits.
    """
    if values.ndim != 1 or values.dtype != np.uint64 or not 1 <= bits <= 64:
        raise LocalProtocolError(
            "MASK_MISUSED",
            Text("shares are uint64 vectors of 1 to 64 bits", "份额须为 1 至 64 位的 uint64 向量"),
            cure=Text("this is a fault of the calling code: report it", "调用代码有误，请报告"),
        )
    r = stream.bits(len(values), bits)[:, 0]
    largest = _largest(bits)
    return MaskedVector((values + r) & largest, bits, _MAKER), (np.uint64(0) - r) & largest


def _largest(bits: int) -> np.uint64:
    return np.uint64((1 << bits) - 1)


def _malformed() -> RemoteProtocolError:
    return RemoteProtocolError(
        "SHARES_MALFORMED",
        Text("masked shares from the peer have the wrong length or range", "对方发来的掩码份额长度或范围不符"),
        cure=Text("check that both nodes run the same version", "请核对双方节点的版本是否一致"),
    )


def _no_room(public: PublicKey, used: int) -> PlaintextOverflow:
    return PlaintextOverflow(
        "MASK_ROOM",
        Text(
            f"{used} bits of a {public.bits}-bit plaintext leave no room for a mask of {MASK_BITS} bits",
            f"{public.bits} 位明文已用 {used} 位，不足以容纳 {MASK_BITS} 位的掩码",
        ),
        cure=Text("pack fewer slots per ciphertext, or use a longer key", "请减少每个密文的槽数，或使用更长的密钥"),
    )
