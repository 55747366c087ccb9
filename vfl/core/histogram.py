"""Gradient histograms: for every bin of every feature, the sums of gradient and hessian over a leaf's rows.

A histogram is flat: (total bins, 2), features one after another as :class:`HistogramLayout` says. Sums come in
two kinds: float64 (LightGBM's own additions, in row order) and fixed point int64, which is exact and therefore
the same whether a bank adds its own rows or a platform adds ciphertexts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vfl.errors import LocalProtocolError, Text

__all__ = ["FeatureMeta", "HistogramLayout", "exact_histogram", "histogram", "padded", "subtract"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BinArray = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_SHAPE = "HISTOGRAM_SHAPE"
# float64 holds every integer up to here, so sums that stay below are exact in any order.
_EXACT_FLOAT = 1 << 53
_LOW_BITS = 26


@dataclass(frozen=True, slots=True)
class FeatureMeta:
    """The shape of one feature's histogram; nothing about its values or its name.

    Parameters
    ----------
    n_bins : int
        Bins of the histogram, a NaN bin and empty padding included. Padding sits after the value bins: before
        the NaN bin where there is one, else at the end.
    is_categorical : bool
        Bin 0 then holds rare, unseen and missing categories and always stays right.
    has_nan_bin : bool
        Numeric only: the last bin holds the missing values.
    most_frequent_bin : int, optional
        The bin whose sums LightGBM derives from the leaf's total instead of adding rows up. Naming it makes
        the last bits equal LightGBM's, and the histogram's own entry for that bin is not read; None reads it.
    monotone : int
        1: the margin may only rise with the feature, -1: only fall, 0: free. Numeric only.
    unpadded_bins : int, optional
        Categorical: bins before padding, on which the choice of one category against the rest depends.
    """

    n_bins: int
    is_categorical: bool = False
    has_nan_bin: bool = False
    most_frequent_bin: int | None = None
    monotone: int = 0
    unpadded_bins: int | None = None

    def __post_init__(self) -> None:
        frequent = self.most_frequent_bin
        if (
            self.n_bins < 1
            or self.monotone not in (-1, 0, 1)
            or (self.is_categorical and (self.has_nan_bin or self.monotone != 0))
            or (frequent is not None and not 0 <= frequent < self.n_bins)
        ):
            raise LocalProtocolError(
                _SHAPE,
                Text("A feature's histogram shape contradicts itself.", "特征直方图的形状自相矛盾。"),
                cure=Text("Take it from a fitted BinMapper.", "请由已拟合的 BinMapper 取得。"),
            )


class HistogramLayout:
    """How features lie one after another in a flat histogram.

    Attributes
    ----------
    features : tuple of FeatureMeta
    offsets : int64 array, (n_features + 1,)
        First bin of each feature in the flat histogram; the last entry is the total.
    """

    def __init__(self, features: Sequence[FeatureMeta]) -> None:
        self.features = tuple(features)
        self.offsets: IntArray = np.cumsum([0, *(f.n_bins for f in self.features)], dtype=np.int64)

    def __repr__(self) -> str:
        return f"<HistogramLayout: {self.n_features} features, {self.total_bins} bins>"

    @property
    def n_features(self) -> int:
        return len(self.features)

    @property
    def total_bins(self) -> int:
        return int(self.offsets[-1])

    def bins_of(self, feature: int) -> slice:
        return slice(int(self.offsets[feature]), int(self.offsets[feature + 1]))

    def check(self, sums: npt.NDArray[np.float64] | IntArray) -> None:
        """Raise unless ``sums`` has the shape (total_bins, 2)."""
        if sums.shape != (self.total_bins, 2):
            raise LocalProtocolError(
                _SHAPE,
                Text("A histogram does not have the agreed number of bins.", "直方图的箱数与约定不符。"),
                cure=Text("Give one (gradient, hessian) pair per bin.", "请为每个箱给出一对（梯度，海森）。"),
            )

    def derive_most_frequent(self, sums: FloatArray, gradient: float, hessian: float) -> None:
        """Write each feature's most frequent bin as the leaf's total less all its other bins, in place.

        For histograms summed from rows; a sibling's, had by subtraction, is complete already. A zeroth bin is
        left as it is: only one scan reads it, and derives it there (:mod:`vfl.core.split`), as LightGBM does.
        """
        derived, others = self._derived
        if derived.size:
            # cumsum, not sum: numpy sums pairwise, LightGBM one after another. Past the end lies a zero.
            parts = -np.append(sums, np.zeros((1, 2)), axis=0)[others]
            sums[derived] = np.cumsum(np.insert(parts, 0, (gradient, hessian), axis=1), axis=1)[:, -1]

    @cached_property
    def _derived(self) -> tuple[IntArray, IntArray]:
        """Flat positions of the derived bins, and of each one's feature's other bins."""
        derived: list[int] = []
        others: list[IntArray] = []
        for start, meta in zip(self.offsets[:-1].tolist(), self.features, strict=True):
            if meta.most_frequent_bin:
                derived.append(start + meta.most_frequent_bin)
                others.append(start + np.delete(np.arange(meta.n_bins), meta.most_frequent_bin))
        return np.array(derived, dtype=np.int64), padded(others, self.total_bins)


def histogram(
    bins: BinArray, rows: npt.NDArray[np.int32] | None, gradient: FloatArray, hessian: FloatArray,
    layout: HistogramLayout,
) -> FloatArray:  # fmt: skip
    """Sums of float gradients per bin, added in row order.

    Parameters
    ----------
    bins : uint8 or uint16 array, (rows, features)
        Fastest where a feature's bins lie together (Fortran order).
    rows : int32 array, (leaf rows,), optional
        The leaf's rows, ascending; None for all.
    gradient, hessian : float64 array, (rows,)
    layout : HistogramLayout

    Returns
    -------
    float64 array, (total bins, 2)
    """
    sums = np.empty((layout.total_bins, 2))
    g, h = (gradient, hessian) if rows is None else (gradient[rows], hessian[rows])
    for feature, meta in enumerate(layout.features):
        where = _bins_of_rows(bins, feature, rows)
        out = sums[layout.bins_of(feature)]
        out[:, 0] = np.bincount(where, g, meta.n_bins)
        out[:, 1] = np.bincount(where, h, meta.n_bins)
    return sums


def exact_histogram(
    bins: BinArray, rows: npt.NDArray[np.int32] | None, gradient: IntArray, hessian: IntArray,
    layout: HistogramLayout,
) -> IntArray:  # fmt: skip
    """Sums of fixed-point gradients per bin, exact; shapes as in :func:`histogram`, result int64.

    Raises
    ------
    LocalProtocolError
        ``FIXED_POINT_RANGE`` where a sum might leave int64.
    """
    sums = np.empty((layout.total_bins, 2), dtype=np.int64)
    values = (gradient, hessian) if rows is None else (gradient[rows], hessian[rows])
    parts = [_float_parts(v) for v in values]
    for feature, meta in enumerate(layout.features):
        where = _bins_of_rows(bins, feature, rows)
        for column, (high, low) in enumerate(parts):
            total = np.bincount(where, low, meta.n_bins).astype(np.int64)
            if high is not None:
                total += np.bincount(where, high, meta.n_bins).astype(np.int64) << _LOW_BITS
            sums[layout.bins_of(feature), column] = total
    return sums


def subtract(parent: FloatArray, child: FloatArray) -> FloatArray:
    """The sibling's histogram: what the parent has and the child has not."""
    return parent - child


