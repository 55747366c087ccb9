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

__all__ = ["Progress", "curvature_sample"]

Floats = npt.NDArray[np.float64]

def curvature_sample(spec: LogisticSpec, rows: int, columns: int, following: int) -> int:
    """Rows of an interim curvature after which ``following`` more come in the same pass."""
    return min(rows, max(spec.curvature_rows >> following, ROWS_PER_COLUMN * columns))


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
        """Rows of the present curvature: all where :attr:`whole`; ``columns`` of all owners.

        While others follow, each takes half the sample of the next: the weights are still on their way.
        """
        following = 0 if self.own.passes - self._opened else max(0, self.spec.curvatures - 1 - self._step)
        return rows if self.whole else curvature_sample(self.spec, rows, columns, following)

    @property
    def whole(self) -> bool:
        """Whether the present curvature is of all rows, for standard errors; so is the first one."""
        first = not self.own.passes - self._opened
        errors = self.spec.errors_at_once if first else self.spec.selection != "none"
        return self._last or self.from_own_model or (errors and self._step == self._steps - 1)

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
