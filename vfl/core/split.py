"""The best split of one leaf from its gradient histogram, as LightGBM finds it.

Source: LightGBM 4.7, ``FeatureHistogram::FindBestThresholdSequentially`` and ``…CategoricalInner`` (Ke et al.,
NIPS 2017; sorted categories: Fisher, JASA 1958). Numeric features are scanned all at once: one numpy operation
over every (feature, bin). Additions happen in LightGBM's own order, so equal histograms give equal gains to
the last bit and ties fall the same way: within a scan the first best wins, a second scan must be strictly
better, and among features the lower index wins.

Rows of a bin are never counted: as in LightGBM a count is ``round(hessian · rows of the leaf / hessian of the
leaf)``. So a histogram is two numbers per bin, and counts need not travel.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from vfl.core.histogram import FeatureMeta, HistogramLayout
from vfl.errors import ConfigError, Text

__all__ = ["LeafStats", "Split", "SplitFinder", "SplitParams", "SplitSearch", "best_split"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# LightGBM writes 1e-15f: the float32 nearest to 1e-15.
_EPSILON = float(np.float32(1e-15))
_NO_GAIN = float("-inf")


@dataclass(frozen=True, slots=True)
class LeafStats:
    """Sums over a leaf's rows, its number of rows, and its output before shrinkage.

    ``lower`` and ``upper`` bound the outputs of its descendants where monotone constraints are in force.
    """

    sum_gradient: float
    sum_hessian: float
    count: int
    output: float = 0.0
    lower: float = float("-inf")
    upper: float = float("inf")


@dataclass(frozen=True, slots=True)
class SplitParams:
    """LightGBM's split parameters under its own names, with its own defaults."""

    lambda_l1: float = 0.0
    lambda_l2: float = 0.0
    min_data_in_leaf: int = 20
    min_sum_hessian_in_leaf: float = 1e-3
    min_gain_to_split: float = 0.0
    max_delta_step: float = 0.0
    max_cat_to_onehot: int = 4
    max_cat_threshold: int = 32
    cat_smooth: float = 10.0
    cat_l2: float = 10.0
    min_data_per_group: int = 100

    def __post_init__(self) -> None:
        for field in fields(self):
            floor = 1 if field.name in ("max_cat_to_onehot", "max_cat_threshold", "min_data_per_group") else 0
            # Written so that NaN fails too; max_delta_step <= 0 means none.
            if field.name != "max_delta_step" and not getattr(self, field.name) >= floor:
                raise ConfigError(
                    "TREE_PARAMETER",
                    Text(f"Tree parameter {field.name} is too small.", f"树参数 {field.name} 过小。"),
                    cure=Text(f"Use {field.name} >= {floor}.", f"请令 {field.name} >= {floor}。"),
                )


@dataclass(frozen=True, slots=True)
class Split:
    """A leaf cut in two.

    Numeric: bins 0 … ``threshold_bin`` go left, and the NaN bin, if any, where ``default_left`` says.
    Categorical (``threshold_bin`` None): exactly ``left_bins`` go left. ``gain`` is LightGBM's, less
    ``min_gain_to_split``. Counts of ``left`` and ``right`` are estimates until the rows have been partitioned.
    """

    feature: int
    threshold_bin: int | None
    left_bins: tuple[int, ...]
    default_left: bool
    gain: float
    left: LeafStats
    right: LeafStats

    @property
    def is_categorical(self) -> bool:
        return self.threshold_bin is None


@dataclass(frozen=True, slots=True)
class SplitSearch:
    """What one leaf's histogram offers: its best split, and which features its descendants may still try.

    LightGBM gives a feature up below a leaf it could not split at all; so do we, or trees would differ.
    """

    split: Split | None
    splittable: BoolArray


