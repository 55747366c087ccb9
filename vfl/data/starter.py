"""A first ``views.toml`` from the table itself, for its owner to read, cut down and sign.

Kinds are inferred from the first block of rows. What should not be a feature (codes, dates, texts of which
every row has its own) is written as a comment with the reason: leaving a column in is a decision, leaving it
out must not be one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from vfl.core.uscc import check_usccs
from vfl.data import faults
from vfl.data.quality import MIN_ROWS_TO_JUDGE, UNIQUE_SHARE
from vfl.data.schema import FeatureKind, FeatureSpec
from vfl.data.source import Block, Cells, open_source
from vfl.data.values import Where, read_dates, read_labels, read_numbers
from vfl.errors import DataError, Place
from vfl.roles import RoleName

__all__ = ["starter_views"]

_LABEL_NAMES = ("y", "label", "target", "bad", "event", "default", "标签", "违约")
_MISSING_WORDS = ("NA", "N/A", "NULL", "null", "None", "nan", "NaN", "-", "--", "?", "无", "空")
_CODES_SHARE = 0.9
_FEW_VALUES = 10


def starter_views(
    path: Path, *, role: RoleName, encoding: str = "utf-8", delimiter: str = ",", name: str = "main"
) -> str:
    """Text of a ``views.toml`` beside ``path`` that declares one view of it.

    Raises
    ------
    DataError
        ``USCC_COLUMN_NOT_FOUND`` and those of the file.
    """
    source = open_source(path, encoding=encoding, delimiter=delimiter)
    header = [column for column in source.header() if column]
    block = next(iter(source.blocks(header)))
    code = _code_column(block, path)
    label = _label_column(block) if role is RoleName.BANK else None
    lines = [f"[views.{_key(name)}]", f"source = {_text(path.name)}", f"id = {_text(code)}"]
    if label is not None:
        lines.append(f"label = {_text(label)}  # 1 = event / 违约记为 1")
    if encoding != "utf-8":
        lines.append(f"encoding = {_text(encoding)}")
    if delimiter != ",":
        lines.append(f"delimiter = {_text(delimiter)}")
    lines += ["", f"[views.{_key(name)}.features]"]
    lines += [_feature_line(column, block) for column in header if column not in (code, label)]
    return "\n".join(lines) + "\n"


def _code_column(block: Block, path: Path) -> str:
    for column, cells in block.columns.items():
        if not isinstance(cells, np.ndarray) and (check_usccs(cells).faults == 0).mean() >= _CODES_SHARE:
            return column
    raise faults.USCC_COLUMN_NOT_FOUND.at(Place(file=path.name))


def _label_column(block: Block) -> str | None:
    for column, cells in block.columns.items():
        if column.lower() in _LABEL_NAMES:
            try:
                read_labels(cells, Where("", block.rows, column))
            except DataError:
                continue
            return column
    return None


def _feature_line(column: str, block: Block) -> str:
    cells = block.columns[column]
    where = Where("", block.rows, column)
    missing = [] if isinstance(cells, np.ndarray) else sorted(set(map(str.strip, cells)) & {*_MISSING_WORDS})
    feature = FeatureSpec(column, FeatureKind.NUMERIC, missing=tuple(missing))
    distinct = len(set(cells.tolist() if isinstance(cells, np.ndarray) else cells))
    try:
        values = read_numbers(cells, feature, where)
    except DataError:
        return _text_line(column, cells, missing, distinct, where)
    if np.isnan(values).all():
        return f"# {_key(column)}: blank / 全空"
    note = "  # few values: a category? / 取值少，是否为类别？" if distinct <= _FEW_VALUES else ""
    return _line(column, FeatureKind.NUMERIC, missing) + note


def _text_line(column: str, cells: Cells, missing: list[str], distinct: int, where: Where) -> str:
    try:
        read_dates(cells, where, blank=True)
    except DataError:
        pass
    else:
        return f"# {_key(column)}: dates; declare it as as_of or observed_on / 日期列，可声明为 as_of 或 observed_on"
    if len(cells) >= MIN_ROWS_TO_JUDGE and distinct > UNIQUE_SHARE * len(cells):
        return f"# {_key(column)}: nearly every row has its own value / 几乎每行取值都不同"
    return _line(column, FeatureKind.CATEGORICAL, missing)


def _line(column: str, kind: FeatureKind, missing: list[str]) -> str:
    codes = f", missing = [{', '.join(map(_text, missing))}]" if missing else ""
    return f'{_key(column)} = {{ kind = "{kind}"{codes}, sensitivity = 3 }}'


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are a part of TOML's, except that TOML escapes DEL too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
