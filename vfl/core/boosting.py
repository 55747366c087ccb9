"""Boosting on one pooled table: the reference that a federated run, and LightGBM, must both reproduce.

It uses the same bins, histograms, split search and grower as the federated protocol, with one owner. The trees
are LightGBM's with ``deterministic=true``, one thread, and ``enable_bundle=false``. Bundling changes nothing where
bundled features are never non-zero together; LightGBM also bundles features that are, in up to one row of
10,000, and loses those values, which nobody who holds only some of the features could repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vfl.core.histogram import FeatureMeta, HistogramLayout, exact_histogram, histogram
from vfl.core.lgbm_bins import BinMapper, sample_rows
from vfl.core.metrics import auc, log_loss
from vfl.core.objective import Binary, FixedPoint, Objective
from vfl.core.sampling import Bagging, FeatureFraction, Goss
from vfl.core.split import LeafStats
from vfl.core.split_table import SplitRule, SplitTable, nan_bin_of
from vfl.core.tree import GrowParams, LeafwiseGrower, TreeStructure
from vfl.errors import ConfigError, DataError, LocalProtocolError, Text

__all__ = ["BoostParams", "EarlyStopping", "LocalModel", "train_local"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Of label and margin, and whether greater is better. The AUC takes margins, since the sigmoid may merge two of them.
_METRICS: dict[str, tuple[Callable[[FloatArray, FloatArray], float], bool]] = {
    "auc": (auc, True),
    "binary_logloss": (lambda label, margin: log_loss(label, Binary().predict(margin)), False),
}


@dataclass(frozen=True, slots=True)
class BoostParams:
    """Of a whole model; names and defaults are LightGBM's, except ``gradient_bits``.

    ``gradient_bits`` None adds float gradients as LightGBM does; a number adds them in fixed point, exactly, as
    a federated run does. ``early_stopping_rounds`` 0: no early stopping. ``bagging_freq`` 0: no bagging; ``goss``:
    (top_rate, other_rate), in place of bagging.
    """

    n_trees: int = 100
    grow: GrowParams = field(default_factory=GrowParams)
    objective: Objective = field(default_factory=Binary)
    max_bin: int = 255
    min_data_in_bin: int = 3
    boost_from_average: bool = True
    gradient_bits: int | None = None
    metric: str = "auc"
    early_stopping_rounds: int = 0
    monotone: tuple[int, ...] = ()
    feature_fraction: float = 1.0
    bagging_fraction: float = 1.0
    bagging_freq: int = 0
    goss: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        counts = self.n_trees >= 1 and self.early_stopping_rounds >= 0 and self.bagging_freq >= 0
        if not counts or self.metric not in _METRICS or (self.goss is not None and self.bagging_freq > 0):
            raise ConfigError(
                "BOOST_PARAMETER",
                Text("A boosting parameter is wrong.", "提升树参数有误。"),
                cure=Text(
                    f"Counts are >= 0, n_trees >= 1; goss excludes bagging; metric is one of {', '.join(_METRICS)}.",
                    f"计数参数不小于 0，n_trees >= 1；goss 与 bagging 不可并用；metric 取 {'、'.join(_METRICS)} 之一。",
                ),
            )


class EarlyStopping:
    """LightGBM's ``early_stopping``: stop when the metric has not become strictly better for ``rounds`` trees."""

    def __init__(self, rounds: int, *, greater_is_better: bool) -> None:
        self._rounds = rounds
        self._sign = 1.0 if greater_is_better else -1.0
        self._best = float("-inf")
        self._seen = 0
        self.best_iteration = 0

    def update(self, value: float) -> bool:
        """Take the metric after one more tree; True when training should stop. Iterations count from 1."""
        self._seen += 1
        if self._seen == 1 or self._sign * value > self._best:
            self._best, self.best_iteration = self._sign * value, self._seen
        return self._seen - self.best_iteration >= self._rounds


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A pooled model: starting margin, trees, the one owner's splits and bins.

    ``best_iteration`` is the number of trees that :meth:`margin` uses; ``history`` the validation metric after
    each tree.
    """

    start: float
    trees: tuple[TreeStructure, ...]
    splits: SplitTable
    mappers: tuple[BinMapper, ...]
    best_iteration: int
    history: tuple[float, ...]
    objective: Objective

    def margin(self, values: FloatArray) -> FloatArray:
        """Sum of leaf values, (rows,)."""
        bins = {f: mapper.transform(values[:, f]) for f, mapper in enumerate(self.mappers)}
        total = np.full(values.shape[0], self.start)
        for tree in self.trees[: self.best_iteration]:
            total += tree.leaf_value[_leaves(tree, self.splits, self.mappers, bins, values.shape[0])]
        return total

    def predict(self, values: FloatArray) -> FloatArray:
        return self.objective.predict(self.margin(values))


def train_local(
    values: FloatArray, label: FloatArray, params: BoostParams, *, categorical: Sequence[int] = (),
    weight: FloatArray | None = None, valid: tuple[FloatArray, FloatArray] | None = None,
) -> LocalModel:  # fmt: skip
    """Train on a pooled table.

    Parameters
    ----------
    values : float64 array, (rows, features)
        Missing = NaN; categories as numbers from 0.
    label : float64 array, (rows,)
    params : BoostParams
    categorical : column numbers
    weight : float64 array, (rows,), optional
    valid : (values, label), optional
        For early stopping and ``history``.

    Raises
    ------
    ConfigError, DataError
    """
    if params.early_stopping_rounds and valid is None:
        raise ConfigError(
            "BOOST_PARAMETER",
            Text("Early stopping needs validation rows.", "提前停止需要验证集。"),
            cure=Text("Pass valid, or early_stopping_rounds 0.", "请提供 valid，或将 early_stopping_rounds 设为 0。"),
        )
    params.objective.check(label, weight)
    if values.ndim != 2 or values.shape[0] != label.size:
        raise DataError(
            "LABEL_VALUES",
            Text("The table and its label differ in rows.", "特征表与标签行数不一致。"),
            cure=Text("Pass one label per row.", "请为每行提供一个标签。"),
        )
    mappers = _fit_bins(values, params, frozenset(categorical))
    booster = _Booster(values, label, weight, params, mappers)
    watch = None if valid is None else _Watch(valid, booster, params)
    trees: list[TreeStructure] = []
    for _ in range(params.n_trees):
        tree = booster.grow()
        # LightGBM stops at a tree without a split, and keeps it only if it is the first.
        if tree.n_nodes == 0:
            break
        trees.append(tree)
        if watch is not None and watch.after(tree):
            break
    best = len(trees) if watch is None or not params.early_stopping_rounds else watch.stopping.best_iteration
    history = () if watch is None else tuple(watch.history)
    return LocalModel(booster.start, tuple(trees), booster.splits, mappers, best, history, params.objective)


def _fit_bins(values: FloatArray, params: BoostParams, categorical: frozenset[int]) -> tuple[BinMapper, ...]:
    rows = sample_rows(values.shape[0])
    least = params.grow.split.min_data_in_leaf * rows.size // values.shape[0]
    return tuple(
        BinMapper.fit(
            values[rows, f], categorical=f in categorical, max_bin=params.max_bin,
            min_data_in_bin=params.min_data_in_bin, min_data_in_leaf=least,
        )
        for f in range(values.shape[1])
    )  # fmt: skip


class _Booster:
    """Margin, gradients and row partition of a training run."""

    def __init__(
        self, values: FloatArray, label: FloatArray, weight: FloatArray | None, params: BoostParams,
        mappers: tuple[BinMapper, ...],
    ) -> None:  # fmt: skip
        self._label, self._weight, self._params = label, weight, params
        self.mappers = mappers
        self.splits = SplitTable()
        self._used = [f for f, mapper in enumerate(mappers) if not mapper.is_trivial]
        wide = max((m.n_bins for m in mappers), default=0) > 256
        self._bins = np.empty((values.shape[0], len(self._used)), dtype=np.uint16 if wide else np.uint8, order="F")
        for position, feature in enumerate(self._used):
            self._bins[:, position] = mappers[feature].transform(values[:, feature])
        monotone = params.monotone or (0,) * len(mappers)
        metas: list[FeatureMeta] = [mappers[f].meta(monotone=monotone[f]) for f in self._used]
        self._layout = HistogramLayout(metas)
        self.start = params.objective.start(label, weight) if params.boost_from_average else 0.0
        self._margin = np.full(label.size, self.start)
        self._rows = _Rows(label.size, params)
        self._features = FeatureFraction(len(self._used), params.feature_fraction)

    def grow(self) -> TreeStructure:
        gradient, hessian = self._params.objective.gradients(self._margin, self._label, self._weight)
        drawn, gradient, hessian = self._rows.draw(gradient, hessian)
        sums = _Sums(self._bins, gradient, hessian, self._layout, self._params.gradient_bits)
        grower = LeafwiseGrower(
            [self._layout], self._params.grow, sums.root(drawn), searchable=[self._features.draw()]
        )
        rows = {0: drawn}
        while True:
            if grower.wanted is not None:
                grower.register([sums.of(rows[grower.wanted])])
            choice = grower.choose()
            if choice is None:
                break
            position = choice.split.feature
            feature = self._used[position]
            rule = SplitRule.of(choice.split, feature)
            here = rows[choice.leaf]
            left = rule.goes_left(self._bins[here, position], nan_bin_of(self.mappers[feature]))
            rows[choice.leaf], rows[grower.n_leaves] = here[left], here[~left]
            grower.split(int(left.sum()), int((~left).sum()), self.splits.add(rule))
        tree = grower.finish()
        for leaf, those in rows.items():
            self._margin[those] += tree.leaf_value[leaf]
        if drawn.size < self._label.size:
            left_out = np.delete(np.arange(self._label.size), drawn)
            columns = {feature: self._bins[left_out, position] for position, feature in enumerate(self._used)}
            self._margin[left_out] += tree.leaf_value[_leaves(tree, self.splits, self.mappers, columns, left_out.size)]
        return tree


class _Rows:
    """The rows each tree is grown on."""

    def __init__(self, n_rows: int, params: BoostParams) -> None:
        self._all = np.arange(n_rows, dtype=np.int32)
        self._drawn = self._all
        self._tree = -1
        self._freq = params.bagging_freq if params.bagging_fraction < 1 else 0
        self._bagging = Bagging(n_rows, params.bagging_fraction) if self._freq else None
        self._goss = None if params.goss is None else Goss(n_rows, *params.goss)
        self._goss_from = Goss.starts_at(params.grow.learning_rate)

    def draw(
        self, gradient: FloatArray, hessian: FloatArray
    ) -> tuple[npt.NDArray[np.int32], FloatArray, FloatArray]:
        self._tree += 1
        if self._goss is not None and self._tree >= self._goss_from:
            return self._goss.draw(gradient, hessian)
        if self._bagging is not None and self._tree % self._freq == 0:
            self._drawn = self._bagging.draw()
        return self._drawn, gradient, hessian


class _Sums:
    """Histograms of one tree's gradients, in floats or in fixed point."""

    def __init__(
        self, bins: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], gradient: FloatArray, hessian: FloatArray,
        layout: HistogramLayout, gradient_bits: int | None,
    ) -> None:  # fmt: skip
        self._bins, self._layout = bins, layout
        self._float = (gradient, hessian)
        self._point = None if gradient_bits is None else FixedPoint(gradient_bits)
        self._fixed = None if self._point is None else (self._point.encode(gradient), self._point.encode(hessian))

    def root(self, rows: npt.NDArray[np.int32]) -> LeafStats:
        if self._point is not None and self._fixed is not None:
            totals = self._point.decode(np.array([values[rows].sum() for values in self._fixed]))
            return LeafStats(float(totals[0]), float(totals[1]), rows.size)
        # One after another, as LightGBM adds.
        gradient, hessian = (float(np.cumsum(values[rows])[-1]) for values in self._float)
        return LeafStats(gradient, hessian, rows.size)

    def of(self, rows: npt.NDArray[np.int32]) -> FloatArray:
        if self._point is not None and self._fixed is not None:
            return self._point.decode(exact_histogram(self._bins, rows, *self._fixed, self._layout))
        return histogram(self._bins, rows, *self._float, self._layout)


