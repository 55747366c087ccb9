"""Stepwise choice of WOE columns by an information criterion: pooled maths, for simulations and a bank's own columns.

AIC = 2k - 2 ln L (Akaike 1974), BIC = k ln n - 2 ln L (Schwarz 1978), k counting the intercept. Each step tries every
column in and out and takes the change that lowers the criterion most; it ends when none does. No step is
taken that gives a column a positive weight (riskier where WOE says safer). p-values of the model that is left are too
small, as after any choice by the same data; judge it on other rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from vfl.core.logistic import fit_logistic

__all__ = ["Criterion", "Step", "Stepwise", "stepwise"]

Floats = npt.NDArray[np.float64]

_RIDGE = 1e-8
"""Keeps a fit finite where a column separates the classes or repeats another."""


class Criterion(StrEnum):
    AIC = "aic"
    BIC = "bic"

    def of(self, log_likelihood: float, parameters: int, rows: int) -> float:
        price = 2.0 if self is Criterion.AIC else math.log(rows)
        return price * parameters - 2.0 * log_likelihood


@dataclass(frozen=True, slots=True)
class Step:
    """``entered`` or else left; ``criterion`` after it."""

    column: int
    entered: bool
    criterion: float


@dataclass(frozen=True, slots=True)
class Stepwise:
    """``columns`` in the order of entry; ``weights`` of theirs; the way there."""

    columns: tuple[int, ...]
    weights: tuple[float, ...]
    intercept: float
    criterion: float
    steps: tuple[Step, ...]


def stepwise(
    woe: Floats,
    label: Floats,
    *,
    criterion: Criterion = Criterion.AIC,
    forced: tuple[int, ...] = (),
    max_columns: int | None = None,
    negative_only: bool = True,
) -> Stepwise:
    """Forward and backward from ``forced``, which never leave.

    Parameters
    ----------
    woe : float64 array, shape (rows, columns)
        Positive = safer.
    label : array, shape (rows,)
        1 = event.
    max_columns : int, optional
    negative_only : bool
        Refuse columns of the wrong sign (forced ones excepted).
    """
    y = np.asarray(label, dtype=np.float64)
    most = woe.shape[1] if max_columns is None else max_columns

    def fitted(columns: tuple[int, ...]) -> tuple[float, Floats]:
        design = np.column_stack([np.ones(len(y)), woe[:, list(columns)]])
        weights = fit_logistic(design, y, np.array([0.0, *[_RIDGE] * len(columns)])).coefficients
        margin = design @ weights
        likelihood = float(y @ margin - np.logaddexp(0.0, margin).sum())
        return criterion.of(likelihood, len(columns) + 1, len(y)), weights

    def sound(columns: tuple[int, ...], weights: Floats) -> bool:
        free = [w for c, w in zip(columns, weights[1:], strict=True) if c not in forced]
        return not negative_only or all(w <= 0 for w in free)

    now = tuple(forced)
    best, weights = fitted(now)
    steps: list[Step] = []
    while True:
        entries = [(*now, c) for c in range(woe.shape[1]) if c not in now] if len(now) < most else []
        exits = [tuple(k for k in now if k != c) for c in now if c not in forced]
        tried = [(columns, *fitted(columns)) for columns in entries + exits]
        better = [t for t in tried if t[1] < best - 1e-9 and sound(t[0], t[2])]
        if not better:
            break
        chosen, best, weights = min(better, key=lambda t: t[1])
        changed = set(chosen) ^ set(now)
        steps.append(Step(changed.pop(), len(chosen) > len(now), best))
        now = chosen
    return Stepwise(now, tuple(float(w) for w in weights[1:]), float(weights[0]), best, tuple(steps))
