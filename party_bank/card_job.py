"""The bank's role objects of a scorecard job, assembled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from party_bank.steps.alignment import BankAlignmentSteps
from party_bank.steps.binning import BankBinningSteps
from party_bank.steps.keys import KeyHolderSteps
from party_bank.steps.logistic import BankLogisticSteps
from party_bank.steps.logistic_hub import BankHubSteps
from party_bank.steps.periods import BankPeriodsSteps
from party_bank.steps.scorecard import BankCardEvaluation, BankCardSteps
from party_bank.steps.workspace import BankWorkspace
from vfl.crypto.keyproof import KeyRegistry
from vfl.protocols.alignment import BankAlignment
from vfl.protocols.binning import BankBinning
from vfl.protocols.evaluation import BankEvaluation
from vfl.protocols.keys import KeyHolderRole
from vfl.protocols.logistic import BankLogistic
from vfl.protocols.logistic_provider import BankHub
from vfl.protocols.periods import BankPeriods
from vfl.protocols.scorecard import BankCard
from vfl.runtime.steps import Roles
from vfl.service.warm_start import EarlierWeights

__all__ = ["BankCardJob"]


class BankCardJob:
    """All roles of the bank in one scorecard job, and their common state; arguments as for ``BankJob``.

    ``columns``, where given, are what the regression takes in place of WOE columns: aligned rows, (rows, features).
    ``earlier`` are the weights that the regression starts from.
    """

    def __init__(
        self, work: BankWorkspace, exported_key: bytes, registry: KeyRegistry, *,
        columns: Callable[[], npt.NDArray[np.float64]] | None = None, earlier: EarlierWeights | None = None,
    ) -> None:
        self.work = work
        self.binning = BankBinningSteps(work, work.spec.binning)
        self.logistic = BankLogisticSteps(
            work, work.spec.logistic, columns or (lambda: self.binning.columns().matrix()), registry,
            weights=work.weights if work.data.weights is not None else None,
            start=None if earlier is None else lambda: earlier.of([f.name for f in self.binning.binned().features]),
        )
        self.card = BankCardSteps(work, self.binning, self.logistic)
        self.evaluation = BankCardEvaluation(work, self.binning, self.card)
        self.roles: Roles = {
            KeyHolderRole: KeyHolderSteps(work, exported_key),
            BankAlignment: BankAlignmentSteps(work),
            BankPeriods: BankPeriodsSteps(work),
            BankBinning: self.binning,
            BankLogistic: self.logistic,
            BankHub: BankHubSteps(work, self.logistic),
            BankCard: self.card,
            BankEvaluation: self.evaluation,
        }

    def dump(self) -> dict[str, bytes]:
        return self.work.dump() | self.binning.dump() | self.logistic.dump() | self.card.dump()

    def restore(self, parts: dict[str, bytes]) -> None:
        for part in (self.work, self.binning, self.logistic, self.card):
            part.restore(parts)
