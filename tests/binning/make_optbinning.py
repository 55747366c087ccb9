"""Make ``optbinning.json``: information values that optbinning finds, for the pre-bins of real features.

Run it where optbinning is installed, not in the project's own environment::

    python -m venv /tmp/optb && /tmp/optb/bin/pip install optbinning
    PYTHONPATH=. /tmp/optb/bin/python tests/binning/make_optbinning.py DATA tests/binning/optbinning.json

DATA holds the public data sets named in ``SETS``, each with ``bank.csv`` and ``platform.csv``. The fixture keeps counts
per pre-bin and optbinning's results and times, no rows.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from optbinning import OptimalBinning

from vfl.core.optimal_binning import BinRule, Trend, best_cuts
from vfl.core.prebins import NumericPreBins

__all__ = ["main"]

SETS = {"uci_default_of_credit_card": 24, "polish_companies_year5": 12, "sba_small_business": 6}
TRENDS = {"ascending": "ascending", "descending": "descending", "peak": "peak", "valley": "valley", "none": None}
PRE_BINS = 50
RULE = {"max_bins": 8, "min_share": 0.05, "class_floor": 5}


def columns(folder: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Numeric columns of both parties, rows matched by id, and the label."""
    tables = [
        {row.pop("uscc"): row for row in csv.DictReader((folder / f"{party}.csv").open(encoding="utf-8"))}
        for party in ("bank", "platform")
    ]
    ids = sorted(tables[0].keys() & tables[1].keys())
    out: dict[str, np.ndarray] = {}
    for table in tables:
        for name in table[ids[0]]:
            try:
                out[name] = np.array([float(table[i][name] or "nan") for i in ids])
            except ValueError:
                continue  # a category
    return out, out.pop("y").astype(int)


def rule(trend: str, p: float | None) -> BinRule:
    """The same rule for our solver."""
    return BinRule(Trend(trend), RULE["max_bins"], 1, RULE["min_share"], p or 1.0, 1, RULE["class_floor"])


def solved(values: np.ndarray, labels: np.ndarray, edges: list[float], trend: str | None, p: float | None) -> dict:
    """One run of optbinning on given pre-bins."""
    started = time.perf_counter()
    binning = OptimalBinning(
        solver="cp", user_splits=edges, monotonic_trend=trend, max_n_bins=RULE["max_bins"], min_n_bins=1,
        min_bin_size=RULE["min_share"], min_bin_n_event=RULE["class_floor"], min_bin_n_nonevent=RULE["class_floor"],
        max_pvalue=p, max_pvalue_policy="consecutive", time_limit=120,
    ).fit(values, labels)  # fmt: skip
    seconds = time.perf_counter() - started
    binning.binning_table.build()
    return {"status": binning.status, "iv": float(binning.binning_table.iv), "bins": len(binning.splits) + 1,
            "seconds": round(seconds, 3)}  # fmt: skip


def feature(name: str, values: np.ndarray, labels: np.ndarray) -> dict | None:
    """Counts and results of one feature; None if a pre-bin holds one class only (optbinning would drop its cut)."""
    known = ~np.isnan(values)
    values, labels = values[known], labels[known]
    prebins = NumericPreBins.fit(values, name=name, max_bins=PRE_BINS, floor=120)
    bins = prebins.bins(values)
    rows = np.bincount(bins, minlength=len(prebins.rows))
    events = np.bincount(bins, weights=labels, minlength=len(prebins.rows)).astype(int)
    if len(rows) < 4 or min(events.min(), (rows - events).min()) == 0:
        return None
    edges = list(prebins.edges)
    results = {}
    for trend, theirs in TRENDS.items():
        for p in (None, 0.05) if trend in ("ascending", "descending") else (None,):
            found = solved(values, labels, edges, theirs, p)
            ours = best_cuts(rows, events, len(values), int(events.sum()), rule(trend, p))
            if ours.iv > found["iv"] + 1e-9:
                # Its preprocessing rules out cuts that may be optimal; with only our cuts to choose from it agrees.
                cuts = [edges[start - 1] for start in ours.starts[1:]]
                found["iv_on_our_cuts"] = solved(values, labels, cuts, theirs, p)["iv"]
            results[trend if p is None else f"{trend} p<={p}"] = found
    return {"name": name, "rows": rows.tolist(), "events": events.tolist(), "optbinning": results}


def main(data: Path, out: Path) -> None:
    features = []
    for folder, most in SETS.items():
        table, labels = columns(data / folder)
        made = 0
        for name, values in table.items():
            if made == most:
                break
            found = feature(f"{folder}/{name}", values, labels)
            if found is not None:
                features.append(found)
                made += 1
                print(found["name"], len(found["rows"]), {k: v["seconds"] for k, v in found["optbinning"].items()})
    facts = {"optbinning": version("optbinning"), "rule": RULE, "features": features}
    out.write_text(json.dumps(facts, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
