"""The rounds of federated logistic regression: what one party encrypts, what the other returns masked.

Every round has the same four steps, and both parties run the same code:

1. ``encrypted``: own values, fresh, under the own key;
2. ``take_encrypted``: the peer's, with which this party computes, using its plain numbers;
3. ``masked``: the results, masked in every bit, under the peer's key; the masks are this party's shares;
4. ``take_masked``: decrypt the own shares of what the peer computed.

What they leave behind is in :class:`~vfl.protocols.logistic_shares.Shares`.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.crypto.keys import PublicKey
from vfl.crypto.masking import slot_shares
from vfl.crypto.multipliers import Multipliers
from vfl.crypto.paillier import AdditiveHE, Ciphertexts, SealedCiphertexts
from vfl.crypto.randomness import JobSeed
from vfl.crypto.shares import (
    FRACTION,
    RING,
    SlotPlan,
    angle_product,
    linear_map,
    modular,
    signed_plaintexts,
    to_fixed,
    twos_complement,
)
from vfl.protocols.logistic_code import ANGLE_SHIFT, SLOPE_VALUES, WEIGHT_BITS, SeriesCode, SlopeCode
from vfl.protocols.logistic_design import OwnDesign
from vfl.protocols.logistic_shares import Shares, wrong_count, zeros
from vfl.runtime.workspace import too_early
from vfl.wire.carriers import MaskedCiphertexts, share_all, share_slots

__all__ = [
    "GradientRound",
    "MarginRound",
    "Round",
    "SlopeRound",
    "SumRound",
    "brought_together",
    "clean_sums",
    "margin_tables",
    "margins_of_rows",
    "sums_by_place",
    "with_top_bits",
]

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

_FLUSH_ROWS = 1 << 14
"""Rows whose products are held before they are added to the sums."""


class Round(ABC):
    """One exchange; see the module's text. ``heard`` binds masks to what they answer."""

    def __init__(self, shares: Shares) -> None:
        self.s = shares
        self.heard = hashlib.sha256()

    @abstractmethod
    def encrypted(self) -> Iterator[SealedCiphertexts]: ...

    @abstractmethod
    def take_encrypted(self, sealed: SealedCiphertexts) -> None: ...

    @abstractmethod
    def masked(self) -> Iterator[MaskedCiphertexts]: ...

    @abstractmethod
    def take_masked(self, masked: MaskedCiphertexts) -> None: ...

    def finish(self) -> None:  # noqa: B027 (most rounds have nothing left to do)
        """Both directions have ended."""

    # --- shared by the rounds ---------------------------------------------------------------------------------

    def _open(self, sealed: SealedCiphertexts) -> Ciphertexts:
        self.heard.update(sealed.data)
        return self.s.peer.open(sealed)

    def _streams(self, what: str) -> tuple[JobSeed, tuple[str, int, bytes]]:
        self.s.clock += 1
        return self.s.seed, (what, self.s.clock, self.heard.digest())

    def _share_all(self, c: Ciphertexts, value_bits: int) -> tuple[MaskedCiphertexts, Limbs]:
        seed, context = self._streams(type(self).__name__)
        return share_all(
            self.s.peer, c, value_bits=value_bits,
            masks=seed.stream("logistic-mask", *context), seals=seed.stream("logistic-seal", *context),
        )  # fmt: skip

    def _share_slots(self, packed: Ciphertexts, plan: SlotPlan) -> tuple[MaskedCiphertexts, Limbs]:
        seed, context = self._streams(type(self).__name__)
        return share_slots(
            self.s.peer, packed, plan,
            masks=seed.stream("logistic-mask", *context), seals=seed.stream("logistic-seal", *context),
        )  # fmt: skip

    def _reply(self, packed: Ciphertexts, plan: SlotPlan, kept: list[Limbs]) -> Iterator[MaskedCiphertexts]:
        """Packed values as masked messages; the masks are appended to ``kept``."""
        for part in self.s.chunks(len(packed)):
            chosen = self.s.peer.take(packed, np.arange(part.start, part.stop, dtype=np.int64))
            masked, mask = self._share_slots(chosen, plan)
            kept.append(mask)
            yield masked


