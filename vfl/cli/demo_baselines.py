"""The yardsticks of the demo: LightGBM in the clear, on the pooled table and on each party's own columns."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.config.job import JobSpec
from vfl.core.metrics import auc, ks
from vfl.data.features import category_numbers
from vfl.data.table import Dataset, load_view
from vfl.data.views import load_views
from vfl.roles import RoleName
from vfl.service.folder import JobFolder

__all__ = ["baselines", "clear_models"]

Measures = dict[str, dict[str, float]]


def baselines(bank: Path, platform: Path, job: JobFolder) -> Measures:
    """AUC and KS on the held-out rows: the joint model and all three yardsticks."""
    return clear_models(bank, platform, job, ["platform_alone", "bank_alone", "pooled"])


def clear_models(bank: Path, platform: Path, job: JobFolder, wanted: list[str]) -> Measures:
    """AUC and KS on the held-out third, by model; all on the rows and the split of the job."""
    import lightgbm as lgb  # a second of imports that only the demo needs

    spec = JobSpec.read(job.file("request.toml"))
    with job.file("sample_scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    ids = [r["uscc"] for r in rows]
    label = np.array([float(r["y"]) for r in rows])
    split = np.array([r["split"] for r in rows])
    joint = np.array([float(r["probability"]) for r in rows])
    own, own_categories = _columns(bank, RoleName.BANK, spec.bank_view, ids)
    theirs, their_categories = _columns(platform, RoleName.PLATFORM, spec.platform_view, ids)
    shifted = [c + own.shape[1] for c in their_categories]
    tables = {
        "platform_alone": (theirs, list(their_categories)),
        "bank_alone": (own, list(own_categories)),
        "pooled": (np.hstack([own, theirs]), [*own_categories, *shifted]),
    }
    t = spec.trees
    params = {
        "objective": "binary", "metric": "binary_logloss", "num_leaves": t.num_leaves, "max_depth": t.max_depth,
        "learning_rate": t.learning_rate, "max_bin": t.max_bin, "min_data_in_bin": t.min_data_in_bin,
        "min_data_in_leaf": t.min_data_in_leaf, "verbosity": -1, "deterministic": True, "force_row_wise": True,
        "num_threads": 2,
    }  # fmt: skip
    train, valid, test = (split == name for name in ("train", "valid", "test"))
    out: Measures = {"joint": _measures(label[test], joint[test])}
    for name in wanted:
        x, categories = tables[name]
        x[:, categories] = np.where(x[:, categories] < 0, np.nan, x[:, categories])  # missing, in LightGBM's words
        fitted = lgb.Dataset(x[train], label[train], categorical_feature=categories, params=params)
        watch: list[Any] = []
        stop: list[Any] = []
        if t.early_stopping_rounds and valid.any():
            watch = [fitted.create_valid(x[valid], label[valid])]
            stop = [lgb.early_stopping(t.early_stopping_rounds, verbose=False)]
        began = time.perf_counter()
        model = lgb.train(params, fitted, num_boost_round=t.trees, valid_sets=watch, callbacks=stop)
        seconds = time.perf_counter() - began
        out[name] = _measures(label[test], np.asarray(model.predict(x[test]))) | {"seconds": seconds}
    return out


def _columns(
    folder: Path, role: RoleName, view: str, ids: list[str]
) -> tuple[npt.NDArray[np.float64], tuple[int, ...]]:
    data: Dataset = load_view(load_views(folder / "views.toml", role=role), view, role=role)
    place = {code: row for row, code in enumerate(data.ids)}
    return category_numbers(data.take([place[code] for code in ids]))


def _measures(label: npt.NDArray[np.float64], score: npt.NDArray[np.float64]) -> dict[str, float]:
    return {"auc": auc(label, score), "ks": ks(label, score)}