class SplitFinder:
    """Searches histograms of one layout; what depends on the layout alone is prepared once.

    Parameters
    ----------
    layout : HistogramLayout
    params : SplitParams

    Example
    -------
    >>> finder = SplitFinder(HistogramLayout([FeatureMeta(n_bins=3)]), SplitParams(min_data_in_leaf=1))
    >>> sums = np.array([[-4.0, 2.0], [1.0, 1.0], [3.0, 2.0]])
    >>> finder.find(sums, LeafStats(0.0, 5.0, count=20)).split.threshold_bin
    0
    """

    def __init__(self, layout: HistogramLayout, params: SplitParams) -> None:
        self._layout = layout
        self._params = params
        self._constrained = any(f.monotone for f in layout.features)
        self._categorical = [i for i, f in enumerate(layout.features) if f.is_categorical]
        numeric = [i for i, f in enumerate(layout.features) if not f.is_categorical]
        self._downward = _Scan.downward(layout, numeric)
        self._upward = _Scan.upward(layout, [i for i in numeric if _scans_missing(layout.features[i])])

    def find(self, sums: FloatArray, leaf: LeafStats, searchable: BoolArray | None = None) -> SplitSearch:
        """Best split of one leaf.

        Parameters
        ----------
        sums : float64 array, (total bins, 2)
            Gradient and hessian sums.
        leaf : LeafStats
        searchable : bool array, (features,), optional
            Features to try; the parent's ``splittable``, less those not drawn for this tree.

        Raises
        ------
        LocalProtocolError
            ``HISTOGRAM_SHAPE``.
        """
        self._layout.check(sums)
        state = _Leaf.of(leaf, self._params, self._constrained)
        # One zero row past the end stands for all bins a narrow feature has not.
        extended = np.concatenate([sums, np.zeros((1, 2))])
        down = self._downward.run(extended, state)
        up = self._upward.run(extended, state)
        candidates: dict[int, _Side] = {}
        gains = np.full(self._layout.n_features, _NO_GAIN)
        gains[self._downward.features] = down.best - state.threshold
        # The second scan must beat the first after a subtraction and an addition, as LightGBM rounds it.
        earlier = gains[self._upward.features] + state.threshold
        better = up.best > earlier
        gains[self._upward.features[better]] = up.best[better] - state.threshold
        for feature in self._categorical:
            if searchable is None or searchable[feature]:
                meta = self._layout.features[feature]
                one_hot = (meta.unpadded_bins or meta.n_bins) <= self._params.max_cat_to_onehot
                search = _one_category if one_hot else _sorted_categories
                side = search(sums[self._layout.bins_of(feature)], state)
                if side is not None:
                    candidates[feature] = side
                    gains[feature] = side.gain - state.threshold
        if searchable is not None:
            gains[~searchable] = _NO_GAIN
        splittable = gains > _NO_GAIN
        if not splittable.any():
            return SplitSearch(None, splittable)
        winner = int(np.argmax(gains))
        if winner not in candidates:
            up_row = np.flatnonzero(self._upward.features[better] == winner)
            scan, result = (self._upward, up) if up_row.size else (self._downward, down)
            candidates[winner] = scan.side(result, winner, state)
        return SplitSearch(self._split(winner, candidates[winner], state, float(gains[winner])), splittable)

    def _split(self, feature: int, side: _Side, leaf: _Leaf, gain: float) -> Split:
        right_gradient, right_hessian = leaf.stats.sum_gradient - side.gradient, leaf.hessian - side.hessian
        left_output = float(leaf.output(side.gradient, side.hessian, side.lambda_l2))
        right_output = float(leaf.output(right_gradient, right_hessian, side.lambda_l2))
        left_bounds, right_bounds = leaf.child_bounds(
            self._layout.features[feature].monotone, left_output, right_output
        )
        left = LeafStats(side.gradient, side.hessian - _EPSILON, side.count, left_output, *left_bounds)
        right = LeafStats(
            right_gradient, right_hessian - _EPSILON, leaf.stats.count - side.count, right_output, *right_bounds
        )
        return Split(feature, side.threshold_bin, side.left_bins, side.default_left, gain, left, right)


def best_split(
    sums: FloatArray, feature: FeatureMeta, leaf: LeafStats, params: SplitParams
) -> Split | None:
    """Best split of one feature alone, from its (n_bins, 2) sums; None where no split gains enough."""
    return SplitFinder(HistogramLayout([feature]), params).find(sums, leaf).split


def _scans_missing(meta: FeatureMeta) -> bool:
    # With one value bin LightGBM takes the NaN bin for an ordinary second bin.
    return meta.has_nan_bin and meta.n_bins > 2


