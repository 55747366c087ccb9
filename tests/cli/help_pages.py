"""All ``--help`` pages as one text per language; ``python -m tests.cli.help_pages`` writes them anew."""

from __future__ import annotations

from pathlib import Path

from tests.cli.calling import commands, done

HERE = Path(__file__).parent


def page(lang: str) -> str:
    paths = [(), *(path for path, _ in commands())]
    return "\n".join(f"$ vfl {' '.join((*path, '--help'))}\n{done(*path, '--help', lang=lang)}" for path in paths)


def snapshot(lang: str) -> Path:
    return HERE / f"help.{lang}.txt"


if __name__ == "__main__":
    for language in ("en", "zh"):
        snapshot(language).write_text(page(language), encoding="utf-8")
