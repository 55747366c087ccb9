"""What a provider computes (:mod:`vfl.protocols.logistic_provider`): the same for B's ciphertexts as for A's.

Every round is a linear map of the provider's own columns, run once per key. The two replies go out under the same
mask: what B reads less what A reads is the map of the difference of what both keys hide. The mask is drawn anew for
the second reply and never kept.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.crypto.paillier import AdditiveHE, Ciphertexts, SealedCiphertexts
from vfl.crypto.randomness import JobSeed
from vfl.crypto.shares import FRACTION, SlotPlan, linear_map, signed, to_fixed
from vfl.protocols.logistic_code import LogisticCode
from vfl.protocols.logistic_curvature import own_block, pair_sums, plus
from vfl.protocols.logistic_design import OwnDesign
from vfl.protocols.logistic_matrix import start_plan, variance_factors, variance_plan
from vfl.protocols.logistic_progress import Progress
from vfl.protocols.logistic_relays import Masks, relay_chunks, relay_products, stretched_columns
from vfl.protocols.logistic_rounds import brought_together, margin_tables, margins_of_rows, sums_by_place
from vfl.protocols.logistic_shares import wrong_count
from vfl.runtime.workspace import too_early
from vfl.wire.carriers import MaskedCiphertexts, share_slots

__all__ = [
    "Answer",
    "Columns",
    "CurvatureAnswer",
    "GradientAnswer",
    "Key",
    "MarginAnswer",
    "StartAnswer",
    "SumAnswer",
    "VarianceAnswer",
]

Floats = npt.NDArray[np.float64]
_FLUSH_ROWS = 1 << 14


class Key(StrEnum):
    """Whose key a ciphertext is under."""

    BANK = "bank"
    PLATFORM = "platform"


@dataclass(slots=True, repr=False)
class Columns:
    """A provider's columns and what it knows of the job.

    Parameters
    ----------
    keys : dict of Key to AdditiveHE
        The public keys of the bank and of the first platform.
    widths : dict of party to int
        Columns of every other owner, in the order of the job.
    """

    seed: JobSeed
    progress: Progress
    code: LogisticCode
    design: OwnDesign
    keys: dict[Key, AdditiveHE]
    widths: dict[str, int]
    clock: int = 0
    """Counts rounds: no randomness serves two of them."""
    weights: dict[Key, Ciphertexts] = field(default_factory=dict)
    """[[shares of the own weights]], the first platform's negative: the ridge needs them."""

    @property
    def rows(self) -> int:
        return len(self.design.bins)

    @property
    def total(self) -> int:
        """Columns of all owners."""
        return self.design.columns + sum(self.widths.values())


class Answer(ABC):
    """One round: take what came under both keys, then reply under each with the same mask."""

    def __init__(self, columns: Columns) -> None:
        self.c = columns
        self.heard = hashlib.sha256()
        columns.clock += 1

    def take(self, key: Key, sealed: SealedCiphertexts) -> None:
        """Values under one key alone."""
        raise wrong_count()

    def take_relay(self, owner: str, under: dict[Key, SealedCiphertexts]) -> None:
        """Values under both keys, masked, that ``owner`` relays."""
        raise wrong_count()

    @abstractmethod
    def results(self, key: Key) -> Iterator[tuple[Ciphertexts, SlotPlan]]:
        """Packed results under one key, block by block."""

    def masked(self, key: Key) -> Iterator[MaskedCiphertexts]:
        """The reply to a key's holder. Both replies must be made, after everything has come."""
        he, seed, place = self.c.keys[key], self.c.seed, 0
        for packed, plan in self.results(key):
            for start in range(0, len(packed), self.c.code.chunk):
                stop = min(start + self.c.code.chunk, len(packed))
                place += 1
                context = (type(self).__name__, self.c.clock, place, self.heard.digest())
                masked, _ = share_slots(
                    he, he.take(packed, np.arange(start, stop, dtype=np.int64)), plan,
                    masks=seed.stream("logistic-mask", *context),
                    seals=seed.stream("logistic-seal", *context, key),
                )  # fmt: skip
                yield masked

    def _open(self, key: Key, sealed: SealedCiphertexts) -> Ciphertexts:
        self.heard.update(sealed.data)
        return self.c.keys[key].open(sealed)

    def _pack(self, key: Key, values: Ciphertexts, plan: SlotPlan) -> tuple[Ciphertexts, SlotPlan]:
        return self.c.keys[key].pack(values, plan.per, plan.slot_bits), plan


