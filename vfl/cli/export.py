"""``vfl export``: a party's own part of a scorecard, in the forms in which banks run one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vfl.cli.bilingual import Command
from vfl.cli.nodes import job_named, node_option
from vfl.cli.screen import console, say
from vfl.config.node import NodeConfig
from vfl.core.scorecard import Scorecard
from vfl.data.card_part import CardPart
from vfl.errors import ConfigError, Text
from vfl.report.exports import ExportFormat, write_export
from vfl.service.card_exports import EXPORTS, FALLBACK, write_forms
from vfl.service.folder import JobFolder

__all__ = ["export"]

_FORMS = {"json": ExportFormat.JSON, "pmml": ExportFormat.PMML, "onnx": ExportFormat.ONNX, "sql": ExportFormat.SQL,
          "score.py": ExportFormat.PYTHON}  # fmt: skip


@click.command("export", cls=Command, help="This party's part of a scorecard as files / 导出本方评分卡分片")
@click.argument("job")
@click.option("--format", "forms", type=click.Choice(list(_FORMS)), multiple=True,
              help="may be repeated; default: all / 可重复，默认全部")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False),
              help="default: exports in the job's folder / 默认写在任务目录的 exports 中")  # fmt: skip
@click.option("--fallback", is_flag=True, help="the bank's own whole card instead / 改为导出银行单方的完整评分卡")
@node_option
def export(job: str, forms: tuple[str, ...], out: Path | None, fallback: bool, node: NodeConfig) -> None:
    folder = job_named(node, job)
    card = _card(folder, fallback=fallback)
    target = out or (folder.file(EXPORTS) / FALLBACK if fallback else folder.file(EXPORTS))
    if forms:
        for form in forms:
            console.print(str(write_export(card, _FORMS[form], target)))
    else:
        left_out = write_forms(card, target)
        for name, form in _FORMS.items():
            if form in left_out:
                say(f"{name} left out: {left_out[form]}; --format {name} says more",
                    f"未导出 {name}：{left_out[form]}；使用 --format {name} 查看原因")  # fmt: skip
            else:
                console.print(str(target / form.file))
    if not card.complete:
        say("These give this party's points, not a score: the other owners' points are theirs to add.",
            "以上文件给出本方得分，而非总分：其余各方的得分由其自行计算后相加。")  # fmt: skip


def _card(folder: JobFolder, *, fallback: bool) -> Scorecard:
    """The part that this node keeps, or the bank's own card."""
    file = folder.file("scorecard.json")
    if not file.exists():
        trees = folder.file("model.json").exists()
        raise ConfigError(
            "EXPORT_TREES" if trees else "EXPORT_NONE",
            Text(en=f"{folder.job} trained boosted trees", zh=f"{folder.job} 训练的是提升树模型") if trees else
            Text(en=f"{folder.job} has no scorecard here", zh=f"{folder.job} 在本节点没有评分卡"),
            cure=Text(en='name a finished job with model = "scorecard"; `vfl status` lists the jobs',
                      zh='请指定已完成且 model = "scorecard" 的任务；可用 `vfl status` 查看'),
        )  # fmt: skip
    state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    chosen = state.get("fallback") if fallback else state
    if chosen is None:
        raise ConfigError(
            "EXPORT_FALLBACK",
            Text(en="there is no card of the bank's own here", zh="本节点没有银行单方评分卡"),
            cure=Text(en="leave out --fallback; only a bank with columns of its own has one",
                      zh="请去掉 --fallback；只有拥有自有变量的银行才有单方评分卡"),
        )
    return CardPart.from_dict(chosen).card
