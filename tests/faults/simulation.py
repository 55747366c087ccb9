"""A job of several parties in this process: the nodes' own runner, sessions and journals over a faulty network.

Two rules are watched in every simulation, frame by frame: an envelope is on the sender's disk before it is on the
wire, and a receiver claims to hold only what is on its disk.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.jobs import BANK, JOB, Job, Shape, assemble, exported_key

from party_bank.roles import BankJob
from party_bank.steps.workspace import BankWorkspace
from party_platform.roles import PlatformJob
from party_platform.steps.workspace import PlatformWorkspace
from vfl.config.policy import Policy
from vfl.crypto.certificates import CertificateAuthority
from vfl.crypto.envelope import Header
from vfl.crypto.identity import PartyIdentity, enrol
from vfl.crypto.keyproof import KeyRegistry
from vfl.crypto.paillier import PublicKey
from vfl.errors import TransportError
from vfl.pb.v1 import node_pb2
from vfl.runtime.clock import SystemClock
from vfl.runtime.journal import Journal
from vfl.runtime.memory import Faults, MemoryNetwork
from vfl.runtime.reference import Sent
from vfl.runtime.switchboard import Switchboard
from vfl.service.folder import JobFolder, JobState
from vfl.service.runner import run_job
from vfl.service.side import Outcome

__all__ = ["SHAPE", "Chaos", "Simulation", "model_parts", "trace_by_link"]

SHAPE = Shape(firms=1500, trees=2, leaves=4)
_STORAGE_KEY = bytes(range(32))
_PAUSE_S = 0.05

Chaos = Callable[[], Coroutine[Any, Any, None]]
LinkTrace = dict[tuple[str, str], list[tuple[str, str, int, str]]]
"""(step, type, bytes, digest) of each message, by (sender, receiver)."""


class _OpenJob:
    """A party's role objects as the runner wants them; its result is its part of the model."""

    def __init__(self, job: BankJob | PlatformJob) -> None:
        self._job = job
        self.roles = job.roles
        self.keys: dict[bytes, PublicKey] = job.work.keys

    def dump(self) -> dict[str, bytes]:
        return self._job.dump()

    def restore(self, parts: dict[str, bytes]) -> None:
        self._job.restore(parts)

    def finish(self, folder: JobFolder, outcome: Outcome) -> dict[str, Any]:
        folder.write("model.json", _part(self._job))
        return {}

    def wipe(self) -> None:
        """Nothing outlives the simulation."""


@dataclass(slots=True)
class _Party:
    """What outlives a party's processes."""

    identity: PartyIdentity
    folder: JobFolder
    finished: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    journal: Journal | None = None
    life: asyncio.Task[None] | None = None
    crashes: int = 0
    pauses: list[str] = field(default_factory=list)


