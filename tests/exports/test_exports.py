"""Every export gives the card's own points, on every cut and its neighbours, specials, missing and unseen values."""

from __future__ import annotations

import csv
import json
import math
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.scorecards import SCALING, Fitted, Table, hard_rows

from vfl.core.card_feature import CardFeature, CategoryRule, NumericRule, ReasonText
from vfl.core.reasons import reasons
from vfl.core.scorecard import Scaling, Scorecard
from vfl.errors import ConfigError, DataError
from vfl.report.exports import (
    ExportFormat,
    card_from_json,
    card_to_json,
    card_to_onnx,
    card_to_pmml,
    card_to_script,
    card_to_sql,
    write_export,
    write_parts,
)

ODD_NAME = 'q"u; DROP TABLE firms --\''


def plain(table: Table, column: str) -> list[Any]:
    """The column with None for missing, as databases hold it."""
    return [None if isinstance(v, float) and math.isnan(v) else v for v in (
        table[column].tolist() if isinstance(table[column], np.ndarray) else table[column]
    )]  # fmt: skip


def by_sqlite(card: Scorecard, table: Table, *, probability: bool = False) -> list[tuple[Any, ...]]:
    """Rows of the exported query, in the order of the keys."""
    data = sqlite3.connect(":memory:")
    data.create_function("EXP", 1, math.exp)
    quoted = [name.replace('"', '""') for name in card.columns]
    kinds = ["REAL" if isinstance(f.rule, NumericRule) else "TEXT" for f in card.known]
    columns = ", ".join(f'"{name}" {kind}' for name, kind in zip(quoted, kinds, strict=True))
    data.execute(f"CREATE TABLE firms (uscc INTEGER, {columns})")
    rows = list(zip(*(plain(table, name) for name in card.columns), strict=True))
    marks = ", ".join("?" * (len(quoted) + 1))
    data.executemany(f"INSERT INTO firms VALUES ({marks})", [(i, *row) for i, row in enumerate(rows)])
    query = card_to_sql(card, probability=probability).rstrip().rstrip(";")
    return data.execute(f"SELECT * FROM ({query}) ORDER BY uscc").fetchall()


def test_sql_gives_the_same_points(fitted: Fitted) -> None:
    rows = hard_rows(fitted.card, 1000, 2)
    told = by_sqlite(fitted.card, rows)
    assert [r[-1] for r in told] == fitted.card.score(rows).tolist()
    assert [list(r[1:-1]) for r in told] == fitted.card.points(rows).tolist()


def test_sql_gives_the_same_probability(fitted: Fitted) -> None:
    rows = hard_rows(fitted.card, 100, 4)
    told = by_sqlite(fitted.card, rows, probability=True)
    expected = fitted.card.probability(fitted.card.score(rows))
    assert [r[-1] for r in told] == pytest.approx(expected, abs=1e-12)


def test_sql_of_a_part_gives_points_and_no_score(fitted: Fitted) -> None:
    part = fitted.card.part("platform")
    rows = hard_rows(part, 50, 4)
    assert [r[-1] for r in by_sqlite(part, rows)] == part.points(rows).sum(axis=1).tolist()
    assert "AS points\n" in card_to_sql(part)
    assert "score" not in card_to_sql(part)
    with pytest.raises(DataError, match="SCORECARD_PART"):
        card_to_sql(part, probability=True)


def small_card(name: str, rule: NumericRule | CategoryRule, bins: int) -> Scorecard:
    feature = CardFeature(
        "bank", 1, name, rule, (*(0.1 * b for b in range(bins)), 0.0), (*(7 * b - 9 for b in range(bins)), 0),
        ReasonText.of("bank", 1, name),
    )  # fmt: skip
    return Scorecard(Scaling(), "bank", 500, (feature,))


@given(st.lists(st.floats(-1e9, 1e9, allow_subnormal=False), unique=True, min_size=1, max_size=6), st.data())
@settings(max_examples=40, deadline=None)
def test_sql_and_script_read_each_number_exactly(edges: list[float], data: st.DataObject) -> None:
    # SQLite reads about one decimal in 10,000 a last bit off; a cut so read is the engine's, not ours.
    reader = sqlite3.connect(":memory:")
    assume(all(reader.execute(f"SELECT {edge!r}").fetchone() == (edge,) for edge in edges))
    ordered = tuple(sorted(edges))
    bins = tuple(range(len(ordered) + 1))
    specials = ((data.draw(st.sampled_from((-999.0, 0.1 + 0.2, 1e-7))), 0),)
    card = small_card(ODD_NAME, NumericRule(ordered, bins, specials, len(bins)), len(bins))
    rows = hard_rows(card, 5, 0)
    expected = card.score(rows).tolist()
    space: dict[str, Any] = {}
    exec(compile(card_to_script(card), "score.py", "exec"), space)
    assert [space["score"]({ODD_NAME: v}) for v in rows[ODD_NAME].tolist()] == expected
    assert [r[-1] for r in by_sqlite(card, rows)] == expected


