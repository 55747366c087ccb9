"""The bank's own scores of its sample, from a finished job of either kind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from party_bank.lending import parts_of
from party_bank.steps.workspace import BankWorkspace
from vfl.report.model import ReportModel
from vfl.service.sample_scores import SampleScores

__all__ = ["sample_scores"]

Floats = npt.NDArray[np.float64]


def sample_scores(
    work: BankWorkspace, report: ReportModel, beside: Mapping[str, Floats], *, probability: Floats, points: Floats
) -> SampleScores:
    """All rows with their marks.

    Parameters
    ----------
    beside : mapping of split to float64 array
        Probabilities by the bank's columns alone, of held-out splits.
    probability, points : float64 array, shape (aligned rows,)
        In the common order.
    """
    rows, parts = work.alignment.rows.tolist(), parts_of(work)
    split = np.empty(len(rows), dtype=object)
    for name, part in parts.items():
        split[part] = name
    alone = np.full(len(rows), np.nan)
    for name, p in beside.items():
        if name in parts:
            alone[parts[name]] = p
    return SampleScores(
        ids=tuple(work.data.ids[row] for row in rows),
        split=tuple(split.tolist()),
        label=work.labels().astype(np.float64),
        probability=probability,
        points=points,
        bank_alone=alone,
        cut_off=None if report.strategy is None else report.strategy.cut_off,
    )
