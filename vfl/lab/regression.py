"""Logistic regression over several owners as a scikit-learn classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from vfl.config.job import JobSpec
from vfl.config.logistic import LogisticSpec
from vfl.core.logistic import p_values, sigmoid
from vfl.crypto.keyproof import KeyRegistry
from vfl.data.table import Dataset
from vfl.lab.owners import Owners, PlatformColumns, meet
from vfl.lab.packages import node_package
from vfl.lab.pooled_regression import pooled_regression
from vfl.protocols.job import joint_regression
from vfl.runtime.choreography import Choreography

__all__ = ["LOGISTIC", "FederatedLogisticRegression"]

FloatArray = npt.NDArray[np.float64]

LOGISTIC = (
    "ridge", "steps", "curvatures", "curvature_rows", "standard_errors", "l1", "signs", "selection", "refits",
)  # fmt: skip
"""Parameters of the regression, named as in a job's ``[logistic]``."""
_D = LogisticSpec()


class FederatedLogisticRegression(ClassifierMixin, Owners):  # type: ignore[misc] # scikit-learn has no types
    """Logistic regression of a bank and its platforms, in local simulation; binary classes, no missing values.

    ``backend="plaintext"`` finds the pooled optimum exactly. ``"paillier"`` runs the protocol, which approaches the
    same optimum in ``steps`` Newton steps with a sigmoid made of harmonics; a key of 2,048 bits holds all of them, of
    1,024 bits about half, and below some 700 bits none. The protocol takes columns of few distinct values within ±32
    only, such as :class:`vfl.lab.woe_binner.WoeBinner` makes.

    Parameters
    ----------
    platform_columns : sequence of int, or of such sequences, optional
        Columns that the platform owns, or each of several; by default the second half. The bank owns the rest, ``y``
        and the intercept.
    backend : {"plaintext", "paillier"}
    key_bits : int
        Of both Paillier keys; below 2,048 they are test keys, which nodes refuse for real data.
    ridge : float
        1 / C of scikit-learn's ``LogisticRegression``; the intercept is not penalised.
    steps, curvatures, curvature_rows, standard_errors
        Of the protocol, as in a job's ``[logistic]``: :class:`vfl.config.logistic.LogisticSpec`.
    l1, signs, selection, refits
        Elastic net, sign constraints and elimination, as there.
    random_state : int, RandomState or None
        Seeds shares, masks and shuffles of the protocol; the model depends on it within rounding only.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features_in_)
        On the log odds of the event.
    intercept_ : ndarray of shape (1,)
    standard_errors_ : ndarray of shape (n_features_in_ + 1,), the intercept's first; empty if not wanted
    p_values_ : ndarray of the same shape
        Two-sided Wald tests.
    held_ : dict of int to str
        Columns held at zero, with the reason: ``sign``, ``penalty`` or ``selection``; their errors are NaN.
    classes_ : ndarray of shape (2,)
        The second is the event.
    n_features_in_ : int
    platform_columns_, bank_columns_ : ndarray of int
    bytes_sent_ : int
        Of all messages; 0 without a protocol.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.pipeline import make_pipeline
    >>> from vfl.lab.estimators import FederatedLogisticRegression, WoeBinner
    >>> X, y = make_classification(400, random_state=0)
    >>> make_pipeline(WoeBinner(), FederatedLogisticRegression()).fit(X, y).score(X, y) > 0.8
    True
    """

    def __init__(
        self,
        *,
        platform_columns: PlatformColumns | None = None,
        backend: str = "plaintext",
        key_bits: int = 2048,
        ridge: float = _D.ridge,
        steps: int = _D.steps,
        curvatures: int = _D.curvatures,
        curvature_rows: int = _D.curvature_rows,
        standard_errors: bool = _D.standard_errors,
        l1: float = _D.l1,
        signs: bool = _D.signs,
        selection: str = _D.selection,
        refits: int = _D.refits,
        random_state: Any = None,
    ) -> None:
        self.platform_columns = platform_columns
        self.backend = backend
        self.key_bits = key_bits
        self.ridge = ridge
        self.steps = steps
        self.curvatures = curvatures
        self.curvature_rows = curvature_rows
        self.standard_errors = standard_errors
        self.l1 = l1
        self.signs = signs
        self.selection = selection
        self.refits = refits
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Any, y: Any) -> FederatedLogisticRegression:
        """Learn from rows ``X``, float array (rows, columns), and classes ``y``, (rows,).

        Raises
        ------
        ValueError
            Input that scikit-learn's own checks refuse; other than two classes.
        ConfigError
            A parameter out of range, with the range; ``ESTIMATOR_BACKEND``, ``ESTIMATOR_COLUMNS``.
        DataError
            ``LOGISTIC_COLUMNS``: the protocol does not take such columns.
        PlaintextOverflow
            ``LOGISTIC_KEY_SHORT``.
        """
        values, codes = self._begin(X, y)
        spec = self._job("scorecard", {"logistic": {name: getattr(self, name) for name in LOGISTIC}})
        if self.backend == "plaintext":
            owned = [values[:, columns] for columns in self.owners_.values()]
            found = pooled_regression(spec.logistic, owned, codes.astype(np.float64))
            weights, reasons = self._in_order([found.coefficients]), found.held
            errors = self._in_order([found.standard_errors]) if self.standard_errors else np.zeros(0)
        else:
            job = self._played(spec, values, codes, _learn, (_bank_job, _platform_job))
            parts = [job.bank.logistic, *(job.platforms[name].logistic for name in self._platforms)]
            weights = self._in_order([part.coefficients for part in parts])
            errors = self._in_order([part.standard_errors for part in parts])
            reasons = tuple(reason for part in parts for reason in part.reasons)
        self.coef_, self.intercept_ = weights[None, 1:], weights[:1]
        self.standard_errors_ = errors
        self.p_values_ = p_values(weights, errors) if len(errors) else np.zeros(0)
        self.held_ = {int(c): why for c, why in zip(self._order, reasons, strict=True) if why}
        return self

    def decision_function(self, X: Any) -> FloatArray:
        """Log odds of the second class, (rows,)."""
        check_is_fitted(self)
        out: FloatArray = self._values(X) @ self.coef_[0] + self.intercept_[0]
        return out

    def predict_proba(self, X: Any) -> FloatArray:
        """Probabilities of both classes, (rows, 2)."""
        event = sigmoid(self.decision_function(X))
        return np.column_stack([1.0 - event, event])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likelier class, (rows,)."""
        likelier = (self.decision_function(X) > 0).astype(np.intp)
        out: npt.NDArray[Any] = self.classes_[likelier]
        return out

    def _in_order(self, parts: list[FloatArray]) -> FloatArray:
        """The owners' figures (the intercept first) in the order of the columns; empty stays empty."""
        if not len(parts[0]):
            return np.zeros(0)
        out = np.empty(1 + len(self._order))
        out[0], out[1 + self._order] = parts[0][0], np.concatenate([parts[0][1:], *parts[1:]])
        return out


# A scorecard job whose regression takes the owners' columns as they are, in place of binned ones.


def _bank_job(work: Any, key: bytes) -> Any:
    return node_package("party_bank.card_job").BankCardJob(
        work, key, KeyRegistry(), columns=lambda: _matrix(work.data.take(work.alignment.rows))
    )


def _platform_job(work: Any, key: bytes) -> Any:
    return node_package("party_platform.card_job").PlatformCardJob(
        work, KeyRegistry(), key, columns=lambda: _matrix(work.data.take(work.table_rows))
    )


def _matrix(table: Dataset) -> FloatArray:
    """All columns, (rows, columns), also of a table without any."""
    columns = [table.numeric(f.name) for f in table.features]
    return np.column_stack(columns) if columns else np.zeros((len(table), 0))


async def _learn(c: Choreography, spec: JobSpec) -> None:
    """The part of a scorecard job that regresses."""
    await meet(c, spec)
    await joint_regression(c, spec)
