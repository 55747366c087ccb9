"""LightGBM on the pooled table of a small job: what the federated trees must equal.

Only a test may pool: it holds all parties' rows. The pooled columns come in the owners' order, the bank's first, and
within an owner in the order in which its features entered the job (a platform shuffles them: ties go by that order).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from support.jobs import BANK, Job, Shape, played
from vfl.core.split_table import SplitRule
from vfl.data.features import BinnedFeature, category_numbers

__all__ = ["Node", "Pooled", "federated_leaves", "federated_nodes", "pooled", "pooled_nodes", "pooled_of"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Node:
    """A split in both parties' common words. ``cut``: threshold, or the category numbers that go left."""

    column: str
    cut: float | frozenset[int]
    default_left: bool | None
    rows: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[str, int, int, int]:
        """All but the cut."""
        return self.column, self.rows, self.left, self.right


@dataclass(frozen=True, slots=True, repr=False)
class Pooled:
    """The pooled table in the common order, and LightGBM's model of its training rows."""

    values: Floats
    labels: Floats
    names: list[str]
    booster: lightgbm.Booster


@functools.cache
def pooled_of(shape: Shape) -> Pooled:
    """Of a shared job."""
    return pooled(played(shape))


def pooled(job: Job) -> Pooled:
    """Train LightGBM with the job's parameters on the pooled training rows."""
    spec, parts = job.spec.trees, job.bank.work.parts
    blocks, names, categorical = [], [], []
    for party, features, table in _owners(job):
        numbers, kinds = category_numbers(table)
        column_of = {f.name: i for i, f in enumerate(table.features)}
        for feature in features:
            if column_of[feature.name] in kinds:
                categorical.append(len(names))
            names.append(f"{party}/{feature.name}")
            blocks.append(numbers[:, column_of[feature.name]])
    values, labels = np.stack(blocks, axis=1), job.bank.work.labels().astype(np.float64)
    settings: dict[str, Any] = {
        "objective": "binary", "num_leaves": spec.num_leaves, "learning_rate": spec.learning_rate,
        "max_bin": spec.max_bin, "min_data_in_bin": spec.min_data_in_bin, "min_data_in_leaf": spec.min_data_in_leaf,
        "lambda_l1": spec.lambda_l1, "lambda_l2": spec.lambda_l2, "max_depth": spec.max_depth,
        "scale_pos_weight": spec.scale_pos_weight, "min_gain_to_split": spec.min_gain_to_split,
        "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbose": -1, "metric": "binary_logloss",
    }  # fmt: skip
    train = lightgbm.Dataset(values[parts[0]], labels[parts[0]], categorical_feature=categorical, params=settings)
    valid = lightgbm.Dataset(values[parts[1]], labels[parts[1]], reference=train)
    rounds = spec.early_stopping_rounds
    stop = [lightgbm.early_stopping(rounds, verbose=False)] if rounds else []
    booster = lightgbm.train(settings, train, spec.trees, valid_sets=[valid] if rounds else None, callbacks=stop)
    return Pooled(values, labels, names, booster)


def _owners(job: Job) -> Iterator[tuple[str, tuple[BinnedFeature, ...], Any]]:
    yield BANK, job.bank.trees.splits.features, job.bank.work.data.take(job.bank.work.alignment.rows)
    for name, platform in job.platforms.items():
        yield name, platform.trees.splits.features, platform.work.data.take(platform.work.table_rows)


def pooled_nodes(p: Pooled, tree: int) -> tuple[list[Node], Floats]:
    """Nodes of LightGBM's tree by split number, and its leaf values (the first tree holds the start score)."""
    nodes: dict[int, Node] = {}
    leaves: dict[int, float] = {}

    def walk(node: dict[str, Any]) -> int:
        if "split_index" not in node:
            number = int(node.get("leaf_index", 0))
            leaves[number] = node["leaf_value"]
            return ~number
        left, right = walk(node["left_child"]), walk(node["right_child"])
        categorical = node["decision_type"] == "=="
        cut = frozenset(map(int, node["threshold"].split("||"))) if categorical else float(node["threshold"])
        default = None if categorical else bool(node["default_left"])
        name = p.names[node["split_feature"]]
        nodes[node["split_index"]] = Node(name, cut, default, node["internal_count"], left, right)
        return int(node["split_index"])

    walk(p.booster.dump_model()["tree_info"][tree]["tree_structure"])
    return [nodes[i] for i in range(len(nodes))], np.array([leaves[i] for i in range(len(leaves))])


def federated_nodes(job: Job, tree: int) -> tuple[list[Node], Floats]:
    """The same of the job's tree: structure from the bank, cuts from their owners' model parts."""
    grown = job.bank.trees.trees[tree]
    owners = [(BANK, job.bank.trees.splits), *((n, p.trees.splits) for n, p in job.platforms.items())]
    out = []
    for node in range(grown.n_nodes):
        party, splits = owners[int(grown.owner[node])]
        rule = splits.rules[int(grown.split_id[node])]
        out.append(_node(party, splits.features[rule.feature], rule, grown, node))
    start = job.bank.trees.base_margin if tree == 0 else 0.0
    return out, grown.leaf_value + start


def federated_leaves(job: Job, tree: int) -> npt.NDArray[np.int64]:
    """Leaf of each aligned row, from the sides that the owners' cuts give."""
    sides: dict[int, npt.NDArray[np.bool_]] = {}
    for party, _, table in _owners(job):
        splits = job.bank.trees.splits if party == BANK else job.platforms[party].trees.splits
        sides |= splits.sides(table)
    grown, rows = job.bank.trees.trees[tree], len(job.bank.trees.margins)
    bits = np.array([sides[int(i)] for i in grown.split_id], dtype=np.bool_).reshape(grown.n_nodes, rows)
    return grown.leaf_of_sides(bits)


def _node(party: str, feature: BinnedFeature, rule: SplitRule, grown: Any, node: int) -> Node:
    mapper = feature.mapper
    where = (int(grown.cover[node]), int(grown.left[node]), int(grown.right[node]))
    if rule.threshold_bin is None:
        levels = frozenset(int(mapper.categories[b]) for b in rule.left_bins)
        return Node(f"{party}/{feature.name}", levels, None, *where)
    cut = min(float(mapper.upper_bounds[rule.threshold_bin]), 1e300)  # LightGBM writes infinity so
    return Node(f"{party}/{feature.name}", cut, rule.default_left, *where)
