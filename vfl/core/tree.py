"""Leaf-wise tree growth as a pure state machine, and the tree it leaves behind.

The grower knows leaves, sums and gains; not rows, thresholds, feature names or parties. Whoever drives it adds
up histograms, partitions rows, and keeps the thresholds:

    grower = LeafwiseGrower(layouts, params, root)
    while True:
        if grower.wanted is not None:
            grower.register(blocks)              # histogram of leaf `wanted`, one block per owner
        choice = grower.choose()
        if choice is None:
            break
        ...                                      # the owner of the split cuts the rows of choice.leaf
        grower.split(left_rows, right_rows, split_id)
    tree = grower.finish()

Order, ties and stopping follow LightGBM 4.7 (``SerialTreeLearner::Train``): the leaf with the greatest gain is
split next; the left child keeps the leaf's number and the right child takes the next one; the histogram of the
child with fewer rows is wanted (the right one when equal) and its sibling's is had by subtraction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.histogram import HistogramLayout, subtract
from vfl.core.split import LeafStats, Split, SplitFinder, SplitParams
from vfl.errors import ConfigError, DataError, LocalProtocolError, Text

__all__ = ["Choice", "GrowParams", "LeafwiseGrower", "TreeStructure"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# LightGBM writes smaller outputs as zero.
_ZERO = float(np.float32(1e-35))


@dataclass(frozen=True, slots=True)
class GrowParams:
    """How far a tree grows; LightGBM's names and defaults. ``max_depth`` <= 0: no limit."""

    num_leaves: int = 31
    max_depth: int = -1
    learning_rate: float = 0.1
    split: SplitParams = field(default_factory=SplitParams)

    def __post_init__(self) -> None:
        if self.num_leaves < 2 or not self.learning_rate > 0:
            raise ConfigError(
                "TREE_PARAMETER",
                Text("num_leaves or learning_rate is too small.", "num_leaves 或 learning_rate 过小。"),
                cure=Text("Use num_leaves >= 2, learning_rate > 0.", "请令 num_leaves >= 2、learning_rate > 0。"),
            )


@dataclass(frozen=True, slots=True)
class Choice:
    """The split to make next: which leaf, whose feature (``split.feature`` counts within that owner's block)."""

    leaf: int
    owner: int
    split: Split


@dataclass(slots=True)
class _OpenLeaf:
    stats: LeafStats
    depth: int
    sums: FloatArray | None = None
    splittable: BoolArray | None = None
    split: Split | None = None


