"""Pre-bins of one feature, cut by its owner without labels: what binning starts from.

Every row lies in a pre-bin of at least ``floor`` rows, so that no statistic of a smaller group exists, not even as the
difference of two others: missing and special values too few to stand apart join the largest regular bin, rare levels
are pooled. Intervals are [a, b); cuts lie half-way between two values, so that a cut is nobody's value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from vfl.errors import DataError, Place, Text

__all__ = ["MAX_PREBINS", "CategoryPreBins", "CutMethod", "NumericPreBins", "PreBins", "prebins_from_dict"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
Bins = npt.NDArray[np.uint8]
V = TypeVar("V")

MAX_PREBINS = 50


class CutMethod(StrEnum):
    """How a numeric feature is cut into pre-bins."""

    QUANTILE = "quantile"
    EQUAL_WIDTH = "equal-width"


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class PreBins(ABC, Generic[V]):
    """Fitted pre-bins. Security: cuts and levels are the owner's secret; ``repr`` is redacted.

    Attributes
    ----------
    rows : tuple of int
        Training rows of each pre-bin: the regular ones, then those kept apart.
    apart : int
        How many pre-bins at the end are kept apart: special values, missing values.
    rest : int or None
        Pre-bin of missing values (and of special values too few to stand apart); None if training saw none.
    """

    name: str
    rows: tuple[int, ...]
    apart: int
    rest: int | None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self.rows)} bins>"

    @property
    def regular(self) -> int:
        return len(self.rows) - self.apart

    @property
    def unseen(self) -> int:
        """Number that :meth:`bins` gives to what training never saw: one past the last pre-bin."""
        return len(self.rows)

    @property
    @abstractmethod
    def ordered(self) -> bool:
        """Whether the order of the regular pre-bins means something."""

    @abstractmethod
    def bins(self, values: V) -> Bins:
        """Pre-bin of each value; :attr:`unseen` for a missing value or a level that training never saw."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]: ...

    def _head(self) -> dict[str, Any]:
        return {"name": self.name, "rows": list(self.rows), "apart": self.apart, "rest": self.rest}


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class NumericPreBins(PreBins[Floats]):
    """Intervals [a, b) between ``edges``; ``specials`` are groups of values kept apart, in the order of their bins.

    ``small_specials`` share the bin of missing values.
    """

    edges: tuple[float, ...]
    specials: tuple[tuple[float, ...], ...] = ()
    small_specials: tuple[float, ...] = ()

    @property
    def ordered(self) -> bool:
        return True

    @classmethod
    def fit(
        cls, values: Floats, *, name: str, method: CutMethod = CutMethod.QUANTILE, max_bins: int = MAX_PREBINS,
        floor: int = 50, specials: Sequence[Sequence[float]] = (),
    ) -> NumericPreBins:
        """Cut ``values``, shape (rows,), NaN for missing, into at most ``max_bins`` intervals of ``floor`` rows."""
        return cls._fit(values, name, method, max_bins, floor, specials, None)

    @classmethod
    def by_hand(
        cls, values: Floats, edges: Sequence[float], *, name: str, floor: int = 50,
        specials: Sequence[Sequence[float]] = (),
    ) -> NumericPreBins:
        """Cut at the given ``edges``; intervals under the floor join the one before."""
        given = sorted(set(edges))
        if not np.isfinite(given).all() or len(given) >= MAX_PREBINS:
            raise DataError(
                "BIN_EDGES",
                Text(f"cuts by hand are at most {MAX_PREBINS - 1} finite numbers",
                     f"手工切分点须为有限数值，且不超过 {MAX_PREBINS - 1} 个"),
                cure=Text("mend the list of cuts", "请修正切分点列表"),
                place=Place(column=name),
            )
        return cls._fit(values, name, CutMethod.QUANTILE, MAX_PREBINS, floor, specials, given)

    @classmethod
    def _fit(
        cls, values: Floats, name: str, method: CutMethod, max_bins: int, floor: int,
        specials: Sequence[Sequence[float]], given: list[float] | None,
    ) -> NumericPreBins:
        floor = max(floor, 1)
        groups = [np.isin(values, np.asarray(group, dtype=np.float64)) for group in specials]
        plain = ~np.logical_or.reduce([np.isnan(values), *groups])
        regular = np.sort(values[plain])
        # Nothing stands apart from fewer regular rows than the floor: they would be told by subtraction.
        large = [i for i, mask in enumerate(groups) if mask.sum() >= floor <= len(regular)]
        small = [i for i in range(len(groups)) if i not in large]
        rest_rows = len(values) - len(regular) - sum(int(groups[i].sum()) for i in large)
        if given is not None:
            edges = given
        elif method is CutMethod.QUANTILE:
            edges = _quantile_edges(regular, min(max_bins, MAX_PREBINS), floor)
        else:
            edges = _width_edges(regular, min(max_bins, MAX_PREBINS))
        edges, counts = _with_floor(regular, edges, floor)
        apart = [int(groups[i].sum()) for i in large]
        rows, apart_count, rest = _seat_rest(counts, apart, rest_rows, floor)
        return cls(
            name=name, rows=rows, apart=apart_count, rest=rest, edges=tuple(edges),
            specials=tuple(tuple(float(v) for v in specials[i]) for i in large),
            small_specials=tuple(float(v) for i in small for v in specials[i]),
        )  # fmt: skip

    def bins(self, values: Floats) -> Bins:
        out = np.searchsorted(np.asarray(self.edges), values, side="right")
        rest = self.unseen if self.rest is None else self.rest
        out[np.isnan(values) | np.isin(values, np.asarray(self.small_specials))] = rest
        for number, group in enumerate(self.specials):
            out[np.isin(values, np.asarray(group))] = self.regular + number
        return out.astype(np.uint8)

    def to_dict(self) -> dict[str, Any]:
        return self._head() | {
            "kind": "numeric",
            "edges": list(self.edges),
            "specials": [list(group) for group in self.specials],
            "small_specials": list(self.small_specials),
        }


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class CategoryPreBins(PreBins[tuple[Codes, Sequence[str]]]):
    """Levels of each regular pre-bin; ``rare`` is the pool of rare ones, where levels never seen go too."""

    levels: tuple[tuple[str, ...], ...]
    rare: int | None = None

    @property
    def ordered(self) -> bool:
        return False

    @classmethod
    def fit(
        cls, codes: Codes, levels: Sequence[str], *, name: str, max_bins: int = MAX_PREBINS, floor: int = 50
    ) -> CategoryPreBins:
        """Each frequent level is a pre-bin; the others are pooled, with the smallest frequent ones if need be.

        ``codes``, shape (rows,), point into ``levels``; -1 for missing.
        """
        counts = np.bincount(codes[codes >= 0], minlength=len(levels)).tolist()
        seen = [_Group((level,), rows) for level, rows in zip(levels, counts, strict=True) if rows]
        return cls._fit(seen, [], int((codes < 0).sum()), name, floor, min(max_bins, MAX_PREBINS) - 1)

    @classmethod
    def by_hand(
        cls, codes: Codes, levels: Sequence[str], groups: Sequence[Sequence[str]], *, name: str, floor: int = 50
    ) -> CategoryPreBins:
        """The levels of each of ``groups`` share a pre-bin; groups under the floor and levels in none are pooled."""
        counts = np.bincount(codes[codes >= 0], minlength=len(levels)).tolist()
        rows = dict(zip(levels, counts, strict=True))
        given = [_Group(tuple(group), sum(rows.get(level, 0) for level in group)) for group in groups]
        named = {level for group in groups for level in group}
        others = [_Group((level,), count) for level, count in rows.items() if count and level not in named]
        return cls._fit(given, others, int((codes < 0).sum()), name, floor, MAX_PREBINS - 1)

    @classmethod
    def _fit(
        cls, groups: Sequence[_Group], others: Sequence[_Group], missing: int, name: str, floor: int, most: int
    ) -> CategoryPreBins:
        """``groups`` of enough rows, at most ``most``, are pre-bins; the rest and ``others`` make the pool."""
        floor = max(floor, 1)
        by_size = sorted(groups, key=lambda group: (-group.rows, group.levels))
        kept = [group for group in by_size if group.rows >= floor][:most]
        pool = [*by_size[len(kept) :], *sorted(others, key=lambda group: (-group.rows, group.levels))]
        while pool and sum(group.rows for group in pool) < floor and kept:
            pool.insert(0, kept.pop())
        pooled = _Group(tuple(level for group in pool for level in group.levels), sum(group.rows for group in pool))
        seats = [*kept, *([pooled] if pool else [])]
        rows, apart, rest = _seat_rest([group.rows for group in seats] or [0], [], missing, floor)
        return cls(
            name=name, rows=rows, apart=apart, rest=rest, levels=tuple(group.levels for group in seats) or ((),),
            rare=len(kept) if pool else None,
        )  # fmt: skip

    def bins(self, values: tuple[Codes, Sequence[str]]) -> Bins:
        codes, levels = values
        of_level = {level: number for number, group in enumerate(self.levels) for level in group}
        other = self.unseen if self.rare is None else self.rare
        rest = self.unseen if self.rest is None else self.rest
        table = np.array([*(of_level.get(level, other) for level in levels), rest], dtype=np.uint8)
        return table[codes]

    def to_dict(self) -> dict[str, Any]:
        return self._head() | {"kind": "category", "levels": [list(g) for g in self.levels], "rare": self.rare}


