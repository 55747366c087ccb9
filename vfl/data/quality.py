"""The owner's own look at its table before a job uses it: counts for the report, refusals for what would harm.

Everything here stays with the owner. A constant feature, an identifier or a feature that is the label in
disguise is refused until the owner signs it off in the view; what is merely odd is a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from vfl.config.faults import Fault
from vfl.core.uscc import check_usccs
from vfl.data import faults
from vfl.data.schema import FeatureKind, FeatureSpec
from vfl.errors import Place, Text

__all__ = [
    "Categories",
    "FeatureQuality",
    "LeftOut",
    "QualityReport",
    "Warned",
    "feature_quality",
    "require_sound",
    "require_trainable",
]

LABEL_AUC: Final = 0.995
MIN_CLASS_ROWS: Final = 50
MIN_ROWS_TO_JUDGE: Final = 100
"""Below this many values, "all differ" says nothing about a feature."""
UNIQUE_SHARE: Final = 0.95
RARE_LEVEL_ROWS: Final = 50

Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, repr=False)
class Categories:
    """A categorical column: ``codes`` int32, −1 for missing, into the sorted ``levels``."""

    codes: npt.NDArray[np.int32]
    levels: list[str]

    def __repr__(self) -> str:
        return f"<categories of {len(self.codes)} rows>"


class LeftOut(StrEnum):
    """Why a sound row is no part of the sample."""

    OUTSIDE_WINDOW = "outside-window"
    LABEL_IMMATURE = "label-immature"
    SNAPSHOT_LOOKAHEAD = "snapshot-lookahead"
    SNAPSHOT_LATER = "snapshot-later"
    SNAPSHOT_OLDER = "snapshot-older"
    SNAPSHOT_EXPIRED = "snapshot-expired"


_LEFT_OUT: Final[Mapping[LeftOut, Text]] = {
    LeftOut.OUTSIDE_WINDOW: Text("observed outside the job's window", "观察日不在任务的观察窗口内"),
    LeftOut.LABEL_IMMATURE: Text("outcome still being watched on the job's day", "截至任务日期表现期未结束"),
    LeftOut.SNAPSHOT_LOOKAHEAD: Text("features from after the day of observation", "特征快照晚于观察日"),
    LeftOut.SNAPSHOT_LATER: Text("snapshots from after the job's day", "快照晚于任务取数日"),
    LeftOut.SNAPSHOT_OLDER: Text("snapshots that a newer one replaces", "已被较新快照取代"),
    LeftOut.SNAPSHOT_EXPIRED: Text("no snapshot that holds on the job's day", "任务取数日无有效快照"),
}


@dataclass(frozen=True, slots=True)
class Warned:
    """Something odd about a column that does not stop the job."""

    code: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class FeatureQuality:
    """Counts of one feature over the rows that were kept."""

    name: str
    kind: FeatureKind
    rows: int
    missing: int
    distinct: int
    warnings: tuple[Warned, ...] = ()

    @property
    def missing_share(self) -> float:
        return self.missing / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Of one table, for its owner alone.

    Attributes
    ----------
    rows : int
        Rows kept.
    quarantined : mapping of str to int
        Rows left out, by the code of the fault.
    events : int or None
        Rows whose label is 1; None where no label was read.
    left_out : mapping of LeftOut to int
        Sound rows that are not in time.
    """

    view: str
    rows: int
    quarantined: Mapping[str, int]
    events: int | None
    features: tuple[FeatureQuality, ...]
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)

    def lines(self, language: str) -> list[str]:
        """The report as text, one line per finding, features in the order of the view."""
        zh = language.startswith("zh")
        events = "" if self.events is None else (f"，坏样本 {self.events}" if zh else f", {self.events} events")
        lines = [f"{self.view}：{self.rows} 行{events}" if zh else f"{self.view}: {self.rows} rows{events}"]
        for code, count in self.quarantined.items():
            lines.append(f"[{code}] 隔离 {count} 行" if zh else f"[{code}] {count} rows quarantined")
        for reason, count in self.left_out.items():
            why = _LEFT_OUT[reason].in_(language)
            lines.append(f"剔除 {count} 行：{why}" if zh else f"{count} rows left out: {why}")
        for feature in self.features:
            missing = f"{feature.missing_share:.1%}"
            lines.append(
                f"{feature.name}：缺失 {missing}，不同取值 {feature.distinct} 个"
                if zh
                else f"{feature.name}: {missing} missing, {feature.distinct} distinct values"
            )
            lines += [f"{feature.name}：[{w.code}] {w.zh if zh else w.en}" for w in feature.warnings]
        return lines


def feature_quality(feature: FeatureSpec, column: Numbers | Categories) -> FeatureQuality:
    """Counts and warnings of one feature."""
    if isinstance(column, Categories):
        present = column.codes[column.codes >= 0]
        rows = len(column.codes)
        return FeatureQuality(
            feature.name, feature.kind, rows, rows - len(present), distinct=len(np.unique(present))
        )
    values = column[~np.isnan(column)]
    return FeatureQuality(
        feature.name,
        feature.kind,
        len(column),
        len(column) - len(values),
        len(np.unique(values)),
        tuple(_warnings(feature.name, values)),
    )


