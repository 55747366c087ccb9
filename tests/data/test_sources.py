"""CSV and Parquet give the same table, in bounded memory, and take what RFC 4180 allows."""

from __future__ import annotations

import datetime as dt
import decimal
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vfl.core.uscc import make_uscc
from vfl.data import Dataset, load_view, load_views
from vfl.data.csv_source import CsvSource
from vfl.data.source import BLOCK_ROWS, open_source
from vfl.roles import RoleName


def rows_of(path: Path, *columns: str, **options: str) -> list[tuple[object, ...]]:
    blocks = open_source(path, **options).blocks(columns)  # type: ignore[arg-type]
    return [row for block in blocks for row in zip(*(block.columns[c] for c in columns), strict=True)]


def numbers_of(path: Path, column: str) -> list[int]:
    return [row for block in open_source(path).blocks([column]) for row in block.rows]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\r\n1,2\r\n", [("1", "2")]),
        (b"a,b\n1,2", [("1", "2")]),
        (b"\xef\xbb\xbfa,b\n1,2\n", [("1", "2")]),
        (b'"a","b"\n"1","x, ""y"""\n', [("1", 'x, "y"')]),
        (b'a,b\n1,"two\r\nlines"\n3,4\n', [("1", "two\r\nlines"), ("3", "4")]),
        (b" a , b \n1,2\n", [("1", "2")]),
        (b"a,extra,b\n1,x,2\n", [("1", "2")]),
        (b"b,a\n2,1\n", [("1", "2")]),
        (b"a,b\n1,2\n\n3,4\n\n", [("1", "2"), ("3", "4")]),
        ("a,b\n1,企业\n".encode(), [("1", "企业")]),
    ],
)
def test_csv_as_the_standard_has_it(tmp_path: Path, content: bytes, expected: list[tuple[str, str]]) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert rows_of(path, "a", "b") == expected


def test_declared_encoding_and_delimiter(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("名称;数\n企业;1\n".encode("gb18030"))
    assert rows_of(path, "名称", "数", encoding="gb18030", delimiter=";") == [("企业", "1")]


def test_row_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'a,b\n1,"two\nlines"\n\n3,4\n')
    assert numbers_of(path, "a") == [2, 4]


def test_blocks_join_into_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    count = 2 * BLOCK_ROWS + 3
    path.write_text("a,b\n" + "".join(f"{n},x\n" for n in range(count)))
    assert [int(str(a)) for (a,) in rows_of(path, "a")] == list(range(count))
    assert numbers_of(path, "a") == list(range(2, count + 2))


def test_extra_columns_may_be_doubled_or_unnamed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b",a,x,x\n0,1,2,3\n")
    assert rows_of(path, "a") == [("1",)]


def test_a_long_file_of_long_cells_passes_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    wide = "x" * 2000
    with path.open("w") as stream:
        stream.write("a,note\n")
        for _ in range(20_000):
            stream.write(f"1,{wide}\n")
    assert path.stat().st_size > 40_000_000
    tracemalloc.start()
    total = sum(len(block.rows) for block in CsvSource(path).blocks(["a"]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 20_000
    assert peak < 25_000_000  # a block or two of 8 MiB and the buffer, not the file


VIEWS = """
[views.t]
source = "{source}"
id = "uscc"
label = "y"
observed_on = "day"
[views.t.features]
amount = {{ kind = "numeric", missing = [-1] }}
count = {{ kind = "numeric" }}
share = {{ kind = "numeric" }}
flag = {{ kind = "numeric" }}
region = {{ kind = "categorical" }}
grade = {{ kind = "categorical" }}
"""


def loaded(folder: Path, source: str) -> Dataset:
    (folder / "views.toml").write_text(VIEWS.format(source=source))
    views = load_views(folder / "views.toml", role=RoleName.BANK)
    return load_view(views, "t", role=RoleName.BANK, today=dt.date(2026, 7, 1))


def test_parquet_and_csv_give_the_same_table(tmp_path: Path) -> None:
    n = 300
    rng = np.random.default_rng(7)
    codes = [make_uscc(f"91350100{i:08d}") for i in range(n)]
    label = rng.integers(0, 2, n)
    amount = [None if i % 11 == 0 else -1.0 if i % 13 == 0 else float(rng.normal()) for i in range(n)]
    count = [None if i % 17 == 0 else int(rng.integers(0, 9)) for i in range(n)]
    share = [decimal.Decimal(int(v)) / 4 for v in rng.integers(0, 40, n)]
    flag = [bool(v) for v in rng.integers(0, 2, n)]
    region = [None if i % 19 == 0 else f"R{v}" for i, v in enumerate(rng.integers(0, 4, n))]
    grade = [int(v) for v in rng.integers(1, 5, n)]
    day = [dt.date(2026, 1, 1 + i % 28) for i in range(n)]
    pq.write_table(
        pa.table(
            {
                "uscc": codes,
                "y": pa.array(label, pa.int8()),
                "extra": pa.array([[1]] * n),
                "amount": pa.array(amount),
                "count": pa.array(count, pa.int32()),
                "share": pa.array(share, pa.decimal128(10, 2)),
                "flag": pa.array(flag),
                "region": pa.array(region).dictionary_encode(),
                "grade": pa.array(grade),
                "day": pa.array([dt.datetime(d.year, d.month, d.day, 13, 5) for d in day]),
            }
        ),
        tmp_path / "t.parquet",
        row_group_size=128,
    )
    columns = (codes, label, amount, count, share, map(int, flag), region, grade, day)
    lines = [",".join("" if c is None else str(c) for c in row) for row in zip(*columns, strict=True)]
    (tmp_path / "t.csv").write_text("uscc,y,amount,count,share,flag,region,grade,day\n" + "\n".join(lines))
    one, other = loaded(tmp_path, "t.csv"), loaded(tmp_path, "t.parquet")
    assert one.ids == other.ids == codes
    for name in ("amount", "count", "share", "flag"):
        np.testing.assert_array_equal(one.numeric(name), other.numeric(name))
    for name in ("region", "grade"):
        np.testing.assert_array_equal(one.categorical(name)[0], other.categorical(name)[0])
        assert one.categorical(name)[1] == other.categorical(name)[1]
    assert one.observed_on is not None
    assert other.observed_on is not None
    np.testing.assert_array_equal(one.observed_on, other.observed_on)
    assert one.labels is not None
    assert other.labels is not None
    np.testing.assert_array_equal(one.labels.expose(), other.labels.expose())
    assert one.report == other.report
