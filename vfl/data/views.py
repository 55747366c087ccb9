"""``views.toml``: the only columns that a job may ever read.

::

    catalogue_extensions = ["zhejiang.toml"]   # optional: a region's own items

    [views.loans]
    source = "bank.csv"              # beside this file; .csv or .parquet
    id = "uscc"
    label = "y"                      # bank only: 1 = event
    as_of = "snapshot_date"          # optional: date of the snapshot the features come from
    valid_until = "valid_until"      # optional: last day on which the snapshot holds; blank: still does
    history = true                   # platform only: several snapshots of a firm; jobs take the one of their day
    observed_on = "decision_date"    # optional: the snapshot may not be later
    performance_until = "watched"    # bank only: last day on which the outcome was watched
    weight = "exposure"              # bank only: sample weights of scorecards
    encoding = "utf-8"               # or "gb18030"
    delimiter = ","
    bad_codes = "refuse"             # or "quarantine"
    missing = ["NA", -999]           # for all features; a blank cell is always missing
    bins = "scorecard.json"          # cuts and groups of an earlier model

    [views.loans.features]
    arrears = { kind = "numeric", missing = [-1], sensitivity = 4, item = "tax.arrears" }
    days_late = { kind = "numeric", specials = [-8, [-1, -2]], cuts = [1, 30, 90], fixed = true, trend = "ascending" }
    industry = { kind = "categorical", groups = [["A", "B"], ["C"]], choice = "keep" }

    [consents]                       # platform: who may see which firm, for what, until when
    source = "consents.csv"

A column that is not named here is never loaded, whatever the file holds.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vfl.config.binning import TRENDS
from vfl.config.reading import Section, read_toml
from vfl.data import faults, sample_faults
from vfl.data.bins_file import with_bins
from vfl.data.catalogue import Catalogue
from vfl.data.schema import BadCodes, Choice, ConsentSpec, FeatureKind, FeatureSpec, Views, ViewSpec
from vfl.errors import Place
from vfl.roles import RoleName

__all__ = ["SIGNABLE", "load_views", "view_named"]

SIGNABLE = frozenset(
    fault.code for fault in (faults.FEATURE_CONSTANT, faults.FEATURE_IDENTIFIER, faults.FEATURE_IS_LABEL)
)
"""Codes that an owner may sign off for a feature."""

_ENCODINGS = ("utf-8", "gb18030")
_DELIMITERS = (",", ";", "\t", "|")

_Missing = tuple[tuple[str, ...], tuple[float, ...]]
"""Missing codes as text and as numbers."""


class _Table(Section):
    """A section that may also hold tables the user names and lists of mixed values."""

    @classmethod
    def read(cls, path: Path) -> _Table:
        section = read_toml(path)
        return cls(section._table, path.name, "")

    def place(self, key: str) -> Place:
        return self._place(key)

    def table(self, key: str, *, optional: bool = False) -> _Table:
        return _Table(self.section(key, optional=optional)._table, self._file, f"{self._path}{key}.")

    def named_tables(self) -> Iterator[tuple[str, _Table]]:
        """The tables in this one, whose keys are names given by the user."""
        return ((name, self.table(name)) for name in self._table)

    def optional_text(self, key: str) -> str | None:
        self._asked.add(key)
        return self.text(key) if key in self else None

    def numbers(self, key: str) -> tuple[tuple[float, ...], ...]:
        """A list of numbers or of groups of numbers, as groups."""
        return tuple(tuple(map(float, group)) for group in self._groups(key, (int, float)))

    def levels(self, key: str) -> tuple[tuple[str, ...], ...]:
        """The same of texts."""
        return tuple(tuple(str(level).strip() for level in group) for group in self._groups(key, (str,)))

    def _groups(self, key: str, kinds: tuple[type, ...]) -> list[list[Any]]:
        self._asked.add(key)
        told = self._table.get(key, [])
        groups = [entry if type(entry) is list else [entry] for entry in told] if type(told) is list else [[]]
        found = [value for group in groups for value in group]
        # Exact types: True is a number to Python and never one to a reader.
        if not (all(groups) and {type(value) for value in found} <= {*kinds} and len(set(found)) == len(found)):
            raise sample_faults.BIN_VALUES.at(self.place(key))
        return groups

    def missing(self) -> _Missing:
        """Missing codes as text (a number in its own spelling too, for categories) and as numbers."""
        self._asked.add("missing")
        codes = self._table.get("missing", [])
        # Exact types: True is a number to Python and never one to a reader.
        if type(codes) is not list or not {type(code) for code in codes} <= {str, int, float}:
            raise faults.MISSING_CODES.at(self.place("missing"))
        texts = tuple(str(code).strip() for code in codes)
        return texts, tuple(float(code) for code in codes if not isinstance(code, str))


def load_views(path: str | Path, *, role: RoleName) -> Views:
    """Read and check a ``views.toml``. No table is opened.

    Raises
    ------
    ConfigError
        ``CONFIG_…``, ``CATALOGUE_…``, ``COLUMN_TWICE``, ``LABEL_AT_PLATFORM``, ``VIEWS_NONE``, ``VIEW_ROLE``
        and the like.
    """
    path = Path(path)
    if role is RoleName.COORDINATOR:
        raise faults.VIEW_ROLE.at(Place(file=path.name), role=role.value)
    top = _Table.read(path)
    extensions = [path.parent / name for name in top.texts("catalogue_extensions", [])]
    catalogue = Catalogue.load(extensions=extensions)
    tables = top.table("views", optional=True)
    views = {
        name: _view(name, table, path.parent, role, catalogue) for name, table in tables.named_tables()
    }
    consents = _consents(top.table("consents"), path.parent) if "consents" in top else None
    top.done()
    if not views:
        raise faults.VIEWS_NONE.at(Place(file=path.name))
    return Views(file=path.name, role=role, views=views, consents=consents)


def view_named(views: Views, name: str) -> ViewSpec:
    """The view of this name.

    Raises
    ------
    ConfigError
        ``VIEW_UNKNOWN``, with the names that are declared, nearest first.
    """
    if name not in views.views:
        near = difflib.get_close_matches(name, views.views, n=1)
        ordered = [*near, *(other for other in views.views if other not in near)]
        raise faults.VIEW_UNKNOWN.at(Place(file=views.file), declared=", ".join(ordered))
    return views.views[name]


def _view(name: str, table: _Table, folder: Path, role: RoleName, catalogue: Catalogue) -> ViewSpec:
    _require_role(table, role)
    shared = table.missing()
    features = tuple(
        _feature(column, feature, shared, catalogue) for column, feature in table.table("features").named_tables()
    )
    bins = folder / table.text("bins") if "bins" in table else None
    view = ViewSpec(
        name=name,
        source=folder / table.text("source"),
        id=table.text("id"),
        features=features if bins is None else with_bins(features, bins),
        bins=bins,
        label=table.optional_text("label"),
        as_of=table.optional_text("as_of"),
        valid_until=table.optional_text("valid_until"),
        observed_on=table.optional_text("observed_on"),
        performance_until=table.optional_text("performance_until"),
        weight=table.optional_text("weight"),
        history=table.flag("history", False),
        encoding=table.text("encoding", "utf-8", one_of=_ENCODINGS),
        delimiter=table.text("delimiter", ",", one_of=_DELIMITERS),
        bad_codes=BadCodes(table.text("bad_codes", BadCodes.REFUSE.value, one_of=tuple(BadCodes))),
    )
    table.done()
    _require_one_use_each(view, table)
    if view.as_of is None and (view.history or view.valid_until is not None):
        raise sample_faults.SNAPSHOT_UNDATED.at(table.place("as_of"))
    return view


def _require_role(table: _Table, role: RoleName) -> None:
    """Labels and what belongs to them are the bank's; a firm's rows over time are a platform's."""
    if role is RoleName.PLATFORM:
        if "label" in table:
            raise faults.LABEL_AT_PLATFORM.at(table.place("label"))
        foreign = {"performance_until": "bank", "weight": "bank"}
    else:
        foreign = {"history": "platform"}
    for key, owner in foreign.items():
        if key in table:
            owner_zh = "银行" if owner == "bank" else "平台"
            raise sample_faults.VIEW_KEY_ROLE.at(table.place(key), role=owner, role_zh=owner_zh)


