"""The crash matrix: every node killed before and after everything durable or visible that it does in a small job.

``python -m tests.crash.matrix`` runs it and writes ``docs/evidence/crash-matrix.md``. A first run without kills
gives the reference model and the list of points; then one job per point: the node dies there by SIGKILL, is started
again, and the job must end ``done`` at both parties with the identical model and audit trails that agree.
"""

from __future__ import annotations

import argparse
import os
import queue
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .network import NODES, SCORECARD, CrashNetwork, Run
from .trails import disagreement

__all__ = ["Case", "Outcome", "cases_of", "judge", "run_cases"]


@dataclass(frozen=True, slots=True)
class Case:
    """One run of the matrix: where which node dies."""

    node: str
    points: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.node} at {' then '.join(self.points)}"

    @property
    def kind(self) -> str:
        """The kind of its first point, for the table."""
        point, _, when = self.points[0].partition(":")
        return f"{point.split('/')[0]}:{when}" + (" ×2" if len(self.points) > 1 else "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run and what is wrong with it ("" when nothing is)."""

    case: Case
    seconds: float
    kills: int
    fault: str


def cases_of(network: CrashNetwork, run: Run) -> list[Case]:
    """One case for each point that a node passed in a run without kills."""
    return [Case(node, (point,)) for node, points in network.points(run).items() for point in dict.fromkeys(points)]


def judge(network: CrashNetwork, run: Run, model: str, *, kills: int) -> str:
    """What is wrong with a run, in words; "" when it is as it must be."""
    if not run.done:
        return "; ".join(f"{p}: {s.state} {s.code} in {s.phase or '-'}" for p, s in run.states.items())
    if run.model != model:
        return "another model"
    if len(run.restarts) < kills:
        return f"{len(run.restarts)} of {kills} kills happened ({', '.join(run.unmet)} not met)"
    return disagreement(
        {p: network.folder(p, run.job).path for p in run.states},
        {p: network.local.parties[p].folder / "identity" for p in run.states},
        {p: str(s.facts["audit_head"]) for p, s in run.states.items()},
    )


def run_cases(
    root: Path, cases: Sequence[Case], model: str, *, lanes: int = 2, terms: Mapping[str, object] | None = None
) -> Iterable[Outcome]:
    """Run cases in ``lanes`` networks side by side, of jobs with these terms; yields outcomes as they come."""
    todo: queue.SimpleQueue[Case] = queue.SimpleQueue()
    done: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
    for case in cases:
        todo.put(case)

    def lane(number: int) -> None:
        try:
            with CrashNetwork(root / f"lane-{number}") as network:
                while not todo.empty():
                    case = todo.get_nowait()
                    run = network.run({case.node: case.points}, **(terms or {}))
                    fault = judge(network, run, model, kills=len(case.points))
                    done.put(Outcome(case, run.seconds, len(run.restarts), fault))
        except queue.Empty:
            pass
        finally:
            done.put(None)

    threads = [threading.Thread(target=lane, args=(n,), daemon=True) for n in range(lanes)]
    for thread in threads:
        thread.start()
    ended = 0
    while ended < lanes:
        outcome = done.get()
        if outcome is None:
            ended += 1
        else:
            yield outcome


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def _table(outcomes: Sequence[Outcome]) -> list[str]:
    runs: Counter[tuple[str, str]] = Counter((o.case.node, o.case.kind) for o in outcomes)
    good: Counter[tuple[str, str]] = Counter((o.case.node, o.case.kind) for o in outcomes if not o.fault)
    lines = ["| node | killed at | runs | finished with the identical model |", "|---|---|---|---|"]
    order = {node: i for i, node in enumerate(NODES)}
    for node, kind in sorted(runs, key=lambda k: (order[k[0]], k[1])):
        lines.append(f"| {node} | {kind} | {runs[node, kind]} | {good[node, kind]} |")
    return lines


def _failures(outcomes: Sequence[Outcome]) -> list[str]:
    failed = [f"- {o.case}: {o.fault}" for o in outcomes if o.fault]
    return ["## Failed", "", *failed, ""] if failed else []


def _page(
    outcomes: Sequence[Outcome], model: str, command: str, minutes: float, lanes: int, kind: str, points: int
) -> str:
    good = [o for o in outcomes if not o.fault]
    times = sorted(o.seconds for o in outcomes)
    return "\n".join(
        [
            f"# Crash matrix: {kind}",
            "",
            "Each node of a bank–platform–coordinator network (three processes, mutual TLS on loopback) is killed by",
            "SIGKILL before and after everything durable or visible that it does in a small job: each journal write,",
            "each envelope handed to the transport, each published document, each file; at the coordinator each",
            "witnessed and delivered envelope and each document of the job book. It is started again; the job must end",
            "`done` at both parties with the identical model, and the audit trails must verify and agree: what one",
            "party recorded as sent, exactly once, is what the other received.",
            "",
            f"- Command: `{command}`",
            f"- Points of the job: {points}; runs: {len(outcomes)}; kills: {sum(o.kills for o in outcomes)}",
            f"- Finished with the identical model and agreeing audit trails: {len(good)}"
            f" ({100 * len(good) / max(1, len(outcomes)):.1f} %)",
            f"- Model (SHA-256 over both parts): `{model}`",
            f"- Seconds per run: median {times[len(times) // 2]:.1f}, longest {times[-1]:.1f};"
            f" all: {minutes:.0f} minutes",
            f"- Machine: {_cpu()}, {os.cpu_count()} cores, {lanes} networks side by side",
            "",
            *_table(outcomes),
            "",
            *_failures(outcomes),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the matrix; exit status 1 when a run failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.matrix", description=__doc__)
    parser.add_argument("--lanes", type=int, default=2, help="networks side by side")
    parser.add_argument("--every", type=int, default=1, help="run each n-th case only")
    parser.add_argument("--only", default="", help="cases whose text contains this")
    parser.add_argument("--scorecard", action="store_true", help="a scorecard job instead of boosted trees")
    parser.add_argument("--out", type=Path, help="page to write, by default under docs/evidence")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crash-matrix-") as scratch:
        root = Path(scratch)
        with CrashNetwork(root / "first") as network:
            terms = SCORECARD if given.scorecard else {}
            first = network.run(**terms)
            fault = judge(network, first, first.model, kills=0)
            if fault:
                print(f"the run without kills failed: {fault}", file=sys.stderr)
                return 1
            points = cases_of(network, first)
        cases = [c for c in points if given.only in str(c)][:: given.every]
        outcomes = []
        for outcome in run_cases(root, cases, first.model, lanes=given.lanes, terms=terms):
            outcomes.append(outcome)
            print(f"{len(outcomes)}/{len(cases)} {outcome.seconds:5.1f} s  {outcome.case}  {outcome.fault}", flush=True)
    command = "python -m tests.crash.matrix"
    command += " --scorecard" * given.scorecard + f" --every {given.every}" * (given.every != 1)
    command += f" --only {given.only}" * (given.only != "")
    kind = "scorecard" if given.scorecard else "boosted trees"
    minutes = (time.monotonic() - began) / 60
    out = given.out or Path(f"docs/evidence/crash-matrix{'-scorecard' * given.scorecard}.md")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(_page(outcomes, first.model, command, minutes, given.lanes, kind, len(points)))
    return 1 if any(o.fault for o in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
