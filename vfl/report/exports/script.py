"""``score.py``: the card and the code that scores with it in one file, for a machine with Python and nothing else."""

from __future__ import annotations

from pathlib import Path
from pprint import pformat

from vfl.core.scorecard import Scorecard
from vfl.report.exports import standalone

__all__ = ["card_to_script"]

_MARK = "# --- 8< --- below this line: score.py ---\n"
_CARD = "{}  # type: ignore[type-arg]"
_NOTES = ("  # type: ignore[type-arg]", "  # type: ignore[arg-type]")

_HEAD = '''"""Scorecard, runs on Python 3.10 or later alone / 评分卡，仅需 Python 3.10 及以上版本。

    python score.py TABLE.csv > scored.csv

Columns / 列: {columns}
An empty field is a missing value; codes and levels never seen in training count as neutral or as the pool of rare ones.
空字段表示缺失值；训练中未出现的取值按中性或稀有类处理。
"""
'''


def card_to_script(card: Scorecard) -> str:
    """The file's text. It reads CSV, where an empty field is missing, and offers ``score(row)`` to importers."""
    state = card.to_dict()
    state["features"] = [f.to_dict() for f in card.known]
    state |= {"columns": list(card.columns), "complete": card.complete}
    # Strings, numbers, lists and dictionaries as Python writes them: nothing in a card can be read as code.
    literal = pformat(state, width=118, sort_dicts=False)
    code = Path(standalone.__file__).read_text(encoding="utf-8").split(_MARK, 1)[1]
    code = code.replace(_CARD, literal, 1)
    for note in _NOTES:
        code = code.replace(note, "")
    columns = ", ".join(card.columns).replace("\\", "\\\\").replace('"', "'")
    return f"{_HEAD.format(columns=columns)}\nfrom __future__ import annotations\n\n{code}"
