"""``vfl plan``: what a job will cost and tell, before anything runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

import vfl.protocols.messages  # noqa: F401 - registers the message classes
from vfl.cli.bilingual import Command
from vfl.cli.nodes import node_option
from vfl.cli.screen import console, language, say, table
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.config.policy import Policy
from vfl.crypto.psi_set import bucket
from vfl.data.consent import ConsentBook
from vfl.data.schema import Use
from vfl.data.table import load_view
from vfl.data.views import load_views
from vfl.errors import ConfigError, Place, Text
from vfl.report.formats import as_bytes
from vfl.roles import RoleName
from vfl.service.plan import Plan, Sizes, layout_of, plan_job
from vfl.service.plan_speed import Speed, measure_speed

__all__ = ["own_sizes", "plan", "print_messages"]

_PARTS = {
    "alignment": "对齐",
    "encryption": "加密",
    "addition": "密文求和",
    "packing and sealing": "打包与重随机化",
    "decryption": "解密",
    "binning": "分箱与筛选",
    "margins": "对数几率",
    "sums of residuals": "残差求和",
    "curvatures": "曲率",
    "randomisers": "随机数预备",
    "inversions": "矩阵求逆",
    "relays": "逐行转交其余平台",
    "providers": "其余平台计算",
}


@click.command("plan", cls=Command, help="Cost and leaks of a job; nothing runs / 任务的成本与披露，不实际运行")
@click.argument("job", type=click.Path(path_type=Path))
@node_option
@click.option("--rows", type=int, help="of the other side; default: as many as here / 对方行数，默认与本方相同")
@click.option("--features", type=int, help="of a platform; default 40 / 平台特征数，默认 40")
@click.option("--fast", is_flag=True, help="no measurement, no minutes / 不测速，不估计时间")
def plan(job: Path, node: NodeConfig, rows: int | None, features: int | None, fast: bool) -> None:
    spec = JobSpec.read(job)
    Policy.read(node.policy).admit(spec)
    sizes, own_rows, own_features = own_sizes(spec, node, rows, features, place=job)
    slot_bits, per = layout_of(spec, sizes.bank_rows)
    speed = None if fast or spec.score_model else measure_speed(spec.key_bits, slot_bits=slot_bits, per=per)
    made = plan_job(spec, sizes, speed)
    _print_sizes(node, sizes, own_rows, own_features, given=rows is not None or features is not None)
    print_messages(made)
    _print_costs(spec, made, speed)
    if speed is not None and spec.model == "scorecard":
        _print_selected(spec, sizes, speed)


def own_sizes(
    spec: JobSpec, node: NodeConfig, rows: int | None, features: int | None, *, place: Path
) -> tuple[Sizes, int, int]:
    """(sizes, own rows, own features): the own view is loaded and checked, the other side's are assumed."""
    if node.name not in (spec.bank, *spec.platforms):
        raise ConfigError(
            "JOB_WITHOUT_US",
            Text(en=f"the job does not name {node.name}", zh=f"任务的参与方中没有 {node.name}"),
            cure=Text(en="mend job.bank or job.platforms", zh="请修正 job.bank 或 job.platforms"),
            place=Place(file=str(place)),
        )
    views = load_views(node.views, role=node.role)
    name = spec.bank_view if node.role is RoleName.BANK else spec.platform_view
    use = Use.SCORING if spec.score_model else Use.TRAINING
    data = load_view(views, name, role=node.role, use=use, cutoff=spec.as_of, time=spec.time)
    count, width = len(data), len(data.features)
    if node.role is RoleName.BANK:
        others = bucket(rows or count)
        known = dict.fromkeys(spec.platforms, others)
        return Sizes(bucket(count), width, known, dict.fromkeys(spec.platforms, features or 40)), count, width
    count = int(ConsentBook.load(views).permitted(data.ids, spec.bank, spec.purpose, spec.as_of).sum())
    known = dict.fromkeys(spec.platforms, bucket(count))
    theirs = dict.fromkeys(spec.platforms, width)
    return Sizes(bucket(rows or count), features or 40, known, theirs), count, width


