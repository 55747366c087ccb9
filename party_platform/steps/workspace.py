"""What a platform's roles share in one job: its consented rows and the bank's public key."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vfl.crypto.paillier import AdditiveHE
from vfl.data.consent import ConsentBook
from vfl.data.table import Dataset
from vfl.runtime.workspace import Workspace, too_early

__all__ = ["PlatformWorkspace"]


@dataclass(slots=True, repr=False, kw_only=True)
class PlatformWorkspace(Workspace):
    """Shared state of a platform's steps.

    Security: rows without a valid consent for this bank, purpose and date are dropped when it is made, before
    anything is computed from them.
    """

    data: Dataset
    consents: ConsentBook
    evaluator: AdditiveHE | None = None
    permitted: npt.NDArray[np.int64] = field(init=False)
    """Row numbers of the table that have consent; the alignment's rows index into these."""

    def __post_init__(self) -> None:
        mask = self.consents.permitted(self.data.ids, self.spec.bank, self.spec.purpose, self.spec.as_of)
        self.permitted = np.flatnonzero(mask)

    @property
    def permitted_ids(self) -> list[str]:
        return [self.data.ids[i] for i in self.permitted.tolist()]

    @property
    def table_rows(self) -> npt.NDArray[np.int64]:
        """Row numbers of the table in the common order."""
        return self.permitted[self.alignment.rows]

    def table(self) -> Dataset:
        """The aligned rows in the common order, with features as known on the job's day.

        Where the contract takes snapshots by month: as known on the first day of the month in which the bank observed
        the firm.

        Raises
        ------
        DataError
            ``SNAPSHOT_LOOKAHEAD``: the firm's one snapshot is from after it, and the contract refuses such rows.
        """
        time = self.spec.time
        if not time.monthly:
            return self.data.take(self.table_rows)
        if self.periods is None:
            raise too_early("periods of observation")
        days = (np.datetime64(time.first, "M") + self.periods.astype(np.int64)).astype("datetime64[D]")
        return self.data.take_as_of(self.table_rows, days, refuse=time.refuses)

    @property
    def he(self) -> AdditiveHE:
        if self.evaluator is None:
            raise too_early("key exchange")
        return self.evaluator
