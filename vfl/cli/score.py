"""``vfl score``: score the firms of a view with the model of a finished job."""

from __future__ import annotations

import csv
import datetime as dt

import click

from vfl.cli.bilingual import Command
from vfl.cli.nodes import job_named, node_option, require_role
from vfl.cli.run import start
from vfl.cli.screen import say
from vfl.cli.watch import follow
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.roles import RoleName
from vfl.service.folder import model_unknown

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

[score]
model = "{model}"
"""


@click.command("score", cls=Command, help="Score firms with the model of a finished job / 用已完成任务的模型评分")
@click.argument("job")
@click.option("--view", required=True, help="view with the firms to score / 待评分企业所在视图")
@node_option
def score(job: str, view: str, node: NodeConfig) -> None:
    require_role(node, RoleName.BANK, "firms are scored by the bank", "评分由银行发起")
    trained = job_named(node, job)
    if not trained.file("model.json").exists():
        raise model_unknown(job)
    spec = JobSpec.read(trained.file("request.toml"))
    request = _REQUEST.format(
        model=job, purpose=spec.purpose, bank=spec.bank, platforms=", ".join(f'"{p}"' for p in spec.platforms),
        view=view, platform_view=spec.platform_view, today=dt.datetime.now(dt.UTC).date(),
    )  # fmt: skip
    folder = start(node, JobSpec.parse(request, "score"))
    state = follow(folder, 0, own=node.name, peers=spec.platforms)
    with folder.file("scores.csv").open(newline="") as file:
        models = [row["model"] for row in csv.DictReader(file)]
    joint, alone = models.count("joint"), models.count("bank-only")
    say(
        f"{state.facts['firms']} firms: {joint} by the joint model, {alone} by the bank's own (no platform data or "
        f"consent), {len(models) - joint - alone} without a score.\nScores: {folder.file('scores.csv')}",
        f"共 {state.facts['firms']} 家企业：联合模型评分 {joint} 家，银行单方评分 {alone} 家（平台无数据或未授权），"
        f"无评分 {len(models) - joint - alone} 家。\n评分文件：{folder.file('scores.csv')}",
    )
