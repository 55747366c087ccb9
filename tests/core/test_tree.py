"""The grower as a state machine, with the histograms of several owners, and the tree it leaves behind."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from vfl.core.histogram import FeatureMeta, HistogramLayout, histogram
from vfl.core.lgbm_bins import BinMapper
from vfl.core.split import LeafStats, SplitParams
from vfl.core.split_table import SplitRule, SplitTable
from vfl.core.tree import Choice, GrowParams, LeafwiseGrower, TreeStructure
from vfl.errors import ConfigError, DataError, LocalProtocolError

FloatArray = npt.NDArray[np.float64]
ROWS = 2000


class Owners:
    """Owners of binned columns who grow one tree; ``columns`` gives each owner's columns, in its own order."""

    def __init__(
        self, columns: list[list[int]], *, padding: int = 0, most_frequent_bin: int | None = None, seed: int = 0
    ) -> None:
        random = np.random.default_rng(seed)
        self.bins = random.integers(0, 12, (ROWS, 6)).astype(np.uint8)
        self.bins[:, 1] = np.where(random.random(ROWS) < 0.5, 4, self.bins[:, 1])
        margin = self.bins[:, 0] * 0.3 - (self.bins[:, 3] > 6) + (self.bins[:, 5] % 3 == 1)
        # Multiples of 2^-10, so that sums in any order are exact.
        self.gradient = np.round(random.normal(margin - margin.mean()) * 1024) / 1024
        self.hessian = np.full(ROWS, 0.25)
        self.columns = columns
        meta = FeatureMeta(12 + padding, most_frequent_bin=most_frequent_bin)
        self.layouts = [HistogramLayout([meta] * len(own)) for own in columns]
        self.tables = [SplitTable() for _ in columns]
        self.histogrammed: list[int] = []

    def root(self) -> LeafStats:
        return LeafStats(float(self.gradient.sum()), float(self.hessian.sum()), ROWS)

    def grow(self, params: GrowParams, absent: dict[int, int] | None = None, **grower: Any) -> TreeStructure:
        """``absent``: owner -> from which leaf count on it gives no histograms."""
        absent = absent or {}
        machine = LeafwiseGrower(self.layouts, params, self.root(), **grower)
        rows = {0: np.arange(ROWS, dtype=np.int32)}
        while True:
            if machine.wanted is not None:
                here = rows[machine.wanted]
                self.histogrammed.append(here.size)
                machine.register(
                    [
                        None
                        if machine.n_leaves >= absent.get(owner, 1 << 30)
                        else histogram(self.bins[:, own], here, self.gradient, self.hessian, layout)
                        for owner, (own, layout) in enumerate(zip(self.columns, self.layouts, strict=True))
                    ]
                )
            choice = machine.choose()
            if choice is None:
                return machine.finish()
            left = self.cut(choice, rows[choice.leaf])
            here = rows[choice.leaf]
            rows[choice.leaf], rows[machine.n_leaves] = here[left], here[~left]
            rule = SplitRule.of(choice.split, self.columns[choice.owner][choice.split.feature])
            machine.split(int(left.sum()), int((~left).sum()), self.tables[choice.owner].add(rule))

    def cut(self, choice: Choice, rows: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        column = self.columns[choice.owner][choice.split.feature]
        return SplitRule.of(choice.split).goes_left(self.bins[rows, column], None)

    def cuts(self, tree: TreeStructure) -> list[SplitRule]:
        return [self.tables[int(o)][int(i)] for o, i in zip(tree.owner, tree.split_id, strict=True)]

    def leaves(self, tree: TreeStructure) -> npt.NDArray[np.int64]:
        rules = self.cuts(tree)
        return tree.leaf_of_rows(
            lambda node, rows: rules[node].goes_left(self.bins[rows, rules[node].feature], None), ROWS
        )


PARAMS = GrowParams(num_leaves=20, split=SplitParams(min_data_in_leaf=10))


@pytest.mark.parametrize("columns", [[[0, 1], [2, 3, 4, 5]], [[], [0, 1, 2], [3, 4, 5]], [[0], [], [1, 2, 3, 4], [5]]])
def test_tree_does_not_depend_on_who_owns_what(columns: list[list[int]]) -> None:
    pooled, shared = Owners([[0, 1, 2, 3, 4, 5]]), Owners(columns)
    one, many = pooled.grow(PARAMS), shared.grow(PARAMS)
    assert one.n_leaves == 20
    assert pooled.cuts(one) == shared.cuts(many)
    np.testing.assert_array_equal(one.leaf_value, many.leaf_value)
    for node, rule in enumerate(shared.cuts(many)):
        assert rule.feature in columns[int(many.owner[node])]


@pytest.mark.parametrize(("padding", "most_frequent_bin"), [(20, None), (0, 4), (20, 4), (0, 0)])
def test_tree_does_not_depend_on_padding_and_derived_bins(padding: int, most_frequent_bin: int | None) -> None:
    plain = Owners([[0, 1, 2], [3, 4, 5]])
    other = Owners([[0, 1, 2], [3, 4, 5]], padding=padding, most_frequent_bin=most_frequent_bin)
    one, two = plain.grow(PARAMS), other.grow(PARAMS)
    assert plain.cuts(one) == other.cuts(two)
    np.testing.assert_allclose(one.leaf_value, two.leaf_value, rtol=1e-13)


def test_leaf_values_cover_and_gain_are_those_of_the_rows() -> None:
    owners = Owners([[0, 1, 2, 3, 4, 5]])
    tree = owners.grow(PARAMS)
    leaves = owners.leaves(tree)
    for leaf in range(tree.n_leaves):
        mine = leaves == leaf
        assert mine.sum() == tree.leaf_cover[leaf] >= 10
        expected = -owners.gradient[mine].sum() / owners.hessian[mine].sum() * PARAMS.learning_rate
        assert tree.leaf_value[leaf] == pytest.approx(expected, rel=1e-12)
        assert tree.leaf_hessian[leaf] == pytest.approx(owners.hessian[mine].sum())
    quality = sum(owners.gradient[leaves == k].sum() ** 2 / tree.leaf_hessian[k] for k in range(tree.n_leaves))
    assert tree.gain.sum() == pytest.approx(quality - owners.gradient.sum() ** 2 / owners.hessian.sum())


def test_only_the_smaller_child_is_histogrammed() -> None:
    owners = Owners([[0, 1, 2, 3, 4, 5]])
    tree = owners.grow(PARAMS)
    assert owners.histogrammed[0] == ROWS
    assert len(owners.histogrammed) <= tree.n_nodes
    assert max(owners.histogrammed[1:]) <= ROWS // 2


def test_right_child_is_wanted_when_equal() -> None:
    sums = np.array([[-9.0, 10.0], [9.0, 10.0]])
    grower = LeafwiseGrower([HistogramLayout([FeatureMeta(2)])], GrowParams(), LeafStats(0.0, 20.0, 80))
    grower.register([sums])
    choice = grower.choose()
    assert choice is not None
    grower.split(40, 40, 0)
    assert grower.wanted == 1
    assert grower.stats_of(1).count == 40
    assert grower.depth_of(1) == 1


def test_max_depth() -> None:
    owners = Owners([[0, 1, 2, 3, 4, 5]])
    tree = owners.grow(GrowParams(num_leaves=100, max_depth=3, split=SplitParams(min_data_in_leaf=1)))
    depth = {0: 0}
    for node in range(tree.n_nodes):
        for child in (int(tree.left[node]), int(tree.right[node])):
            depth[child] = depth[node] + 1
    assert max(depth.values()) == 3
    assert tree.n_leaves == 8
    # Of the 8 leaves at the last level none needs a histogram: root, one of each pair above.
    assert len(owners.histogrammed) == 1 + 1 + 2


def test_an_owner_that_sits_out_is_out_below() -> None:
    owners = Owners([[1, 2, 4], [0, 3, 5]])
    tree = owners.grow(PARAMS, absent={1: 2})
    assert (tree.owner[1:] == 0).all()
    assert tree.owner[0] == 1
    assert Owners([[1, 2, 4], [0, 3, 5]]).grow(PARAMS, absent={1: 1}).owner.max() == 0


def test_features_not_drawn_are_not_used() -> None:
    owners = Owners([[0, 1, 2], [3, 4, 5]])
    drawn = [np.array([False, True, True]), np.array([True, True, False])]
    used = {rule.feature for rule in owners.cuts(owners.grow(PARAMS, searchable=drawn))}
    assert used <= {1, 2, 3, 4}
    assert 3 in used


def test_searchable_features_shrink_downwards() -> None:
    layout = HistogramLayout([FeatureMeta(2), FeatureMeta(2)])
    grower = LeafwiseGrower([layout], GrowParams(), LeafStats(0.0, 20.0, 80))
    assert grower.searchable(0).tolist() == [True, True]
    grower.register([np.array([[-9.0, 10.0], [9.0, 10.0], [0.0, 10.0], [0.0, 10.0]])])
    assert grower.choose() is not None
    grower.split(40, 40, 0)
    assert grower.searchable(0).tolist() == [True, False]


def test_a_tree_without_split_has_one_leaf() -> None:
    grower = LeafwiseGrower([HistogramLayout([FeatureMeta(2)])], GrowParams(), LeafStats(0.0, 20.0, 80))
    grower.register([np.array([[0.0, 10.0], [0.0, 10.0]])])
    assert grower.choose() is None
    tree = grower.finish()
    assert (tree.n_nodes, tree.n_leaves, tree.leaf_value.tolist()) == (0, 1, [0.0])
    assert tree.leaf_of_sides(np.zeros((0, 3), dtype=np.bool_)).tolist() == [0, 0, 0]


def test_too_few_rows_want_no_histogram() -> None:
    grower = LeafwiseGrower([HistogramLayout([FeatureMeta(2)])], GrowParams(), LeafStats(1.0, 9.0, 39))
    assert grower.wanted is None
    assert grower.choose() is None


def test_steps_out_of_order_are_refused() -> None:
    grower = LeafwiseGrower([HistogramLayout([FeatureMeta(2)])], GrowParams(), LeafStats(0.0, 20.0, 80))
    for step in (grower.choose, lambda: grower.split(1, 1, 0)):
        with pytest.raises(LocalProtocolError, match="GROWER_ORDER"):
            step()
    grower.register([np.array([[-9.0, 10.0], [9.0, 10.0]])])
    with pytest.raises(LocalProtocolError, match="GROWER_ORDER"):
        grower.register([np.zeros((2, 2))])
    assert grower.choose() is not None
    with pytest.raises(LocalProtocolError, match="SPLIT_ROWS"):
        grower.split(40, 41, 0)


def test_histogram_of_another_shape_is_refused() -> None:
    grower = LeafwiseGrower([HistogramLayout([FeatureMeta(2)])], GrowParams(), LeafStats(0.0, 20.0, 80))
    with pytest.raises(LocalProtocolError, match="HISTOGRAM_SHAPE"):
        grower.register([np.zeros((3, 2))])


def test_sides_of_all_splits_give_the_leaf() -> None:
    owners = Owners([[0, 1, 2], [3, 4, 5]])
    tree = owners.grow(PARAMS)
    sides = np.array([rule.goes_left(owners.bins[:, rule.feature], None) for rule in owners.cuts(tree)])
    np.testing.assert_array_equal(tree.leaf_of_sides(sides), owners.leaves(tree))
    with pytest.raises(LocalProtocolError, match="TREE_SIDES"):
        tree.leaf_of_sides(sides[1:])


def test_tree_survives_json() -> None:
    tree = Owners([[0, 1, 2], [3, 4, 5]]).grow(PARAMS)
    again = TreeStructure.from_dict(json.loads(json.dumps(tree.to_dict())))
    assert again.to_dict() == tree.to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"left": [1, -1, -1]},  # a leaf twice
        {"left": [0, -1, -3]},  # a node its own child
        {"left": [1, 0, -3]},  # the root a child
        {"left": [1, -1]},
        {"leaf_value": [0.0]},
        {"gain": None},
        {"gain": ["x", 1.0, 1.0]},
    ],
)
def test_arrays_that_are_no_tree_are_refused(change: dict[str, Any]) -> None:
    state: dict[str, Any] = {
        "owner": [0, 0, 0], "split_id": [0, 1, 2], "left": [1, -1, -3], "right": [2, -2, -4], "cover": [9, 5, 4],
        "gain": [1.0, 1.0, 1.0], "leaf_value": [0.0] * 4, "leaf_cover": [1] * 4, "leaf_hessian": [1.0] * 4,
    }  # fmt: skip
    assert TreeStructure.from_dict(state).n_leaves == 4
    with pytest.raises(DataError, match="TREE_STRUCTURE"):
        TreeStructure.from_dict({k: v for k, v in (state | change).items() if v is not None})


