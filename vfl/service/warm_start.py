"""An owner's own weights of an earlier scorecard, from which a new regression may start."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vfl.config.logistic import LogisticSpec
from vfl.core.binned_table import BinnedTable
from vfl.service.folder import JobFolder, model_unknown

__all__ = ["EarlierWeights"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class EarlierWeights:
    """Weights by feature name; the bank's with the intercept.

    Security: stays with its owner, like the model it comes from.
    """

    weights: Mapping[str, float]
    intercept: float | None

    @classmethod
    def named_in(cls, spec: LogisticSpec, jobs: Path) -> EarlierWeights | None:
        """Those of the job that ``spec.warm_start`` names, if it names one; ConfigError ``MODEL_UNKNOWN``."""
        if not spec.warm_start:
            return None
        file = JobFolder(jobs, spec.warm_start).file("scorecard.json")
        if not file.exists():
            raise model_unknown(spec.warm_start)
        part = json.loads(file.read_text())
        names = [feature.name for feature in BinnedTable.from_dict(part["bins"]).features]
        model = part["model"]
        return cls(dict(zip(names, map(float, model["weights"]), strict=True)), model.get("intercept"))

    def of(self, names: Sequence[str]) -> Floats:
        """A start for these features; zero for those that the earlier model did not have."""
        start = [] if self.intercept is None else [self.intercept]
        return np.array([*start, *(self.weights.get(name, 0.0) for name in names)], dtype=np.float64)
