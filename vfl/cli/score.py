"""``vfl score``: score the firms of a view with the model of a finished job."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter

import click

from vfl.cli.bilingual import Command
from vfl.cli.nodes import job_named, node_option, require_role
from vfl.cli.run import print_loss, start
from vfl.cli.screen import say
from vfl.cli.watch import follow
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.roles import RoleName
from vfl.service.folder import JobFolder, model_unknown

__all__ = ["score"]

_REQUEST = """\
[job]
name = "score {model}"
purpose = "{purpose}"
bank = "{bank}"
platforms = [{platforms}]
bank_view = "{view}"
platform_view = "{platform_view}"
as_of = {today}
model = "{kind}"

[score]
model = "{model}"
"""
_REASONS = """
[scorecard]
reasons = {reasons}
"""


@click.command("score", cls=Command, help="Score firms with the model of a finished job / 用已完成任务的模型评分")
@click.argument("job")
@click.option("--view", required=True, help="view with the firms to score / 待评分企业所在视图")
@click.option("--reasons", type=click.IntRange(0, 10), help="per owner and firm; default: as contracted / 原因码个数")
@node_option
def score(job: str, view: str, reasons: int | None, node: NodeConfig) -> None:
    require_role(node, RoleName.BANK, "firms are scored by the bank", "评分由银行发起")
    trained = job_named(node, job)
    card = trained.file("scorecard.json").exists()
    if not (card or trained.file("model.json").exists()):
        raise model_unknown(job)
    spec = JobSpec.read(trained.file("request.toml"))
    request = _REQUEST.format(
        model=job, purpose=spec.purpose, bank=spec.bank, platforms=", ".join(f'"{p}"' for p in spec.platforms),
        view=view, platform_view=spec.platform_view, today=dt.datetime.now(dt.UTC).date(), kind=spec.model,
    )  # fmt: skip
    if card:
        request += _REASONS.format(reasons=spec.scaling.reasons if reasons is None else reasons)
    folder = start(node, JobSpec.parse(request, "score"))
    state = follow(folder, 0, own=node.name, peers=spec.platforms)
    _print_counts(folder)
    print_loss(state.facts.get("fallback_loss"))
    say(f"Scores: {folder.file('scores.csv')}", f"评分文件：{folder.file('scores.csv')}")


def _print_counts(folder: JobFolder) -> None:
    with folder.file("scores.csv").open(newline="") as file:
        models = Counter(row["model"] for row in csv.DictReader(file))
    joint, alone, none = models["joint"], models["bank-only"], models["none"]
    say(
        f"{joint + alone + none} firms: {joint} by the joint model, {alone} by the bank's own (no platform data or "
        f"consent), {none} without a score.",
        f"共 {joint + alone + none} 家企业：联合模型评分 {joint} 家，银行单方评分 {alone} 家（平台无数据或未授权），"
        f"无评分 {none} 家。",
    )

