"""Federated trees are LightGBM's trees on the pooled table: same splits, same thresholds, same leaf values.

One exception, which the tests pin down: where a leaf has no training row between two cuts, or none with a missing
value, several cuts part its rows alike. Sums in fixed point see an exact tie and take the first; LightGBM's
floating-point sums hold rounding residues of some 1e-17 there, which decide. All training rows then still reach the
same leaves.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.jobs import BANK, Shape, played
from support.pooled import federated_leaves, federated_nodes, pooled_nodes, pooled_of
from trees_page import render

SHAPES = [
    Shape(trees=6, leaves=8),
    Shape(platforms=2, trees=6, leaves=8),
    Shape(platforms=3, trees=4, leaves=6),
    Shape(bank_features=False, trees=6, leaves=8),
    Shape(trees=4, leaves=6, extra="lambda_l2 = 2.0\nlambda_l1 = 0.5\nscale_pos_weight = 3.0\nmax_depth = 3\n"),
    Shape(trees=3, leaves=8, seed=11, extra="learning_rate = 0.3\nmin_gain_to_split = 0.5\n"),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_structure_thresholds_and_leaf_values(shape: Shape) -> None:
    job = played(shape)
    oracle = pooled_of(shape)
    assert len(job.bank.trees.trees) == oracle.booster.num_trees()
    for tree in range(len(job.bank.trees.trees)):
        ours, our_leaves = federated_nodes(job, tree)
        theirs, their_leaves = pooled_nodes(oracle, tree)
        assert [n.shape for n in ours] == [n.shape for n in theirs], f"tree {tree}"
        np.testing.assert_allclose(our_leaves, their_leaves, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_training_rows_reach_the_same_leaves(shape: Shape) -> None:
    job = played(shape)
    oracle, train = pooled_of(shape), job.bank.work.parts[0]
    theirs = oracle.booster.predict(oracle.values[train], pred_leaf=True)
    for tree in range(len(job.bank.trees.trees)):
        np.testing.assert_array_equal(federated_leaves(job, tree)[train], theirs[:, tree])


def test_cuts_are_equal_but_for_ties_of_the_training_rows() -> None:
    """Of all nodes, at most one in fifty; with equal leaves (above) such a cut parts the training rows alike."""
    nodes = ties = 0
    for shape in SHAPES:
        job = played(shape)
        oracle = pooled_of(shape)
        for tree in range(len(job.bank.trees.trees)):
            ours, theirs = federated_nodes(job, tree)[0], pooled_nodes(oracle, tree)[0]
            nodes += len(ours)
            ties += sum(a != b for a, b in zip(ours, theirs, strict=True))
    assert nodes > 150
    assert ties <= nodes // 50


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_probabilities_of_rows_that_were_not_trained_on(shape: Shape) -> None:
    job = played(shape)
    oracle = pooled_of(shape)
    test = job.bank.work.parts[2]
    ours = 1.0 / (1.0 + np.exp(-job.bank.trees.best_margins[test]))
    differs = np.abs(ours - oracle.booster.predict(oracle.values[test])) > 1e-9
    tied = any(
        a != b
        for tree in range(len(job.bank.trees.trees))
        for a, b in zip(federated_nodes(job, tree)[0], pooled_nodes(oracle, tree)[0], strict=True)
    )
    assert differs.mean() <= (0.01 if tied else 0.0)


def test_the_examples_pass_every_kind_of_split() -> None:
    """Numeric and categorical, missing to either side, of the bank and of each platform."""
    nodes = [n for shape in SHAPES for t in range(shape.trees) for n in federated_nodes(played(shape), t)[0]]
    owners = {n.column.partition("/")[0] for n in nodes}
    assert owners >= {BANK, "platform-a", "platform-b"}
    assert {type(n.cut) for n in nodes} == {float, frozenset}
    assert {n.default_left for n in nodes} == {True, False, None}
    tables = [p.work.data for p in played(SHAPES[0]).platforms.values()]
    assert any(np.isnan(t.numeric(f.name)).any() for t in tables for f in t.features if f.kind.value == "numeric")


def test_early_stopping_keeps_the_trees_that_lightgbm_keeps() -> None:
    shape = Shape(trees=40, leaves=8, extra="early_stopping_rounds = 3\nlearning_rate = 0.4\n")
    job = played(shape)
    oracle = pooled_of(shape)
    assert job.bank.trees.best_trees == oracle.booster.best_iteration < 40
    assert len(job.bank.trees.trees) == job.bank.trees.best_trees + 3
    test = job.bank.work.parts[2]
    ours = 1.0 / (1.0 + np.exp(-job.bank.trees.best_margins[test]))
    assert (np.abs(ours - oracle.booster.predict(oracle.values[test])) > 1e-9).mean() <= 0.01


def test_page_is_fresh() -> None:
    """Make it anew with ``python tests/protocols/trees_page.py > docs/evidence/trees-against-lightgbm.md``."""
    page = Path(__file__).parents[2] / "docs" / "evidence" / "trees-against-lightgbm.md"
    assert page.read_text(encoding="utf-8") == render()


def test_the_comparison_notices_another_tree() -> None:
    """The oracle of another job's parameters differs."""
    ours, _ = federated_nodes(played(SHAPES[0]), 0)
    theirs, _ = pooled_nodes(pooled_of(SHAPES[4]), 0)
    assert ours != theirs
