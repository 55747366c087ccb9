"""``vfl init``: annotated files to start from, each key with its range in both languages."""

from __future__ import annotations

import datetime as dt
import os
import string
from importlib.resources import files
from pathlib import Path

import click

from vfl.cli.bilingual import group
from vfl.cli.screen import console, language, say
from vfl.data.starter import starter_views
from vfl.errors import ConfigError, Place, Text
from vfl.roles import RoleName

__all__ = ["init", "starter", "write_new"]

_PARTIES = ("bank", "platform")


def starter(kind: str, /, **fields: str) -> str:
    """The annotated file of this ``kind`` with its ``$fields`` filled in."""
    text = (files("vfl.cli") / "starter_files" / f"{kind}.toml").read_text(encoding="utf-8")
    return string.Template(text).substitute(fields)


def write_new(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write a file that does not exist yet; ConfigError ``FILE_EXISTS``: what an operator has edited stays."""
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "w", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise ConfigError(
            "FILE_EXISTS",
            Text(en="the file exists and is left as it is", zh="文件已存在，未作改动"),
            cure=Text(en="name another file, or move this one away first", zh="请指定其他文件名，或先移走该文件"),
            place=Place(file=str(path)),
        ) from None


def _give(text: str, out: Path | None) -> None:
    if out is None:
        console.print(text, end="")
        return
    write_new(out, text)
    say(f"Written: {out}", f"已写入：{out}")


_out = click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="write to this new file, else to the screen / 写入新文件，默认输出到屏幕",
)


@group("Annotated files to start from / 生成带注释的起始配置文件")
def init() -> None:
    pass


@init.command(help="What the parties agree on / 任务文件：各方共同约定的内容")
@click.option("--bank", default="bank-a", show_default=True, help="name of the bank / 银行名称")
@click.option("--platform", default="platform-a", show_default=True, help="name of the platform / 平台名称")
@click.option("--model", type=click.Choice(["trees", "scorecard"]), default="trees", show_default=True,
              help="kind of model / 模型种类")  # fmt: skip
@_out
def job(bank: str, platform: str, model: str, out: Path | None) -> None:
    text = starter("job", bank=bank, platform=platform, today=dt.date.today().isoformat())
    _give(text.replace('model = "trees"    ', f'model = "{model}"'.ljust(len('model = "trees"    ')), 1), out)


@init.command(help="The only columns a job may ever read / 视图文件：任务可读取的全部列")
@click.argument("table", required=False, type=click.Path(path_type=Path))
@click.option("--role", type=click.Choice(_PARTIES), required=True, help="whose table / 所属方")
@click.option("--encoding", default="utf-8", show_default=True, help="of the table / 数据表编码")
@click.option("--delimiter", default=",", show_default=True, help="of the table / 数据表分隔符")
@_out
def views(table: Path | None, role: str, encoding: str, delimiter: str, out: Path | None) -> None:
    if table is None:
        _give(starter(f"views-{role}"), out)
        return
    text = starter_views(table, role=RoleName(role), encoding=encoding, delimiter=delimiter)
    if role == RoleName.PLATFORM:
        note = "rows without a valid consent never leave / 无有效授权的行不会出域"
        text += f'\n[consents]\nsource = "consents.csv"  # {note}\n'
    _give(text, out)


@init.command(help="Who this node is and where its files are / 节点配置：身份与文件位置")
@click.option("--name", default="bank-a", show_default=True, help="name in the network / 在网络中的名称")
@click.option(
    "--role", type=click.Choice(_PARTIES), default="bank", show_default=True, help="bank or platform / 银行或平台"
)
@click.option("--coordinator", default="127.0.0.1:7443", show_default=True, help="host:port / 协调节点地址")
@_out
def node(name: str, role: str, coordinator: str, out: Path | None) -> None:
    _give(starter("node", name=name, role=role, coordinator=coordinator, language=language()), out)


@init.command(help="What this node refuses, whatever a contract says / 策略文件：本节点拒绝的内容")
@_out
def policy(out: Path | None) -> None:
    _give(starter("policy"), out)
