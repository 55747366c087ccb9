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

    @property
    def he(self) -> AdditiveHE:
        if self.evaluator is None:
            raise too_early("key exchange")
        return self.evaluator
