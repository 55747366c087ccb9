"""Objectives of boosted trees with LightGBM 4.7's formulas, and gradients in fixed point.

LightGBM stores gradients and hessians as float32, and which split wins can hang on that rounding. It is
reproduced: gradients come back as float64 arrays whose values are float32 numbers. Weights and labels pass
through float32 as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vfl.errors import ConfigError, DataError, Text

__all__ = ["Binary", "FixedPoint", "Objective", "Poisson", "SquaredError"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_EPSILON = float(np.float32(1e-15))


class Objective(Protocol):
    """What the booster needs of a loss; all arrays (rows,), ``weight`` None for equal weights."""

    def check(self, label: FloatArray, weight: FloatArray | None) -> None:
        """Raise DataError where labels or weights do not suit."""
        ...

    def start(self, label: FloatArray, weight: FloatArray | None) -> float:
        """The margin all rows start from (LightGBM's ``boost_from_average``)."""
        ...

    def gradients(
        self, margin: FloatArray, label: FloatArray, weight: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        """Gradient and hessian per row, rounded to float32."""
        ...

    def predict(self, margin: FloatArray) -> FloatArray:
        """Margin to the scale of the label."""
        ...


@dataclass(frozen=True, slots=True)
class Binary:
    """Log loss of a 0/1 label, 1 = event; ``scale_pos_weight`` multiplies the events' loss."""

    scale_pos_weight: float = 1.0

    def check(self, label: FloatArray, weight: FloatArray | None) -> None:
        _check_weight(label, weight)
        if not np.all((label == 0) | (label == 1)) or label.min() == label.max():
            raise _bad_label("Labels must be 0 or 1, both present.", "标签须为 0 或 1，且两类均须出现。")

    def start(self, label: FloatArray, weight: FloatArray | None) -> float:
        mean = min(max(_mean(label, weight), _EPSILON), 1.0 - _EPSILON)
        return float(np.log(mean / (1.0 - mean)))

    def gradients(
        self, margin: FloatArray, label: FloatArray, weight: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        sign = np.where(label > 0, 1.0, -1.0)
        factor = np.where(label > 0, self.scale_pos_weight, 1.0)
        with np.errstate(over="ignore"):
            response = -sign / (1.0 + np.exp(sign * margin))
        size = np.abs(response)
        gradient, hessian = response * factor, size * (1.0 - size) * factor
        return _float32(gradient, weight), _float32(hessian, weight)

    def predict(self, margin: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return 1.0 / (1.0 + np.exp(-margin))


@dataclass(frozen=True, slots=True)
class SquaredError:
    """Half the squared error."""

    def check(self, label: FloatArray, weight: FloatArray | None) -> None:
        _check_weight(label, weight)
        if not np.isfinite(label).all():
            raise _bad_label("Labels must be finite numbers.", "标签须为有限数值。")

    def start(self, label: FloatArray, weight: FloatArray | None) -> float:
        return _mean(label, weight)

    def gradients(
        self, margin: FloatArray, label: FloatArray, weight: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        # LightGBM rounds the residual before it weighs it.
        residual = _float32(margin - _float32(label, None), None)
        return _float32(residual, weight), _float32(np.ones_like(margin), weight)

    def predict(self, margin: FloatArray) -> FloatArray:
        return margin


@dataclass(frozen=True, slots=True)
class Poisson:
    """Counts with a log link; ``max_delta_step`` inflates the hessian to steady the first steps."""

    max_delta_step: float = 0.7

    def check(self, label: FloatArray, weight: FloatArray | None) -> None:
        _check_weight(label, weight)
        if not np.isfinite(label).all() or label.min() < 0 or label.max() == 0:
            raise _bad_label("Counts must be >= 0 and not all 0.", "计数标签须不小于 0，且不能全为 0。")

    def start(self, label: FloatArray, weight: FloatArray | None) -> float:
        return float(np.log(_mean(label, weight)))

    def gradients(
        self, margin: FloatArray, label: FloatArray, weight: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        rate = np.exp(margin)
        hessian = rate * np.exp(self.max_delta_step)
        return _float32(rate - _float32(label, None), weight), _float32(hessian, weight)

    def predict(self, margin: FloatArray) -> FloatArray:
        return np.exp(margin)


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """Gradients as integers: ``round(value · 2^bits)``, so that sums under encryption are exact.

    With 40 bits a float32 gradient of 2^-17 or more is kept whole, which in practice gives LightGBM's trees.
    Fewer bits (``gradient_bits``) mean shorter plaintexts and less that a dishonest key holder could hide in
    them, for splits that may differ where gains are close.
    """

    bits: int = 40

    def __post_init__(self) -> None:
        if not 4 <= self.bits <= 52:
            raise ConfigError(
                "GRADIENT_BITS",
                Text("gradient_bits is out of range.", "gradient_bits 超出范围。"),
                cure=Text("Use 4 to 52.", "请取 4 至 52。"),
            )

    def encode(self, values: FloatArray) -> IntArray:
        """Nearest integers, ties to even. Raises DataError ``GRADIENT_RANGE`` beyond 62 bits or where not finite."""
        scaled = np.rint(np.ldexp(values, self.bits))
        if not np.all(np.abs(scaled) < 2.0**62):
            raise DataError(
                "GRADIENT_RANGE",
                Text("A gradient does not fit the fixed-point range.", "梯度超出定点数范围。"),
                cure=Text("Use fewer gradient_bits or smaller weights.", "请减小 gradient_bits 或样本权重。"),
            )
        return scaled.astype(np.int64)

    def decode(self, sums: IntArray) -> FloatArray:
        """Sums back to float64, rounded once."""
        return np.ldexp(sums.astype(np.float64), -self.bits)


def _mean(label: FloatArray, weight: FloatArray | None) -> float:
    # cumsum adds one after another as LightGBM does; numpy's sum adds pairwise.
    if weight is None:
        return float(np.cumsum(_float32(label, None))[-1]) / label.size
    weights = _float32(weight, None)
    return float(np.cumsum(_float32(label, None) * weights)[-1]) / float(np.cumsum(weights)[-1])


def _float32(values: FloatArray, weight: FloatArray | None) -> FloatArray:
    if weight is not None:
        values = values * weight.astype(np.float32).astype(np.float64)
    return values.astype(np.float32).astype(np.float64)


def _check_weight(label: FloatArray, weight: FloatArray | None) -> None:
    if label.ndim != 1 or label.size == 0:
        raise _bad_label("Labels must be one column with at least one row.", "标签须为至少一行的一列。")
    if weight is not None and not (weight.shape == label.shape and np.isfinite(weight).all() and weight.min() >= 0):
        raise DataError(
            "WEIGHT_VALUES",
            Text("Weights must be finite, >= 0, one per row.", "权重须有限、不小于 0 且每行一个。"),
            cure=Text("Correct the weight column.", "请更正权重列。"),
        )


def _bad_label(en: str, zh: str) -> DataError:
    cure = Text("Correct the label column.", "请更正标签列。")
    return DataError("LABEL_VALUES", Text(en, zh), cure=cure)
