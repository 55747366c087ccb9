"""Windows, snapshots and look-ahead: which rows a job gets, and what it is told of the others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vfl.config.job import JobSpec
from vfl.config.time import TimeSpec, add_months, month_number
from vfl.core.uscc import make_uscc
from vfl.data import Dataset, Use, load_view, load_views
from vfl.data.quality import LeftOut
from vfl.data.timing import months_after
from vfl.errors import ConfigError, DataError
from vfl.roles import RoleName

TODAY = dt.date(2026, 7, 1)
CODES = [make_uscc(f"91350100{n:08d}") for n in range(200)]
WINDOW = TimeSpec(dt.date(2024, 1, 1), dt.date(2025, 6, 30), performance_months=12)
BANK = 'source = "t.csv"\nid = "uscc"\nlabel = "y"\nobserved_on = "day"\n'
PLATFORM = 'source = "t.csv"\nid = "uscc"\nas_of = "day"\n'
HEADER = "uscc,y,day,until,amount\n"


def load(folder: Path, head: str, rows: list[str], *, role: RoleName, **more: Any) -> Dataset:
    (folder / "t.csv").write_text(HEADER + "\n".join(rows) + "\n")
    feature = 'amount = { kind = "numeric", signed_off = ["FEATURE_IDENTIFIER"] }'
    (folder / "views.toml").write_text(f"[views.t]\n{head}[views.t.features]\n{feature}\n")
    views = load_views(folder / "views.toml", role=role)
    return load_view(views, "t", role=role, today=TODAY, **{"cutoff": TODAY, **more})


def loans(days: list[str], until: str = "") -> list[str]:
    return [f"{CODES[n]},{n % 2},{day},{until},{n}" for n, day in enumerate(days)]


DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))


@given(DAYS, st.integers(0, 120))
def test_months_are_added_alike_for_one_day_and_for_a_column(day: dt.date, months: int) -> None:
    later = add_months(day, months)
    assert months_after(np.array([day], dtype="datetime64[D]"), months).tolist() == [later]
    assert month_number(later) == month_number(day) + months
    assert later.day == day.day or (later + dt.timedelta(days=1)).day == 1


def test_rows_outside_the_window_are_left_out_and_counted(tmp_path: Path) -> None:
    days = ["2023-12-31"] * 7 + ["2024-01-01", "2025-06-30"] * 80 + ["2025-07-01"] * 5
    data = load(tmp_path, BANK, loans(days), role=RoleName.BANK, time=WINDOW)
    assert data.ids == CODES[7:167]
    assert data.observed_on is not None
    assert data.observed_on.tolist() == [dt.date(2024, 1, 1), dt.date(2025, 6, 30)] * 80
    assert data.numeric("amount").tolist() == list(range(7, 167))
    assert data.report.left_out == {LeftOut.OUTSIDE_WINDOW: 12}
    assert "12 rows left out: observed outside the job's window" in data.report.lines("en")
    assert "剔除 12 行：观察日不在任务的观察窗口内" in data.report.lines("zh")


def test_labels_that_are_not_final_are_refused_or_left_out(tmp_path: Path) -> None:
    rows = loans(["2025-06-30"] * 150 + ["2025-07-02"] * 10)
    months = TimeSpec(performance_months=12)
    with pytest.raises(DataError, match="LABEL_IMMATURE") as caught:
        load(tmp_path, BANK, rows, role=RoleName.BANK, time=months)
    assert (caught.value.place.row, caught.value.place.column) == (152, "day")  # type: ignore[union-attr]
    data = load(tmp_path, BANK, rows, role=RoleName.BANK, time=TimeSpec(performance_months=12, look_ahead="leave-out"))
    assert (len(data), data.report.left_out) == (150, {LeftOut.LABEL_IMMATURE: 10})
    assert len(load(tmp_path, BANK, rows, role=RoleName.BANK, time=months, use=Use.SCORING)) == 160  # no label is read


def test_a_platforms_single_snapshots_are_from_before_the_window(tmp_path: Path) -> None:
    rows = loans(["2024-01-01"] * 150 + ["2024-01-02"] * 3)
    with pytest.raises(DataError, match="SNAPSHOT_LOOKAHEAD") as caught:
        load(tmp_path, PLATFORM, rows, role=RoleName.PLATFORM, time=WINDOW)
    assert (caught.value.place.row, caught.value.place.column) == (152, "day")  # type: ignore[union-attr]
    lenient = TimeSpec(WINDOW.observed_from, WINDOW.observed_until, look_ahead="leave-out")
    data = load(tmp_path, PLATFORM, rows, role=RoleName.PLATFORM, time=lenient)
    assert (len(data), data.report.left_out) == (150, {LeftOut.SNAPSHOT_LOOKAHEAD: 3})
    assert len(load(tmp_path, PLATFORM, rows, role=RoleName.PLATFORM)) == 153  # no window: the job's day alone counts


HISTORY = PLATFORM + 'valid_until = "until"\nhistory = true\n'


def history() -> list[str]:
    """Firm 0: three snapshots; firm 1: one that ended; firm 2: a later one only; the others: one each."""
    some = [
        (0, "2024-03-31", "", 30), (0, "2023-12-31", "2024-03-30", 10), (0, "2024-06-30", "", 60),
        (1, "2023-11-30", "2023-12-31", 11), (2, "2025-01-31", "", 12),
    ]  # fmt: skip
    rows = [f"{CODES[n]},0,{day},{until},{amount}" for n, day, until, amount in some]
    return rows + [f"{CODES[n]},0,2023-10-31,,{n}" for n in range(3, 150)]


def test_of_several_snapshots_the_newest_that_holds_on_the_day_is_taken(tmp_path: Path) -> None:
    data = load(tmp_path, HISTORY, history(), role=RoleName.PLATFORM, time=WINDOW)
    assert data.ids == [CODES[0], *CODES[3:150]]
    assert data.numeric("amount")[0] == 10
    assert data.report.left_out == {LeftOut.SNAPSHOT_EXPIRED: 1, LeftOut.SNAPSHOT_LATER: 3}
    today = load(tmp_path, HISTORY, history(), role=RoleName.PLATFORM)
    assert today.ids == [CODES[0], *CODES[2:150]]
    assert today.numeric("amount")[:2].tolist() == [60, 12]
    assert today.report.left_out == {LeftOut.SNAPSHOT_OLDER: 2, LeftOut.SNAPSHOT_EXPIRED: 1}


MONTHLY = TimeSpec(dt.date(2024, 1, 1), dt.date(2024, 12, 31), snapshots="monthly")


def days_of(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


def test_features_are_taken_as_known_on_each_firms_day(tmp_path: Path) -> None:
    data = load(tmp_path, HISTORY, history(), role=RoleName.PLATFORM, time=MONTHLY)
    place = {code: row for row, code in enumerate(data.ids)}
    assert CODES[2] not in place  # nothing is known of it in the whole window
    rows = np.array([place[CODES[n]] for n in (0, 1, 5)])
    for day, amounts in (
        ("2024-01-01", [10, np.nan, 5]), ("2024-04-01", [30, np.nan, 5]), ("2024-12-01", [60, np.nan, 5]),
    ):  # fmt: skip
        got = data.take_as_of(rows, days_of(day, day, day), refuse=True)
        np.testing.assert_array_equal(got.numeric("amount"), amounts)
        assert got.ids == [CODES[0], CODES[1], CODES[5]]
    got = data.take_as_of(rows[[0, 0, 0]], days_of("2024-02-01", "2024-07-01", "2024-03-31"), refuse=True)
    assert got.numeric("amount").tolist() == [10, 60, 30]


def test_a_single_snapshot_from_after_its_firms_day_is_refused_or_missing(tmp_path: Path) -> None:
    rows = loans(["2024-05-31"] * 150)
    data = load(tmp_path, PLATFORM, rows, role=RoleName.PLATFORM, time=MONTHLY)
    days = days_of("2024-06-01", "2024-05-01")
    with pytest.raises(DataError, match="SNAPSHOT_LOOKAHEAD") as caught:
        data.take_as_of(np.array([4, 7]), days, refuse=True)
    assert (caught.value.place.row, caught.value.place.column) == (9, "day")  # type: ignore[union-attr]
    got = data.take_as_of(np.array([4, 7]), days, refuse=False)
    np.testing.assert_array_equal(got.numeric("amount"), [4, np.nan])
    undated = load(tmp_path, PLATFORM.replace('as_of = "day"\n', ""), rows, role=RoleName.PLATFORM)
    with pytest.raises(ConfigError, match="SNAPSHOT_UNDATED"):
        undated.take_as_of(np.array([0]), days[:1], refuse=True)


def test_weights_follow_their_rows(tmp_path: Path) -> None:
    days = ["2025-06-30"] * 120 + ["2020-01-01"] * 4 + ["2025-06-30"] * 30
    head = BANK + 'weight = "until"\n'
    data = load(tmp_path, head, [
        row.replace(",,", f",{0.5 + n / 100},") for n, row in enumerate(loans(days))
    ], role=RoleName.BANK, time=WINDOW, weight_limit=3)  # fmt: skip
    assert data.weights is not None
    kept = [n for n, day in enumerate(days) if day > "2024"]
    assert data.weights.expose().tolist() == [0.5 + n / 100 for n in kept]
    assert data.take([3, 1]).weights.expose().tolist() == [0.53, 0.51]  # type: ignore[union-attr]


JOB = """\
[job]
name = "t"
bank = "b"
platforms = ["p"]
bank_view = "main"
platform_view = "main"
as_of = 2026-07-01
{more}
"""
OF_TIME = "[time]\nobserved_from = 2024-01-01\nobserved_until = 2025-06-30\n"


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("JOB_TIME_WINDOW", "[time]\nobserved_from = 2024-01-01"),
        ("JOB_TIME_WINDOW", '[time]\nsnapshots = "monthly"'),
        ("JOB_TIME_WINDOW", "[time]\nobserved_from = 2025-01-01\nobserved_until = 2024-12-31"),
        ("JOB_TIME_WINDOW", "[time]\nobserved_from = 2025-01-01\nobserved_until = 2026-07-02"),
        ("JOB_TIME_WINDOW", "[time]\nobserved_from = 2015-01-01\nobserved_until = 2025-12-31"),
        ("JOB_TIME_IMMATURE", OF_TIME + "performance_months = 13"),
        ("JOB_OUT_OF_TIME", OF_TIME + "[sample]\nout_of_time_from = 2024-01-01"),
        ("JOB_OUT_OF_TIME", OF_TIME + "[sample]\nout_of_time_from = 2025-07-01"),
        ("JOB_OUT_OF_TIME", "[sample]\nout_of_time_from = 2025-07-01\nout_of_time = 0.2"),
        ("JOB_OUT_OF_TIME", OF_TIME + 'snapshots = "monthly"\n[sample]\nout_of_time_from = 2025-01-15'),
        ("CONFIG_CHOICE", '[time]\nlook_ahead = "ignore"'),
        ("CONFIG_UNKNOWN_KEY", "[time]\nobserved = 2024-01-01"),
        ("CONFIG_TYPE", '[time]\nobserved_from = "2024-01-01"'),
    ],
)
def test_contradictory_windows_are_refused(code: str, more: str) -> None:
    with pytest.raises(ConfigError, match=code):
        JobSpec.parse(JOB.format(more=more))


@pytest.mark.parametrize(
    ("periods", "more"),
    [
        (0, ""),
        (0, OF_TIME + "performance_months = 12"),
        (2, "[sample]\nout_of_time = 0.2"),
        (2, OF_TIME + "[sample]\nout_of_time_from = 2025-03-15"),
        (18, OF_TIME + 'snapshots = "monthly"'),
        (18, OF_TIME + 'snapshots = "monthly"\n[sample]\nout_of_time_from = 2025-03-01'),
        (0, OF_TIME + 'snapshots = "monthly"\n[score]\nmodel = "job-0"'),
    ],
)
def test_how_many_periods_the_bank_tells(periods: int, more: str) -> None:
    assert JobSpec.parse(JOB.format(more=more)).periods == periods
