"""Views, tables, quality: what is read, what is kept, what is reported."""

from __future__ import annotations

import datetime as dt
import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from vfl.core.uscc import make_uscc
from vfl.data import Dataset, FeatureKind, Use, load_view, load_views
from vfl.data.starter import starter_views
from vfl.errors import ConfigError, DataError, LocalProtocolError
from vfl.roles import RoleName

TODAY = dt.date(2026, 7, 1)
CODES = [make_uscc(f"91350100{n:08d}") for n in range(240)]
VIEWS = """
[views.t]
source = "t.csv"
id = "uscc"
label = "y"
missing = ["NA"]
{more}
[views.t.features]
amount = {{ kind = "numeric", missing = [-999, "unknown"], sensitivity = 4, item = "tax.arrears" {amount} }}
region = {{ kind = "categorical", missing = [0] }}
"""
EXTENSION = """
[extension]
extends = "guobanfa-2024-15"
region = "330000"
version = "2025.1"
zh = "浙江省"
en = "Zhejiang"
[items."utilities.heating"]
zh = "供热信息"
en = "Heating bills"
content = ["供热欠费金额"]
level = "local"
mode = "physical"
departments = ["local"]
[terms]
"供热欠费金额" = "Heating in arrears"
"""
Rows = list[list[str]]


def rows() -> Rows:
    return [[code, str(int(n % 3 == 0)), str(n % 50 - 3.5), f"R{n % 4}"] for n, code in enumerate(CODES)]


def load(
    folder: Path, table: Rows, *, more: str = "", amount: str = "", use: Use = Use.TRAINING, role: str = "bank"
) -> Dataset:
    text = VIEWS.format(more=more, amount=amount)
    if role == "platform":
        text = text.replace('label = "y"\n', "")
    (folder / "views.toml").write_text(text)
    (folder / "t.csv").write_text("uscc,y,amount,region\n" + "".join(",".join(row) + "\n" for row in table))
    views = load_views(folder / "views.toml", role=RoleName(role))
    return load_view(views, "t", role=RoleName(role), use=use, today=TODAY)


def test_views_are_what_was_declared_and_frozen(tmp_path: Path) -> None:
    load(tmp_path, rows())
    view = load_views(tmp_path / "views.toml", role=RoleName.BANK).views["t"]
    amount, region = view.features
    assert (view.id, view.label, view.source) == ("uscc", "y", tmp_path / "t.csv")
    assert (amount.kind, amount.sensitivity, amount.item) == (FeatureKind.NUMERIC, 4, "tax.arrears")
    assert amount.missing == ("NA", "-999", "unknown")
    assert amount.missing_numbers == (-999.0,)
    assert (region.kind, region.sensitivity, region.item) == (FeatureKind.CATEGORICAL, 3, None)
    with pytest.raises(FrozenInstanceError):
        view.id = "y"  # type: ignore[misc]


def test_a_feature_names_an_item_of_the_catalogue_or_of_a_declared_extension(tmp_path: Path) -> None:
    load(tmp_path, rows())
    path = tmp_path / "views.toml"
    text = path.read_text().replace("tax.arrears", "utilities.heating")
    path.write_text(text)
    with pytest.raises(ConfigError, match="CATALOGUE_ITEM_UNKNOWN") as caught:
        load_views(path, role=RoleName.BANK)
    assert caught.value.place is not None
    assert caught.value.place.column == "views.t.features.amount.item"
    (tmp_path / "region.toml").write_text(EXTENSION, encoding="utf-8")
    path.write_text('catalogue_extensions = ["region.toml"]\n' + text)
    assert load_views(path, role=RoleName.BANK).views["t"].features[0].item == "utilities.heating"


def test_cells_become_numbers_categories_and_labels(tmp_path: Path) -> None:
    table = rows()
    for n, cell in enumerate(("", " NA ", "-999.0", "unknown", " 1.5 ", "1e3", "+7", "-0.25")):
        table[n][2] = cell
    for n, cell in enumerate(("", "NA", "0", " R9 ")):
        table[n][3] = cell
    data = load(tmp_path, table)
    np.testing.assert_array_equal(data.numeric("amount")[:8], [np.nan] * 4 + [1.5, 1000, 7, -0.25])
    codes, levels = data.categorical("region")
    assert levels == ["R0", "R1", "R2", "R3", "R9"]
    assert codes[:5].tolist() == [-1, -1, -1, 4, 0]
    assert codes.dtype == np.int32
    assert data.labels is not None
    assert data.labels.expose().dtype == np.uint8
    assert data.labels.expose().tolist() == [int(n % 3 == 0) for n in range(240)]


def test_codes_of_categories_do_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    one = load(tmp_path, rows())
    other = load(tmp_path, rows()[::-1])
    np.testing.assert_array_equal(one.categorical("region")[0], other.categorical("region")[0][::-1])


def test_what_is_not_declared_is_not_read(tmp_path: Path) -> None:
    data = load(tmp_path, rows(), role="platform")
    assert data.labels is None
    assert [feature.name for feature in data.features] == ["amount", "region"]


def test_take_follows_indices_and_masks(tmp_path: Path) -> None:
    data = load(tmp_path, rows())
    order = np.array([5, 0, 7])
    taken = data.take(order)
    assert taken.ids == [CODES[5], CODES[0], CODES[7]]
    np.testing.assert_array_equal(taken.numeric("amount"), data.numeric("amount")[order])
    np.testing.assert_array_equal(taken.categorical("region")[0], data.categorical("region")[0][order])
    assert taken.labels is not None
    assert taken.labels.expose().tolist() == [0, 1, 0]
    mask = np.zeros(240, dtype=bool)
    mask[[0, 5, 7]] = True
    assert data.take(mask).ids == [CODES[0], CODES[5], CODES[7]]


