"""The lending side of a bank's report: the cut-off, whom it marks as rejected, segments, periods.

All of it is made of the bank's own rows, at the bank, after the job: nothing of it is sent to anyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from party_bank.steps.evaluation import Scores
from party_bank.steps.workspace import BankWorkspace
from vfl.config.report_terms import ReportTerms
from vfl.data.schema import Choice, FeatureKind, FeatureSpec
from vfl.data.table import Dataset
from vfl.errors import ConfigError, Place, Text
from vfl.report.periods import periods_of
from vfl.report.strategy import Partition, ScoredRows, chosen_cut_off, match_of, segments_of, strategy_of
from vfl.report.strategy_model import SegmentSection, StrategySection

__all__ = ["SEED", "Lending", "check_terms", "partition_of", "parts_of", "periods_of_sample"]

SEED = 20240328
"""Of every bootstrap of the report: fixed, so that it can be made again to the last digit."""

_SPLITS = ("train", "valid", "test", "out_of_time")
_QUARTERS = (0.25, 0.5, 0.75)

Floats = npt.NDArray[np.float64]


def check_terms(terms: ReportTerms, table: Dataset) -> None:
    """Refuse, before a job begins, terms that its report could not be made with.

    Raises
    ------
    ConfigError
        ``REPORT_TERMS_COLUMN``: a column that the view does not declare, or an exposure that is no number.
    """
    for name in terms.segments:
        _declared(table, name, "segments")
    if terms.exposure and _declared(table, terms.exposure, "exposure").kind is not FeatureKind.NUMERIC:
        raise _column("exposure", "is not numeric", "不是数值型", terms.exposure)


def parts_of(work: BankWorkspace) -> dict[str, slice]:
    """The parts of the sample that hold rows, by name, as slices of the common order."""
    parts = zip(_SPLITS, work.parts, strict=False)
    return {name: part for name, part in parts if part.stop > part.start}


def periods_of_sample(work: BankWorkspace) -> npt.NDArray[np.str_] | None:
    """Period of observation of each aligned row; None where the view declares no date of it."""
    days = work.data.observed_on
    return None if days is None else periods_of(days[work.alignment.rows])


@dataclass(slots=True, repr=False)
class Lending:
    """All aligned rows, scored, and the bank's terms.

    Attributes
    ----------
    points, probability : float64 array, shape (rows,)
        In the common order; higher points are safer, the probability is that of the event.
    """

    work: BankWorkspace
    terms: ReportTerms
    points: Floats
    probability: Floats

    @property
    def cut_off(self) -> float:
        """In points; set on the training rows."""
        return chosen_cut_off(self.terms, self.points[self.work.parts[0]])

    def strategy(self, test: Scores) -> StrategySection | None:
        """On the test rows; None where there are none."""
        rows = {name: self._scored(part) for name, part in parts_of(self.work).items()}
        if "test" not in rows:
            return None
        match = None
        if test.bank_alone is not None:
            share = float(np.mean(rows["test"].points >= self.cut_off))
            match = match_of(
                "test", test.labels, test.bank_alone, test.joint, names=("bank_alone", "joint"),
                approval_share=share, seed=SEED,
            )  # fmt: skip
        return strategy_of("test", rows, self.terms, self.cut_off, match)

    def segments(self) -> SegmentSection | None:
        """On the test rows, by the columns that the bank's terms name; None where they name none."""
        parts = parts_of(self.work)
        if not self.terms.segments or "test" not in parts:
            return None
        table = self.work.data.take(self.work.alignment.rows[parts["test"]])
        columns = {name: partition_of(table, _declared(table, name, "segments")) for name in self.terms.segments}
        modelled = frozenset(f.name for f in _modelled(self.work.data.features))
        return segments_of(
            "test", self._scored(parts["test"]), columns, self.cut_off, modelled=modelled, seed=SEED
        )  # fmt: skip

    def _scored(self, part: slice) -> ScoredRows:
        label = self.work.labels()[part].astype(np.float64)
        return ScoredRows(label, self.points[part], self.probability[part], self._exposure(part))

    def _exposure(self, part: slice) -> Floats | None:
        """Missing exposures count 0: they neither earn nor lose."""
        if not self.terms.exposure:
            return None
        values = self.work.data.numeric(self.terms.exposure)
        return np.nan_to_num(values[self.work.alignment.rows[part]], nan=0.0)


def partition_of(table: Dataset, feature: FeatureSpec) -> Partition:
    """Rows by level, or by the quarter of the values that they lie in where a number takes many."""
    if feature.kind is FeatureKind.CATEGORICAL:
        codes, levels = table.categorical(feature.name)
        return Partition(tuple(levels), codes.astype(np.int64))
    values = table.numeric(feature.name)
    missing = np.isnan(values)
    distinct = np.unique(values[~missing])
    if len(distinct) <= len(_QUARTERS) + 1:
        names = tuple(f"{value:,.6g}" for value in distinct.tolist())
        return Partition(names, np.where(missing, -1, np.searchsorted(distinct, values)))
    edges = np.unique(np.quantile(values[~missing], _QUARTERS, method="higher"))
    limits = ["−∞", *(f"{edge:,.6g}" for edge in edges.tolist()), "+∞"]
    names = tuple(f"{'[' if i else '('}{low}, {high})" for i, (low, high) in enumerate(pairwise(limits)))
    return Partition(names, np.where(missing, -1, np.searchsorted(edges, values, side="right")))


def _modelled(features: Sequence[FeatureSpec]) -> list[FeatureSpec]:
    return [f for f in features if f.choice is not Choice.DROP]


def _declared(table: Dataset, name: str, key: str) -> FeatureSpec:
    for feature in table.features:
        if feature.name == name:
            return feature
    raise _column(key, "is no column of the view", "不是视图中的列", name)


def _column(key: str, en: str, zh: str, name: str) -> ConfigError:
    return ConfigError(
        "REPORT_TERMS_COLUMN",
        Text(en=f"{name} {en}", zh=f"{name} {zh}"),
        cure=Text(
            en='declare it in views.toml, with choice = "drop" if it shall not be modelled',
            zh='请在 views.toml 中声明该列；若不参与建模，请写 choice = "drop"',
        ),
        place=Place(file="report.toml", column=key),
    )
