"""How labels and WOE columns travel in binning and screening, and what the two may send in all.

Both sides derive the same layouts from the contract and the numbers of rows and columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from vfl.config.binning import BinningSpec
from vfl.config.contract import Budget
from vfl.core.selection import Reason
from vfl.core.woe import WOE_DECIMALS
from vfl.crypto.encoding import FixedPoint
from vfl.crypto.masking import MASK_BITS
from vfl.crypto.packing import SlotLayout
from vfl.crypto.paillier import PublicKey
from vfl.protocols.sums import REPLY_CIPHERTEXTS, ciphertexts_per_message

__all__ = [
    "IV_UNIT",
    "VERDICT_REASONS",
    "WOE_UNIT",
    "SumCode",
    "binning_budgets",
    "label_code",
    "woe_codes",
    "woe_limit",
]

WOE_UNIT: int = 10**WOE_DECIMALS
"""WOE crosses as a whole number of these parts."""

IV_UNIT = 10**4
"""IV and correlations cross as whole numbers of these parts."""

VERDICT_REASONS = (Reason.LOW_IV, Reason.HIGH_IV, Reason.CORRELATION, Reason.VIF)
"""Verdict k > 0 of a candidate means that it goes for reason k - 1."""


@dataclass(frozen=True, slots=True)
class SumCode:
    """Slots of one plaintext, and how many plaintexts fit where."""

    slots: SlotLayout
    per_ciphertext: int
    """Sums that one reply ciphertext carries under its window mask."""
    chunk: int
    """Ciphertexts per message."""


def label_code(rows: int, key: PublicKey) -> SumCode:
    """Layout of sums of 0 and 1 over at most ``rows`` rows."""
    layout = _label_slots(rows)
    return SumCode(layout, layout.capacity(key), ciphertexts_per_message(key.key_bytes))


def woe_limit(rows: int) -> int:
    """The largest WOE, in units, that ``rows`` rows can give: ln(2 rows), since an empty class counts as half a row."""
    return math.ceil(WOE_UNIT * math.log(2 * rows)) + 1


def woe_codes(rows: int, columns: int, key: PublicKey) -> list[SumCode]:
    """Layouts of products of WOE columns, summed over ``rows`` rows: as many columns to a plaintext as fit."""
    fit = max(1, (key.bits - 1 - MASK_BITS) // _product_bits(rows))
    out = []
    for start in range(0, columns, fit):
        names = tuple(str(column) for column in range(start, min(start + fit, columns)))
        layout = SlotLayout(names, (_product_bits(rows),) * len(names))
        out.append(SumCode(layout, layout.capacity(key), ciphertexts_per_message(key.key_bytes)))
    return out


def binning_budgets(
    spec: BinningSpec, *, rows: int, key_bits: int, features: Mapping[str, int], bank_features: int
) -> dict[str, Budget]:
    """Messages and bits per message type and receiver, at most; ``features`` by platform."""
    most = max(features.values())
    bins = most * (spec.pre_bins + 1)
    chunk = ciphertexts_per_message(key_bits // 8)
    label_bits, product_bits, room = _label_slots(rows).width, _product_bits(rows), key_bits - 1 - MASK_BITS
    label_replies = math.ceil(bins / max(1, room // label_bits))
    fit = max(1, room // product_bits)
    groups = math.ceil(bank_features / fit)
    products = most * bank_features
    return {
        "LabelCommitment": Budget(1, 0),
        "EncryptedLabels": Budget(math.ceil(rows / chunk), 0),
        "PreBinRows": Budget(1, 17 * most + 32 * bins),
        "EventSums": Budget(max(1, math.ceil(label_replies / REPLY_CIPHERTEXTS)), bins * label_bits + label_replies),
        "BinMerges": Budget(1, 23 * bins + 25 * most),
        "OwnChoices": Budget(1, 2 * most),
        "BankColumns": Budget(1, 16),
        "EncryptedWoe": Budget(groups * math.ceil(rows / chunk), 0),
        "OwnCorrelations": Budget(1, 15 * most * (most - 1) // 2),
        "CrossSums": Budget(
            groups * max(1, math.ceil(most / REPLY_CIPHERTEXTS)), products * product_bits + groups * most
        ),
        "Verdicts": Budget(1, 4 * most),
    }


def _label_slots(rows: int) -> SlotLayout:
    return SlotLayout(("y",), (FixedPoint(max_abs=1.0, fraction_bits=0, max_rows=rows).width,))


def _product_bits(rows: int) -> int:
    return (woe_limit(rows) ** 2 * rows).bit_length() + 1
