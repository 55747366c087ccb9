"""An owner's features after binning: from values to bins, WOE and back to a file.

The file: ``{"format": "vfl-bins/1", "features": [{"prebins": {...}, "merge": {...}}]}``. Counts of events are no part
of it: its owner may not know them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.binning import Merge
from vfl.core.prebins import CategoryPreBins, NumericPreBins, PreBins, prebins_from_dict
from vfl.core.woe import WoeColumns
from vfl.errors import DataError, Text

__all__ = ["BinnedTable", "WoeFeature"]

_FORMAT = "vfl-bins/1"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class WoeFeature:
    """One feature's pre-bins and how they were merged. Security: cuts and levels are the owner's secret."""

    prebins: PreBins[Any]
    merge: Merge

    def __repr__(self) -> str:
        return f"<WoeFeature {len(self.merge.woe)} bins>"

    @property
    def name(self) -> str:
        return self.prebins.name

    @property
    def woe(self) -> Floats:
        """WOE of each bin and, last, 0 for what training never saw: neither safer nor riskier."""
        return np.array([*self.merge.woe, 0.0])

    @property
    def rows(self) -> tuple[int, ...]:
        """Training rows of each bin."""
        counts = np.bincount(self.merge.groups, weights=self.prebins.rows, minlength=len(self.merge.woe))
        return tuple(counts.astype(np.int64).tolist())

    def bins(self, values: Any) -> npt.NDArray[np.uint8]:
        """Bin of each value: float64 (NaN missing), or (codes, levels) of a category."""
        return self.joined(self.prebins.bins(values))

    def joined(self, prebins: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Bin of each pre-bin; one past the last bin for what training never saw."""
        table = np.array([*self.merge.groups, len(self.merge.woe)], dtype=np.uint8)
        return table[prebins]

    def labels(self) -> tuple[str, ...]:
        """What each bin holds: ``[a, b)`` or levels; ``missing`` and special values by name."""
        parts: list[list[str]] = [[] for _ in self.merge.woe]
        for group in range(len(parts)):
            members = [b for b, g in enumerate(self.merge.groups) if g == group]
            regular = [b for b in members if b < self.prebins.regular]
            if regular:
                parts[group].append(_regular_label(self.prebins, regular))
            parts[group] += [_apart_label(self.prebins, b) for b in members if b >= self.prebins.regular]
            if self.prebins.rest in regular:
                parts[group].append("missing")
        return tuple(" | ".join(part) for part in parts)

    def kinds(self) -> tuple[str, ...]:
        """What sort of bin each is: ``interval``, ``categories``, ``missing`` or ``special``."""
        regular = "interval" if self.prebins.ordered else "categories"
        kinds = [""] * len(self.merge.woe)
        for member, group in reversed(list(enumerate(self.merge.groups))):
            apart = "missing" if member == self.prebins.rest else "special"
            kinds[group] = regular if member < self.prebins.regular else apart
        return tuple(kinds)

    def to_dict(self) -> dict[str, Any]:
        return {"prebins": self.prebins.to_dict(), "merge": self.merge.to_dict()}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> WoeFeature:
        return cls(prebins_from_dict(state["prebins"]), Merge.from_dict(state["merge"]))


@dataclass(frozen=True, slots=True, repr=False)
class BinnedTable:
    """All binned features of one owner, in the order of its model columns."""

    features: tuple[WoeFeature, ...]

    def __repr__(self) -> str:
        return f"<BinnedTable {len(self.features)} features>"

    def columns(self, values: Sequence[Any], rows: int) -> WoeColumns:
        """Bins and WOE of ``rows`` rows; ``values`` holds one column per feature, as :meth:`WoeFeature.bins` wants."""
        bins = np.zeros((rows, len(self.features)), dtype=np.uint8)
        for number, (feature, column) in enumerate(zip(self.features, values, strict=True)):
            bins[:, number] = feature.bins(column)
        return WoeColumns(
            tuple(f.name for f in self.features), bins, tuple(f.woe for f in self.features),
            np.array([f.merge.iv for f in self.features], dtype=np.float64),
        )  # fmt: skip

    def select(self, chosen: Sequence[int]) -> BinnedTable:
        """Some of the features, in the given order."""
        return BinnedTable(tuple(self.features[i] for i in chosen))

    def to_dict(self) -> dict[str, Any]:
        return {"format": _FORMAT, "features": [f.to_dict() for f in self.features]}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, sort_keys=True)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> BinnedTable:
        return cls(tuple(WoeFeature.from_dict(f) for f in state["features"]))

    @classmethod
    def from_json(cls, text: str) -> BinnedTable:
        """Read a bins file, or the bins in the model part of a job; DataError ``BINS_FILE`` if it holds none."""
        try:
            state = json.loads(text)
            state = state.get("bins", state)
            if state["format"] != _FORMAT:
                raise ValueError
            return cls.from_dict(state)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DataError(
                "BINS_FILE",
                Text(f"this is no bins file of format {_FORMAT}", f"这不是 {_FORMAT} 格式的分箱文件"),
                cure=Text("export the bins again with this version", "请用本版本重新导出分箱"),
            ) from None


def _regular_label(prebins: PreBins[Any], members: Sequence[int]) -> str:
    if isinstance(prebins, CategoryPreBins):
        return ", ".join(level for b in members for level in prebins.levels[b])
    if not isinstance(prebins, NumericPreBins):
        raise TypeError(f"no labels for {type(prebins).__name__}")
    first, last = members[0], members[-1]
    low = "(-∞" if first == 0 else f"[{prebins.edges[first - 1]:.6g}"
    high = "+∞)" if last == prebins.regular - 1 else f"{prebins.edges[last]:.6g})"
    return f"{low}, {high}"


def _apart_label(prebins: PreBins[Any], member: int) -> str:
    if isinstance(prebins, NumericPreBins) and member != prebins.rest:
        return ", ".join(f"{v:.6g}" for v in prebins.specials[member - prebins.regular])
    return "missing"
