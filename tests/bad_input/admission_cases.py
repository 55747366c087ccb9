"""Every way we know of to spoil what a party hands in: one row per case, with the code and place it must give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from admission_spoilers import (
    CODES,
    VIEWS,
    as_gbk,
    broken_parquet,
    cell,
    cell_of_100_mb,
    changed_while_read,
    config,
    consents,
    consents_by_number,
    directory,
    fifo,
    full_width,
    id_and,
    load,
    other_role,
    parquet,
    raw,
    replaced,
    secret_file,
    starter_without_codes,
    symlink,
    table,
    undeclared_feature,
    unknown_view,
    unreadable,
    whole,
    without_pyarrow,
    write_views,
    wrong_check,
    wrong_organisation,
)

from vfl.data import ConsentBook, load_views
from vfl.roles import RoleName

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """``act(folder)`` must raise ``code`` at (file, row, column) without showing ``secret``."""

    name: str
    code: str
    act: Callable[[Path], object]
    file: str | None = "bank.csv"
    row: int | None = None
    column: str | None = None
    secret: str | None = None


def in_cell(name: str, code: str, row: int, column: str, value: str) -> Case:
    return Case(name, code, table(cell(row, column, value)), row=row, column=column, secret=value or None)


def in_column(name: str, code: str, column: str, value: Callable[[int], str]) -> Case:
    return Case(name, code, table(whole(column, value)), column=column)


VALUES = [
    in_cell("thousands separators", "VALUE_THOUSANDS", 7, "revenue", '"1,234.5"'),
    in_cell("per cent", "VALUE_PERCENT", 7, "revenue", "12.75%"),
    in_cell("date as text", "VALUE_DATE", 7, "revenue", "2019-03-07"),
    in_cell("chinese date", "VALUE_DATE", 7, "revenue", "2019年3月7日"),
    in_cell("amount with unit", "VALUE_UNIT", 7, "revenue", "37.25万元"),
    in_cell("amount with currency", "VALUE_UNIT", 7, "revenue", "¥37.25"),
    in_cell("word", "VALUE_NOT_NUMBER", 7, "revenue", "unknown-7731"),
    in_cell("digits joined by underscores", "VALUE_NOT_NUMBER", 7, "revenue", "77_310"),
    in_cell("undeclared nan", "VALUE_NOT_NUMBER", 7, "revenue", "nan"),
    in_cell("infinity", "VALUE_INFINITE", 7, "revenue", "-inf"),
    in_cell("overflow", "VALUE_INFINITE", 7, "revenue", "7e400"),
    in_cell("beyond the limit", "VALUE_LIMIT", 7, "revenue", "1e308"),
    in_cell("spreadsheet day number", "DATE_EXCEL_SERIAL", 7, "as_of", "46053"),
    in_cell("slashed date", "DATE_FORMAT", 7, "as_of", "31/01/2026"),
    in_cell("no such day", "DATE_FORMAT", 7, "as_of", "2026-02-30"),
    in_cell("blank date", "DATE_FORMAT", 7, "as_of", ""),
    in_cell("future date", "DATE_FUTURE", 7, "decided", "2026-07-02"),
    in_cell("snapshot after the decision", "SNAPSHOT_LOOKAHEAD", 7, "as_of", "2026-02-16"),
    Case(
        "snapshot after the job's cut-off",
        "SNAPSHOT_LOOKAHEAD",
        table(cell(7, "as_of", "2026-02-10"), cutoff=dt.date(2026, 2, 9)),
        row=7,
        column="as_of",
    ),
    Case(
        "list in a numeric column",
        "VALUE_TYPE",
        parquet(revenue=pa.array([[7731]] * 200)),
        file="bank.parquet",
        column="revenue",
        secret="7731",
    ),
    in_column("constant", "FEATURE_CONSTANT", "revenue", lambda n: "7731"),
    in_column("all missing", "FEATURE_EMPTY", "revenue", lambda n: ("", "NA", "-999.0")[n % 3]),
    in_column("row number", "FEATURE_IDENTIFIER", "revenue", lambda n: str(n + 1)),
    in_column("telephone number", "FEATURE_IDENTIFIER", "revenue", lambda n: str(13900000000 + n * 7919)),
    in_column("name of its own", "FEATURE_IDENTIFIER", "industry", lambda n: f"firm {n}"),
    in_column("code of a parent firm", "FEATURE_IDENTIFIER", "industry", lambda n: CODES[n % 7]),
    in_column("the label again", "FEATURE_IS_LABEL", "revenue", lambda n: str(5 - (n % 4 == 0))),
    in_column("filled for events only", "FEATURE_IS_LABEL", "revenue", lambda n: str(n) if n % 4 == 0 else ""),
    in_column("the label as a category", "FEATURE_IS_LABEL", "industry", lambda n: "NY"[n % 4 == 0]),
]

CODE_FAULTS = [
    in_cell("wrong check character", "USCC_CHECK", 7, "uscc", wrong_check(CODES[5])),
    in_cell("wrong organisation check", "USCC_ORGANISATION_CHECK", 7, "uscc", wrong_organisation(CODES[5])),
    in_cell("letter O for zero", "USCC_LETTER", 7, "uscc", CODES[5][:9] + "O" + CODES[5][10:]),
    in_cell("letter i", "USCC_LETTER", 7, "uscc", CODES[5][:9] + "i" + CODES[5][10:]),
    in_cell("hyphen inside", "USCC_CHARACTER", 7, "uscc", CODES[5][:9] + "-" + CODES[5][10:]),
    in_cell("letter in the division", "USCC_DIVISION", 7, "uscc", "91A30100" + CODES[5][8:]),
    in_cell("old registration number", "USCC_OLD_NUMBER", 7, "uscc", "630100100012345"),
    in_cell("scientific notation", "USCC_SCIENTIFIC", 7, "uscc", "9.2e+17"),
    in_cell("number with a decimal point", "USCC_SCIENTIFIC", 7, "uscc", "911101087109434000.0"),
    in_cell("one character short", "USCC_LENGTH", 7, "uscc", CODES[5][:17]),
    in_cell("blank code", "USCC_BLANK", 7, "uscc", ""),
    in_cell("code of spaces", "USCC_BLANK", 7, "uscc", "  \u3000"),
    in_cell("duplicate", "USCC_DUPLICATE", 7, "uscc", CODES[0]),
    in_cell("duplicate after normalisation", "USCC_DUPLICATE", 7, "uscc", full_width(CODES[0])),
    Case(
        "codes as numbers",
        "USCC_NUMBER_COLUMN",
        parquet(uscc=pa.array([911101087109434000 + n for n in range(200)])),
        file="bank.parquet",
        column="uscc",
        secret="911101087109434",
    ),
    Case(
        "nothing but faulty codes",
        "ROWS_ALL_QUARANTINED",
        table(whole("uscc", lambda n: "7731x"), views=(id_and('bad_codes = "quarantine"'),)),
        secret="7731x",
    ),
    Case("no column of codes", "USCC_COLUMN_NOT_FOUND", starter_without_codes, secret="x7731"),
]

LABELS = [
    in_cell("no label", "LABEL_MISSING", 7, "y", ""),
    in_cell("label above one", "LABEL_VALUE", 7, "y", "7731"),
    in_cell("label in words", "LABEL_VALUE", 7, "y", "default-7731"),
    in_column("one class", "LABEL_ONE_CLASS", "y", lambda n: "0"),
    in_column("49 events", "LABEL_FEW_EVENTS", "y", lambda n: str(int(n < 49))),
]

FILES = [
    Case("no file", "FILE_MISSING", load),
    Case("not readable", "FILE_UNREADABLE", unreadable),
    Case("symbolic link", "FILE_SYMLINK", symlink),
    Case("named pipe", "FILE_NOT_REGULAR", fifo),
    Case("folder", "FILE_NOT_REGULAR", directory),
    Case("changed while read", "FILE_CHANGED", changed_while_read, secret="torn"),
    Case("empty", "FILE_EMPTY", raw(lambda content: b"")),
    Case("header only", "FILE_NO_ROWS", raw(lambda content: content.split(b"\r\n")[0])),
    Case("Excel workbook", "FILE_FORMAT", raw(lambda content: b"PK\x03\x04" + bytes(60))),
    Case("gzip", "FILE_FORMAT", raw(lambda content: b"\x1f\x8b\x08" + bytes(60))),
    Case("UTF-16", "FILE_UTF16", raw(lambda content: content.decode().encode("utf-16"))),
    Case("UTF-16 without mark", "FILE_UTF16", raw(lambda content: content.decode().encode("utf-16-le")), row=1),
    Case("GBK", "FILE_GBK", raw(as_gbk), row=1, secret="企业"),
    Case("Latin-1", "FILE_ENCODING", raw(replaced(b",C3,", "ù,x".encode("latin-1") + b",C3,")), row=5),
    Case(
        "not GB18030 as declared",
        "FILE_ENCODING",
        raw(replaced(b",C3,", b"\xff\xff,C3,"), id_and('encoding = "gb18030"')),
        row=5,
    ),
    Case(
        "Parquet text that is not UTF-8",
        "FILE_ENCODING",
        parquet(industry=pa.array([b"\xb0\xa1x7731"] * 200).view(pa.string())),
        file="bank.parquet",
        column="industry",
        secret="x7731",
    ),
    Case("NUL byte", "FILE_NUL", raw(replaced(b",C3,", b",C\x003,")), row=5),
    Case("semicolons", "FILE_DELIMITER", raw(lambda content: content.replace(b",", b";")), row=1),
    Case("tabs", "FILE_DELIMITER", raw(lambda content: content.replace(b",", b"\t")), row=1),
    Case("no header", "HEADER_MISSING", table(lambda rows: rows.pop(0) and None), row=1),
    Case(
        "column twice",
        "HEADER_DUPLICATE",
        table(cell(1, "industry", "revenue"), views=(('industry = { kind = "categorical" }', ""),)),
        row=1,
        column="revenue",
    ),
    Case("renamed column", "HEADER_MISMATCH", table(cell(1, "industry", "industri")), row=1),
    Case("Parquet lacks a column", "HEADER_MISMATCH", parquet(industry=None), "bank.parquet"),
    Case("row too short", "ROW_RAGGED", table(lambda rows: rows[6].pop() and None), row=7),
    Case("row too long", "ROW_RAGGED", table(lambda rows: rows[6].append("x7731")), row=7, secret="x7731"),
    Case("unclosed quote", "QUOTE_UNCLOSED", table(cell(7, "industry", '"x7731')), row=7, secret="x7731"),
    Case(
        "unclosed quote before a megabyte",
        "QUOTE_UNCLOSED",
        raw(lambda content: content + b'"x7731,' + b"1,2,3,4,5\r\n" * 100_000),
        row=202,
        secret="x7731",
    ),
    Case("text after a quote", "QUOTE_MALFORMED", table(cell(7, "industry", '"x"7731')), row=7, secret="7731"),
    Case("lone carriage return", "LINE_ENDING", table(cell(7, "industry", "x\r7731")), row=7, secret="7731"),
    Case("cell of 100 MB", "CELL_LIMIT", cell_of_100_mb, row=202, secret="xxx"),
    Case("cell of 200 KB", "CELL_LIMIT", table(cell(7, "industry", "x" * 200_000)), row=7, secret="xxx"),
    Case("broken Parquet", "FILE_PARQUET", broken_parquet, file="bank.parquet"),
    Case("Parquet without pyarrow", "SOURCE_EXTRA", without_pyarrow, file="bank.parquet"),
    Case(
        "database address",
        "SOURCE_KIND",
        lambda folder: load(folder, source="postgresql://db/loans"),
        file="loans",
        column="views.loans.source",
    ),
]

def in_consents(name: str, code: str, column: str, value: str) -> Case:
    secret = value.strip() or None
    return Case(name, code, consents(7, column, value), "consents.csv", row=7, column=column, secret=secret)


CONSENTS = [
    in_consents("consent of a faulty code", "USCC_CHECK", "uscc", wrong_check(CODES[5])),
    in_consents("consent to nobody", "CONSENT_BLANK", "grantee", " "),
    in_consents("consent for nothing", "CONSENT_BLANK", "purpose", ""),
    in_consents("consent without end", "DATE_FORMAT", "valid_until", ""),
    in_consents("consent ends first", "CONSENT_DATES", "valid_until", "2025-12-31"),
    in_consents("revoked on no day", "DATE_FORMAT", "revoked_on", "yes-7731"),
    Case("grantee as a number", "TEXT_EXPECTED", consents_by_number, "consents.parquet", column="grantee"),
]


def in_config(name: str, code: str, column: str | None, *changes: tuple[str, str]) -> Case:
    return Case(name, code, config(*changes), file="views.toml", column=column)


def in_revenue(name: str, code: str, key: str, old: str, new: str) -> Case:
    return in_config(name, code, f"views.loans.features.revenue.{key}", (old, new))


_NUMERIC = 'kind = "numeric"'
_NO_CONSENTS = ('[consents]\nsource = "consents.csv"\n', "")
_NO_VIEWS = (VIEWS[: VIEWS.index("[consents]")].format(source="bank.csv"), "")

CONFIG = [
    in_config("unknown key", "CONFIG_UNKNOWN_KEY", "views.loans.as_off", ("as_of = ", "as_off = ")),
    in_revenue("unknown key of a feature", "CONFIG_UNKNOWN_KEY", "misssing", "missing", "misssing"),
    in_config("unknown table", "CONFIG_UNKNOWN_KEY", "consent", ("[consents]", "[consent]")),
    in_config("missing key", "CONFIG_KEY_MISSING", "views.loans.id", ('id = "uscc"\n', "")),
    in_config("number for text", "CONFIG_TYPE", "views.loans.id", ('id = "uscc"', "id = 7731")),
    in_revenue("unknown kind", "CONFIG_CHOICE", "kind", _NUMERIC, 'kind = "number"'),
    in_revenue("level 6", "CONFIG_RANGE", "sensitivity", _NUMERIC, _NUMERIC + ", sensitivity = 6"),
    in_revenue("missing code of truth", "MISSING_CODES", "missing", "-999", "true"),
    in_revenue(
        "signs off a label", "CODE_NOT_SIGNABLE", "signed_off", _NUMERIC, _NUMERIC + ', signed_off = ["LABEL_VALUE"]'
    ),
    in_config("label as feature", "COLUMN_TWICE", "views.loans.features.y", ("industry =", "y =")),
    in_config("code as feature", "COLUMN_TWICE", "views.loans.features.uscc", ("industry =", "uscc =")),
    in_config("no view", "VIEWS_NONE", None, _NO_VIEWS),
    in_config("not TOML", "CONFIG_SYNTAX", None, ("[consents]", "[consents")),
    Case(
        "label at the platform",
        "LABEL_AT_PLATFORM",
        config(role=RoleName.PLATFORM),
        file="views.toml",
        column="views.loans.label",
    ),
    Case("coordinator", "VIEW_ROLE", config(role=RoleName.COORDINATOR), file="views.toml"),
    Case(
        "no such views file",
        "CONFIG_NOT_FOUND",
        lambda folder: load_views(folder / "view.toml", role=RoleName.BANK),
        file="view.toml",
    ),
    Case(
        "views file is a folder",
        "CONFIG_UNREADABLE",
        lambda folder: load_views((folder / "views.toml").mkdir() or folder / "views.toml", role=RoleName.BANK),
        file="views.toml",
    ),
    Case(
        "no label for training",
        "LABEL_UNDECLARED",
        table(views=(('label = "y"\n', ""),)),
        file="views.toml",
        column="views.loans.label",
    ),
    Case("unknown view", "VIEW_UNKNOWN", unknown_view, file="views.toml"),
    Case("views of another role", "VIEW_ROLE", other_role, file="views.toml"),
    Case("feature not declared", "FEATURE_UNDECLARED", undeclared_feature, file=None, column="revenu"),
    Case(
        "consents not declared",
        "CONSENT_UNDECLARED",
        lambda folder: ConsentBook.load(load_views(write_views(folder, _NO_CONSENTS), role=RoleName.BANK)),
        file="views.toml",
        column="consents",
    ),
    Case("secret readable by all", "SECRET_READABLE", secret_file(0o644), file="node.key", secret="7731"),
    Case("secret readable by the group", "SECRET_READABLE", secret_file(0o640), file="node.key", secret="7731"),
    Case("secret of another account", "SECRET_OWNER", secret_file(0o600, owner=1), file="node.key", secret="7731"),
]

CASES = [*CODE_FAULTS, *FILES, *LABELS, *VALUES, *CONSENTS, *CONFIG]