@dataclass(frozen=True, slots=True)
class _Side:
    """Left side of a feature's best split; ``gain`` is not yet reduced by the leaf's own."""

    gain: float
    gradient: float
    hessian: float
    count: int
    threshold_bin: int | None
    left_bins: tuple[int, ...]
    default_left: bool
    lambda_l2: float


@dataclass(frozen=True, slots=True)
class _Leaf:
    """The leaf under search and what all its scans share."""

    stats: LeafStats
    params: SplitParams
    hessian: float
    per_hessian: float
    threshold: float  # the leaf's own gain plus min_gain_to_split: what a split must exceed
    constrained: bool

    @classmethod
    def of(cls, stats: LeafStats, params: SplitParams, constrained: bool) -> _Leaf:
        hessian = stats.sum_hessian + 2 * _EPSILON
        own = float(_leaf_gain(np.array(stats.sum_gradient), np.array(hessian), params, params.lambda_l2))
        return cls(stats, params, hessian, stats.count / hessian, own + params.min_gain_to_split, constrained)

    def counts(self, hessian: FloatArray) -> IntArray:
        return (hessian * self.per_hessian + 0.5).astype(np.int64)

    def output(self, gradient: FloatArray | float, hessian: FloatArray | float, l2: float) -> FloatArray:
        out = _output(np.asarray(gradient), np.asarray(hessian), self.params, l2)
        return np.clip(out, self.stats.lower, self.stats.upper) if self.constrained else out

    def gains(
        self, left_g: FloatArray, left_h: FloatArray, right_g: FloatArray, right_h: FloatArray, l2: float,
        monotone: IntArray | int = 0,
    ) -> FloatArray:  # fmt: skip
        """Gain of both children together; 0 where a monotone constraint forbids the split."""
        if not self.constrained:
            both = _leaf_gain(left_g, left_h, self.params, l2), _leaf_gain(right_g, right_h, self.params, l2)
            return both[0] + both[1]
        left, right = self.output(left_g, left_h, l2), self.output(right_g, right_h, l2)
        gains = _gain_of_output(left_g, left_h, self.params, l2, left)
        gains = gains + _gain_of_output(right_g, right_h, self.params, l2, right)
        against = ((monotone > 0) & (left > right)) | ((monotone < 0) & (left < right))
        return np.where(against, 0.0, gains)

    def child_bounds(
        self, monotone: int, left: float, right: float
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """LightGBM's basic method: the mean of both outputs parts what the two subtrees may output."""
        lower, upper = self.stats.lower, self.stats.upper
        middle = (left + right) / 2.0
        low_side, high_side = (lower, min(upper, middle)), (max(lower, middle), upper)
        if monotone > 0:
            return low_side, high_side
        return (high_side, low_side) if monotone < 0 else ((lower, upper), (lower, upper))


def _soft(gradient: FloatArray, l1: float) -> FloatArray:
    return np.sign(gradient) * np.maximum(0.0, np.abs(gradient) - l1) if l1 > 0 else gradient


def _output(gradient: FloatArray, hessian: FloatArray, params: SplitParams, l2: float) -> FloatArray:
    out = -_soft(gradient, params.lambda_l1) / (hessian + l2)
    return np.clip(out, -params.max_delta_step, params.max_delta_step) if params.max_delta_step > 0 else out


def _leaf_gain(gradient: FloatArray, hessian: FloatArray, params: SplitParams, l2: float) -> FloatArray:
    if params.max_delta_step > 0:
        return _gain_of_output(gradient, hessian, params, l2, _output(gradient, hessian, params, l2))
    g = _soft(gradient, params.lambda_l1)
    return (g * g) / (hessian + l2)


def _gain_of_output(
    gradient: FloatArray, hessian: FloatArray, params: SplitParams, l2: float, output: FloatArray
) -> FloatArray:
    g = _soft(gradient, params.lambda_l1)
    return -(2.0 * g * output + (hessian + l2) * output * output)


@dataclass(frozen=True, slots=True)
class _Scanned:
    """A scan's running sums of the side that grows, its gains (-inf where not allowed), the best per feature."""

    gradient: FloatArray
    hessian: FloatArray
    count: IntArray
    position: IntArray
    best: FloatArray


@dataclass(frozen=True, slots=True)
class _Scan:
    """Numeric features and, per feature, its bins in the order in which they move to the growing side."""

    features: IntArray
    bins: IntArray  # (features, width) into the flat histogram; its length where a feature has no more bins
    real: BoolArray
    monotone: IntArray
    grows_left: bool
    first_bin: IntArray  # of the order, counted within the feature
    default_left: BoolArray
    derived: IntArray  # rows whose first sums are the leaf's total less all the feature's other bins
    others: IntArray  # (derived rows, width): those other bins

    @classmethod
    def downward(cls, layout: HistogramLayout, features: list[int]) -> _Scan:
        """From the last value bin down to bin 1, onto the right; missing values stay on the left."""
        metas = [layout.features[f] for f in features]
        orders = [np.arange(m.n_bins - 1 - _scans_missing(m), 0, -1) for m in metas]
        default_left = [not (m.has_nan_bin and not _scans_missing(m)) for m in metas]
        return cls._of(layout, features, orders, default_left, grows_left=False)

    @classmethod
    def upward(cls, layout: HistogramLayout, features: list[int]) -> _Scan:
        """From bin 0 up to the last value bin, onto the left; missing values stay on the right."""
        orders = [np.arange(layout.features[f].n_bins - 1) for f in features]
        return cls._of(layout, features, orders, [False] * len(features), grows_left=True)

    @classmethod
    def _of(
        cls, layout: HistogramLayout, features: list[int], orders: list[IntArray], default_left: list[bool], *,
        grows_left: bool,
    ) -> _Scan:  # fmt: skip
        metas = [layout.features[f] for f in features]
        bins = _padded([layout.offsets[f] + o for f, o in zip(features, orders, strict=True)], layout.total_bins)
        derived = [row for row, m in enumerate(metas) if grows_left and m.most_frequent_bin == 0]
        others = [np.arange(layout.offsets[f] + 1, layout.offsets[f + 1]) for f in (features[r] for r in derived)]
        return cls(
            features=np.array(features, dtype=np.int64),
            bins=bins,
            real=bins < layout.total_bins,
            monotone=np.array([m.monotone for m in metas], dtype=np.int64)[:, None],
            grows_left=grows_left,
            first_bin=np.array([o[0] if o.size else 0 for o in orders], dtype=np.int64),
            default_left=np.array(default_left, dtype=np.bool_),
            derived=np.array(derived, dtype=np.int64),
            others=_padded(others, layout.total_bins),
        )

    def run(self, extended: FloatArray, leaf: _Leaf) -> _Scanned:
        if not self.bins.size:
            nothing = np.full(self.features.size, _NO_GAIN)
            none = np.zeros(self.bins.shape)
            return _Scanned(none, none, self.bins, np.zeros_like(self.features), nothing)
        moved = extended[self.bins]
        counts = leaf.counts(moved[:, :, 1])
        moved[:, 0, 1] += _EPSILON
        if self.derived.size:
            self._derive_first(extended, leaf, moved, counts)
        gradient, hessian = np.cumsum(moved[:, :, 0], axis=1), np.cumsum(moved[:, :, 1], axis=1)
        count = np.cumsum(counts, axis=1)
        other_gradient, other_hessian = leaf.stats.sum_gradient - gradient, leaf.hessian - hessian
        params = leaf.params
        few = (count < params.min_data_in_leaf) | (hessian < params.min_sum_hessian_in_leaf)
        others_few = (leaf.stats.count - count < params.min_data_in_leaf) | (
            other_hessian < params.min_sum_hessian_in_leaf
        )
        # LightGBM leaves the loop here, so later bins are out even if rounding would let them in again.
        stopped = np.logical_or.accumulate(~few & others_few, axis=1)
        grown, rest = (gradient, hessian), (other_gradient, other_hessian)
        left, right = (grown, rest) if self.grows_left else (rest, grown)
        with np.errstate(divide="ignore", invalid="ignore"):
            gains = leaf.gains(*left, *right, params.lambda_l2, self.monotone)
            gains = np.where(self.real & ~few & ~stopped & (gains > leaf.threshold), gains, _NO_GAIN)
        position = np.argmax(gains, axis=1)
        return _Scanned(gradient, hessian, count, position, gains[np.arange(position.size), position])

    def _derive_first(self, extended: FloatArray, leaf: _Leaf, moved: FloatArray, counts: IntArray) -> None:
        others = extended[self.others]
        total = np.empty((self.derived.size, 1, 2))
        total[:] = leaf.stats.sum_gradient, leaf.hessian - _EPSILON
        moved[self.derived, 0] = np.cumsum(np.concatenate([total, -others], axis=1), axis=1)[:, -1]
        counts[self.derived, 0] = leaf.stats.count - leaf.counts(others[:, :, 1]).sum(axis=1)

    def side(self, result: _Scanned, feature: int, leaf: _Leaf) -> _Side:
        row = int(np.flatnonzero(self.features == feature)[0])
        at = int(result.position[row])
        gradient, hessian = float(result.gradient[row, at]), float(result.hessian[row, at])
        count, gain = int(result.count[row, at]), float(result.best[row])
        if self.grows_left:
            threshold = int(self.first_bin[row]) + at
        else:
            threshold = int(self.first_bin[row]) - at - 1
            gradient, hessian = leaf.stats.sum_gradient - gradient, leaf.hessian - hessian
            count = leaf.stats.count - count
        l2 = leaf.params.lambda_l2
        return _Side(gain, gradient, hessian, count, threshold, (), bool(self.default_left[row]), l2)


def _padded(rows: list[IntArray], filler: int) -> IntArray:
    out = np.full((len(rows), max((r.size for r in rows), default=0)), filler, dtype=np.int64)
    for row, values in enumerate(rows):
        out[row, : values.size] = values
    return out


def _one_category(sums: FloatArray, leaf: _Leaf) -> _Side | None:
    params = leaf.params
    gradient, hessian = sums[1:, 0], sums[1:, 1]
    count = leaf.counts(hessian)
    other_gradient, other_hessian = leaf.stats.sum_gradient - gradient, leaf.hessian - hessian - _EPSILON
    allowed = (
        (count >= params.min_data_in_leaf)
        & (hessian >= params.min_sum_hessian_in_leaf)
        & (leaf.stats.count - count >= params.min_data_in_leaf)
        & (other_hessian >= params.min_sum_hessian_in_leaf)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = leaf.gains(other_gradient, other_hessian, gradient, hessian + _EPSILON, params.lambda_l2)
        gains = np.where(allowed & (gains > leaf.threshold), gains, _NO_GAIN)
    if not gains.size or gains.max() == _NO_GAIN:
        return None
    at = int(np.argmax(gains))
    return _Side(
        float(gains[at]), float(gradient[at]), float(hessian[at] + _EPSILON), int(count[at]), None, (at + 1,),
        False, params.lambda_l2,
    )  # fmt: skip


def _sorted_categories(sums: FloatArray, leaf: _Leaf) -> _Side | None:
    params = leaf.params
    l2 = params.lambda_l2 + params.cat_l2
    counts = leaf.counts(sums[:, 1])
    used = 1 + np.flatnonzero(counts[1:] >= params.cat_smooth)
    order = used[np.argsort(sums[used, 0] / (sums[used, 1] + params.cat_smooth), kind="stable")]
    most = min(params.max_cat_threshold, (order.size + 1) // 2)
    best: _Side | None = None
    for walk in (order[:most], order[::-1][:most]):
        gradient, hessian, count, in_group = 0.0, _EPSILON, 0, 0
        for taken, category in enumerate(walk, start=1):
            gradient += float(sums[category, 0])
            hessian += float(sums[category, 1])
            count += int(counts[category])
            in_group += int(counts[category])
            if count < params.min_data_in_leaf or hessian < params.min_sum_hessian_in_leaf:
                continue
            other_count, other_hessian = leaf.stats.count - count, leaf.hessian - hessian
            if other_count < max(params.min_data_in_leaf, params.min_data_per_group):
                break
            if other_hessian < params.min_sum_hessian_in_leaf:
                break
            if in_group < params.min_data_per_group:
                continue
            in_group = 0
            left, right = np.array([gradient, hessian]), np.array([leaf.stats.sum_gradient - gradient, other_hessian])
            gain = float(leaf.gains(left[0], left[1], right[0], right[1], l2))
            if gain > leaf.threshold and (best is None or gain > best.gain):
                bins = tuple(int(c) for c in walk[:taken])
                best = _Side(gain, gradient, hessian, count, None, bins, False, l2)
    return best
