"""Calling ``vfl`` in this process, in a language."""

from __future__ import annotations

from collections.abc import Iterator

import click
from click.testing import CliRunner, Result

from vfl.cli import main
from vfl.cli.bilingual import Command


def vfl(*arguments: object, lang: str = "en", answer: str | None = None) -> Result:
    """Run one command; ``answer`` is typed where it asks."""
    runner = CliRunner(env={"VFL_LANG": lang, "VFL_NODE": None})
    return runner.invoke(main, [str(a) for a in arguments], input=answer)


def done(*arguments: object, lang: str = "en", answer: str | None = None) -> str:
    """Run one command that must succeed; what it printed."""
    result = vfl(*arguments, lang=lang, answer=answer)
    assert result.exit_code == 0, result.output + result.stderr
    return result.output


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Command]]:
    """Every command and group below, with its path."""
    for name, command in group.commands.items():
        assert isinstance(command, Command), name
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