def test_a_dataset_is_not_shown_or_pickled(tmp_path: Path) -> None:
    data = load(tmp_path, rows())
    assert repr(data) == "<dataset t: 240 rows, 2 features>"
    with pytest.raises(LocalProtocolError):
        pickle.dumps(data)


def test_quarantine_leaves_out_faulty_and_doubled_codes_and_counts_them(tmp_path: Path) -> None:
    table = rows()
    table[3][0] = "9.1E+17"
    table[4][0] = table[4][0][:17] + ("A" if table[4][0][17] != "A" else "B")
    table[4][2] = "never read"
    table[6][0] = table[5][0].lower()
    data = load(tmp_path, table, more='bad_codes = "quarantine"')
    assert data.ids == [code for n, code in enumerate(CODES) if n not in (3, 4, 5, 6)]
    assert len(data.numeric("amount")) == 236
    assert data.report.quarantined == {"USCC_CHECK": 1, "USCC_DUPLICATE": 2, "USCC_SCIENTIFIC": 1}


def test_the_report_counts_in_both_languages(tmp_path: Path) -> None:
    table = rows()
    for row in table[:24]:
        row[2] = ""
    report = load(tmp_path, table).report
    amount, region = report.features
    assert (report.rows, report.events) == (240, 80)
    assert (amount.missing, amount.missing_share, amount.distinct) == (24, 0.1, 50)
    assert (region.missing, region.distinct) == (0, 4)
    assert report.lines("en")[:2] == ["t: 240 rows, 80 events", "amount: 10.0% missing, 50 distinct values"]
    assert report.lines("zh")[:2] == ["t：240 行，坏样本 80", "amount：缺失 10.0%，不同取值 50 个"]


@pytest.mark.parametrize(("column", "form"), [("opened", "YYYYMMDD"), ("open_date", "Excel")])
def test_numbers_that_look_like_dates_are_warned_of(tmp_path: Path, column: str, form: str) -> None:
    lines = [
        f"{code},{n % 2}," + (f"2025{1 + n % 12:02d}{1 + n % 28:02d}" if form == "YYYYMMDD" else f"{45000 + n % 89}")
        for n, code in enumerate(CODES)
    ]
    (tmp_path / "t.csv").write_text(f"uscc,y,{column}\n" + "\n".join(lines))
    (tmp_path / "views.toml").write_text(
        '[views.t]\nsource = "t.csv"\nid = "uscc"\nlabel = "y"\n'
        f'[views.t.features]\n{column} = {{ kind = "numeric" }}\n'
    )
    data = load_view(load_views(tmp_path / "views.toml", role=RoleName.BANK), "t", role=RoleName.BANK)
    (warned,) = data.report.features[0].warnings
    assert warned.code == "FEATURE_DATE_NUMBER"
    assert form in warned.en
    assert form in warned.zh


def test_signing_off_lets_a_feature_in(tmp_path: Path) -> None:
    table = rows()
    for n, row in enumerate(table):
        row[2] = str(int(n % 3 == 0))
    with pytest.raises(DataError, match="FEATURE_IS_LABEL"):
        load(tmp_path, table)
    data = load(tmp_path, table, amount=', signed_off = ["FEATURE_IS_LABEL"]')
    assert data.numeric("amount").sum() == 80


def test_a_strong_feature_below_the_limit_needs_no_signature(tmp_path: Path) -> None:
    table = rows()
    for n, row in enumerate(table):
        row[2] = str(12.5 * (n % 3 == 0) + n % 17)
    assert len(load(tmp_path, table)) == 240


def test_one_value_beside_missing_ones_is_not_constant(tmp_path: Path) -> None:
    table = rows()
    for n, row in enumerate(table):
        row[2] = "1" if n % 5 else ""
    assert load(tmp_path, table).report.features[0].distinct == 1


def test_scoring_reads_no_label_and_takes_a_batch_of_one(tmp_path: Path) -> None:
    data = load(tmp_path, rows()[:1], use=Use.SCORING)
    assert (len(data), data.labels) == (1, None)


def test_starter_views_load_after_a_look(tmp_path: Path) -> None:
    path = tmp_path / "企业.csv"
    header = "行号,统一社会信用代码,y,amount,grade,region,name,day,empty\n"
    lines = "".join(
        f"{n},{code},{n % 2},{'NULL' if n % 9 == 0 else (n * 37 % 101) / 7},{n % 3},R{n % 5},firm {n},{day},\n"
        for n, code in enumerate(CODES)
        for day in [f"2026-01-{1 + n % 28:02d}"]
    )
    path.write_text(header + lines)
    text = starter_views(path, role=RoleName.BANK)
    assert 'id = "统一社会信用代码"' in text
    assert 'label = "y"' in text
    assert 'amount = { kind = "numeric", missing = ["NULL"], sensitivity = 3 }' in text
    assert 'region = { kind = "categorical", sensitivity = 3 }' in text
    for column in ("name", "day", "empty"):
        assert f"\n# {column}: " in text
    (tmp_path / "views.toml").write_text(text)
    views = load_views(tmp_path / "views.toml", role=RoleName.BANK)
    with pytest.raises(DataError, match="FEATURE_IDENTIFIER"):  # the row number, which is for its owner to strike
        load_view(views, "main", role=RoleName.BANK)
    (tmp_path / "views.toml").write_text("\n".join(line for line in text.splitlines() if "行号" not in line))
    data = load_view(load_views(tmp_path / "views.toml", role=RoleName.BANK), "main", role=RoleName.BANK)
    assert [feature.name for feature in data.features] == ["amount", "grade", "region"]
    assert "label" not in starter_views(path, role=RoleName.PLATFORM)
