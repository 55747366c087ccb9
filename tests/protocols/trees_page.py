"""Writes ``docs/evidence/trees-against-lightgbm.md``: one small job's trees beside LightGBM's, node by node.

``python tests/protocols/trees_page.py > docs/evidence/trees-against-lightgbm.md``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.jobs import Shape, played
from support.pooled import Node, federated_leaves, federated_nodes, pooled_nodes, pooled_of

__all__ = ["render"]

SHAPE = Shape(platforms=2, trees=3, leaves=6)


def _cut(node: Node) -> str:
    if isinstance(node.cut, frozenset):
        return "in {" + ", ".join(map(str, sorted(node.cut))) + "}"
    missing = "left" if node.default_left else "right"
    return f"≤ {node.cut:.10g}, missing {missing}"


def _child(number: int) -> str:
    return f"node {number}" if number >= 0 else f"leaf {~number}"


def _tree(tree: int) -> Iterator[str]:
    job, oracle = played(SHAPE), pooled_of(SHAPE)
    ours, our_leaves = federated_nodes(job, tree)
    theirs, their_leaves = pooled_nodes(oracle, tree)
    yield f"### Tree {tree + 1} 第 {tree + 1} 棵树\n"
    yield "| Node 节点 | Feature 特征 | Cut, federated 联邦 | Cut, LightGBM | Rows 行数 | Left 左 | Right 右 |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        both = a.column if a.shape == b.shape else f"{a.column} / {b.column}"
        yield f"| {number} | `{both}` | {_cut(a)} | {_cut(b)} | {a.rows} | {_child(a.left)} | {_child(a.right)} |"
    yield "\n| Leaf 叶 | Value, federated 联邦 | Value, LightGBM | Difference 差 |"
    yield "| --- | --- | --- | --- |"
    for number, (x, y) in enumerate(zip(our_leaves.tolist(), their_leaves.tolist(), strict=True)):
        gap = "< 1e-11" if abs(x - y) < 1e-11 else f"{x - y:.1e}"
        yield f"| {number} | {x:.10f} | {y:.10f} | {gap} |"
    yield ""


def render() -> str:
    job, oracle = played(SHAPE), pooled_of(SHAPE)
    train, test = job.bank.work.parts[0], job.bank.work.parts[2]
    leaves = oracle.booster.predict(oracle.values[train], pred_leaf=True)
    same = sum(int((federated_leaves(job, t)[train] == leaves[:, t]).sum()) for t in range(SHAPE.trees))
    ours = 1.0 / (1.0 + np.exp(-job.bank.trees.best_margins[test]))
    close = int((np.abs(ours - oracle.booster.predict(oracle.values[test])) < 1e-9).sum())
    trees = "\n".join(line for tree in range(SHAPE.trees) for line in _tree(tree))
    return f"""# Federated trees beside LightGBM's 联邦提升树与 LightGBM 逐节点对照

Made by `python tests/protocols/trees_page.py > docs/evidence/trees-against-lightgbm.md`; a test keeps it so.
本页由上述命令生成，请勿手工修改。

A bank and two platforms ({train.stop} training rows, made-up firms, test keys of 512 bits) grow
{SHAPE.trees} trees of {SHAPE.leaves} leaves together; LightGBM grows them on the pooled table with equal parameters.
Only a test may pool: the bank never sees a platform's column or threshold. Columns are named here from all three
model parts.
一家银行与两个平台（训练样本 {train.stop} 行，合成数据）共同训练 {SHAPE.trees} 棵树；
LightGBM 以相同参数在合并表上训练。仅测试程序可合并数据。

- Training rows in the same leaf 训练样本落入相同叶节点: {same} of {leaves.size}.
- Held-out probabilities within 1e-9 of LightGBM's 留出样本概率相差不超过 1e-9: {close} of {ours.size}.
- Leaf values hold the start score in the first tree, as LightGBM writes them. 首棵树的叶值含初始分。

Where no training row of a leaf lies between two cuts, or none is missing, several cuts part its rows alike: an exact
tie, which fixed-point sums decide by order and LightGBM's by rounding residues. Such cuts may differ, leaves do not.
若叶节点在两个切点之间没有训练样本（或没有缺失值），多个切点等价：此时切点可能不同，但叶节点与取值相同。

{trees}"""


if __name__ == "__main__":
    print(render(), end="")