class MarginRound(Round):
    """Shares of each row's margin as angles: X̃_own · [[peer's share of the own weights]]."""

    def __init__(self, shares: Shares) -> None:
        super().__init__(shares)
        low = shares.weights[shares.mine] % (1 << WEIGHT_BITS)
        shares.angles = angle_product(shares.design.rows, low, ANGLE_SHIFT)
        self._taken = 0
        self._received: list[Ciphertexts] = []

    def encrypted(self) -> Iterator[SealedCiphertexts]:
        theirs = self.s.weights[self.s.theirs].tolist()
        both = [w % (1 << WEIGHT_BITS) for w in theirs] + theirs
        plain = limbs.from_ints(both, self.s.own.public.limbs)
        for part in self.s.chunks(len(both)):
            yield self.s.encrypt(plain[part], "weights")

    def take_encrypted(self, sealed: SealedCiphertexts) -> None:
        self._received.append(self._open(sealed))

    def masked(self) -> Iterator[MaskedCiphertexts]:
        s, he, own = self.s, self.s.peer, self.s.design.columns
        both = he.concat(self._received)
        if len(both) != 2 * own:
            raise wrong_count()
        index = np.arange(2 * own, dtype=np.int64)
        low, s.peer_weights = he.take(both, index[:own]), he.take(both, index[own:])
        plan = s.code.margins(he.public)
        tables = margin_tables(he, s.design, low, plan)
        for part in s.chunks(plan.groups(s.rows)):
            masked, mask = self._share_slots(margins_of_rows(he, s.design, tables, part), plan)
            self._add(slot_shares(mask, slots=plan.per, slot_bits=plan.slot_bits), part.start * plan.per, minus=True)
            yield masked

    def take_masked(self, masked: MaskedCiphertexts) -> None:
        plan = self.s.code.margins(self.s.own.public)
        plain = self.s.own.decrypt(masked.sealed)
        self._add(slot_shares(plain, slots=plan.per, slot_bits=plan.slot_bits), self._taken, minus=False)
        self._taken += len(plain) * plan.per

    def finish(self) -> None:
        if self._taken < self.s.rows:
            raise wrong_count()

    def _add(self, slots: Words, start: int, *, minus: bool) -> None:
        angles = self.s.angles[start : start + slots.size]
        turned = slots.ravel()[: len(angles)] << np.uint64(ANGLE_SHIFT)
        angles += np.uint64(0) - turned if minus else turned


class SumRound(Round):
    """Sums of d = σ(z) − y by own bin, as shares mod 2^S.

    Each party's 2K + 1 values of a row meet in an inner product: the owner of the ciphertexts packs ``per`` rows into
    each, one ciphertext for each value; the other weighs them with its values of one row after another and sums by
    bin without ever seeing a product in clear (:class:`~vfl.protocols.logistic_code.SeriesCode`). No share of a
    single row is ever made.
    """

    def __init__(self, shares: Shares, series: SeriesCode, values: Ints) -> None:
        super().__init__(shares)
        self.series, self.values = series, values
        self.kept: Words = np.zeros(0, dtype=np.uint64)
        self.read: Words = np.zeros(0, dtype=np.uint64)
        self.products: list[Ciphertexts] = []
        """[[product]] of each row, kept where there are further platforms to relay it to."""
        self._pending: list[Ciphertexts] = []
        self._row = self._summed = 0
        self._sums: Ciphertexts | None = None

    def encrypted(self) -> Iterator[SealedCiphertexts]:
        series = self.series
        for rows in _row_groups(self.s, series.per, series.values):
            by_value = _filled(self.values[rows], series.per).transpose(0, 2, 1).reshape(-1, series.per)
            yield self.s.encrypt(signed_plaintexts(by_value, series.slot, self.s.own.public), "phases")

    def take_encrypted(self, sealed: SealedCiphertexts) -> None:
        s, he, series = self.s, self.s.peer, self.series
        groups, rest = divmod(len(sealed), series.values)
        rows = slice(self._row, min(self._row + groups * series.per, s.rows))
        if rest or not groups or rows.stop <= rows.start + (groups - 1) * series.per:
            raise wrong_count()
        self._row = rows.stop
        # Raised to be non-negative; one more sum per group, of the raise alone, is taken off again.
        raised = 1 << series.reach(bank=s.first)
        weights = np.full((groups, series.per + 1, series.values), raised, dtype=np.int64)
        weights[:, :-1] += _filled(self.values[rows], series.per)
        sums = he.weighted_sums(self._open(sealed), Multipliers.spaced(weights[..., None], raised.bit_length()))
        place = np.arange(rows.stop - rows.start, dtype=np.int64)
        group = place // series.per
        excess = he.neg(he.take(sums, np.arange(1, groups + 1, dtype=np.int64) * (series.per + 1) - 1))
        products = he.add(he.take(sums, place + group), he.take(excess, group))
        if s.others:
            self.products.append(products)
        self._pending.append(products)
        if self._row - self._summed >= _FLUSH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        he, rows = self.s.peer, slice(self._summed, self._row)
        sums = sums_by_place(he, self.s.design, he.concat(self._pending), rows, self.series)
        self._sums = sums if self._sums is None else he.add(self._sums, sums)
        self._pending, self._summed = [], self._row

    def masked(self) -> Iterator[MaskedCiphertexts]:
        self._flush()
        if self._sums is None or self._row != self.s.rows:
            raise wrong_count()
        sums = brought_together(self.s.peer, self.s.design, self._sums, self.series)
        for part in self.s.chunks(len(sums)):
            chosen = self.s.peer.take(sums, np.arange(part.start, part.stop, dtype=np.int64))
            masked, mask = self._share_all(chosen, self.series.product_bits)
            self.kept = np.concatenate([self.kept, self._slot(mask)])
            yield masked

    def take_masked(self, masked: MaskedCiphertexts) -> None:
        self.read = np.concatenate([self.read, self._slot(self.s.own.decrypt(masked.sealed))])

    def _slot(self, numbers: Limbs) -> Words:
        return limbs.extract(numbers, self.series.middle, self.series.slot)[:, 0]


