"""The carriers: the only values that a message field can hold, each with one maker.

A working value (``Ciphertexts``, an array, a ``Private``) and its sendable form have different types, and the
constructors here are closed: a carrier exists only because its maker did what makes the value fit to leave.

==================== ============================== ===========================================
carrier              maker                          what the maker did
==================== ============================== ===========================================
SealedCiphertexts    ``AdditiveHE.seal``            re-randomised with a fresh full-size r^n
WindowedCiphertexts  :func:`window`                 masked all bits but the declared slots, sealed
MaskedCiphertexts    :func:`share_all`,             masked every plaintext bit and kept the mask, sealed
                     :func:`share_slots`
BlindedPoints        :func:`blind`                  took points under a secret scalar
PseudorandomWords    :func:`store_words`            took an oblivious store, uniform but to its keys' holder
Aggregate            :func:`aggregate`              checked the cohort floor
Public               :func:`public`                 nothing: known to all by contract
Disclosed            :func:`disclose`               asked for a reason
==================== ============================== ===========================================

``received`` makes the receiver's side and belongs to the codec alone.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import Any, Generic, NoReturn, TypeVar, final

import numpy as np
import numpy.typing as npt

from vfl.crypto.backends.base import Limbs
from vfl.crypto.masking import mask_all, mask_window
from vfl.crypto.paillier import AdditiveHE, Ciphertexts, SealedCiphertexts
from vfl.crypto.randomness import RandomStream
from vfl.crypto.shares import SlotPlan
from vfl.errors import CohortTooSmall, Text

__all__ = [
    "Aggregate",
    "BlindedPoints",
    "Disclosed",
    "MaskedCiphertexts",
    "PseudorandomWords",
    "Public",
    "SealedCiphertexts",
    "WindowedCiphertexts",
    "aggregate",
    "blind",
    "disclose",
    "public",
    "share_all",
    "share_slots",
    "store_words",
    "window",
]

T = TypeVar("T")
_MAKER = object()


class _Closed:
    """A value whose constructor only this module can call, that never changes, prints or pickles its content."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} does not change: what its maker checked must stay true")

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} does not pickle")

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} has no truth value")


def _require_maker(token: object, name: str, maker: str) -> None:
    if token is not _MAKER:
        raise TypeError(f"{name} is made by {maker} only")


