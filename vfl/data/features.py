"""From a table's columns to LightGBM's bins: the same for both owners, for training and for scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.lgbm_bins import BinMapper
from vfl.data.schema import Choice, FeatureKind, FeatureSpec
from vfl.data.table import Dataset

__all__ = ["BinnedFeature", "bin_table", "category_numbers", "fit_features", "levels_of", "taking_part"]

Bins = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, repr=False)
class BinnedFeature:
    """One feature's fitted bins. Security: cut points and levels are the owner's secret.

    Attributes
    ----------
    levels : tuple of str
        Categorical: the level behind each category number.
    """

    name: str
    mapper: BinMapper
    levels: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<BinnedFeature {self.mapper!r}>"

    def values(self, table: Dataset) -> npt.NDArray[np.float64]:
        """The column as numbers, with this feature's own category numbers; -1 for missing or unseen levels."""
        if not self.mapper.is_categorical:
            return table.numeric(self.name)
        codes, levels = table.categorical(self.name)
        known = {level: number for number, level in enumerate(self.levels)}
        numbers = np.array([known.get(level, -1) for level in levels] + [-1], dtype=np.float64)
        return numbers[codes]

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "levels": list(self.levels), "bins": self.mapper.to_dict()}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> BinnedFeature:
        return cls(state["name"], BinMapper.from_dict(state["bins"]), tuple(state["levels"]))


def fit_features(
    table: Dataset, features: Sequence[FeatureSpec], rows: slice, *, max_bin: int, min_data_in_bin: int,
    min_data_in_leaf: int,
) -> list[BinnedFeature]:  # fmt: skip
    """Fit LightGBM's bins on ``rows`` of ``table``; features that no cut can split are left out, as LightGBM does, and
    so are those that their owner takes out."""
    out = []
    for feature in features:
        if feature.choice is Choice.DROP:
            continue
        categorical = feature.kind is FeatureKind.CATEGORICAL
        levels: tuple[str, ...] = ()
        if categorical:
            codes, names = table.categorical(feature.name)
            values, levels = codes.astype(np.float64), tuple(names)
        else:
            values = table.numeric(feature.name)
        mapper = BinMapper.fit(
            values[rows], categorical=categorical, max_bin=max_bin, min_data_in_bin=min_data_in_bin,
            min_data_in_leaf=min_data_in_leaf, column=feature.name,
        )  # fmt: skip
        if not mapper.is_trivial:
            out.append(BinnedFeature(feature.name, mapper, levels))
    return out


def bin_table(table: Dataset, features: Sequence[BinnedFeature], widths: Sequence[int] | None = None) -> Bins:
    """Bins of all rows, shape (rows, features), C order; ``widths`` pads as :meth:`BinMapper.transform` does."""
    sizes = [f.mapper.n_bins for f in features] if widths is None else list(widths)
    kind = np.uint8 if max(sizes, default=0) <= 256 else np.uint16
    out = np.zeros((len(table), len(features)), dtype=kind)
    for column, (feature, width) in enumerate(zip(features, sizes, strict=True)):
        out[:, column] = feature.mapper.transform(feature.values(table), n_bins=width, column=feature.name)
    return out


def taking_part(table: Dataset) -> tuple[FeatureSpec, ...]:
    """The features of a table but those that their owner takes out."""
    return tuple(feature for feature in table.features if feature.choice is not Choice.DROP)


def category_numbers(table: Dataset) -> tuple[npt.NDArray[np.float64], tuple[int, ...]]:
    """Features that take part as one float64 matrix (rows, features), categories as numbers, and which these are."""
    columns, categorical = [], []
    for number, feature in enumerate(taking_part(table)):
        if feature.kind is FeatureKind.CATEGORICAL:
            columns.append(table.categorical(feature.name)[0].astype(np.float64))
            categorical.append(number)
        else:
            columns.append(table.numeric(feature.name))
    return np.stack(columns, axis=1), tuple(categorical)


def levels_of(table: Dataset, feature: FeatureSpec) -> tuple[str, ...]:
    """Levels behind the category numbers of a feature; empty for a numeric one."""
    return tuple(table.categorical(feature.name)[1]) if feature.kind is FeatureKind.CATEGORICAL else ()
