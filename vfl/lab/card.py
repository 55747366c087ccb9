"""A scorecard over several owners as a scikit-learn classifier: bins, selection, logistic regression, whole points."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from vfl.config.binning import BinningSpec
from vfl.config.job import JobSpec
from vfl.config.logistic import LogisticSpec
from vfl.config.scorecard import ScalingSpec
from vfl.core.binned_table import BinnedTable
from vfl.core.scorecard import Scaling
from vfl.core.selection import Reason
from vfl.data.binned_features import woe_columns
from vfl.lab.assembly import LabJob
from vfl.lab.model import JointCard
from vfl.lab.owners import BANK, Owners, PlatformColumns, meet
from vfl.lab.pooled_bins import bin_columns, select
from vfl.lab.pooled_regression import pooled_regression
from vfl.lab.regression import LOGISTIC
from vfl.lab.woe_binner import BINNING, renamed
from vfl.protocols.binning import BankBinning, PlatformBinning, binning, screening
from vfl.protocols.job import joint_regression
from vfl.protocols.scorecard import BankCard, PlatformCard, scorecard
from vfl.runtime.choreography import Choreography

__all__ = ["FederatedScorecard"]

FloatArray = npt.NDArray[np.float64]

_SELECTION = ("min_iv", "max_iv", "max_missing", "max_correlation", "max_vif")
_SCALING = ("base_points", "base_odds", "pdo")
_B, _L, _S = BinningSpec(), LogisticSpec(), ScalingSpec()


class FederatedScorecard(ClassifierMixin, Owners):  # type: ignore[misc] # scikit-learn has no types
    """A scorecard of a bank and its platforms, in local simulation; numeric columns, missing values allowed.

    ``backend="plaintext"`` bins the pooled columns and finds the pooled optimum exactly; ``"paillier"`` runs a
    scorecard job, whose bins and selection are the same and whose weights approach that optimum (see
    :class:`vfl.lab.regression.FederatedLogisticRegression`). A prediction is what the whole points say.

    Bins need rows: with the default floors, some hundreds. Where no column is left the card is its start alone, and
    the protocol, which needs a column of the platform, refuses.

    Parameters
    ----------
    platform_columns : sequence of int, or of such sequences, optional
        Columns that the platform owns, or each of several; by default the second half. The bank owns the rest, and
        ``y``.
    backend : {"plaintext", "paillier"}
    key_bits : int
        Of both Paillier keys; below 2,048 they are test keys, which nodes refuse for real data.
    cuts, pre_bins, merging, trend, max_bins, min_bins, min_share, max_p_value, row_floor, class_floor
        As in a job's ``[binning]``, with its defaults: :class:`vfl.config.binning.BinningSpec`.
    min_iv, max_iv, max_missing, max_correlation, max_vif
        Which columns go on; likewise.
    ridge, steps, curvatures, curvature_rows, standard_errors, l1, signs, selection, refits
        As in a job's ``[logistic]``.
    base_points, base_odds, pdo
        As in a job's ``[scorecard]``.
    random_state : int, RandomState or None
        Seeds shares, masks and shuffles of the protocol; the model depends on it within rounding only.

    Attributes
    ----------
    scorecard_ : Scorecard
        Complete; features of the bank first.
    columns_ : ndarray of int
        Columns of X in the model, in the order of ``scorecard_.features``, ``coef_`` and ``iv_``.
    removed_ : dict of int to Reason
        Why the other columns are not in the model.
    binned_ : BinnedTable
        Bins of ``columns_``.
    iv_ : ndarray of shape (len(columns_),)
    coef_ : ndarray of shape (1, len(columns_))
        On the log odds of the event, of WOE columns.
    intercept_ : ndarray of shape (1,)
    standard_errors_ : ndarray of shape (len(columns_) + 1,), the intercept's first; empty if not wanted
    classes_ : ndarray of shape (2,)
        The second is the event.
    n_features_in_ : int
    platform_columns_, bank_columns_ : ndarray of int
    bytes_sent_ : int
        Of all messages; 0 without a protocol.

    References
    ----------
    Siddiqi, *Credit Risk Scorecards*, 2006, ch. 6.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from vfl.lab.estimators import FederatedScorecard
    >>> X, y = make_classification(600, random_state=0)
    >>> card = FederatedScorecard().fit(X, y)
    >>> card.score(X, y) > 0.8, card.score_points(X).dtype
    (True, dtype('int64'))
    """

    def __init__(
        self,
        *,
        platform_columns: PlatformColumns | None = None,
        backend: str = "plaintext",
        key_bits: int = 2048,
        cuts: str = _B.cuts,
        pre_bins: int = _B.pre_bins,
        merging: str = _B.merging,
        trend: str = _B.trend,
        max_bins: int = _B.max_bins,
        min_bins: int = _B.min_bins,
        min_share: float = _B.min_share,
        max_p_value: float = _B.max_p_value,
        row_floor: int = _B.row_floor,
        class_floor: int = _B.class_floor,
        min_iv: float = _B.min_iv,
        max_iv: float = _B.max_iv,
        max_missing: float = _B.max_missing,
        max_correlation: float = _B.max_correlation,
        max_vif: float = _B.max_vif,
        ridge: float = _L.ridge,
        steps: int = _L.steps,
        curvatures: int = _L.curvatures,
        curvature_rows: int = _L.curvature_rows,
        standard_errors: bool = _L.standard_errors,
        l1: float = _L.l1,
        signs: bool = _L.signs,
        selection: str = _L.selection,
        refits: int = _L.refits,
        base_points: float = _S.base_points,
        base_odds: float = _S.base_odds,
        pdo: float = _S.pdo,
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
        self.min_iv = min_iv
        self.max_iv = max_iv
        self.max_missing = max_missing
        self.max_correlation = max_correlation
        self.max_vif = max_vif
        self.ridge = ridge
        self.steps = steps
        self.curvatures = curvatures
        self.curvature_rows = curvature_rows
        self.standard_errors = standard_errors
        self.l1 = l1
        self.signs = signs
        self.selection = selection
        self.refits = refits
        self.base_points = base_points
        self.base_odds = base_odds
        self.pdo = pdo
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        # On the two hundred rows of scikit-learn's own check the default floors leave no second bin.
        tags.classifier_tags.poor_score = True
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any) -> FederatedScorecard:
        """Learn from rows ``X``, float array (rows, columns), NaN for missing, and classes ``y``, (rows,).

        Raises
        ------
        ValueError
            Input that scikit-learn's own checks refuse; other than two classes.
        ConfigError
            A parameter out of range, with the range; ``ESTIMATOR_BACKEND``, ``ESTIMATOR_COLUMNS``.
        DataError
            ``SCREENING_EMPTY``: no column of the platform is left for the protocol.
        PlaintextOverflow
            ``LOGISTIC_KEY_SHORT``.
        """
        values, codes = self._begin(X, y)
        spec = self._spec()
        if self.backend == "plaintext":
            self._pooled(spec, values, codes)
        else:
            self._adopt_job(self._played(spec, values, codes, _learn))
        return self

    def score_points(self, X: Any) -> npt.NDArray[np.int64]:
        """Score of each row in whole points, (rows,); higher is safer."""
        check_is_fitted(self)
        values = self._values(X)
        if not len(self.columns_):
            return np.full(len(values), self.scorecard_.start, dtype=np.int64)
        return self.scorecard_.score(dict(zip(self.scorecard_.columns, values[:, self.columns_].T, strict=True)))

    def decision_function(self, X: Any) -> FloatArray:
        """Log odds of the second class as the points tell them, (rows,)."""
        points = self.score_points(X)
        return self.scorecard_.scaling.margin(points)

    def predict_proba(self, X: Any) -> FloatArray:
        """Probabilities of both classes, (rows, 2)."""
        points = self.score_points(X)
        event = self.scorecard_.probability(points)
        return np.column_stack([1.0 - event, event])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likelier class, (rows,)."""
        likelier = (self.decision_function(X) > 0).astype(np.intp)
        out: npt.NDArray[Any] = self.classes_[likelier]
        return out

    # --- the two ways of learning -----------------------------------------------------------------------------

    def _spec(self) -> JobSpec:
        def told(names: tuple[str, ...]) -> dict[str, Any]:
            return {name: getattr(self, name) for name in names}

        sections = {"binning": told(BINNING + _SELECTION), "logistic": told(LOGISTIC), "scorecard": told(_SCALING)}
        return self._job("scorecard", sections)

    def _pooled(self, spec: JobSpec, values: FloatArray, codes: npt.NDArray[np.intp]) -> None:
        tables = self._tables(values)
        bins = {owner: bin_columns(owner, table, codes, spec.binning) for owner, table in tables.items()}
        binned, removed = select(bins, tables, spec.binning)
        columns = [woe_columns(tables[owner], part).matrix() for owner, part in binned.items()]
        found = pooled_regression(spec.logistic, columns, codes.astype(np.float64))
        errors = found.standard_errors if self.standard_errors else np.zeros(0)
        self._adopt(spec, binned, found.coefficients, errors, removed)

    def _adopt_job(self, job: LabJob) -> None:
        bank, platforms = job.bank, {name: job.platforms[name] for name in self._platforms}
        features, own = bank.binning.features, bank.binning.removed
        gone = {features[r.feature].name: r.reason for r in bank.binning.screening.removed}
        removed = own | {name: why for name, why in gone.items() if name is not None}
        binned = {BANK: bank.binning.binned()}
        weights, errors = [bank.logistic.coefficients], [bank.logistic.standard_errors]
        for name, platform in platforms.items():
            removed |= platform.binning.removed
            # A platform's order is shuffled; here everything is told, so columns come in their own.
            table = platform.binning.binned()
            order = np.argsort([int(f.name[1:]) for f in table.features])
            binned[name] = table.select(order.tolist())
            weights.append(platform.logistic.coefficients[order])
            errors.append(platform.logistic.standard_errors[order] if self.standard_errors else np.zeros(0))
        self._adopt(job.spec, binned, np.concatenate(weights), np.concatenate(errors), removed)

    def _adopt(
        self, spec: JobSpec, binned: dict[str, BinnedTable], weights: FloatArray, errors: FloatArray,
        removed: dict[str, Reason],
    ) -> None:
        """Take up a model: weights and errors of the intercept, the bank's columns, each platform's."""
        inner = [f.name for table in binned.values() for f in table.features]
        self.columns_ = np.array([int(name[1:]) for name in inner], dtype=np.intp)
        self.removed_ = {int(name[1:]): why for name, why in sorted(removed.items(), key=lambda item: int(item[0][1:]))}
        names = dict(zip(inner, self._column_names(), strict=True))
        told = {owner: renamed(table, names) for owner, table in binned.items()}
        sizes = [len(table.features) for table in binned.values()]
        parts = np.split(weights[1:], np.cumsum(sizes)[:-1])
        scaling = Scaling(spec.scaling.base_points, spec.scaling.base_odds, spec.scaling.pdo)
        by_owner = dict(zip(binned, parts, strict=True))
        self.scorecard_ = JointCard.made(told, by_owner, float(weights[0]), scaling, home=BANK).card
        self.binned_ = BinnedTable(tuple(f for table in told.values() for f in table.features))
        self.iv_ = np.array([f.merge.iv for f in self.binned_.features], dtype=np.float64)
        self.coef_, self.intercept_, self.standard_errors_ = weights[None, 1:], weights[:1], errors

    def _column_names(self) -> list[str]:
        """Names of the columns in the model: the table's own where it has some."""
        known = getattr(self, "feature_names_in_", None)
        return [f"x{c}" if known is None else str(known[c]) for c in self.columns_.tolist()]


async def _learn(c: Choreography, spec: JobSpec) -> None:
    """A scorecard job without held-out rows, and so without evaluation."""
    await meet(c, spec)
    cutters = c.role(BANK, BankBinning), [c.role(p, PlatformBinning) for p in spec.platforms]
    await c.phase("binning", binning, *cutters)
    await c.phase("screening", screening, *cutters)
    await joint_regression(c, spec)
    await c.phase("scorecard", scorecard, c.role(BANK, BankCard), [c.role(p, PlatformCard) for p in spec.platforms])
