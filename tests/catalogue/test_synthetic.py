"""The made-up enterprises: admitted by the real loaders, deterministic, and as true as ``truth.json`` says."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vfl.core.metrics import auc
from vfl.core.uscc import check_usccs
from vfl.data.catalogue import Catalogue
from vfl.data.consent import ConsentBook
from vfl.data.dictionary import FEATURES, feature_labels, features_of
from vfl.data.synthetic import MONTHS, VIEW, SyntheticSet, generate
from vfl.data.synthetic_firms import Draws, make_firms
from vfl.data.synthetic_truth import TERMS, intercept_for, log_odds
from vfl.data.table import Dataset, load_view
from vfl.data.views import load_views
from vfl.errors import ConfigError
from vfl.roles import RoleName


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SyntheticSet:
    return generate(tmp_path_factory.mktemp("set"), firms=20_000)


@pytest.fixture(scope="module")
def truth(made: SyntheticSet) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(made.truth.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def bank(made: SyntheticSet) -> Dataset:
    views = load_views(made.bank_views, role=RoleName.BANK)
    return load_view(views, VIEW, role=RoleName.BANK, cutoff=made.as_of, today=made.as_of)


@pytest.fixture(scope="module")
def platform(made: SyntheticSet) -> Dataset:
    views = load_views(made.platform_views[0], role=RoleName.PLATFORM)
    return load_view(views, VIEW, role=RoleName.PLATFORM, cutoff=made.as_of, today=made.as_of)


def header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream))


def labels_of(bank: Dataset) -> np.ndarray:
    assert bank.labels is not None
    return bank.labels.expose().astype(np.float64)


# --- determinism -------------------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    generate(tmp_path / "one", firms=800, seed=5)
    generate(tmp_path / "two", firms=800, seed=5)
    generate(tmp_path / "three", firms=800, seed=6)
    one, two, three = (contents(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    views = {name for name in one if name.endswith(".toml")}
    assert all(one[name] != three[name] for name in one.keys() - views)
    assert all(one[name] == three[name] for name in views)


# --- shape -------------------------------------------------------------------------------------------------


def test_admitted_by_the_real_loaders(bank: Dataset, platform: Dataset, truth: dict[str, Any]) -> None:
    assert len(bank) == truth["rows"]["bank"]
    assert len(platform) == truth["rows"]["platform"]
    both = set(bank.ids) & set(platform.ids)
    assert len(both) == truth["rows"]["both"]
    assert 0 < len(both) < min(len(bank), len(platform))
    assert [code for code in bank.ids if code in both] != [code for code in platform.ids if code in both]
    assert bank.as_of is not None
    assert bank.observed_on is not None
    assert (bank.as_of < bank.observed_on).all()
    assert not bank.report.quarantined


def test_codes_are_valid_and_marked(bank: Dataset, platform: Dataset) -> None:
    for dataset in (bank, platform):
        assert not check_usccs(dataset.ids).faults.any()
        assert all(code[8:10] == "QQ" for code in dataset.ids)


def test_consents_as_the_truth_says(
    made: SyntheticSet, bank: Dataset, platform: Dataset, truth: dict[str, Any]
) -> None:
    book = ConsentBook.load(load_views(made.platform_views[0], role=RoleName.PLATFORM))
    assert len(book) > len(platform.ids) * 0.97
    known = set(bank.ids)
    both = [code for code in platform.ids if code in known]
    permitted = book.permitted(both, made.grantee, made.purpose, made.as_of)
    assert int(permitted.sum()) == truth["rows"]["both_with_consent"]
    counts = book.counts(platform.ids, made.grantee, made.purpose, made.as_of)
    for state in ("revoked", "expired", "not_yet_valid", "other_purpose", "other_grantee", "none"):
        assert getattr(counts, state) > 50, state


def test_several_platforms_share_the_columns(tmp_path: Path) -> None:
    made = generate(tmp_path, firms=1500, platforms=3)
    names = []
    for path in made.platform_views:
        views = load_views(path, role=RoleName.PLATFORM)
        dataset = load_view(views, VIEW, role=RoleName.PLATFORM, cutoff=made.as_of, today=made.as_of)
        names += [feature.name for feature in dataset.features]
        assert len(dataset.features) >= 6
    declared = [feature.name for feature in features_of(RoleName.PLATFORM) if feature.declared]
    assert sorted(names) == sorted(declared)
    again = generate(tmp_path, firms=1500, platforms=1)
    assert again.platforms[0].name == "platform.csv"
    assert not (tmp_path / "platform-a.csv").exists()


def test_never_replaces_tables_of_others(tmp_path: Path) -> None:
    (tmp_path / "bank.csv").write_text("uscc,y\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="SYNTHETIC_FOLDER"):
        generate(tmp_path, firms=500)
    assert (tmp_path / "bank.csv").read_text(encoding="utf-8") == "uscc,y\n"
    assert [path.name for path in tmp_path.iterdir()] == ["bank.csv"]


@pytest.mark.parametrize(
    "argument", [{"firms": 10}, {"platforms": 4}, {"platforms": 0}, {"base_rate": 0.9}, {"seed": -1}]
)
def test_arguments_out_of_range(tmp_path: Path, argument: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="SYNTHETIC_RANGE") as caught:
        generate(tmp_path / "new", **argument)
    assert caught.value.place is not None
    assert caught.value.place.column == next(iter(argument))
    assert not (tmp_path / "new").exists()


# --- dictionary and catalogue ------------------------------------------------------------------------------


def test_platform_columns_cover_all_kinds_of_the_catalogue() -> None:
    catalogue = Catalogue.load()
    items = [feature.item for feature in features_of(RoleName.PLATFORM)]
    assert {catalogue.kind_of(item).number for item in items if item is not None} == set(range(1, 18))
    assert None not in items


def test_labels_in_both_languages() -> None:
    labels = feature_labels()
    assert len(labels) == len(FEATURES)
    for label in labels.values():
        assert label.en.isascii()
        assert not label.zh.isascii()


def test_withheld_column_is_in_the_file_and_in_no_view(made: SyntheticSet, platform: Dataset) -> None:
    withheld = {feature.name for feature in FEATURES if not feature.declared}
    assert withheld
    assert withheld <= set(header(made.platforms[0]))
    assert not withheld & {feature.name for feature in platform.features}


def test_view_names_the_item_of_the_dictionary(bank: Dataset, platform: Dataset) -> None:
    items = {feature.name: feature.item for feature in FEATURES}
    for feature in (*bank.features, *platform.features):
        assert feature.item == items[feature.name]


# --- truth -------------------------------------------------------------------------------------------------


def test_base_rate_and_its_drift(bank: Dataset, truth: dict[str, Any]) -> None:
    labels = labels_of(bank)
    assert labels.mean() == pytest.approx(0.06, abs=0.005)
    assert labels.mean() == pytest.approx(truth["base_rate"]["bank"], abs=1e-6)
    assert bank.observed_on is not None
    late = bank.observed_on >= np.datetime64(truth["out_of_time_from"])
    assert len(np.unique(bank.observed_on)) == MONTHS
    assert len(np.unique(bank.observed_on[late])) == 3
    assert labels[late].mean() > labels[~late].mean() + 0.005


def test_known_coefficients_come_back() -> None:
    """Maximum likelihood on the terms of the truth finds the coefficients within its own standard errors."""
    draws = Draws(11, 60_000)
    firms = make_firms(draws, months=MONTHS, first_month=1)
    odds = log_odds(firms)
    intercept = intercept_for(odds, 0.06)
    events = draws.uniform("event") < 1.0 / (1.0 + np.exp(-(odds + intercept)))
    known = np.array([intercept, *(term.coefficient for term in TERMS)])
    design = np.column_stack([np.ones(len(odds)), *(term.values(firms) / term.coefficient for term in TERMS)])
    found = np.zeros(len(known))
    found[0] = -2.7
    for _ in range(9):
        p = 1.0 / (1.0 + np.exp(-design @ found))
        information = (design.T * (p * (1 - p))) @ design
        step = np.linalg.solve(information, design.T @ (events - p))
        found += step
    assert np.abs(step).max() < 1e-8
    z = (found - known) / np.sqrt(np.diag(np.linalg.inv(information)))
    assert np.abs(z).max() < 4.0
    assert 0.5 < z.std() < 1.6


def test_gaps_as_the_truth_says(bank: Dataset, platform: Dataset, truth: dict[str, Any]) -> None:
    for dataset in (bank, platform):
        for quality in dataset.report.features:
            told = truth["columns"][quality.name].get("missing", {"share": 0.0})["share"]
            assert quality.missing_share == pytest.approx(told, abs=0.006), quality.name
    mechanisms = {note["missing"]["mechanism"] for note in truth["columns"].values() if "missing" in note}
    assert mechanisms == {"structural", "random", "by_size", "informative"}


def joined(bank: Dataset, platform: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Rows of bank and platform of the firms in both, in one order."""
    place = {code: row for row, code in enumerate(platform.ids)}
    rows = [(row, place[code]) for row, code in enumerate(bank.ids) if code in place]
    pairs = np.array(sorted(rows), dtype=np.intp)
    return pairs[:, 0], pairs[:, 1]


