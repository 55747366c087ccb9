"""``vfl sim``: a whole training job in this process, on tables that one person may hold."""

from __future__ import annotations

from pathlib import Path

import click

from vfl.cli.bilingual import Command
from vfl.cli.screen import say, table
from vfl.config.job import JobSpec
from vfl.errors import ConfigError, Text
from vfl.lab import JointModel, Result, Simulation

__all__ = ["sim"]

_FILE = click.Path(path_type=Path)


@click.command(cls=Command, help="A whole job in this process, on tables you hold / 在本进程内模拟完整任务")
@click.argument("job", type=_FILE)
@click.option("--bank-views", type=_FILE, required=True, help="the bank's views.toml / 银行视图文件")
@click.option(
    "--platform-views", multiple=True, required=True, metavar="NAME=FILE", help="once per platform / 每个平台一次"
)
@click.option("--report", type=_FILE, help="write the report here / 报告输出路径")
def sim(job: Path, bank_views: Path, platform_views: tuple[str, ...], report: Path | None) -> None:
    spec = JobSpec.read(job)
    views = dict(_named(given) for given in platform_views)
    result = Simulation(bank_views, views, bank=spec.bank).run(spec)
    _print(result)
    if report is not None:
        result.report(report)
        say(f"Report: {report}", f"报告：{report}")


def _named(given: str) -> tuple[str, Path]:
    name, mark, path = given.partition("=")
    if not (name and mark and path):
        raise ConfigError(
            "SIM_VIEWS",
            Text(en="--platform-views wants NAME=FILE", zh="--platform-views 的格式为 名称=文件"),
            cure=Text(
                en="write --platform-views platform-a=platform/views.toml",
                zh="例如 --platform-views platform-a=platform/views.toml",
            ),
        )
    return name, Path(path)


def _print(result: Result) -> None:
    models = {"joint": "joint / 联合", "bank_alone": "bank alone / 银行单方"}
    rows = [[models[name], f"{m['auc']:.4f}", f"{m['ks']:.4f}"] for name, m in result.measures.items()]
    table(("On the test rows", "测试集表现"), [("model", "模型"), ("AUC", "AUC"), ("KS", "KS")], rows)
    left = [
        [r.message, f"{r.sender} → {r.receiver}", f"{r.messages:,}", f"{r.bytes:,}", f"{r.bits:,}"]
        for r in result.ledger
    ]
    columns = [
        ("message", "消息"),
        ("from → to", "方向"),
        ("count", "条数"),
        ("bytes", "字节"),
        ("bits told", "披露比特"),
    ]
    table(("What left each domain", "各方出域内容"), columns, left)
    seconds, model = sum(result.seconds.values()), result.model
    if isinstance(model, JointModel):
        size, size_zh = f"{len(model.trees)} trees", f"{len(model.trees)} 棵树"
    else:
        size, size_zh = f"{len(model.card.features)} features", f"{len(model.card.features)} 个特征"
    say(
        f"{result.rows} aligned rows, {size}, {seconds:.1f} s; model {result.digest[:16]}",
        f"对齐样本 {result.rows} 行，{size_zh}，{seconds:.1f} 秒；模型 {result.digest[:16]}",
    )
