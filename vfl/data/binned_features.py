"""From a table's columns to pre-bins and WOE columns: the same for every owner, for training and for scoring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.config.binning import BinningSpec
from vfl.core.binned_table import BinnedTable
from vfl.core.prebins import CategoryPreBins, CutMethod, NumericPreBins, PreBins
from vfl.core.selection import Reason, Removal, by_missing, keep
from vfl.core.woe import WoeColumns
from vfl.data.schema import Choice, FeatureKind, FeatureSpec
from vfl.data.table import Dataset
from vfl.errors import DataError, Place, Text

__all__ = ["fit_prebins", "prebin_matrix", "woe_columns"]


def fit_prebins(
    table: Dataset, features: Sequence[FeatureSpec], rows: slice, spec: BinningSpec
) -> tuple[list[PreBins[Any]], list[Removal]]:
    """Cut ``features`` on ``rows`` of ``table``; removals name features by position in ``features``.

    Features that their owner takes out, those with too many missing values (unless their owner keeps them) and those
    whose rows all fall into one pre-bin are left out. Cuts, groups and special values that the owner declares come
    before the job's own way of cutting.

    Raises
    ------
    DataError
        ``BIN_EDGES``, ``BINS_BY_HAND``: more cuts or groups than the job has room for.
    """
    removed = [Removal(f, Reason.MANUAL, np.nan, np.nan) for f, x in enumerate(features) if x.choice is Choice.DROP]
    asked, _ = keep(range(len(features)), removed)
    made: dict[int, PreBins[Any]] = {}
    missing = np.zeros(len(features))
    for number in asked:
        feature = features[number]
        cut = _categories if feature.kind is FeatureKind.CATEGORICAL else _intervals
        made[number] = cut(table, feature, rows, spec)
        _require_room(made[number], spec)
        missing[number] = _missing_share(table, feature, rows)
    free = [f for f in asked if features[f].choice is not Choice.KEEP]
    asked, absent = keep(asked, by_missing(missing, free, limit=spec.max_missing))
    single = [Removal(f, Reason.ONE_BIN, 1.0, 2.0) for f in asked if len(made[f].rows) < 2]
    asked, single = keep(asked, single)
    return [made[f] for f in asked], [*removed, *absent, *single]


def _missing_share(table: Dataset, feature: FeatureSpec, rows: slice) -> float:
    """Share of missing values among ``rows``."""
    if feature.kind is FeatureKind.CATEGORICAL:
        return float(np.mean(table.categorical(feature.name)[0][rows] < 0))
    return float(np.mean(np.isnan(table.numeric(feature.name)[rows])))


def _categories(table: Dataset, feature: FeatureSpec, rows: slice, spec: BinningSpec) -> CategoryPreBins:
    codes, levels = table.categorical(feature.name)
    if feature.groups:
        return CategoryPreBins.by_hand(codes[rows], levels, feature.groups, name=feature.name, floor=spec.row_floor)
    return CategoryPreBins.fit(
        codes[rows], levels, name=feature.name, max_bins=spec.pre_bins, floor=spec.row_floor
    )


def _intervals(table: Dataset, feature: FeatureSpec, rows: slice, spec: BinningSpec) -> NumericPreBins:
    values, name, floor, specials = table.numeric(feature.name)[rows], feature.name, spec.row_floor, feature.specials
    if feature.cuts:
        return NumericPreBins.by_hand(values, feature.cuts, name=name, floor=floor, specials=specials)
    room = max(spec.pre_bins - len(specials), 2)
    return NumericPreBins.fit(
        values, name=name, method=CutMethod(spec.cuts), max_bins=room, floor=floor, specials=specials
    )


def _require_room(prebins: PreBins[Any], spec: BinningSpec) -> None:
    """Budgets hold for ``pre_bins`` bins and one of missing values."""
    if len(prebins.rows) > spec.pre_bins + 1:
        raise DataError(
            "BINS_BY_HAND",
            Text(f"cuts, groups and special values make more bins than the job's pre_bins = {spec.pre_bins}",
                 f"手工切分、分组与特殊值的分箱数超过任务的 pre_bins = {spec.pre_bins}"),
            cure=Text("declare fewer of them, or agree on more pre_bins", "请减少手工分箱，或约定更大的 pre_bins"),
            place=Place(column=prebins.name),
        )


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
