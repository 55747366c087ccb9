"""The bank judges the joint model on held-out rows, beside a model of its own data alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from party_bank.steps.boosting import BankTreesSteps
from party_bank.steps.scoring import TreeModel
from party_bank.steps.workspace import BankWorkspace
from vfl.core.boosting import BoostParams, train_local
from vfl.core.metrics import auc, ks
from vfl.core.tree import GrowParams
from vfl.data.features import BinnedFeature, category_numbers, levels_of, taking_part
from vfl.data.owned_splits import OwnedSplits
from vfl.protocols.evaluation import BankEvaluation
from vfl.protocols.messages.evaluation import Quality
from vfl.wire.carriers import aggregate

__all__ = ["BankEvaluationSteps", "Scores", "quality_of"]

METRIC_FLOOR = 500
"""Rows below which no figure is told."""


@dataclass(frozen=True, slots=True, repr=False)
class Scores:
    """Held-out rows: labels and predicted probabilities of the event. Stays at the bank."""

    labels: npt.NDArray[np.float64]
    joint: npt.NDArray[np.float64]
    bank_alone: npt.NDArray[np.float64] | None
    fallback: TreeModel | None
    """The model behind ``bank_alone``: scores firms that a platform cannot answer for."""


class BankEvaluationSteps(BankEvaluation):
    """Metrics on the test rows."""

    def __init__(self, work: BankWorkspace, trees: BankTreesSteps, grow: GrowParams) -> None:
        self._work = work
        self._trees = trees
        self._grow = grow
        self._scores: Scores | None = None

    def scores(self) -> Scores:
        """Labels and probabilities of the test rows."""
        if self._scores is None:
            test = self._work.parts[2]
            labels = self._work.labels()[test].astype(np.float64)
            joint = 1.0 / (1.0 + np.exp(-self._trees.best_margins[test]))
            self._scores = Scores(labels, joint, *self._bank_alone())
        return self._scores

    def _bank_alone(self) -> tuple[npt.NDArray[np.float64] | None, TreeModel | None]:
        """The same kind of model on the bank's own features: what the joint model must beat."""
        work, spec = self._work, self._work.spec.trees
        table = work.data.take(work.alignment.rows)
        features = taking_part(table)
        if not features:
            return None, None
        columns, categorical = category_numbers(table)
        labels = work.labels().astype(np.float64)
        train, valid, test = work.parts[:3]
        params = BoostParams(
            n_trees=spec.trees, grow=self._grow, max_bin=spec.max_bin, min_data_in_bin=spec.min_data_in_bin,
            metric="binary_logloss", early_stopping_rounds=spec.early_stopping_rounds,
        )  # fmt: skip
        held = (columns[valid], labels[valid]) if spec.early_stopping_rounds else None
        model = train_local(columns[train], labels[train], params, categorical=categorical, valid=held)
        binned = [
            BinnedFeature(f.name, mapper, levels_of(table, f))
            for f, mapper in zip(features, model.mappers, strict=True)
        ]
        rules = {i: model.splits[i] for i in range(len(model.splits))}
        kept = model.trees[: model.best_iteration]
        fallback = TreeModel(model.start, kept, OwnedSplits(binned, rules), [work.party])
        return model.predict(columns[test]), fallback

    def quality(self) -> Quality:
        return quality_of(self.scores())


def quality_of(scores: Scores) -> Quality:
    """What the platforms are told: three figures over the held-out rows, or zeros where these are too few."""
    rows = len(scores.labels)
    if rows < METRIC_FLOOR:
        nothing = aggregate(0, cohort=METRIC_FLOOR, floor=METRIC_FLOOR)  # a constant: made of no row at all
        none = aggregate(0.0, cohort=METRIC_FLOOR, floor=METRIC_FLOOR)
        return Quality(rows=nothing, auc_joint=none, auc_bank_alone=none, ks_joint=none)

    def told(value: float) -> Any:
        return aggregate(round(value, 3), cohort=rows, floor=METRIC_FLOOR)

    alone = 0.0 if scores.bank_alone is None else auc(scores.labels, scores.bank_alone)
    return Quality(
        rows=aggregate(rows // 100 * 100, cohort=rows, floor=METRIC_FLOOR),
        auc_joint=told(auc(scores.labels, scores.joint)),
        auc_bank_alone=told(alone),
        ks_joint=told(ks(scores.labels, scores.joint)),
    )
