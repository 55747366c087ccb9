"""What a federated regression approaches: the same passes on the pooled columns, each fitted to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.config.logistic import LogisticSpec
from vfl.core.links import link_of
from vfl.core.logistic import fit_link, information
from vfl.protocols.logistic_weights import OwnWeights

__all__ = ["PooledFit", "pooled_regression"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PooledFit:
    """Weights and errors of the intercept and then each owner's columns; errors are NaN for columns held at zero."""

    coefficients: FloatArray
    standard_errors: FloatArray
    held: tuple[str, ...]
    """Why each column is out (``sign``, ``penalty``, ``selection``), or empty; without the intercept."""


def pooled_regression(spec: LogisticSpec, parts: Sequence[FloatArray], labels: FloatArray) -> PooledFit:
    """The optimum, with the decisions between passes that each owner would take.

    Parameters
    ----------
    parts : sequence of float64 arrays, each (rows, columns)
        Columns by owner, the bank's first and without the intercept.
    labels : float64 array, (rows,), 0 or 1
    """
    rows = len(labels)
    columns = [np.column_stack([np.ones(rows), parts[0]]), *parts[1:]]
    owners = [OwnWeights(spec, part, intercept=i == 0) for i, part in enumerate(columns)]
    design, link = np.column_stack(columns), link_of("logistic")
    ends = np.cumsum([part.shape[1] for part in columns])[:-1]
    for _ in range(spec.passes):
        ridge, linear, start = (
            np.concatenate([getattr(own, name) for own in owners]) for name in ("ridge", "linear", "weights")
        )
        weights = fit_link(link, design, labels, ridge, start=start, linear=linear).coefficients
        hessian = information(design, design @ weights, np.ones(rows), ridge)
        errors = np.sqrt(np.diag(np.linalg.pinv(hessian, hermitian=True)))
        for own, w, e in zip(owners, np.split(weights, ends), np.split(errors, ends), strict=True):
            own.take(w, e)
        changed = [own.replan() for own in owners]
        if not any(changed):
            break
    return PooledFit(
        np.concatenate([own.coefficients for own in owners]), np.concatenate([own.standard_errors for own in owners]),
        tuple(reason for own in owners for reason in own.reasons)[1:],
    )