def test_an_informative_gap_tells_something(bank: Dataset, platform: Dataset) -> None:
    at_bank, at_platform = joined(bank, platform)
    gone = np.isnan(platform.numeric("pension_headcount_change_6m")[at_platform])
    random_gone = np.isnan(platform.numeric("power_load")[at_platform])
    labels = labels_of(bank)[at_bank]
    assert labels[gone].mean() > 1.3 * labels[~gone].mean()
    assert labels[random_gone].mean() < 1.3 * labels[~random_gone].mean()


def test_season_drift_zeros_rare_levels_and_outliers(bank: Dataset, platform: Dataset) -> None:
    assert platform.as_of is not None
    change = platform.numeric("pension_headcount_change_6m")
    # The snapshot is taken at the end of the month before the one observed.
    month = (platform.as_of.astype("datetime64[M]").astype(np.int64) + 1) % 12 + 1
    assert np.nanmean(change[month == 2]) < np.nanmean(change[month == 12]) - 0.04
    assert 0.75 < (platform.numeric("tax_arrears") == 0).mean() < 0.95
    codes, levels = platform.categorical("innovation_title")
    assert 0 < (codes == levels.index("little_giant")).mean() < 0.01
    turnover = bank.numeric("turnover_monthly")
    assert np.nanmax(turnover) > 1000 * np.nanquantile(turnover, 0.99)
    assert bank.observed_on is not None
    margin = platform.numeric("net_margin")
    early = platform.as_of < np.datetime64("2024-07-01")
    assert np.nanmean(margin[early]) > np.nanmean(margin[~early])