@dataclass(frozen=True, slots=True)
class _Group:
    """Levels that stay together, and their training rows."""

    levels: tuple[str, ...]
    rows: int


def prebins_from_dict(state: Mapping[str, Any]) -> PreBins[Any]:
    """The inverse of ``to_dict`` of either kind."""
    head: dict[str, Any] = {"name": state["name"], "rows": tuple(state["rows"]), "apart": state["apart"]}
    head["rest"] = state["rest"]
    if state["kind"] == "numeric":
        return NumericPreBins(
            **head, edges=tuple(state["edges"]), specials=tuple(tuple(g) for g in state["specials"]),
            small_specials=tuple(state["small_specials"]),
        )  # fmt: skip
    return CategoryPreBins(**head, levels=tuple(tuple(g) for g in state["levels"]), rare=state["rare"])


def _seat_rest(
    regular: list[int], apart: list[int], rest_rows: int, floor: int
) -> tuple[tuple[int, ...], int, int | None]:
    """Rows of all pre-bins, how many are apart, and where missing values go: apart, or into the largest regular bin."""
    rows = [*regular, *apart]
    if rest_rows == 0:
        return tuple(rows), len(apart), None
    if rest_rows >= floor and min(regular) >= floor:
        return (*rows, rest_rows), len(apart) + 1, len(rows)
    home = int(np.argmax(regular))
    rows[home] += rest_rows
    return tuple(rows), len(apart), home


