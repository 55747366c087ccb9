"""scikit-learn estimators that learn as a joint job does, on one table whose columns are given to two owners."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from vfl.config.job import JobSpec
from vfl.core.boosting import BoostParams, LocalModel, train_local
from vfl.core.objective import Binary
from vfl.data.consent import ConsentBook
from vfl.data.table import Dataset
from vfl.errors import ConfigError, Text
from vfl.lab.assembly import LabJob, PlatformTable, assemble
from vfl.lab.model import JointModel
from vfl.lab.packages import node_package
from vfl.protocols.alignment import BankAlignment, PlatformAlignment, alignment
from vfl.protocols.boosting import BankTrees, PlatformTrees, boosted_trees
from vfl.protocols.keys import KeyChecker, KeyHolderRole, key_exchange
from vfl.runtime.choreography import Choreography

__all__ = ["FederatedTrees"]

FloatArray = npt.NDArray[np.float64]

_BANK, _PLATFORM = "bank", "platform"
_PURPOSE = "credit-modelling"
_DAY = "2026-01-01"
_JOB = """\
[job]
name = "estimator"
bank = "{bank}"
platforms = ["{platform}"]
bank_view = "main"
platform_view = "main"
as_of = {day}
bank_features = {bank_features}

[privacy]
key_bits = {key_bits}
test_keys = {test_keys}
minimum_intersection = 1
leaf_floor = {leaf_floor}

[sample]
train = 1.0
valid = 0.0
test = 0.0

