"""How numbers of a federated logistic regression travel: bits, slots and bounds, derived from the contract alone.

Both sides compute the same :class:`LogisticCode`, so neither has to tell the other. Every width below is the sum of
declared bounds on its factors; :class:`OwnDesign` and the series check their own factor before anything is encrypted,
and a sum that does not fit its slot is refused here (PlaintextOverflow), before the job starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from vfl.crypto.keys import PublicKey
from vfl.crypto.masking import MASK_BITS
from vfl.crypto.shares import FRACTION, RING, SlotPlan, product_plan
from vfl.errors import PlaintextOverflow, Text

__all__ = [
    "ANGLE_SHIFT",
    "BIN_LOG",
    "COARSE_SLOPES",
    "COLUMN_LOG",
    "DESIGN_BITS",
    "DESIGN_REACH",
    "FINE_SLOPES",
    "HALF_PERIOD",
    "MARGIN_REACH",
    "PRECISION",
    "SLOPE_VALUES",
    "LogisticCode",
    "Precision",
    "SeriesCode",
    "SlopeCode",
]

HALF_PERIOD = 16.0
"""L: margins live on a circle of circumference 2L = 2^5, so that the angle of a fixed-point margin is a shift."""
MARGIN_REACH = 12.0
"""The series is fitted this far on both sides of the base-rate margin; beyond it a model is refused when scored."""

DESIGN_BITS = 16
"""Fractional bits of whitened columns."""
DESIGN_REACH = 12
"""|entry| < 2^12 before scaling: a whitened column has x̃ᵀx̃ <= 4 n, and single bins cancel within a row."""
COLUMN_LOG = 9
"""Fewer than 2^9 columns per owner."""
BIN_LOG = 13
"""Fewer than 2^13 bins over all columns of an owner."""

WEIGHT_BITS = 53
"""Weight shares enter margins mod 2^53: the angle drops everything above."""
ANGLE_SHIFT = 64 - 5 - (DESIGN_BITS + FRACTION)
"""Product of a column and a weight, 48 fractional bits, to an angle: 2^64 is 2L."""

SLOPE_BITS = 18
"""Fractional bits of a row's slope σ'."""
SLOPE_SLOT = SLOPE_BITS + 3 + MASK_BITS + 1
"""A slope travels with a number of the bank's own, below 2^2, on top: see :class:`SlopeCode`."""
CURVE_BITS = 15
"""Fractional bits of whitened columns in the curvature's cross block."""
RAW_BITS = 12
RAW_REACH = 5
"""Raw columns: 12 fractional bits and |x| < 2^5; so do the entries of the whitening matrix, |T| < 2^12."""

COARSE_SLOPES, FINE_SLOPES = 5, 8
"""Harmonics of σ': few for a curvature that only serves the next steps, many for standard errors."""


class Precision(NamedTuple):
    """How exactly a step computes σ of each row."""

    terms: int
    """Harmonics."""
    own_bits: int
    """Fractional bits of the bank's values."""
    turn_bits: int
    """Fractional bits of the platform's."""


PRECISION = (Precision(16, 17, 15), Precision(10, 13, 11), Precision(6, 9, 7))
"""Of the last step, the one before, and all earlier ones: little while the weights are far off.

Rounding differs from row to row, so sums over n rows err by n^-1/2 of it, and directions of which the data tell
little take more of it. A row costs a product per value and four bits of the multiplier.
"""
_SLOPE_TURN_BITS = 7
SLOPE_VALUES = 4
"""Values of a row in one ciphertext of a slope."""


@dataclass(frozen=True, slots=True)
class _Values:
    """Two parties' 2K + 1 values of a row, whose inner product is wanted."""

    terms: int
    """K."""
    own_bits: int
    """Fractional bits of the bank's values, bounded by 4."""
    turn_bits: int
    """Fractional bits of the platform's cosines and sines."""
    slot: int

    @property
    def values(self) -> int:
        """2K + 1."""
        return 2 * self.terms + 1

    @property
    def turn_one(self) -> int:
        """The platform's 1: of ``turn_bits`` bits."""
        return (1 << self.turn_bits) - 1

    @property
    def own_one(self) -> float:
        """The bank's 1: products have own_bits + turn_bits fractional bits."""
        return float(1 << (self.own_bits + self.turn_bits)) / self.turn_one


