"""LightGBM as the oracle: train it on the same table and compare trees node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from vfl.core.boosting import BoostParams, LocalModel, train_local

__all__ = ["assert_same_trees", "both", "train_lightgbm"]

FloatArray = npt.NDArray[np.float64]


def train_lightgbm(
    values: FloatArray, label: FloatArray, n_trees: int, *, categorical: Sequence[int] = (),
    weight: FloatArray | None = None, **params: Any,
) -> lightgbm.Booster:  # fmt: skip
    settings = {
        "objective": "binary", "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbose": -1,
    } | params  # fmt: skip
    data = lightgbm.Dataset(
        values, label, weight=weight, categorical_feature=list(categorical), params=settings, free_raw_data=False
    )
    return lightgbm.train(settings, data, n_trees)


def both(
    values: FloatArray, label: FloatArray, params: BoostParams, *, categorical: Sequence[int] = (),
    weight: FloatArray | None = None, **lightgbm_params: Any,
) -> tuple[LocalModel, lightgbm.Booster]:  # fmt: skip
    """Both models; what differs from the defaults is given to each in its own words."""
    theirs = train_lightgbm(
        values, label, params.n_trees, categorical=categorical, weight=weight, **lightgbm_params
    )
    return train_local(values, label, params, categorical=categorical, weight=weight), theirs


def assert_same_trees(ours: LocalModel, theirs: lightgbm.Booster, tolerance: float = 1e-9) -> None:
    """Equal structure, features, thresholds, default sides and category sets; leaf values to ``tolerance``."""
    infos = theirs.dump_model()["tree_info"]
    assert len(ours.trees) == len(infos)
    for number, (tree, info) in enumerate(zip(ours.trees, infos, strict=True)):
        nodes: dict[int, dict[str, Any]] = {}
        leaves: dict[int, dict[str, Any]] = {}
        _collect(info["tree_structure"], nodes, leaves)
        assert len(nodes) == tree.n_nodes, f"tree {number}"
        for node, told in nodes.items():
            where = f"tree {number}, node {node}"
            rule = ours.splits[int(tree.split_id[node])]
            mapper = ours.mappers[rule.feature]
            assert told["split_feature"] == rule.feature, where
            if rule.threshold_bin is None:
                category_set = {int(mapper.categories[b]) for b in rule.left_bins}
                assert {int(c) for c in str(told["threshold"]).split("||")} == category_set, where
            else:
                # LightGBM writes an infinite threshold as 1e300.
                assert told["threshold"] == min(float(mapper.upper_bounds[rule.threshold_bin]), 1e300), where
                assert told["default_left"] == rule.default_left, where
            assert told["internal_count"] == tree.cover[node], where
            np.testing.assert_allclose(told["split_gain"], tree.gain[node], rtol=1e-5, err_msg=where)
            for side, child in (("left_child", tree.left[node]), ("right_child", tree.right[node])):
                assert _number(told[side]) == child, where
        values = np.array([leaves[leaf]["leaf_value"] for leaf in range(tree.n_leaves)])
        bias = ours.start if number == 0 else 0.0
        np.testing.assert_allclose(tree.leaf_value + bias, values, rtol=tolerance, atol=1e-15)


def _number(node: dict[str, Any]) -> int:
    return int(node["split_index"]) if "split_index" in node else ~int(node["leaf_index"])


def _collect(
    node: dict[str, Any], nodes: dict[int, dict[str, Any]], leaves: dict[int, dict[str, Any]]
) -> None:
    if "split_index" in node:
        nodes[node["split_index"]] = node
        _collect(node["left_child"], nodes, leaves)
        _collect(node["right_child"], nodes, leaves)
    else:
        leaves[node["leaf_index"]] = node
