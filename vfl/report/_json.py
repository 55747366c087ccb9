"""Frozen dataclasses to JSON and back, by their type hints alone.

Strict both ways: an unknown, missing or wrongly typed key is refused with its path in the document, so that
an old or edited ``report.json`` never renders as something it is not. NaN ("not defined") is ``null`` and the
infinities are strings, because JSON has neither.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import operator
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from vfl.errors import DataError, Text

__all__ = ["from_plain", "to_plain"]

T = TypeVar("T")

_INFINITIES = {"inf": math.inf, "-inf": -math.inf}


def to_plain(value: object) -> Any:
    """``value``, a dataclass of :mod:`vfl.report`, as dicts, lists, strings, numbers and nulls.

    Written by the type hints, so that 600 and 600.0 in a float field make the same document.
    """
    return _write(type(value), value)


def _write(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        return None if value is None else _write(_of_optional(kind), value)
    if origin is tuple:
        return [_write(typing.get_args(kind)[0], item) for item in value]
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return {f.name: _write(hints[f.name], getattr(value, f.name)) for f in dataclasses.fields(kind)}
    if kind is float:
        return _write_float(float(value))
    if kind is int:
        return operator.index(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, str | bool):
        return value
    raise TypeError(f"a report holds no {type(value).__name__}")


def _write_float(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def _of_optional(kind: Any) -> Any:
    """``X`` of ``X | None``, the only union used."""
    return next(argument for argument in typing.get_args(kind) if argument is not types.NoneType)


def from_plain(kind: type[T], plain: object, *, path: str = "$") -> T:
    """Read ``plain`` as ``kind``, a dataclass of :mod:`vfl.report`.

    Raises
    ------
    DataError
        ``REPORT_FORMAT``: names the path in the document and what was wanted there.
    """
    return typing.cast(T, _read(kind, plain, path))


def _read(kind: Any, plain: Any, path: str) -> Any:
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        return None if plain is None else _read(_of_optional(kind), plain, path)
    if origin is tuple:
        if not isinstance(plain, list):
            raise _refused(path, "wanted a list", "应为列表")
        item = typing.get_args(kind)[0]
        return tuple(_read(item, value, f"{path}[{i}]") for i, value in enumerate(plain))
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(typing.cast(type, kind), plain, path)
    if kind is float:
        return _read_float(plain, path)
    if issubclass(kind, StrEnum):
        if plain not in [member.value for member in kind]:
            raise _refused(path, "wanted one of " + ", ".join(kind), "应为以下之一：" + "、".join(kind))
        return kind(plain)
    if not isinstance(plain, kind) or (kind is int and isinstance(plain, bool)):
        raise _refused(path, f"wanted a value of type {kind.__name__}", f"应为 {kind.__name__} 类型")
    return plain


def _read_float(plain: Any, path: str) -> float:
    if plain is None:
        return math.nan
    if isinstance(plain, str) and plain in _INFINITIES:
        return _INFINITIES[plain]
    if isinstance(plain, int | float) and not isinstance(plain, bool):
        return float(plain)
    raise _refused(path, "wanted a number or null", "应为数字或 null")


def _read_dataclass(kind: type, plain: Any, path: str) -> Any:
    if not isinstance(plain, Mapping):
        raise _refused(path, "wanted an object", "应为对象")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    for name in plain:
        if name not in fields:
            near = difflib.get_close_matches(str(name), fields, n=1)
            en, zh = (f" (did you mean {near[0]}?)", f"（是否指 {near[0]}？）") if near else ("", "")
            raise _refused(f"{path}.{name}", f"there is no such key{en}", f"没有这个键{zh}")
    values = {}
    for name, f in fields.items():
        if name in plain:
            values[name] = _read(hints[name], plain[name], f"{path}.{name}")
        elif f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise _refused(f"{path}.{name}", "this key is missing", "缺少这个键")
    return kind(**values)


def _refused(path: str, problem_en: str, problem_zh: str) -> DataError:
    return DataError(
        "REPORT_FORMAT",
        Text(
            f"The report document is not readable at {path}: {problem_en}.",
            f"报告文件在 {path} 处无法读取：{problem_zh}。",
        ),
        cure=Text(
            "Render the report again from the job that made it, with the same version of the software.",
            "请用同一版本的软件从原作业重新生成报告。",
        ),
    )
