"""Boosted trees as a scikit-learn classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from vfl.config.job import JobSpec
from vfl.core.boosting import BoostParams, LocalModel, train_local
from vfl.core.objective import Binary
from vfl.lab.model import JointModel
from vfl.lab.owners import Owners, PlatformColumns, meet
from vfl.lab.packages import node_package
from vfl.protocols.boosting import BankTrees, PlatformTrees, boosted_trees
from vfl.runtime.choreography import Choreography

__all__ = ["FederatedTrees"]

FloatArray = npt.NDArray[np.float64]


class FederatedTrees(ClassifierMixin, Owners):  # type: ignore[misc] # scikit-learn has no types
    """Boosted trees of a bank and its platforms, in local simulation; binary classes, missing values allowed.

    With ``backend="paillier"`` the whole protocol runs in this process: key exchange, alignment of the rows, masked
    sums of encrypted gradients; with ``"plaintext"`` the same trees grow on the pooled columns without any
    cryptography. Both add gradients in the same fixed point and so grow the same trees, but for splits of the
    platform that are equally good, whose order the protocol shuffles. Neither protects anything here: this object
    holds all columns.

    Parameters
    ----------
    platform_columns : sequence of int, or of such sequences, optional
        Columns that the platform owns, or each of several; by default the second half. The bank owns the rest, and
        ``y``.
    backend : {"plaintext", "paillier"}
    key_bits : int
        Of the Paillier key; below 2,048 it is a test key, which nodes refuse for real data.
    n_trees, num_leaves, max_depth, learning_rate, max_bin, min_data_in_bin, min_data_in_leaf, lambda_l2
        As in LightGBM; ``scale_pos_weight`` too.
    leaf_floor : int
        Rows under which the platform gives no sums.
    random_state : int, RandomState or None
        Seeds masks and shuffles of the protocol; the model does not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The second is the event.
    n_features_in_ : int
    platform_columns_ : ndarray of int
    model_ : JointModel or LocalModel
    bytes_sent_ : int
        Of all messages; 0 without a protocol.

    References
    ----------
    Cheng et al., "SecureBoost: A Lossless Federated Learning Framework", IEEE Intelligent Systems 36(6), 2021.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from vfl.lab.estimators import FederatedTrees
    >>> X, y = make_classification(200, random_state=0)
    >>> FederatedTrees(n_trees=5).fit(X, y).score(X, y) > 0.8
    True
    """

    def __init__(
        self,
        *,
        platform_columns: PlatformColumns | None = None,
        backend: str = "plaintext",
        key_bits: int = 512,
        n_trees: int = 30,
        num_leaves: int = 15,
        max_depth: int = -1,
        learning_rate: float = 0.1,
        max_bin: int = 63,
        min_data_in_bin: int = 3,
        min_data_in_leaf: int = 20,
        lambda_l2: float = 0.0,
        scale_pos_weight: float = 1.0,
        leaf_floor: int = 20,
        random_state: Any = None,
    ) -> None:
        self.platform_columns = platform_columns
        self.backend = backend
        self.key_bits = key_bits
        self.n_trees = n_trees
        self.num_leaves = num_leaves
        self.max_depth = max_depth
        self.learning_rate = learning_rate
        self.max_bin = max_bin
        self.min_data_in_bin = min_data_in_bin
        self.min_data_in_leaf = min_data_in_leaf
        self.lambda_l2 = lambda_l2
        self.scale_pos_weight = scale_pos_weight
        self.leaf_floor = leaf_floor
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: Any) -> FederatedTrees:
        """Learn from rows ``X``, float array (rows, columns), and classes ``y``, (rows,).

        Raises
        ------
        ValueError
            Input that scikit-learn's own checks refuse; other than two classes.
        ConfigError
            A parameter out of range, with the range; ``ESTIMATOR_BACKEND``, ``ESTIMATOR_COLUMNS``.
        """
        values, codes = self._begin(X, y)
        spec = self._spec()
        if self.backend == "plaintext":
            self.model_: LocalModel | JointModel = self._pooled(spec, values, codes)
        else:
            self.model_ = JointModel.of(self._played(spec, values, codes, _learn))
        return self

    def decision_function(self, X: Any) -> FloatArray:
        """Log-odds of the second class, (rows,)."""
        check_is_fitted(self)
        values = self._values(X)
        if isinstance(self.model_, LocalModel):
            return self.model_.margin(np.ascontiguousarray(values[:, self._order]))
        return self.model_.margins(self._tables(values))

    def predict_proba(self, X: Any) -> FloatArray:
        """Probabilities of both classes, (rows, 2)."""
        event = 1.0 / (1.0 + np.exp(-self.decision_function(X)))
        return np.column_stack([1.0 - event, event])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likelier class, (rows,)."""
        likelier = (self.decision_function(X) > 0).astype(np.intp)
        out: npt.NDArray[Any] = self.classes_[likelier]
        return out

    def _pooled(self, spec: JobSpec, values: FloatArray, codes: npt.NDArray[np.intp]) -> LocalModel:
        grow = node_package("party_bank.steps.boosting").grow_params(spec.trees)
        params = BoostParams(
            n_trees=spec.trees.trees,
            grow=grow,
            objective=Binary(scale_pos_weight=spec.trees.scale_pos_weight),
            max_bin=spec.trees.max_bin,
            min_data_in_bin=spec.trees.min_data_in_bin,
            gradient_bits=spec.trees.gradient_bits,
            metric="binary_logloss",
        )
        return train_local(np.ascontiguousarray(values[:, self._order]), codes.astype(np.float64), params)

    def _spec(self) -> JobSpec:
        names = (
            "num_leaves", "max_depth", "learning_rate", "max_bin", "min_data_in_bin", "min_data_in_leaf", "lambda_l2",
            "scale_pos_weight",
        )  # fmt: skip
        trees = {"trees": self.n_trees} | {name: getattr(self, name) for name in names}
        return self._job("trees", {"trees": trees}, leaf_floor=self.leaf_floor)


async def _learn(c: Choreography, spec: JobSpec) -> None:
    """A training job without held-out rows, and so without evaluation."""
    await meet(c, spec)
    await boosted_trees(
        c, c.role(spec.bank, BankTrees), [c.role(p, PlatformTrees) for p in spec.platforms], trees=spec.trees.trees
    )
