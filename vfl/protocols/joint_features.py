"""What the bank knows of all features after binning: its own by name, the platforms' by place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.config.binning import BinningSpec
from vfl.core.binning import BinCounts, Merge
from vfl.core.selection import (
    Reason,
    Removal,
    by_correlation,
    by_iv,
    by_vif,
    correlation_from_sums,
    keep,
    variance_inflation,
)
from vfl.data.schema import Choice, FeatureSpec

__all__ = [
    "JointFeature",
    "OwnChoice",
    "Screening",
    "candidates",
    "joint_correlation",
    "screen",
]

Floats = npt.NDArray[np.float64]


class OwnChoice(IntEnum):
    """What an owner says of a binned feature of its own before the rules are asked."""

    BY_RULE = 0
    UNSTABLE = 1
    """Its bins shifted between training and later rows: it goes."""
    KEEP = 2
    """It stays, whatever the rules say."""

    @classmethod
    def of(cls, feature: FeatureSpec, shift: float, spec: BinningSpec) -> OwnChoice:
        """The owner's word on its ``feature`` with this largest stability index."""
        if feature.choice is Choice.KEEP:
            return cls.KEEP
        return cls.UNSTABLE if shift > spec.max_shift else cls.BY_RULE


@dataclass(frozen=True, slots=True, repr=False)
class JointFeature:
    """One feature: its owner, its place among the owner's, and the counts of its pre-bins.

    Attributes
    ----------
    index : int
        From 0; for a platform in the shuffled order that only it can undo.
    name : str or None
        The bank's own features only.
    choice : OwnChoice
        Its owner's word on it.
    shift : float
        Largest stability index of its bins; NaN where their owner keeps it.
    """

    owner: str
    index: int
    name: str | None
    counts: BinCounts
    merge: Merge
    choice: OwnChoice = OwnChoice.BY_RULE
    shift: float = np.nan

    def __repr__(self) -> str:
        return f"<JointFeature {self.label}>"

    @property
    def label(self) -> str:
        """The name, or ``platform-a #3``: as reports write it."""
        return self.name if self.name is not None else f"{self.owner} #{self.index + 1}"

    @property
    def bins(self) -> BinCounts:
        """Rows and events of the merged bins."""
        return self.counts.joined(self.merge.groups)

    def to_dict(self) -> dict[str, Any]:
        return {
            "owner": self.owner, "index": self.index, "name": self.name, "rows": self.counts.rows.tolist(),
            "events": self.counts.events.tolist(), "apart": self.counts.apart, "ordered": self.counts.ordered,
            "merge": self.merge.to_dict(), "choice": self.choice.value,
            "shift": self.shift,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> JointFeature:
        rows, events = (np.array(state[key], dtype=np.int64) for key in ("rows", "events"))
        counts = BinCounts(rows, events, state["apart"], state["ordered"])
        merge, choice = Merge.from_dict(state["merge"]), OwnChoice(state["choice"])
        return cls(state["owner"], state["index"], state["name"], counts, merge, choice, state["shift"])


@dataclass(frozen=True, slots=True)
class Screening:
    """The outcome of the selection over all owners.

    Attributes
    ----------
    kept : tuple of int
        Positions of the features that stay.
    removed : tuple of Removal
        Why the others went; ``feature`` and ``other`` are positions too.
    vif : tuple of float
        Variance inflation of the kept ones among themselves.
    """

    kept: tuple[int, ...]
    removed: tuple[Removal, ...]
    vif: tuple[float, ...]


def candidates(features: Sequence[JointFeature], spec: BinningSpec) -> tuple[list[int], list[Removal]]:
    """Positions of stable features with an IV within the job's bounds or kept by their owner; and why others go."""
    iv = np.array([f.merge.iv for f in features])
    by_choice: dict[OwnChoice, list[int]] = {choice: [] for choice in OwnChoice}
    for position, feature in enumerate(features):
        by_choice[feature.choice].append(position)
    removed = [Removal(f, Reason.STABILITY, features[f].shift, spec.max_shift) for f in by_choice[OwnChoice.UNSTABLE]]
    removed += by_iv(iv, by_choice[OwnChoice.BY_RULE], low=spec.min_iv, high=spec.max_iv)
    return keep(range(len(features)), removed)


def screen(
    features: Sequence[JointFeature], chosen: Sequence[int], matrix: Floats, spec: BinningSpec
) -> Screening:
    """Select among ``chosen`` by the correlation ``matrix``, shape (features, features), NaN where unknown."""
    iv = np.array([f.merge.iv for f in features])
    forced = {position for position, f in enumerate(features) if f.choice is OwnChoice.KEEP}
    kept, removed = keep(chosen, by_correlation(matrix, iv, chosen, limit=spec.max_correlation, forced=forced))
    kept, inflated = keep(kept, by_vif(matrix, kept, limit=spec.max_vif, forced=forced))
    vif = variance_inflation(matrix[np.ix_(kept, kept)])
    return Screening(tuple(kept), tuple(removed + inflated), tuple(vif.tolist()))


def joint_correlation(
    features: Sequence[JointFeature], chosen: Sequence[int], products: Floats, within: Mapping[str, Floats],
    rows: int,
) -> Floats:
    """Correlations of all features, shape (features, features); NaN outside ``chosen`` and where nobody knows.

    Parameters
    ----------
    products : float64 array, shape (features, features)
        Sums of products of WOE columns, NaN where unknown.
    within : mapping of owner to float64 array
        Correlations told by an owner, among its chosen features.
    """
    moments = [(f.bins.rows, np.array(f.merge.woe)) for f in features]
    sums = np.array([float(count @ woe) for count, woe in moments])
    whole = products.copy()
    np.fill_diagonal(whole, [float(count @ woe**2) for count, woe in moments])
    matrix = correlation_from_sums(whole, sums, rows)
    for owner, told in within.items():
        own = [i for i in chosen if features[i].owner == owner]
        matrix[np.ix_(own, own)] = told
    outside = np.setdiff1d(np.arange(len(features)), np.asarray(chosen, dtype=np.int64))
    matrix[outside, :] = np.nan
    matrix[:, outside] = np.nan
    return matrix
