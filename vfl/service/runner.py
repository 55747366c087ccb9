"""Runs this party's part of one contracted job, from its journal, to the end."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Mapping
from functools import partial

from vfl.config.contract import Contract
from vfl.config.job import JobSpec
from vfl.config.policy import Policy
from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.protocols.job import run_choreography
from vfl.runtime.audit import AUDIT_CONTEXT, AuditTrail
from vfl.runtime.choreography import Choreography
from vfl.runtime.clock import Clock
from vfl.runtime.egress import Egress
from vfl.runtime.journal import Journal
from vfl.runtime.noderun import NodeRun
from vfl.runtime.session import Session
from vfl.runtime.transport import Transport
from vfl.service.folder import JobFolder, JobState
from vfl.service.side import Outcome, PartyJob

__all__ = ["run_job"]


class _Progress:
    """Writes the state file, at most five times a second."""

    def __init__(self, folder: JobFolder, state: JobState) -> None:
        self._folder = folder
        self._state = state
        self._written = 0.0
        self._phase_began = time.monotonic()

    def phase(self, name: str) -> None:
        self._close_phase()
        self._state.phase, self._state.stage, self._state.share = name, "", 0.0
        self._write(force=True)

    def waiting(self, peer: str) -> None:
        self._state.waiting_for = peer
        self._write()

    def end(self) -> None:
        self._close_phase()
        self._state.phase = self._state.stage = self._state.waiting_for = ""

    def _close_phase(self) -> None:
        now = time.monotonic()
        if self._state.phase:
            spent = self._state.seconds.get(self._state.phase, 0.0)
            self._state.seconds[self._state.phase] = round(spent + now - self._phase_began, 3)
        self._phase_began = now

    def _write(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if force or now - self._written > 0.2:
            self._written = now
            self._folder.save(self._state)


async def run_job(
    *,
    identity: PartyIdentity,
    peers: Mapping[str, PartyRecord],
    contract: Contract,
    spec: JobSpec,
    policy: Policy,
    journal: Journal,
    transport: Transport,
    clock: Clock,
    job: PartyJob,
    folder: JobFolder,
    state: JobState,
    finished: Mapping[str, asyncio.Event],
) -> None:
    """Run to the end, write the results, wait until the peers have recorded everything.

    Everything durable is in ``journal`` and ``folder``: after an error of the disk, or a crash, a call with the same
    journal opened anew goes on. ``finished`` holds for each peer whether it has ended its part.
    """
    progress = _Progress(folder, state)
    recorded = journal.audit_entries()
    audit = AuditTrail(identity.name, partial(identity.sign, AUDIT_CONTEXT), clock, recorded)
    session = Session(
        identity, peers, contract, journal, transport, audit, keys=job.keys, on_idle=progress.waiting
    )
    job.restore(session.restored.parts)
    egress = Egress(identity.name, contract, policy, ledger=session.ledger)
    run = NodeRun(identity.name, job.roles, job, egress, session, progress=progress.phase)
    try:
        await session.note("resumed" if recorded else "started", contract=contract.digest.hex())
        await session.start()
        await run_choreography(Choreography(run), spec)
        progress.end()
        outcome = Outcome(contract.digest, session.ledger, session.received, state.seconds, _costs())
        state.facts |= await asyncio.to_thread(job.finish, folder, outcome)
        await session.drained(finished)
        await session.note("ended", contract=contract.digest.hex(), facts=_public(state))
        folder.write("audit.jsonl", b"\n".join(journal.audit_entries()) + b"\n")
    finally:
        await session.close()
        await run.close()
    state.facts["audit_head"] = audit.head


def _public(state: JobState) -> dict[str, object]:
    return {k: v for k, v in state.facts.items() if isinstance(v, str | int)}


def _costs() -> dict[str, object]:
    """Peak resident memory of this process, in MiB."""
    return {"peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}
