"""The bank's side of the scorecard: own points, the start, the sum; and what it is judged by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from party_bank.steps.binning import BankBinningSteps
from party_bank.steps.evaluation import Scores, quality_of
from party_bank.steps.fallback import Fallback, Loss, fit_fallback
from party_bank.steps.logistic import BankLogisticSteps
from party_bank.steps.workspace import BankWorkspace
from vfl.core.binned_table import BinnedTable
from vfl.core.scorecard import Scaling, Scorecard
from vfl.data.card_part import CardPart
from vfl.errors import DataError, Text
from vfl.protocols.evaluation import BankEvaluation
from vfl.protocols.logistic_code import MARGIN_REACH
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

    @property
    def scaling(self) -> Scaling:
        terms = self._work.spec.scaling
        return Scaling(terms.base_points, terms.base_odds, terms.pdo)

    def card(self) -> Scorecard:
        """What the bank knows of the card: its own features; the platforms' are numbered only."""
        kept = [self._binning.features[i] for i in self._binning.screening.kept]
        hidden = {p: sum(f.owner == p for f in kept) for p in self._work.spec.platforms}
        coefficients = self._logistic.coefficients
        return Scorecard.fitted(
            {self._work.party: self._binning.binned()}, {self._work.party: coefficients[1:].tolist()},
            float(coefficients[0]), self.scaling, home=self._work.party, hidden=hidden,
        )  # fmt: skip

    def part(self) -> CardPart:
        """What the bank keeps to score with."""
        return CardPart(self.card(), self._binning.binned())

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
        self._require_reach(total)
        self.scores = total

    def _require_reach(self, scores: Points) -> None:
        """Refuse a model whose margins of training rows left the range in which its sigmoid was fitted.

        Beyond it the series is free, so such rows pulled on the weights by something that is not a residual.
        """
        weights, labels = self._logistic.weights(), self._logistic.labels()
        rate = float(weights @ labels / weights.sum())
        margins = self.scaling.margin(scores[self._work.parts[0]])
        outside = int((np.abs(margins - np.log(rate / (1 - rate))) > MARGIN_REACH).sum())
        if outside:
            raise DataError(
                "CARD_MARGIN_REACH",
                Text(en=f"{outside} training rows have log odds more than {MARGIN_REACH:g} from those of the sample, "
                        "where training is not exact: some columns part the classes almost perfectly",
                     zh=f"有 {outside} 个训练样本的对数几率偏离总体超过 {MARGIN_REACH:g}，超出训练的精确范围："
                        "部分变量几乎完全区分了好坏样本"),
                cure=Text(en="look for columns that know the outcome (lower binning.max_iv), or raise logistic.ridge",
                          zh="请检查是否有变量泄露结果（调低 binning.max_iv），或调高 logistic.ridge"),
            )

    def dump(self) -> dict[str, bytes]:
        return {"card": freeze({"": self.scores, **self.platform_points}, {})} if len(self.scores) else {}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "card" in parts:
            self.platform_points, _ = thaw(parts["card"])
            self.scores = self.platform_points.pop("")


class BankCardEvaluation(BankEvaluation):
    """The card on the held-out rows, beside the bank's own: the fallback for firms that no platform answers for."""

    def __init__(self, work: BankWorkspace, binning: BankBinningSteps, card: BankCardSteps) -> None:
        self._work, self._binning, self._card = work, binning, card
        self._scores: Scores | None = None
        self._fallback: Fallback | None = None

    def scores(self) -> Scores:
        """Labels and probabilities of the test rows."""
        if self._scores is None:
            if not len(self._card.scores):
                raise too_early("scorecard")
            test = self._work.parts[2]
            labels = self._work.labels()[test].astype(np.float64)
            joint = self._card.card().probability(self._card.scores[test])
            self._fallback = self._fitted_fallback()
            held_out = self._work.data.take(self._work.alignment.rows[test])
            alone = None if self._fallback is None else self._fallback.probability(held_out)
            self._scores = Scores(labels, joint, alone, None)
        return self._scores

    @property
    def fallback(self) -> Fallback | None:
        """The bank's own card; None where it has no column that tells anything."""
        self.scores()
        return self._fallback

    @property
    def loss(self) -> Loss | None:
        """What the fallback loses on the held-out rows; None without a fallback or without both classes."""
        held_out = self.scores()
        if held_out.bank_alone is None:
            return None
        return Loss.of(held_out.labels, held_out.joint, held_out.bank_alone)

    def _fitted_fallback(self) -> Fallback | None:
        work = self._work
        bins = BinnedTable(tuple(self._binning.own_features().values()))
        if not bins.features or work.data.labels is None:
            return None
        apart = self._apart()
        train = apart.copy()
        train[work.alignment.rows[work.parts[0]]] = True
        return fit_fallback(
            work.data, work.data.labels.expose().astype(np.float64), bins, train=train, apart=apart,
            weights=None if work.data.weights is None else work.data.weights.expose(),
            owner=work.party, spec=work.spec.binning, ridge=work.spec.logistic.ridge, scaling=self._card.scaling,
        )  # fmt: skip

    def _apart(self) -> npt.NDArray[np.bool_]:
        """The bank's rows that did not align; none from the time on that is held out."""
        work, rows = self._work, self._work.alignment.rows
        apart = np.ones(len(work.data), dtype=np.bool_)
        apart[rows] = False
        later = rows[work.parts[3]] if len(work.parts) > 3 else rows[:0]
        if len(later) and work.data.observed_on is not None:
            apart &= work.data.observed_on < work.data.observed_on[later].min()
        return apart

    def quality(self) -> Quality:
        return quality_of(self.scores())
