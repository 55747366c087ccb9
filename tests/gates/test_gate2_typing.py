"""Gate 2, not sendable: the type checker refuses what must not leave, line by line.

``tests/typing/fails_*.py`` mark each line that must fail; ``passes.py`` must not. One run of mypy judges them all.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TYPING = ROOT / "tests" / "typing"
_ERROR = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: (?P<text>.*)$")

Line = tuple[str, int]


def mypy(files: Sequence[Path]) -> dict[Line, str]:
    """Errors by (file name, line); several of one line joined."""
    options = ["--no-error-summary", "--no-pretty", "--warn-unreachable"]
    command = [sys.executable, "-m", "mypy", *options, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    errors: dict[Line, str] = {}
    for line in done.stdout.splitlines():
        if found := _ERROR.match(line):
            where = Path(found["file"]).name, int(found["line"])
            errors[where] = errors.get(where, "") + found["text"]
    return errors


def expected(path: Path) -> Iterator[tuple[Line, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if "# E: " in line:
            yield (path.name, number), line.partition("# E: ")[2].strip()


PLANTED = "fails_planted.py"


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[Line, str]:
    planted = tmp_path_factory.mktemp("typing") / PLANTED
    planted.write_text("x: int = 1  # E: Incompatible types\n", encoding="utf-8")
    return mypy([*sorted(TYPING.glob("*.py")), planted])


CASES = [case for path in sorted(TYPING.glob("fails_*.py")) for case in expected(path)]


@pytest.mark.parametrize(("where", "text"), CASES, ids=[f"{name}:{line}" for (name, line), _ in CASES])
def test_the_line_is_refused(errors: dict[Line, str], where: Line, text: str) -> None:
    assert text in errors.get(where, "no error")


def test_nothing_else_is_refused(errors: dict[Line, str]) -> None:
    assert {where: text for where, text in errors.items() if where not in dict(CASES)} == {}
    assert len(CASES) > 25


def test_a_mark_on_a_sound_line_finds_no_error(errors: dict[Line, str]) -> None:
    """The check itself can fail."""
    assert (PLANTED, 1) not in errors