class Collected(Answer):
    """Everything under one key is one vector of known length."""

    def __init__(self, columns: Columns, count: int) -> None:
        super().__init__(columns)
        self._count = count
        self._parts: dict[Key, list[Ciphertexts]] = {key: [] for key in Key}

    def take(self, key: Key, sealed: SealedCiphertexts) -> None:
        self._parts[key].append(self._open(key, sealed))

    def vector(self, key: Key) -> Ciphertexts:
        count = sum(map(len, self._parts[key]))
        if count < self._count:
            raise wrong_count()
        return self.c.keys[key].concat(self._parts[key])


class StartAnswer(Answer):
    """The own weights under the bank's key, nothing under the platform's: with one mask, shares of them."""

    def results(self, key: Key) -> Iterator[tuple[Ciphertexts, SlotPlan]]:
        he, design = self.c.keys[key], self.c.design
        weights = signed(to_fixed(design.whitened(self.c.progress.own.weights))).tolist()
        plain = limbs.from_ints([w % he.public.n if key is Key.BANK else 0 for w in weights], he.public.limbs)
        stream = self.c.seed.stream("logistic-start", self.c.clock, key, hashlib.sha256(plain.tobytes()).digest())
        yield self._pack(key, he.encrypt(plain, stream), start_plan(he.public))


class MarginAnswer(Collected):
    """What the own columns add to each row's angle: [[weights mod 2^53]], then the whole ring elements."""

    def __init__(self, columns: Columns) -> None:
        super().__init__(columns, 2 * columns.design.columns)

    def results(self, key: Key) -> Iterator[tuple[Ciphertexts, SlotPlan]]:
        he, own = self.c.keys[key], self.c.design.columns
        index = np.arange(2 * own, dtype=np.int64)
        both = self.vector(key)
        low, self.c.weights[key] = he.take(both, index[:own]), he.take(both, index[own:])
        plan = self.c.code.margins(he.public)
        tables = margin_tables(he, self.c.design, low, plan)
        for start in range(0, plan.groups(self.c.rows), self.c.code.chunk):
            groups = slice(start, min(start + self.c.code.chunk, plan.groups(self.c.rows)))
            yield margins_of_rows(he, self.c.design, tables, groups), plan


class SumAnswer(Answer):
    """Sums by own bin of each row's product of both parties' values, and of the mask over it."""

    def __init__(self, columns: Columns) -> None:
        super().__init__(columns)
        self._sums: dict[Key, Ciphertexts] = {}
        self._row = 0
        self._series = columns.code.gradient_series(columns.progress.precision)

    def take_relay(self, owner: str, under: dict[Key, SealedCiphertexts]) -> None:
        design = self.c.design
        rows = slice(self._row, self._row + len(under[Key.BANK]))
        self._row = rows.stop
        if self._row > self.c.rows or len(under[Key.PLATFORM]) != rows.stop - rows.start:
            raise wrong_count()
        for key, sealed in under.items():
            he = self.c.keys[key]
            sums = sums_by_place(he, design, self._open(key, sealed), rows, self._series)
            self._sums[key] = plus(he, self._sums.get(key), sums)

    def results(self, key: Key) -> Iterator[tuple[Ciphertexts, SlotPlan]]:
        if self._row != self.c.rows:
            raise wrong_count()
        he = self.c.keys[key]
        sums = brought_together(he, self.c.design, self._sums[key], self._series)
        yield self._pack(key, sums, self.c.code.relayed_sums(he.public, self._series))


