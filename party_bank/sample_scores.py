"""``sample_scores.csv``: the bank's own scores of its sample, for its own checks and for ``vfl compare``.

One row per aligned firm: code, split, label, probability of the event, points, what the report's cut-off decides, and
on held-out rows the probability by the bank's own columns alone. The file stays at the bank.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from party_bank.lending import parts_of
from party_bank.steps.evaluation import Scores
from party_bank.steps.workspace import BankWorkspace
from vfl.report.model import ReportModel
from vfl.service.folder import JobFolder

__all__ = ["FILE", "write_sample_scores"]

FILE = "sample_scores.csv"
_HEAD = "uscc,split,y,probability,points,decision,bank_alone"


def write_sample_scores(
    folder: JobFolder,
    work: BankWorkspace,
    report: ReportModel,
    test: Scores,
    *,
    probability: npt.NDArray[np.float64],
    points: npt.NDArray[np.float64],
) -> None:
    """Write the file; ``probability`` and ``points`` are of all aligned rows in the common order."""
    labels = work.labels().tolist()
    cut_off = report.strategy.cut_off if report.strategy is not None else None
    lines = [_HEAD]
    for split, part in parts_of(work).items():
        alone = test.bank_alone if split == "test" else None
        for place, row in enumerate(range(part.start, part.stop)):
            code = work.data.ids[int(work.alignment.rows[row])]
            decision = "" if cut_off is None else "approve" if points[row] >= cut_off else "reject"
            beside = "" if alone is None else repr(float(alone[place]))
            score = f"{points[row]:.10g}"
            lines.append(f"{code},{split},{labels[row]},{float(probability[row])!r},{score},{decision},{beside}")
    folder.write(FILE, ("\n".join(lines) + "\n").encode())
