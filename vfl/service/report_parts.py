"""Parts of a report that are made alike at every node: what was agreed, what it took."""

from __future__ import annotations

import datetime as dt

from vfl import __version__
from vfl.config.job import JobSpec
from vfl.report.model import Costs, EdgeCost, Header, NodeCost, Party, PhaseCost
from vfl.roles import RoleName
from vfl.service.side import Outcome

__all__ = ["costs_of", "header_of", "performance_window"]


def header_of(
    job: str, spec: JobSpec, outcome: Outcome, *, backend: str, observation_window: str = ""
) -> Header:
    """Whose report this is and what was agreed; ``observation_window`` of the rows, where the contract states none."""
    now = dt.datetime.now(dt.UTC)
    time = spec.time
    if time.observed_from is not None and time.observed_until is not None:
        observation_window = f"{time.observed_from} … {time.observed_until}"
    return Header(
        job_id=job,
        title=spec.name,
        parties=(Party(spec.bank, RoleName.BANK), *(Party(p, RoleName.PLATFORM) for p in spec.platforms)),
        contract_hash=outcome.contract.hex(),
        started=(now - dt.timedelta(seconds=sum(outcome.seconds.values()))).isoformat(timespec="seconds"),
        finished=now.isoformat(timespec="seconds"),
        software_version=__version__,
        purpose=spec.purpose,
        event_definition=spec.event,
        non_event_definition=spec.non_event,
        observation_window=observation_window,
        performance_window=performance_window(time.performance_months),
        algorithm=spec.model,
        backend=backend,
        key_bits=spec.key_bits,
    )


def performance_window(months: int) -> str:
    """In both languages; empty where it is not stated."""
    return f"{months} 个月 ({months} months)" if months else ""


def costs_of(party: str, outcome: Outcome, trees: int = 0) -> Costs:
    """Seconds by phase, bytes by edge, memory of this node; the first ``trees`` trees one by one."""
    grouped: dict[str, float] = {}
    for name, value in outcome.seconds.items():
        stem = {"tree": "trees", "logistic": "logistic"}.get(name.split("-")[0], name)
        grouped[stem] = grouped.get(stem, 0.0) + value
    edges: dict[tuple[str, str], list[int]] = {}
    for ledger, outward in ((outcome.ledger, True), (outcome.received, False)):
        for (_, peer), line in ledger.lines.items():
            total = edges.setdefault((party, peer) if outward else (peer, party), [0, 0])
            total[0] += line.messages
            total[1] += line.bytes
    peak = int(float(outcome.facts.get("peak_mib", 0.0)) * (1 << 20))
    return Costs(
        phases=tuple(PhaseCost(name, value) for name, value in grouped.items()),
        edges=tuple(EdgeCost(a, b, m, s) for (a, b), (m, s) in sorted(edges.items())),
        nodes=(NodeCost(party, peak),),
        seconds_per_tree=tuple(v for k, v in outcome.seconds.items() if k.startswith("tree-"))[:trees],
    )
