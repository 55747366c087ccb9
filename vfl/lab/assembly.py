"""A whole job in this process: every party's own role objects, one choreography, every message through the exits.

The roles are those of the node packages, so a simulation runs the code that runs in production. Only what surrounds
a node is absent: network, journal, approval.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vfl.config.contract import Contract
from vfl.config.job import JobSpec
from vfl.config.policy import Policy
from vfl.crypto.keyproof import KeyRegistry
from vfl.crypto.psi_set import bucket
from vfl.crypto.randomness import JobSeed
from vfl.data.consent import ConsentBook
from vfl.data.table import Dataset
from vfl.lab.packages import node_package
from vfl.protocols.job import run_choreography
from vfl.protocols.plan import contract_of
from vfl.runtime.choreography import Choreography
from vfl.runtime.egress import Egress, Ledger, LedgerLine
from vfl.runtime.reference import Party, ReferenceRun, Sent
from vfl.wire.messages import WireMessage

__all__ = ["Body", "JobMaker", "LabJob", "PlatformTable", "assemble"]

Body = Callable[[Choreography, JobSpec], Awaitable[None]]
JobMaker = Callable[[Any, bytes], Any]


@dataclass(frozen=True, slots=True, repr=False)
class PlatformTable:
    """A platform's rows and the consents that let them out."""

    data: Dataset
    consents: ConsentBook


class _TimedRun(ReferenceRun):
    """A reference run that notes how long each phase took, for people only."""

    def __init__(self, parties: Mapping[str, Party], wiretap: Callable[[Sent, bytes], None] | None) -> None:
        super().__init__(parties, wiretap=wiretap)
        self.seconds: dict[str, float] = {}

    async def phase(self, name: str, body: Callable[[], Awaitable[WireMessage | None]]) -> WireMessage | None:
        began = time.monotonic()
        try:
            return await super().phase(name, body)
        finally:
            self.seconds[name] = time.monotonic() - began


@dataclass(slots=True, repr=False)
class LabJob:
    """All parties of one job. ``bank`` and ``platforms`` are the node packages' own job objects."""

    name: str
    spec: JobSpec
    contract: Contract
    bank: Any
    platforms: dict[str, Any]
    exits: dict[str, Egress]
    trace: list[Sent] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, *, body: Body = run_choreography, wiretap: Callable[[Sent, bytes], None] | None = None) -> None:
        """Play the choreography to its end; errors are those of the parties."""
        sides = {self.spec.bank: self.bank, **self.platforms}
        parties = {name: Party(side.roles, self.exits[name], side.work.keys) for name, side in sides.items()}
        run = _TimedRun(parties, wiretap)
        _finish(body(Choreography(run), self.spec))
        self.trace, self.seconds = run.trace, run.seconds

    def received(self) -> Ledger:
        """What the bank got, by (message type, sender)."""
        out = Ledger()
        for name in self.platforms:
            for (type_name, receiver), line in self.exits[name].ledger.lines.items():
                if receiver == self.spec.bank:
                    out.lines[type_name, name] = LedgerLine(line.messages, line.bytes, line.bits)
        return out


def assemble(
    name: str,
    spec: JobSpec,
    bank: Dataset,
    platforms: Mapping[str, PlatformTable],
    *,
    seed: bytes,
    keys: Mapping[str, bytes] | None = None,
    makers: tuple[JobMaker, JobMaker] | None = None,
) -> LabJob:
    """Parties of a job with these tables.

    Parameters
    ----------
    seed : bytes
        32 secret bytes; each party's own seed derives from them.
    keys : mapping of party to bytes, optional
        Exported secret keys of the bank and, for a scorecard, of the first platform; fresh ones by default.
    makers : (of the bank, of a platform), optional
        Make a party's job object from its workspace and its key; by default those of the node packages.

    Raises
    ------
    ConfigError
        ``PACKAGE_MISSING``.
    """
    root, keys, makers = JobSeed(seed), keys or {}, makers or (_bank_job, _platform_job)
    work = node_package("party_bank.steps.workspace").BankWorkspace(
        party=spec.bank, job=name, spec=spec, seed=root.child("party", spec.bank), data=bank
    )
    bank_job = makers[0](work, _key(spec, keys.get(spec.bank)))
    jobs: dict[str, Any] = {}
    for party, table in platforms.items():
        theirs = node_package("party_platform.steps.workspace").PlatformWorkspace(
            party=party, job=name, spec=spec, seed=root.child("party", party), data=table.data, consents=table.consents
        )
        computes = spec.model == "scorecard" and party == spec.platforms[0]
        key = _key(spec, keys.get(party)) if computes else b""
        jobs[party] = makers[1](theirs, key)
    contract = contract_of(
        name, spec, rows=bucket(len(bank)), sizes={p: bucket(len(j.work.permitted)) for p, j in jobs.items()},
        features={p: max(1, len(j.work.data.features)) for p, j in jobs.items()},
        bank_features=len(bank.features),
    )  # fmt: skip
    policy = Policy(minimum_key_bits=512, allow_test_keys=True, minimum_intersection=1, leaf_floor=1)
    exits = {party: Egress(party, contract, policy) for party in (spec.bank, *platforms)}
    return LabJob(name, spec, contract, bank_job, jobs, exits)


def _bank_job(work: Any, key: bytes) -> Any:
    if work.spec.model == "scorecard":
        return node_package("party_bank.card_job").BankCardJob(work, key, KeyRegistry())
    return node_package("party_bank.roles").BankJob(work, key)


def _platform_job(work: Any, key: bytes) -> Any:
    if work.spec.model == "scorecard":
        return node_package("party_platform.card_job").PlatformCardJob(work, KeyRegistry(), key)
    return node_package("party_platform.roles").PlatformJob(work, KeyRegistry())


def _key(spec: JobSpec, given: bytes | None) -> bytes:
    key: bytes = given or node_package("party_bank.steps.keys").KeyHolderSteps.fresh(
        spec.key_bits, test_keys=spec.test_keys
    )
    return key


def _finish(job: Awaitable[None]) -> None:
    """Run to the end, also inside a notebook, whose own event loop is busy with us."""

    async def whole() -> None:
        await job

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(whole())
        return
    # Reference runs never wait for anything outside: they end without giving control back.
    try:
        whole().send(None)
    except StopIteration:
        return
    raise RuntimeError("a reference run waited for something outside")
