"""The examples of ``docs/data.md`` work as they stand."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from vfl.config.job import JobSpec
from vfl.config.time import TimeSpec
from vfl.data.consent import ConsentBook
from vfl.data.schema import Choice, FeatureSpec, Use, ViewSpec
from vfl.data.table import load_view
from vfl.data.views import load_views
from vfl.roles import RoleName

GUIDE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
FILES = re.findall(r"^```(?:csv|toml) (\S+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the guide, in the folder in which its programs run."""
    for name, text in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_tables_and_views(folder: Path) -> None:
    views = load_views(folder / "bank-views.toml", role=RoleName.BANK)
    table = load_view(views, "main", role=RoleName.BANK, use=Use.SCORING)
    assert [feature.name for feature in table.features] == ["industry", "utilisation", "overdue_times_24m"]
    assert table.numeric("overdue_times_24m").tolist()[0] == 0
    assert table.report.features[2].missing == 1


def test_consents(folder: Path) -> None:
    views = load_views(folder / "platform-views.toml", role=RoleName.PLATFORM)
    ids = load_view(views, "main", role=RoleName.PLATFORM, use=Use.SCORING).ids
    book = ConsentBook.load(views)
    before, after = dt.date(2025, 6, 29), dt.date(2025, 6, 30)
    assert book.permitted(ids, "bank-a", "credit-modelling", before).tolist() == [True, True]
    assert book.permitted(ids, "bank-a", "credit-modelling", after).tolist() == [False, True]


@pytest.mark.parametrize("program", PROGRAMS, ids=["generate", "starter", "look"])
def test_programs(folder: Path, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(program, "docs/data.md", "exec"), {})
    assert capsys.readouterr().out


def test_every_key_of_a_view_is_explained() -> None:
    for key in {*ViewSpec.__dataclass_fields__} - {"name", "features"}:
        assert f"`{key}`" in GUIDE
    for key in {*FeatureSpec.__dataclass_fields__} - {"name", "missing_numbers"}:
        assert f"| `{key}` |" in GUIDE
    for key in TimeSpec.__dataclass_fields__:
        assert re.search(rf"^{key} = ", GUIDE, re.MULTILINE)


def test_the_part_of_a_job_and_the_owners_bins(folder: Path) -> None:
    head = "\n".join(f'{key} = "x"' for key in ("name", "bank", "bank_view", "platform_view"))
    text = f'[job]\n{head}\nplatforms = ["p"]\nas_of = 2026-07-01\n' + (folder / "job-part.toml").read_text()
    spec = JobSpec.parse(text)
    assert (spec.periods, spec.time.refuses) == (18, True)
    arrears, breaches, title = load_views(folder / "own-bins.toml", role=RoleName.PLATFORM).views["main"].features
    assert (arrears.specials, arrears.cuts) == (((-8.0,), (-1.0, -2.0)), (1.0, 10_000.0, 100_000.0))
    assert (arrears.fixed, arrears.trend, breaches.choice) == (True, "ascending", Choice.DROP)
    assert (title.groups, title.choice) == ((("high_tech", "little_giant"), ("none",)), Choice.KEEP)
