"""What a scorecard costs, before anything runs: bytes, turns, seconds and memory of its bins and its regression.

Counts follow the rounds of :mod:`vfl.protocols.logistic`: per row a step encrypts one value, a curvature one or two
and the packed columns; an inversion multiplies matrices of all owners' columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from vfl.config.job import JobSpec
from vfl.crypto.masking import MASK_BITS
from vfl.protocols.binning_sums import woe_limit
from vfl.protocols.logistic import inversion_intervals
from vfl.protocols.logistic_code import LogisticCode
from vfl.protocols.plan import MOST_FEATURES, train_rows
from vfl.service.plan_speed import Speed

__all__ = ["CardCost", "card_bytes", "card_seconds", "card_turns"]

_CROSS_BITS, _MARGIN_BITS, _PRODUCT_BITS = 130, 90, 264
"""Bits of one value in the packed columns of a curvature (and a bit per doubling of the rows), in margins, in
products of the shared ring; beside each its mask."""


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
    def iterations(self) -> int:
        return len(inversion_intervals(2 + self.providers))

    @property
    def later(self) -> int:
        """Steps that look at the rows: all but the first, and those of refits."""
        s = self.spec.logistic
        return s.steps - (not s.warm_start) + (s.passes - 1) * s.refit_steps

    @property
    def ends(self) -> int:
        """Curvatures of all rows for standard errors."""
        s = self.spec.logistic
        return s.passes if s.selection != "none" else int(s.standard_errors)

    @property
    def curvature_rows(self) -> int:
        """Rows of all curvatures after the bank's own first one."""
        s = self.spec.logistic
        interim = (s.curvatures - 1 + s.passes - 1) * min(self.rows, s.curvature_rows)
        return interim + self.ends * self.rows

    @property
    def inversions(self) -> int:
        s = self.spec.logistic
        return s.curvatures + s.passes - 1 + self.ends

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
    small = cost.inversions * (cost.iterations + 2) * matrix + cost.later * (2 * cost.bins + cost.total)
    bank = (
        cost.later * rows + rows * (1 + cost.groups(cost.bank + 2))
        + cost.curvature_rows * (2 + cost.groups(cost.bank + 1)) + small
    )  # fmt: skip
    platform = cost.later * rows + cost.curvature_rows * (1 + cost.groups(cost.platform)) + small
    margins = (cost.later + cost.ends) * math.ceil(rows / cost.per(_MARGIN_BITS))
    products = cost.inversions * (2 * cost.iterations + 4) * matrix
    back = margins + products + cost.later * (cost.bins + cost.total)
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
        "PlatformMasked": (back + cost.curvature_rows) * ciphertext,
        "BankShare": 80 * cost.platform,
        "PlatformShare": 80 * (1 + cost.bank),
        "PlatformPoints": 4 * rows,
    }


def card_turns(cost: CardCost) -> int:
    """Ten for bins and screening, four for keys and widths; per step margins, sums, gradient and direction; per
    curvature slopes and blocks; six per iteration of an inversion."""
    return 14 + 12 * cost.later + cost.inversions * (6 * cost.iterations + 14) + 4 * cost.spec.logistic.passes


def card_seconds(cost: CardCost, speed: Speed) -> dict[str, float]:
    """Seconds by part; the parties take turns, so their times add up."""
    rows, columns = cost.rows, cost.bank + cost.platform
    full, reply = speed.seal, (speed.seal + speed.decrypt) / cost.per(_MARGIN_BITS)
    pairs = (cost.bank**2 + cost.platform**2) / 2
    blocks = (pairs + 2 * cost.bank * cost.platform / cost.per(_CROSS_BITS)) * speed.add
    columns_out = (2 + cost.groups(cost.bank + 1) + cost.groups(cost.platform)) * speed.encrypt
    multiply = speed.seal / 90  # a short exponent, against the full-size one of a seal
    micro = {
        "binning": rows * (2 * speed.encrypt + (2 + cost.bank / 20) * cost.platform * speed.add),
        "margins": (cost.later + cost.ends) * rows * 2 * (reply + columns * speed.add / 2),
        "sums of residuals": cost.later * rows * (2 * speed.encrypt + full + columns * speed.add),
        "curvatures": cost.curvature_rows * (2 * full + speed.decrypt + blocks + columns_out)
        + rows * (blocks + columns_out),
        "inversions": cost.inversions * cost.iterations * 4 * cost.total**3 * multiply,
    }
    if cost.providers:
        own, theirs = cost.relayed(cost.bank + 2), cost.relayed(cost.platform)
        # A row's columns cost an exponentiation of full size and a seal under each key that is not one's own.
        products = (own + theirs) * (2 * full + speed.encrypt) + (cost.providers - 1) * theirs * 4 * full
        micro["relays"] = cost.later * rows * (full + speed.encrypt) + (rows + cost.curvature_rows) * products
        micro["providers"] = cost.providers * (rows + cost.curvature_rows) * 2 * speed.add * (
            cost.platform**2 / 2 + cost.platform * (own + cost.providers * theirs)
        ) + cost.providers * cost.later * rows * 4 * (reply + cost.platform * speed.add)
    return {name: value / 1e6 for name, value in micro.items()}


def _product_bits(rows: int) -> int:
    return (woe_limit(rows) ** 2 * rows).bit_length() + 1