class GradientRound(Round):
    """The gradient in the fixed-point ring, from bin sums shared mod 2^S.

    T = y − r + (0 or 1 or −1) 2^S with |T| < 2^(S−2): whether it wrapped depends on y and r together. The reader of
    y encrypts y and its top bit; the masker knows r, so it knows which of the two ways to read both cannot wrap
    (plain, if r is in the middle half; centred on zero, if not) and computes [[T]] that way. It then multiplies with
    its columns, adds the ridge, and shares the result afresh.
    """

    def __init__(self, shares: Shares, sums: SumRound) -> None:
        super().__init__(shares)
        self._sums = sums
        self._plan_bits = shares.code.gradient_scale(sums.series)
        self._received: list[Ciphertexts] = []
        self._kept: list[Limbs] = []
        self._read: list[Limbs] = []

    def encrypted(self) -> Iterator[SealedCiphertexts]:
        plain = with_top_bits(self._sums.read, self._sums.series.slot, self.s.own.public)
        for part in self.s.chunks(len(plain)):
            yield self.s.encrypt(plain[part], "sums")

    def take_encrypted(self, sealed: SealedCiphertexts) -> None:
        self._received.append(self._open(sealed))

    def masked(self) -> Iterator[MaskedCiphertexts]:
        s, he, design = self.s, self.s.peer, self.s.design
        if s.peer_weights is None:
            raise too_early("weight share")
        gradient = linear_map(he, self._clean_sums(), design.back)
        bits = self._plan_bits - FRACTION
        ridge = np.rint(np.ldexp(design.ridge, bits)).astype(np.int64)
        gradient = he.add(gradient, linear_map(he, s.peer_weights, ridge))
        plan = s.code.gradient(he.public, self._sums.series)
        yield from self._reply(he.pack(gradient, plan.per, plan.slot_bits), plan, self._kept)

    def _clean_sums(self) -> Ciphertexts:
        he = self.s.peer
        return clean_sums(he, he.concat(self._received), self._sums.kept, self._sums.series.slot)

    def take_masked(self, masked: MaskedCiphertexts) -> None:
        self._read.append(self.s.own.decrypt(masked.sealed))

    def finish(self) -> None:
        s = self.s
        bits = self._plan_bits - FRACTION
        kept = s.code.gradient(s.peer.public, self._sums.series).read(np.vstack(self._kept), 1, s.design.columns)[0]
        ridge = np.rint(np.ldexp(s.design.ridge, bits)).astype(np.int64).astype(object)
        out = zeros(s.columns)
        out[s.mine] = ridge.dot(s.weights[s.mine]) - kept
        read = s.code.gradient(s.own.public, self._sums.series).read(np.vstack(self._read), 1, s.peer_columns)[0]
        out[s.theirs] = read
        s.gradient = s.cut(out, bits)
        s.gradient[s.mine] = (s.gradient[s.mine] + to_fixed(s.design.linear)) % (1 << RING)


