"""What the bank's roles share in one job: its table, its labels, the job's secret key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.crypto.paillier import KeyHolder
from vfl.data import sample_faults
from vfl.data.table import Dataset
from vfl.errors import Place
from vfl.runtime.workspace import Workspace, too_early

__all__ = ["BankWorkspace"]


@dataclass(slots=True, repr=False, kw_only=True)
class BankWorkspace(Workspace):
    """Shared state of the bank's steps. Security: holds labels and the secret key."""

    data: Dataset
    holder: KeyHolder | None = None

    def __post_init__(self) -> None:
        """ConfigError ``OBSERVED_UNDECLARED``: the contract divides rows by days that the view does not declare."""
        if self.spec.periods and self.data.observed_on is None:
            place = Place(column=f"views.{self.spec.bank_view}.observed_on")
            raise sample_faults.OBSERVED_UNDECLARED.at(place)

    @property
    def he(self) -> KeyHolder:
        if self.holder is None:
            raise too_early("key exchange")
        return self.holder

    def days_observed(self) -> npt.NDArray[np.datetime64]:
        """Day of observation of the aligned rows in the common order, ``datetime64[D]``; NaT where not declared.

        Months of them (``.astype("datetime64[M]")``) make the report's tables by period.
        """
        days, rows = self.data.observed_on, self.alignment.rows
        return np.full(len(rows), "NaT", dtype="datetime64[D]") if days is None else days[rows]

    def weights(self) -> npt.NDArray[np.float64]:
        """Sample weights of the aligned rows in the common order; for views that name a column of them."""
        if self.data.weights is None:
            raise too_early("column of weights")
        out: npt.NDArray[np.float64] = self.data.weights.expose()[self.alignment.rows]
        return out

    def labels(self) -> npt.NDArray[np.uint8]:
        """Labels of the aligned rows in the common order, event = 1."""
        if self.data.labels is None:
            raise too_early("label column")
        out: npt.NDArray[np.uint8] = self.data.labels.expose()[self.alignment.rows]
        return out
