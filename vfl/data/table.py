"""One party's table in memory: normalised codes, declared columns, private labels.

:func:`load_view` streams the source block by block and keeps declared columns only: 8 bytes per number and 4
per category. A table that comes out of it is sound: codes valid and distinct, cells read without guessing,
labels 0 or 1, no snapshot from after the decision.
"""

from __future__ import annotations

import datetime as dt
import difflib
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from vfl.config.time import TimeSpec
from vfl.core.uscc import UsccFault, check_usccs, uscc_fault
from vfl.data import faults, sample_faults
from vfl.data.private import Private
from vfl.data.quality import (
    Categories,
    LeftOut,
    Numbers,
    QualityReport,
    feature_quality,
    require_sound,
    require_trainable,
)
from vfl.data.schema import BadCodes, FeatureKind, FeatureSpec, Use, Views, ViewSpec
from vfl.data.snapshots import Snapshots, numbered
from vfl.data.source import Block, open_source
from vfl.data.timing import RowDates
from vfl.data.values import Where, read_categories, read_labels, read_numbers, read_weights
from vfl.data.views import view_named
from vfl.errors import LocalProtocolError, Place, Text
from vfl.roles import RoleName

__all__ = ["Dataset", "load_view"]

Days = npt.NDArray[np.datetime64]
Labels = npt.NDArray[np.uint8]
Columns = Mapping[str, Numbers | Categories]
Rows = npt.NDArray[np.intp] | npt.NDArray[np.bool_] | Sequence[int]

MAX_LEVELS = 10_000
"""More levels than this make no category: the national lists of industries and counties stay far below."""


