"""Sample weights go from the column that the bank's view names to the regression, and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from party_bank.steps.keys import KeyHolderSteps
from vfl.config.job import JobSpec
from vfl.crypto.psi import Alignment
from vfl.data.consent import ConsentBook
from vfl.data.quality import QualityReport
from vfl.data.schema import FeatureKind, FeatureSpec
from vfl.data.table import Dataset
from vfl.errors import DataError
from vfl.lab.assembly import LabJob, PlatformTable, assemble

ROWS = 600
KEY = KeyHolderSteps.fresh(512, test_keys=True)
TERMS = """\
[job]
name = "t"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = 2026-07-01
model = "scorecard"
[privacy]
key_bits = 512
test_keys = true
[logistic]
weight_limit = 4.0
"""


def job_with(weights: np.ndarray | None) -> LabJob:
    """A scorecard job after its alignment, in reverse order of the bank's rows."""
    rng = np.random.default_rng(1)
    ids = [f"id-{i}" for i in range(ROWS)]
    labels = (rng.random(ROWS) < 0.3).astype(np.uint8)
    spec = FeatureSpec("x", FeatureKind.NUMERIC)
    bank = Dataset(
        ids, (spec,), {"x": rng.normal(0, 1, ROWS) + labels}, labels=labels, weights=weights, as_of=None,
        observed_on=None, report=QualityReport("main", ROWS, {}, int(labels.sum()), ()),
    )  # fmt: skip
    none = np.zeros(0, dtype="datetime64[D]")
    consents = ConsentBook([], [], [], none, none, none)
    platform = PlatformTable(Dataset.from_arrays(ids, {"z": rng.normal(0, 1, ROWS)}), consents)
    keys = dict.fromkeys(("bank-a", "platform-a"), KEY)  # no message is sent: one key will do for both
    job = assemble("t", JobSpec.parse(TERMS), bank, {"platform-a": platform}, seed=bytes(32), keys=keys)
    order = np.arange(ROWS)[::-1].astype(np.int64)
    job.bank.work.aligned = Alignment(order, np.zeros((ROWS, 16), dtype=np.uint8), b"root" * 8)
    return job


def test_the_regression_gets_the_weights_of_its_training_rows_over_the_limit() -> None:
    weights = np.linspace(0.5, 4.0, ROWS)
    bank: Any = job_with(weights).bank
    train = bank.work.parts[0]
    np.testing.assert_array_equal(bank.logistic.weights(), weights[::-1][train] / 4.0)
    np.testing.assert_array_equal(job_with(None).bank.logistic.weights(), np.ones(train.stop))


def test_bins_are_made_of_counts() -> None:
    bank, plain = job_with(np.linspace(0.5, 4.0, ROWS)).bank, job_with(None).bank
    bank.binning.bank_columns()
    plain.binning.bank_columns()
    assert [f.to_dict() for f in bank.binning.features] == [f.to_dict() for f in plain.binning.features]


def test_weights_above_the_limit_never_reach_the_protocol() -> None:
    with pytest.raises(DataError, match="LOGISTIC_WEIGHTS"):
        job_with(np.linspace(0.5, 4.1, ROWS)).bank.logistic.weights()


def test_the_limit_binds_scorecards_alone() -> None:
    assert JobSpec.parse(TERMS).weight_limit == 4.0
    assert JobSpec.parse(TERMS.replace('model = "scorecard"', 'model = "trees"')).weight_limit == np.inf
