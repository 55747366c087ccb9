"""From a table's columns to pre-bins and WOE columns: the same for every owner, for training and for scoring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.config.binning import BinningSpec
from vfl.core.binned_table import BinnedTable
from vfl.core.prebins import CategoryPreBins, CutMethod, NumericPreBins, PreBins
from vfl.core.selection import Reason, Removal, by_missing
from vfl.core.woe import WoeColumns
from vfl.data.schema import FeatureKind, FeatureSpec
from vfl.data.table import Dataset

__all__ = ["fit_prebins", "prebin_matrix", "woe_columns"]


def fit_prebins(
    table: Dataset, features: Sequence[FeatureSpec], rows: slice, spec: BinningSpec
) -> tuple[list[PreBins[Any]], list[Removal]]:
    """Cut ``features`` on ``rows`` of ``table``; removals name features by position in ``features``.

    Features with too many missing values and those whose rows all fall into one pre-bin are left out.
    """
    cut = CutMethod(spec.cuts)
    made: list[PreBins[Any]] = []
    missing = np.zeros(len(features))
    for number, feature in enumerate(features):
        if feature.kind is FeatureKind.CATEGORICAL:
            codes, levels = table.categorical(feature.name)
            missing[number] = np.mean(codes[rows] < 0)
            made.append(
                CategoryPreBins.fit(
                    codes[rows], levels, name=feature.name, max_bins=spec.pre_bins, floor=spec.row_floor
                )
            )
        else:
            values = table.numeric(feature.name)[rows]
            missing[number] = np.mean(np.isnan(values))
            made.append(
                NumericPreBins.fit(
                    values, name=feature.name, method=cut, max_bins=spec.pre_bins, floor=spec.row_floor
                )
            )
    removed = by_missing(missing, range(len(made)), limit=spec.max_missing)
    gone = {r.feature for r in removed}
    removed += [
        Removal(f, Reason.ONE_BIN, 1.0, 2.0) for f, p in enumerate(made) if f not in gone and len(p.rows) < 2
    ]
    gone = {r.feature for r in removed}
    return [p for f, p in enumerate(made) if f not in gone], removed


def prebin_matrix(table: Dataset, prebins: Sequence[PreBins[Any]]) -> npt.NDArray[np.uint8]:
    """Pre-bin of every row and feature, shape (rows, features), C order."""
    out = np.zeros((len(table), len(prebins)), dtype=np.uint8)
    for column, feature in enumerate(prebins):
        out[:, column] = feature.bins(_values(table, feature))
    return out


def woe_columns(table: Dataset, binned: BinnedTable) -> WoeColumns:
    """Bins and WOE of every row of ``table`` for the features of ``binned``."""
    return binned.columns([_values(table, f.prebins) for f in binned.features], len(table))


def _values(table: Dataset, prebins: PreBins[Any]) -> Any:
    return table.categorical(prebins.name) if isinstance(prebins, CategoryPreBins) else table.numeric(prebins.name)