def _feature(name: str, table: _Table, shared: _Missing, catalogue: Catalogue) -> FeatureSpec:
    texts, numbers = table.missing()
    item = table.optional_text("item")
    if item is not None:
        catalogue.item(item, place=table.place("item"))
    signed_off = frozenset(table.texts("signed_off", []))
    if not signed_off <= SIGNABLE:
        raise faults.CODE_NOT_SIGNABLE.at(table.place("signed_off"), allowed=", ".join(sorted(SIGNABLE)))
    kind = FeatureKind(table.text("kind", one_of=tuple(FeatureKind)))
    for key in ("specials", "cuts", "trend") if kind is FeatureKind.CATEGORICAL else ("groups",):
        if key in table:
            raise sample_faults.BIN_KEY_KIND.at(table.place(key), key=key)
    feature = FeatureSpec(
        name=name,
        kind=kind,
        missing=shared[0] + texts,
        missing_numbers=shared[1] + numbers,
        sensitivity=table.integer("sensitivity", 3, low=1, high=5),
        item=item,
        signed_off=signed_off,
        specials=table.numbers("specials"),
        cuts=tuple(sorted(cut for group in table.numbers("cuts") for cut in group)),
        groups=table.levels("groups"),
        fixed=table.flag("fixed", False),
        trend=table.text("trend", one_of=TRENDS) if "trend" in table else "",
        choice=Choice(table.text("choice", Choice.BY_RULE.value, one_of=tuple(Choice))),
    )
    table.done()
    if feature.fixed and not (feature.cuts or feature.groups):
        raise sample_faults.BIN_FIXED.at(table.place("fixed"))
    return feature


def _require_one_use_each(view: ViewSpec, table: _Table) -> None:
    uses: dict[str, str] = {}
    uses_of_one = ("id", "label", "as_of", "valid_until", "observed_on", "performance_until", "weight")
    special = tuple((use, getattr(view, use)) for use in uses_of_one)
    for use, column in (*special, *((f"features.{f.name}", f.name) for f in view.features)):
        if column is None:
            continue
        if column in uses:
            raise faults.COLUMN_TWICE.at(table.place(use), first=uses[column], second=use)
        uses[column] = use


def _consents(table: _Table, folder: Path) -> ConsentSpec:
    names = ("uscc", "grantee", "purpose", "valid_from", "valid_until", "revoked_on")
    spec = ConsentSpec(
        source=folder / table.text("source"),
        encoding=table.text("encoding", "utf-8", one_of=_ENCODINGS),
        delimiter=table.text("delimiter", ",", one_of=_DELIMITERS),
        **{name: table.text(name, name) for name in names},
    )
    table.done()
    return spec
