"""Private set intersection on this machine: curve operations by path, a whole run, the key-value store.

    python benchmarks/psi.py                      # 10^5 against 10^6; writes benchmarks/results/psi.{md,json}
    python benchmarks/psi.py --small 20000 --large 50000 --dry

All owners run in this process, one after the other, so the times of a run add up; over a network the owners
overlap. On a shared machine read the processor times: they hardly depend on the load, which is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from vfl.crypto import okvs, psi_curve
from vfl.crypto.psi import PsiReceiver, PsiSender
from vfl.crypto.psi_set import PsiSet
from vfl.crypto.randomness import JobSeed
from vfl.errors import ConfigError

T = TypeVar("T")
RESULTS = Path(__file__).parent / "results"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def cpu_seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Least processor time of all threads."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def by_path() -> dict[str, dict[str, float]]:
    """Processor µs per point for each path."""
    out = {}
    scalar = psi_curve.PsiScalar.derive(JobSeed.fresh().stream("bench"))
    for name in ("ifma", "int64", "portable"):
        os.environ["VFL_PSI_PATH"] = name
        try:
            psi_curve.path()
        except ConfigError:
            continue
        count = {"ifma": 65_536, "int64": 16_384, "portable": 2_048}[name]
        ids = [f"91{i:016d}" for i in range(count)]
        points = scalar.blind_ids(ids, b"bench")
        work: dict[str, Callable[[], object]] = {
            "hash": lambda ids=ids: psi_curve.hash_to_curve(ids, b"bench"),
            "ladder": lambda points=points: scalar.apply(points),
            "check": lambda points=points: psi_curve.check_points(points),
            "token": lambda points=points: psi_curve.hash_points(points, b"bench"),
        }
        out[name] = {step: round(cpu_seconds(run) / count * 1e6, 3) for step, run in work.items()}
    del os.environ["VFL_PSI_PATH"]
    return out


def whole_run(small: int, large: int, common: int) -> dict[str, object]:
    """One receiver with ``small`` rows, one sender with ``large``; seconds by step and bytes sent."""
    ids = {
        "bank": [f"91{i:016d}" for i in range(small)],
        "platform": [f"91{i:016d}" for i in range(small - common, small - common + large)],
    }
    seeds = {name: JobSeed.fresh() for name in ids}
    spent: dict[str, tuple[float, float]] = {}  # wall, processor
    sent: Counter[str] = Counter()

    def step(name: str, work: Callable[[], T]) -> T:
        start = time.perf_counter(), time.process_time()
        out = work()
        spent[name] = round(time.perf_counter() - start[0], 3), round(time.process_time() - start[1], 3)
        return out

    tables = {
        name: step(f"{name}: hash, blind", lambda n=name: PsiSet(ids[n], context=b"j", owner=n, seed=seeds[n]))
        for name in ids
    }
    bank = PsiReceiver(tables["bank"], owner="bank", others=["platform"], job=b"j", seed=seeds["bank"])
    sender = step(
        "platform: tokens",
        lambda: PsiSender(tables["platform"], owner="platform", others=["bank"], receiver="bank", job=b"j",
                          seed=seeds["platform"]),
    )
    bank.meet({"platform": sender.hello()})
    sender.meet({"bank": bank.hello()})
    queries = list(bank.queries())
    answers = step("platform: answers", lambda: [sender.answer(chunk) for chunk in queries])
    step("bank: unblind, tokens", lambda: bank.read_answers("platform", answers))
    store = step("platform: store", lambda: list(sender.store()))
    step("bank: look up", lambda: bank.read_store("platform", store))
    bank.intersect()
    matches = list(bank.matches("platform"))
    step("platform: matches", lambda: sender.read_matches(matches))
    openings = {"bank": bank.opening(), "platform": sender.opening()}
    mine = step("bank: order, root", lambda: bank.align(openings))
    theirs = step("platform: order, root", lambda: sender.align(openings))
    bank.check_roots(mine, {"platform": theirs.root})
    for name, chunks in (("queries", queries), ("answers", answers), ("store", store), ("matches", matches)):
        sent[name] = sum(chunk.nbytes for chunk in chunks)
    if len(mine.rows) != common:
        raise SystemExit(f"found {len(mine.rows)} common rows, there are {common}")
    return {
        "small": small, "large": large, "common": common, "seconds": spent,
        "wall_total": round(sum(wall for wall, _ in spent.values()), 2),
        "processor_total": round(sum(cpu for _, cpu in spent.values()), 2),
        "bytes": dict(sent), "bytes_total": sum(sent.values()),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "bytes_per_row": round(sum(sent.values()) / (small + large), 1),
    }


def peeling(trials: int) -> dict[str, object]:
    """How full a sparse table of 1,024 keys may be: the share of tables with a large core, by keys per word.

    Place and width of the threshold follow from the shares: share = Φ((load - place) √n / width).
    """
    count, large = 1_024, 64
    rng = np.random.default_rng(1)
    shares = {}
    for segment in (420, 426, 432, 438):
        cores = [
            len(okvs._peel(rng.integers(0, segment, (3, count)) + np.arange(3)[:, None] * segment, 3 * segment)[1])
            for _ in range(trials)
        ]
        shares[round(count / (3 * segment), 4)] = round(float(np.mean(np.array(cores) > large)), 4)
    used = Counter(
        len(okvs._peel(okvs._slots(JobSeed.fresh().stream("k").limbs(count, 3), okvs._segment(count)),
                       3 * okvs._segment(count))[1])
        for _ in range(trials)
    )
    return {"keys": count, "trials": trials, "large_core_share_by_load": shares,
            "load_used": round(count / (3 * okvs._segment(count)), 4), "cores_at_load_used": dict(sorted(used.items()))}


def markdown(result: dict[str, Any]) -> str:
    run, paths, core = result["run"], result["paths"], result["peeling"]
    lines = [
        "# Private set intersection", "",
        f"`{result['command']}` on {result['processor']}, {result['cores']} cores, load {result['load'][0]} before "
        f"and {result['load'][1]} after, Python {result['python']}.", "",
        "Processor µs per point (divide by the cores in use for wall time; the portable path uses one):", "",
        "| path | hash to curve | ladder (blind, apply, unapply) | check | token |", "|---|---|---|---|---|",
        *[f"| {n} | {t['hash']} | {t['ladder']} | {t['check']} | {t['token']} |" for n, t in paths.items()], "",
        f"{run['small']:,} rows against {run['large']:,}, {run['common']:,} in common, one process: "
        f"**{run['wall_total']} s** (processor: {run['processor_total']} s), {run['bytes_total'] / 1e6:.1f} MB sent, "
        f"{run['bytes_per_row']} bytes per row; both owners together at most {run['peak_mib']:,} MiB.", "",
        "| step | s | processor s |", "|---|---|---|",
        *[f"| {n} | {wall} | {cpu} |" for n, (wall, cpu) in run["seconds"].items()], "",
        "| stream | bytes |", "|---|---|", *[f"| {n} | {b:,} |" for n, b in run["bytes"].items()], "",
        f"Peeling, {core['trials']:,} tables of {core['keys']:,} keys: share with a large core by load "
        f"{core['large_core_share_by_load']}; at the load used, {core['load_used']}, core sizes and how often: "
        f"{core['cores_at_load_used']}.", "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--dry", action="store_true", help="print only")
    args = parser.parse_args()
    before = round(os.getloadavg()[0], 2)
    result = {
        "command": shlex.join(["python", "benchmarks/psi.py", *sys.argv[1:]]),
        "processor": processor(), "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(), "path": psi_curve.path(),
        "paths": by_path(),
        "run": whole_run(args.small, args.large, args.small // 2),
        "peeling": peeling(2_000),
        "load": (before, round(os.getloadavg()[0], 2)),
    }
    text = markdown(result)
    print(text)
    if not args.dry:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "psi.md").write_text(text)
        (RESULTS / "psi.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