class LeafwiseGrower:
    """Grows one tree; see the module's head for the order of calls.

    Parameters
    ----------
    layouts : sequence of HistogramLayout
        One per owner. Features of equal gain: the earlier owner, then the earlier feature, wins.
    params : GrowParams
    root : LeafStats
        Sums over all rows of the tree.
    searchable : sequence of bool arrays, optional
        Per owner, the features drawn for this tree; all by default.
    """

    def __init__(
        self, layouts: Sequence[HistogramLayout], params: GrowParams, root: LeafStats, *,
        searchable: Sequence[BoolArray] | None = None,
    ) -> None:  # fmt: skip
        self._params = params
        self._layout = HistogramLayout([meta for layout in layouts for meta in layout.features])
        self._bins = [layout.total_bins for layout in layouts]
        self._first_feature = np.cumsum([0, *(layout.n_features for layout in layouts)])
        self._finder = SplitFinder(self._layout, params.split)
        drawn = np.ones(self._layout.n_features, dtype=np.bool_)
        if searchable is not None:
            drawn = np.concatenate([np.asarray(s, dtype=np.bool_) for s in searchable])
        self._leaves = [_OpenLeaf(root, depth=0, splittable=drawn)]
        self._wanted: int | None = 0 if self._may_search(0) else None
        self._sibling: int | None = None
        self._parent_sums: FloatArray | None = None
        self._choice: Choice | None = None
        self._nodes: list[_Node] = []
        # Per leaf, the parent node and the side it hangs on.
        self._hangs: list[tuple[int, bool]] = [(-1, False)]

    def __repr__(self) -> str:
        return f"<LeafwiseGrower: {self.n_leaves} leaves, wanted {self._wanted}>"

    @property
    def n_leaves(self) -> int:
        return len(self._leaves)

    @property
    def wanted(self) -> int | None:
        """The leaf whose histogram must be registered now; None when no histogram is needed."""
        return self._wanted

    def stats_of(self, leaf: int) -> LeafStats:
        return self._leaves[leaf].stats

    def depth_of(self, leaf: int) -> int:
        return self._leaves[leaf].depth

    def searchable(self, owner: int) -> BoolArray:
        """Features of ``owner`` that can still be split in the wanted leaf or its sibling; others need no sums."""
        leaf = self._leaves[self._need_wanted()]
        mask = self._mask(leaf)
        return mask[self._first_feature[owner] : self._first_feature[owner + 1]].copy()

    def register(self, blocks: Sequence[FloatArray | None]) -> None:
        """Take the wanted leaf's histogram: per owner (total bins, 2), or None where the owner sits this out.

        An owner that sat out is out for the descendants too, since their siblings could not be subtracted.
        """
        wanted = self._need_wanted()
        leaf = self._leaves[wanted]
        absent = [np.full(n, block is None) for n, block in zip(np.diff(self._first_feature), blocks, strict=True)]
        sums = np.concatenate(
            [np.zeros((n, 2)) if b is None else b for n, b in zip(self._bins, blocks, strict=True)]
        ).astype(np.float64, copy=False)
        self._layout.check(sums)
        self._layout.derive_most_frequent(sums, leaf.stats.sum_gradient, leaf.stats.sum_hessian)
        mask = self._mask(leaf) & ~np.concatenate(absent)
        self._search(wanted, sums, mask)
        if self._sibling is not None and self._parent_sums is not None:
            self._search(self._sibling, subtract(self._parent_sums, sums), mask)
        self._wanted = self._sibling = self._parent_sums = None

    def choose(self) -> Choice | None:
        """The split to make next, or None when the tree is grown."""
        if self._wanted is not None:
            raise _misuse("A histogram is wanted before the next split.", "须先登记直方图才能选择下一个分裂。")
        if self.n_leaves >= self._params.num_leaves:
            return None
        best: tuple[int, Split] | None = None
        for number, leaf in enumerate(self._leaves):
            if leaf.split is not None and (best is None or _beats(leaf.split, best[1])):
                best = number, leaf.split
        if best is None or best[1].gain <= 0:
            return None
        number, split = best
        owner = int(np.searchsorted(self._first_feature, split.feature, side="right")) - 1
        local = replace(split, feature=split.feature - int(self._first_feature[owner]))
        self._choice = Choice(number, owner, local)
        return self._choice

    def split(self, left_rows: int, right_rows: int, split_id: int) -> None:
        """The chosen leaf has been cut into ``left_rows`` and ``right_rows``; its owner calls the cut ``split_id``."""
        if self._choice is None:
            raise _misuse("No split has been chosen.", "尚未选择分裂。")
        choice, self._choice = self._choice, None
        leaf, made = self._leaves[choice.leaf], choice.split
        if left_rows < 1 or right_rows < 1 or left_rows + right_rows != leaf.stats.count:
            raise LocalProtocolError(
                "SPLIT_ROWS",
                Text("The children of a split do not add up to its leaf.", "分裂后的子节点行数与叶节点不符。"),
                cure=Text("Cut exactly the rows of the chosen leaf.", "请恰好切分所选叶节点的行。"),
            )
        right_leaf = self.n_leaves
        node = len(self._nodes)
        self._nodes.append(_Node(choice.owner, split_id, made.gain + self._params.split.min_gain_to_split, leaf.stats))
        parent, on_right = self._hangs[choice.leaf]
        if parent >= 0:
            self._nodes[parent].attach(on_right, node)
        self._nodes[node].left, self._nodes[node].right = ~choice.leaf, ~right_leaf
        self._hangs[choice.leaf] = (node, False)
        self._hangs.append((node, True))
        mask = leaf.splittable
        left = _OpenLeaf(replace(made.left, count=left_rows), leaf.depth + 1, splittable=mask)
        right = _OpenLeaf(replace(made.right, count=right_rows), leaf.depth + 1, splittable=mask)
        self._parent_sums = leaf.sums
        self._leaves[choice.leaf] = left
        self._leaves.append(right)
        if self._may_search(choice.leaf, right_leaf):
            smaller = choice.leaf if left_rows < right_rows else right_leaf
            self._wanted = smaller
            self._sibling = right_leaf if smaller == choice.leaf else choice.leaf
        else:
            self._parent_sums = None

    def finish(self) -> TreeStructure:
        """The tree as grown so far, leaf values shrunk by the learning rate."""
        outputs = np.array([leaf.stats.output for leaf in self._leaves]) * self._params.learning_rate
        outputs[np.abs(outputs) <= _ZERO] = 0.0
        return TreeStructure(
            owner=np.array([n.owner for n in self._nodes], dtype=np.int64),
            split_id=np.array([n.split_id for n in self._nodes], dtype=np.int64),
            left=np.array([n.left for n in self._nodes], dtype=np.int64),
            right=np.array([n.right for n in self._nodes], dtype=np.int64),
            gain=np.array([n.gain for n in self._nodes], dtype=np.float64),
            cover=np.array([n.stats.count for n in self._nodes], dtype=np.int64),
            leaf_value=outputs,
            leaf_cover=np.array([leaf.stats.count for leaf in self._leaves], dtype=np.int64),
            leaf_hessian=np.array([leaf.stats.sum_hessian for leaf in self._leaves], dtype=np.float64),
        )

    def _need_wanted(self) -> int:
        if self._wanted is None:
            raise _misuse("No histogram is wanted now.", "当前不需要直方图。")
        return self._wanted

    def _mask(self, leaf: _OpenLeaf) -> BoolArray:
        return np.ones(self._layout.n_features, dtype=np.bool_) if leaf.splittable is None else leaf.splittable

    def _may_search(self, *leaves: int) -> bool:
        """LightGBM's BeforeFindBestSplit: not past the depth, and one of the leaves has rows for two children."""
        if self.n_leaves >= self._params.num_leaves:
            return False
        if 0 < self._params.max_depth <= self._leaves[leaves[0]].depth:
            return False
        least = 2 * self._params.split.min_data_in_leaf
        return any(self._leaves[leaf].stats.count >= least for leaf in leaves)

    def _search(self, number: int, sums: FloatArray, mask: BoolArray) -> None:
        leaf = self._leaves[number]
        found = self._finder.find(sums, leaf.stats, mask)
        leaf.split, leaf.splittable = found.split, found.splittable
        # A leaf that cannot be split needs its histogram no more.
        leaf.sums = sums if found.split is not None else None


