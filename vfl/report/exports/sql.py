"""The scorecard as one SELECT in standard SQL: CASE, IN, comparisons and +, nothing a dialect adds.

Identifiers are quoted with ``"`` (MySQL: set ``ANSI_QUOTES``), strings with ``'`` and doubled quotes (MySQL: set
``NO_BACKSLASH_ESCAPES``). NULL is missing; a database that keeps NaN apart from NULL must turn it into NULL first.
Numbers are the shortest decimals that give the same double back; an engine that reads one of them a last bit off
(SQLite does, about once in 10,000) misplaces values that equal that cut, which lies half-way between two of training.
"""

from __future__ import annotations

from collections.abc import Sequence

from vfl.config.faults import data_fault
from vfl.core.card_feature import CardFeature, CategoryRule, NumericRule
from vfl.core.scorecard import Scorecard

__all__ = ["FAULTS", "card_to_sql"]

SQL_NAME = data_fault(
    "SQL_NAME",
    "A name cannot be written in SQL: it holds a NUL character.",
    "名称含有 NUL 字符，无法写入 SQL。",
    "Rename the column or the table.",
    "请修改列名或表名。",
)

FAULTS = (SQL_NAME,)


def card_to_sql(
    card: Scorecard, *, table: str = "firms", keys: Sequence[str] = ("uscc",), probability: bool = False
) -> str:
    """A SELECT of ``keys``, the points of each feature (``points_1`` ...), and ``score`` (``points`` for a part).

    Parameters
    ----------
    table : str
        Holds the columns of :attr:`Scorecard.columns`; a dot parts schema and table.
    keys : sequence of str
        Columns that are passed through.
    probability : bool
        Also ``probability`` of the event, by ``EXP``, which some builds of SQLite lack. Whole cards only.
    """
    if probability:
        card.require_complete()
    names = [f"points_{number}" for number in range(1, len(card.known) + 1)]
    cases = [
        f"    {_case(column, feature)} AS {name}"
        for column, feature, name in zip(card.columns, card.known, names, strict=True)
    ]
    chosen = [_name(key) for key in keys]
    inner = ",\n".join([f"    {key}" for key in chosen] + cases)
    total = " + ".join([str(card.start), *names])
    result = "score" if card.complete else "points"
    source = ".".join(_name(part) for part in table.split("."))
    outer = ",\n".join(f"    {item}" for item in [*chosen, *names, f"{total} AS {result}"])
    query = f"SELECT\n{outer}\nFROM (\n  SELECT\n{inner}\n  FROM {source}\n) points_of_bins"
    if probability:
        # P(event) = 1 / (1 + odds), odds = base_odds · 2^((score - base_points) / pdo).
        scaling = card.scaling
        power = f"(score - {scaling.base_points!r}) / {scaling.factor!r}"
        value = f"1.0 / (1.0 + {scaling.base_odds!r} * EXP({power}))"
        columns = ",\n".join(f"    {item}" for item in [*chosen, *names, "score", f"{value} AS probability"])
        query = f"SELECT\n{columns}\nFROM (\n{query}\n) scores"
    owners = ", ".join(card.owners if card.complete else dict.fromkeys(f.owner for f in card.known))
    head = (
        f"-- Scorecard: {_comment(owners)}; {_scaling_words(card)}\n"
        "-- Higher is safer. 分数越高越安全。Odds are non-event : event. 好坏比为好 : 坏。\n"
    )
    return f"{head}{query};\n"


def _scaling_words(card: Scorecard) -> str:
    scaling = card.scaling
    return f"base {scaling.base_points:g} points, odds {scaling.base_odds:g} : 1, PDO {scaling.pdo:g}"


def _case(column: str, feature: CardFeature) -> str:
    name, rule, points = _name(column), feature.rule, feature.points
    arms = [f"WHEN {name} IS NULL THEN {points[rule.missing]}"]
    match rule:
        case NumericRule():
            for bin_ in dict.fromkeys(b for _, b in rule.specials):
                values = ", ".join(repr(value) for value, b in rule.specials if b == bin_)
                arms.append(f"WHEN {name} IN ({values}) THEN {points[bin_]}")
            arms += [
                f"WHEN {name} < {edge!r} THEN {points[b]}"
                for edge, b in zip(rule.edges, rule.intervals[:-1], strict=True)
            ]
            rest = points[rule.intervals[-1]]
        case CategoryRule():
            for bin_ in dict.fromkeys(b for _, b in rule.levels):
                levels = ", ".join(_string(level) for level, b in rule.levels if b == bin_)
                arms.append(f"WHEN {name} IN ({levels}) THEN {points[bin_]}")
            rest = points[rule.other]
    body = "\n".join(f"      {arm}" for arm in arms)
    return f"CASE\n{body}\n      ELSE {rest}\n    END"


def _name(name: str) -> str:
    if "\0" in name:
        raise SQL_NAME.at()
    return '"' + name.replace('"', '""') + '"'


def _string(text: str) -> str:
    if "\0" in text:
        raise SQL_NAME.at()
    return "'" + text.replace("'", "''") + "'"


def _comment(text: str) -> str:
    return " ".join(text.split())
