"""Several signed numbers in one plaintext: the slots of a row, and many rows' slots in one ciphertext.

A row's slots are the digits of one integer, T = ∑ v_j 2^offset_j, with signed v_j; T is negative if its highest
slot is, and travels as n + T. Sums of rows are sums of digits as long as each |sum| < 2^(width - 1), which the
encoding guarantees (:class:`vfl.crypto.encoding.FixedPoint`). ``AdditiveHE.pack`` sets rows side by side in the
same way. Reading back adds half of each slot's range first: no slot then borrows from the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.crypto.encoding import WideInts
from vfl.crypto.keys import PublicKey
from vfl.crypto.masking import MASK_BITS
from vfl.errors import LocalProtocolError, Place, PlaintextOverflow, Text

__all__ = ["SlotLayout"]


@dataclass(frozen=True, slots=True)
class SlotLayout:
    """Named signed slots, the first lowest.

    Parameters
    ----------
    names : tuple of str
    widths : tuple of int
        Bits per slot, 2 to 128; slot j holds values in (-2^(w-1), 2^(w-1)).

    Raises PlaintextOverflow ``SLOT_WIDTH`` for a width out of bounds.
    """

    names: tuple[str, ...]
    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.names or len(self.names) != len(self.widths) or len(set(self.names)) != len(self.names):
            raise _misused("a layout has one width per distinct name", "每个槽须有唯一名称和一个宽度")
        for name, width in zip(self.names, self.widths, strict=True):
            if not 2 <= width <= 128:
                raise PlaintextOverflow(
                    "SLOT_WIDTH",
                    Text(f"a slot of {width} bits; slots have 2 to 128", f"槽宽为 {width} 位；允许 2 至 128 位"),
                    cure=Text("use fewer fractional bits or fewer rows", "请减少小数位数或行数"),
                    place=Place(column=name),
                )

    @property
    def width(self) -> int:
        """Bits of one row."""
        return sum(self.widths)

    @property
    def offsets(self) -> tuple[int, ...]:
        """First bit of each slot."""
        return tuple(sum(self.widths[:j]) for j in range(len(self.widths)))

    def capacity(self, public: PublicKey) -> int:
        """How many rows one ciphertext can show through a window and still be masked above it.

        Raises PlaintextOverflow ``LAYOUT_TOO_WIDE`` if not even one.
        """
        rows = (public.bits - 1 - MASK_BITS) // self.width
        if rows == 0:
            raise PlaintextOverflow(
                "LAYOUT_TOO_WIDE",
                Text(f"a row of {self.width} bits does not fit a key of {public.bits} bits",
                     f"一行需 {self.width} 位，超出 {public.bits} 位密钥的容量"),
                cure=Text("use a longer key or fewer fractional bits", "请使用更长的密钥或减少小数位数"),
            )
        return rows

    def pack(self, columns: Mapping[str, npt.NDArray[np.int64]], public: PublicKey) -> Limbs:
        """One plaintext per row from one int64 array per slot, all of one length.

        Raises PlaintextOverflow ``SLOT_OVERFLOW`` for a value that does not fit its slot.
        """
        self.capacity(public)
        if set(columns) != set(self.names) or len({len(column) for column in columns.values()}) != 1:
            raise _misused("one column per slot, all of one length", "每个槽须有一列，且各列等长")
        rows = len(columns[self.names[0]])
        out = np.zeros((rows, public.limbs), dtype=np.uint64)
        for name, width, offset in zip(self.names, self.widths, self.offsets, strict=True):
            column = columns[name]
            if width < 64 and not ((column > -(1 << (width - 1))) & (column < 1 << (width - 1))).all():
                raise PlaintextOverflow(
                    "SLOT_OVERFLOW",
                    Text(f"a value does not fit its slot of {width} bits", f"有数值超出 {width} 位的槽"),
                    cure=Text("encode with FixedPoint, which checks its bounds", "请用 FixedPoint 编码，它会检查范围"),
                    place=Place(column=name),
                )
            signed = np.stack([column.astype(np.uint64), (column >> 63).astype(np.uint64)], axis=1)
            raised = limbs.add(signed, limbs.from_ints([1 << (width - 1)], 2))
            limbs.place(out, offset, raised[:, : -(-width // 64)])
        out = limbs.add(out, _negated(self._half_ranges(1), public.limbs))
        negative = (out[:, -1] >> np.uint64(63)).astype(np.bool_)
        out[negative] = limbs.add(out[negative], limbs.from_ints([public.n], public.limbs))
        return out

    def unpack(self, plain: Limbs, *, per: int, count: int) -> dict[str, WideInts]:
        """The exact signed slot values of ``count`` rows, ``per`` of them in each plaintext.

        Only the low ``per * width`` bits are read: whatever :func:`~vfl.crypto.masking.mask_window` put above them
        does not matter.
        """
        if per < 1 or len(plain) != -(-count // per) or per * self.width > plain.shape[1] * 64:
            raise _misused(f"{count} rows do not come in {len(plain)} plaintexts of {per}",
                           f"{count} 行与 {len(plain)} 个各含 {per} 行的明文不符")
        words = plain.shape[1]
        raised = limbs.add(plain, limbs.from_ints([self._half_ranges(per)], words))
        out = {}
        for name, width, offset in zip(self.names, self.widths, self.offsets, strict=True):
            slots = np.zeros((len(plain), per, 2), dtype=np.uint64)
            for j in range(per):
                slots[:, j, : -(-width // 64)] = limbs.extract(raised, j * self.width + offset, width)
            values = limbs.add(slots.reshape(-1, 2)[:count], _negated(1 << (width - 1), 2))
            out[name] = WideInts.from_limbs(values)
        return out

    def _half_ranges(self, rows: int) -> int:
        """∑ 2^(offset + width - 1) over all slots of ``rows`` rows."""
        one = sum(1 << (offset + width - 1) for offset, width in zip(self.offsets, self.widths, strict=True))
        return sum(one << (row * self.width) for row in range(rows))


def _negated(value: int, words: int) -> Limbs:
    return limbs.from_ints([(1 << (64 * words)) - value], words)


def _misused(en: str, zh: str) -> LocalProtocolError:
    return LocalProtocolError(
        "PACKING_MISUSED", Text(en, zh),
        cure=Text("this is a fault of the calling code: report it", "调用代码有误，请报告"),
    )
