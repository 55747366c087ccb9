"""``vfl status``, ``vfl approve``, ``vfl cancel``: an operator's view of this node's jobs.

All of them read and write the node's job folders only; the node acts on what they leave there.
"""

from __future__ import annotations

import time

import click

from vfl.cli.bilingual import Command, pick
from vfl.cli.nodes import job_named, node_option, require_role
from vfl.cli.plan import own_sizes, print_messages
from vfl.cli.run import print_facts
from vfl.cli.screen import console, language, say, table
from vfl.cli.watch import phase_name, state_name
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.config.policy import Policy
from vfl.errors import ConfigError, Text
from vfl.roles import RoleName
from vfl.service.folder import JobFolder, JobState, job_folders
from vfl.service.plan import plan_job

__all__ = ["approve", "cancel", "status"]


@click.command(cls=Command, help="How far the jobs of this node are / 查看本节点任务进度")
@click.argument("job", required=False)
@node_option
def status(job: str | None, node: NodeConfig) -> None:
    if job is None:
        _list(node)
        return
    folder = job_named(node, job)
    state = folder.load()
    say(f"{job}: {state_name(_state(folder, state))}", f"{job}：{state_name(_state(folder, state))}")
    if state.phase:
        stage = f" · {state.stage} {100 * state.share:.0f} %" if state.stage else ""
        console.print(phase_name(state.phase) + stage)
    if state.waiting_for:
        say(f"waiting for {state.waiting_for}", f"正在等待 {state.waiting_for}")
    message = state.message_zh if language() == "zh" else state.message_en
    if message:
        console.print(message)
    if state.state == "waiting-approval":
        say(f"`vfl approve {job}` shows what is asked for.", f"可用 `vfl approve {job}` 查看申请内容并审批。")
    if state.state == "done":
        print_facts(folder, state)


def _state(folder: JobFolder, state: JobState) -> str:
    """The node's word, or ours where it has not spoken yet."""
    return state.state if folder.file("state.json").exists() else "requested"


def _list(node: NodeConfig) -> None:
    folders = job_folders(node.jobs)
    if not folders:
        say(f"{node.name} has no jobs yet.", f"{node.name} 尚无任务。")
        return
    rows = []
    for folder in folders:
        state = folder.load()
        rows.append([folder.job, state_name(_state(folder, state)), phase_name(state.phase), state.waiting_for])
    columns = [("job", "任务"), ("state", "状态"), ("phase", "阶段"), ("waits for", "等待")]
    table((f"Jobs of {node.name}", f"{node.name} 的任务"), columns, rows, prose=True)


@click.command(
    cls=Command, help="Platform: read a proposal and its leaks, then sign it / 平台：查看任务申请与披露内容并审批"
)
@click.argument("job")
@node_option
@click.option("--yes", is_flag=True, help="do not ask / 不再询问")
def approve(job: str, node: NodeConfig, yes: bool) -> None:
    require_role(node, RoleName.PLATFORM, "platforms approve jobs", "任务由平台审批")
    folder = job_named(node, job)
    state = folder.load()
    if state.state != "waiting-approval":
        raise ConfigError(
            "JOB_NOT_WAITING",
            Text(en=f"the job does not wait for approval here ({state.state})",
                 zh=f"该任务在本节点无需审批（{state_name(state.state)}）"),
            cure=Text(en="`vfl status` lists the jobs that do", zh="可用 `vfl status` 查看待审批的任务"),
        )  # fmt: skip
    spec = JobSpec.read(folder.file("proposal.toml"))
    Policy.read(node.policy).admit(spec)
    _show(spec, node, folder)
    words = pick("Sign this contract for this platform? / 是否代表本平台签署该合同？")
    if not yes and not click.confirm(words):
        say("Nothing was signed; the job keeps waiting.", "未签署，任务继续等待。")
        return
    folder.write("approved", b"")
    deadline = time.monotonic() + 6
    while folder.load().state == "waiting-approval" and time.monotonic() < deadline:
        time.sleep(0.1)
    if folder.load().state == "waiting-approval":
        say("Approved; the node will sign when it runs: python -m party_platform --config node.toml",
            "已批准；节点启动后即签署：python -m party_platform --config node.toml")  # fmt: skip
        return
    say(f"Approved; `vfl status {job}` shows how far it is.", f"已批准；可用 `vfl status {job}` 查看进度。")


def _show(spec: JobSpec, node: NodeConfig, folder: JobFolder) -> None:
    """The terms as the bank wrote them, and what they let leave; sizes of the bank are taken to be like ours."""
    console.print(spec.text.rstrip() + "\n")
    sizes, rows, features = own_sizes(spec, node, None, None, place=folder.file("proposal.toml"))
    say(f"This platform would bring {rows} consented rows and {features} features.",
        f"本平台将提供 {rows} 行已授权样本、{features} 个特征。")  # fmt: skip
    print_messages(plan_job(spec, sizes))


@click.command(cls=Command, help="End a job and wipe its keys / 取消任务并清除其密钥")
@click.argument("job")
@node_option
@click.option("--yes", is_flag=True, help="do not ask / 不再询问")
def cancel(job: str, node: NodeConfig, yes: bool) -> None:
    folder = job_named(node, job)
    state = folder.load()
    if state.final:
        raise ConfigError(
            "JOB_ENDED",
            Text(en=f"the job has ended already ({state.state})", zh=f"该任务已结束（{state_name(state.state)}）"),
            cure=Text(en="nothing needs to be done", zh="无需操作"),
        )
    if not yes:
        click.confirm(pick("End this job for all parties? / 确定为所有参与方终止该任务？"), abort=True)
    folder.write("cancel", b"")
    deadline = time.monotonic() + 10
    while not folder.load().final and time.monotonic() < deadline:
        time.sleep(0.1)
    if folder.load().final:
        say("Cancelled; the job's keys are wiped.", "已取消，任务密钥已清除。")
    else:
        say("Noted; the node will cancel when it runs.", "已记录；节点启动后即取消。")
