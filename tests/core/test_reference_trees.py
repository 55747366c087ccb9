"""LightGBM's own trees on real tables, pooled: nothing different but the last digits of a leaf."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from lightgbm_oracle import assert_same_trees, both

from vfl.core.boosting import BoostParams
from vfl.core.tree import GrowParams

FloatArray = npt.NDArray[np.float64]

FOLDER = Path(os.environ.get("VFL_REFERENCE_DATA", Path(__file__).parents[2].parent / "shared" / "data"))

pytestmark = [
    pytest.mark.reference_data,
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason="the public data sets are neither at VFL_REFERENCE_DATA nor beside the checkout"
    ),
]


def read(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return header[1:], {row[0]: row[1:] for row in rows}


def joined(name: str) -> tuple[FloatArray, FloatArray, list[int]]:
    """Pooled table, label, and the columns that hold text, numbered by sorted category."""
    _, bank = read(FOLDER / name / "bank.csv")
    _, platform = read(FOLDER / name / "platform.csv")
    ids = sorted(bank.keys() & platform.keys())
    label = np.array([float(bank[i][0]) for i in ids])
    columns: list[list[float]] = []
    categorical: list[int] = []
    for number, cells in enumerate(zip(*(bank[i][1:] + platform[i] for i in ids), strict=True)):
        known = [c for c in cells if c]
        try:
            names = {c: float(c) for c in known}
        except ValueError:
            names = {c: float(k) for k, c in enumerate(sorted(set(known)))}
            categorical.append(number)
        columns.append([names.get(c, float("nan")) for c in cells])
    return np.array(columns).T.copy(), label, categorical


@pytest.mark.parametrize("name", ["sba_small_business", "uci_default_of_credit_card", "polish_companies_year5"])
@pytest.mark.parametrize(
    ("gradient_bits", "enable_bundle", "n_trees"),
    [
        (40, True, 5),
        pytest.param(None, False, 50, marks=pytest.mark.slow),
        pytest.param(40, True, 50, marks=pytest.mark.slow),
    ],
)
def test_same_trees(name: str, gradient_bits: int | None, enable_bundle: bool, n_trees: int) -> None:
    values, label, categorical = joined(name)
    assert len(label) > 4000
    params = BoostParams(n_trees=n_trees, gradient_bits=gradient_bits, grow=GrowParams(learning_rate=0.05))
    ours, theirs = both(
        values, label, params, categorical=categorical, learning_rate=0.05, enable_bundle=enable_bundle
    )
    assert_same_trees(ours, theirs)
    np.testing.assert_allclose(ours.predict(values), theirs.predict(values), rtol=1e-9)
