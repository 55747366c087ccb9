"""Whatever bytes arrive, the table loads or is refused by name: no other exception, and no value shown."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from admission_spoilers import CODES_PREFIX, HEADER, as_csv, load, sound_table, write_views
from hypothesis import given, settings
from hypothesis import strategies as st

from vfl.data import load_views
from vfl.errors import VflError
from vfl.roles import RoleName

SOUND = as_csv(sound_table())
CUTS = st.tuples(st.integers(0, len(SOUND)), st.integers(0, 40))
PIECES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b'"', b'""', b"\r", b"\n", b",", b"\0", b"\xff\xfe", b"\xb0\xa1", b"1e999", b"-", b"_", b"nan"]),
)


def refusal(act: Callable[[], object]) -> str:
    """What the user reads, in both languages; empty when nothing is refused. Any other exception goes on up."""
    try:
        act()
    except VflError as error:
        return error.in_("en") + error.in_("zh")
    return ""


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(CUTS, PIECES), min_size=1, max_size=3))
def test_spoiled_tables(edits: list[tuple[tuple[int, int], bytes]]) -> None:
    content = SOUND
    for (start, length), piece in edits:
        content = content[:start] + piece + content[start + length :]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bank.csv").write_bytes(content)
        assert CODES_PREFIX not in refusal(lambda: load(Path(folder)))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
def test_spoiled_parquet(edits: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bank.parquet"
        rows = sound_table()
        pq.write_table(pa.table({name: [row[i] for row in rows[1:]] for i, name in enumerate(HEADER)}), path)
        content = bytearray(path.read_bytes())
        for position, value in edits:
            content[position % len(content)] = value
        path.write_bytes(content)
        assert CODES_PREFIX not in refusal(lambda: load(Path(folder), source="bank.parquet"))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_spoiled_views(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_views(Path(folder))
        content = path.read_bytes()
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 12))
        tokens = st.sampled_from([b"=", b"[", b"]]", b'"', b"1", b"{}", b"[[views.loans]]"])
        piece = data.draw(st.one_of(st.binary(max_size=8), tokens))
        path.write_bytes(content[:start] + piece + content[start + length :])
        refusal(lambda: load_views(path, role=RoleName.BANK))
