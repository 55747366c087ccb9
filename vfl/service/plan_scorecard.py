"""What a scorecard costs, before anything runs: bytes, turns, seconds and memory of its bins and its regression.

Counts follow the rounds of :mod:`vfl.protocols.logistic`: a step encrypts each value of a row's series for some twenty
rows at once, a curvature a row's slope in parts and its packed columns; an inversion multiplies matrices of all
owners' columns, a solution vectors with them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from vfl.config.job import JobSpec
from vfl.crypto.masking import MASK_BITS
from vfl.crypto.multipliers import DIGIT_BITS
from vfl.crypto.shares import RING
from vfl.protocols.binning_sums import woe_limit
from vfl.protocols.logistic_code import FINE_SLOPES, PRECISION, SLOPE_VALUES, LogisticCode, Precision
from vfl.protocols.logistic_inverse import inversion_intervals, solution_steps
from vfl.protocols.logistic_progress import curvature_sample
from vfl.protocols.plan import MOST_FEATURES, train_rows
from vfl.service.plan_speed import Speed

__all__ = ["CardCost", "card_bytes", "card_seconds", "card_turns"]

_CROSS_BITS, _MARGIN_BITS, _PRODUCT_BITS = 131, 90, 264
"""Bits of one value in the packed columns of a curvature (and a bit per doubling of the rows), in margins, in
products of the shared ring; beside each its mask."""

_POOLED = 3.5
"""A seal from a pool of randomisers, in encryptions by the key holder."""


@dataclass(frozen=True, slots=True)
class CardCost:
    """Sizes of a scorecard job with each owner's declared features: what screening takes out makes it cheaper.

    ``rows`` train; ``widest`` and ``total`` count columns of one and of all owners, the intercept included.
    """

    spec: JobSpec
    rows: int
    bank: int
    platform: int

    @classmethod
    def of(cls, spec: JobSpec, *, aligned: int, bank_features: int, features: Mapping[str, int]) -> CardCost:
        bank = min(bank_features, MOST_FEATURES) if spec.bank_features else 0
        return cls(spec, train_rows(spec, aligned), bank, min(max(features.values()), MOST_FEATURES))

    @property
    def providers(self) -> int:
        """Platforms after the first."""
        return len(self.spec.platforms) - 1

    @property
    def total(self) -> int:
        return 1 + self.bank + self.platform * (1 + self.providers)

    @property
    def bins(self) -> int:
        """Of the wider owner's columns after merging, the missing and unseen ones included."""
        return max(self.bank, self.platform) * (self.spec.binning.max_bins + 2) + 1

    @property
    def later(self) -> int:
        """Steps that look at the rows: all but the first, and those of refits."""
        return len(self.precisions)

    @property
    def precisions(self) -> list[Precision]:
        """Of each of them."""
        s = self.spec.logistic
        lengths = [s.steps - (not s.warm_start), *[s.refit_steps] * (s.passes - 1)]
        return [PRECISION[min(left, len(PRECISION) - 1)] for length in lengths for left in range(length)]

    @property
    def ends(self) -> int:
        """Curvatures of all rows for standard errors."""
        s = self.spec.logistic
        return s.passes if s.selection != "none" else int(s.standard_errors)

    @property
    def curvature_rows(self) -> int:
        """Rows of all curvatures after the first one."""
        s = self.spec.logistic
        followers = [*range(s.curvatures - 1), *[0] * (s.passes - 1 + self._in_last_step)]
        return sum(curvature_sample(s, self.rows, self.total, n) for n in followers) + self.ends * self.rows

    @property
    def curvatures(self) -> int:
        s = self.spec.logistic
        return s.curvatures + s.passes - 1 + self._in_last_step + self.ends

    @property
    def _in_last_step(self) -> int:
        """A curvature of the first pass's last step that is not one for standard errors."""
        s = self.spec.logistic
        return int(s.steps > s.curvatures and s.new_curvature(s.steps - 1) and not s.errors_at_once)

    @property
    def solutions(self) -> int:
        """Directions found with a curvature and the inverse of its bound."""
        s = self.spec.logistic
        if not s.bounded:
            return 0
        return s.steps - 1 if s.curvatures > 1 else int(s.steps > 1 and s.new_curvature(s.steps - 1))

    @property
    def inversions(self) -> list[int]:
        """Iterations of each inversion."""
        s, owners = self.spec.logistic, 2 + self.providers
        full = len(inversion_intervals(owners))
        if not s.bounded:
            return [full] * self.curvatures
        after = [len(inversion_intervals(owners, bounded=True))] if s.errors_at_once else []
        return [full] * (1 + s.passes - 1 + self.ends - len(after)) + after

    @property
    def code(self) -> LogisticCode:
        return LogisticCode(self.rows, self.spec.key_bits, relayed=self.providers > 0)

    def per(self, bits: int) -> int:
        """Values of so many bits in one ciphertext, each under its mask."""
        return max(1, (self.spec.key_bits - 1 - MASK_BITS) // (bits + 1 + MASK_BITS))

    def groups(self, columns: int) -> int:
        """Ciphertexts of one row's packed columns."""
        return math.ceil(columns / self.per(_CROSS_BITS + self.rows.bit_length()))

    def relayed(self, columns: int) -> int:
        """Ciphertexts of one row's packed columns on their way to a provider, under one key."""
        code = LogisticCode(self.rows, self.spec.key_bits, relayed=True)
        return math.ceil(columns / self.per(code.relayed_block_bits()))


def card_bytes(cost: CardCost) -> dict[str, int]:
    """Payload by message type and receiver, at most; messages that carry no bulk are left to their envelope."""
    spec, rows, ciphertext = cost.spec, cost.rows, cost.spec.key_bits // 4
    matrix = math.ceil(cost.total**2 / cost.per(_PRODUCT_BITS))
    vector = math.ceil(cost.total / cost.per(_PRODUCT_BITS))
    slopes = cost.code.slope_series(FINE_SLOPES)
    sums = sum(
        math.ceil(rows / series.per) * series.values for series in map(cost.code.gradient_series, cost.precisions)
    )
    iterations = sum(cost.inversions)
    small = (cost.curvatures + len(cost.inversions) + iterations) * matrix + cost.later * (2 * cost.bins + cost.total)
    bank = (
        sums + rows * (1 + cost.groups(cost.bank + 2))
        + cost.curvature_rows * (slopes.parts + 1 + cost.groups(cost.bank + 1)) + small
    )  # fmt: skip
    platform = sums + cost.curvature_rows * (1 + cost.groups(cost.platform)) + small
    margins = (cost.later + cost.ends) * math.ceil(rows / cost.per(_MARGIN_BITS))
    products = 2 * iterations * matrix + cost.later * vector + 2 * cost.solutions * len(solution_steps()) * vector
    back = margins + products + cost.curvatures * 2 * matrix + cost.later * (cost.bins + cost.total)
    curved = rows + cost.curvature_rows
    relays = {
        "BankRelay": 2 * curved * cost.relayed(cost.bank + 2) * ciphertext,
        "PlatformRelay": 2 * (cost.later * (rows + cost.bins) + curved * cost.relayed(cost.platform)) * ciphertext,
    }
    bank += 2 * cost.providers * cost.later * cost.bins
    wide = max(1, (spec.key_bits - 1 - MASK_BITS) // _product_bits(rows))
    pre_bins = cost.platform * (spec.binning.pre_bins + 1)
    return (relays if cost.providers else {}) | {
        "EncryptedLabels": rows * ciphertext,
        "PreBinRows": 5 * pre_bins,
        "EventSums": ciphertext * (1 + pre_bins // cost.per(rows.bit_length())),
        "BinMerges": 5 * pre_bins,
        "EncryptedWoe": math.ceil(cost.bank / wide) * rows * ciphertext,
        "OwnCorrelations": 3 * cost.platform**2 // 2,
        "CrossSums": math.ceil(cost.bank / wide) * ciphertext * (1 + cost.platform),
        "PlatformKeyOffer": 16 * spec.key_bits // 8,
        "BankEncrypted": bank * ciphertext,
        "PlatformEncrypted": platform * ciphertext,
        "BankMasked": back * ciphertext,
        "PlatformMasked": (back + math.ceil(cost.curvature_rows / slopes.per) + cost.curvatures) * ciphertext,
        "BankShare": 80 * cost.platform,
        "PlatformShare": 80 * (1 + cost.bank),
        "PlatformPoints": 4 * rows,
    }


def card_turns(cost: CardCost) -> int:
    """Ten for bins and screening, four for keys and widths; per step margins, sums, gradient and direction; per
    curvature slopes and blocks; six per iteration of an inversion, four per step of a solution."""
    solved = 4 * cost.solutions * len(solution_steps()) + 6 * sum(cost.inversions)
    return 14 + 12 * cost.later + 14 * cost.curvatures + solved + 4 * cost.spec.logistic.passes


def card_seconds(cost: CardCost, speed: Speed) -> dict[str, float]:
    """Seconds by part; the parties take turns, so their times add up."""
    rows, columns = cost.rows, cost.bank + cost.platform
    full, pooled = speed.seal, _POOLED * speed.encrypt
    answer = pooled + speed.decrypt
    reply = answer / cost.per(_MARGIN_BITS)
    pairs = (cost.bank**2 + cost.platform**2) / 2
    blocks = (pairs + 2 * cost.bank * cost.platform / cost.per(_CROSS_BITS)) * speed.add
    columns_out = (2 + cost.groups(cost.bank + 1) + cost.groups(cost.platform)) * speed.encrypt
    slopes = cost.code.slope_series(FINE_SLOPES)
    sloped = slopes.parts * (speed.encrypt + (14 + 2 * SLOPE_VALUES) * speed.add) + answer / slopes.per
    groups = math.ceil(cost.total / cost.per(_PRODUCT_BITS))
    digits = RING / DIGIT_BITS
    # Both parties; each output one product per input and digit, and the squarings.
    product = 2 * groups * (cost.total * (digits * cost.total + RING) * speed.add + cost.total * answer)
    vector = 2 * groups * ((digits + 14) * cost.total * speed.add + answer)
    iterations = sum(cost.inversions)
    micro = {
        "binning": rows * (2 * speed.encrypt + (2 + cost.bank / 20) * cost.platform * speed.add),
        "margins": (cost.later + cost.ends) * rows * 2 * (reply + columns * speed.add / 2),
        "sums of residuals": rows * sum(_row_of_sums(cost, precision, speed) for precision in cost.precisions),
        "curvatures": cost.curvature_rows * (sloped + blocks + columns_out) + rows * (blocks + columns_out),
        "inversions": 2 * iterations * product + 2 * cost.solutions * len(solution_steps()) * vector,
        "randomisers": (2 + 2 * cost.providers) * (speed.key_bits + 128) * full,
    }
    if cost.providers:
        own, theirs = cost.relayed(cost.bank + 2), cost.relayed(cost.platform)
        # A row's columns cost an exponentiation of full size and a seal under each key that is not one's own.
        passed_on = (cost.providers - 1) * theirs * 2 * (full + pooled)
        products = (own + theirs) * (full + pooled + speed.encrypt) + passed_on
        micro["relays"] = cost.later * rows * (pooled + speed.encrypt) + (rows + cost.curvature_rows) * products
        micro["providers"] = cost.providers * (rows + cost.curvature_rows) * 2 * speed.add * (
            cost.platform**2 / 2 + cost.platform * (own + cost.providers * theirs)
        ) + cost.providers * cost.later * rows * 4 * (reply + cost.platform * speed.add)
    return {name: value / 1e6 for name, value in micro.items()}


def _product_bits(rows: int) -> int:
    return (woe_limit(rows) ** 2 * rows).bit_length() + 1


def _row_of_sums(cost: CardCost, precision: Precision, speed: Speed) -> float:
    """Microseconds of one row's sums of residuals, both parties: encryption, weighing the other's values, bins."""
    series = cost.code.gradient_series(precision)
    digits = sum(math.ceil((series.reach(bank=bank) + 1) / DIGIT_BITS) for bank in (True, False))
    products = series.values * (digits + 2 * 14 / series.per) + DIGIT_BITS * digits + 2
    return 2 * series.values / series.per * speed.encrypt + (products + cost.bank + cost.platform) * speed.add