class GradientAnswer(Collected):
    """Sums times columns, and the ridge times the weights that :class:`MarginAnswer` left."""

    def __init__(self, columns: Columns) -> None:
        super().__init__(columns, int(columns.design.counts.sum()))

    def take_relay(self, owner: str, under: dict[Key, SealedCiphertexts]) -> None:
        for key, sealed in under.items():
            self.take(key, sealed)

    def results(self, key: Key) -> Iterator[tuple[Ciphertexts, SlotPlan]]:
        he, design, code = self.c.keys[key], self.c.design, self.c.code
        if key not in self.c.weights:
            raise too_early("weight share")
        series = code.gradient_series(self.c.progress.precision)
        # A last group that was not full brought sums of nothing.
        sums = he.take(self.vector(key), np.arange(self._count, dtype=np.int64))
        ridge = np.rint(np.ldexp(design.ridge, code.gradient_scale(series) - FRACTION)).astype(np.int64)
        gradient = he.add(linear_map(he, sums, design.back), linear_map(he, self.c.weights[key], ridge))
        if key is Key.BANK:
            gradient = he.add_plain(gradient, fixed_plaintexts(he, design.linear, code.gradient_scale(series)))
        yield self._pack(key, gradient, code.relayed_gradient(he.public, series))


class VarianceAnswer(Collected):
    """The diagonal of T X Tᵀ, X the own block of the inverse."""

    def __init__(self, columns: Columns) -> None:
        super().__init__(columns, columns.design.columns**2)

    def results(self, key: Key) -> Iterator[tuple[Ciphertexts, SlotPlan]]:
        he = self.c.keys[key]
        diagonal = linear_map(he, self.vector(key), variance_factors(self.c.design.whiten))
        yield self._pack(key, diagonal, variance_plan(he.public))


