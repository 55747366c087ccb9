"""What the bank's roles share in one job: its table, its labels, the job's secret key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.crypto.paillier import KeyHolder
from vfl.data.table import Dataset
from vfl.runtime.workspace import Workspace, too_early

__all__ = ["BankWorkspace"]


@dataclass(slots=True, repr=False, kw_only=True)
class BankWorkspace(Workspace):
    """Shared state of the bank's steps. Security: holds labels and the secret key."""

    data: Dataset
    holder: KeyHolder | None = None

    @property
    def he(self) -> KeyHolder:
        if self.holder is None:
            raise too_early("key exchange")
        return self.holder

    def labels(self) -> npt.NDArray[np.uint8]:
        """Labels of the aligned rows in the common order, event = 1."""
        if self.data.labels is None:
            raise too_early("label column")
        out: npt.NDArray[np.uint8] = self.data.labels.expose()[self.alignment.rows]
        return out