def require_trainable(labels: Labels, place: Place) -> None:
    """Refuse labels that no model can be fitted to.

    Raises
    ------
    DataError
        ``LABEL_ONE_CLASS``, ``LABEL_FEW_EVENTS``.
    """
    events = int(labels.sum())
    fewer = min(events, len(labels) - events)
    if fewer == 0:
        raise faults.LABEL_ONE_CLASS.at(place)
    if fewer < MIN_CLASS_ROWS:
        raise faults.LABEL_FEW_EVENTS.at(place, floor=MIN_CLASS_ROWS)


def require_sound(
    feature: FeatureSpec,
    column: Numbers | Categories,
    quality: FeatureQuality,
    labels: Labels | None,
    place: Place,
) -> None:
    """Refuse a feature that has nothing to say, says who the row is, or says what the label is.

    Raises
    ------
    DataError
        ``FEATURE_EMPTY``; and, unless signed off in the view, ``FEATURE_CONSTANT``, ``FEATURE_IDENTIFIER``,
        ``FEATURE_IS_LABEL``.
    """
    if quality.distinct == 0:
        raise faults.FEATURE_EMPTY.at(place)

    def refuse(fault: Fault, **fields: object) -> None:
        if fault.code not in feature.signed_off:
            raise fault.at(place, **fields)

    # One value beside missing ones still tells the two apart.
    if quality.distinct == 1 and quality.missing == 0:
        refuse(faults.FEATURE_CONSTANT)
    reason = _identifier(column, quality)
    if reason is not None:
        refuse(faults.FEATURE_IDENTIFIER, reason=reason[0], reason_zh=reason[1])
    if labels is not None and _separation(column, labels) > LABEL_AUC:
        refuse(faults.FEATURE_IS_LABEL, limit=LABEL_AUC)


def _identifier(column: Numbers | Categories, quality: FeatureQuality) -> tuple[str, str] | None:
    """Why the column looks like an identifier, or None."""
    present = quality.rows - quality.missing
    if isinstance(column, Categories):
        if (check_usccs(column.levels[:1000]).faults == 0).any():
            return "it holds unified social credit codes", "含有统一社会信用代码"
        if present >= MIN_ROWS_TO_JUDGE and quality.distinct > UNIQUE_SHARE * present:
            return "nearly every row has its own value", "几乎每行取值都不同"
        return None
    if present < MIN_ROWS_TO_JUDGE or quality.distinct < present:
        return None
    values = column[~np.isnan(column)]
    if (values != np.floor(values)).any():
        return None
    low, high = float(values.min()), float(values.max())
    if high - low + 1 == present:
        return "it counts the rows", "是行序号"
    if low >= 1e7 and np.floor(np.log10(low)) == np.floor(np.log10(high)):
        return "every row has its own number of one length", "每行都是等长且互不相同的号码"
    return None


def _warnings(name: str, values: Numbers) -> list[Warned]:
    form = _date_form(name, values)
    if form is None:
        return []
    text = faults.FEATURE_DATE_NUMBER
    return [Warned(text.code, text.note("en", form=form), text.note("zh", form=form))]


def _date_form(name: str, values: Numbers) -> str | None:
    """``"YYYYMMDD"`` or ``"Excel"`` when the numbers are dates in disguise."""
    if len(values) < MIN_ROWS_TO_JUDGE or (values != np.floor(values)).any():
        return None
    if values.min() >= 19000101 and values.max() <= 21001231:
        month, day = values // 100 % 100, values % 100
        if (month >= 1).all() and (month <= 12).all() and (day >= 1).all() and (day <= 31).all():
            return "YYYYMMDD"
    named_so = any(part in name.lower() for part in ("date", "_dt", "day", "time", "日"))
    # 1954 to 2064: narrower than any real amount that would be named like a date.
    return "Excel" if named_so and values.min() >= 20000 and values.max() <= 60000 else None


def _separation(column: Numbers | Categories, labels: Labels) -> float:
    """AUC of the feature alone, read in whichever direction is better; missing counts as a value at either end."""
    if isinstance(column, Categories):
        scores = [_event_rates(column, labels)]
    else:
        absent = np.isnan(column)
        scores = [np.where(absent, end, column) for end in ((-np.inf, np.inf) if absent.any() else (0.0,))]
    areas = [_auc(score, labels) for score in scores]
    return max(max(area, 1 - area) for area in areas)


def _event_rates(column: Categories, labels: Labels) -> Numbers:
    """Event rate of each row's level; rare levels are pooled, or each would recite its own rows."""
    codes = column.codes + 1
    rows = np.bincount(codes, minlength=len(column.levels) + 1)
    codes = np.where(rows[codes] < RARE_LEVEL_ROWS, len(rows), codes)
    rows = np.bincount(codes, minlength=len(rows) + 1)
    events = np.bincount(codes, weights=labels, minlength=len(rows))
    rates: Numbers = (events / np.maximum(rows, 1))[codes]
    return rates


def _auc(scores: Numbers, labels: Labels) -> float:
    """Share of (event, non-event) pairs in which the event scores higher; ties count half."""
    _, rank = np.unique(scores, return_inverse=True)
    events = np.bincount(rank, weights=labels)
    others = np.bincount(rank) - events
    below = np.cumsum(others) - others
    return float(events @ (below + others / 2) / (events.sum() * others.sum()))