class Dataset:
    """Rows of one party; made by :func:`load_view`, in simulations also by :meth:`from_arrays`.

    Attributes
    ----------
    ids : list of str
        Normalised unified social credit codes, distinct.
    features : tuple of FeatureSpec
        In the order of the view.
    labels : Private of uint8 array, or None
        1 for the event, shape (rows,); at the bank, when loaded for training.
    weights : Private of float64 array, or None
        Sample weights, shape (rows,); at the bank, where the view names them.
    as_of, observed_on : datetime64[D] array, or None
        Where the view declares them.
    report : QualityReport

    Security: holds raw rows. ``repr`` is redacted, and it cannot be pickled.
    """

    __slots__ = ("_columns", "_dated", "as_of", "features", "ids", "labels", "observed_on", "report", "weights")

    def __init__(
        self,
        ids: list[str],
        features: tuple[FeatureSpec, ...],
        columns: Columns,
        *,
        labels: Labels | None,
        as_of: Days | None,
        observed_on: Days | None,
        report: QualityReport,
        weights: Numbers | None = None,
        dated: tuple[Snapshots, Columns] | None = None,
    ) -> None:
        self.ids = ids
        self.features = features
        self._columns = Private(columns, "columns")
        self.labels = None if labels is None else Private(labels, "labels")
        self.weights = None if weights is None else Private(weights, "weights")
        self._dated = None if dated is None else Private(dated, "snapshots")
        self.as_of = as_of
        self.observed_on = observed_on
        self.report = report

    @classmethod
    def from_arrays(
        cls,
        ids: Sequence[str],
        numeric: Mapping[str, Numbers],
        *,
        categorical: Mapping[str, Sequence[str]] | None = None,
        labels: Labels | None = None,
        declared: Mapping[str, FeatureSpec] | None = None,
        name: str = "arrays",
    ) -> Dataset:
        """Rows that are already in memory, for simulations: nothing is checked as a file's rows are.

        Parameters
        ----------
        ids : sequence of str
            Distinct; any text joins as well as a code does.
        numeric : mapping of name to float64 array, (rows,)
            NaN for missing.
        categorical : mapping of name to sequence of str, optional
            Empty text for missing.
        labels : uint8 array, (rows,), optional
        declared : mapping of name to FeatureSpec, optional
            What a view would say of some of them, of their bins above all.
        """
        told = declared or {}
        columns: dict[str, Numbers | Categories] = {
            key: np.ascontiguousarray(values, dtype=np.float64) for key, values in numeric.items()
        }
        for key, cells in (categorical or {}).items():
            levels = sorted(set(cells) - {""})
            codes = {level: code for code, level in enumerate(levels)}
            columns[key] = Categories(np.array([codes.get(c, -1) for c in cells], dtype=np.int32), levels)
        features = []
        for key, column in columns.items():
            kind = FeatureKind.CATEGORICAL if isinstance(column, Categories) else FeatureKind.NUMERIC
            features.append(told[key] if key in told else FeatureSpec(key, kind))
        events = None if labels is None else int(labels.sum())
        report = QualityReport(name, len(ids), {}, events, ())
        return cls(list(ids), tuple(features), columns, labels=labels, as_of=None, observed_on=None, report=report)

    def __repr__(self) -> str:
        return f"<dataset {self.report.view}: {len(self.ids)} rows, {len(self.features)} features>"

    def __len__(self) -> int:
        return len(self.ids)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise LocalProtocolError(
            "PRIVATE_MISUSE",
            Text("A table of rows cannot be pickled or copied.", "数据表不可序列化或复制。"),
            cure=Text("Use `take` for some of its rows.", "如需部分行，请使用 `take`。"),
        )

    def numeric(self, name: str) -> Numbers:
        """Values of a numeric feature: float64, NaN for missing, shape (rows,).

        Raises
        ------
        ConfigError
            ``FEATURE_UNDECLARED``.
        """
        column = self._columns.expose().get(name)
        if column is None or isinstance(column, Categories):
            raise self._undeclared(name, FeatureKind.NUMERIC)
        return column

    def categorical(self, name: str) -> tuple[npt.NDArray[np.int32], list[str]]:
        """Codes (int32, −1 for missing, shape (rows,)) and the sorted levels they point into.

        Raises
        ------
        ConfigError
            ``FEATURE_UNDECLARED``.
        """
        column = self._columns.expose().get(name)
        if not isinstance(column, Categories):
            raise self._undeclared(name, FeatureKind.CATEGORICAL)
        return column.codes, column.levels

    def take(self, rows: Rows) -> Dataset:
        """These rows in this order (indices or a mask), with the same levels and the report of the whole."""
        picked = np.asarray(rows)
        order = np.flatnonzero(picked) if picked.dtype == np.bool_ else picked.astype(np.intp)
        return Dataset(
            [self.ids[i] for i in order.tolist()],
            self.features,
            _rows_of(self._columns.expose(), order),
            labels=None if self.labels is None else self.labels.expose()[order],
            weights=None if self.weights is None else self.weights.expose()[order],
            as_of=None if self.as_of is None else self.as_of[order],
            observed_on=None if self.observed_on is None else self.observed_on[order],
            report=self.report,
        )

    def take_as_of(self, rows: npt.NDArray[np.intp], days: Days, *, refuse: bool) -> Dataset:
        """Features of these rows as known on ``days``, one each; missing where no snapshot of the firm holds then.

        Parameters
        ----------
        refuse : bool
            A firm whose only snapshot is from after its day is a fault; else its features are missing too.

        Raises
        ------
        ConfigError
            ``SNAPSHOT_UNDATED``: the view declares no column of dates.
        DataError
            ``SNAPSHOT_LOOKAHEAD``, with file, row and column.
        """
        if self._dated is None:
            raise sample_faults.SNAPSHOT_UNDATED.at(Place(column=f"views.{self.report.view}.as_of"))
        snapshots, columns = self._dated.expose()
        if refuse:
            snapshots.require_no_later(rows, days)
        newest = snapshots.newest(rows, days)
        return Dataset(
            [self.ids[i] for i in rows.tolist()], self.features, _rows_of(columns, newest), labels=None,
            as_of=np.where(newest >= 0, snapshots.as_of[newest], np.datetime64("NaT", "D")), observed_on=None,
            report=self.report,
        )  # fmt: skip

    def _undeclared(self, name: str, kind: FeatureKind) -> Exception:
        declared = [feature.name for feature in self.features if feature.kind is kind]
        near = difflib.get_close_matches(name, declared, n=5) or declared[:5]
        return faults.FEATURE_UNDECLARED.at(
            Place(column=name),
            view=self.report.view,
            kind=kind.value,
            kind_zh="数值型" if kind is FeatureKind.NUMERIC else "类别型",
            declared=", ".join(near),
        )


