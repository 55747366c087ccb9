"""``sample_scores.csv``: a bank's own scores of its sample, for its own checks and for ``vfl compare``.

One row per aligned firm: code, split, label, probability of the event, points, what the report's cut-off decides
(``reject`` is the reject marker), and on held-out rows the probability by the bank's own columns alone. The file is
written at the bank and stays there.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.errors import ConfigError, Text
from vfl.service.folder import JobFolder

__all__ = ["FILE", "HELD_OUT", "SampleScores"]

FILE = "sample_scores.csv"
HELD_OUT = ("test", "out_of_time")
"""Splits that train nothing and choose nothing."""

_HEAD = ("uscc", "split", "y", "probability", "points", "decision", "bank_alone")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class SampleScores:
    """All aligned rows in the common order; arrays of shape (rows,). Security: labels and scores, redacted in repr.

    Attributes
    ----------
    points : float64 array
        Higher is safer.
    cut_off : float or None
        Firms below it are marked; None where the report has no strategy. Not read back.
    bank_alone : float64 array
        Probability of the event by the bank's columns alone; NaN where not scored.
    """

    ids: tuple[str, ...]
    split: tuple[str, ...]
    label: Floats
    probability: Floats
    points: Floats
    bank_alone: Floats
    cut_off: float | None = None

    def __repr__(self) -> str:
        return f"<SampleScores {len(self.ids)} rows>"

    def write(self, folder: JobFolder) -> None:
        """Write the file, which repeats the run's floats to the last digit."""
        lines = [",".join(_HEAD)]
        columns = (self.label, self.probability, self.points, self.bank_alone)
        for code, split, y, p, points, alone in zip(self.ids, self.split, *(c.tolist() for c in columns), strict=True):
            decision = "" if self.cut_off is None else "approve" if points >= self.cut_off else "reject"
            beside = "" if np.isnan(alone) else repr(alone)
            lines.append(f"{code},{split},{int(y)},{p!r},{points:.10g},{decision},{beside}")
        folder.write(FILE, ("\n".join(lines) + "\n").encode())

    @classmethod
    def read(cls, folder: JobFolder) -> SampleScores:
        """The file of a finished job; ConfigError ``SAMPLE_SCORES_NONE`` where the bank has none."""
        path = folder.file(FILE)
        if not path.exists():
            raise ConfigError(
                "SAMPLE_SCORES_NONE",
                Text(en=f"{folder.job} has no scores of its sample here", zh=f"{folder.job} 在本节点没有样本评分"),
                cure=Text(
                    en="compare finished training jobs, at the bank that ran them",
                    zh="请在发起任务的银行节点对比已完成的训练任务",
                ),
            )
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))

        def numbers(key: str) -> Floats:
            return np.array([float(row[key]) if row[key] else np.nan for row in rows], dtype=np.float64)

        return cls(
            tuple(row["uscc"] for row in rows), tuple(row["split"] for row in rows), numbers("y"),
            numbers("probability"), numbers("points"), numbers("bank_alone"),
        )  # fmt: skip