def _quantile_edges(ordered: Floats, max_bins: int, floor: int) -> list[float]:
    """Cuts of about equal numbers of rows; a value that fills a bin by itself gets one."""
    values, first = np.unique(ordered, return_index=True)
    ends = np.append(first[1:], len(ordered))
    edges: list[float] = []
    start, left = 0, max_bins
    while left > 1 and start < len(values):
        begun = int(first[start])
        target = max(floor, -(-(len(ordered) - begun) // left))
        stop = int(np.searchsorted(ends, begun + target))
        stop = min(stop, len(values) - 1)
        heavy = int(ends[stop] - first[stop]) >= target
        if heavy and stop > start and int(first[stop]) - begun >= floor:
            stop -= 1
        if stop >= len(values) - 1:
            break
        edges.append(_between(float(values[stop]), float(values[stop + 1])))
        start, left = stop + 1, left - 1
    return edges


def _width_edges(ordered: Floats, max_bins: int) -> list[float]:
    if not len(ordered) or ordered[0] == ordered[-1]:
        return []
    edges: list[float] = np.linspace(ordered[0], ordered[-1], max_bins + 1)[1:-1].tolist()
    return edges


def _with_floor(ordered: Floats, edges: list[float], floor: int) -> tuple[list[float], list[int]]:
    """Those edges that leave ``floor`` rows in every interval, and the rows of the intervals."""
    kept: list[float] = []
    counts: list[int] = []
    begun = 0
    for edge, below in zip(edges, np.searchsorted(ordered, np.asarray(edges), side="left").tolist(), strict=True):
        if below - begun >= floor and len(ordered) - below >= floor:
            kept.append(edge)
            counts.append(below - begun)
            begun = below
    return kept, [*counts, len(ordered) - begun]


def _between(low: float, high: float) -> float:
    """A cut with ``low`` below and ``high`` not below it."""
    middle = low / 2 + high / 2
    return middle if low < middle <= high else high
