"""An owner's part of a tree model: its bins and its cuts, by the opaque split ids that the structure names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.split_table import SplitRule, nan_bin_of
from vfl.data.features import BinnedFeature
from vfl.data.table import Dataset
from vfl.errors import DataError, RemoteProtocolError, Text

__all__ = ["OwnedSplits"]


class OwnedSplits:
    """Cuts of this owner's features. Security: stays with the owner.

    Parameters
    ----------
    features : sequence of BinnedFeature
        ``SplitRule.feature`` counts in these.
    """

    def __init__(self, features: Sequence[BinnedFeature], rules: Mapping[int, SplitRule] | None = None) -> None:
        self.features = tuple(features)
        self.rules = dict(rules or {})

    def __repr__(self) -> str:
        return f"<OwnedSplits: {len(self.rules)} splits>"

    def add(self, split: int, rule: SplitRule) -> None:
        """Record a cut; RemoteProtocolError ``SPLIT_TWICE`` for an id that was used before."""
        if split in self.rules:
            raise RemoteProtocolError(
                "SPLIT_TWICE",
                Text(en="a split id was used before", zh="分裂编号重复"),
                cure=Text(en="stop the job and compare versions", zh="请中止任务并核对版本"),
            )
        self.rules[split] = rule

    def sides(self, table: Dataset) -> dict[int, npt.NDArray[np.bool_]]:
        """True = left, for each split id, over all rows of ``table`` (features with the same names)."""
        bins = {
            number: self.features[number].mapper.transform(
                self.features[number].values(table), column=self.features[number].name
            )
            for number in {rule.feature for rule in self.rules.values()}
        }
        return {
            split: rule.goes_left(bins[rule.feature], nan_bin_of(self.features[rule.feature].mapper))
            for split, rule in sorted(self.rules.items())
        }

    def used(self) -> dict[str, int]:
        """How many splits each feature got."""
        out: dict[str, int] = {}
        for rule in self.rules.values():
            name = self.features[rule.feature].name
            out[name] = out.get(name, 0) + 1
        return out

    def to_dict(self) -> dict[str, Any]:
        return {
            "features": [f.to_dict() for f in self.features],
            "rules": {
                str(i): [r.feature, r.threshold_bin, list(r.left_bins), r.default_left]
                for i, r in sorted(self.rules.items())
            },
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> OwnedSplits:
        """Raises DataError ``MODEL_PART`` where the dict is not one that :meth:`to_dict` made."""
        try:
            features = [BinnedFeature.from_dict(f) for f in state["features"]]
            rules = {
                int(i): SplitRule(int(f), None if t is None else int(t), tuple(int(b) for b in bins), bool(d))
                for i, (f, t, bins, d) in state["rules"].items()
            }
            if any(not 0 <= r.feature < len(features) for r in rules.values()):
                raise ValueError("feature")
        except (KeyError, TypeError, ValueError):
            raise DataError(
                "MODEL_PART",
                Text(en="this is not a model part that this software wrote", zh="该文件不是本软件生成的模型分片"),
                cure=Text(en="restore the file from the job's folder or a backup", zh="请从任务目录或备份中恢复该文件"),
            ) from None
        return cls(features, rules)
