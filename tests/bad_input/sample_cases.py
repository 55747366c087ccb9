"""Ways to spoil the sample: windows, snapshots, weights, the owner's word on bins."""

from __future__ import annotations

import datetime as dt

from admission_cases import Case
from admission_spoilers import CODES, Edit, Table, cell, config, id_and, table, whole

from vfl.config.time import TimeSpec
from vfl.roles import RoleName

__all__ = ["SAMPLE_CASES"]

_YEAR = TimeSpec(dt.date(2026, 1, 1), dt.date(2026, 3, 31), performance_months=4)
_WATCHED = (id_and('performance_until = "watched"'),)
_DAY = dt.date(2026, 6, 30)
_NUMERIC = 'revenue = { kind = "numeric", missing = ["NA", -999]'
_CATEGORY = 'industry = { kind = "categorical"'
_AT_PLATFORM = (('label = "y"\n', ""), ('observed_on = "decided"\n', ""))


def _in_feature(name: str, code: str, key: str, old: str, more: str) -> Case:
    return Case(
        name, code, config((old, f"{old}, {more}")), file="views.toml",
        column=f"views.loans.features.{old.split()[0]}.{key}",
    )


def _second_snapshot(day: str) -> Edit:
    def edit(rows: Table) -> None:
        rows[8][0] = CODES[3]
        rows[8][4] = day

    return edit


SAMPLE_CASES = [
    Case(
        "outcome still being watched", "LABEL_IMMATURE",
        table(cell(7, "decided", "2026-03-02"), cutoff=_DAY, time=_YEAR), row=7, column="decided",
    ),
    Case(
        "outcome watched beyond the job's day", "LABEL_IMMATURE",
        table(cell(7, "watched", "2026-07-01"), views=_WATCHED, cutoff=_DAY, time=_YEAR), row=7, column="watched",
    ),
    Case(
        "outcome watched too briefly", "LABEL_WINDOW_SHORT",
        table(cell(7, "watched", "2026-06-14"), views=_WATCHED, cutoff=_DAY, time=_YEAR), row=7, column="watched",
    ),
    Case(
        "observation not declared", "OBSERVED_UNDECLARED",
        table(views=(('observed_on = "decided"\n', ""),), cutoff=_DAY, time=_YEAR), file="views.toml",
        column="views.loans.observed_on",
    ),
    Case(
        "no row in the window", "ROWS_ALL_LEFT_OUT",
        table(whole("decided", lambda _: "2025-12-31"), whole("as_of", lambda _: "2025-11-30"),
              cutoff=_DAY, time=_YEAR),
    ),
    Case(
        "platform's features from inside the window", "SNAPSHOT_LOOKAHEAD",
        table(whole("as_of", lambda _: "2025-12-31"), cell(7, "as_of", "2026-01-02"), views=_AT_PLATFORM,
              role=RoleName.PLATFORM, cutoff=_DAY, time=_YEAR), row=7, column="as_of",
    ),
    Case(
        "snapshot ends before it begins", "SNAPSHOT_DATES",
        table(whole("watched", lambda _: ""), cell(7, "watched", "2026-01-30"),
              views=(id_and('valid_until = "watched"'),)), row=7, column="watched",
    ),
    Case(
        "two snapshots of one day", "SNAPSHOT_TWICE",
        table(_second_snapshot("2026-01-31"), views=(*_AT_PLATFORM, id_and("history = true")), role=RoleName.PLATFORM),
        row=9, column="as_of",
    ),
    Case(
        "history without days", "SNAPSHOT_UNDATED",
        config(*_AT_PLATFORM, ('as_of = "as_of"', "history = true"), role=RoleName.PLATFORM), file="views.toml",
        column="views.loans.as_of",
    ),
    Case(
        "history at the bank", "VIEW_KEY_ROLE", config(id_and("history = true")), file="views.toml",
        column="views.loans.history",
    ),
    Case(
        "weights at a platform", "VIEW_KEY_ROLE", config(*_AT_PLATFORM, id_and('weight = "w"'), role=RoleName.PLATFORM),
        file="views.toml", column="views.loans.weight",
    ),
    *(
        Case(
            f"{name} weight", code,
            table(cell(7, "exposure", value), views=(id_and('weight = "exposure"'),), weight_limit=5), row=7,
            column="exposure", secret=value if any(map(str.isdigit, value)) else None,
        )
        for name, code, value in (
            ("negative", "WEIGHT_VALUE", "-0.25"), ("blank", "WEIGHT_VALUE", ""), ("heavy", "WEIGHT_LIMIT", "5.125"),
            ("worded", "VALUE_NOT_NUMBER", "heavy-7731"), ("infinite", "VALUE_INFINITE", "inf"),
        )
    ),
    Case(
        "events without weight", "WEIGHT_CLASS",
        table(whole("exposure", lambda n: str(n % 4)), views=(id_and('weight = "exposure"'),)), column="exposure",
    ),
    _in_feature("specials of truth", "BIN_VALUES", "specials", _NUMERIC, "specials = [true]"),
    _in_feature("cuts as a number", "BIN_VALUES", "cuts", _NUMERIC, "cuts = 3"),
    _in_feature("a cut twice", "BIN_VALUES", "cuts", _NUMERIC, "cuts = [1, 2, 1]"),
    _in_feature("empty group", "BIN_VALUES", "groups", _CATEGORY, 'groups = [["A"], []]'),
    _in_feature("cuts of a category", "BIN_KEY_KIND", "cuts", _CATEGORY, "cuts = [1]"),
    _in_feature("groups of a number", "BIN_KEY_KIND", "groups", _NUMERIC, 'groups = [["A"]]'),
    _in_feature("fixed at nothing", "BIN_FIXED", "fixed", _NUMERIC, "fixed = true"),
    _in_feature("unknown trend", "CONFIG_CHOICE", "trend", _NUMERIC, 'trend = "up"'),
    _in_feature("unknown choice", "CONFIG_CHOICE", "choice", _NUMERIC, 'choice = "maybe"'),
]
