"""The bank's side of the scorecard: own points, the start, the sum; and what it is judged by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from party_bank.steps.binning import BankBinningSteps
from party_bank.steps.evaluation import Scores, quality_of
from party_bank.steps.logistic import BankLogisticSteps
from party_bank.steps.workspace import BankWorkspace
from vfl.core.logistic import fit_logistic, sigmoid
from vfl.core.scorecard import Scaling, Scorecard
from vfl.protocols.evaluation import BankEvaluation
from vfl.protocols.messages.evaluation import Quality
from vfl.protocols.messages.scorecard import PlatformPoints
from vfl.protocols.scorecard import BankCard
from vfl.runtime.state import freeze, thaw
from vfl.runtime.workspace import malformed, too_early

__all__ = ["BankCardEvaluation", "BankCardSteps"]

Points = npt.NDArray[np.int64]


class BankCardSteps(BankCard):
    """Adds the platforms' points to its own."""

    def __init__(self, work: BankWorkspace, binning: BankBinningSteps, logistic: BankLogisticSteps) -> None:
        self._work, self._binning, self._logistic = work, binning, logistic
        self._parts: dict[str, list[int]] = {}
        self.scores: Points = np.zeros(0, dtype=np.int64)
        """Score of each aligned row in the common order; higher is safer."""
        self.platform_points: dict[str, Points] = {}
        """Each platform's part of it."""

    def card(self) -> Scorecard:
        """What the bank knows of the card: its own features; the platforms' are numbered only."""
        scaling = Scaling(
            self._work.spec.scaling.base_points, self._work.spec.scaling.base_odds, self._work.spec.scaling.pdo
        )
        kept = [self._binning.features[i] for i in self._binning.screening.kept]
        hidden = {p: sum(f.owner == p for f in kept) for p in self._work.spec.platforms}
        coefficients = self._logistic.coefficients
        return Scorecard.fitted(
            {self._work.party: self._binning.binned()}, {self._work.party: coefficients[1:].tolist()},
            float(coefficients[0]), scaling, home=self._work.party, hidden=hidden,
        )  # fmt: skip

    def take_points(self, chunk: PlatformPoints, platform: str) -> None:
        self._parts.setdefault(platform, []).extend(chunk.points.value)

    def add_up(self) -> None:
        rows = len(self._work.alignment.rows)
        card = self.card()
        total = card.start + card.points_of_bins(self._binning.columns()).sum(axis=1).astype(np.int64)
        for platform in self._work.spec.platforms:
            part = np.array(self._parts.pop(platform), dtype=np.int64)
            if len(part) != rows:
                raise malformed("POINTS_COUNT", "points for another number of rows", "得分行数不符")
            self.platform_points[platform] = part
            total = total + part
        self.scores = total

    def dump(self) -> dict[str, bytes]:
        return {"card": freeze({"": self.scores, **self.platform_points}, {})} if len(self.scores) else {}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "card" in parts:
            self.platform_points, _ = thaw(parts["card"])
            self.scores = self.platform_points.pop("")


class BankCardEvaluation(BankEvaluation):
    """The card on the held-out rows, beside one of the bank's own columns."""

    def __init__(self, work: BankWorkspace, binning: BankBinningSteps, card: BankCardSteps) -> None:
        self._work, self._binning, self._card = work, binning, card
        self._scores: Scores | None = None

    def scores(self) -> Scores:
        """Labels and probabilities of the test rows."""
        if self._scores is None:
            if not len(self._card.scores):
                raise too_early("scorecard")
            labels = self._work.labels().astype(np.float64)
            test = self._work.parts[2]
            joint = self._card.card().probability(self._card.scores[test])
            self._scores = Scores(labels[test], joint, self._alone(labels), None)
        return self._scores

    def _alone(self, labels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
        columns = self._binning.columns().matrix()
        if not columns.shape[1]:
            return None
        train, _, test = self._work.parts[:3]
        design = np.column_stack([np.ones(len(columns)), columns])
        ridge = np.array([0.0] + [self._work.spec.logistic.ridge] * columns.shape[1])
        weights = self._work.weights()[train] if self._work.data.weights is not None else None
        fit = fit_logistic(design[train], labels[train], ridge, weights=weights)
        return sigmoid(design[test] @ fit.coefficients)

    def quality(self) -> Quality:
        return quality_of(self.scores())
