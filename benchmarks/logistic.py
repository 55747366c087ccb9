"""Federated logistic regression against the pooled optimum: ``python -m benchmarks.logistic --data DIR SET …``.

For each data set (folders ``bank.csv``, ``platform.csv``, ``consents.csv``): aligned rows with a valid consent, WOE
with eight quantile bins per feature, both parties in this process. Reports processor seconds of both parties together
(wall time means little on a shared machine), bytes sent, and how far coefficients, standard errors, AUC, KS and mean
PD are from pooled; beside it the degree-1 Taylor sigmoid that many systems train, at its own optimum.
"""

from __future__ import annotations

import argparse
import collections
import csv
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.logistic.logistic_harness import Joint
from vfl.config.logistic import LogisticSpec
from vfl.core.logistic import fit_logistic, sigmoid, taylor_fit
from vfl.core.metrics import auc, ks
from vfl.runtime.reference import ReferenceRun

__all__ = ["load", "main", "woe"]

Floats = npt.NDArray[np.float64]
AS_OF = "2026-06-01"


def woe(column: list[str], labels: npt.NDArray[np.uint8], bins: int = 8) -> Floats:
    """Weight of evidence to three decimals: numbers by quantiles, other text by value, blanks apart."""
    try:
        values = np.array([float(v) if v else np.nan for v in column])
    except ValueError:
        groups = np.unique(column, return_inverse=True)[1]
    else:
        cuts = np.unique(np.nanquantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
        groups = np.searchsorted(cuts, values, side="right")
        groups[np.isnan(values)] = len(cuts) + 1
    events, rows = np.bincount(groups, labels), np.bincount(groups)
    good = (rows - events + 0.5) / (len(labels) - labels.sum())
    bad = (events + 0.5) / labels.sum()
    out: Floats = np.round(np.log(good / bad), 3)[groups]
    return out


def load(folder: Path) -> tuple[Floats, Floats, npt.NDArray[np.uint8]]:
    """WOE columns of the bank and the platform, and labels, of the firms in both with consent."""
    tables = {}
    for name in ("bank", "platform"):
        with (folder / f"{name}.csv").open(encoding="utf-8") as f:
            head, *rows = csv.reader(f)
        tables[name] = (head, {row[0]: row for row in rows})
    with (folder / "consents.csv").open(encoding="utf-8") as f:
        consents = csv.DictReader(f)
        allowed = {
            r["uscc"] for r in consents if r["valid_from"] <= AS_OF <= r["valid_until"] and not r["revoked_on"]
        }
    ids = sorted(set(tables["bank"][1]) & set(tables["platform"][1]) & allowed)
    ids = [ids[i] for i in np.random.default_rng(0).permutation(len(ids))]
    labels = np.array([int(tables["bank"][1][i][1]) for i in ids], dtype=np.uint8)

    def coded(name: str, first: int) -> Floats:
        head, rows = tables[name]
        return np.stack([woe([rows[i][j] for i in ids], labels) for j in range(first, len(head))], axis=1)

    return coded("bank", 2), coded("platform", 1), labels


class TimedRun(ReferenceRun):
    """Processor seconds by phase."""

    def __init__(self, joint: Joint) -> None:
        inner = joint.interpreter()
        super().__init__(inner._parties)
        self.seconds: dict[str, float] = {}

    async def phase(self, name: str, body: Callable[[], Awaitable[Any]]) -> Any:
        start, wall = time.process_time(), time.perf_counter()
        result = await super().phase(name, body)
        self.seconds[name] = time.process_time() - start
        print(f"  {name}: {self.seconds[name]:.1f} s, wall {time.perf_counter() - wall:.1f} s", flush=True)
        return result


def measure(name: str, folder: Path, rows: int, key_bits: int, spec: LogisticSpec, plaintext: bool) -> None:
    """One job; prints a block of markdown."""
    bank, platform, y = load(folder)
    if rows > len(y):
        # More rows than there are: drawn with replacement, for times alone.
        drawn = np.random.default_rng(0).integers(0, len(y), rows)
        bank, platform, y = bank[drawn], platform[drawn], y[drawn]
    elif rows:
        bank, platform, y = bank[:rows], platform[:rows], y[:rows]
    x = np.hstack([np.ones((len(y), 1)), bank, platform])
    ridge = np.r_[0.0, np.full(x.shape[1] - 1, spec.ridge)]
    pooled = fit_logistic(x, y.astype(np.float64), ridge)
    joint = Joint(bank, platform, y, spec, key_bits=key_bits, plaintext=plaintext)
    run = TimedRun(joint)
    start = time.perf_counter()
    joint.run_on(run)
    wall = time.perf_counter() - start
    bytes_by_sender: collections.Counter[str] = collections.Counter()
    for sent in run.trace:
        bytes_by_sender[sent.sender] += sent.size
    taylor = taylor_fit(x, y.astype(np.float64), ridge)
    print(f"\n### {name}: {len(y):,} rows, bank {bank.shape[1]} + platform {platform.shape[1]}, {key_bits} bits\n")
    print(f"Processor {sum(run.seconds.values()):.0f} s (wall {wall:.0f} s on a shared machine); sent:",
          ", ".join(f"{k} {v / 1e6:.0f} MB" for k, v in bytes_by_sender.items()))
    print("\n| | largest |Δw| / largest |w| | largest |Δw / w| † | largest |Δw| / se | AUC | KS | mean PD |\n"
          "|---|---|---|---|---|---|---|")
    told = np.abs(pooled.coefficients) > 0.01 * np.abs(pooled.coefficients).max()
    for label, w in (("pooled", pooled.coefficients), ("federated", joint.coefficients), ("Taylor", taylor)):
        p = sigmoid(x @ w)
        difference = np.abs(w - pooled.coefficients)
        print(
            f"| {label} | {difference.max() / np.abs(pooled.coefficients).max():.1e} | "
            f"{(difference / np.abs(pooled.coefficients))[told].max():.1e} | "
            f"{(difference / pooled.standard_errors).max():.1e} | {auc(y.astype(np.float64), p):.5f} | "
            f"{ks(y.astype(np.float64), p):.5f} | {p.mean():.5f} |"
        )
    print(f"\n† of weights above a hundredth of the largest. Event rate {y.mean():.5f}.", end=" ")
    if spec.standard_errors:
        off = np.abs(joint.standard_errors / pooled.standard_errors - 1)
        print(f"Standard errors: off by {np.median(off):.1e} in the median, {off.max():.1e} at most.", end="")
    print("\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=0, help="the first ROWS, or so many drawn; default: all there are")
    parser.add_argument("--key-bits", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--no-standard-errors", action="store_true")
    parser.add_argument("--plaintext", action="store_true", help="the same numbers without encryption: accuracy only")
    a = parser.parse_args()
    spec = LogisticSpec(steps=a.steps, curvatures=min(3, a.steps), standard_errors=not a.no_standard_errors)
    for name in a.sets:
        measure(name, a.data / name, a.rows, a.key_bits, spec, a.plaintext)


if __name__ == "__main__":
    main()