class CurvatureAnswer(Answer):
    """The own block, then the blocks across from each owner that relayed its columns times slopes.

    At the start the bank alone has slopes, and its columns end with its residuals.
    """

    def __init__(self, columns: Columns, bank: str) -> None:
        super().__init__(columns)
        self._bank, self._start = bank, columns.progress.from_own_model
        self._rows = columns.progress.rows_of_curvature(columns.rows, columns.total)
        self._slopes: dict[Key, list[Ciphertexts]] = {key: [] for key in Key}
        self._cross: dict[str, dict[Key, list[Ciphertexts]]] = {}
        self._taken: dict[str, int] = {}

    # --- as relaying owner ------------------------------------------------------------------------------------

    def relay(self) -> Iterator[tuple[SealedCiphertexts, ...]]:
        """Both shares of each slope times own columns, for another provider."""
        code, keys = self.c.code, self.c.keys
        plan = code.relayed_block(keys[Key.BANK].public)
        packed = stretched_columns(self.c.design, plan, self._rows)
        groups = packed.shape[1]
        slopes = {key: self._slopes_under(key) for key in Key}
        for part in relay_chunks(code, self._rows, groups):
            masks = Masks(
                self.c.seed, (type(self).__name__, self.c.clock, part.start, self.heard.digest()),
                code.relayed_column_bits(), plan.per, plan.slot_bits,
            )  # fmt: skip
            yield tuple(relay_products(keys[key], slopes[key], packed, part, masks) for key in Key)

    # --- as summing party -------------------------------------------------------------------------------------

    def take(self, key: Key, sealed: SealedCiphertexts) -> None:
        self._slopes[key].append(self._open(key, sealed))

    def take_relay(self, owner: str, under: dict[Key, SealedCiphertexts]) -> None:
        design = self.c.design
        groups = self._groups(owner)
        count, rest = divmod(len(under[Key.BANK]), groups)
        first = self._taken.get(owner, 0)
        self._taken[owner] = first + count
        if rest or self._taken[owner] > self._rows or len(under[Key.PLATFORM]) != count * groups:
            raise wrong_count()
        bins = design.bins[first : first + count]
        blocks = self._cross.setdefault(owner, {})
        for key, sealed in under.items():
            he, c = self.c.keys[key], self._open(key, sealed)
            parts = [he.take(c, np.arange(j, len(c), groups, dtype=np.int64)) for j in range(groups)]
            sums = [he.bucket_sums(part, bins, None, design.counts) for part in parts]
            old = blocks.get(key)
            blocks[key] = sums if old is None else [he.add(a, b) for a, b in zip(old, sums, strict=True)]

    def _groups(self, owner: str) -> int:
        if owner not in self.c.widths:
            raise wrong_count()
        width = self.c.widths[owner] + (self._start and owner == self._bank)
        return self.c.code.relayed_block(self.c.keys[Key.BANK].public).groups(width)

    def results(self, key: Key) -> Iterator[tuple[Ciphertexts, SlotPlan]]:
        he, design, code = self.c.keys[key], self.c.design, self.c.code
        if any(count != self._rows for count in self._taken.values()):
            raise wrong_count()
        plan = code.own_block(he.public)
        slopes = self._slopes_under(key)
        if slopes is None:
            nothing = np.zeros((plan.groups(design.columns**2), he.public.limbs), dtype=np.uint64)
            yield he.encrypt(nothing, self.c.seed.stream("logistic-nothing", self.c.clock)), plan
        else:
            block = own_block(he, design, self._pairs(he, slopes), self._rows)
            if key is Key.BANK:
                block = he.add_plain(block, fixed_plaintexts(he, design.ridge, code.own_scale()))
            yield self._pack(key, block, plan)
        back = design.curve_table(self._rows, stretched=False)
        plan = code.relayed_block(he.public)
        for owner in self.c.widths:
            if owner in self._cross:
                parts = [linear_map(he, part, back) for part in self._cross[owner][key]]
                if key is Key.BANK and self._start and owner == self._bank:
                    self._add_linear(he, parts, plan)
                order = np.arange(len(parts) * design.columns, dtype=np.int64).reshape(len(parts), -1).T.ravel()
                yield he.take(he.concat(parts), order), plan

    def _add_linear(self, he: AdditiveHE, parts: list[Ciphertexts], plan: SlotPlan) -> None:
        """The own linear penalties, to the column of residuals, which gives the gradient."""
        group, slot = divmod(self.c.widths[self._bank], plan.per)
        shifted = fixed_plaintexts(he, self.c.design.linear, self.c.code.cross_scale(), slot * plan.slot_bits)
        parts[group] = he.add_plain(parts[group], shifted)

    def _slopes_under(self, key: Key) -> Ciphertexts | None:
        if not self._slopes[key]:
            return None
        out = self.c.keys[key].concat(self._slopes[key])
        if len(out) != self._rows:
            raise wrong_count()
        return out

    def _pairs(self, he: AdditiveHE, slopes: Ciphertexts) -> Ciphertexts:
        total: Ciphertexts | None = None
        for start in range(0, self._rows, _FLUSH_ROWS):
            rows = np.arange(start, min(start + _FLUSH_ROWS, self._rows), dtype=np.int64)
            total = plus(he, total, pair_sums(he, self.c.design, he.take(slopes, rows), self.c.design.bins[rows]))
        if total is None:
            raise wrong_count()
        return total


def fixed_plaintexts(he: AdditiveHE, values: Floats, scale: int, shift: int = 0) -> Limbs:
    """Own numbers in the units of a result with ``scale`` >= 32 fractional bits, from bit ``shift`` on."""
    fixed = [round(v * (1 << FRACTION)) << (scale - FRACTION + shift) for v in values.ravel().tolist()]
    return limbs.from_ints([v % he.public.n for v in fixed], he.public.limbs)