@dataclass(slots=True)
class _Node:
    owner: int
    split_id: int
    gain: float
    stats: LeafStats
    left: int = 0
    right: int = 0

    def attach(self, on_right: bool, child: int) -> None:
        if on_right:
            self.right = child
        else:
            self.left = child


def _beats(split: Split, other: Split) -> bool:
    """LightGBM's SplitInfo order: gain, then the lower feature index; among equals the lower leaf stays."""
    return split.gain > other.gain or (split.gain == other.gain and split.feature < other.feature)


def _misuse(en: str, zh: str) -> LocalProtocolError:
    return LocalProtocolError(
        "GROWER_ORDER",
        Text(en, zh),
        cure=Text(
            "Call register, choose, split in the order that vfl.core.tree shows.",
            "请按 vfl.core.tree 所示顺序调用 register、choose、split。",
        ),
    )


@dataclass(frozen=True, slots=True, repr=False)
class TreeStructure:
    """One grown tree without a single threshold: each node names an owner and that owner's split id.

    Nodes are numbered in the order they were split, so a parent precedes its children. A child >= 0 is a node,
    a child < 0 is leaf ``~child``. A tree that could not be split has no node and one leaf.

    Attributes
    ----------
    owner, split_id : int64 array, (nodes,)
    left, right : int64 array, (nodes,)
    gain : float64 array, (nodes,)
    cover : int64 array, (nodes,)
        Training rows that reached the node.
    leaf_value : float64 array, (leaves,)
        Shrunk; added to the margin.
    leaf_cover : int64 array, (leaves,)
    leaf_hessian : float64 array, (leaves,)
    """

    owner: IntArray
    split_id: IntArray
    left: IntArray
    right: IntArray
    gain: FloatArray
    cover: IntArray
    leaf_value: FloatArray
    leaf_cover: IntArray
    leaf_hessian: FloatArray

    def __repr__(self) -> str:
        return f"<TreeStructure: {self.n_leaves} leaves>"  # leaf values come from labels

    @property
    def n_nodes(self) -> int:
        return self.owner.size

    @property
    def n_leaves(self) -> int:
        return self.leaf_value.size

    def leaf_of_rows(self, goes_left: Callable[[int, IntArray], BoolArray], n_rows: int) -> IntArray:
        """The leaf each row falls in.

        Parameters
        ----------
        goes_left : callable (node, rows) -> bool array, (len(rows),)
            Side of the given rows at a node; asked only for rows that reach it.
        n_rows : int

        Returns
        -------
        int64 array, (n_rows,)
        """
        leaf = np.zeros(n_rows, dtype=np.int64)
        reached: dict[int, IntArray] = {0: np.arange(n_rows, dtype=np.int64)}
        for node in range(self.n_nodes):
            rows = reached.pop(node)
            to_left = goes_left(node, rows)
            for child, those in ((int(self.left[node]), rows[to_left]), (int(self.right[node]), rows[~to_left])):
                if child >= 0:
                    reached[child] = those
                else:
                    leaf[those] = ~child
        return leaf

    def leaf_of_sides(self, sides: BoolArray) -> IntArray:
        """The leaf each row falls in, from the side bits of all splits: (nodes, rows), True = left."""
        if sides.ndim != 2 or sides.shape[0] != self.n_nodes:
            raise LocalProtocolError(
                "TREE_SIDES",
                Text("Side bits do not cover the tree's nodes.", "方向位未覆盖树的全部节点。"),
                cure=Text("Give one row of bits per node.", "请为每个节点提供一行方向位。"),
            )
        return self.leaf_of_rows(lambda node, rows: np.asarray(sides[node, rows]), sides.shape[1])

    def to_dict(self) -> dict[str, list[int] | list[float]]:
        """JSON-safe; floats survive json exactly."""
        return {name: getattr(self, name).tolist() for name in (*_INTEGERS, *_FLOATS)}

    @classmethod
    def from_dict(cls, state: Mapping[str, Sequence[int] | Sequence[float]]) -> TreeStructure:
        """Raises DataError ``TREE_STRUCTURE`` when the arrays do not form a binary tree."""
        try:
            arrays: dict[str, Any] = {name: np.array(state[name], dtype=np.int64) for name in _INTEGERS}
            arrays |= {name: np.array(state[name], dtype=np.float64) for name in _FLOATS}
            tree = cls(**arrays)
            sound = tree._is_binary()
        except (KeyError, TypeError, ValueError, OverflowError):
            sound = False
        if not sound:
            raise DataError(
                "TREE_STRUCTURE",
                Text("The arrays of a tree do not form a binary tree.", "树的数组不构成二叉树。"),
                cure=Text("Restore the model file from its owner.", "请向模型所有者重新获取模型文件。"),
            )
        return tree

    def _is_binary(self) -> bool:
        nodes = self.n_nodes
        per_node = (self.split_id, self.left, self.right, self.gain, self.cover)
        per_leaf = (self.leaf_value, self.leaf_cover, self.leaf_hessian)
        if any(a.shape != (nodes,) for a in per_node) or any(a.shape != (nodes + 1,) for a in per_leaf):
            return False
        # Each node but the root, and each leaf, is the child of exactly one earlier node.
        children = np.concatenate([self.left, self.right])
        expected = np.concatenate([np.arange(-nodes - 1, 0), np.arange(1, nodes)]) if nodes else children
        parents = np.tile(np.arange(nodes), 2)
        return np.array_equal(np.sort(children), expected) and bool(np.all((children < 0) | (children > parents)))


_INTEGERS = ("owner", "split_id", "left", "right", "cover", "leaf_cover")
_FLOATS = ("gain", "leaf_value", "leaf_hessian")
