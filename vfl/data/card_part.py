"""An owner's part of a scorecard as its node keeps it: the card with its points, and the bins that lead to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.binned_table import BinnedTable
from vfl.core.scorecard import Scorecard
from vfl.data.binned_features import woe_columns
from vfl.data.table import Dataset
from vfl.errors import DataError, Text, VflError

__all__ = ["CardPart"]


@dataclass(frozen=True, slots=True, repr=False)
class CardPart:
    """What one owner needs to score firms; ``bins`` are those of the features it knows, in the card's order.

    Security: holds cuts and points of its owner; stays with it.
    """

    card: Scorecard
    bins: BinnedTable

    def __repr__(self) -> str:
        return f"<card part: {len(self.card.known)} of {len(self.card.features)} features>"

    def points(self, table: Dataset) -> npt.NDArray[np.int64]:
        """Points of each known feature, shape (rows, features), without the start.

        ConfigError ``FEATURE_UNDECLARED`` where the table lacks a feature of the card.
        """
        return self.card.points_of_bins(woe_columns(table, self.bins))

    def to_dict(self) -> dict[str, Any]:
        return {"card": self.card.to_dict(), "bins": self.bins.to_dict()}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> CardPart:
        """Further keys are left alone. DataError ``CARD_PART`` where the dict is not one that :meth:`to_dict` made."""
        try:
            return cls(Scorecard.from_dict(state["card"]), BinnedTable.from_dict(state["bins"]))
        except (KeyError, TypeError, ValueError, AttributeError, VflError):
            raise DataError(
                "CARD_PART",
                Text(en="this is not a part of a scorecard that this software wrote",
                     zh="该文件不是本软件生成的评分卡分片"),
                cure=Text(en="restore the file from the job's folder or a backup", zh="请从任务目录或备份中恢复该文件"),
            ) from None
