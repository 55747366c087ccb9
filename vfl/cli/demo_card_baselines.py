"""The yardsticks of the demo's scorecard: logistic regression in the clear on the very bins that the job made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vfl.config.job import JobSpec
from vfl.core.logistic import fit_logistic, sigmoid
from vfl.core.metrics import auc, ks
from vfl.data.binned_features import woe_columns
from vfl.data.card_part import CardPart
from vfl.data.table import load_view
from vfl.data.views import load_views
from vfl.roles import RoleName
from vfl.service.folder import JobFolder
from vfl.service.sample_scores import SampleScores

__all__ = ["card_baselines"]

Floats = npt.NDArray[np.float64]


def card_baselines(bank: Path, platform: Path, job: JobFolder, theirs: JobFolder) -> dict[str, dict[str, float]]:
    """AUC and KS on the held-out rows: the joint card, the bank's own, the platform's columns, and all pooled.

    Parameters
    ----------
    bank, platform : Path
        Folders of the two institutions.
    job, theirs : JobFolder
        The job at the bank and at the platform.
    """
    spec, sample = JobSpec.read(job.file("request.toml")), SampleScores.read(job)
    split = np.array(sample.split)
    train, test = split == "train", split == "test"
    own = _columns(bank, RoleName.BANK, spec.bank_view, job, sample.ids)
    other = _columns(platform, RoleName.PLATFORM, spec.platform_view, theirs, sample.ids)

    def fitted(columns: Floats) -> Floats:
        design = np.column_stack([np.ones(len(columns)), columns])
        ridge = np.array([0.0] + [spec.logistic.ridge] * columns.shape[1])
        return sigmoid(design @ fit_logistic(design[train], sample.label[train], ridge).coefficients)

    scores = {
        "platform_alone": fitted(other),
        "bank_alone": sample.bank_alone,
        "joint": sample.probability,
        "pooled": fitted(np.hstack([own, other])),
    }
    told = {n: p for n, p in scores.items() if np.isfinite(p[test]).all()}
    label = sample.label[test]
    return {name: {"auc": auc(label, p[test]), "ks": ks(label, p[test])} for name, p in told.items()}


def _columns(folder: Path, role: RoleName, view: str, job: JobFolder, ids: tuple[str, ...]) -> Floats:
    """WOE columns of an owner's part of the card, for these firms in this order."""
    part = CardPart.from_dict(json.loads(job.file("scorecard.json").read_text(encoding="utf-8")))
    data = load_view(load_views(folder / "views.toml", role=role), view, role=role)
    place = {code: row for row, code in enumerate(data.ids)}
    return woe_columns(data.take([place[code] for code in ids]), part.bins).matrix()
