"""An earlier scorecard's weights find their features again, by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.scorecards import binned, firms

from vfl.config.logistic import LogisticSpec
from vfl.errors import ConfigError
from vfl.service.folder import JobFolder
from vfl.service.warm_start import EarlierWeights


def _saved(jobs: Path, model: dict[str, object]) -> None:
    folder = JobFolder(jobs, "earlier")
    folder.make()
    bins = binned(*firms(400, seed=1), ("tax", "staff"))
    folder.write("scorecard.json", json.dumps({"bins": bins.to_dict(), "model": model}).encode())


def test_weights_follow_their_features(tmp_path: Path) -> None:
    _saved(tmp_path, {"weights": [-0.5, -0.25], "intercept": -1.5})
    found = EarlierWeights.named_in(LogisticSpec(warm_start="earlier"), tmp_path)
    assert found is not None
    np.testing.assert_array_equal(found.of(["staff", "court", "tax"]), [-1.5, -0.25, 0.0, -0.5])


def test_a_platform_has_no_intercept(tmp_path: Path) -> None:
    _saved(tmp_path, {"weights": [-0.5, -0.25]})
    found = EarlierWeights.named_in(LogisticSpec(warm_start="earlier"), tmp_path)
    assert found is not None
    np.testing.assert_array_equal(found.of(["tax"]), [-0.5])


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    assert EarlierWeights.named_in(LogisticSpec(), tmp_path) is None
    with pytest.raises(ConfigError) as caught:
        EarlierWeights.named_in(LogisticSpec(warm_start="nothing"), tmp_path)
    assert caught.value.code == "MODEL_UNKNOWN"