@dataclass(frozen=True, slots=True)
class SeriesCode(_Values):
    """How the inner products of two parties' 2K + 1 values of each row are computed, for sums over rows.

    ``per`` rows go together: one ciphertext for each of the 2K + 1 values, a slot for each row. The other party
    multiplies all of them with its own values of one row, and sums: the row's own slot holds its inner product, the
    others those of unlike rows, which are masked. Sums of rows of the same slot are shifted to slot ``per`` − 1, where
    all meet (:attr:`middle`).
    """

    per: int

    @property
    def middle(self) -> int:
        """First bit of the wanted slot."""
        return (self.per - 1) * self.slot

    @property
    def row_bits(self) -> int:
        """Bound of one row's products before they are shifted, summed over all rows: one slot is below 2^(slot + 6)."""
        return self.per * self.slot + 6

    @property
    def product_bits(self) -> int:
        """Bound of shifted sums over rows."""
        return self.row_bits + self.middle

    def reach(self, *, bank: bool) -> int:
        """|values of the bank, or platform| <= 2^reach."""
        return self.own_bits + 2 if bank else self.turn_bits


@dataclass(frozen=True, slots=True)
class SlopeCode(_Values):
    """How shares of each row's slope come about: an inner product per row, ``per`` rows to a reply.

    The bank cuts a row's 2K + 1 values into ``parts`` of four, each a polynomial in a ciphertext of its own, at the
    row's place among ``per``; the platform multiplies each with the polynomial of its own four values in opposite
    order and adds. The middle coefficient at each place is a row's inner product. The platform's values are raised by
    one to be non-negative, so the bank takes the sum of its own values off its share.
    """

    per: int

    @property
    def parts(self) -> int:
        return -(-self.values // SLOPE_VALUES)

    @property
    def zone(self) -> int:
        """Coefficients of one row's product."""
        return 2 * SLOPE_VALUES - 1

    @property
    def product_bits(self) -> int:
        return self.per * self.zone * self.slot + 6

    def middle(self, place: int) -> int:
        """First bit of the wanted slot of the row at ``place``."""
        return (place * self.zone + SLOPE_VALUES - 1) * self.slot


@dataclass(frozen=True, slots=True)
class LogisticCode:
    """Everything both sides must agree on about widths.

    Parameters
    ----------
    rows : int
        Training rows.
    key_bits : int
        Of both keys.
    relayed : bool
        Whether there are further platforms: slots then leave room for the mask under which rows are relayed to them.
    """

    rows: int
    key_bits: int
    relayed: bool = False

    @property
    def row_log(self) -> int:
        """n < 2^row_log."""
        return self.rows.bit_length()

    @property
    def chunk(self) -> int:
        """Ciphertexts per message: half a MiB."""
        return max(1, (1 << 19) // (self.key_bits // 4))

    def gradient_series(self, precision: Precision) -> SeriesCode:
        """As many rows to a ciphertext as the key then allows.

        |σ − y| < 2 even outside the fitted range (checked when fitted), so a sum over rows is below
        2^(bits + row_log + 1); twice that again lets :class:`GradientRound` undo a wrap.
        """
        terms, own, turn = precision
        slot = own + turn + self.row_log + 1 + 2
        # A relayed sum has a mask of its own, and the mask of its reply is kept apart from the bits above it.
        room = self.key_bits - MASK_BITS - 2 - 6 - (2 * MASK_BITS + 2 if self.relayed else 0)
        per = (room // slot + 1) // 2
        if per < 1:
            raise _key_too_short(self.key_bits, "the sigmoid of one row")
        return SeriesCode(terms, own, turn, slot, per)

    def slope_series(self, terms: int) -> SlopeCode:
        """The slope's series: its slot leaves 41 bits above the value, so both shares are shares over the integers."""
        per = (self.key_bits - MASK_BITS - 2 - 6) // (SLOPE_SLOT * (2 * SLOPE_VALUES - 1))
        if per < 1:
            raise _key_too_short(self.key_bits, "the slope of one row")
        return SlopeCode(terms, SLOPE_BITS - _SLOPE_TURN_BITS, _SLOPE_TURN_BITS, SLOPE_SLOT, per)

    def margins(self, public: PublicKey) -> SlotPlan:
        """Weight shares mod 2^53 times columns, summed over columns."""
        return SlotPlan(WEIGHT_BITS + DESIGN_BITS + DESIGN_REACH + COLUMN_LOG, public)

    def gradient_scale(self, series: SeriesCode) -> int:
        """Fractional bits of a gradient before truncation."""
        return DESIGN_BITS + self.row_log + series.own_bits + series.turn_bits

    def gradient(self, public: PublicKey, series: SeriesCode) -> SlotPlan:
        """Bin sums times columns (scaled by 2^row_log / n), plus the ridge times weight shares."""
        sums = series.slot + DESIGN_BITS + 1 + DESIGN_REACH + BIN_LOG
        ridge = RING + self.gradient_scale(series) - FRACTION + 1 + COLUMN_LOG
        return SlotPlan(max(sums, ridge) + 1, public)

    def cross_block(self, public: PublicKey) -> SlotPlan:
        """∑ slope share × own column, by bin, times the other's column."""
        column = CURVE_BITS + 1 + DESIGN_REACH
        return SlotPlan(SLOPE_SLOT + column + self.row_log + column + BIN_LOG, public)

    def cross_scale(self) -> int:
        """Fractional bits of the cross block, and of the first gradient, before truncation."""
        return SLOPE_BITS + 2 * CURVE_BITS + self.row_log

    def relayed_row_bits(self, series: SeriesCode) -> int:
        """Width of the mask of one row's product on its way to a further platform."""
        return series.row_bits - self.row_log + 1 + MASK_BITS

    def relayed_sums(self, public: PublicKey, series: SeriesCode) -> SlotPlan:
        """Sums over rows of masked products, and of their masks: one value each, masked as a whole."""
        return SlotPlan(series.product_bits + MASK_BITS + 2, public)

    def relayed_bin_bits(self, series: SeriesCode) -> int:
        """Width of the mask of one bin's sum of residuals on its way back."""
        return series.slot + MASK_BITS

    def relayed_gradient(self, public: PublicKey, series: SeriesCode) -> SlotPlan:
        """:meth:`gradient` of masked sums."""
        sums = self.relayed_bin_bits(series) + 1 + DESIGN_BITS + 1 + DESIGN_REACH + BIN_LOG
        ridge = RING + self.gradient_scale(series) - FRACTION + 1 + COLUMN_LOG
        return SlotPlan(max(sums, ridge) + 1, public)

    def relayed_column_bits(self) -> int:
        """Width of the mask of slope share × column of one row."""
        return SLOPE_SLOT + CURVE_BITS + 1 + DESIGN_REACH + MASK_BITS

    def relayed_block_bits(self) -> int:
        """Width of :meth:`relayed_block`'s values."""
        return self.relayed_column_bits() + 1 + self.row_log + CURVE_BITS + 1 + DESIGN_REACH + BIN_LOG

    def relayed_block(self, public: PublicKey) -> SlotPlan:
        """:meth:`cross_block` of masked rows."""
        return SlotPlan(self.relayed_block_bits(), public)

    def own_block(self, public: PublicKey) -> SlotPlan:
        """∑ slope share by pair of bins, times both raw columns, whitened on both sides."""
        raw = SLOPE_SLOT + self.row_log + 2 * (RAW_BITS + RAW_REACH) + 2 * BIN_LOG
        return SlotPlan(raw + 2 * (RAW_BITS + DESIGN_REACH + COLUMN_LOG) + 1, public)

    def own_scale(self) -> int:
        """Fractional bits of an owner's own block before truncation."""
        return SLOPE_BITS + 4 * RAW_BITS + self.row_log

    def product(self, public: PublicKey, columns: int) -> SlotPlan:
        """Matrix products in the fixed-point ring."""
        return product_plan(public, columns)

    def check(self, public: PublicKey) -> None:
        """Raise PlaintextOverflow now if some slot cannot fit this key."""
        self.gradient(public, self.gradient_series(PRECISION[0]))
        self.slope_series(FINE_SLOPES)
        self.own_block(public)
        self.cross_block(public)
        if self.relayed:
            self.relayed_sums(public, self.gradient_series(PRECISION[0]))
            self.relayed_gradient(public, self.gradient_series(PRECISION[0]))
            self.relayed_block(public)
        if self.own_scale() + 2 + MASK_BITS > RING:
            raise _key_too_short(self.key_bits, "the curvature of so many rows")


def _key_too_short(bits: int, en: str) -> PlaintextOverflow:
    return PlaintextOverflow(
        "LOGISTIC_KEY_SHORT",
        Text(f"{en} does not fit a key of {bits} bits", f"{bits} 位密钥容纳不下逻辑回归的中间结果"),
        cure=Text("use a longer key, 2,048 bits for real data", "请使用更长的密钥（真实数据 2048 位）"),
    )