def padded(rows: Sequence[IntArray], filler: int) -> IntArray:
    """Rows of unequal length as one table, at least one wide, filled up with ``filler``."""
    table = np.full((len(rows), max((row.size for row in rows), default=1) or 1), filler, dtype=np.int64)
    for number, row in enumerate(rows):
        table[number, : row.size] = row
    return table


def _bins_of_rows(bins: BinArray, feature: int, rows: npt.NDArray[np.int32] | None) -> npt.NDArray[np.intp]:
    column = bins[:, feature]
    # bincount would make this conversion anew at each call.
    return (column if rows is None else column[rows]).astype(np.intp)


def _float_parts(values: IntArray) -> tuple[FloatArray | None, FloatArray]:
    """Integers as (high, low) floats with value = high · 2^26 + low, such that bincount adds each exactly.

    numpy's bincount adds float64 only; where the plain sum may pass 2^53 the halves are added apart.
    """
    largest = int(np.abs(values).max(initial=0))
    if largest * values.size < _EXACT_FLOAT:
        return None, values.astype(np.float64)
    if largest * values.size >= 1 << 63:
        raise LocalProtocolError(
            "FIXED_POINT_RANGE",
            Text("Sums of fixed-point gradients may leave 64 bits.", "定点梯度之和可能超出 64 位。"),
            cure=Text("Use fewer gradient_bits.", "请减小 gradient_bits。"),
        )
    return (values >> _LOW_BITS).astype(np.float64), (values & ((1 << _LOW_BITS) - 1)).astype(np.float64)
