"""Cards and tables to test with: bins fitted on data with missing, special, rare and unseen values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.core.binned_table import BinnedTable, WoeFeature
from vfl.core.binning import BinCounts, merge_bins
from vfl.core.card_feature import NumericRule
from vfl.core.logistic import fit_logistic
from vfl.core.optimal_binning import BinRule
from vfl.core.prebins import CategoryPreBins, NumericPreBins, PreBins
from vfl.core.scorecard import Scaling, Scorecard

LEVELS = ("制造业", "O'Neil & \"sons\"", "retail <b>", "农业", "rare-1", "rare-2", "\\n")
SPECIALS = {"tax": [[-999.0], [-998.0]]}
SCALING = Scaling(600, 50, 20)

Table = dict[str, Any]


def firms(rows: int, seed: int) -> tuple[Table, npt.NDArray[np.float64]]:
    """A table of two owners' columns, and labels that depend on all but the last."""
    rng = np.random.default_rng(seed)
    debt = rng.lognormal(0, 1, rows)
    tax = rng.normal(size=rows)
    kind = rng.choice(len(LEVELS), rows, p=[0.4, 0.2, 0.2, 0.1, 0.04, 0.03, 0.03])
    staff = rng.integers(0, 6, rows).astype(np.float64)
    margin = -1.5 + 0.8 * np.log(debt) - 0.7 * tax + 0.4 * (kind == 1) - 0.5 * (kind == 2) + 0.1 * staff
    label = (rng.random(rows) < 1 / (1 + np.exp(-margin))).astype(np.float64)
    debt[rng.random(rows) < 0.12] = np.nan
    tax[rng.random(rows) < 0.08] = -999.0
    tax[rng.random(rows) < 0.003] = -998.0
    levels: list[str | None] = [LEVELS[k] for k in kind]
    for i in np.flatnonzero(rng.random(rows) < 0.05):
        levels[int(i)] = None
    return {"debt": debt, "kind": levels, "tax": tax, "staff": staff}, label


def coded(column: list[str | None]) -> tuple[npt.NDArray[np.int32], list[str]]:
    """A column of levels as its codes, the way tables hold it."""
    levels = sorted({level for level in column if level is not None})
    place: dict[str | None, int] = {level: i for i, level in enumerate(levels)}
    place[None] = -1
    return np.array([place[level] for level in column], dtype=np.int32), levels


def binned(table: Table, label: npt.NDArray[np.float64], names: tuple[str, ...]) -> BinnedTable:
    """The columns ``names``, cut and merged on these rows."""
    return BinnedTable(tuple(_feature(name, table[name], label) for name in names))


def _feature(name: str, column: Any, label: npt.NDArray[np.float64]) -> WoeFeature:
    prebins: PreBins[Any]
    if isinstance(column, list):
        codes, levels = coded(column)
        prebins = CategoryPreBins.fit(codes, levels, name=name, floor=100)
        bins = prebins.bins((codes, levels))
    else:
        prebins = NumericPreBins.fit(column, name=name, floor=40, max_bins=20, specials=SPECIALS.get(name, []))
        bins = prebins.bins(column)
    size = len(prebins.rows)
    rows = np.bincount(bins, minlength=size)
    events = np.bincount(bins, label, size).astype(np.int64)
    counts = BinCounts(rows, events, prebins.apart, prebins.ordered)
    return WoeFeature(prebins, merge_bins(counts, BinRule(row_floor=40, class_floor=3)))


def values(table: Table, binned_table: BinnedTable) -> list[Any]:
    """Columns as :meth:`BinnedTable.columns` wants them."""
    return [coded(c) if isinstance(c := table[f.name], list) else c for f in binned_table.features]


OWNED: Mapping[str, tuple[str, ...]] = {"bank": ("debt", "kind"), "platform": ("tax", "staff")}


class Fitted:
    """Bins, weights and the card of one sample."""

    def __init__(self, rows: int = 3000, seed: int = 7, *, spread: bool = False) -> None:
        self.table, self.label = firms(rows, seed)
        self.tables = {owner: binned(self.table, self.label, names) for owner, names in OWNED.items()}
        self.columns = {o: t.columns(values(self.table, t), rows) for o, t in self.tables.items()}
        woe = np.hstack([c.matrix() for c in self.columns.values()])
        self.design = np.column_stack([np.ones(rows), woe])
        self.fit = fit_logistic(self.design, self.label, np.zeros(woe.shape[1] + 1))
        self.intercept = float(self.fit.coefficients[0])
        flat = self.fit.coefficients[1:]
        self.weights = {"bank": flat[:2], "platform": flat[2:]}
        self.card = Scorecard.fitted(
            self.tables, self.weights, self.intercept, SCALING, home="bank", spread=spread
        )


def hard_rows(card: Scorecard, rows: int, seed: int) -> Table:
    """Random rows, and every cut, its two neighbours, every special and level, missing and unseen values."""
    rng = np.random.default_rng(seed)
    numbers: dict[str, list[float]] = {}
    texts: dict[str, list[str | None]] = {}
    for column, feature in zip(card.columns, card.known, strict=True):
        rule = feature.rule
        if isinstance(rule, NumericRule):
            edges = [e for edge in rule.edges for e in (edge, np.nextafter(edge, -np.inf), np.nextafter(edge, np.inf))]
            numbers[column] = [*edges, *(v for v, _ in rule.specials), np.nan, 0.0, -0.0, 1e300, -1e300]
        else:
            texts[column] = [*(level for level, _ in rule.levels), None, "never seen", " ", "NULL"]
    most = max(map(len, [*numbers.values(), *texts.values()]))
    out: Table = {}
    for column, known in numbers.items():
        out[column] = np.array((known * most)[:most] + rng.normal(0, 3, rows).tolist(), dtype=np.float64)
    for column, levels in texts.items():
        out[column] = (levels * most)[:most] + [levels[int(k)] for k in rng.integers(0, len(levels), rows)]
    return {column: out[column] for column in card.columns}


@cache
def fitted(*, spread: bool = False) -> Fitted:
    """The one card that most tests look at; read only."""
    return Fitted(spread=spread)
