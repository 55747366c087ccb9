"""The code of the exported ``score.py``: plain Python, no import of this package, numpy or anything to install.

:func:`vfl.report.exports.script.card_to_script` writes everything below the mark into the file, with the card filled
in; tests import it here as well, so that it is typed and checked like all else.
"""

from __future__ import annotations

# --- 8< --- below this line: score.py ---
import csv
import math
import sys

CARD: dict = {}  # type: ignore[type-arg]


def points_of(feature: dict, value: object) -> int:  # type: ignore[type-arg]
    """Points of one value: a number or numeric text, a category's text; None, NaN and "" are missing."""
    rule, points = feature["rule"], feature["points"]
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return int(points[rule["missing"]])
    if rule["kind"] == "category":
        return int(points[dict(rule["levels"]).get(str(value), rule["other"])])
    number = float(value)  # type: ignore[arg-type]
    if math.isnan(number):
        return int(points[rule["missing"]])
    for special, place in rule["specials"]:
        if number == special:
            return int(points[place])
    interval = sum(number >= edge for edge in rule["edges"])
    return int(points[rule["intervals"][interval]])


def points(row: dict) -> list[int]:  # type: ignore[type-arg]
    """Points of each feature; ``row`` maps column names to values."""
    return [points_of(f, row[column]) for f, column in zip(CARD["features"], CARD["columns"], strict=True)]


def score(row: dict) -> int:  # type: ignore[type-arg]
    """The score: higher is safer. Of one owner's part: that owner's points. 评分：越高越安全。"""
    return int(CARD["start"]) + sum(points(row))


def probability(value: float) -> float:
    """Probability of the event (bad) at a score. 某分数对应的违约概率。"""
    scaling = CARD["scaling"]
    power = (scaling["base_points"] - value) / scaling["pdo"] * math.log(2) - math.log(scaling["base_odds"])
    return 0.5 * (1.0 + math.tanh(0.5 * power))


def reasons(row: dict, top: int = 4) -> list[str]:  # type: ignore[type-arg]
    """Codes of the features furthest below their points at WOE 0, furthest first."""
    over = [p - f["points"][-1] for p, f in zip(points(row), CARD["features"], strict=True)]
    ranked = sorted((o, i) for i, o in enumerate(over) if o < 0)
    return [CARD["features"][i]["reason"]["code"] for _, i in ranked[:top]]


def main() -> int:
    """Read CSV from a file or standard input; write it back with score, probability and reasons."""
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        print("usage: python score.py [TABLE.csv] > scored.csv", file=sys.stderr)
        return 2
    with open(sys.argv[1] if len(sys.argv) == 2 else 0, newline="", encoding="utf-8-sig") as source:
        table = csv.DictReader(source)
        absent = [c for c in CARD["columns"] if c not in (table.fieldnames or [])]
        if absent:
            print(f"missing columns / 缺少列: {', '.join(absent)}", file=sys.stderr)
            return 3
        added = ["score", "probability", "reasons"] if CARD["complete"] else ["points", "reasons"]
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow([*(table.fieldnames or []), *added])
        for number, row in enumerate(table, 2):
            try:
                total = score(row)
                told = [str(total), repr(probability(total))] if CARD["complete"] else [str(total)]
                told.append(" ".join(reasons(row)))
            except ValueError:
                print(f"row {number}: a numeric column holds text / 第 {number} 行：数值列含有文本", file=sys.stderr)
                return 3
            out.writerow([*(row[name] for name in table.fieldnames or []), *told])
    return 0


if __name__ == "__main__":
    sys.exit(main())
