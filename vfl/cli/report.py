"""``vfl report``: the page of one job, made anew from its ``report.json`` in the reader's language."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from vfl.cli.bilingual import Command
from vfl.cli.nodes import job_named, node_option
from vfl.cli.screen import console, language
from vfl.config.node import NodeConfig
from vfl.errors import ConfigError, Text
from vfl.report import ReportModel, render
from vfl.service.folder import JobFolder

__all__ = ["give", "language_option", "open_option", "report", "report_model"]

language_option = click.option("--lang", type=click.Choice(["zh", "en"]), help="of the page / 页面语言")
open_option = click.option("--open", "show", is_flag=True, help="in the browser / 用浏览器打开")


@click.command(cls=Command, help="Path of a job's report / 输出任务报告路径")
@click.argument("job")
@node_option
@language_option
@open_option
def report(job: str, node: NodeConfig, lang: str | None, show: bool) -> None:
    folder = job_named(node, job)
    model = report_model(folder)
    folder.write("report.html", render(model, language=lang or language()).encode())
    give(folder.file("report.html"), show)


def give(path: Path, show: bool) -> None:
    """Print the path of a page and, where asked, open it."""
    console.print(str(path))
    if show:
        webbrowser.open(path.resolve().as_uri())


def report_model(folder: JobFolder) -> ReportModel:
    """The report of a finished job; ConfigError ``REPORT_NONE`` where there is none."""
    path = folder.file("report.json")
    if not path.exists():
        raise ConfigError(
            "REPORT_NONE",
            Text(en=f"{folder.job} has no report here", zh=f"{folder.job} 在本节点没有报告"),
            cure=Text(
                en="reports are written at the bank when a job is done; `vfl status` shows how far it is",
                zh="报告在任务完成时由银行节点生成；可用 `vfl status` 查看进度",
            ),
        )
    return ReportModel.from_json(path.read_text(encoding="utf-8"))