class SlopeRound(Round):
    """Shares of each row's slope σ'(z) over the integers; the bank encrypts, the platform answers several rows at once.

    See :class:`~vfl.protocols.logistic_code.SlopeCode`.
    """

    def __init__(self, shares: Shares, series: SlopeCode, values: Ints) -> None:
        super().__init__(shares)
        self.series, self.values = series, values
        self._row = 0
        self._products: list[Ciphertexts] = []
        shares.slopes = np.zeros(0, dtype=np.uint64)

    @property
    def _per_group(self) -> int:
        return self.series.per * self.series.parts

    def encrypted(self) -> Iterator[SealedCiphertexts]:
        series, public = self.series, self.s.own.public
        for rows in _row_groups(self.s, series.per, self._per_group, len(self.values)):
            values = self._by_part(self.values[rows])
            numbers = np.zeros((*values.shape[:3], public.limbs), dtype=np.uint64)
            for place in range(series.per):
                numbers[:, place] = twos_complement(
                    values[:, place].reshape(-1, SLOPE_VALUES), series.slot, public.limbs,
                    start=place * series.zone * series.slot, room=series.slot,
                ).reshape(-1, series.parts, public.limbs)  # fmt: skip
            plain = modular(numbers.reshape(-1, public.limbs), public)
            yield self.s.encrypt(plain, "slopes")

    def take_encrypted(self, sealed: SealedCiphertexts) -> None:
        series = self.series
        groups, rest = divmod(len(sealed), self._per_group)
        rows = slice(self._row, min(self._row + groups * series.per, len(self.values)))
        if rest or not groups or rows.stop <= rows.start + (groups - 1) * series.per:
            raise wrong_count()
        self._row = rows.stop
        raised = self._by_part(self.values[rows] + (1 << series.turn_bits))[..., ::-1]
        multipliers = raised.reshape(groups, 1, self._per_group, SLOPE_VALUES)
        self._products.append(
            self.s.peer.weighted_sums(
                self._open(sealed), Multipliers.spaced(multipliers, series.turn_bits + 1, series.slot)
            )
        )

    def masked(self) -> Iterator[MaskedCiphertexts]:
        if self._row != len(self.values):
            raise wrong_count()
        for products in self._products:
            masked, mask = self._share_all(products, self.series.product_bits)
            self._keep(mask)
            yield masked

    def take_masked(self, masked: MaskedCiphertexts) -> None:
        """The bank's shares, less what the platform's raised values added to them."""
        first = len(self.s.slopes)
        self._keep(self.s.own.decrypt(masked.sealed))
        excess = self.values[first : len(self.s.slopes)].sum(axis=1) << self.series.turn_bits
        self.s.slopes[first:] -= excess.astype(np.uint64)

    def _keep(self, numbers: Limbs) -> None:
        places = [
            limbs.extract(numbers, self.series.middle(place), self.series.slot)[:, 0]
            for place in range(self.series.per)
        ]
        new = np.stack(places, axis=1).ravel()[: len(self.values) - len(self.s.slopes)]
        self.s.slopes = np.concatenate([self.s.slopes, new])

    def _by_part(self, values: Ints) -> Ints:
        """(groups, per, parts, values of a part), filled up with zeros."""
        series = self.series
        filled = np.zeros((len(values), series.parts * SLOPE_VALUES), dtype=np.int64)
        filled[:, : values.shape[1]] = values
        return _filled(filled, series.per).reshape(-1, series.per, series.parts, SLOPE_VALUES)


