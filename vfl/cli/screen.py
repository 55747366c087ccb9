"""What the commands share: the reader's language, and printing."""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.table import Table

__all__ = ["console", "language", "say", "table"]

# No markup: paths and codes hold brackets. In a pipe or a log nothing tells the width; tables hold sentences.
console = Console(highlight=False, soft_wrap=True, markup=False, width=None if sys.stdout.isatty() else 140)


def language() -> str:
    """``VFL_LANG``, else the locale: "zh" or "en"."""
    chosen = os.environ.get("VFL_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    return "zh" if chosen.lower().startswith("zh") else "en"


def say(en: str, zh: str) -> None:
    """One line in the reader's language."""
    console.print(zh if language() == "zh" else en)


def table(
    title: tuple[str, str], columns: list[tuple[str, str]], rows: list[list[str]], *, prose: bool = False
) -> None:
    """A table in the reader's language; numbers flush right from the second column on, ``prose`` all left."""
    which = 1 if language() == "zh" else 0
    out = Table(title=title[which], title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        out.add_column(column[which], justify="left" if prose or number == 0 else "right", overflow="fold")
    for row in rows:
        out.add_row(*row)
    console.print(out)