[trees]
trees = {trees}
num_leaves = {num_leaves}
max_depth = {max_depth}
learning_rate = {learning_rate!r}
max_bin = {max_bin}
min_data_in_bin = {min_data_in_bin}
min_data_in_leaf = {min_data_in_leaf}
lambda_l2 = {lambda_l2!r}
scale_pos_weight = {scale_pos_weight!r}
"""


class FederatedTrees(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Boosted trees of a bank and a platform, in local simulation; binary classes, missing values allowed.

    With ``backend="paillier"`` the whole protocol runs in this process: key exchange, alignment of the rows, masked
    sums of encrypted gradients; with ``"plaintext"`` the same trees grow on the pooled columns without any
    cryptography. Both add gradients in the same fixed point and so grow the same trees, but for splits of the
    platform that are equally good, whose order the protocol shuffles. Neither protects anything here: this object
    holds all columns.

    Parameters
    ----------
    platform_columns : sequence of int, optional
        Columns that the platform owns; by default the second half. The bank owns the rest, and ``y``.
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
        platform_columns: Sequence[int] | None = None,
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
        values, target = validate_data(
            self, X, y, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2
        )
        check_classification_targets(target)
        self.classes_, codes = np.unique(target, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass."
                f" It holds {len(self.classes_)} classes."
            )
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        self.platform_columns_ = self._columns(values.shape[1])
        self._bank_columns = np.setdiff1d(np.arange(values.shape[1]), self.platform_columns_)
        spec = self._spec()
        if self.backend == "plaintext":
            self.model_: LocalModel | JointModel = self._pooled(spec, values, codes)
            self.bytes_sent_ = 0
        else:
            job = self._protocol(spec, values, codes)
            self.model_ = JointModel.of(job)
            self.bytes_sent_ = sum(s.size for s in job.trace)
        return self

    def decision_function(self, X: Any) -> FloatArray:
        """Log-odds of the second class, (rows,)."""
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        if isinstance(self.model_, LocalModel):
            return self.model_.margin(self._in_order(values))
        return self.model_.margins({_BANK: self._table(values, _BANK), _PLATFORM: self._table(values, _PLATFORM)})

    def predict_proba(self, X: Any) -> FloatArray:
        """Probabilities of both classes, (rows, 2)."""
        event = 1.0 / (1.0 + np.exp(-self.decision_function(X)))
        return np.column_stack([1.0 - event, event])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likelier class, (rows,)."""
        likelier = (self.decision_function(X) > 0).astype(np.intp)
        out: npt.NDArray[Any] = self.classes_[likelier]
        return out

    # --- the two ways of learning -----------------------------------------------------------------------------

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
        return train_local(self._in_order(values), codes.astype(np.float64), params)

    def _protocol(self, spec: JobSpec, values: FloatArray, codes: npt.NDArray[np.intp]) -> LabJob:
        seed = check_random_state(self.random_state).bytes(32)
        bank = self._table(values, _BANK, labels=codes.astype(np.uint8))
        platform = self._table(values, _PLATFORM)
        day = np.full(len(values), spec.as_of, dtype="datetime64[D]")
        consents = ConsentBook(
            platform.ids, [_BANK] * len(values), [_PURPOSE] * len(values), day, day,
            np.full(len(values), "NaT", dtype="datetime64[D]"),
        )  # fmt: skip
        key = _test_key(spec.key_bits) if spec.test_keys else None
        job = assemble("estimator", spec, bank, {_PLATFORM: PlatformTable(platform, consents)}, seed=seed,
                       exported_key=key)  # fmt: skip
        job.run(body=_learn)
        return job

    # --- columns ----------------------------------------------------------------------------------------------

    def _columns(self, count: int) -> npt.NDArray[np.intp]:
        if self.backend not in ("plaintext", "paillier"):
            raise ConfigError(
                "ESTIMATOR_BACKEND",
                Text(en="there is no such backend", zh="没有该后端"),
                cure=Text(en='use "plaintext" or "paillier"', zh='请使用 "plaintext" 或 "paillier"'),
            )
        if self.platform_columns is None:
            return np.arange(count // 2, count)
        chosen = np.unique(np.asarray(self.platform_columns, dtype=np.intp))
        if not len(chosen) or chosen[0] < 0 or chosen[-1] >= count:
            raise ConfigError(
                "ESTIMATOR_COLUMNS",
                Text(en=f"platform_columns must name columns from 0 to {count - 1}",
                     zh=f"platform_columns 须为 0 至 {count - 1} 的列号"),
                cure=Text(en="name at least one column of X", zh="请至少指定 X 的一列"),
            )  # fmt: skip
        return chosen

    def _in_order(self, values: FloatArray) -> FloatArray:
        """The bank's columns first, as the protocol's split search takes them."""
        return np.ascontiguousarray(values[:, np.concatenate([self._bank_columns, self.platform_columns_])])

    def _table(self, values: FloatArray, owner: str, labels: npt.NDArray[np.uint8] | None = None) -> Dataset:
        columns = self._bank_columns if owner == _BANK else self.platform_columns_
        numeric = {f"x{c}": values[:, c] for c in columns.tolist()}
        return Dataset.from_arrays([f"row-{i:09d}" for i in range(len(values))], numeric, labels=labels, name=owner)

    def _spec(self) -> JobSpec:
        """The job these parameters describe: its reader checks every range."""
        text = _JOB.format(
            bank=_BANK, platform=_PLATFORM, day=_DAY, bank_features="true" if len(self._bank_columns) else "false",
            key_bits=self.key_bits, test_keys="true" if self.key_bits < 2048 else "false", leaf_floor=self.leaf_floor,
            trees=self.n_trees, num_leaves=self.num_leaves, max_depth=self.max_depth,
            learning_rate=float(self.learning_rate), max_bin=self.max_bin, min_data_in_bin=self.min_data_in_bin,
            min_data_in_leaf=self.min_data_in_leaf, lambda_l2=float(self.lambda_l2),
            scale_pos_weight=float(self.scale_pos_weight),
        )  # fmt: skip
        return JobSpec.parse(text, "FederatedTrees")


@functools.cache
def _test_key(bits: int) -> bytes:
    """One test key per process: making one costs more than a small fit. Real key lengths are made anew each time."""
    key: bytes = node_package("party_bank.steps.keys").KeyHolderSteps.fresh(bits, test_keys=True)
    return key


async def _learn(c: Choreography, spec: JobSpec) -> None:
    """A training job without held-out rows, and so without evaluation."""
    await c.phase(
        "keys", key_exchange, c.role(spec.bank, KeyHolderRole), [c.role(p, KeyChecker) for p in spec.platforms]
    )
    await c.phase(
        "alignment", alignment, c.role(spec.bank, BankAlignment), [c.role(p, PlatformAlignment) for p in spec.platforms]
    )
    await boosted_trees(
        c, c.role(spec.bank, BankTrees), [c.role(p, PlatformTrees) for p in spec.platforms], trees=spec.trees.trees
    )
