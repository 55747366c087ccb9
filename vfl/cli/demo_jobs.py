"""The two jobs of the demo, trees and a scorecard, in sizes that this machine trains within two minutes.

A quick measurement decides, since machines differ twentyfold: a kernel with AVX-512 IFMA encrypts a row in 25 µs on
two cores, one without it in 180, gmpy2 in 450.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from vfl.service.plan_speed import encryption_time

__all__ = ["KEY_BITS", "DemoSizes", "card_job", "sizes_of", "trees_job"]

KEY_BITS = 2048

_COMMON = """\
[job]
name = "demo"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = {as_of}
model = "{model}"

[privacy]
key_bits = {key_bits}

[sample]
train = {train}
valid = {valid}
test = {test}
"""
_TREES = """
[trees]
trees = {trees}
num_leaves = 15
learning_rate = {rate}
min_data_in_leaf = 50
early_stopping_rounds = 20
"""
_CARD = """
[binning]
min_iv = {min_iv}
max_correlation = 0.6

[logistic]
curvature_rows = 2000
standard_errors = {standard_errors}
"""


@dataclass(frozen=True, slots=True)
class DemoSizes:
    """What is trained: ``train_rows`` of the scorecard at most, beyond which rows only test it."""

    encryption: float
    """Microseconds, measured."""
    trees: int
    train_rows: int
    standard_errors: bool


_SIZES = ((75.0, 12, 10_000, True), (200.0, 2, 3000, True), (400.0, 1, 1200, False), (float("inf"), 1, 1000, False))
"""(microseconds of an encryption below which, trees, training rows of the scorecard, standard errors)."""


def sizes_of(trees: int | None) -> DemoSizes:
    """Sizes for this machine; ``trees`` if given."""
    measured = encryption_time(KEY_BITS)
    _, most, rows, errors = next(size for size in _SIZES if measured < size[0])
    return DemoSizes(measured, trees or most, rows, errors)


def trees_job(as_of: dt.date, sizes: DemoSizes, rate: float) -> str:
    """Text of the job of boosted trees."""
    common = _COMMON.format(
        as_of=as_of, model="trees", key_bits=KEY_BITS, train=0.6, valid=0.0667, test=0.3333
    )  # fmt: skip
    return common + _TREES.format(trees=sizes.trees, rate=rate)


def card_job(as_of: dt.date, sizes: DemoSizes, rows: int, *, min_iv: float) -> str:
    """Text of the scorecard's job; ``rows`` are those of the smaller table."""
    train = round(min(0.6, max(0.05, sizes.train_rows / rows)), 4)
    test = min(0.9, 1 - train)
    common = _COMMON.format(
        as_of=as_of, model="scorecard", key_bits=KEY_BITS, train=train, test=round(test, 4),
        valid=round(1 - train - test, 4),
    )  # fmt: skip
    return common + _CARD.format(min_iv=min_iv, standard_errors=str(sizes.standard_errors).lower())
