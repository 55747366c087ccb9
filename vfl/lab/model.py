"""A joint model put together from all owners' parts: possible only where one process holds them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.tree import TreeStructure
from vfl.data.owned_splits import OwnedSplits
from vfl.data.table import Dataset
from vfl.lab.assembly import LabJob

__all__ = ["JointModel"]

FloatArray = npt.NDArray[np.float64]


class JointModel:
    """Structure from the bank, cuts from each owner.

    Parameters
    ----------
    base : float
        Log-odds of the event before the first tree.
    trees : sequence of TreeStructure
    owners : sequence of str
        ``tree.owner`` counts in these; the bank is first.
    splits : mapping of owner to OwnedSplits
    """

    def __init__(
        self, base: float, trees: Sequence[TreeStructure], owners: Sequence[str], splits: Mapping[str, OwnedSplits]
    ) -> None:
        self.base = base
        self.trees = tuple(trees)
        self.owners = tuple(owners)
        self.splits = dict(splits)

    def __repr__(self) -> str:
        return f"<JointModel: {len(self.trees)} trees of {', '.join(self.owners)}>"

    @classmethod
    def of(cls, job: LabJob) -> JointModel:
        """Of a job that has run."""
        bank, platforms = job.bank.trees, job.platforms
        splits = {job.spec.bank: bank.splits, **{name: side.trees.splits for name, side in platforms.items()}}
        return cls(bank.base_margin, bank.trees[: bank.best_trees], (job.spec.bank, *job.spec.platforms), splits)

    def margins(self, tables: Mapping[str, Dataset]) -> FloatArray:
        """Log-odds of the event, (rows,); the owners' tables hold the same firms in the same order."""
        rows = len(next(iter(tables.values())))
        sides: dict[int, npt.NDArray[np.bool_]] = {}
        for owner, cuts in self.splits.items():
            if cuts.rules:
                sides |= cuts.sides(tables[owner])
        total = np.full(rows, self.base)
        for tree in self.trees:

            def goes_left(node: int, chosen: npt.NDArray[np.int64], tree: TreeStructure = tree) -> Any:
                return sides[int(tree.split_id[node])][chosen]

            total += tree.leaf_value[tree.leaf_of_rows(goes_left, rows)]
        return total

    def probabilities(self, tables: Mapping[str, Dataset]) -> FloatArray:
        """Of the event, (rows,)."""
        return 1.0 / (1.0 + np.exp(-self.margins(tables)))