class _Held(_Closed, Generic[T]):
    """A plain value under a label."""

    __slots__ = ("_value",)
    _maker = ""
    _value: T

    def __init__(self, value: T, *, token: object) -> None:
        _require_maker(token, type(self).__name__, self._maker)
        object.__setattr__(self, "_value", value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    @property
    def value(self) -> T:
        return self._value

    @classmethod
    def received(cls, value: T) -> Any:
        return cls(value, token=_MAKER)


@final
class Public(_Held[T]):
    """Known to all by contract: parameters, public keys, proofs."""

    __slots__ = ()
    _maker = "public()"


@final
class Disclosed(_Held[T]):
    """Told on purpose."""

    __slots__ = ("reason",)
    _maker = "disclose()"
    reason: str

    def __init__(self, value: T, *, token: object, reason: str = "received") -> None:
        super().__init__(value, token=token)
        object.__setattr__(self, "reason", reason)


@final
class Aggregate(_Held[T]):
    """A sum over at least ``floor`` rows."""

    __slots__ = ()
    _maker = "aggregate()"


def public(value: T) -> Public[T]:
    """Label a value that the contract already makes known to all."""
    return Public(value, token=_MAKER)


def disclose(value: T, *, reason: str) -> Disclosed[T]:
    """Tell ``value`` on purpose; ``reason`` goes to the audit record."""
    if not reason.strip():
        raise ValueError("a disclosure wants a reason")
    return Disclosed(value, token=_MAKER, reason=reason)


def aggregate(value: T, *, cohort: int, floor: int) -> Aggregate[T]:
    """Release a statistic over ``cohort`` rows; refused below ``floor``."""
    if cohort < floor:
        raise CohortTooSmall(
            "COHORT_TOO_SMALL",
            Text(
                en=f"a statistic over fewer rows than the floor of {floor} may not leave",
                zh=f"统计量所含行数低于下限 {floor}，不得传出",
            ),
            cure=Text(en="use a larger sample, or leave this statistic out", zh="扩大样本，或去掉该统计量"),
        )
    return Aggregate(value, token=_MAKER)


@final
class BlindedPoints(_Closed):
    """Points of the PSI group under at least one secret scalar, 32 bytes each.

    Security: made from the arrays that :mod:`vfl.crypto.psi` returns, never from hashed ids.
    """

    __slots__ = ("data",)
    data: bytes

    def __init__(self, data: bytes, *, token: object) -> None:
        _require_maker(token, "BlindedPoints", "blind()")
        object.__setattr__(self, "data", data)

    def __repr__(self) -> str:
        return f"<BlindedPoints n={len(self.data) // 32}>"

    @property
    def points(self) -> npt.NDArray[np.uint8]:
        return np.frombuffer(self.data, dtype=np.uint8).reshape(-1, 32)

    @classmethod
    def received(cls, data: bytes) -> BlindedPoints:
        return cls(data, token=_MAKER)


def blind(points: npt.NDArray[np.uint8]) -> BlindedPoints:
    """Carrier of points that an owner has put under its scalar, shape (n, 32)."""
    if points.ndim != 2 or points.shape[1] != 32 or points.dtype != np.uint8:
        raise TypeError("blinded points are a uint8 array of shape (n, 32)")
    return BlindedPoints(np.ascontiguousarray(points).tobytes(), token=_MAKER)


@final
class PseudorandomWords(_Closed):
    """Words of an oblivious key-value store (:mod:`vfl.crypto.okvs`), 8 bytes each."""

    __slots__ = ("words",)
    words: npt.NDArray[np.uint64]

    def __init__(self, words: npt.NDArray[np.uint64], *, token: object) -> None:
        _require_maker(token, "PseudorandomWords", "store_words()")
        object.__setattr__(self, "words", words)

    def __repr__(self) -> str:
        return f"<PseudorandomWords n={len(self.words)}>"

    @classmethod
    def received(cls, data: bytes) -> PseudorandomWords:
        return cls(np.frombuffer(data, dtype="<u8"), token=_MAKER)


def store_words(words: npt.NDArray[np.uint64]) -> PseudorandomWords:
    """Carrier of (a chunk of) a store that ``okvs.encode`` made of pseudorandom values."""
    if words.ndim != 1 or words.dtype != np.uint64:
        raise TypeError("store words are a one-dimensional uint64 array")
    return PseudorandomWords(words, token=_MAKER)


@final
@dataclass(frozen=True, slots=True, repr=False, eq=False)
class WindowedCiphertexts(_Closed):
    """Packed sums whose plaintexts show exactly ``slots`` slots of ``slot_bits`` bits to the key holder."""

    sealed: SealedCiphertexts
    slots: int
    slot_bits: int
    values: int
    token: InitVar[object]

    def __post_init__(self, token: object) -> None:
        _require_maker(token, "WindowedCiphertexts", "window()")

    def __repr__(self) -> str:
        return f"<WindowedCiphertexts values={self.values} slots={self.slots}x{self.slot_bits}>"

    @classmethod
    def received(cls, sealed: SealedCiphertexts, slots: int, slot_bits: int, values: int) -> WindowedCiphertexts:
        return cls(sealed, slots, slot_bits, values, _MAKER)


def window(
    he: AdditiveHE, sums: Ciphertexts, *, slots: int, slot_bits: int, masks: RandomStream, seals: RandomStream
) -> WindowedCiphertexts:
    """Pack ``sums`` (one value each, ``slot_bits`` wide), mask every other plaintext bit, re-randomise.

    This is the reply rule of the protocol design: whatever the key holder put into its ciphertexts, it reads
    the declared window of the sums and nothing else.
    """
    values = len(sums)
    packed = he.pack(sums, per=slots, width=slot_bits)
    masked = mask_window(he, packed, window_bits=slots * slot_bits, stream=masks)
    return WindowedCiphertexts(he.seal(masked, seals), slots, slot_bits, values, _MAKER)


@final
@dataclass(frozen=True, slots=True, repr=False, eq=False)
class MaskedCiphertexts:
    """Results under the receiver's key with every plaintext bit masked: the receiver decrypts its additive shares."""

    sealed: SealedCiphertexts
    token: object

    def __post_init__(self) -> None:
        _require_maker(self.token, "MaskedCiphertexts", "share_all() and share_slots()")

    def __repr__(self) -> str:
        return f"<MaskedCiphertexts n={len(self.sealed)}>"

    @classmethod
    def received(cls, sealed: SealedCiphertexts) -> MaskedCiphertexts:
        return cls(sealed, _MAKER)


def share_all(
    he: AdditiveHE, c: Ciphertexts, *, value_bits: int, masks: RandomStream, seals: RandomStream
) -> tuple[MaskedCiphertexts, Limbs]:
    """A reply that tells nothing, and the mask to keep: see :func:`vfl.crypto.masking.mask_all`."""
    masked, kept = mask_all(he, c, value_bits=value_bits, stream=masks)
    return MaskedCiphertexts(he.seal(masked, seals), _MAKER), kept


def share_slots(
    he: AdditiveHE, packed: Ciphertexts, plan: SlotPlan, *, masks: RandomStream, seals: RandomStream
) -> tuple[MaskedCiphertexts, Limbs]:
    """The same for packed values: see :func:`vfl.crypto.masking.mask_slots`."""
    masked, kept = plan.mask(he, packed, masks)
    return MaskedCiphertexts(he.seal(masked, seals), _MAKER), kept
