"""Weight of evidence as a scikit-learn transformer, with bins learned as a joint job learns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import ClassifierTags
from sklearn.utils.validation import check_is_fitted

from vfl.config.binning import TRENDS, BinningSpec
from vfl.config.job import JobSpec
from vfl.core.binned_table import BinnedTable, WoeFeature
from vfl.core.binning import Merge
from vfl.core.optimal_binning import Trend
from vfl.core.prebins import NumericPreBins
from vfl.data.schema import FeatureKind, FeatureSpec
from vfl.errors import ConfigError, Text
from vfl.lab.owners import BANK, Owners, PlatformColumns, meet
from vfl.lab.pooled_bins import bin_columns
from vfl.protocols.binning import BankBinning, PlatformBinning, binning
from vfl.runtime.choreography import Choreography

__all__ = ["BINNING", "WoeBinner", "renamed"]

FloatArray = npt.NDArray[np.float64]

BINNING = (
    "cuts", "pre_bins", "merging", "trend", "max_bins", "min_bins", "min_share", "max_p_value", "row_floor",
    "class_floor",
)  # fmt: skip
"""Parameters of binning proper, without those of selection."""
_D = BinningSpec()
_NO_SELECTION = {"min_iv": 0.0, "max_iv": 1000.0, "max_missing": 1.0}


class WoeBinner(OneToOneFeatureMixin, TransformerMixin, Owners):  # type: ignore[misc] # scikit-learn has no types
    """Numeric columns coded by weight of evidence, positive = safer; missing values are a bin of their own.

    One column comes out for each that goes in, and nothing is selected: a column with a single bin is 0 everywhere.
    With ``backend="paillier"`` the platform's events are counted on encrypted labels, and the bins are the same.

    Parameters
    ----------
    platform_columns : sequence of int, or of such sequences, optional
        Columns that the platform owns, or each of several; by default the second half. The bank owns the rest, and
        ``y``.
    backend : {"plaintext", "paillier"}
    key_bits : int
        Of the Paillier key; below 2,048 it is a test key, which nodes refuse for real data.
    cuts, pre_bins, merging, trend, max_bins, min_bins, min_share, max_p_value, row_floor, class_floor
        As in a job's ``[binning]``, with its defaults: :class:`vfl.config.binning.BinningSpec`.
    specials : mapping of int to sequence of float, optional
        By column: values that get a bin each, as far as the floors allow.
    fixed_cuts : mapping of int to sequence of float, optional
        By column: where its bins end; only floors join them.
    trends : mapping of int to str, optional
        By column: a trend in place of ``trend``.
    random_state : int, RandomState or None
        Seeds masks and shuffles of the protocol; the bins do not depend on it.

    Attributes
    ----------
    binned_ : BinnedTable
        One feature per column: cuts, bins, WOE.
    iv_ : ndarray of shape (n_features_in_,)
        Information values; those of a platform's columns to four decimals where the protocol told them.
    classes_ : ndarray of shape (2,)
        The second is the event.
    n_features_in_ : int
    platform_columns_, bank_columns_ : ndarray of int
    bytes_sent_ : int
        Of all messages; 0 without a protocol.

    References
    ----------
    Siddiqi, *Credit Risk Scorecards*, 2006; Navas-Palencia, "Optimal binning: mathematical programming formulation",
    2020.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from vfl.lab.estimators import WoeBinner
    >>> X, y = make_classification(400, random_state=0)
    >>> WoeBinner().fit_transform(X, y).shape
    (400, 20)
    """

    def __init__(
        self,
        *,
        platform_columns: PlatformColumns | None = None,
        backend: str = "plaintext",
        key_bits: int = 512,
        cuts: str = _D.cuts,
        pre_bins: int = _D.pre_bins,
        merging: str = _D.merging,
        trend: str = _D.trend,
        max_bins: int = _D.max_bins,
        min_bins: int = _D.min_bins,
        min_share: float = _D.min_share,
        max_p_value: float = _D.max_p_value,
        row_floor: int = _D.row_floor,
        class_floor: int = _D.class_floor,
        specials: Mapping[int, Sequence[float]] | None = None,
        fixed_cuts: Mapping[int, Sequence[float]] | None = None,
        trends: Mapping[int, str] | None = None,
        random_state: Any = None,
    ) -> None:
        self.platform_columns = platform_columns
        self.backend = backend
        self.key_bits = key_bits
        self.cuts = cuts
        self.pre_bins = pre_bins
        self.merging = merging
        self.trend = trend
        self.max_bins = max_bins
        self.min_bins = min_bins
        self.min_share = min_share
        self.max_p_value = max_p_value
        self.row_floor = row_floor
        self.class_floor = class_floor
        self.specials = specials
        self.fixed_cuts = fixed_cuts
        self.trends = trends
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags = ClassifierTags(multi_class=False)
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        return tags

    def fit(self, X: Any, y: Any) -> WoeBinner:
        """Learn bins from rows ``X``, float array (rows, columns), NaN for missing, and classes ``y``, (rows,).

        Raises
        ------
        ValueError
            Input that scikit-learn's own checks refuse; other than two classes.
        ConfigError
            A parameter out of range, with the range; ``ESTIMATOR_BACKEND``, ``ESTIMATOR_COLUMNS``.
        """
        values, codes = self._begin(X, y)
        spec = self._job("scorecard", {"binning": {name: getattr(self, name) for name in BINNING} | _NO_SELECTION})
        if self.backend == "plaintext":
            made = [bin_columns(owner, t, codes, spec.binning) for owner, t in self._tables(values).items()]
            found = {f.name: f for bins in made for f in bins.table.features}
        else:
            job = self._played(spec, values, codes, _learn)
            found = job.bank.binning.own_features()
            for name in self._platforms:
                found |= {f.name: f for f in job.platforms[name].binning.binned().features}
        whole = [found.get(f"x{c}") or _one_bin(values[:, c], f"x{c}") for c in range(values.shape[1])]
        self._adopt(renamed(BinnedTable(tuple(whole)), self._names()))
        return self

    def _declared(self) -> Mapping[str, FeatureSpec]:
        specials, cuts, trends = self.specials or {}, self.fixed_cuts or {}, self.trends or {}
        named = {*specials, *cuts, *trends}
        unknown: list[Any] = [c for c in named if c not in range(self.n_features_in_)]
        unknown += [trend for trend in trends.values() if trend not in TRENDS]
        if unknown:
            raise ConfigError(
                "ESTIMATOR_BINS",
                Text(en=f"specials, fixed_cuts and trends name {unknown[0]!r}, which is no column or no trend",
                     zh=f"specials、fixed_cuts 与 trends 中的 {unknown[0]!r} 不是列号或趋势"),
                cure=Text(en=f"name columns from 0 to {self.n_features_in_ - 1}; trends: {', '.join(TRENDS)}",
                          zh=f"请填写 0 至 {self.n_features_in_ - 1} 的列号；趋势可取 {'、'.join(TRENDS)}"),
            )
        return {
            f"x{c}": FeatureSpec(
                f"x{c}", FeatureKind.NUMERIC, specials=tuple((float(v),) for v in specials.get(c, ())),
                cuts=tuple(sorted(map(float, cuts.get(c, ())))), fixed=bool(len(cuts.get(c, ()))),
                trend=trends.get(c, ""),
            )
            for c in named
        }  # fmt: skip

    def transform(self, X: Any) -> FloatArray:
        """WOE of each value, (rows, columns)."""
        check_is_fitted(self)
        values = self._values(X)
        return self.binned_.columns(list(values.T), len(values)).matrix()

    def save(self, path: Path | str) -> Path:
        """Write the bins as a file of format ``vfl-bins/1``."""
        check_is_fitted(self)
        out = Path(path)
        out.write_text(self.binned_.to_json(), encoding="utf-8")
        return out

    @classmethod
    def load(cls, path: Path | str) -> WoeBinner:
        """A fitted binner with the bins of a file; DataError ``BINS_FILE`` if it is none.

        Who owned which column, and what the classes were called, is no part of the file.
        """
        made = cls()
        table = BinnedTable.from_json(Path(path).read_text(encoding="utf-8"))
        made.n_features_in_ = len(table.features)
        made._adopt(table)
        return made

    def _adopt(self, table: BinnedTable) -> None:
        self.binned_ = table
        self.iv_ = np.array([f.merge.iv for f in table.features], dtype=np.float64)

    def _names(self) -> dict[str, str]:
        """From the names that the job uses to those of the table, where it has some."""
        return {f"x{i}": name for i, name in enumerate(self.get_feature_names_out().tolist())}


def renamed(table: BinnedTable, names: Mapping[str, str]) -> BinnedTable:
    """The same bins under other names."""
    return BinnedTable(
        tuple(replace(f, prebins=replace(f.prebins, name=names[f.name])) for f in table.features)
    )


def _one_bin(values: FloatArray, name: str) -> WoeFeature:
    """A column that cannot be cut: it tells nothing."""
    prebins = NumericPreBins.fit(values, name=name, max_bins=1, floor=len(values))
    return WoeFeature(prebins, Merge((0,) * len(prebins.rows), (0.0,), 0.0, Trend.NONE))


async def _learn(c: Choreography, spec: JobSpec) -> None:
    """The part of a scorecard job that makes bins."""
    await meet(c, spec)
    await c.phase("binning", binning, c.role(BANK, BankBinning), [c.role(p, PlatformBinning) for p in spec.platforms])
