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

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.core._gain import EPSILON, NO_GAIN, Leaf, LeafStats, SplitParams
from vfl.core._scan import NumericScan, Side, one_category, sorted_categories
from vfl.core.histogram import FeatureMeta, HistogramLayout

__all__ = ["LeafStats", "Split", "SplitFinder", "SplitParams", "SplitSearch", "best_split"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


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
        self._directed = np.array([f.monotone != 0 for f in layout.features], dtype=np.bool_)
        self._downward = NumericScan.downward(layout)
        self._upward = NumericScan.upward(layout)

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
        state = Leaf.of(leaf, self._params, self._constrained)
        down, up = self._downward.run(sums, state), self._upward.run(sums, state)
        gains = np.full(self._layout.n_features, NO_GAIN)
        gains[down.features] = down.best - state.threshold
        # The second scan must beat the first after a subtraction and an addition, as LightGBM rounds it.
        beaten = up.best > gains[up.features] + state.threshold
        gains[up.features[beaten]] = up.best[beaten] - state.threshold
        # What LightGBM's monotone_penalty of 0 leaves of a factor of 1.
        gains[self._directed] *= 1.0 + EPSILON
        categories = {
            feature: side
            for feature in self._categorical
            if searchable is None or searchable[feature]
            if (side := self._best_categories(feature, sums, state)) is not None
        }
        for feature, side in categories.items():
            gains[feature] = side.gain - state.threshold
        if searchable is not None:
            gains[~searchable] = NO_GAIN
        splittable = gains > NO_GAIN
        if not splittable.any():
            return SplitSearch(None, splittable)
        winner = int(np.argmax(gains))
        if winner in categories:
            best = categories[winner]
        else:
            best = up.side(winner) if winner in up.features[beaten] else down.side(winner)
        return SplitSearch(self._split(winner, best, state, float(gains[winner])), splittable)

    def _best_categories(self, feature: int, sums: FloatArray, leaf: Leaf) -> Side | None:
        meta = self._layout.features[feature]
        one_hot = (meta.unpadded_bins or meta.n_bins) <= self._params.max_cat_to_onehot
        return (one_category if one_hot else sorted_categories)(sums[self._layout.bins_of(feature)], leaf)

    def _split(self, feature: int, side: Side, leaf: Leaf, gain: float) -> Split:
        right_gradient, right_hessian = leaf.stats.sum_gradient - side.gradient, leaf.hessian - side.hessian
        left_output = float(leaf.output(side.gradient, side.hessian, side.lambda_l2))
        right_output = float(leaf.output(right_gradient, right_hessian, side.lambda_l2))
        left_bounds, right_bounds = leaf.child_bounds(
            self._layout.features[feature].monotone, left_output, right_output
        )
        left = LeafStats(side.gradient, side.hessian - EPSILON, side.count, left_output, *left_bounds)
        right = LeafStats(
            right_gradient, right_hessian - EPSILON, leaf.stats.count - side.count, right_output, *right_bounds
        )
        return Split(feature, side.threshold_bin, side.left_bins, side.default_left, gain, left, right)


def best_split(
    sums: FloatArray, feature: FeatureMeta, leaf: LeafStats, params: SplitParams
) -> Split | None:
    """Best split of one feature alone, from its (n_bins, 2) sums; None where no split gains enough."""
    return SplitFinder(HistogramLayout([feature]), params).find(sums, leaf).split
