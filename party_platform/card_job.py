"""A platform's role objects of a scorecard job, assembled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from party_platform.steps.alignment import PlatformAlignmentSteps
from party_platform.steps.binning import PlatformBinningSteps
from party_platform.steps.evaluation import PlatformEvaluationSteps
from party_platform.steps.keys import KeyCheckerSteps
from party_platform.steps.logistic import PlatformLogisticSteps
from party_platform.steps.logistic_hub import PlatformHubSteps
from party_platform.steps.logistic_provider import ProviderLogisticSteps
from party_platform.steps.periods import PlatformPeriodsSteps
from party_platform.steps.scorecard import PlatformCardSteps
from party_platform.steps.workspace import PlatformWorkspace
from vfl.crypto.keyproof import KeyRegistry
from vfl.protocols.alignment import PlatformAlignment
from vfl.protocols.binning import PlatformBinning
from vfl.protocols.evaluation import PlatformEvaluation
from vfl.protocols.keys import KeyChecker
from vfl.protocols.logistic import PlatformLogistic
from vfl.protocols.logistic_provider import PlatformHub, ProviderLogistic
from vfl.protocols.periods import PlatformPeriods
from vfl.protocols.scorecard import PlatformCard
from vfl.runtime.steps import Roles
from vfl.service.warm_start import EarlierWeights

__all__ = ["PlatformCardJob"]


class PlatformCardJob:
    """All roles of a platform in one scorecard job, and their common state.

    Parameters
    ----------
    exported_key : bytes
        The platform's own secret key of the job, from the sealed journal (:meth:`PlatformLogisticSteps.fresh`); the
        job's first platform alone uses one.
    columns : callable, optional
        What the regression takes in place of WOE columns: aligned rows in the common order, (rows, features).
    earlier : EarlierWeights, optional
        The weights that the regression starts from.
    """

    def __init__(
        self, work: PlatformWorkspace, registry: KeyRegistry, exported_key: bytes, *,
        columns: Callable[[], npt.NDArray[np.float64]] | None = None, earlier: EarlierWeights | None = None,
    ) -> None:
        self.work = work
        self.checker = KeyCheckerSteps(work, registry)
        self.binning = PlatformBinningSteps(work, work.spec.binning)
        columns = columns or (lambda: self.binning.columns().matrix())
        start = None if earlier is None else lambda: earlier.of([f.name for f in self.binning.binned().features])
        self.logistic: PlatformLogisticSteps | ProviderLogisticSteps
        if work.party == work.spec.platforms[0]:
            first = self.logistic = PlatformLogisticSteps(
                work, work.spec.logistic, columns, exported_key, start=start
            )
            regression: Roles = {PlatformLogistic: first, PlatformHub: PlatformHubSteps(work, first)}
        else:
            self.logistic = ProviderLogisticSteps(work, work.spec.logistic, columns, registry, start=start)
            regression = {ProviderLogistic: self.logistic}
        self.card = PlatformCardSteps(work, self.binning, self.logistic)
        self.evaluation = PlatformEvaluationSteps()
        self.roles: Roles = {
            KeyChecker: self.checker,
            PlatformAlignment: PlatformAlignmentSteps(work),
            PlatformPeriods: PlatformPeriodsSteps(work),
            PlatformBinning: self.binning,
            **regression,
            PlatformCard: self.card,
            PlatformEvaluation: self.evaluation,
        }

    def dump(self) -> dict[str, bytes]:
        parts = self.work.dump() | self.checker.dump() | self.binning.dump()
        return parts | self.logistic.dump() | self.evaluation.dump()

    def restore(self, parts: dict[str, bytes]) -> None:
        for part in (self.work, self.checker, self.binning, self.logistic, self.evaluation):
            part.restore(parts)
