"""Bins of an earlier model are taken over by a view, as cuts, groups and special values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.scorecards import LEVELS, SPECIALS, fitted

from vfl.config.binning import BinningSpec
from vfl.core.binned_table import BinnedTable
from vfl.data.binned_features import fit_prebins
from vfl.data.bins_file import with_bins
from vfl.data.schema import FeatureKind, FeatureSpec
from vfl.data.table import Dataset
from vfl.data.views import load_views
from vfl.errors import DataError
from vfl.roles import RoleName

FEATURES = (
    FeatureSpec("debt", FeatureKind.NUMERIC), FeatureSpec("kind", FeatureKind.CATEGORICAL),
    FeatureSpec("tax", FeatureKind.NUMERIC), FeatureSpec("other", FeatureKind.NUMERIC),
)  # fmt: skip


@pytest.fixture
def table() -> BinnedTable:
    tables = fitted().tables
    return BinnedTable(tables["bank"].features + tables["platform"].features)


@pytest.mark.parametrize("whole", [False, True], ids=["bins file", "model part of a job"])
def test_the_bins_come_back(table: BinnedTable, tmp_path: Path, whole: bool) -> None:
    path = tmp_path / "bins.json"
    path.write_text(json.dumps({"card": {}, "bins": table.to_dict()}) if whole else table.to_json(), encoding="utf-8")
    debt, kind, tax, other = with_bins(FEATURES, path)
    assert other == FEATURES[3]
    assert debt.fixed
    assert tax.specials == tuple(tuple(group) for group in SPECIALS["tax"])
    source = fitted().table
    data = Dataset.from_arrays(
        [str(i) for i in range(3000)], {"debt": source["debt"], "tax": source["tax"]},
        categorical={"kind": [level or "" for level in source["kind"]]},
    )  # fmt: skip
    made, removed = fit_prebins(data, (debt, kind, tax), slice(0, 3000), BinningSpec(row_floor=40))
    assert removed == []
    for name, prebins in zip(("debt", "kind", "tax"), made, strict=True):
        values = data.categorical(name) if name == "kind" else data.numeric(name)
        old = next(f for f in table.features if f.name == name).bins(values)
        new = prebins.bins(values)
        # Special values too few to stand apart join the largest bin, which is another one among merged bins.
        plain = source["tax"] != -998.0 if name == "tax" else np.ones(3000, dtype=np.bool_)
        pairs = {*zip(old[plain].tolist(), new[plain].tolist(), strict=True)}
        assert len(pairs) == len({*new.tolist()})  # each new bin lies in one old bin
        assert len({*new.tolist()}) >= len({*old.tolist()})
    assert {level for group in kind.groups for level in group} <= {*LEVELS}


def test_a_view_names_the_file_and_its_own_words_stand(table: BinnedTable, tmp_path: Path) -> None:
    (tmp_path / "bins.json").write_text(table.to_json(), encoding="utf-8")
    (tmp_path / "views.toml").write_text(
        '[views.t]\nsource = "t.csv"\nid = "uscc"\nbins = "bins.json"\n[views.t.features]\n'
        'debt = { kind = "numeric" }\ntax = { kind = "numeric", cuts = [0.5] }\n'
    )
    view = load_views(tmp_path / "views.toml", role=RoleName.PLATFORM).views["t"]
    debt, tax = view.features
    assert debt.fixed
    assert (tax.cuts, tax.fixed) == ((0.5,), False)
    assert view.files == (tmp_path / "t.csv", tmp_path / "bins.json")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "vfl-bins/0", "features": []}', "\udc80"])
def test_a_file_without_bins_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bins.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match="BINS_FILE") as caught:
        with_bins(FEATURES, path)
    assert caught.value.place is not None
    assert caught.value.place.file == "bins.json"
    with pytest.raises(DataError, match="BINS_FILE"):
        with_bins(FEATURES, tmp_path / "absent.json")


def test_bins_of_another_kind_are_refused(table: BinnedTable, tmp_path: Path) -> None:
    path = tmp_path / "bins.json"
    path.write_text(table.to_json(), encoding="utf-8")
    with pytest.raises(DataError, match="BINS_FILE") as caught:
        with_bins([FeatureSpec("debt", FeatureKind.CATEGORICAL)], path)
    assert caught.value.place is not None
    assert caught.value.place.column == "debt"


def test_one_bin_is_cut_anew(table: BinnedTable, tmp_path: Path) -> None:
    state = table.to_dict()
    debt = next(f for f in state["features"] if f["prebins"]["name"] == "debt")
    debt["merge"]["groups"] = [0] * len(debt["merge"]["groups"])
    debt["merge"]["woe"] = [0.0]
    path = tmp_path / "bins.json"
    path.write_text(json.dumps(state), encoding="utf-8")
    (feature,) = with_bins(FEATURES[:1], path)
    assert (feature.cuts, feature.fixed) == ((), False)
    assert np.isnan(fitted().table["debt"]).any()
