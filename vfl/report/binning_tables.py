"""From binning to the report's tables: the bank's view of all features, and each owner's view of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from vfl.core.binned_table import BinnedTable, WoeFeature
from vfl.core.woe import iv_terms
from vfl.protocols.joint_features import JointFeature
from vfl.report.scorecard_model import Bin, BinKind, BinningTable, Correlation, Feature

__all__ = ["correlation_table", "joint_tables", "owner_tables"]


def joint_tables(
    features: Sequence[JointFeature], chosen: Sequence[int], own: Mapping[str, WoeFeature]
) -> tuple[BinningTable, ...]:
    """The bank's tables of ``chosen`` positions: its own with intervals and levels, others' with counts alone."""
    return tuple(_joint_table(features[i], own) for i in chosen)


def _joint_table(feature: JointFeature, own: Mapping[str, WoeFeature]) -> BinningTable:
    counts, size = feature.bins, len(feature.merge.woe)
    terms = iv_terms(counts.rows, counts.events, int(counts.rows.sum()), int(counts.events.sum()))
    mine = own.get(feature.name) if feature.name is not None else None
    labels = mine.labels() if mine is not None else ("",) * size
    kinds = [BinKind(k) for k in mine.kinds()] if mine is not None else [BinKind.ANONYMOUS] * size
    bins = tuple(
        Bin(kinds[i], feature.merge.woe[i], float(terms[i]), labels[i], int(counts.rows[i]), int(counts.events[i]))
        for i in range(size)
    )
    head = Feature(feature.owner, feature.index + 1, feature.name)
    return BinningTable(head, feature.merge.iv, bins, feature.merge.trend.value)


def owner_tables(owner: str, binned: BinnedTable) -> tuple[BinningTable, ...]:
    """An owner's tables of its own features where it is not told events: intervals, rows, WOE."""
    out = []
    for index, feature in enumerate(binned.features, start=1):
        parts = zip(feature.kinds(), feature.merge.woe, feature.labels(), feature.rows, strict=True)
        bins = tuple(Bin(BinKind(kind), woe, label=label, rows=rows) for kind, woe, label, rows in parts)
        head = Feature(owner, index, feature.name)
        out.append(BinningTable(head, feature.merge.iv, bins, feature.merge.trend.value))
    return tuple(out)


def correlation_table(
    features: Sequence[JointFeature], chosen: Sequence[int], matrix: npt.NDArray[np.float64]
) -> Correlation:
    """Correlations of ``chosen`` positions; NaN between two platforms, whose pair nobody computes."""
    part = matrix[np.ix_(chosen, chosen)]
    return Correlation(tuple(features[i].label for i in chosen), tuple(tuple(row) for row in part.tolist()))
