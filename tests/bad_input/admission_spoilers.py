"""A sound table of the bank, its views and consents, and ways to spoil each of them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq

from vfl.config.files import require_private_file
from vfl.core.uscc import make_uscc
from vfl.data import ConsentBook, load_view, load_views
from vfl.data.source import open_source
from vfl.data.starter import starter_views
from vfl.roles import RoleName

TODAY = dt.date(2026, 7, 1)
CODES = [make_uscc(f"91630100{n:08d}") for n in range(200)]
CODES_PREFIX = "9163010"
HEADER = ["uscc", "y", "revenue", "industry", "as_of", "decided", "watched", "exposure"]
VIEWS = """
[views.loans]
source = "{source}"
id = "uscc"
label = "y"
as_of = "as_of"
observed_on = "decided"
[views.loans.features]
revenue = {{ kind = "numeric", missing = ["NA", -999] }}
industry = {{ kind = "categorical" }}
[consents]
source = "consents.csv"
"""
CONSENT_HEADER = ["uscc", "grantee", "purpose", "valid_from", "valid_until", "revoked_on"]

Table = list[list[str]]
Edit = Callable[[Table], None]


def sound_table() -> Table:
    """A header and 200 rows that load without a word: 50 events, a mixed feature, five industries."""
    dates = ["2026-01-31", "2026-02-15", "2026-06-30"]
    body = [
        [code, str(int(n % 4 == 0)), f"{(n * 37) % 101}.5", f"C{n % 5}", *dates, "1.5"]
        for n, code in enumerate(CODES)
    ]
    return [list(HEADER), *body]


def sound_consents() -> Table:
    return [CONSENT_HEADER, *([c, "bank-a", "credit", "2026-01-01", "2026-12-31", ""] for c in CODES)]


def as_csv(table: Table, delimiter: str = ",") -> bytes:
    return "".join(delimiter.join(row) + "\r\n" for row in table).encode()


def write_views(folder: Path, *changes: tuple[str, str], source: str = "bank.csv") -> Path:
    text = VIEWS.format(source=source)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "views.toml"
    path.write_text(text, encoding="utf-8")
    return path


def load(
    folder: Path,
    *changes: tuple[str, str],
    role: RoleName = RoleName.BANK,
    source: str = "bank.csv",
    **more: object,
) -> object:
    views = load_views(write_views(folder, *changes, source=source), role=role)
    return load_view(views, "loans", role=role, today=TODAY, **more)  # type: ignore[arg-type]


# --- ways to spoil ------------------------------------------------------------------------------------------


def table(*edits: Edit, views: tuple[tuple[str, str], ...] = (), **more: object) -> Callable[[Path], object]:
    """Load the sound table after ``edits``."""

    def act(folder: Path) -> object:
        rows = sound_table()
        for edit in edits:
            edit(rows)
        (folder / "bank.csv").write_bytes(as_csv(rows))
        return load(folder, *views, **more)  # type: ignore[arg-type]

    return act


def raw(spoil: Callable[[bytes], bytes], *views: tuple[str, str]) -> Callable[[Path], object]:
    """Load the bytes of the sound table after ``spoil``."""

    def act(folder: Path) -> object:
        (folder / "bank.csv").write_bytes(spoil(as_csv(sound_table())))
        return load(folder, *views)

    return act


def config(*changes: tuple[str, str], role: RoleName = RoleName.BANK) -> Callable[[Path], object]:
    return lambda folder: load_views(write_views(folder, *changes), role=role)


def consents(row: int, column: str, value: str) -> Callable[[Path], object]:
    def act(folder: Path) -> object:
        rows = sound_consents()
        rows[row - 1][CONSENT_HEADER.index(column)] = value
        (folder / "consents.csv").write_bytes(as_csv(rows))
        return ConsentBook.load(load_views(write_views(folder), role=RoleName.PLATFORM))

    def without_label(folder: Path) -> object:
        with mock.patch(f"{__name__}.VIEWS", VIEWS.replace('label = "y"\n', "")):
            return act(folder)

    return without_label


def consents_by_number(folder: Path) -> object:
    arrays = {name: pa.array([row[i] for row in sound_consents()[1:]]) for i, name in enumerate(CONSENT_HEADER)}
    pq.write_table(pa.table(arrays | {"grantee": pa.array([7731] * 200)}), folder / "consents.parquet")
    views = load_views(write_views(folder, ("consents.csv", "consents.parquet")), role=RoleName.BANK)
    return ConsentBook.load(views)


def cell(row: int, column: str, value: str) -> Edit:
    def edit(rows: Table) -> None:
        rows[row - 1][HEADER.index(column)] = value

    return edit


def whole(column: str, value: Callable[[int], str]) -> Edit:
    """Every cell of a column anew, from the index of its row."""

    def edit(rows: Table) -> None:
        for n, row in enumerate(rows[1:]):
            row[HEADER.index(column)] = value(n)

    return edit


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(old, new, 1)


def parquet(**columns: pa.Array | None) -> Callable[[Path], object]:
    """The sound table as Parquet with some columns replaced or, where None, left out."""

    def act(folder: Path) -> object:
        rows = sound_table()
        arrays = {name: pa.array([row[i] for row in rows[1:]]) for i, name in enumerate(HEADER)}
        kept = {name: array for name, array in (arrays | columns).items() if array is not None}
        pq.write_table(pa.table(kept), folder / "bank.parquet")
        return load(folder, source="bank.parquet")

    return act


def broken_parquet(folder: Path) -> object:
    (folder / "bank.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    return load(folder, source="bank.parquet")


def without_pyarrow(folder: Path) -> object:
    with mock.patch.dict("sys.modules", {"pyarrow": None}):
        return load(folder, source="bank.parquet")


def fifo(folder: Path) -> object:
    os.mkfifo(folder / "bank.csv")
    return load(folder)


def symlink(folder: Path) -> object:
    (folder / "real.csv").write_bytes(as_csv(sound_table()))
    (folder / "bank.csv").symlink_to(folder / "real.csv")
    return load(folder)


def directory(folder: Path) -> object:
    (folder / "bank.csv").mkdir()
    return load(folder)


def unreadable(folder: Path) -> object:
    (folder / "bank.csv").write_bytes(as_csv(sound_table()))
    views = load_views(write_views(folder), role=RoleName.BANK)
    # The tests may run as root, whom no mode keeps out: the refusal of the system is put in by hand.
    with mock.patch("vfl.config.files.os.open", side_effect=PermissionError(13, "denied")):
        return load_view(views, "loans", role=RoleName.BANK, today=TODAY)


def changed_while_read(folder: Path) -> object:
    path = folder / "bank.csv"
    path.write_bytes(as_csv(sound_table()))
    for _ in open_source(path).blocks(["uscc", "revenue"]):
        with path.open("ab") as stream:
            stream.write(b"torn")


def cell_of_100_mb(folder: Path) -> object:
    content = as_csv(sound_table())
    with (folder / "bank.csv").open("wb") as stream:
        stream.write(content)
        for _ in range(100):
            stream.write(b"x" * (1 << 20))
    return load(folder)


def secret_file(mode: int, owner: int | None = None) -> Callable[[Path], object]:
    def act(folder: Path) -> object:
        path = folder / "node.key"
        path.write_bytes(b"7731-secret")
        path.chmod(mode)
        if owner is None:
            return require_private_file(path)
        with mock.patch("vfl.config.files.os.geteuid", return_value=os.geteuid() + owner):
            return require_private_file(path)

    return act


def starter_without_codes(folder: Path) -> object:
    (folder / "bank.csv").write_bytes(b"a,b\r\nx7731,2\r\n")
    return starter_views(folder / "bank.csv", role=RoleName.BANK)


def unknown_view(folder: Path) -> object:
    views = load_views(write_views(folder), role=RoleName.BANK)
    return load_view(views, "loan", role=RoleName.BANK)


def other_role(folder: Path) -> object:
    views = load_views(write_views(folder), role=RoleName.BANK)
    return load_view(views, "loans", role=RoleName.PLATFORM)


def undeclared_feature(folder: Path) -> object:
    return table()(folder).numeric("revenu")  # type: ignore[attr-defined]


def id_and(line: str) -> tuple[str, str]:
    """A change of the views file that adds a line to the view."""
    return 'id = "uscc"', f'id = "uscc"\n{line}'


def wrong_check(code: str) -> str:
    return code[:17] + ("1" if code[17] == "0" else "0")


def wrong_organisation(code: str) -> str:
    return code[:16] + ("1" if code[16] == "0" else "0") + code[17:]


def full_width(code: str) -> str:
    return " " + "".join(chr(ord(c) + 0xFEE0) for c in code.lower()) + "\u3000"


def as_gbk(content: bytes) -> bytes:
    return content.replace(b"uscc,y", b"\xe4\xbc\x81\xe4\xb8\x9a,y").decode().encode("gb18030")
