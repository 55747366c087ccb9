"""The catalogue of credit information that platforms may share: 国办发〔2024〕15号, annex, all 17 kinds.

Every platform feature names its item here (``item = "tax.arrears"`` in ``views.toml``), and the item decides
whether the subject's consent is needed, how a connector obtains the data and which department answers for
it. The rows are in ``catalogue.toml``. A province adds to them with a file of its own, which may only add::

    [extension]
    extends = "guobanfa-2024-15"
    region = "330000"                    # GB/T 2260
    version = "2025.1"
    zh = "浙江省"
    en = "Zhejiang"

    [items."utilities.heating"]
    zh = "供热信息"
    en = "Heating bills"
    content = ["企业名称", "统一社会信用代码", "供热欠费金额"]
    level = "local"
    mode = "physical"
    consent = false
    departments = ["local"]

    [terms]                              # English of words that the national list does not use
    "供热欠费金额" = "Heating in arrears"

``[kinds.NAME]`` (number, zh, en) and ``[departments]`` may be added in the same way.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from vfl.config.faults import config_fault
from vfl.config.reading import Section, read_toml
from vfl.errors import Place, Text

__all__ = ["FAULTS", "Catalogue", "Department", "Item", "Kind", "Level", "Mode"]

CATALOGUE_CONFLICT = config_fault(
    "CATALOGUE_CONFLICT",
    "This entry is already defined in {first}; an extension may only add.",
    "该条目已在 {first} 中定义；扩展文件只能新增。",
    "Remove the entry, or give it an id (or number) of its own.",
    "请删除该条目，或改用新的标识（或序号）。",
)
CATALOGUE_BASE = config_fault(
    "CATALOGUE_BASE",
    "The extension was written for another catalogue.",
    "该扩展文件对应的是另一份目录。",
    "Set `extends = \"{base}\"` after checking its entries against that catalogue.",
    "请对照目录核对各条目，再设置 `extends = \"{base}\"`。",
)
CATALOGUE_ID = config_fault(
    "CATALOGUE_ID",
    "An item's id is the id of its kind, a dot and a name in lower case.",
    "条目标识应为“类别标识.小写名称”。",
    "Write it as in `tax.arrears`; kinds: {kinds}.",
    "请写成 `tax.arrears` 的形式；现有类别：{kinds}。",
)
CATALOGUE_REFERENCE = config_fault(
    "CATALOGUE_REFERENCE",
    "The entry names {what} that no file defines.",
    "该条目引用了未定义的{what_zh}。",
    "Define it under [{table}], or correct the spelling.",
    "请在 [{table}] 中定义，或更正其写法。",
)
CATALOGUE_ITEM_UNKNOWN = config_fault(
    "CATALOGUE_ITEM_UNKNOWN",
    "The catalogue has no item of this id.",
    "信用信息目录中没有该标识的条目。",
    "Did you mean {near}? All ids: docs/catalogue.md.",
    "是否想写 {near}？全部标识见 docs/catalogue.md。",
)

FAULTS = (CATALOGUE_CONFLICT, CATALOGUE_BASE, CATALOGUE_ID, CATALOGUE_REFERENCE, CATALOGUE_ITEM_UNKNOWN)

T = TypeVar("T")

_BASE = Path(__file__).with_name("catalogue.toml")
_ITEM_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class Mode(StrEnum):
    """How the information is shared."""

    INTERFACE = "interface"
    """接口调用: asked for one subject at a time."""
    PHYSICAL = "physical"
    """物理归集: collected at the platform."""
    VERIFICATION = "verification"
    """数据核验: a statement is confirmed or denied."""

    @property
    def label(self) -> Text:
        return _MODES[self]


class Level(StrEnum):
    """Who runs the sharing."""

    NATIONAL = "national"
    LOCAL = "local"
    UNSTATED = "unstated"
    """The annex names no level (all rows of verification)."""

    @property
    def label(self) -> Text:
        return _LEVELS[self]


_MODES: Mapping[Mode, Text] = {
    Mode.INTERFACE: Text("Interface call", "接口调用"),
    Mode.PHYSICAL: Text("Physical collection", "物理归集"),
    Mode.VERIFICATION: Text("Verification", "数据核验"),
}
_LEVELS: Mapping[Level, Text] = {
    Level.NATIONAL: Text("National", "国家层面"),
    Level.LOCAL: Text("Local", "地方层面"),
    Level.UNSTATED: Text("Not stated", "未注明"),
}


@dataclass(frozen=True, slots=True)
class Department:
    """A responsible department."""

    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the 17 kinds, or one that a region added; ``note`` says how a damaged row is read."""

    id: str
    number: int
    name: Text
    note: Text | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One row: what is shared, how, with whose consent, and who answers for it.

    Attributes
    ----------
    id : str
        ``KIND.NAME``, stable for ever.
    kind : str
        Id of its :class:`Kind`.
    content : tuple of Text
        The fields, in the annex's words and in English.
    consent : bool
        The annex asks for the subject's authorisation (经信息主体授权). Where it does not, article (11) still
        forbids handing out trade secrets or private matters unmasked: the flag is no permission to do so.
    departments, guided_by : tuple of Department
        Responsible; and, where the annex says so, guiding.
    region : str or None
        Division code of the extension that added the item; None for the national list.
    """

    id: str
    kind: str
    name: Text
    content: tuple[Text, ...]
    level: Level
    mode: Mode
    consent: bool
    departments: tuple[Department, ...]
    guided_by: tuple[Department, ...] = ()
    note: Text | None = None
    region: str | None = None


class Catalogue:
    """Items by id and by kind. Build with :meth:`load`.

    Attributes
    ----------
    id : str
        Id of the national list.
    version : str
        Of the national list and, after ``+``, of each extension: ``"2024.1+330000@2025.1"``.
    name, source : Text
    kinds : tuple of Kind
        By number.
    """

    def __init__(self, id: str, version: str, name: Text, source: Text, draft: _Draft) -> None:
        self.id = id
        self.version = version
        self.name = name
        self.source = source
        self.kinds = tuple(sorted(draft.kinds.values(), key=lambda kind: kind.number))
        self._items = draft.items

    def __repr__(self) -> str:
        return f"<catalogue {self.id} {self.version}: {len(self.kinds)} kinds, {len(self._items)} items>"

    @classmethod
    def load(cls, *, extensions: Iterable[str | Path] = ()) -> Catalogue:
        """The national list with ``extensions`` (TOML files of regions) added in their order.

        Raises
        ------
        ConfigError
            ``CATALOGUE_CONFLICT`` if an extension defines anything a second time, ``CATALOGUE_BASE``,
            ``CATALOGUE_ID``, ``CATALOGUE_REFERENCE``, ``CONFIG_…``.
        """
        draft = _Draft()
        top = read_toml(_BASE)
        head = top.section("catalogue")
        base, version = head.text("id"), head.text("version")
        name, source = _named(head), Text(en=head.text("source_en"), zh=head.text("source_zh"))
        head.date("issued")
        head.done()
        draft.add(top, _BASE.name, region=None)
        for path in map(Path, extensions):
            top = read_toml(path)
            head = top.section("extension")
            if head.text("extends") != base:
                raise CATALOGUE_BASE.at(Place(file=path.name, column="extension.extends"), base=base)
            region = head.text("region")
            version += f"+{region}@{head.text('version')}"
            _named(head)
            head.done()
            draft.add(top, path.name, region=region)
        return cls(base, version, name, source, draft)

    def item(self, id: str, *, place: Place | None = None) -> Item:
        """The item of this id.

        Parameters
        ----------
        place : Place, optional
            Where the id was written, for the error.

        Raises
        ------
        ConfigError
            ``CATALOGUE_ITEM_UNKNOWN``, with the nearest ids.
        """
        if id not in self._items:
            near = difflib.get_close_matches(id, self._items, n=3, cutoff=0.0)
            raise CATALOGUE_ITEM_UNKNOWN.at(place, near=" / ".join(near))
        return self._items[id]

    def needs_consent(self, id: str) -> bool:
        """Whether the annex asks for the subject's authorisation; see :attr:`Item.consent`."""
        return self.item(id).consent

    def mode(self, id: str) -> Mode:
        """How the information is shared."""
        return self.item(id).mode

    def kind_of(self, id: str) -> Kind:
        """The kind that the item belongs to."""
        kind = self.item(id).kind
        return next(each for each in self.kinds if each.id == kind)

    def items(self) -> tuple[Item, ...]:
        """All items, in the order of the kinds and of the annex."""
        return tuple(item for _, items in self.by_kind() for item in items)

    def by_kind(self) -> Iterator[tuple[Kind, tuple[Item, ...]]]:
        """Each kind with its items."""
        for kind in self.kinds:
            yield kind, tuple(item for item in self._items.values() if item.kind == kind.id)


