"""``vfl doctor``: is this node fit to run? Each failure says its cure; the exit status is 1 if any failed."""

from __future__ import annotations

import click

from vfl.cli.bilingual import Command
from vfl.cli.checks import CHECKS, Grade, examine
from vfl.cli.nodes import node_option
from vfl.cli.screen import console, language, say
from vfl.config.node import NodeConfig

__all__ = ["doctor"]

_MARKS = {Grade.GOOD: "✓", Grade.ODD: "!", Grade.BAD: "✗"}


@click.command(cls=Command, help="Is this node fit to run? / 检查本节点是否可以运行")
@node_option
def doctor(node: NodeConfig) -> int:
    failed = 0
    for name, check in CHECKS:
        found = examine(name, check, node)
        failed += found.grade is Grade.BAD
        colon = "：" if language() == "zh" else ": "
        console.print(f"{_MARKS[found.grade]} {found.name.in_(language())}{colon}{found.said.in_(language())}")
        if found.cure is not None:
            console.print(f"    → {found.cure.in_(language())}")
    if failed:
        say(f"{failed} of {len(CHECKS)} checks failed.", f"{len(CHECKS)} 项检查中有 {failed} 项未通过。")
        return 1
    say("This node is fit to run.", "本节点可以运行。")
    return 0