def test_split_table_survives_json_and_hides_itself() -> None:
    table = SplitTable()
    assert table.add(SplitRule(3, 7, (), True)) == 0
    assert table.add(SplitRule(1, None, (2, 5), False)) == 1
    again = SplitTable.from_dict(json.loads(json.dumps(table.to_dict())))
    assert [again[0], again[1]] == [table[0], table[1]]
    assert repr(again) == "<SplitTable: 2 splits>"
    with pytest.raises(DataError, match="SPLIT_UNKNOWN"):
        again[2]
    with pytest.raises(DataError, match="SPLIT_TABLE"):
        SplitTable.from_dict({"rules": [{"feature": "x"}]})


def test_raw_values_and_bins_go_the_same_way() -> None:
    random = np.random.default_rng(1)
    values = np.column_stack([np.round(random.normal(size=500), 1), random.integers(0, 6, 500)]).astype(np.float64)
    values[random.random(values.shape) < 0.1] = np.nan
    mappers = [BinMapper.fit(values[:, 0]), BinMapper.fit(values[:, 1], categorical=True)]
    table = SplitTable([SplitRule(0, 20, (), True), SplitRule(0, 20, (), False), SplitRule(1, None, (1, 4), False)])
    bound = mappers[0].upper_bounds[20]
    below = values[:, 0] <= bound
    missing = np.isnan(values[:, 0])
    np.testing.assert_array_equal(table.goes_left(0, mappers, values), below | missing)
    np.testing.assert_array_equal(table.goes_left(1, mappers, values), below)
    expected = np.isin(values[:, 1], mappers[1].categories[[1, 4]])
    np.testing.assert_array_equal(table.goes_left(2, mappers, values), expected)


def test_rule_sides() -> None:
    bins = np.array([0, 1, 2, 3], dtype=np.uint8)
    assert SplitRule(0, 1, (), True).goes_left(bins, 3).tolist() == [True, True, False, True]
    assert SplitRule(0, 1, (), False).goes_left(bins, 3).tolist() == [True, True, False, False]
    assert SplitRule(0, None, (1, 3), False).goes_left(bins, None).tolist() == [False, True, False, True]


def test_growth_parameters_are_checked() -> None:
    for wrong in ({"num_leaves": 1}, {"learning_rate": 0.0}, {"learning_rate": float("nan")}):
        with pytest.raises(ConfigError, match="TREE_PARAMETER"):
            GrowParams(**wrong)
