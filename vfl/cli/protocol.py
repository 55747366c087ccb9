"""``vfl protocol``: what is sent and who learns what, read from the code that runs."""

from __future__ import annotations

import click

from vfl.cli.bilingual import group
from vfl.cli.screen import console, language, table
from vfl.protocols.tables import dry_job, message_rows, sequence_diagram

__all__ = ["protocol"]

_platforms = click.option(
    "--platforms", type=click.IntRange(1, 20), default=1, show_default=True, help="in the example / 示例中的平台数"
)
_model = click.option(
    "--model", type=click.Choice(["trees", "scorecard"]), default="trees", show_default=True, help="kind / 模型类型"
)
_out_of_time = click.option("--out-of-time", is_flag=True, help="with rows held out of time / 含时间外样本")
_scoring = click.option("--scoring", is_flag=True, help="of batch scoring, not of training / 批量评分而非训练")


@group("Messages of a job and what they tell, from the code / 由代码生成的消息与披露清单")
def protocol() -> None:
    pass


@protocol.command(help="Every message with its class / 全部消息及其类别")
@_platforms
@_model
@_out_of_time
@_scoring
@click.option("--mermaid", is_flag=True, help="as a sequence diagram / 输出时序图源码")
def show(platforms: int, model: str, out_of_time: bool, scoring: bool, mermaid: bool) -> None:
    lines = dry_job(platforms=platforms, scoring=scoring, model=model, out_of_time=out_of_time)
    if mermaid:
        console.print(sequence_diagram(lines))
        return
    zh = language() == "zh"
    rows = [
        [
            ", ".join(map(str, r.numbers)),
            r.phase,
            f"{r.sender} → {', '.join(r.receivers)}",
            r.message + (" ⋯" if r.stream else ""),
            r.kind.lower(),
            r.bits,
            r.leaks_zh if zh else r.leaks,
        ]
        for r in message_rows(lines)
    ]
    columns = [
        ("line", "行"), ("phase", "阶段"), ("from → to", "方向"), ("message", "消息"), ("kind", "类别"),
        ("bits at most", "比特上限"), ("tells", "接收方得知"),
    ]  # fmt: skip
    title = ("Messages (⋯: a stream of chunks)", "消息（⋯ 表示分块发送）")
    table(title, columns, rows, prose=True)


@protocol.command(help="By receiver, everything it learns / 按接收方列出其得知的全部内容")
@_platforms
@_model
@_out_of_time
@_scoring
def leaks(platforms: int, model: str, out_of_time: bool, scoring: bool) -> None:
    zh = language() == "zh"
    lines = dry_job(platforms=platforms, scoring=scoring, model=model, out_of_time=out_of_time)
    rows = message_rows(lines)
    receivers = dict.fromkeys(name for row in rows for name in row.receivers)
    told = [
        [receiver, row.sender, row.leaks_zh if zh else row.leaks, row.bits, row.message]
        for receiver in receivers
        for row in rows
        if receiver in row.receivers and row.bits != "0"
    ]
    columns = [
        ("who", "得知方"), ("from", "来源"), ("learns", "得知内容"), ("bits a message at most", "每条比特上限"),
        ("message", "消息"),
    ]  # fmt: skip
    table(
        ("Who learns what; all other messages tell nothing", "各方得知的信息；其余消息不披露任何内容"),
        columns,
        told,
        prose=True,
    )
