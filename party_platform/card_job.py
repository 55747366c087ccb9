"""A platform's role objects of a scorecard job, assembled."""

from __future__ import annotations

from party_platform.steps.alignment import PlatformAlignmentSteps
from party_platform.steps.binning import PlatformBinningSteps
from party_platform.steps.evaluation import PlatformEvaluationSteps
from party_platform.steps.keys import KeyCheckerSteps
from party_platform.steps.logistic import PlatformLogisticSteps
from party_platform.steps.periods import PlatformPeriodsSteps
from party_platform.steps.scorecard import PlatformCardSteps
from party_platform.steps.workspace import PlatformWorkspace
from vfl.crypto.keyproof import KeyRegistry
from vfl.protocols.alignment import PlatformAlignment
from vfl.protocols.binning import PlatformBinning
from vfl.protocols.evaluation import PlatformEvaluation
from vfl.protocols.keys import KeyChecker
from vfl.protocols.logistic import PlatformLogistic
from vfl.protocols.periods import PlatformPeriods
from vfl.protocols.scorecard import PlatformCard
from vfl.runtime.steps import Roles

__all__ = ["PlatformCardJob"]


class PlatformCardJob:
    """All roles of a platform in one scorecard job, and their common state.

    Parameters
    ----------
    exported_key : bytes
        The platform's own secret key of the job, from the sealed journal (:meth:`PlatformLogisticSteps.fresh`).
    """

    def __init__(self, work: PlatformWorkspace, registry: KeyRegistry, exported_key: bytes) -> None:
        self.work = work
        self.checker = KeyCheckerSteps(work, registry)
        self.binning = PlatformBinningSteps(work, work.spec.binning)
        self.logistic = PlatformLogisticSteps(
            work, work.spec.logistic, lambda: self.binning.columns().matrix(), exported_key
        )
        self.card = PlatformCardSteps(work, self.binning, self.logistic)
        self.evaluation = PlatformEvaluationSteps()
        self.roles: Roles = {
            KeyChecker: self.checker,
            PlatformAlignment: PlatformAlignmentSteps(work),
            PlatformPeriods: PlatformPeriodsSteps(work),
            PlatformBinning: self.binning,
            PlatformLogistic: self.logistic,
            PlatformCard: self.card,
            PlatformEvaluation: self.evaluation,
        }

    def dump(self) -> dict[str, bytes]:
        parts = self.work.dump() | self.checker.dump() | self.binning.dump()
        return parts | self.logistic.dump() | self.evaluation.dump()

    def restore(self, parts: dict[str, bytes]) -> None:
        for part in (self.work, self.checker, self.binning, self.logistic, self.evaluation):
            part.restore(parts)
