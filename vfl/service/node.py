"""A party's node: one connection to the coordinator, any number of jobs one after another.

It polls two places: its own ``jobs`` folder, where the operator's commands leave requests, and the coordinator's
job book, where the other parties' signed documents appear. Everything it decides follows from documents and
folders, so it may be killed at any moment and started again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial

from vfl import __version__
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.config.policy import Policy
from vfl.crypto.documents import SignedDocument
from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.crypto.randomness import JobSeed
from vfl.errors import ConfigError, JobAborted, Place, PolicyRefused, Text, TransportError, VflError
from vfl.protocols.plan import contract_of
from vfl.roles import RoleName
from vfl.runtime.agreement import Approval, Facts, Proposal
from vfl.runtime.client import CoordinatorClient
from vfl.runtime.clock import SystemClock
from vfl.runtime.grpc import GrpcTransport
from vfl.runtime.journal import Journal
from vfl.runtime.switchboard import Switchboard
from vfl.service.folder import JobFolder, JobState, job_folders
from vfl.service.runner import run_job
from vfl.service.side import JobContext, Side
from vfl.service.storage import storage_key

__all__ = ["PartyNode"]

log = logging.getLogger(__name__)

_POLL_S = 0.2


@dataclass(slots=True)
class _Job:
    """A job as this node follows it."""

    folder: JobFolder
    state: JobState
    proposal: Proposal | None = None
    approvals: dict[str, Approval] = field(default_factory=dict)
    approved: bool = False
    journal: Journal | None = None
    seed: JobSeed | None = None
    task: asyncio.Task[None] | None = None


class PartyNode:
    """Runs until cancelled.

    Parameters
    ----------
    config : NodeConfig
    side : Side
        What the node package does in a job.
    journal_class : type
        The journal to use; tests inject one that dies at a chosen write.
    """

    def __init__(self, config: NodeConfig, side: Side, *, journal_class: type[Journal] = Journal) -> None:
        self._config = config
        self._side = side
        self._journal_class = journal_class
        self._identity = PartyIdentity.load(config.identity)
        if self._identity.name != config.name or self._identity.member.role is not config.role:
            raise _other_identity(config)
        self._policy = Policy.read(config.policy)
        self._storage_key = storage_key(config.identity)
        self._jobs: dict[str, _Job] = {}
        self._records: dict[str, PartyRecord] = {}
        self._seen = 0
        self._transport = GrpcTransport(
            self._identity, config.coordinator, software=f"joint-credit-lab {__version__}",
            reload=partial(PartyIdentity.load, config.identity),
        )  # fmt: skip
        self._board = Switchboard(self._transport)
        self._running = asyncio.Lock()

    async def run(self) -> None:
        """Connect and serve; returns only by cancellation or a failure that no retry can mend."""
        self._config.jobs.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            await self._transport.connect()
            log.info("%s connected to the coordinator at %s", self._config.name, self._config.coordinator)
            async with CoordinatorClient(self._identity, self._config.coordinator) as client:
                failed = asyncio.ensure_future(self._transport.failed())
                while not failed.done():
                    await self._poll(client)
                    await asyncio.wait({failed}, timeout=_POLL_S)
                failed.result()
        finally:
            tasks = [j.task for j in self._jobs.values() if j.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._transport.close()

    async def _poll(self, client: CoordinatorClient) -> None:
        try:
            await self._read_book(client)
        except TransportError as error:
            log.warning("%s", error)
            return
        for folder in job_folders(self._config.jobs):
            if folder.job not in self._jobs and folder.file("request.toml").exists():
                self._jobs[folder.job] = _Job(folder, folder.load())
        for job in list(self._jobs.values()):
            try:
                await self._advance(client, job)
            except TransportError as error:
                log.warning("%s: %s", job.folder.job, error)
            except VflError as error:
                await self._give_up(client, job, error)

    # --- the job book -----------------------------------------------------------------------------------------

    async def _read_book(self, client: CoordinatorClient) -> None:
        for line in await client.documents(after=self._seen):
            known = await self._record_of(client, line.party)
            if known is not None:
                await self._take(await client.get(line.id, known), known)
            self._seen = line.number

    async def _record_of(self, client: CoordinatorClient, party: str) -> PartyRecord | None:
        if party not in self._records:
            self._records |= {p.name: p.record for p in await client.parties() if p.record is not None}
        return self._records.get(party)

    async def _take(self, document: SignedDocument, author: PartyRecord) -> None:
        """One verified document of the book; those of jobs without us are skipped."""
        try:
            if document.kind == "proposal":
                proposal = Proposal.read(document, author, self._identity.authority)
                if self._config.name in (proposal.spec.bank, *proposal.spec.platforms):
                    self._job(document.job).proposal = proposal
                return
            job = self._jobs.get(document.job)
            if job is None or job.proposal is None or document.party == self._config.name:
                if job is not None and job.proposal is not None and document.kind == "approval":
                    self._approve(job, document, author)
                return
            if document.kind == "approval":
                self._approve(job, document, author)
            elif document.kind in ("failed", "cancelled", "refused") and not job.state.final:
                await self._stop(job, _aborted(document), "cancelled" if document.kind == "cancelled" else "failed")
        except VflError as error:
            log.warning("document %s of %s by %s: %s", document.kind, document.job, document.party, error.code)

    def _approve(self, job: _Job, document: SignedDocument, author: PartyRecord) -> None:
        if job.proposal is not None:
            job.approvals[document.party] = Approval.read(document, author, self._identity.authority, job.proposal)

    def _job(self, name: str) -> _Job:
        if name not in self._jobs:
            folder = JobFolder(self._config.jobs, name)
            folder.make()
            self._jobs[name] = _Job(folder, folder.load())
        return self._jobs[name]

    # --- one job ----------------------------------------------------------------------------------------------

    async def _advance(self, client: CoordinatorClient, job: _Job) -> None:
        """Take the next step that is due; called at every poll."""
        if job.state.final:
            self._close(job)
            return
        if job.folder.file("cancel").exists():
            await self._publish(client, job, "cancelled", b"{}")
            await self._stop(job, _cancelled_here(), "cancelled")
            return
        if job.proposal is None:
            if self._side.role is RoleName.BANK and not job.approved:
                await self._propose(client, job)
            return
        if self._side.role is RoleName.PLATFORM and self._config.name not in job.approvals:
            await self._answer(client, job)
        if job.task is None and set(job.approvals) == set(job.proposal.spec.platforms):
            job.task = asyncio.create_task(self._run(client, job))

    async def _propose(self, client: CoordinatorClient, job: _Job) -> None:
        spec = JobSpec.read(job.folder.file("request.toml"))
        self._policy.admit(spec)
        facts = await asyncio.to_thread(self._side.facts, job.folder.job, spec)
        identity = self._open_journal(job)
        document = Proposal.document(identity, job.folder.job, spec, facts)
        await client.publish(document)
        job.approved = True
        self._set(job, "proposed")

    async def _answer(self, client: CoordinatorClient, job: _Job) -> None:
        proposal = job.proposal
        if proposal is None:
            return
        self._policy.admit(proposal.spec)
        if self._policy.approve == "ask" and not job.folder.file("approved").exists():
            if job.state.state != "waiting-approval":
                job.folder.write("proposal.toml", proposal.spec.text.encode())
                self._set(job, "waiting-approval")
            return
        facts: Facts = await asyncio.to_thread(self._side.facts, job.folder.job, proposal.spec)
        identity = self._open_journal(job)
        await client.publish(Approval.document(identity, proposal, facts))
        self._set(job, "approved")
        job.approvals[self._config.name] = Approval(self._config.name, facts, identity.record)

    def _open_journal(self, job: _Job) -> PartyIdentity:
        """Open the job's journal and return this party's identity for the job."""
        if job.journal is None or job.seed is None:
            job.folder.make()
            job.journal = self._journal_class(job.folder.file("journal.db"), self._storage_key)
            job.seed = JobSeed(job.journal.once("seed", JobSeed.fresh().expose()))
        return self._identity.for_job(job.folder.job, job.seed)

    async def _run(self, client: CoordinatorClient, job: _Job) -> None:
        """One job at a time: bulk cryptography uses all cores anyway."""
        proposal = job.proposal
        if proposal is None:
            return
        async with self._running:
            try:
                await self._run_contracted(job, proposal)
                self._set(job, "done")
                await self._publish(client, job, "done", b"{}")
            except VflError as error:
                await self._give_up(client, job, error)
            except Exception as error:
                log.exception("job %s", job.folder.job)
                await self._give_up(client, job, _defect(error))
            finally:
                self._close(job)

    async def _run_contracted(self, job: _Job, proposal: Proposal) -> None:
        spec, name = proposal.spec, job.folder.job
        identity = self._open_journal(job)
        journal, seed = job.journal, job.seed
        if journal is None or seed is None:
            return
        facts = {p: a.facts for p, a in job.approvals.items()}
        records = {proposal.spec.bank: proposal.record} | {p: a.record for p, a in job.approvals.items()}
        contract = contract_of(
            name, spec, rows=proposal.facts.rows, sizes={p: f.rows for p, f in facts.items()},
            features={p: f.features for p, f in facts.items()},
            anchors={p: r.anchor.hex() for p, r in records.items()},
        )  # fmt: skip
        job.folder.write("contract.json", contract.canonical())
        self._set(job, "running")
        progress = partial(self._note, job)
        context = JobContext(self._config.name, name, spec, seed, journal.once, progress)
        opened = await asyncio.to_thread(self._side.open, context)
        peers = {p: r for p, r in records.items() if p != self._config.name}
        try:
            await run_job(
                identity=identity, peers=peers, contract=contract, spec=spec, policy=self._policy, journal=journal,
                transport=self._board.transport(name), clock=SystemClock(), job=opened, folder=job.folder,
                state=job.state,
            )  # fmt: skip
        finally:
            opened.wipe()

    def _note(self, job: _Job, stage: str, share: float) -> None:
        job.state.stage, job.state.share = stage, share

    def _set(self, job: _Job, state: str) -> None:
        job.state.state = state
        job.folder.save(job.state)

    async def _publish(self, client: CoordinatorClient, job: _Job, kind: str, body: bytes) -> None:
        document = SignedDocument.make(self._identity, job=job.folder.job, kind=kind, body=body)
        await client.publish(document)

    async def _give_up(self, client: CoordinatorClient, job: _Job, error: VflError) -> None:
        """End a job with an error: full text here, code only to the others."""
        log.error("job %s: %s", job.folder.job, error)
        refused = isinstance(error, PolicyRefused) and job.task is None
        job.state.fail(error, "refused" if refused else "failed")
        job.folder.save(job.state)
        try:
            await self._publish(client, job, "refused" if refused else "failed", error.code.encode())
        except VflError as unsent:
            log.warning("the others could not be told: %s", unsent.code)

    async def _stop(self, job: _Job, error: VflError, state: str) -> None:
        if job.task is not None and job.task is not asyncio.current_task():
            job.task.cancel()
            await asyncio.gather(job.task, return_exceptions=True)
        job.state.fail(error, state)
        job.folder.save(job.state)
        self._close(job)

    def _close(self, job: _Job) -> None:
        """A job that has ended keeps no secret: seed, key and role state go."""
        journal_file = job.folder.file("journal.db")
        if not job.state.final or not journal_file.exists() or job.folder.file("closed").exists():
            return
        journal = job.journal or self._journal_class(journal_file, self._storage_key)
        journal.forget_secrets()
        journal.close()
        job.journal = job.seed = None
        job.folder.write("closed", b"")


def _other_identity(config: NodeConfig) -> ConfigError:
    return ConfigError(
        "NODE_IDENTITY",
        Text(en=f"the identity folder is not that of {config.role} {config.name}",
             zh=f"身份目录不属于 {config.role} {config.name}"),
        cure=Text(en="set name and role as in the invitation, or name the right folder",
                  zh="按邀请填写 name 与 role，或指定正确的身份目录"),
        place=Place(column="identity"),
    )


def _aborted(document: SignedDocument) -> JobAborted:
    code = "".join(c for c in document.body.decode("ascii", "replace") if c.isalnum() or c == "_")[:60]
    return JobAborted(
        "JOB_ENDED_BY_PEER",
        Text(en=f"{document.party} ended the job ({document.kind}: {code})",
             zh=f"{document.party} 终止了任务（{document.kind}：{code}）"),
        cure=Text(en=f"ask {document.party} for the cause; its log has the details",
                  zh=f"请向 {document.party} 询问原因，其日志有详细信息"),
    )


def _cancelled_here() -> JobAborted:
    return JobAborted(
        "JOB_CANCELLED",
        Text(en="cancelled by this party's operator; the job's keys were wiped",
             zh="本方管理员已取消任务，任务密钥已清除"),
        cure=Text(en="start a new job if it is still wanted", zh="如仍需要，请重新发起任务"),
    )


def _defect(error: Exception) -> JobAborted:
    return JobAborted(
        "JOB_DEFECT",
        Text(en=f"the program failed ({type(error).__name__})", zh=f"程序出错（{type(error).__name__}）"),
        cure=Text(en="report it with this node's log; the log holds no data",
                  zh="请附本节点日志报告该问题；日志不含数据"),
    )