def _print_sizes(node: NodeConfig, sizes: Sizes, rows: int, features: int, *, given: bool) -> None:
    at_bank = node.role is RoleName.BANK
    theirs = max(sizes.rows.values()) if at_bank else sizes.bank_rows
    wide = max(sizes.features.values())
    how, how_zh = ("given", "给定") if given else ("assumed", "假定")
    say(
        f"{node.name}: {rows} rows, {features} features in the job's view. {how.capitalize()} of the other side: "
        f"{theirs} rows" + (f", {wide} features." if at_bank else "."),
        f"{node.name}：任务视图 {rows} 行、{features} 个特征。对方规模（{how_zh}）：{theirs} 行"
        + (f"、{wide} 个特征。" if at_bank else "。"),
    )


def print_messages(made: Plan) -> None:
    """Who learns what, and at most how much; messages that tell nothing are added up in one line."""
    zh = language() == "zh"
    rows = [
        [m.name, f"{m.sender} → {', '.join(m.receivers)}", m.kind, f"{m.messages:,}", f"{m.bits:,}", as_bytes(m.bytes),
         m.leaks_zh if zh else m.leaks]
        for m in made.messages
    ]  # fmt: skip
    columns = [
        ("message", "消息"), ("from → to", "方向"), ("kind", "类别"), ("messages", "条数"), ("bits", "比特"),
        ("bytes", "字节"), ("tells", "接收方得知"),
    ]  # fmt: skip
    title = ("Bounds: at most this leaves, per receiver", "上限：对每个接收方，出域内容不超过")
    table(title, columns, rows, prose=True)


_SELECTED = 10


def _print_selected(spec: JobSpec, sizes: Sizes, speed: Speed) -> None:
    """The regression's inversions grow with the cube of its columns, and selection takes most features out."""
    few = {platform: min(count, _SELECTED) for platform, count in sizes.features.items()}
    smaller = replace(sizes, bank_features=min(sizes.bank_features, _SELECTED), features=few)
    minutes = plan_job(spec, smaller, speed).total_seconds / 60
    say(
        f"That is with every feature in the model; with {_SELECTED} of each owner: {minutes:.1f} minutes.",
        f"以上按全部特征入模计算；若每方 {_SELECTED} 个特征入模，约需 {minutes:.1f} 分钟。",
    )


def _print_costs(spec: JobSpec, made: Plan, speed: Speed | None) -> None:
    say(f"Bound: {as_bytes(made.bytes)} in all, {made.turns:,} turns (times the network's delay).",
        f"上限：共 {as_bytes(made.bytes)}，{made.turns:,} 个往返轮次（乘以网络时延）。")  # fmt: skip
    bank, platform = made.memory[RoleName.BANK], made.memory[RoleName.PLATFORM]
    say(f"Estimate: memory {bank:.0f} MiB at the bank, {platform:.0f} MiB at a platform.",
        f"估计：内存 银行 {bank:.0f} MiB，平台 {platform:.0f} MiB。")  # fmt: skip
    if speed is None:
        return
    say(
        f"Measured here, {spec.key_bits} bits, {speed.backend}, {speed.threads} threads, µs each: encrypt "
        f"{speed.encrypt:.0f}, decrypt {speed.decrypt:.0f}, add {speed.add:.2f}, pack {speed.pack:.0f}, "
        f"seal {speed.seal:.0f}, blind {speed.blind:.1f}",
        f"本机实测（{spec.key_bits} 位，{speed.backend}，{speed.threads} 线程，微秒/次）：加密 {speed.encrypt:.0f}，"
        f"解密 {speed.decrypt:.0f}，求和 {speed.add:.2f}，打包 {speed.pack:.0f}，重随机化 {speed.seal:.0f}，"
        f"盲化 {speed.blind:.1f}",
    )
    for name, seconds in made.seconds.items():
        console.print(f"  {_PARTS[name] if language() == 'zh' else name:<22} {seconds / 60:8.1f} min")
    say(
        f"Estimate: {made.total_seconds / 60:.1f} minutes if all firms are common and the other machines are like "
        "this one; fewer common firms and overlapping work make it shorter.",
        f"估计：若企业全部重合且对方机器与本机相当，约需 {made.total_seconds / 60:.1f} 分钟；"
        "重合较少或计算重叠时更短。",
    )