def _rows_of(columns: Columns, rows: npt.NDArray[np.intp]) -> Columns:
    """These rows of all columns; a negative number is a row of missing values."""
    none = rows < 0
    out: dict[str, Numbers | Categories] = {}
    for name, column in columns.items():
        if isinstance(column, Categories):
            out[name] = Categories(np.where(none, np.int32(-1), column.codes[rows]), column.levels)
        else:
            out[name] = np.where(none, np.nan, column[rows])
    return out


def load_view(
    views: Views,
    name: str,
    *,
    role: RoleName,
    use: Use = Use.TRAINING,
    cutoff: dt.date | None = None,
    time: TimeSpec | None = None,
    weight_limit: float = np.inf,
    today: dt.date | None = None,
) -> Dataset:
    """Load one declared table and check it.

    Parameters
    ----------
    views : Views
        From :func:`vfl.data.views.load_views`.
    name : str
        Of the view.
    role : RoleName
        Of this node; must be the one the views were read for.
    use : Use
        For scoring no label is read and features may be constant or empty.
    cutoff : date, optional
        The job's day: no snapshot may be later, and labels must be final on it.
    time : TimeSpec, optional
        The job's windows; by default none are stated.
    weight_limit : float
        The largest sample weight that the job takes.
    today : date, optional
        Dates after it are refused; the clock of this machine by default.

    Raises
    ------
    ConfigError
        ``VIEW_UNKNOWN``, ``VIEW_ROLE``, ``LABEL_UNDECLARED``, ``SOURCE_…``.
    DataError
        Any fault of the table: see ``docs/errors.md``.
    """
    if role is not views.role:
        raise faults.VIEW_ROLE.at(Place(file=views.file), role=role.value)
    view = view_named(views, name)
    if role is RoleName.BANK and use is Use.TRAINING and view.label is None:
        raise faults.LABEL_UNDECLARED.at(Place(file=views.file, column=f"views.{name}.label"))
    time = time or TimeSpec()
    if role is RoleName.BANK and use is Use.TRAINING and time.windows and view.observed_on is None:
        raise sample_faults.OBSERVED_UNDECLARED.at(Place(file=views.file, column=f"views.{name}.observed_on"))
    dates = RowDates(view, role=role, use=use, time=time, cutoff=cutoff, today=today or dt.date.today())
    reading = _Reading(view, use, dates, weight_limit)
    key = f"views.{name}.source"
    source = open_source(view.source, encoding=view.encoding, delimiter=view.delimiter, key=key)
    for block in source.blocks(view.columns(use)):
        reading.add(block)
    return reading.dataset()