def _row_groups(shares: Shares, per: int, ciphertexts: int, rows: int | None = None) -> Iterator[slice]:
    """Rows of each message, whole groups of ``per`` rows that take so many ``ciphertexts``."""
    total = shares.rows if rows is None else rows
    step = max(1, shares.code.chunk // ciphertexts) * per
    for start in range(0, total, step):
        yield slice(start, min(start + step, total))


def _filled(values: Ints, per: int) -> Ints:
    """(rows, values) as (groups, per, values): a last group that is not full gets rows of zeros."""
    groups = -(-len(values) // per)
    out = np.zeros((groups * per, values.shape[1]), dtype=np.int64)
    out[: len(values)] = values
    return out.reshape(groups, per, -1)


def sums_by_place(
    he: AdditiveHE, design: OwnDesign, products: Ciphertexts, rows: slice, series: SeriesCode
) -> Ciphertexts:
    """Sums of the products of ``rows`` by own bin and place among ``series.per``, feature by feature, then by place."""
    place = np.arange(rows.start, rows.stop, dtype=np.int64)[:, None] % series.per
    joint = place * design.counts + design.bins[rows]
    return he.bucket_sums(products, joint.astype(np.uint16), None, design.counts * series.per)


def brought_together(he: AdditiveHE, design: OwnDesign, sums: Ciphertexts, series: SeriesCode) -> Ciphertexts:
    """:func:`sums_by_place` of all rows, every place shifted to the wanted slot: one value per bin."""
    index, start = [], 0
    for count in design.counts.tolist():
        places = np.arange(start, start + count * series.per, dtype=np.int64).reshape(series.per, count)
        index.append(places[::-1].T.ravel())
        start += count * series.per
    return he.pack(he.take(sums, np.concatenate(index)), series.per, series.slot)


def margin_tables(he: AdditiveHE, design: OwnDesign, weights: Ciphertexts, plan: SlotPlan) -> list[Ciphertexts]:
    """[[what each bin adds to a margin]] at each slot of a reply; the last entry is a zero."""
    table = design.table
    padded = np.vstack([table, np.zeros((1, table.shape[1]), dtype=np.int64)])
    tables = [linear_map(he, weights, padded.T)]
    step = limbs.from_ints([1 << plan.slot_bits] * len(padded), -(-(plan.slot_bits + 1) // 64))
    for _ in range(1, plan.per):
        tables.append(he.mul_plain(tables[-1], step))
    return tables


def margins_of_rows(he: AdditiveHE, design: OwnDesign, tables: list[Ciphertexts], groups: slice) -> Ciphertexts:
    """One ciphertext of as many rows each as there are ``tables``: additions only."""
    first = np.arange(groups.start, groups.stop, dtype=np.int64) * len(tables)
    out: Ciphertexts | None = None
    for slot, table in enumerate(tables):
        rows = first + slot
        inside = rows < len(design.bins)
        for feature, offset in enumerate(design.offsets.tolist()):
            bins = offset + design.bins[np.where(inside, rows, 0), feature].astype(np.int64)
            entry = he.take(table, np.where(inside, bins, len(table) - 1))
            out = entry if out is None else he.add(out, entry)
    if out is None:
        raise too_early("column")
    return out


def with_top_bits(y: Words, slot: int, public: PublicKey) -> Limbs:
    """The reader's shares mod 2^slot and then their top bits, as plaintexts."""
    both = np.concatenate([y, y >> np.uint64(slot - 1)])
    plain = np.zeros((len(both), public.limbs), dtype=np.uint64)
    plain[:, 0] = both
    return plain


def clean_sums(he: AdditiveHE, both: Ciphertexts, r: Words, slot: int) -> Ciphertexts:
    """[[T]] over the integers from [[y]] and [[top bit of y]], y - r = T mod 2^slot: see :class:`GradientRound`."""
    if len(both) != 2 * len(r):
        raise wrong_count()
    index = np.arange(len(both), dtype=np.int64)
    y, top = he.take(both, index[: len(r)]), he.take(both, index[len(r) :])
    quarter = 1 << (slot - 2)
    plain = [quarter <= v < 3 * quarter for v in r.tolist()]
    words = slot // 64 + 1
    wraps = limbs.from_ints([0 if p else 1 << slot for p in plain], words)
    minus = [v if p or v < 2 * quarter else v - (1 << slot) for p, v in zip(plain, r.tolist(), strict=True)]
    n = he.public.n
    return he.add_plain(
        he.sub(y, he.mul_plain(top, wraps)), limbs.from_ints([-v % n for v in minus], he.public.limbs)
    )