@given(st.lists(st.text(min_size=0, max_size=6).filter(lambda t: "\0" not in t), unique=True, min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_sql_and_json_carry_any_level(levels: list[str]) -> None:
    levels = [level for level in levels if not any("\ud800" <= c <= "\udfff" for c in level)] or ["a"]
    rule = CategoryRule(tuple((level, i) for i, level in enumerate(levels)), len(levels), 0)
    card = small_card("k'ind", rule, len(levels))
    rows: Table = {"k'ind": [*levels, None, "other"]}
    assert [r[-1] for r in by_sqlite(card, rows)] == card.score(rows).tolist()
    assert card_from_json(card_to_json(card)) == card


def test_json_round_trip(fitted: Fitted) -> None:
    for card in (fitted.card, fitted.card.part("bank"), fitted.card.part("platform")):
        text = card_to_json(card)
        assert card_from_json(text) == card
        assert card_to_json(card_from_json(text)) == text
    rows = hard_rows(fitted.card, 300, 8)
    assert np.array_equal(card_from_json(card_to_json(fitted.card)).score(rows), fitted.card.score(rows))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s | {"format": "vfl-scorecard/2"},
        lambda s: {k: v for k, v in s.items() if k != "start"},
        lambda s: s | {"scaling": {"base_points": 600, "base_odds": 50, "pdo": 0}},
        lambda s: s | {"features": [s["features"][0] | {"points": [1]}, *s["features"][1:]]},
        lambda s: s | {"features": [*s["features"], s["features"][0]]},
        lambda s: [s],
    ],
)
def test_broken_files_are_refused(fitted: Fitted, change: Any) -> None:
    state = json.loads(card_to_json(fitted.card))
    with pytest.raises(DataError, match="SCORECARD_FILE"):
        card_from_json(json.dumps(change(state)))
    with pytest.raises(DataError, match="SCORECARD_FILE"):
        card_from_json("no json")


def run_script(path: Path, card: Scorecard, rows: Table, tmp_path: Path) -> list[dict[str, str]]:
    table = tmp_path / "firms.csv"
    with table.open("w", newline="", encoding="utf-8-sig") as out:
        writer = csv.writer(out)
        writer.writerow(card.columns)
        writer.writerows(
            ["" if v is None else repr(v) if isinstance(v, float) else v for v in row]
            for row in zip(*(plain(rows, c) for c in card.columns), strict=True)
        )
    # -I -S: no site-packages, no working directory: the standard library alone.
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(path), str(table)], capture_output=True, check=True, encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
    )  # fmt: skip
    return list(csv.DictReader(done.stdout.splitlines(keepends=True)))


def test_script_scores_a_file_without_dependencies(fitted: Fitted, tmp_path: Path) -> None:
    rows = hard_rows(fitted.card, 200, 6)
    path = write_export(fitted.card, ExportFormat.PYTHON, tmp_path)
    told = run_script(path, fitted.card, rows, tmp_path)
    score = fitted.card.score(rows)
    assert [int(r["score"]) for r in told] == score.tolist()
    assert [float(r["probability"]) for r in told] == pytest.approx(fitted.card.probability(score), abs=1e-12)
    expected = reasons(fitted.card.points(rows), fitted.card.known)
    assert [r["reasons"] for r in told] == [" ".join(reason.code for reason in row) for row in expected]


def test_script_of_a_part_tells_points_only(fitted: Fitted, tmp_path: Path) -> None:
    part = fitted.card.part("platform")
    rows = hard_rows(part, 20, 6)
    told = run_script(write_export(part, ExportFormat.PYTHON, tmp_path), part, rows, tmp_path)
    assert [int(r["points"]) for r in told] == part.points(rows).sum(axis=1).tolist()
    assert "score" not in told[0]
    assert "probability" not in told[0]


def test_script_names_what_is_wrong_with_a_table(fitted: Fitted, tmp_path: Path) -> None:
    path = write_export(fitted.card, ExportFormat.PYTHON, tmp_path)
    for text, words in (("debt,kind\n1,a\n", "tax, staff"), ("debt,kind,tax,staff\n1,a,2,many\n", "row 2")):
        (tmp_path / "bad.csv").write_text(text)
        done = subprocess.run(
            [sys.executable, str(path), str(tmp_path / "bad.csv")], capture_output=True, check=False, text=True
        )
        assert done.returncode == 3
        assert words in done.stderr
        assert "many" not in done.stderr


def test_parts_are_written_for_their_owners(fitted: Fitted, tmp_path: Path) -> None:
    paths = write_parts(fitted.card, tmp_path)
    assert {owner: card_from_json(p.read_text()) for owner, p in paths.items()} == {
        owner: fitted.card.part(owner) for owner in ("bank", "platform")
    }


def test_onnx_without_the_extra_says_what_to_install(fitted: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match="ONNX_MISSING"):
        card_to_onnx(fitted.card)


def test_pmml_and_sql_refuse_what_they_cannot_carry() -> None:
    card = small_card("kind", CategoryRule((("a\0b", 0),), 1, 1), 1)
    for export in (card_to_pmml, card_to_sql):
        with pytest.raises(DataError):
            export(card)


def test_scaling_is_told_in_words(fitted: Fitted) -> None:
    assert f"base {SCALING.base_points:g} points" in card_to_sql(fitted.card)
