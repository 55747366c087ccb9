"""``vfl report`` and ``vfl compare``: pages made anew from ``report.json`` in the reader's language."""

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
from vfl.report import compare as compare_page
from vfl.service.folder import JobFolder

__all__ = ["compare", "report"]

_LANGUAGES = click.Choice(["zh", "en"])
_language = click.option("--lang", type=_LANGUAGES, help="of the page / 页面语言")
_open = click.option("--open", "show", is_flag=True, help="in the browser / 用浏览器打开")


@click.command(cls=Command, help="Path of a job's report / 输出任务报告路径")
@click.argument("job")
@node_option
@_language
@_open
def report(job: str, node: NodeConfig, lang: str | None, show: bool) -> None:
    folder = job_named(node, job)
    model = _model(folder)
    folder.write("report.html", render(model, language=lang or language()).encode())
    _give(folder.file("report.html"), show)


@click.command(cls=Command, help="Jobs side by side on one page / 在一页中对比多个任务")
@click.argument("jobs", nargs=-1, required=True, metavar="JOB JOB…")
@node_option
@click.option("--out", type=click.Path(path_type=Path), help="default: compare.html among the jobs / 默认写在任务目录")
@_language
@_open
def compare(jobs: tuple[str, ...], node: NodeConfig, out: Path | None, lang: str | None, show: bool) -> None:
    page = compare_page([_model(job_named(node, job)) for job in jobs], language=lang or language())
    target = out or node.jobs.parent / "compare.html"
    target.write_text(page, encoding="utf-8")
    _give(target, show)


def _give(path: Path, show: bool) -> None:
    console.print(str(path))
    if show:
        webbrowser.open(path.resolve().as_uri())


def _model(folder: JobFolder) -> ReportModel:
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
