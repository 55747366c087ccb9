"""What a leaf and its two children gain: LightGBM 4.7's formulas (``FeatureHistogram::GetLeafGain`` and kin).

Every function works on scalars and on arrays of candidate splits alike, in LightGBM's order of operations.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from vfl.errors import ConfigError, Text

__all__ = ["EPSILON", "NO_GAIN", "Leaf", "LeafStats", "SplitParams"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Bounds = tuple[float, float]

# LightGBM writes 1e-15f: the float32 nearest to 1e-15.
EPSILON = float(np.float32(1e-15))
NO_GAIN = float("-inf")


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
class Leaf:
    """The leaf under search and what all its scans share."""

    stats: LeafStats
    params: SplitParams
    hessian: float
    per_hessian: float
    threshold: float  # the leaf's own gain plus min_gain_to_split: what a split must exceed
    constrained: bool

    @classmethod
    def of(cls, stats: LeafStats, params: SplitParams, constrained: bool) -> Leaf:
        hessian = stats.sum_hessian + 2 * EPSILON
        own = float(_gain(np.asarray(stats.sum_gradient), hessian, params, params.lambda_l2))
        return cls(stats, params, hessian, stats.count / hessian, own + params.min_gain_to_split, constrained)

    def counts(self, hessian: FloatArray) -> IntArray:
        """Rows that a hessian stands for, as LightGBM estimates them."""
        return (hessian * self.per_hessian + 0.5).astype(np.int64)

    def too_few(self, hessian: FloatArray | float, count: IntArray | int) -> BoolArray:
        """Whether a side is too small to be a leaf."""
        few = (count < self.params.min_data_in_leaf) | (hessian < self.params.min_sum_hessian_in_leaf)
        return np.asarray(few)

    def output(self, gradient: FloatArray | float, hessian: FloatArray | float, l2: float) -> FloatArray:
        """Output of a child, before shrinkage."""
        out = _output(np.asarray(gradient), hessian, self.params, l2)
        return np.clip(out, self.stats.lower, self.stats.upper) if self.constrained else out

    def gains(
        self, left_g: FloatArray | float, left_h: FloatArray | float, right_g: FloatArray | float,
        right_h: FloatArray | float, l2: float, monotone: IntArray | int = 0,
    ) -> FloatArray:  # fmt: skip
        """Gain of both children together; 0 where a monotone constraint forbids the split."""
        left_g, right_g, params = np.asarray(left_g), np.asarray(right_g), self.params
        if not self.constrained:
            return _gain(left_g, left_h, params, l2) + _gain(right_g, right_h, params, l2)
        left, right = self.output(left_g, left_h, l2), self.output(right_g, right_h, l2)
        gains = _gain_of_output(left_g, left_h, params, l2, left) + _gain_of_output(right_g, right_h, params, l2, right)
        against = ((monotone > 0) & (left > right)) | ((monotone < 0) & (left < right))
        return np.where(against, 0.0, gains)

    def child_bounds(self, monotone: int, left: float, right: float) -> tuple[Bounds, Bounds]:
        """LightGBM's basic method: the mean of both outputs parts what the two subtrees may output."""
        lower, upper = self.stats.lower, self.stats.upper
        middle = (left + right) / 2.0
        below, above = (lower, min(upper, middle)), (max(lower, middle), upper)
        if monotone > 0:
            return below, above
        return (above, below) if monotone < 0 else ((lower, upper), (lower, upper))


def _soft(gradient: FloatArray, l1: float) -> FloatArray:
    return np.sign(gradient) * np.maximum(0.0, np.abs(gradient) - l1) if l1 > 0 else gradient


def _output(gradient: FloatArray, hessian: FloatArray | float, params: SplitParams, l2: float) -> FloatArray:
    out = -_soft(gradient, params.lambda_l1) / (hessian + l2)
    return np.clip(out, -params.max_delta_step, params.max_delta_step) if params.max_delta_step > 0 else out


def _gain(gradient: FloatArray, hessian: FloatArray | float, params: SplitParams, l2: float) -> FloatArray:
    if params.max_delta_step > 0:
        return _gain_of_output(gradient, hessian, params, l2, _output(gradient, hessian, params, l2))
    soft = _soft(gradient, params.lambda_l1)
    return (soft * soft) / (hessian + l2)


def _gain_of_output(
    gradient: FloatArray, hessian: FloatArray | float, params: SplitParams, l2: float, output: FloatArray
) -> FloatArray:
    return -(2.0 * _soft(gradient, params.lambda_l1) * output + (hessian + l2) * output * output)
