"""Binning of one feature from counts alone: merging of pre-bins, WOE and IV.

What is needed of a feature are the rows and events of its pre-bins, so the same function serves pooled data and a
bank that sees another owner's bins as anonymous counts. Bins kept apart (special values, missing ones) are never joined
to each other; categories are ordered by event rate first (the order that holds an optimum: Breiman et al. 1984, §9.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.chi_merge import chi_merge, floor_merge
from vfl.core.optimal_binning import BinRule, Trend, best_cuts
from vfl.core.woe import information_value, rounded_woe
from vfl.errors import LocalProtocolError, Text

__all__ = ["BinCounts", "Merge", "MergeMethod", "merge_bins", "trend_of"]

Counts = npt.NDArray[np.int64]


class MergeMethod(StrEnum):
    """How pre-bins become bins."""

    OPTIMAL = "optimal"
    CHI_MERGE = "chi-merge"
    KEEP = "keep"
    """Pre-bins as they are (quantiles, equal widths, cuts by hand), joined only under the floors."""


@dataclass(frozen=True, slots=True, repr=False)
class BinCounts:
    """Rows and events of a feature's pre-bins: the regular ones first, then ``apart`` special or missing ones."""

    rows: Counts
    events: Counts
    apart: int = 0
    ordered: bool = True
    """False: categories, whose order means nothing."""

    def __post_init__(self) -> None:
        sound = (
            self.rows.shape == self.events.shape == (len(self.rows),)
            and 0 <= self.apart < len(self.rows)
            and bool(((self.events >= 0) & (self.events <= self.rows)).all())
        )
        if not sound:
            raise LocalProtocolError(
                "BIN_COUNTS",
                Text("rows and events of pre-bins do not belong together", "预分箱的行数与坏样本数不一致"),
                cure=Text("check that rows and labels are aligned", "请检查样本与标签是否对齐"),
            )

    def joined(self, groups: tuple[int, ...]) -> BinCounts:
        """Counts of the bins that ``groups`` makes; none is marked as apart any more."""
        size = max(groups) + 1
        rows = np.bincount(groups, weights=self.rows, minlength=size).astype(np.int64)
        events = np.bincount(groups, weights=self.events, minlength=size).astype(np.int64)
        return BinCounts(rows, events, 0, self.ordered)


@dataclass(frozen=True, slots=True)
class Merge:
    """What becomes of a feature's pre-bins: all that its owner must be told.

    Attributes
    ----------
    groups : tuple of int
        Bin of each pre-bin.
    woe : tuple of float
        Of each bin, to three decimals; positive = safer.
    iv : float
        Information value of the feature.
    trend : Trend
        Of the event rate over the regular bins, as it turned out; NONE for categories and single bins.
    """

    groups: tuple[int, ...]
    woe: tuple[float, ...]
    iv: float
    trend: Trend

    def to_dict(self) -> dict[str, Any]:
        return {"groups": list(self.groups), "woe": list(self.woe), "iv": self.iv, "trend": self.trend.value}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Merge:
        return cls(tuple(state["groups"]), tuple(state["woe"]), state["iv"], Trend(state["trend"]))


def merge_bins(
    counts: BinCounts, rule: BinRule, method: MergeMethod = MergeMethod.OPTIMAL,
    fixed: npt.NDArray[np.bool_] | None = None,
) -> Merge:
    """Join the pre-bins of one feature into bins that keep ``rule``.

    ``fixed``, shape (regular pre-bins,), marks pre-bins that must start a bin (OPTIMAL, ordered features). A bin kept
    apart that lies under a floor joins the regular bin with the nearest event rate.
    """
    regular = len(counts.rows) - counts.apart
    order = _order(counts, regular)
    rows, events = counts.rows[:regular][order], counts.events[:regular][order]
    starts = _starts(counts, rows, events, rule, method, fixed)
    group_of = np.empty(regular, dtype=np.int64)
    group_of[order] = np.searchsorted(starts, np.arange(regular), side="right") - 1
    groups = [*group_of.tolist(), *_apart_groups(counts, rows, events, starts, rule)]
    joined = counts.joined(tuple(groups))
    woe = rounded_woe(joined.rows, joined.events)
    return Merge(
        groups=tuple(groups),
        woe=tuple(woe.tolist()),
        iv=information_value(joined.rows, joined.events),
        trend=trend_of(woe[: len(starts)]) if counts.ordered else Trend.NONE,
    )


def _order(counts: BinCounts, regular: int) -> npt.NDArray[np.int64]:
    position = np.arange(regular)
    if counts.ordered:
        return position
    rate = counts.events[:regular] / np.maximum(counts.rows[:regular], 1)
    return np.lexsort((position, rate)).astype(np.int64)


def _starts(
    counts: BinCounts, rows: Counts, events: Counts, rule: BinRule, method: MergeMethod,
    fixed: npt.NDArray[np.bool_] | None,
) -> tuple[int, ...]:
    total_rows, total_events = int(counts.rows.sum()), int(counts.events.sum())
    if method is MergeMethod.CHI_MERGE:
        return chi_merge(rows, events, total_rows, rule)
    if method is MergeMethod.KEEP:
        return floor_merge(rows, events, total_rows, rule)
    if counts.ordered:
        return best_cuts(rows, events, total_rows, total_events, rule, fixed).starts
    # Categories sorted by event rate rise by construction.
    return best_cuts(rows, events, total_rows, total_events, replace(rule, trend=Trend.NONE)).starts


def _apart_groups(
    counts: BinCounts, rows: Counts, events: Counts, starts: tuple[int, ...], rule: BinRule
) -> list[int]:
    first = len(counts.rows) - counts.apart
    regular_rows, regular_events = np.add.reduceat(rows, starts), np.add.reduceat(events, starts)
    rates = regular_events / np.maximum(regular_rows, 1)
    out: list[int] = []
    following = len(starts)
    for bin_ in range(first, len(counts.rows)):
        own_rows, own_events = counts.rows[bin_ : bin_ + 1], counts.events[bin_ : bin_ + 1]
        if rule.fits(own_rows, own_events, 0)[0]:
            out.append(following)
            following += 1
        else:
            out.append(int(np.abs(rates - own_events[0] / max(own_rows[0], 1)).argmin()))
    return out


def trend_of(woe: npt.NDArray[np.float64]) -> Trend:
    """The trend of the event rate over ordered bins, from their WOE; equal neighbours do not count."""
    steps = -np.sign(np.diff(woe))
    steps = steps[steps != 0]
    turns = int((np.diff(steps) != 0).sum())
    if not len(steps) or turns > 1:
        return Trend.NONE
    if turns == 1:
        return Trend.PEAK if steps[0] > 0 else Trend.VALLEY
    return Trend.ASCENDING if steps[0] > 0 else Trend.DESCENDING
