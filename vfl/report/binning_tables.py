"""From an owner's own binning to tables of a report, where it is not told the events.

What the bank knows of all owners' features, with counts of events, is in :mod:`vfl.report.scorecard_sections`.
"""

from __future__ import annotations

from vfl.core.binned_table import BinnedTable
from vfl.report.scorecard_model import Bin, BinKind, BinningTable, Feature

__all__ = ["owner_tables"]


def owner_tables(owner: str, binned: BinnedTable) -> tuple[BinningTable, ...]:
    """One table per feature: intervals or levels, rows of the training sample, WOE as the bank told it."""
    out = []
    for index, feature in enumerate(binned.features, start=1):
        parts = zip(feature.kinds(), feature.merge.woe, feature.labels(), feature.rows, strict=True)
        bins = tuple(Bin(BinKind(kind), woe, label=label, rows=rows) for kind, woe, label, rows in parts)
        head = Feature(owner, index, feature.name)
        out.append(BinningTable(head, feature.merge.iv, bins, feature.merge.trend.value))
    return tuple(out)
