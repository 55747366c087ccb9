"""What a logistic regression will send at most: its budgets, computed from the contract before anything is signed."""

from __future__ import annotations

import math

from vfl.config.contract import Budget
from vfl.config.logistic import LogisticSpec
from vfl.crypto.masking import MASK_BITS
from vfl.protocols.logistic_code import BIN_LOG, FINE_SLOPES, PRECISION, LogisticCode
from vfl.protocols.logistic_inverse import inversion_intervals, solution_steps

__all__ = ["logistic_budgets"]


def logistic_budgets(
    spec: LogisticSpec, *, rows: int, columns: int, key_bits: int, providers: int = 0
) -> dict[str, Budget]:
    """Messages and bits per message type and receiver, at most.

    Parameters
    ----------
    rows : int
        Upper bound of the training rows.
    columns : int
        Upper bound of one owner's columns, the intercept included.
    providers : int
        Platforms after the first.
    """
    code = LogisticCode(rows, key_bits, relayed=providers > 0)
    chunk = code.chunk
    margins = math.ceil(rows / chunk)
    # Values of rows that go together are not torn apart, so a message is full but for less than one group of rows.
    series, slopes = code.gradient_series(PRECISION[0]), code.slope_series(FINE_SLOPES)
    sums = math.ceil(rows / (series.per * max(1, chunk // series.values)))
    sloped = math.ceil(rows / (slopes.per * max(1, chunk // (slopes.per * slopes.parts))))
    by_bin = math.ceil(2 * (1 << BIN_LOG) / chunk)
    matrix = math.ceil(((2 + providers) * columns) ** 2 / chunk)
    curvature = math.ceil(rows / max(1, chunk // (columns + 2))) + 2 * matrix
    refits = spec.passes - 1
    # Standard errors want one more look at the rows, in each pass where columns are chosen by them.
    errors = spec.passes if spec.selection != "none" else 1
    passes, inversions = spec.steps + refits * spec.refit_steps + errors, spec.curvatures + 1 + refits + errors
    iterations = len(inversion_intervals(2 + providers))
    encrypted = passes * (sums + 2 * by_bin + 1) + inversions * (sloped + curvature + (iterations + 2) * matrix)
    masked = passes * (margins + 2 * by_bin + matrix) + inversions * (sloped + curvature + 2 * iterations * matrix)
    masked += 2 * spec.steps * len(solution_steps()) * math.ceil((2 + providers) * columns / chunk)
    opened = spec.passes + 1
    share = opened * 2 * 128 * columns
    added = _provider_budgets(
        rows=rows, columns=columns, providers=providers, key_bits=key_bits, curvatures=inversions, passes=passes
    )
    ours = {
        "PlatformKeyOffer": Budget(1, 0),
        "BankKeyAck": Budget(1, 0),
        "BankWidth": Budget(1, 16),
        "PlatformWidth": Budget(1, 16),
        "BankEncrypted": Budget(encrypted, 0),
        "PlatformEncrypted": Budget(encrypted, 0),
        "BankMasked": Budget(masked, 0),
        "PlatformMasked": Budget(masked, 0),
        "BankShare": Budget(opened, share),
        "PlatformShare": Budget(opened, share),
        "PlatformRefit": Budget(refits, refits),
        "RefitBegin": Budget(refits, refits),
    }
    more = {name: Budget(ours[name].messages + b.messages, 0) if name in ours else b for name, b in added.items()}
    return ours | more


def _provider_budgets(
    *, rows: int, columns: int, providers: int, key_bits: int, curvatures: int, passes: int
) -> dict[str, Budget]:
    """What further platforms add; ``curvatures`` and ``passes``: how often a curvature and a gradient are made."""
    if not providers:
        return {}
    code = LogisticCode(rows, key_bits, relayed=True)
    chunk, half = code.chunk, max(1, code.chunk // 2)
    per = max(1, (key_bits - 1 - MASK_BITS) // (code.relayed_block_bits() + 1 + MASK_BITS))
    groups = math.ceil((columns + 1) / per)
    by_row, by_bin = math.ceil(rows / chunk), math.ceil(2 * providers * (1 << BIN_LOG) / chunk)
    matrix = math.ceil(columns**2 / chunk) + 1
    columns_by_row = math.ceil(rows / max(1, half // groups))
    blocks = matrix + (providers + 1) * (math.ceil(columns * groups / chunk) + 1)
    return {
        "BankEncrypted": Budget(passes * (by_bin + matrix) + curvatures * by_row + matrix, 0),
        "PlatformEncrypted": Budget(passes * matrix + curvatures * by_row + matrix, 0),
        "PlatformMasked": Budget(passes * (1 + by_row + by_bin + matrix) + curvatures * blocks + matrix, 0),
        "BankRelay": Budget(curvatures * columns_by_row, 0),
        "PlatformRelay": Budget(
            passes * (math.ceil(rows / half) + math.ceil((1 << BIN_LOG) / half)) + curvatures * columns_by_row, 0
        ),
    }
