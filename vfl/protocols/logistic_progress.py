"""Where an owner is in the passes of a regression, and what it has learned of its own weights; every owner alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.config.logistic import LogisticSpec
from vfl.core.logistic import p_values
from vfl.protocols.logistic_code import PRECISION, Precision
from vfl.protocols.logistic_inverse import ROWS_PER_COLUMN
from vfl.protocols.logistic_weights import OwnWeights

__all__ = ["Progress"]

Floats = npt.NDArray[np.float64]

class Progress(ABC):
    """Steps and passes so far, own penalties and weights."""

    def __init__(self, spec: LogisticSpec) -> None:
        self.spec = spec
        self._step = 0
        self._opened = False
        self._own: OwnWeights | None = None
        self._restored: dict[str, Any] = {}

    @property
    @abstractmethod
    def started(self) -> bool:
        """Whether there is anything to keep."""

    @abstractmethod
    def make_own(self) -> OwnWeights:
        """Penalties and starting weights of the own columns."""

    @property
    def own(self) -> OwnWeights:
        """What this owner decides alone: penalties, held columns, its weights as far as it knows them."""
        if self._own is None:
            self._own = self.make_own()
            if self._restored:
                self._own.restore(self._restored["arrays"])
        return self._own

    @property
    def coefficients(self) -> Floats:
        """Own weights of the last pass that has ended; empty before."""
        return self.own.coefficients if self.started and self.own.passes else np.zeros(0)

    @property
    def standard_errors(self) -> Floats:
        return self.own.standard_errors if self.started else np.zeros(0)

    def tests(self) -> dict[str, list[float | None]]:
        """Standard errors and Wald p-values for the model part; None for held columns."""
        errors = self.standard_errors
        p = p_values(self.own.weights, errors) if len(errors) else errors
        return {
            "standard_errors": [None if np.isnan(e) else float(e) for e in errors],
            "p_values": [] if self.spec.family == "linear" else [None if np.isnan(v) else float(v) for v in p],
        }

    # --- steps ------------------------------------------------------------------------------------------------

    @property
    def from_own_model(self) -> bool:
        """Whether the bank knows all slopes: in the first step of all, from its own model; if they are constant."""
        if self.spec.family == "linear":
            return True
        return self._step == 0 and not self.own.passes and not self.spec.warm_start

    @property
    def precision(self) -> Precision:
        """Of the present step's sums of residuals."""
        return PRECISION[min(self._steps - 1 - self._step, len(PRECISION) - 1)]

    def rows_of_curvature(self, rows: int, columns: int) -> int:
        """Rows of the present curvature: all for the first and for standard errors; ``columns`` of all owners."""
        sample = max(self.spec.curvature_rows, ROWS_PER_COLUMN * columns)
        return rows if self._last or self.from_own_model else min(rows, sample)

    @property
    def _steps(self) -> int:
        """Steps of the present pass."""
        return self.spec.refit_steps if self.own.passes - self._opened else self.spec.steps

    @property
    def _last(self) -> bool:
        return self._step >= self._steps

    def step_ended(self) -> None:
        self._step += 1

    def begin_pass(self) -> None:
        """From weights that their owners know."""
        self._step, self._opened = 0, False

    def learn(self, weights: Floats, variances: Floats, scale: float) -> None:
        """The own weights and, where made, their variances before division by ``scale``."""
        self.own.take(weights, np.sqrt(np.maximum(variances, 0) / scale), again=self._opened)
        self._opened = True