class Simulation:
    """One job of ``shape``, with the seeds and the key of the reference run of the same shape.

    Parameters
    ----------
    root : Path
        Where journals and results go, one folder per party.
    faults : Faults
        Of the network.
    journal_class : type
        A journal with faults of its own.
    """

    def __init__(
        self, root: Path, shape: Shape = SHAPE, *, faults: Faults | None = None, journal_class: type[Journal] = Journal
    ) -> None:
        self.job = assemble(shape)
        authority = CertificateAuthority.create(root / "authority", "simulation")
        self.parties: dict[str, _Party] = {}
        for name, role in self.job.contract.parties.items():
            folder = JobFolder(root / name, JOB)
            folder.make()
            identity = enrol(authority, role, name).for_job(JOB, self._side(name).work.seed)
            self.parties[name] = _Party(identity, folder)
        self.network = MemoryNetwork(faults, patience=0.2, tap=self._watch)
        self.breaches: list[str] = []
        """Violations of the two rules."""
        self.frames = 0
        self.on_frame: Callable[[str, str, node_pb2.Frame], None] = lambda _sender, _receiver, _frame: None
        self._journal_class = journal_class

    def _side(self, party: str) -> BankJob | PlatformJob:
        return self.job.bank if party == BANK else self.job.platforms[party]

    # --- running ----------------------------------------------------------------------------------------------

    def run(self, chaos: Chaos | None = None, *, limit: float = 60.0) -> None:
        """Run the job to its end at every party; ``chaos`` runs beside it. Errors of a party are raised."""
        asyncio.run(asyncio.wait_for(self._run(chaos), limit))

    async def _run(self, chaos: Chaos | None) -> None:
        lives = [asyncio.create_task(self._live(name)) for name in self.parties]
        tasks = lives if chaos is None else [*lives, asyncio.create_task(chaos())]
        try:
            await asyncio.gather(*lives)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _live(self, name: str) -> None:
        """One process after another until the party has ended its part."""
        party = self.parties[name]
        while True:
            party.life = asyncio.create_task(self._process(name))
            try:
                await asyncio.wait({party.life})
            except asyncio.CancelledError:  # the simulation itself ends
                party.life.cancel()
                await asyncio.gather(party.life, return_exceptions=True)
                raise
            if party.life.cancelled():
                party.crashes += 1
                continue
            error = party.life.exception()
            if isinstance(error, TransportError):
                party.pauses.append(error.code)
                await asyncio.sleep(_PAUSE_S)
                continue
            if error is not None:
                raise error
            for other in self.parties.values():
                other.finished[name].set()
            return

    async def _process(self, name: str) -> None:
        party = self.parties[name]
        transport = self.network.transport(name)
        board = Switchboard(transport)
        party.journal = journal = self._journal_class(party.folder.file("journal.db"), _STORAGE_KEY)
        try:
            await transport.connect()
            await run_job(
                identity=party.identity,
                peers={n: p.identity.record for n, p in self.parties.items() if n != name},
                contract=self.job.contract, spec=self.job.spec, policy=Policy(), journal=journal,
                transport=board.transport(JOB), clock=SystemClock(), job=self.open(name), folder=party.folder,
                state=JobState(JOB), finished=party.finished,
            )  # fmt: skip
        finally:
            party.journal = None
            await transport.close()
            journal.close()

    def open(self, party: str) -> _OpenJob:
        """Fresh role objects over the same tables, as a new process has them."""
        if party == BANK:
            b = self.job.bank.work
            work = BankWorkspace(party=party, job=JOB, spec=b.spec, seed=b.seed, data=b.data)
            return _OpenJob(BankJob(work, exported_key()))
        p = self.job.platforms[party].work
        rows = PlatformWorkspace(party=party, job=JOB, spec=p.spec, seed=p.seed, data=p.data, consents=p.consents)
        return _OpenJob(PlatformJob(rows, KeyRegistry()))

    def crash(self, name: str) -> None:
        """End the party's process; another one starts at once, from the journal."""
        life = self.parties[name].life
        if life is not None:
            life.cancel()

    # --- watching ---------------------------------------------------------------------------------------------

    def _watch(self, sender: str, receiver: str, frame: node_pb2.Frame) -> None:
        self.frames += 1
        journal = self.parties[sender].journal
        kind = frame.WhichOneof("kind")
        if journal is not None and kind == "deliver":
            seq = Header.peek(frame.deliver).seq
            held = journal.outbound(receiver, seq)
            # A repeat may be on its way while the end of a phase prunes what the peer has acknowledged.
            if held != frame.deliver and not (held is None and seq < journal.acked(receiver)):
                self.breaches.append(f"{sender} sent message {seq}, which its journal does not hold")
        elif journal is not None and kind in ("ack", "resume"):
            number = getattr(frame, kind).next_seq
            if not self._holds(journal, receiver, number - 1):
                self.breaches.append(f"{sender} claims to hold message {number - 1} of {receiver}")
        self.on_frame(sender, receiver, frame)

    @staticmethod
    def _holds(journal: Journal, peer: str, seq: int) -> bool:
        if seq < 0 or journal.inbound(peer, seq) is not None:
            return True
        used = journal.load().received.get(peer)
        return used is not None and seq < used.next_seq

    # --- results ----------------------------------------------------------------------------------------------

    def sent(self) -> LinkTrace:
        """What each party's audit trail says it sent."""
        out: LinkTrace = {}
        for name, party in self.parties.items():
            for line in party.folder.file("audit.jsonl").read_bytes().splitlines():
                entry = json.loads(line)["entry"]
                if entry["event"] == "sent":
                    link = out.setdefault((name, entry["to"]), [])
                    link.append((entry["step"], entry["type"], entry["bytes"], entry["sha256"]))
        return out

    def models(self) -> dict[str, bytes]:
        """The parties' model parts as they wrote them."""
        return {name: party.folder.file("model.json").read_bytes() for name, party in self.parties.items()}


def trace_by_link(trace: list[Sent]) -> LinkTrace:
    """A reference run's trace in the same form as :meth:`Simulation.sent`."""
    out: LinkTrace = {}
    for s in trace:
        line = (f"{s.phase}/{s.step}", s.type_name, s.size, s.digest)
        out.setdefault((s.sender, s.receiver), []).append(line)
    return out


def model_parts(job: Job) -> dict[str, bytes]:
    """The model parts of a reference run."""
    return {BANK: _part(job.bank), **{name: _part(side) for name, side in job.platforms.items()}}


def _part(job: BankJob | PlatformJob) -> bytes:
    return json.dumps(job.trees.model_part(), sort_keys=True).encode()
