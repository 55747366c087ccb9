"""What the commands share: language, printing, and how an error looks."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from vfl.errors import VflError

__all__ = ["console", "language", "say", "shows_errors", "table"]

console = Console(highlight=False, soft_wrap=True)


def language() -> str:
    """``VFL_LANG``, else the locale: "zh" or "en"."""
    chosen = os.environ.get("VFL_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    return "zh" if chosen.lower().startswith("zh") else "en"


def say(en: str, zh: str) -> None:
    """One line in the reader's language."""
    console.print(zh if language() == "zh" else en)


def table(title: tuple[str, str], columns: list[tuple[str, str]], rows: list[list[str]]) -> None:
    """A table in the reader's language; numbers flush right from the second column on."""
    which = 1 if language() == "zh" else 0
    out = Table(title=title[which], title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        out.add_column(column[which], justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        out.add_row(*row)
    console.print(out)


def shows_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Our errors become one line with code, place and cure, and the exit status of their class."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except VflError as error:
            click.echo(error.in_(language()), err=True)
            raise SystemExit(error.exit_code) from None

    return run