# --- what models make of it --------------------------------------------------------------------------------


def matrix(dataset: Dataset, rows: np.ndarray) -> Iterator[tuple[np.ndarray, bool]]:
    for feature in dataset.features:
        if feature.kind == "numeric":
            yield dataset.numeric(feature.name)[rows], False
        else:
            codes = dataset.categorical(feature.name)[0][rows].astype(np.float64)
            yield np.where(codes < 0, np.nan, codes), True


def linear_columns(columns: list[tuple[np.ndarray, bool]]) -> np.ndarray:
    """What a linear model is given: signed logarithms with flags of missing, and one column per category."""
    wide = []
    for column, categorical in columns:
        if categorical:
            wide += [(column == level).astype(np.float64) for level in np.unique(column[~np.isnan(column)])]
        else:
            wide += [np.nan_to_num(np.sign(column) * np.log1p(np.abs(column))), np.isnan(column).astype(np.float64)]
    return np.column_stack(wide)


@pytest.fixture(scope="module")
def areas(bank: Dataset, platform: Dataset) -> dict[str, float]:
    """Mean AUC of three folds: LightGBM by owner and joint, and a linear model on the same joint rows."""
    at_bank, at_platform = joined(bank, platform)
    labels = labels_of(bank)[at_bank]
    parts = {"bank": list(matrix(bank, at_bank)), "platform": list(matrix(platform, at_platform))}
    parts["joint"] = parts["bank"] + parts["platform"]
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(labels, labels))
    found: dict[str, list[float]] = {}
    for name, columns in parts.items():
        values = np.column_stack([column for column, _ in columns])
        categories = [index for index, (_, categorical) in enumerate(columns) if categorical]
        for fit, held in folds:
            trees = lgb.LGBMClassifier(
                n_estimators=40, num_leaves=15, min_child_samples=50, n_jobs=1, deterministic=True, verbose=-1
            )
            trees.fit(values[fit], labels[fit], categorical_feature=categories)
            found.setdefault(name, []).append(auc(labels[held], trees.predict_proba(values[held])[:, 1]))
    wide = linear_columns(parts["joint"])
    for fit, held in folds:
        linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
        linear.fit(wide[fit], labels[fit])
        found.setdefault("linear", []).append(auc(labels[held], linear.decision_function(wide[held])))
    return {name: float(np.mean(each)) for name, each in found.items()}


def test_joint_model_clearly_beats_each_owner(areas: dict[str, float], truth: dict[str, Any]) -> None:
    assert areas["bank"] == pytest.approx(0.72, abs=0.02)
    assert areas["platform"] == pytest.approx(0.71, abs=0.02)
    assert areas["joint"] == pytest.approx(0.785, abs=0.02)
    assert areas["joint"] > max(areas["bank"], areas["platform"]) + 0.04
    assert areas["joint"] < truth["best_auc"]


def test_trees_gain_over_the_linear_model(areas: dict[str, float]) -> None:
    assert areas["joint"] > areas["linear"] + 0.01
