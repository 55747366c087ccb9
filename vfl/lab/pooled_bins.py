"""Bins of all owners where one process holds all columns and the labels: what the protocol must equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.config.binning import BinningSpec
from vfl.core.binned_table import BinnedTable, WoeFeature
from vfl.core.binning import BinCounts
from vfl.core.selection import Reason, pearson
from vfl.data.binned_features import fit_prebins, prebin_matrix, woe_columns
from vfl.data.table import Dataset
from vfl.protocols.bin_wishes import merge_as_wished, wish_of
from vfl.protocols.joint_features import JointFeature, candidates, screen

__all__ = ["PooledBins", "bin_columns", "select"]


@dataclass(frozen=True, slots=True, repr=False)
class PooledBins:
    """An owner's binned features, their counts, and why the others have no bins."""

    table: BinnedTable
    joint: tuple[JointFeature, ...]
    removed: dict[str, Reason]


def bin_columns(owner: str, table: Dataset, labels: npt.NDArray[np.intp], spec: BinningSpec) -> PooledBins:
    """Cut and merge all columns of ``table`` on all rows; ``labels``, (rows,), are 1 for the event."""
    prebins, removed = fit_prebins(table, table.features, slice(0, len(table)), spec)
    bins, declared = prebin_matrix(table, prebins), {f.name: f for f in table.features}
    joint = []
    for index, cut in enumerate(prebins):
        events = np.bincount(bins[:, index], weights=labels, minlength=len(cut.rows)).astype(np.int64)
        counts = BinCounts(np.array(cut.rows, dtype=np.int64), events, cut.apart, cut.ordered)
        merge = merge_as_wished(counts, spec, wish_of(declared[cut.name]))
        joint.append(JointFeature(owner, index, cut.name, counts, merge))
    features = tuple(WoeFeature(cut, feature.merge) for cut, feature in zip(prebins, joint, strict=True))
    return PooledBins(BinnedTable(features), tuple(joint), {table.features[r.feature].name: r.reason for r in removed})


def select(
    owners: dict[str, PooledBins], tables: dict[str, Dataset], spec: BinningSpec
) -> tuple[dict[str, BinnedTable], dict[str, Reason]]:
    """The features that stay, by owner, and why the others went, by name."""
    features = [f for bins in owners.values() for f in bins.joint]
    removed = {name: why for bins in owners.values() for name, why in bins.removed.items()}
    chosen, outside = candidates(features, spec)
    columns = [woe_columns(tables[owner], bins.table).matrix() for owner, bins in owners.items()]
    outcome = screen(features, chosen, pearson(np.hstack(columns)), spec)
    for removal in (*outside, *outcome.removed):
        removed[str(features[removal.feature].name)] = removal.reason
    kept = [features[i] for i in outcome.kept]
    binned = {
        owner: bins.table.select(sorted(f.index for f in kept if f.owner == owner)) for owner, bins in owners.items()
    }
    return binned, removed
