"""What a split's owner keeps to itself: which feature, which bins go left, where missing values go.

The tree names a split by its position in this table (:class:`vfl.core.tree.TreeStructure`), which tells another
party nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vfl.core.lgbm_bins import BinMapper
from vfl.core.split import Split
from vfl.core.tree import TreeStructure
from vfl.errors import DataError, Text

__all__ = ["SplitRule", "SplitTable", "importance", "nan_bin_of"]

BoolArray = npt.NDArray[np.bool_]
Importance = Literal["gain", "split"]


@dataclass(frozen=True, slots=True)
class SplitRule:
    """One cut of one feature of the owner: numeric by ``threshold_bin``, categorical by ``left_bins``."""

    feature: int
    threshold_bin: int | None
    left_bins: tuple[int, ...]
    default_left: bool

    @classmethod
    def of(cls, split: Split, feature: int | None = None) -> SplitRule:
        """The rule a :class:`Split` states; ``feature`` where the split's was an anonymous number."""
        number = split.feature if feature is None else feature
        return cls(number, split.threshold_bin, split.left_bins, split.default_left)

    def goes_left(self, bins: npt.NDArray[np.integer[Any]], nan_bin: int | None) -> BoolArray:
        """Side of each row from its bin of ``feature``; ``nan_bin`` is the bin of missing values, if any."""
        if self.threshold_bin is None:
            return np.isin(bins, self.left_bins)
        left = bins <= self.threshold_bin
        if nan_bin is not None:
            left[bins == nan_bin] = self.default_left
        return left


class SplitTable:
    """An owner's splits, numbered from 0 in the order they were made.

    Security: with the bins' cut points this is the owner's share of the model; it stays with the owner.
    """

    __slots__ = ("_rules",)

    def __init__(self, rules: Sequence[SplitRule] = ()) -> None:
        self._rules = list(rules)

    def __repr__(self) -> str:
        return f"<SplitTable: {len(self._rules)} splits>"  # rules are the owner's secret

    def __len__(self) -> int:
        return len(self._rules)

    def __getitem__(self, split_id: int) -> SplitRule:
        if not 0 <= split_id < len(self._rules):
            raise DataError(
                "SPLIT_UNKNOWN",
                Text("A split id is not in this owner's table.", "该分裂编号不在本方的分裂表中。"),
                cure=Text(
                    "Use the structure and the split tables of one model version.",
                    "请使用同一模型版本的树结构与分裂表。",
                ),
            )
        return self._rules[split_id]

    def add(self, rule: SplitRule) -> int:
        """Append and return the split id."""
        self._rules.append(rule)
        return len(self._rules) - 1

    def goes_left(
        self, split_id: int, mappers: Sequence[BinMapper], values: npt.NDArray[np.float64]
    ) -> BoolArray:
        """Side of each row of raw ``values`` (rows, features of the owner)."""
        rule = self[split_id]
        mapper = mappers[rule.feature]
        return rule.goes_left(mapper.transform(values[:, rule.feature]), nan_bin_of(mapper))

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe."""
        return {"rules": [asdict(rule) for rule in self._rules]}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> SplitTable:
        """Raises DataError ``SPLIT_TABLE`` where the dict is not one that :meth:`to_dict` made."""
        try:
            return cls([_rule(**entry) for entry in state["rules"]])
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                "SPLIT_TABLE",
                Text("A stored split table cannot be read.", "无法读取已保存的分裂表。"),
                cure=Text("Restore the model file.", "请恢复模型文件。"),
            ) from error


def importance(
    trees: Sequence[TreeStructure], owner: int, splits: SplitTable, n_features: int, *, kind: Importance
) -> npt.NDArray[np.float64]:
    """LightGBM's feature importance for one owner's features, (n_features,).

    ``"gain"``: total gain of the feature's splits; ``"split"``: how many there are.
    """
    total = np.zeros(n_features)
    for tree in trees:
        own = np.flatnonzero(tree.owner == owner)
        features = [splits[int(split_id)].feature for split_id in tree.split_id[own]]
        np.add.at(total, features, tree.gain[own] if kind == "gain" else 1.0)
    return total


def nan_bin_of(mapper: BinMapper) -> int | None:
    """The bin of missing values of a fitted feature, None where it has none."""
    return mapper.n_bins - 1 if mapper.has_nan_bin else None


def _rule(feature: int, threshold_bin: int | None, left_bins: Sequence[int], default_left: bool) -> SplitRule:
    threshold = None if threshold_bin is None else int(threshold_bin)
    return SplitRule(int(feature), threshold, tuple(int(b) for b in left_bins), bool(default_left))
