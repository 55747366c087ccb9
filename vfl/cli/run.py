"""``vfl run``: hand a job to this bank's node and follow it.

The command writes the request into the node's job folder and reads the state the node writes there; it opens no
connection and may be stopped at any moment without harm to the job.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from pathlib import Path

import click

from vfl.cli.bilingual import Command
from vfl.cli.nodes import node_option, require_role
from vfl.cli.screen import say
from vfl.cli.watch import follow
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.config.policy import Policy
from vfl.errors import ConfigError, Place, Text
from vfl.roles import RoleName
from vfl.service.folder import JobFolder, JobState

__all__ = ["print_facts", "print_loss", "run", "start"]

_PATIENCE_S = 6.0


@click.command("run", cls=Command, help="Start a job at this bank's node and follow it / 在本行节点发起任务并跟踪进度")
@click.argument("job", type=click.Path(path_type=Path))
@node_option
@click.option("--detach", is_flag=True, help="do not follow / 发起后不跟踪")
def run(job: Path, node: NodeConfig, detach: bool) -> None:
    require_role(node, RoleName.BANK, "jobs are started by the bank", "任务由银行发起")
    spec = JobSpec.read(job)
    if spec.bank != node.name:
        raise ConfigError(
            "JOB_OTHER_BANK",
            Text(en=f"the job is one of {spec.bank}, this node is {node.name}",
                 zh=f"任务属于 {spec.bank}，本节点是 {node.name}"),
            cure=Text(
                en="mend job.bank, or name the node.toml of that bank", zh="请修正 job.bank，或指定该银行的 node.toml"
            ),
            place=Place(file=str(job), column="job.bank"),
        )  # fmt: skip
    folder = start(node, spec)
    if detach:
        say(f"`vfl status {folder.job}` shows how far it is.", f"可用 `vfl status {folder.job}` 查看进度。")
        return
    rounds = spec.logistic.steps if spec.model == "scorecard" else spec.trees.trees
    print_facts(folder, follow(folder, rounds, own=node.name, peers=spec.platforms))


def start(node: NodeConfig, spec: JobSpec) -> JobFolder:
    """Hand a job to the local node, if its policy admits it; returns the job's folder."""
    Policy.read(node.policy).admit(spec)
    folder = _new_folder(node, spec)
    folder.write("request.toml", spec.text.encode())
    say(f"Job {folder.job}", f"任务 {folder.job}")
    _wait_for_node(folder, node)
    return folder


def _new_folder(node: NodeConfig, spec: JobSpec) -> JobFolder:
    """A fresh folder, named after the job and the second it was asked for."""
    word = re.sub(r"[^a-z0-9]+", "-", spec.name.lower()).strip("-")[:20] or "job"
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
    name, number = f"{word}-{stamp}", 1
    while (folder := JobFolder(node.jobs, name)).path.exists():
        number += 1
        name = f"{word}-{stamp}-{number}"
    node.jobs.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.make()
    return folder


def _wait_for_node(folder: JobFolder, node: NodeConfig) -> None:
    """The node picks requests up within a second; say how to start it when it does not."""
    deadline = time.monotonic() + _PATIENCE_S
    while not folder.file("state.json").exists() and not folder.file("journal.db").exists():
        if time.monotonic() > deadline:
            config = node.jobs.parent / "node.toml"
            say(
                "The node has not picked the request up. Start it; the request waits in its folder:\n"
                f"  python -m party_bank --config {config}",
                f"节点尚未接收该请求。请启动节点，请求会在其目录中等待：\n  python -m party_bank --config {config}",
            )
            return
        time.sleep(0.1)


def print_facts(folder: JobFolder, state: JobState) -> None:
    """What came out of a job at this party, and where the report is."""
    facts = state.facts
    measures = facts.get("measures", {})
    for kind, by_split in measures.items():
        for split, values in by_split.items():
            if split == "test":
                say(f"{kind}: AUC {values['auc']:.4f}, KS {values['ks']:.4f} on the test rows",
                    f"{_KINDS.get(kind, kind)}：测试集 AUC {values['auc']:.4f}，KS {values['ks']:.4f}")  # fmt: skip
    shown = [("rows", "aligned rows", "对齐样本"), ("features", "features in the model", "入模变量"),
             ("trees", "trees", "树"), ("splits", "splits here", "本方分裂数")]
    said = [(f"{facts[key]} {en}", f"{zh} {facts[key]}") for key, en, zh in shown if key in facts]
    seconds = sum(state.seconds.values())
    said.append((f"{seconds:.0f} s", f"{seconds:.0f} 秒"))
    say(", ".join(en for en, _ in said), "，".join(zh for _, zh in said))
    print_loss(facts.get("fallback_loss"))
    if folder.file("report.html").exists():
        say(f"Report: {folder.file('report.html')}", f"报告：{folder.file('report.html')}")


def print_loss(loss: dict[str, float] | None) -> None:
    """What the bank's own card, for firms without platform data or consent, is known to lose."""
    if loss is not None:
        auc, ks, rows = loss["auc"], loss["ks"], loss["rows"]
        say(
            f"The bank's own card loses {auc:.4f} AUC and {ks:.4f} KS against the joint one ({rows} held-out rows).",
            f"银行单方评分卡与联合评分卡相比，AUC 低 {auc:.4f}，KS 低 {ks:.4f}（留出样本 {rows} 行）。",
        )


_KINDS = {"joint": "联合模型", "bank_alone": "银行单方"}
