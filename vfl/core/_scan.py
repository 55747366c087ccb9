"""Candidate splits of a leaf: numeric features scanned both ways, categories one by one or in order.

Source: LightGBM 4.7, ``FeatureHistogram::FindBestThresholdSequentially`` and ``FindBestThresholdCategoricalInner``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.core._gain import EPSILON, NO_GAIN, Leaf
from vfl.core.histogram import FeatureMeta, HistogramLayout, padded

__all__ = ["NumericScan", "Scanned", "Side", "one_category", "sorted_categories"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Side:
    """Left side of a feature's best split; ``gain`` is not yet reduced by the leaf's own."""

    gain: float
    gradient: float
    hessian: float
    count: int
    threshold_bin: int | None
    left_bins: tuple[int, ...]
    default_left: bool
    lambda_l2: float


def _scans_missing(meta: FeatureMeta) -> bool:
    # With one value bin LightGBM takes the NaN bin for an ordinary second bin.
    return meta.has_nan_bin and meta.n_bins > 2


@dataclass(frozen=True, slots=True)
class Scanned:
    """Each numeric feature's best cut, (features,): its gain (-inf where none is allowed) and its left side."""

    features: IntArray
    best: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    count: IntArray
    threshold_bin: IntArray
    default_left: BoolArray
    lambda_l2: float

    def side(self, feature: int) -> Side:
        row = int(np.flatnonzero(self.features == feature)[0])
        return Side(
            gain=float(self.best[row]),
            gradient=float(self.gradient[row]),
            hessian=float(self.hessian[row]),
            count=int(self.count[row]),
            threshold_bin=int(self.threshold_bin[row]),
            left_bins=(),
            default_left=bool(self.default_left[row]),
            lambda_l2=self.lambda_l2,
        )


class NumericScan:
    """All numeric features' bins moved one by one from one side of a split to the other.

    Holds what depends on the layout alone; :meth:`run` does one leaf.
    """

    def __init__(
        self, layout: HistogramLayout, features: list[int], orders: list[IntArray], *, grows_left: bool
    ) -> None:
        metas = [layout.features[f] for f in features]
        self._features = np.array(features, dtype=np.int64)
        # (features, width) into the flat histogram; its length where a narrow feature has no more bins.
        self._bins = padded([layout.offsets[f] + o for f, o in zip(features, orders, strict=True)], layout.total_bins)
        self._real = self._bins < layout.total_bins
        self._monotone = np.array([m.monotone for m in metas], dtype=np.int64)[:, None]
        self._first_bin = np.array([o[0] if o.size else 0 for o in orders], dtype=np.int64)
        self._default_left = np.array([not grows_left and (_scans_missing(m) or not m.has_nan_bin) for m in metas])
        self._grows_left = grows_left
        # Features whose zeroth bin is the leaf's total less all their other bins, and those other bins.
        self._derived = np.array(
            [row for row, m in enumerate(metas) if grows_left and m.most_frequent_bin == 0], dtype=np.int64
        )
        others = [np.arange(layout.offsets[f] + 1, layout.offsets[f + 1]) for f in self._features[self._derived]]
        self._others = padded(others, layout.total_bins)

    @classmethod
    def downward(cls, layout: HistogramLayout) -> NumericScan:
        """From the last value bin down to bin 1, onto the right; missing values stay on the left."""
        features = [f for f, m in enumerate(layout.features) if not m.is_categorical]
        metas = [layout.features[f] for f in features]
        orders = [np.arange(m.n_bins - 1 - _scans_missing(m), 0, -1) for m in metas]
        return cls(layout, features, orders, grows_left=False)

    @classmethod
    def upward(cls, layout: HistogramLayout) -> NumericScan:
        """From bin 0 up to the last value bin, onto the left; missing values stay on the right."""
        features = [f for f, m in enumerate(layout.features) if not m.is_categorical and _scans_missing(m)]
        orders = [np.arange(layout.features[f].n_bins - 1) for f in features]
        return cls(layout, features, orders, grows_left=True)

    def run(self, sums: FloatArray, leaf: Leaf) -> Scanned:
        """Each feature's best cut of one leaf; ``sums`` is (total bins, 2)."""
        # One zero past the end stands for all bins a narrow feature has not.
        gradients, hessians = (np.append(sums[:, column], 0.0) for column in (0, 1))
        gradient, hessian = gradients[self._bins], hessians[self._bins]
        count = leaf.counts(hessian)
        hessian[:, 0] += EPSILON
        if self._derived.size:
            others = hessians[self._others]
            gradient[self._derived, 0] = _less(leaf.stats.sum_gradient, gradients[self._others])
            hessian[self._derived, 0] = _less(leaf.hessian - EPSILON, others)
            count[self._derived, 0] = leaf.stats.count - leaf.counts(others).sum(axis=1)
        for running in (gradient, hessian, count):
            np.cumsum(running, axis=1, out=running)
        rest = leaf.stats.sum_gradient - gradient, leaf.hessian - hessian, leaf.stats.count - count
        grown = gradient, hessian, count
        grown_few, rest_few = leaf.too_few(hessian, count), leaf.too_few(*rest[1:])
        # LightGBM leaves the loop here, so later bins are out even if rounding would let them in again.
        stopped = np.logical_or.accumulate(~grown_few & rest_few, axis=1)
        left, right = (grown, rest) if self._grows_left else (rest, grown)
        with np.errstate(divide="ignore", invalid="ignore"):
            gains = leaf.gains(left[0], left[1], right[0], right[1], leaf.params.lambda_l2, self._monotone)
            gains = np.where(self._real & ~grown_few & ~stopped & (gains > leaf.threshold), gains, NO_GAIN)
        step = np.argmax(gains, axis=1)
        at = np.arange(step.size), step
        return Scanned(
            features=self._features,
            best=gains[at],
            gradient=left[0][at],
            hessian=left[1][at],
            count=left[2][at],
            threshold_bin=self._first_bin + step if self._grows_left else self._first_bin - step - 1,
            default_left=self._default_left,
            lambda_l2=leaf.params.lambda_l2,
        )


