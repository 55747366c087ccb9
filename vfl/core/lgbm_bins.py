"""Cutting one feature into bins exactly as LightGBM 4.7 does (``BinMapper::FindBin``).

Each owner cuts its own features and keeps the cut points; others see bin counts at most. With equal bins and
equal histograms a federated tree is the tree LightGBM grows on the pooled table.

Numeric: zero (within 1e-35) has a bin of its own, the negative and the positive values are cut greedily into bins
of near-equal size with at least ``min_data_in_bin`` rows, and missing values are the last bin.
Categorical: bin 0 is for missing, unseen and rare categories, then categories by falling count until 99 % of
the rows are covered.

One difference is left: LightGBM finds bins on a sample of ``bin_construct_sample_cnt`` = 200,000 rows where
there are more. :func:`sample_rows` draws the same rows; not using it means bins from all rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.histogram import FeatureMeta
from vfl.core.sampling import Random
from vfl.errors import ConfigError, DataError, Place, Text

__all__ = ["BinMapper", "sample_rows"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# LightGBM writes 1e-35f.
_ZERO = float(np.float32(1e-35))
_SPARSE = 0.7
_LARGEST_CATEGORY = (1 << 31) - 1


@dataclass(frozen=True, eq=False)
class BinMapper:
    """The fitted bins of one feature. Build with :meth:`fit`.

    Attributes
    ----------
    is_categorical : bool
    upper_bounds : float64 array
        Numeric: value bin b holds values <= upper_bounds[b]; the last is +inf. Categorical: empty.
    categories : int64 array
        Categorical: category of each bin; entry 0 is -1, the bin of missing, unseen and rare ones. Numeric: empty.
    has_nan_bin : bool
        Numeric: the last bin holds missing values. Without it a missing value counts as 0, as in LightGBM.
    is_trivial : bool
        No split on this feature is possible; LightGBM drops it.
    most_frequent_bin : int
    """

    is_categorical: bool
    upper_bounds: FloatArray
    categories: IntArray
    has_nan_bin: bool
    is_trivial: bool
    most_frequent_bin: int

    @classmethod
    def fit(
        cls, values: npt.ArrayLike, *, categorical: bool = False, max_bin: int = 255, min_data_in_bin: int = 3,
        min_data_in_leaf: int | None = None, column: str | None = None,
    ) -> BinMapper:  # fmt: skip
        """Find the bins.

        Parameters
        ----------
        values : array, (rows,)
            Missing = NaN. Categories: integers in 0 … 2^31-1; negative counts as missing.
        categorical : bool
        max_bin, min_data_in_bin : int
            LightGBM's parameters.
        min_data_in_leaf : int, optional
            Given: features that cannot leave so many rows on both sides are trivial (``feature_pre_filter``).
        column : str, optional
            Name for the place of an error.

        Raises
        ------
        ConfigError
            ``BIN_PARAMETER``.
        DataError
            ``BIN_VALUES``: not one column of finite numbers, no rows, or categories out of range.
        """
        if max_bin < 2 or min_data_in_bin < 1:
            raise ConfigError(
                "BIN_PARAMETER",
                Text("max_bin or min_data_in_bin is too small.", "max_bin 或 min_data_in_bin 过小。"),
                cure=Text("Use max_bin >= 2, min_data_in_bin >= 1.", "请令 max_bin >= 2、min_data_in_bin >= 1。"),
            )
        array = _column(values, column)
        rows = array.size
        missing = np.isnan(array)
        _check_finite(array[~missing], column)
        distinct, counts = _distinct(array[~missing])
        n_missing = int(missing.sum())
        if categorical:
            categories, in_bin = _category_bins(distinct, counts, n_missing, rows, max_bin, min_data_in_bin, column)
            bounds, has_nan = np.empty(0), False
        else:
            has_nan = n_missing > 0
            bounds = _numeric_bounds(distinct, counts, max_bin - has_nan, min_data_in_bin)
            in_bin = np.bincount(np.searchsorted(bounds, distinct), counts, bounds.size).astype(np.int64)
            in_bin = np.append(in_bin, n_missing) if has_nan else in_bin
            categories = np.empty(0, dtype=np.int64)
        trivial = in_bin.size <= 1
        if not trivial and min_data_in_leaf is not None:
            trivial = _cannot_split(in_bin, rows, min_data_in_leaf, categorical)
        fitted = cls(categorical, bounds, categories, has_nan, trivial, 0)
        if trivial:
            return fitted
        zero_bin, frequent = int(fitted.transform(np.zeros(1))[0]), int(np.argmax(in_bin))
        # LightGBM prefers zero's own bin unless another is really dominant.
        if in_bin[frequent] / rows < _SPARSE:
            frequent = zero_bin
        return cls(categorical, bounds, categories, has_nan, False, frequent)

    def __repr__(self) -> str:
        kind = "categorical" if self.is_categorical else "numeric"
        return f"<BinMapper: {kind}, {self.n_bins} bins>"  # cut points are the owner's secret

    @property
    def n_bins(self) -> int:
        return self.categories.size if self.is_categorical else self.upper_bounds.size + self.has_nan_bin

    def meta(self, *, monotone: int = 0, n_bins: int | None = None) -> FeatureMeta:
        """The histogram's shape, for the split search.

        Parameters
        ----------
        monotone : int
        n_bins : int, optional
            Pad to so many bins: the NaN bin then is the last of them. :meth:`transform` takes the same number.
        """
        frequent = self.most_frequent_bin
        if n_bins is not None and self.has_nan_bin and frequent == self.n_bins - 1:
            frequent = n_bins - 1
        return FeatureMeta(
            n_bins=self.n_bins if n_bins is None else n_bins,
            is_categorical=self.is_categorical,
            has_nan_bin=self.has_nan_bin,
            most_frequent_bin=frequent,
            monotone=monotone,
            unpadded_bins=self.n_bins if self.is_categorical else None,
        )

    def transform(
        self, values: npt.ArrayLike, *, n_bins: int | None = None, column: str | None = None
    ) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
        """Bin of each value: uint8 up to 256 bins, else uint16, shape (rows,).

        ``n_bins`` pads as in :meth:`meta`.
        """
        array = _column(values, column, may_be_empty=True)
        width = self.n_bins if n_bins is None else n_bins
        if width < self.n_bins:
            raise ConfigError(
                "BIN_PARAMETER",
                Text("Padding to fewer bins than there are.", "填充后的箱数少于实际箱数。"),
                cure=Text("Use n_bins >= max_bin.", "请令 n_bins >= max_bin。"),
            )
        missing = np.isnan(array)
        known = np.where(missing, 0.0, array)
        if self.is_categorical:
            order = np.argsort(self.categories)
            whole = np.trunc(known)
            at = np.minimum(np.searchsorted(self.categories[order], whole), order.size - 1)
            bins = np.where((self.categories[order[at]] == whole) & (whole >= 0) & ~missing, order[at], 0)
        else:
            bins = np.searchsorted(self.upper_bounds, known)
            if self.has_nan_bin:
                bins[missing] = width - 1
        return bins.astype(np.uint8) if width <= 256 else bins.astype(np.uint16)

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe and exact: json writes the shortest decimal that reads back as the same float64.

        Security: cut points stay with the feature's owner.
        """
        return {
            "is_categorical": self.is_categorical,
            "upper_bounds": self.upper_bounds[:-1].tolist(),  # the last is infinite, which JSON has no word for
            "categories": self.categories.tolist(),
            "has_nan_bin": self.has_nan_bin,
            "is_trivial": self.is_trivial,
            "most_frequent_bin": self.most_frequent_bin,
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> BinMapper:
        """Raises DataError ``BIN_STATE`` where the dict is not one that :meth:`to_dict` made."""
        try:
            categorical = bool(state["is_categorical"])
            finite = np.array(state["upper_bounds"], dtype=np.float64)
            bounds = np.empty(0) if categorical else np.append(finite, np.inf)
            categories = np.array(state["categories"], dtype=np.int64)
            mapper = cls(
                categorical, bounds, categories, bool(state["has_nan_bin"]), bool(state["is_trivial"]),
                int(state["most_frequent_bin"]),
            )  # fmt: skip
            sound = (
                bool(np.all(np.diff(bounds) > 0))
                and (not categorical or (categories.size > 0 and categories[0] == -1))
                and np.unique(categories).size == categories.size
                and 0 <= mapper.most_frequent_bin < mapper.n_bins
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            sound = False
        if not sound:
            raise DataError(
                "BIN_STATE",
                Text("Stored bins cannot be read.", "无法读取已保存的分箱。"),
                cure=Text("Restore the model file or fit the bins again.", "请恢复模型文件或重新分箱。"),
            )
        return mapper


def sample_rows(n_rows: int, sample_count: int = 200_000, seed: int = 1) -> IntArray:
    """The rows LightGBM finds bins on (``bin_construct_sample_cnt``, ``data_random_seed``), ascending.

    All rows when there are not more than ``sample_count``. Both owners of aligned rows draw the same ones.
    """
    return Random(seed).sample(n_rows, min(n_rows, sample_count))


def _column(values: npt.ArrayLike, column: str | None, *, may_be_empty: bool = False) -> FloatArray:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "biuf" or (array.size == 0 and not may_be_empty):
        raise DataError(
            "BIN_VALUES",
            Text("A feature must be one column of numbers with at least one row.", "特征须为至少一行的一列数值。"),
            cure=Text("Encode text as category numbers first.", "请先把文本编码为类别编号。"),
            place=Place(column=column),
        )
    return array.astype(np.float64)


def _check_finite(known: FloatArray, column: str | None) -> None:
    if np.isinf(known).any():
        raise DataError(
            "BIN_VALUES",
            Text("A feature holds infinite values.", "特征中含有无穷大值。"),
            cure=Text("Write them as missing or as a finite limit.", "请改为缺失值或有限的上下限。"),
            place=Place(column=column),
        )


def _distinct(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Distinct values and counts, ascending; neighbours one ulp apart are one value, named by the greater.

    Zeros (within 1e-35) are one value 0, which LightGBM also puts, with count 0, between a negative and a positive
    value where no row is zero.
    """
    nonzero = np.sort(values[np.abs(values) > _ZERO])
    zeros = values.size - nonzero.size
    last = np.append(nonzero[1:] > np.nextafter(nonzero[:-1], np.inf), [True] * (nonzero.size > 0)).astype(np.bool_)
    ends = np.flatnonzero(last)
    distinct = nonzero[ends]
    counts = np.diff(ends, prepend=-1)
    at = int(np.searchsorted(distinct, 0.0))
    if zeros or 0 < at < distinct.size or not distinct.size:
        distinct, counts = np.insert(distinct, at, 0.0), np.insert(counts, at, zeros)
    return distinct, counts.astype(np.int64)


def _numeric_bounds(distinct: FloatArray, counts: IntArray, max_bin: int, least: int) -> FloatArray:
    """LightGBM's FindBinWithZeroAsOneBin: negatives and positives share the bins by their number of rows."""
    negative, positive = distinct <= -_ZERO, distinct > _ZERO
    below, above = int(counts[negative].sum()), int(counts[positive].sum())
    bounds = np.empty(0)
    if negative.any() and max_bin > 1:
        share = max(1, int(below / (below + above) * (max_bin - 1)))
        bounds = _greedy_bounds(distinct[negative], counts[negative], share, below, least)
        bounds[-1] = -_ZERO
    left = max_bin - 1 - bounds.size
    if positive.any() and left > 0:
        upper = _greedy_bounds(distinct[positive], counts[positive], left, above, least)
        return np.concatenate([bounds, [_ZERO], upper])
    return np.append(bounds, np.inf)


def _greedy_bounds(distinct: FloatArray, counts: IntArray, max_bin: int, rows: int, least: int) -> FloatArray:
    """LightGBM's GreedyFindBin: upper bounds, the last +inf."""
    ends = _few_values(counts, least) if distinct.size <= max_bin else _many_values(counts, max_bin, rows, least)
    # A bound lies just above the middle between the last value of a bin and the first of the next.
    middles = np.nextafter((distinct[ends] + distinct[ends + 1]) / 2.0, np.inf)
    bounds: list[float] = []
    for middle in middles.tolist():
        if not bounds or middle > np.nextafter(bounds[-1], np.inf):
            bounds.append(middle)
    return np.array([*bounds, np.inf])


def _few_values(counts: IntArray, least: int) -> IntArray:
    """Every value its own bin, merged upwards until a bin has ``least`` rows."""
    ends, in_bin = [], 0
    for value, count in enumerate(counts[:-1].tolist()):
        in_bin += count
        if in_bin >= least:
            ends.append(value)
            in_bin = 0
    return np.array(ends, dtype=np.int64)


def _many_values(counts: IntArray, max_bin: int, rows: int, least: int) -> IntArray:
    """Bins of near-equal size; a value with more rows than that is a bin of its own."""
    max_bin = max(1, min(max_bin, rows // least))
    big = counts >= rows / max_bin
    free_bins = max_bin - int(big.sum())
    free_rows = rows - int(counts[big].sum())
    total = np.concatenate([[0], np.cumsum(counts)])
    small_total = np.concatenate([[0], np.cumsum(np.where(big, 0, counts))])
    big_at = np.flatnonzero(big)
    ends: list[int] = []
    mean = _ratio(free_rows, free_bins)
    start, last = 0, counts.size - 1
    while start < last and len(ends) < max_bin - 1:
        # Three ways for a bin to end, whichever comes first: it is full, it is a big value, a big value follows.
        full = _first_reaching(total, start, mean)
        following = big_at[np.searchsorted(big_at, start) :]
        end = min(full, int(following[0]) if following.size else last)
        half = _first_reaching(total, start, 1.0 if np.isnan(mean) else max(1.0, mean * 0.5))
        before_big = following[following - 1 >= max(half, start)]
        end = min(end, int(before_big[0]) - 1 if before_big.size else last)
        if end >= last:
            break
        ends.append(end)
        if not big[end]:
            free_bins -= 1
            mean = _ratio(free_rows - int(small_total[end + 1]), free_bins)
        start = end + 1
    return np.array(ends, dtype=np.int64)


def _ratio(rows: int, bins: int) -> float:
    """C++ division: by zero gives infinity, or NaN for 0 / 0."""
    if bins == 0:
        return float("nan") if rows == 0 else float("inf")
    return rows / bins


def _first_reaching(total: IntArray, start: int, size: float) -> int:
    """The first value at which a bin begun at ``start`` has ``size`` rows; one past the end if never."""
    if not np.isfinite(size):
        return total.size - 1
    return int(np.searchsorted(total[start + 1 :], total[start] + np.ceil(size))) + start


def _category_bins(
    distinct: FloatArray, counts: IntArray, n_missing: int, rows: int, max_bin: int, least: int, column: str | None
) -> tuple[IntArray, IntArray]:
    """Category of each bin and rows in each bin."""
    if distinct.size and distinct[-1] > _LARGEST_CATEGORY:
        raise DataError(
            "BIN_VALUES",
            Text("A category number is above 2^31 - 1.", "类别编号超过 2^31 - 1。"),
            cure=Text("Number the categories from 0 on.", "请从 0 起为类别编号。"),
            place=Place(column=column),
        )
    whole = np.trunc(distinct)
    n_missing += int(counts[whole < 0].sum())
    categories, group = np.unique(whole[whole >= 0].astype(np.int64), return_inverse=True)
    in_category = np.bincount(group, counts[whole >= 0], categories.size).astype(np.int64)
    if rows <= n_missing:
        return np.array([-1], dtype=np.int64), np.array([rows], dtype=np.int64)
    order = np.argsort(-in_category, kind="stable")
    # LightGBM multiplies in float32.
    enough = int(float(np.float32(rows - n_missing) * np.float32(0.99)) + 0.5)
    max_bin = min(categories.size + (n_missing > 0), max_bin)
    kept, covered = 0, 0
    while kept < order.size and (covered < enough or kept + 1 < max_bin):
        count = int(in_category[order[kept]])
        if count < least and kept > 1:
            break
        covered += count
        kept += 1
    return np.append(-1, categories[order[:kept]]), np.append(rows - covered, in_category[order[:kept]])


def _cannot_split(in_bin: IntArray, rows: int, least: int, categorical: bool) -> bool:
    """LightGBM's feature_pre_filter: no cut leaves ``least`` rows on both sides."""
    if categorical and in_bin.size > 2:
        return False
    left = in_bin[:-1] if categorical else np.cumsum(in_bin[:-1])
    return not bool(np.any((left >= least) & (rows - left >= least)))
