"""How a generalized linear model's margin z becomes a mean: logistic, linear and Poisson regression in one form.

McCullagh and Nelder, "Generalized Linear Models" (1989), canonical links: the loss of a row is A(z) − y z with
A' = mean. Here each loss is divided by ``scale`` so that the slope A'' is at most ¼ wherever a link's declared
``limit`` holds, as the sigmoid's is: one bound of the curvature, one set of slots and one protocol serve all three.

=========  ===================  ==============  ======================================  ===================
family     mean                 scale           ``limit``                               weights times
=========  ===================  ==============  ======================================  ===================
logistic   σ(z)                 1               unused                                  1
linear     z                    4               largest |y|; y and z are in its units   limit
poisson    e^z                  4 limit         largest count and mean                  1
=========  ===================  ==============  ======================================  ===================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Link", "link_of", "sigmoid", "sigmoid_slope"]

Floats = npt.NDArray[np.float64]
Function = Callable[[Floats], Floats]

_REACH = 12.0
_BELOW = 5.0
"""Logarithms below the mean count where the series of exp is fitted: less than a hundredth of it."""


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + e^−z) without overflow."""
    small = np.exp(-np.abs(z))
    out: Floats = np.where(z >= 0, 1.0, small) / (1.0 + small)
    return out


def sigmoid_slope(z: Floats) -> Floats:
    """σ(1 − σ)."""
    p = sigmoid(z)
    out: Floats = p * (1.0 - p)
    return out


@dataclass(frozen=True, slots=True)
class Link:
    """One family, scaled as the table says; all functions take and give arrays of any one shape."""

    name: str
    potential: Function
    """A, whose derivative is :attr:`mean`."""
    mean: Function
    slope: Function
    scale: float
    unit: float
    """What weights of the scaled problem are multiplied with."""
    limit: float
    loose: tuple[float, ...]
    """Weights of the straight line outside the window (:func:`vfl.core.logistic.fit_series`) to try in turn: the
    smallest whose series stays within the declared bounds serves best."""

    def target(self, y: Floats) -> Floats:
        """Labels in the scaled problem."""
        return y / self.unit / self.scale

    def allows(self, y: Floats) -> bool:
        """Whether labels are within the declared limit."""
        if self.name == "linear":
            return bool((np.abs(y) <= self.limit).all())
        return bool((y >= 0).all() and (y <= self.limit).all())

    def window(self, mean: float) -> tuple[float, float, float]:
        """Where the series of :attr:`mean` is fitted: its densest point, centre and reach.

        ``mean`` is that of the labels. Margins beyond centre ± reach are not covered.
        """
        if self.name == "logistic":
            centre = float(np.log(mean / (1 - mean)))
            return centre, centre, _REACH
        top, densest = float(np.log(self.limit)), float(np.log(mean))
        low = densest - _BELOW
        return densest, (top + low) / 2, min(_REACH, (top - low) / 2)


def link_of(family: str, limit: float = 1.0) -> Link:
    """The link of ``logistic``, ``linear`` or ``poisson``."""
    if family == "logistic":
        return Link("logistic", lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))), sigmoid, sigmoid_slope,
                    1.0, 1.0, 1.0, (1e-5,))
    if family == "linear":
        return Link("linear", lambda z: z * z / 8, lambda z: z / 4, lambda z: np.full_like(z, 0.25), 4.0, limit, limit,
                    ())
    if family == "poisson":
        scale = 4.0 * limit

        def exp(z: Floats) -> Floats:
            out: Floats = np.exp(np.minimum(z, 50.0)) / scale
            return out

        return Link("poisson", exp, exp, exp, scale, 1.0, limit, (1e-9, 1e-7, 1e-5))
    raise ValueError(family)