def _less(total: float, others: FloatArray) -> FloatArray:
    """``total`` less all of each row of ``others``, one after another as LightGBM does (numpy sums pairwise)."""
    return np.cumsum(np.insert(-others, 0, total, axis=1), axis=1)[:, -1]


def one_category(sums: FloatArray, leaf: Leaf) -> Side | None:
    """Best single category to send left; ``sums`` is (bins, 2) of one feature, bin 0 always stays right."""
    l2 = leaf.params.lambda_l2
    gradient, hessian = sums[1:, 0], sums[1:, 1]
    count = leaf.counts(hessian)
    other_gradient, other_hessian = leaf.stats.sum_gradient - gradient, leaf.hessian - hessian - EPSILON
    few = leaf.too_few(hessian, count) | leaf.too_few(other_hessian, leaf.stats.count - count)
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = leaf.gains(other_gradient, other_hessian, gradient, hessian + EPSILON, l2)
        gains = np.where(~few & (gains > leaf.threshold), gains, NO_GAIN)
    if gains.max(initial=NO_GAIN) == NO_GAIN:
        return None
    at = int(np.argmax(gains))
    return Side(
        float(gains[at]), float(gradient[at]), float(hessian[at] + EPSILON), int(count[at]), None, (at + 1,), False, l2
    )


def sorted_categories(sums: FloatArray, leaf: Leaf) -> Side | None:
    """Best set of categories to send left: a prefix or a suffix in the order of gradient over hessian."""
    params = leaf.params
    l2 = params.lambda_l2 + params.cat_l2
    counts = leaf.counts(sums[:, 1])
    used = 1 + np.flatnonzero(counts[1:] >= params.cat_smooth)
    order = used[np.argsort(sums[used, 0] / (sums[used, 1] + params.cat_smooth), kind="stable")]
    most = min(params.max_cat_threshold, (order.size + 1) // 2)
    best: Side | None = None
    for walk in (order[:most], order[::-1][:most]):
        gradient, hessian, count, in_group = 0.0, EPSILON, 0, 0
        for taken, category in enumerate(walk, start=1):
            gradient += float(sums[category, 0])
            hessian += float(sums[category, 1])
            count += int(counts[category])
            in_group += int(counts[category])
            if leaf.too_few(hessian, count):
                continue
            other_gradient, other_hessian = leaf.stats.sum_gradient - gradient, leaf.hessian - hessian
            other_count = leaf.stats.count - count
            if leaf.too_few(other_hessian, other_count) or other_count < params.min_data_per_group:
                break
            if in_group < params.min_data_per_group:
                continue
            in_group = 0
            gain = float(leaf.gains(gradient, hessian, other_gradient, other_hessian, l2))
            if gain > leaf.threshold and (best is None or gain > best.gain):
                bins = tuple(int(c) for c in walk[:taken])
                best = Side(gain, gradient, hessian, count, None, bins, False, l2)
    return best