class _Draft:
    """Entries of the files read so far, and which file each came from."""

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {}
        self.items: dict[str, Item] = {}
        self._departments: dict[str, Department] = {}
        self._terms: dict[str, Text] = {}
        self._file_of: dict[tuple[str, str], str] = {}

    def add(self, top: Section, file: str, *, region: str | None) -> None:
        """Take in one file; ``top`` is its whole content, of which the head is already read."""
        terms = top.section("terms", optional=True)
        for key in _names(terms):
            self._claim("terms", key, file)
            self._terms[key] = Text(en=terms.text(key), zh=key)
        departments = top.section("departments", optional=True)
        for key in _names(departments):
            self._claim("departments", key, file)
            entry = departments.section(key)
            self._departments[key] = Department(key, _named(entry))
            entry.done()
        kinds = top.section("kinds", optional=True)
        for key in _names(kinds):
            self._claim("kinds", key, file)
            self.kinds[key] = self._kind(key, kinds.section(key), file, region)
        items = top.section("items", optional=True)
        for key in _names(items):
            self._claim("items", key, file)
            self.items[key] = self._item(key, items.section(key), file, region)
        top.done()

    def _claim(self, table: str, key: str, file: str) -> None:
        first = self._file_of.setdefault((table, key), file)
        if first != file:
            raise CATALOGUE_CONFLICT.at(Place(file=file, column=f"{table}.{key}"), first=first)

    def _kind(self, key: str, entry: Section, file: str, region: str | None) -> Kind:
        number = entry.integer("number", low=1, high=999)
        for other in self.kinds.values():
            if other.number == number:
                first = self._file_of["kinds", other.id]
                raise CATALOGUE_CONFLICT.at(Place(file=file, column=f"kinds.{key}.number"), first=first)
        kind = Kind(key, number, _named(entry), note=_note(entry), region=region)
        entry.done()
        return kind

    def _item(self, key: str, entry: Section, file: str, region: str | None) -> Item:
        place = Place(file=file, column=f"items.{key}")
        kind = key.partition(".")[0]
        if not _ITEM_ID.fullmatch(key) or kind not in self.kinds:
            raise CATALOGUE_ID.at(place, kinds=", ".join(self.kinds))
        terms, departments = self._terms, self._departments
        item = Item(
            id=key,
            kind=kind,
            name=_named(entry),
            content=_resolve(entry.texts("content"), terms, "terms", place),
            level=Level(entry.text("level", one_of=tuple(Level))),
            mode=Mode(entry.text("mode", one_of=tuple(Mode))),
            consent=entry.flag("consent", True),
            departments=_resolve(entry.texts("departments"), departments, "departments", place),
            guided_by=_resolve(entry.texts("guided_by", []), departments, "departments", place),
            note=_note(entry),
            region=region,
        )
        entry.done()
        return item


def _names(section: Section) -> tuple[str, ...]:
    """Keys of a table whose keys are names given by the writer."""
    return tuple(section._table)


def _named(entry: Section) -> Text:
    return Text(en=entry.text("en"), zh=entry.text("zh"))


def _note(entry: Section) -> Text | None:
    en, zh = entry.text("note_en", ""), entry.text("note_zh", "")
    return Text(en=en, zh=zh) if en or zh else None


_REFERENCES = {"terms": ("a term", "字段用语"), "departments": ("a department", "部门")}


def _resolve(names: tuple[str, ...], known: Mapping[str, T], table: str, place: Place) -> tuple[T, ...]:
    if any(name not in known for name in names):
        what, what_zh = _REFERENCES[table]
        raise CATALOGUE_REFERENCE.at(place, what=what, what_zh=what_zh, table=table)
    return tuple(known[name] for name in names)
