"""A joint model put together from all owners' parts: possible only where one process holds them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.binned_table import BinnedTable
from vfl.core.scorecard import Scaling, Scorecard
from vfl.core.tree import TreeStructure
from vfl.data.binned_features import woe_columns
from vfl.data.owned_splits import OwnedSplits
from vfl.data.table import Dataset
from vfl.lab.assembly import LabJob

__all__ = ["JointCard", "JointModel"]

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


@dataclass(frozen=True, slots=True, repr=False)
class JointCard:
    """A scorecard with the bins and weights of all owners.

    Attributes
    ----------
    binned : mapping of owner to BinnedTable
        The features in the model.
    weights : mapping of owner to float64 array
        One per feature, on the log odds of the event.
    intercept : float
    card : Scorecard
        Complete; its features are in the order of the owners.
    """

    binned: Mapping[str, BinnedTable]
    weights: Mapping[str, FloatArray]
    intercept: float
    card: Scorecard

    def __repr__(self) -> str:
        return f"<JointCard {len(self.card.features)} features of {', '.join(self.binned)}>"

    @classmethod
    def made(
        cls, binned: Mapping[str, BinnedTable], weights: Mapping[str, FloatArray], intercept: float, scaling: Scaling,
        *, home: str,
    ) -> JointCard:
        """From parts; ``home`` is the owner of the intercept."""
        listed = {owner: own.tolist() for owner, own in weights.items()}
        return cls(binned, weights, intercept, Scorecard.fitted(binned, listed, intercept, scaling, home=home))

    @classmethod
    def of(cls, job: LabJob) -> JointCard:
        """Of a scorecard job that has run. Every owner makes the same points from its own part."""
        spec, bank = job.spec, job.bank
        binned = {spec.bank: bank.binning.binned()}
        weights = {spec.bank: bank.logistic.coefficients[1:]}
        for name, side in job.platforms.items():
            binned[name], weights[name] = side.binning.binned(), side.logistic.coefficients
        scaling = Scaling(spec.scaling.base_points, spec.scaling.base_odds, spec.scaling.pdo)
        return cls.made(binned, weights, float(bank.logistic.coefficients[0]), scaling, home=spec.bank)

    def scores(self, tables: Mapping[str, Dataset]) -> npt.NDArray[np.int64]:
        """Whole points, (rows,), higher is safer; the owners' tables hold the same firms in the same order."""
        total = np.full(len(next(iter(tables.values()))), self.card.start, dtype=np.int64)
        for owner, binned in self.binned.items():
            part = Scorecard(self.card.scaling, owner, 0, tuple(f for f in self.card.known if f.owner == owner))
            total += part.points_of_bins(woe_columns(tables[owner], binned)).sum(axis=1)
        return total

    def probabilities(self, tables: Mapping[str, Dataset]) -> FloatArray:
        """Of the event, as the points tell it, (rows,)."""
        return self.card.probability(self.scores(tables))
