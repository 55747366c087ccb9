"""The two tables that the demo prints: who ranks how well, and what left each domain."""

from __future__ import annotations

from vfl.cli.screen import say, table
from vfl.report.model import ReportModel
from vfl.service.folder import JobFolder

__all__ = ["print_tables"]

_MODELS = (
    ("platform_alone", "platform alone*", "平台单方*"),
    ("bank_alone", "bank alone", "银行单方"),
    ("joint", "joint", "联合"),
    ("pooled", "pooled, in the clear*", "明文合并*"),
)


def print_tables(bank: JobFolder, platform: JobFolder, measures: dict[str, dict[str, float]], seconds: float) -> None:
    """Print both tables and one line of costs."""
    table(
        ("Held-out rows", "留出样本"),
        [("model", "模型"), ("AUC", "AUC"), ("KS", "KS")],
        [
            [f"{en} / {zh}", f"{measures[key]['auc']:.4f}", f"{measures[key]['ks']:.4f}"]
            for key, en, zh in _MODELS
            if key in measures
        ],
    )
    say(
        "* only this simulation, which holds all folders, can compute these",
        "* 仅本模拟程序（同时持有各方目录）可以计算",
    )
    report = ReportModel.from_json(bank.file("report.json").read_text())
    if report.ledger is not None:
        table(
            ("What left each domain", "各方出域内容"),
            [("message", "消息"), ("kind", "类别"), ("from → to", "方向"), ("count", "条数"), ("bytes", "字节")],
            [
                [row.message, row.kind, f"{row.sender} → {row.receiver}", f"{row.count:,}", f"{row.bytes:,}"]
                for row in sorted(report.ledger.rows, key=lambda r: -r.bytes)
            ],
        )
    _print_costs(bank, platform, seconds)


def _print_costs(bank: JobFolder, platform: JobFolder, seconds: float) -> None:
    state, theirs = bank.load(), platform.load()
    facts = state.facts
    if "trees" in facts:
        trees = int(facts["trees"])
        per_tree = sum([v for k, v in state.seconds.items() if k.startswith("tree-")][:trees]) / max(1, trees)
        size, size_zh = f"{trees} trees, {per_tree:.2f} s per tree", f"{trees} 棵树，每棵 {per_tree:.2f} 秒"
    else:
        count = int(facts["features"])
        spent = sum(v for k, v in state.seconds.items() if k.startswith("logistic"))
        size = f"{count} features, {spent:.0f} s of regression"
        size_zh = f"{count} 个入模变量，逻辑回归 {spent:.0f} 秒"
    peak, other = facts["peak_mib"], theirs.facts.get("peak_mib", float("nan"))
    say(
        f"{facts['rows']} aligned rows, {size}; {seconds:.0f} s in all; peak memory bank {peak:.0f} MiB, platform "
        f"{other:.0f} MiB; model {facts['model'][:16]}",
        f"对齐样本 {facts['rows']} 行，{size_zh}；共 {seconds:.0f} 秒；"
        f"内存峰值：银行 {peak:.0f} MiB，平台 {other:.0f} MiB；模型 {facts['model'][:16]}",
    )
