"""Help in both languages, usage errors that say what was meant, exit statuses by class of error."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from tests.cli.calling import commands, vfl
from tests.cli.help_pages import page, snapshot
from vfl.cli.bilingual import SEPARATOR

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _helps() -> list[tuple[str, str]]:
    found = []
    for path, command in commands():
        found.append((" ".join(path), command.help or ""))
        found += [
            (f"{' '.join(path)} {p.opts[-1]}", p.help or "") for p in command.params if isinstance(p, click.Option)
        ]
    return found


@pytest.mark.parametrize(("where", "text"), _helps(), ids=[w for w, _ in _helps()])
def test_every_help_is_written_in_both_languages(where: str, text: str) -> None:
    en, mark, zh = text.partition(SEPARATOR)
    assert mark, where
    assert SEPARATOR not in zh
    assert CHINESE.search(zh)
    assert not CHINESE.search(en)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_help_pages_are_those_of_the_snapshot(lang: str) -> None:
    """After a change: ``python -m tests.cli.help_pages``, and read the diff."""
    assert page(lang) == snapshot(lang).read_text(encoding="utf-8")


def test_english_help_holds_no_chinese() -> None:
    assert not CHINESE.search(snapshot("en").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("typed", "meant"), [(["rnu"], "run"), (["statsu"], "status"), (["party", "jion"], "join"), (["auditt"], "audit")]
)
def test_unknown_command_names_the_nearest(typed: list[str], meant: str) -> None:
    en, zh = vfl(*typed), vfl(*typed, lang="zh")
    assert en.exit_code == zh.exit_code == 2
    assert re.search(rf"did you mean .*\b{meant}\b", en.stderr)
    assert "是否想输入" in zh.stderr
    assert meant in zh.stderr


def test_unknown_command_far_from_all_points_to_the_list() -> None:
    assert "`vfl --help` lists them" in vfl("xyzzy").stderr


def test_unknown_option_names_the_nearest() -> None:
    result = vfl("demo", "--tree", "3")
    assert result.exit_code == 2
    assert "--trees" in result.stderr
    assert "没有选项 --tree" in vfl("demo", "--tree", "3", lang="zh").stderr


def test_missing_argument_is_named_in_the_readers_language() -> None:
    assert "缺少" in vfl("plan", lang="zh").stderr
    assert "is missing" in vfl("init", "views").stderr


def test_wrong_value_of_an_option_is_named() -> None:
    result = vfl("init", "views", "--role", "banc")
    assert result.exit_code == 2
    assert "--role" in result.stderr


def test_no_command_prints_help_and_fails() -> None:
    result = vfl()
    assert result.exit_code == 2
    assert "From nothing to a joint model" in result.stderr
    assert "[USAGE]" not in result.stderr


def test_short_help_option_is_known() -> None:
    assert vfl("-h").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("plan", "{missing}.toml"), 2, "CONFIG_NOT_FOUND"),
        (("init", "views", "{missing}.csv", "--role", "bank"), 3, "FILE_MISSING"),
        (("audit", "show", "{missing}.jsonl"), 3, "AUDIT_FILE"),
        (("party", "join"), 2, "INVITATION_NEEDED"),
        (("party", "join", "nonsense"), 2, "INVITATION_UNREADABLE"),
        (("sim", "{missing}.toml", "--bank-views", "a", "--platform-views", "b"), 2, "CONFIG_NOT_FOUND"),
        (("status", "--node", "{missing}.toml"), 2, "CONFIG_NOT_FOUND"),
    ],
)
def test_our_errors_have_code_cure_and_status_of_their_class(
    arguments: tuple[str, ...], status: int, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [a.replace("{missing}", "no-such") for a in arguments]
    en, zh = vfl(*given), vfl(*given, lang="zh")
    assert en.exit_code == zh.exit_code == status
    assert f"[{code}]" in en.stderr
    assert "Cure:" in en.stderr
    assert "处理办法" in zh.stderr
