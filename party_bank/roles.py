"""The bank's role objects of one job, assembled."""

from __future__ import annotations

from party_bank.steps.alignment import BankAlignmentSteps
from party_bank.steps.boosting import BankTreesSteps, grow_params
from party_bank.steps.evaluation import BankEvaluationSteps
from party_bank.steps.keys import KeyHolderSteps
from party_bank.steps.periods import BankPeriodsSteps
from party_bank.steps.workspace import BankWorkspace
from vfl.protocols.alignment import BankAlignment
from vfl.protocols.boosting import BankTrees
from vfl.protocols.evaluation import BankEvaluation
from vfl.protocols.keys import KeyHolderRole
from vfl.protocols.periods import BankPeriods
from vfl.runtime.steps import Roles

__all__ = ["BankJob"]


class BankJob:
    """All roles of the bank in one job, and their common state.

    Parameters
    ----------
    exported_key : bytes
        The job's secret key from the sealed journal (:meth:`KeyHolderSteps.fresh`).
    """

    def __init__(self, work: BankWorkspace, exported_key: bytes) -> None:
        self.work = work
        self.trees = BankTreesSteps(work)
        self.evaluation = BankEvaluationSteps(work, self.trees, grow_params(work.spec.trees))
        self.roles: Roles = {
            KeyHolderRole: KeyHolderSteps(work, exported_key),
            BankAlignment: BankAlignmentSteps(work),
            BankPeriods: BankPeriodsSteps(work),
            BankTrees: self.trees,
            BankEvaluation: self.evaluation,
        }

    def dump(self) -> dict[str, bytes]:
        return self.work.dump() | self.trees.dump()

    def restore(self, parts: dict[str, bytes]) -> None:
        self.work.restore(parts)
        self.trees.restore(parts)
