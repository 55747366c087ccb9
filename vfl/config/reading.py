"""Strict reading of TOML tables: unknown keys are named with the nearest known one, types and ranges are checked."""

from __future__ import annotations

import datetime as dt
import difflib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from vfl.errors import ConfigError, Place, Text

__all__ = ["Section", "read_toml"]

T = TypeVar("T")
_MISSING = object()


def read_toml(path: Path) -> Section:
    """Parse ``path``; every failure is a ConfigError that names the file."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            "CONFIG_NOT_FOUND",
            Text(en="there is no such file", zh="文件不存在"),
            cure=Text(en="check the path", zh="请检查路径"),
            place=Place(file=str(path)),
        ) from None
    except OSError as error:
        raise ConfigError(
            "CONFIG_UNREADABLE",
            Text(en=f"the file cannot be read ({error.strerror})", zh=f"无法读取文件（{error.strerror}）"),
            cure=Text(en="check the file's permissions", zh="请检查文件权限"),
            place=Place(file=str(path)),
        ) from None
    return parse_toml(raw, str(path))


def parse_toml(raw: bytes, name: str) -> Section:
    try:
        return Section(tomllib.loads(raw.decode("utf-8-sig")), name, "")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            "CONFIG_SYNTAX",
            Text(en=f"not valid TOML in UTF-8: {error}", zh=f"不是合法的 UTF-8 TOML：{error}"),
            cure=Text(en="mend the line that is named", zh="请修正所指出的行"),
            place=Place(file=name),
        ) from None


class Section:
    """One TOML table whose keys must all be asked for (:meth:`done`)."""

    def __init__(self, table: Mapping[str, Any], file: str, path: str) -> None:
        self._table = table
        self._file = file
        self._path = path
        self._asked: set[str] = set()

    def _place(self, key: str) -> Place:
        return Place(file=self._file, column=f"{self._path}{key}")

    def __contains__(self, key: str) -> bool:
        return key in self._table

    def _get(self, key: str, kind: type[T], default: object) -> T:
        self._asked.add(key)
        value = self._table.get(key, default)
        if value is _MISSING:
            raise ConfigError(
                "CONFIG_KEY_MISSING",
                Text(en="this key is needed", zh="缺少必需的键"),
                cure=Text(en=f"add `{key} = …`", zh=f"请添加 `{key} = …`"),
                place=self._place(key),
            )
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigError(
                "CONFIG_TYPE",
                Text(en=f"wants a {kind.__name__}", zh=f"类型应为 {kind.__name__}"),
                cure=Text(en="write a value of that type", zh="请填写该类型的值"),
                place=self._place(key),
            )
        return value

    def section(self, key: str, *, optional: bool = False) -> Section:
        return Section(self._get(key, dict, {} if optional else _MISSING), self._file, f"{self._path}{key}.")

    def text(self, key: str, default: str | object = _MISSING, *, one_of: Collection[str] | None = None) -> str:
        value = self._get(key, str, default)
        if one_of is not None and value not in one_of:
            near = difflib.get_close_matches(value, one_of, 1)
            raise ConfigError(
                "CONFIG_CHOICE",
                Text(en=f"must be one of {', '.join(sorted(one_of))}", zh=f"只能取 {'、'.join(sorted(one_of))} 之一"),
                cure=Text(
                    en=f"did you mean {near[0]}?" if near else "choose one of them",
                    zh=f"是否想写 {near[0]}？" if near else "请从中选择",
                ),
                place=self._place(key),
            )
        return value

    def texts(self, key: str, default: object = _MISSING) -> tuple[str, ...]:
        value = self._get(key, list, default)
        if not all(isinstance(v, str) for v in value):
            raise ConfigError(
                "CONFIG_TYPE",
                Text(en="wants a list of texts", zh="应为文本列表"),
                cure=Text(en='write ["a", "b"]', zh='请写成 ["a", "b"]'),
                place=self._place(key),
            )
        return tuple(value)

    def flag(self, key: str, default: bool) -> bool:
        return self._get(key, bool, default)

    def date(self, key: str, default: object = _MISSING) -> dt.date:
        return self._get(key, dt.date, default)

    def optional_date(self, key: str) -> dt.date | None:
        self._asked.add(key)
        return self.date(key) if key in self else None

    def integer(self, key: str, default: object = _MISSING, *, low: int, high: int) -> int:
        return self._ranged(key, self._get(key, int, default), low, high)

    def number(self, key: str, default: object = _MISSING, *, low: float, high: float) -> float:
        return self._ranged(key, self._get(key, float, default), low, high)

    def _ranged(self, key: str, value: T, low: Any, high: Any) -> T:
        if not low <= value <= high:
            raise ConfigError(
                "CONFIG_RANGE",
                Text(en=f"is outside the range {low} to {high}", zh=f"超出取值范围 {low} 至 {high}"),
                cure=Text(en="choose a value in the range", zh="请在范围内取值"),
                place=self._place(key),
            )
        return value

    def done(self) -> None:
        """All keys have been asked for; any other key is a mistake of the writer."""
        for key in self._table:
            if key not in self._asked:
                near = difflib.get_close_matches(key, self._asked, 1)
                raise ConfigError(
                    "CONFIG_UNKNOWN_KEY",
                    Text(en="no such key", zh="没有这个键"),
                    cure=Text(
                        en=f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(sorted(self._asked))}",
                        zh=f"是否想写 `{near[0]}`？" if near else f"可用的键：{'、'.join(sorted(self._asked))}",
                    ),
                    place=self._place(key),
                )
