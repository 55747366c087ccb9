"""scikit-learn's own checks of an estimator, all of them run."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.utils.estimator_checks import check_estimator

_SKIPPED = {"check_array_api_input", "check_classifier_data_not_an_array"}
"""scikit-learn skips these by itself where pandas or SCIPY_ARRAY_API are absent."""


def passes_checks(estimator: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    assert len(results) > 40
    wrong = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert not wrong
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= _SKIPPED
