"""Regression with further platforms: the pooled optimum, resumption, and no more messages where there are none."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from providers_harness import Several

from vfl.config.logistic import LogisticSpec
from vfl.core.logistic import fit_logistic, sigmoid
from vfl.runtime.choreography import Choreography

Floats = npt.NDArray[np.float64]


def several(rows: int = 200, seed: int = 1, platforms: int = 3) -> tuple[Floats, list[Floats], npt.NDArray[np.uint8]]:
    """Two columns of the bank, two of each platform; every owner's first columns go together."""
    rng = np.random.default_rng(seed)
    count = 2 + 2 * platforms
    levels = np.round(rng.normal(0, 0.7, (4, count)), 3)
    bins = rng.integers(0, 4, (rows, count))
    for f in range(2, count, 2):
        bins[:, f] = np.where(rng.random(rows) < 0.5, bins[:, f - 2], bins[:, f])
    x = np.stack([levels[bins[:, f], f] for f in range(count)], axis=1)
    y = rng.random(rows) < sigmoid(-1.0 + x @ np.linspace(1.1, 0.5, count))
    return x[:, :2], [x[:, f : f + 2] for f in range(2, count, 2)], y.astype(np.uint8)


def pooled(bank: Floats, platforms: list[Floats], y: npt.NDArray[np.uint8], spec: LogisticSpec) -> Any:
    x = np.hstack([np.ones((len(y), 1)), bank, *platforms])
    return fit_logistic(x, y.astype(np.float64), np.r_[0.0, np.full(x.shape[1] - 1, spec.ridge)])


def relative(found: Floats, expected: Floats) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def played(job: Several) -> Any:
    run = job.interpreter()
    asyncio.run(job.choreography(Choreography(run)))
    return run
