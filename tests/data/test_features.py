"""Which features a model is made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vfl.data.features import category_numbers, fit_features, taking_part
from vfl.data.quality import Categories, QualityReport
from vfl.data.schema import Choice, FeatureKind, FeatureSpec
from vfl.data.table import Dataset


def test_trees_are_grown_without_what_its_owner_takes_out() -> None:
    rng = np.random.default_rng(1)
    columns = {
        "a": rng.normal(0, 1, 300), "b": rng.normal(0, 1, 300),
        "c": Categories(rng.integers(0, 3, 300).astype(np.int32), ["x", "y", "z"]),
    }  # fmt: skip
    a, b = FeatureSpec("a", FeatureKind.NUMERIC), FeatureSpec("b", FeatureKind.NUMERIC, choice=Choice.KEEP)
    specs = (replace(a, choice=Choice.DROP), b, FeatureSpec("c", FeatureKind.CATEGORICAL))
    table = Dataset(
        [str(i) for i in range(300)], specs, columns, labels=None, as_of=None, observed_on=None,
        report=QualityReport("main", 300, {}, None, ()),
    )  # fmt: skip
    assert [f.name for f in taking_part(table)] == ["b", "c"]
    made = fit_features(table, specs, slice(0, 300), max_bin=15, min_data_in_bin=3, min_data_in_leaf=20)
    assert [f.name for f in made] == ["b", "c"]
    matrix, categorical = category_numbers(table)
    assert matrix.shape == (300, 2)
    assert categorical == (1,)
