"""A platform's side of the scorecard: whole points of its own bins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from party_platform.steps.binning import PlatformBinningSteps
from party_platform.steps.logistic import PlatformLogisticSteps
from party_platform.steps.logistic_provider import ProviderLogisticSteps
from party_platform.steps.workspace import PlatformWorkspace
from vfl.core.scorecard import Scaling, Scorecard, card_features
from vfl.data.card_part import CardPart
from vfl.protocols.messages.scorecard import POINT_ROWS, PlatformPoints
from vfl.protocols.scorecard import PlatformCard
from vfl.wire.carriers import disclose

__all__ = ["PlatformCardSteps"]


class PlatformCardSteps(PlatformCard):
    """Makes points from the platform's own weights and WOE."""

    def __init__(
        self, work: PlatformWorkspace, binning: PlatformBinningSteps,
        logistic: PlatformLogisticSteps | ProviderLogisticSteps,
    ) -> None:
        self._work, self._binning, self._logistic = work, binning, logistic

    def card(self) -> Scorecard:
        """The platform's part of the card."""
        terms = self._work.spec.scaling
        scaling = Scaling(terms.base_points, terms.base_odds, terms.pdo)
        weights = self._logistic.coefficients.tolist()
        features = card_features(self._work.party, self._binning.binned(), weights, scaling)
        return Scorecard(scaling, self._work.spec.bank, 0, features, partial=True)

    def part(self) -> CardPart:
        """What the platform keeps to answer scoring queries."""
        return CardPart(self.card(), self._binning.binned())

    def points(self) -> Iterator[PlatformPoints]:
        points = self.card().points_of_bins(self._binning.columns()).sum(axis=1).astype(np.int64)
        for start in range(0, len(points), POINT_ROWS):
            chunk = tuple(points[start : start + POINT_ROWS].tolist())
            yield PlatformPoints(disclose(chunk, reason="the bank reads the score"))
