"""What an owner wants of the bins of its own features, as one small number that crosses with their shapes.

The bank merges bins that it sees as anonymous counts. So it must be told where the owner asks for a trend of its own,
or has fixed the cuts by hand; not why, nor on which feature.
"""

from __future__ import annotations

from dataclasses import replace

from vfl.config.binning import TRENDS, BinningSpec
from vfl.core.binning import BinCounts, Merge, MergeMethod, merge_bins
from vfl.core.optimal_binning import BinRule, Trend
from vfl.data.schema import FeatureSpec

__all__ = ["merge_as_wished", "sound_wish", "wish_of"]

_FIXED = 8
"""More than there are trends."""


def wish_of(feature: FeatureSpec) -> int:
    """What the owner of a feature wants of its bins, as it is told: 0, or 1 + the trend's number; 8 more if fixed."""
    trend = 1 + TRENDS.index(feature.trend) if feature.trend else 0
    return trend + _FIXED * feature.fixed


def sound_wish(wish: int) -> bool:
    """Whether a peer's number is one that :func:`wish_of` makes."""
    return 0 <= wish < 2 * _FIXED and wish % _FIXED <= len(TRENDS)


def merge_as_wished(counts: BinCounts, spec: BinningSpec, wish: int) -> Merge:
    """Merge the pre-bins of one feature by the job's rule, as far as its owner wants no other.

    Fixed bins are joined only under the floors, by rows and by class.
    """
    number = wish % _FIXED
    trend = TRENDS[number - 1] if number else spec.trend
    rule = BinRule(
        Trend(trend), spec.max_bins, spec.min_bins, spec.min_share, spec.max_p_value, spec.row_floor, spec.class_floor
    )
    if wish >= _FIXED:
        return merge_bins(counts, replace(rule, min_share=0.0), MergeMethod.KEEP)
    return merge_bins(counts, rule, MergeMethod(spec.merging))
