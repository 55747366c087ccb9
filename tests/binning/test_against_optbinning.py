"""Information values equal optbinning's on real features (``make_optbinning.py`` made the fixture)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vfl.core.optimal_binning import BinRule, Cuts, Trend, best_cuts

FIXTURE: dict[str, Any] = json.loads(Path(__file__).with_name("optbinning.json").read_text(encoding="utf-8"))


def ours(feature: dict[str, Any], case: str) -> Cuts:
    rule = FIXTURE["rule"]
    trend, _, p = case.partition(" p<=")
    rows, events = np.array(feature["rows"]), np.array(feature["events"])
    return best_cuts(
        rows, events, int(rows.sum()), int(events.sum()),
        BinRule(Trend(trend), rule["max_bins"], 1, rule["min_share"], float(p or 1), 1, rule["class_floor"]),
    )  # fmt: skip


@pytest.mark.parametrize("feature", FIXTURE["features"], ids=lambda f: f["name"])
def test_iv_equals_optbinning(feature: dict[str, Any]) -> None:
    for case, theirs in feature["optbinning"].items():
        assert theirs["status"] == "OPTIMAL"
        # Where its preprocessing hides the optimum from it, it agrees once it is shown our cuts.
        assert ours(feature, case).iv == pytest.approx(theirs.get("iv_on_our_cuts", theirs["iv"]), abs=1e-9)
        assert theirs.get("iv_on_our_cuts", theirs["iv"]) >= theirs["iv"]


def test_most_cases_need_no_explanation_and_all_together_are_faster() -> None:
    cases = [(f, case, theirs) for f in FIXTURE["features"] for case, theirs in f["optbinning"].items()]
    equal = [(f, case) for f, case, theirs in cases if "iv_on_our_cuts" not in theirs]
    whole = [f for f in FIXTURE["features"] if all("iv_on_our_cuts" not in t for t in f["optbinning"].values())]
    assert len(whole) >= 20
    assert len(equal) >= 0.9 * len(cases)
    started = time.process_time()
    for feature, case, _ in cases:
        ours(feature, case)
    assert time.process_time() - started < sum(theirs["seconds"] for _, _, theirs in cases) / 5
