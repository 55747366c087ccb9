"""What an owner decides about its own columns between two passes of a logistic regression.

An owner learns its own weights at the end of a pass, and so the slope of the loss in each of its columns: at an
optimum it is −(ridge · w + linear). That is enough to run, alone and without a further message,

* **elastic net**: two or three majorising passes with ridge l1 / |w| (Hunter and Li, Ann. Statist. 33, 2005), then the
  exact problem in one orthant: signs are known, so l1 is a linear term; a column that crosses zero is held there, one
  that is held and pulled by more than l1 is let go (Andrew and Gao, ICML 2007);
* **sign constraints**: the same with an orthant given beforehand;
* **backward elimination**: the column whose loss the criterion allows most, by its Wald test; for good.

A column is held by a heavy ridge, not taken out: neither the number of columns nor any message size tells of it, and
its weight, a millionth of a free one's, still tells its owner which way it is pulled. The model says zero.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.config.logistic import LogisticSpec

__all__ = ["OwnWeights"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_HEAVY = 2.0**13
"""Ridge of a held column over its own curvature."""
_MAJORISING = 3
"""Passes of elastic net before signs are trusted."""
_LEAST = 1e-4
"""|w| below which the majorising ridge grows no further."""
_ACTIVE = 0.9
"""Of l1: a column pulled by less after the majorising passes starts out held."""


class OwnWeights:
    """One owner's weights, penalties and held columns. Never leaves the owner.

    Parameters
    ----------
    columns : float64 array, (rows, columns)
        The owner's training columns.
    intercept : bool
        Whether the first column is the intercept: free of penalties and constraints.
    start : float64 array, (columns,), optional
        Weights of an earlier model to start from.
    """

    def __init__(
        self, spec: LogisticSpec, columns: Floats, *, intercept: bool = False, start: Floats | None = None
    ) -> None:
        count = columns.shape[1]
        self._spec, self._rows = spec, len(columns)
        # The rounds work in units of the target's limit: ½‖y − z‖² falls with its square, |w| with the limit itself.
        self._unit = spec.target_limit if spec.family == "linear" else 1.0
        self._l1 = spec.l1 / self._unit
        self._sizes: Floats = (columns**2).sum(axis=0) / 4
        self._bound: Flags = np.arange(count) >= int(intercept)
        self.held: Flags = np.zeros(count, dtype=np.bool_)
        self._dropped: Flags = self.held.copy()
        self._sign: Floats = np.full(count, -1.0 if spec.signs else 0.0)
        self.ridge: Floats = np.where(self._bound, spec.ridge, 0.0)
        """½ ridge w² per column, on the scale of the summed loss."""
        self.linear: Floats = np.zeros(count)
        """linear · w is added to the loss."""
        self.weights: Floats = np.zeros(count) if start is None else start / self._unit
        """As the last pass ended; held columns are nearly zero."""
        self._errors: Floats = np.zeros(0)
        self.passes = 0

    @property
    def coefficients(self) -> Floats:
        """The model's weights: held columns are zero."""
        return np.where(self.held, 0.0, self.weights) * self._unit

    @property
    def standard_errors(self) -> Floats:
        """Of :attr:`coefficients`: NaN for held columns; empty where none were made.

        Those of a linear regression are per unit of the residual deviation, which the bank alone can tell.
        """
        return np.where(self.held, np.nan, self._errors) if len(self._errors) else self._errors

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why each column is out: ``selection``, ``penalty``, ``sign``, or empty."""
        why = "penalty" if self._spec.l1 else "sign"
        return tuple(
            "selection" if dropped else why if held else ""
            for held, dropped in zip(self.held.tolist(), self._dropped.tolist(), strict=True)
        )

    def take(self, weights: Floats, standard_errors: Floats, *, again: bool = False) -> None:
        """What a pass ended with; shapes (columns,), the second may be empty. ``again``: the same pass, with more."""
        self.weights, self._errors = weights, standard_errors
        self.passes += not again

    def replan(self) -> bool:
        """Decide on the next pass; whether there is anything to change."""
        if self._spec.l1 and self.passes <= _MAJORISING:
            size = np.maximum(np.abs(self.weights), _LEAST)
            self.ridge = np.where(self._bound, self._spec.ridge + self._l1 / size, 0.0)
            return True
        pull = self.ridge * self.weights + self.linear
        before = self.held.copy()
        if self._spec.l1 and self.passes == _MAJORISING + 1:
            signs = np.where(self._sign == 0, np.sign(self.weights), self._sign)
            wrong = signs * self.weights < 0
            weak = np.abs(pull - self._spec.ridge * self.weights) < _ACTIVE * self._l1
            self.held = self._bound & (wrong | weak)
            self._sign = signs
            changed = True
        else:
            changed = self._hold(pull)
        if self._spec.selection != "none" and not changed:
            changed = self._eliminate()
        self._penalise()
        return changed or bool((self.held != before).any())

    def _hold(self, pull: Floats) -> bool:
        """Hold columns that crossed zero, let go those pulled away from it."""
        crossed = self._bound & ~self.held & (self._sign * self.weights < 0)
        allowed = (np.sign(pull) == self._sign) | (self._spec.l1 > 0 and not self._spec.signs)
        freed = self.held & ~self._dropped & (np.abs(pull) > self._l1) & allowed
        if self._spec.l1:
            self._sign = np.where(freed, np.sign(pull), self._sign)
        self.held = (self.held | crossed) & ~freed
        return bool(crossed.any() or freed.any())

    def _eliminate(self) -> bool:
        """Drop the weakest column whose loss lowers the criterion: w² / se² below the price of a parameter."""
        price = 2.0 if self._spec.selection == "aic" else math.log(self._rows)
        free = self._bound & ~self.held
        if not len(self._errors) or not free.any():
            return False
        wald = np.full(len(free), np.inf)
        wald[free] = (self.weights[free] / np.maximum(self._errors[free], 1e-12)) ** 2
        weakest = int(np.argmin(wald))
        if wald[weakest] >= price:
            return False
        self.held[weakest] = self._dropped[weakest] = True
        return True

    def _penalise(self) -> None:
        held = _HEAVY * np.maximum(self._sizes, 1.0) + self._spec.ridge
        self.ridge = np.where(self._bound, np.where(self.held, held, self._spec.ridge), 0.0)
        self.linear = np.where(self._bound & ~self.held, self._l1 * self._sign, 0.0)

    # --- state ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays for a checkpoint."""
        return {
            "own_weights": self.weights, "own_errors": self._errors, "own_held": self.held,
            "own_dropped": self._dropped, "own_sign": self._sign, "own_ridge": self.ridge, "own_linear": self.linear,
            "own_passes": np.array([self.passes], dtype=np.int64),
        }  # fmt: skip

    def restore(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        """The state that :meth:`state` gave."""
        self.weights, self._errors = arrays["own_weights"], arrays["own_errors"]
        self.held, self._dropped = arrays["own_held"], arrays["own_dropped"]
        self._sign, self.ridge, self.linear = arrays["own_sign"], arrays["own_ridge"], arrays["own_linear"]
        self.passes = int(arrays["own_passes"][0])
