"""The group of commands."""

from __future__ import annotations

import click

from vfl import __version__
from vfl.cli.demo import demo

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vfl")
def main() -> None:
    """Joint credit lab: model together, data stays in its domain / 联合实验室：联合建模，数据不出域"""


main.add_command(demo)
