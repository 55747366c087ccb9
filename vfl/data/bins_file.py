"""Bins of an earlier model for the features of a view: a bins file, or the ``scorecard.json`` of a job's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vfl.core.binned_table import BinnedTable, WoeFeature
from vfl.core.prebins import CategoryPreBins, NumericPreBins
from vfl.data.schema import FeatureKind, FeatureSpec
from vfl.errors import DataError, Place, Text

__all__ = ["with_bins"]


def with_bins(features: Sequence[FeatureSpec], path: Path) -> tuple[FeatureSpec, ...]:
    """Features with the bins that the file gives them, fixed; what the view declares itself stands.

    Bins are taken as cuts, groups and special values. WOE is not: it belongs to the sample of each job. A feature whose
    values all fell into one bin is cut anew.

    Raises
    ------
    DataError
        ``BINS_FILE``: no bins file, or bins of another kind of feature.
    """
    try:
        table = BinnedTable.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, DataError):
        raise _no_bins(path, "") from None
    known = {feature.name: feature for feature in table.features}
    out = []
    for feature in features:
        own = bool(feature.cuts or feature.groups)
        found = known.get(feature.name)
        out.append(feature if own or found is None else replace(feature, **_declared(feature, found, path)))
    return tuple(out)


def _declared(feature: FeatureSpec, found: WoeFeature, path: Path) -> dict[str, Any]:
    prebins, group_of = found.prebins, found.merge.groups
    if isinstance(prebins, NumericPreBins) and feature.kind is FeatureKind.NUMERIC:
        cuts = tuple(e for i, e in enumerate(prebins.edges) if group_of[i] != group_of[i + 1])
        specials = feature.specials or (*prebins.specials, *((value,) for value in prebins.small_specials))
        return {"cuts": cuts, "specials": specials, "fixed": bool(cuts)}
    if isinstance(prebins, CategoryPreBins) and feature.kind is FeatureKind.CATEGORICAL:
        joined: dict[int, list[str]] = {}
        for levels, group in zip(prebins.levels, group_of, strict=False):
            joined.setdefault(group, []).extend(levels)
        groups = tuple(tuple(levels) for levels in joined.values() if levels)
        return {"groups": groups, "fixed": bool(groups)}
    raise _no_bins(path, feature.name)


def _no_bins(path: Path, column: str) -> DataError:
    return DataError(
        "BINS_FILE",
        Text("this is no file with bins of the view's features", "该文件不含视图特征的分箱"),
        cure=Text("export the bins again, or name the scorecard.json of an earlier job",
                  "请重新导出分箱，或填写早先任务的 scorecard.json"),
        place=Place(file=path.name, column=column or None),
    )
