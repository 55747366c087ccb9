"""The option that names this node, and the jobs a command may be asked about."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from vfl.config.node import NodeConfig
from vfl.errors import ConfigError, Text
from vfl.roles import RoleName
from vfl.service.folder import JobFolder, job_folders

__all__ = ["job_named", "node_option", "require_role"]


class _Node(click.ParamType[NodeConfig]):
    """``node.toml``, read."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> NodeConfig:
        return value if isinstance(value, NodeConfig) else NodeConfig.read(Path(value))


def node_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--node node.toml``; by default ``VFL_NODE`` or the file in this folder."""
    return click.option(
        "--node", type=_Node(), default="node.toml", show_default=True, envvar="VFL_NODE",
        help="this party's node.toml / 本方节点配置",
    )(command)  # fmt: skip


def job_named(node: NodeConfig, name: str) -> JobFolder:
    """A job of this node; ConfigError ``JOB_UNKNOWN`` with the nearest name."""
    known = [f.job for f in job_folders(node.jobs)]
    if name in known:
        return JobFolder(node.jobs, name)
    near = difflib.get_close_matches(name, known, 1)
    raise ConfigError(
        "JOB_UNKNOWN",
        Text(en=f"there is no job {name} at this node", zh=f"本节点没有任务 {name}"),
        cure=Text(
            en=f"did you mean {near[0]}?" if near else "`vfl status` lists the jobs",
            zh=f"是否想写 {near[0]}？" if near else "可用 `vfl status` 列出任务",
        ),
    )


def require_role(node: NodeConfig, role: RoleName, en: str, zh: str) -> None:
    """ConfigError ``NODE_OTHER_ROLE`` when this command is not for this kind of node."""
    if node.role is not role:
        raise ConfigError(
            "NODE_OTHER_ROLE",
            Text(en=f"{en}; {node.name} is a {node.role}", zh=f"{zh}；{node.name} 是 {node.role}"),
            cure=Text(en=f"run it at a {role}", zh=f"请在 {role} 节点上运行"),
        )