class _Reading:
    """Columns as they grow, block by block."""

    def __init__(self, view: ViewSpec, use: Use, dates: RowDates, weight_limit: float) -> None:
        self._view = view
        self._use = use
        self._dates = dates
        self._weight_limit = weight_limit
        self._ids: list[str] = []
        self._rows = array("q")
        self._quarantined: Counter[str] = Counter()
        self._numbers: dict[str, list[Numbers]] = {}
        self._codes: dict[str, list[npt.NDArray[np.int32]]] = {}
        self._levels: dict[str, dict[str, int]] = {}
        self._labels: list[Labels] = []
        self._weights: list[Numbers] = []

    def add(self, block: Block) -> None:
        block, codes = self._with_good_codes(block)
        kept = self._dates.admit(block)
        if len(kept) < len(codes):
            block, codes = block.take(kept.tolist()), [codes[i] for i in kept.tolist()]
        self._ids += codes
        self._rows.extend(block.rows)
        for feature in self._view.features:
            where = self._where(block, feature.name)
            cells = block.columns[feature.name]
            if feature.kind is FeatureKind.NUMERIC:
                self._numbers.setdefault(feature.name, []).append(read_numbers(cells, feature, where))
            else:
                levels = self._levels.setdefault(feature.name, {})
                self._codes.setdefault(feature.name, []).append(read_categories(cells, feature, levels))
                if len(levels) > MAX_LEVELS:
                    reason, zh = f"more than {MAX_LEVELS} categories", f"类别超过 {MAX_LEVELS} 个"
                    raise faults.FEATURE_IDENTIFIER.at(self._place(feature.name), reason=reason, reason_zh=zh)
        if self._use is Use.TRAINING:
            self._add_outcome(block)

    def _add_outcome(self, block: Block) -> None:
        label, weight = self._view.label, self._view.weight
        if label is not None:
            self._labels.append(read_labels(block.columns[label], self._where(block, label)))
        if weight is not None:
            where = self._where(block, weight)
            self._weights.append(read_weights(block.columns[weight], where, limit=self._weight_limit))

    def dataset(self) -> Dataset:
        alone = None if self._view.history else self._distinct_codes()
        ids, firm = numbered(self._ids if alone is None else [self._ids[i] for i in alone.tolist()])
        whole = {feature.name: self._column(feature, alone) for feature in self._view.features}
        snapshots = None if self._view.as_of is None else self._snapshots(firm, alone)
        rows = None
        if snapshots is not None:
            standing = self._standing(snapshots, len(ids))
            ids, snapshots = [ids[i] for i in np.flatnonzero(standing >= 0).tolist()], snapshots.of(standing >= 0)
            rows = standing[standing >= 0]
            rows = None if len(rows) == len(firm) else rows
        place = Place(file=self._view.source.name)
        if not ids:
            raise (sample_faults.ROWS_ALL_LEFT_OUT if self._dates.left_out else faults.ROWS_ALL_QUARANTINED).at(place)
        labels = _chosen(_joined(self._labels, alone), rows)
        if labels is not None:
            require_trainable(labels, replace(place, column=self._view.label))
        weights = _chosen(_joined(self._weights, alone), rows)
        if weights is not None and labels is not None and not np.bincount(labels, weights).all():
            raise sample_faults.WEIGHT_CLASS.at(replace(place, column=self._view.weight))
        columns = whole if rows is None else _rows_of(whole, rows)
        qualities = []
        for feature in self._view.features:
            quality = feature_quality(feature, columns[feature.name])
            if self._use is Use.TRAINING:
                column_place = replace(place, column=feature.name)
                require_sound(feature, columns[feature.name], quality, labels, column_place)
            qualities.append(quality)
        return Dataset(
            ids,
            self._view.features,
            columns,
            labels=labels,
            weights=weights,
            as_of=_chosen(self._dates.days("as_of", alone), rows),
            observed_on=_chosen(self._dates.days("observed_on", alone), rows),
            dated=None if snapshots is None else (snapshots, whole),
            report=QualityReport(
                view=self._view.name,
                rows=len(ids),
                quarantined=dict(sorted(self._quarantined.items())),
                events=None if labels is None else int(labels.sum()),
                features=tuple(qualities),
                left_out=dict(sorted(self._dates.left_out.items())),
            ),
        )

    def _snapshots(self, firm: npt.NDArray[np.intp], rows: npt.NDArray[np.intp] | None) -> Snapshots:
        as_of, until = self._dates.days("as_of", rows), self._dates.days("valid_until", rows)
        lines = np.array(self._rows, dtype=np.int64)
        never = np.full(len(firm), "NaT", dtype="datetime64[D]")
        out = Snapshots(
            firm, never if as_of is None else as_of, never if until is None else until,
            lines if rows is None else lines[rows], self._place(self._view.as_of or ""), self._view.history,
        )  # fmt: skip
        out.require_distinct()
        return out

    def _standing(self, snapshots: Snapshots, firms: int) -> npt.NDArray[np.intp]:
        """Row of each firm that holds on the day of the features; -1 where none does."""
        last = self._dates.feature_day
        day = np.datetime64("9999-12-31", "D") if last is None else last
        rows = snapshots.newest(np.arange(firms), np.full(firms, day), expired=self._dates.monthly)
        left_out = self._dates.left_out
        older, gone = len(snapshots.firm) - firms, int((rows < 0).sum())
        left_out.update({LeftOut.SNAPSHOT_OLDER: older} if older else {})
        left_out.update({LeftOut.SNAPSHOT_EXPIRED: gone} if gone else {})
        return rows

    def _with_good_codes(self, block: Block) -> tuple[Block, list[str]]:
        """The rows of the block with sound codes, and these, normalised; faulty ones may be refused."""
        column = self._view.id
        cells = block.columns[column]
        if isinstance(cells, np.ndarray):
            raise faults.USCC_NUMBER_COLUMN.at(self._place(column))
        checked = check_usccs(cells)
        good = checked.faults == UsccFault.NONE
        if good.all():
            return block, list(checked.codes)
        if self._view.bad_codes is BadCodes.REFUSE:
            first = int(np.argmin(good))
            fault = uscc_fault(UsccFault(int(checked.faults[first])))
            raise fault.at(self._where(block, column).at(first))
        self._quarantined.update(
            uscc_fault(UsccFault(fault)).code for fault in checked.faults[~good].tolist()
        )
        kept = np.flatnonzero(good).tolist()
        return block.take(kept), [checked.codes[i] for i in kept]

    def _distinct_codes(self) -> npt.NDArray[np.intp] | None:
        """None when all codes differ; else refuse, or the rows whose code is theirs alone."""
        if len(set(self._ids)) == len(self._ids):
            return None
        if self._view.bad_codes is BadCodes.REFUSE:
            seen: dict[str, int] = {}
            for row, code in zip(self._rows, self._ids, strict=True):
                first = seen.setdefault(code, row)
                if first != row:
                    place = Place(file=self._view.source.name, row=row, column=self._view.id)
                    raise faults.USCC_DUPLICATE.at(place, first=first)
        counts = Counter(self._ids)
        alone = np.array([i for i, code in enumerate(self._ids) if counts[code] == 1], dtype=np.intp)
        self._quarantined[faults.USCC_DUPLICATE.code] += len(self._ids) - len(alone)
        return alone

    def _column(self, feature: FeatureSpec, kept: npt.NDArray[np.intp] | None) -> Numbers | Categories:
        if feature.kind is FeatureKind.NUMERIC:
            values = np.concatenate(self._numbers.pop(feature.name))
            return values if kept is None else values[kept]
        codes = np.concatenate(self._codes.pop(feature.name))
        levels = self._levels.pop(feature.name)
        # Sorted, so that the codes do not depend on the order of the rows. The last entry serves code −1.
        ordered = sorted(levels)
        new_code = np.full(len(levels) + 1, -1, dtype=np.int32)
        new_code[[levels[level] for level in ordered]] = np.arange(len(ordered), dtype=np.int32)
        codes = new_code[codes]
        return Categories(codes if kept is None else codes[kept], ordered)

    def _place(self, column: str) -> Place:
        return Place(file=self._view.source.name, column=column)

    def _where(self, block: Block, column: str) -> Where:
        return Where(self._view.source.name, block.rows, column)


def _joined(parts: list[Any], kept: npt.NDArray[np.intp] | None) -> Any:
    """One array of all blocks, or None where the column was not read."""
    return _chosen(np.concatenate(parts), kept) if parts else None


def _chosen(column: Any, rows: npt.NDArray[np.intp] | None) -> Any:
    """Some rows of a column that may be absent; None: all."""
    return column if column is None or rows is None else column[rows]
