"""The bank scores a batch: its own sides, the platforms' sides, leaf values; a fallback where sides are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.tree import TreeStructure
from vfl.data.owned_splits import OwnedSplits
from vfl.data.table import Dataset
from vfl.errors import DataError, RemoteProtocolError, Text
from vfl.protocols.messages.scoring import CHUNK_FIRMS, ScoreQuery, ScoreSides
from vfl.protocols.scoring import BankScoring
from vfl.wire.carriers import disclose

__all__ = ["BankScoringSteps", "TreeModel", "route"]

Bits = npt.NDArray[np.bool_]


class TreeModel:
    """The bank's part of a model of boosted trees.

    Parameters
    ----------
    owners : sequence of str
        Party by the owner number of the structures; the bank is number 0.
    """

    def __init__(
        self, base_margin: float, trees: Sequence[TreeStructure], splits: OwnedSplits, owners: Sequence[str]
    ) -> None:
        self.base_margin = base_margin
        self.trees = tuple(trees)
        self.splits = splits
        self.owners = tuple(owners)

    def splits_of(self, party: str) -> list[int]:
        """Rising ids of one party's splits."""
        owner = self.owners.index(party)
        return sorted({int(i) for t in self.trees for i, o in zip(t.split_id, t.owner, strict=True) if o == owner})

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe. Security: holds the bank's thresholds; stays at the bank."""
        return {
            "owners": list(self.owners),
            "base_margin": self.base_margin,
            "trees": [t.to_dict() for t in self.trees],
            "splits": self.splits.to_dict(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> TreeModel:
        """DataError ``MODEL_PART``, ``TREE_STRUCTURE`` where the dict is not one that :meth:`to_dict` made."""
        try:
            trees = [TreeStructure.from_dict(t) for t in state["trees"]]
            owners = [str(o) for o in state["owners"]]
            return cls(float(state["base_margin"]), trees, OwnedSplits.from_dict(state["splits"]), owners)
        except (KeyError, TypeError, ValueError):
            raise DataError(
                "MODEL_PART",
                Text(en="this is not a model part that this software wrote", zh="该文件不是本软件生成的模型分片"),
                cure=Text(en="restore the file from the job's folder or a backup", zh="请从任务目录或备份中恢复该文件"),
            ) from None


def route(model: TreeModel, sides: Mapping[int, Bits], rows: int) -> npt.NDArray[np.float64]:
    """Margins of ``rows`` firms from the side bits of every split."""
    margin = np.full(rows, model.base_margin)
    for tree in model.trees:
        bits = np.array([sides[int(i)] for i in tree.split_id], dtype=np.bool_).reshape(tree.n_nodes, rows)
        margin += tree.leaf_value[tree.leaf_of_sides(bits)]
    return margin


class BankScoringSteps(BankScoring):
    """Scores the rows of ``data``; ``fallback`` is a model of the bank's own columns."""

    def __init__(
        self, data: Dataset, model: TreeModel, fallback: TreeModel | None
    ) -> None:
        self._data = data
        self._model = model
        self._fallback = fallback
        self._known: dict[str, list[Bits]] = {}
        self._left: dict[str, list[Bits]] = {}
        self.margins: npt.NDArray[np.float64] = np.zeros(0)
        self.joint: Bits = np.zeros(0, dtype=np.bool_)
        """Rows that every platform answered for."""

    def queries(self, platform: str) -> Iterator[ScoreQuery]:
        for start in range(0, len(self._data.ids), CHUNK_FIRMS):
            firms = tuple(self._data.ids[start : start + CHUNK_FIRMS])
            why = "the platform must know whom to look up, and for which splits"
            yield ScoreQuery(disclose(firms, reason=why), disclose(tuple(self._model.splits_of(platform)), reason=why))

    def take_sides(self, chunk: ScoreSides, platform: str) -> None:
        known = chunk.known.value
        answered, splits = int(known.sum()), len(self._model.splits_of(platform))
        taken = sum(len(k) for k in self._known.get(platform, []))
        expected = min(CHUNK_FIRMS, len(self._data.ids) - taken)
        if len(known) != expected or len(chunk.left.value) != answered * splits:
            raise RemoteProtocolError(
                "SCORE_SIDES_COUNT",
                Text(en=f"{platform} answered for another number of firms or splits than asked",
                     zh=f"{platform} 应答的企业数或分裂数与查询不符"),
                cure=Text(en="both sides must hold the model of the same job", zh="双方须持有同一任务的模型"),
            )
        self._known.setdefault(platform, []).append(known)
        self._left.setdefault(platform, []).append(chunk.left.value.reshape(answered, splits))

    def score(self) -> None:
        rows = len(self._data.ids)
        self.joint = np.ones(rows, dtype=np.bool_)
        sides = dict(self._model.splits.sides(self._data))
        for platform in self._model.owners[1:]:
            ids = self._model.splits_of(platform)
            known = np.concatenate(self._known[platform])
            left = np.concatenate(self._left[platform])
            self.joint &= known
            for column, split in enumerate(ids):
                bits = np.zeros(rows, dtype=np.bool_)
                bits[known] = left[:, column]
                sides[split] = bits
        self.margins = np.full(rows, np.nan)
        self.margins[self.joint] = route(self._model, sides, rows)[self.joint]
        if self._fallback is not None and not self.joint.all():
            alone = route(self._fallback, self._fallback.splits.sides(self._data), rows)
            self.margins[~self.joint] = alone[~self.joint]