class _Watch:
    """The validation rows' margin and metric after each tree."""

    def __init__(self, valid: tuple[FloatArray, FloatArray], booster: _Booster, params: BoostParams) -> None:
        values, self._label = valid
        if values.shape[0] != self._label.size:
            raise LocalProtocolError(
                "VALID_ROWS",
                Text("Validation values and labels differ in rows.", "验证集特征与标签行数不一致。"),
                cure=Text("Pass one label per validation row.", "请为每个验证行提供一个标签。"),
            )
        self._booster = booster
        self._bins = {f: mapper.transform(values[:, f]) for f, mapper in enumerate(booster.mappers)}
        self._margin = np.full(self._label.size, booster.start)
        self._metric, greater = _METRICS[params.metric]
        self._stops = params.early_stopping_rounds > 0
        self.stopping = EarlyStopping(params.early_stopping_rounds, greater_is_better=greater)
        self.history: list[float] = []

    def after(self, tree: TreeStructure) -> bool:
        leaves = _leaves(tree, self._booster.splits, self._booster.mappers, self._bins, self._label.size)
        self._margin += tree.leaf_value[leaves]
        self.history.append(self._metric(self._label, self._margin))
        return self.stopping.update(self.history[-1]) and self._stops


def _leaves(
    tree: TreeStructure, splits: SplitTable, mappers: Sequence[BinMapper],
    bins: Mapping[int, npt.NDArray[np.uint8] | npt.NDArray[np.uint16]], n_rows: int,
) -> IntArray:  # fmt: skip
    def goes_left(node: int, rows: IntArray) -> npt.NDArray[np.bool_]:
        rule = splits[int(tree.split_id[node])]
        return rule.goes_left(bins[rule.feature][rows], nan_bin_of(mappers[rule.feature]))

    return tree.leaf_of_rows(goes_left, n_rows)
