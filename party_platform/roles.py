"""A platform's role objects of one job, assembled."""

from __future__ import annotations

from party_platform.steps.alignment import PlatformAlignmentSteps
from party_platform.steps.boosting import PlatformTreesSteps
from party_platform.steps.evaluation import PlatformEvaluationSteps
from party_platform.steps.keys import KeyCheckerSteps
from party_platform.steps.periods import PlatformPeriodsSteps
from party_platform.steps.workspace import PlatformWorkspace
from vfl.crypto.keyproof import KeyRegistry
from vfl.protocols.alignment import PlatformAlignment
from vfl.protocols.boosting import PlatformTrees
from vfl.protocols.evaluation import PlatformEvaluation
from vfl.protocols.keys import KeyChecker
from vfl.protocols.periods import PlatformPeriods
from vfl.runtime.steps import Roles

__all__ = ["PlatformJob"]


class PlatformJob:
    """All roles of a platform in one job, and their common state."""

    def __init__(self, work: PlatformWorkspace, registry: KeyRegistry) -> None:
        self.work = work
        self.checker = KeyCheckerSteps(work, registry)
        self.trees = PlatformTreesSteps(work)
        self.evaluation = PlatformEvaluationSteps()
        self.roles: Roles = {
            KeyChecker: self.checker,
            PlatformAlignment: PlatformAlignmentSteps(work),
            PlatformPeriods: PlatformPeriodsSteps(work),
            PlatformTrees: self.trees,
            PlatformEvaluation: self.evaluation,
        }

    def dump(self) -> dict[str, bytes]:
        return self.work.dump() | self.checker.dump() | self.trees.dump() | self.evaluation.dump()

    def restore(self, parts: dict[str, bytes]) -> None:
        self.work.restore(parts)
        self.checker.restore(parts)
        self.trees.restore(parts)
        self.evaluation.restore(parts)
