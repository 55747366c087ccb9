"""A party's node: one connection to the coordinator, any number of jobs side by side.

It polls two places: its own ``jobs`` folder, where the operator's commands leave requests, and the coordinator's
job book, where the other parties' signed documents appear. Everything it decides follows from documents and
folders, so it may be killed at any moment and started again. Of several documents of one kind by one party for one
job the first in the book counts, for everyone alike.

Jobs do not queue behind one another: two nodes that took them in different orders would wait for each other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial

from vfl import __version__
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.config.policy import Policy
from vfl.crypto.documents import SignedDocument
from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.crypto.randomness import JobSeed
from vfl.errors import ConfigError, CryptoError, Place, PolicyRefused, Text, TransportError, VflError
from vfl.protocols.plan import contract_of
from vfl.roles import RoleName
from vfl.runtime.agreement import Approval, Facts, Proposal
from vfl.runtime.client import CoordinatorClient
from vfl.runtime.clock import SystemClock
from vfl.runtime.grpc import GrpcTransport
from vfl.runtime.journal import Journal
from vfl.runtime.switchboard import Switchboard
from vfl.service.endings import away, defect, ended_by_peer, stopped_here, wipe
from vfl.service.folder import JobFolder, is_job_name, job_folders
from vfl.service.follow import FollowedJob
from vfl.service.runner import run_job
from vfl.service.side import JobContext, Side
from vfl.service.storage import storage_key

__all__ = ["PartyNode"]

log = logging.getLogger(__name__)

_POLL_S = 0.2
_RETRY_S = 2.0
"""Between attempts at a paused job."""
_GRACE_S = 3.0
"""A peer that restarts is away for a moment; only then is it said."""


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
        self._jobs: dict[str, FollowedJob] = {}
        self._records: dict[str, PartyRecord] = {}
        self._seen = 0
        self._complaints: dict[str, str] = {}
        self._transport = GrpcTransport(
            self._identity, config.coordinator, software=f"joint-credit-lab {__version__}",
            reload=partial(PartyIdentity.load, config.identity),
        )  # fmt: skip
        self._board = Switchboard(self._transport)

    async def run(self) -> None:
        """Connect and serve; returns only by cancellation or a failure that no retry can mend.

        Without the coordinator the operator's commands still work: a cancelled job's keys are wiped at once.
        """
        self._config.jobs.mkdir(parents=True, exist_ok=True, mode=0o700)
        connecting = asyncio.create_task(self._transport.connect())
        failed = asyncio.create_task(self._transport.failed())
        try:
            async with CoordinatorClient(self._identity, self._config.coordinator) as client:
                while not failed.done():
                    await self._poll(client)
                    await asyncio.wait({failed}, timeout=_POLL_S)
                failed.result()
        finally:
            tasks = [connecting, failed, *(j.task for j in self._jobs.values() if j.task is not None)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._transport.close()

    async def _poll(self, client: CoordinatorClient) -> None:
        for folder in job_folders(self._config.jobs):
            if folder.job not in self._jobs:
                self._find(folder)
        try:
            await self._read_book(client)
            book_read = True
            self._complain("book", "")
        except TransportError as error:
            book_read = False
            self._complain("book", str(error))
        for job in list(self._jobs.values()):
            try:
                await self._advance(client, job, book_read)
            except TransportError as error:
                self._pause(job, error)
            except VflError as error:
                self._give_up(job, error)
            except Exception as error:
                log.exception("job %s", job.name)
                self._give_up(job, defect(error))

    def _find(self, folder: JobFolder) -> None:
        """A job folder that this process has not seen: a request, or a job from before a restart."""
        if not (folder.file("request.toml").exists() or folder.file("state.json").exists()):
            return
        try:
            self._jobs[folder.job] = FollowedJob(folder, folder.load())
            self._complain(folder.job, "")
        except VflError as error:
            self._complain(folder.job, str(error))

    def _complain(self, about: str, what: str) -> None:
        """Log what is found at every poll when it changes only."""
        if what and self._complaints.get(about) != what:
            log.warning("%s", what)
        self._complaints[about] = what

    # --- the job book -----------------------------------------------------------------------------------------

    async def _read_book(self, client: CoordinatorClient) -> None:
        while lines := [x for x in await client.documents(after=self._seen) if x.number > self._seen]:
            for line in lines:
                job = self._jobs.get(line.job)
                if is_job_name(line.job) and (job is None or not job.state.final):
                    await self._read_line(client, line.id, line.party)
                self._seen = line.number

    async def _read_line(self, client: CoordinatorClient, id: bytes, party: str) -> None:
        """One document; those that do not hold or do not concern us are passed over."""
        try:
            author = await self._record_of(client, party)
            try:
                document = await client.get(id, author)
            except CryptoError:  # the author may have new keys since we looked
                document = await client.get(id, await self._record_of(client, party, anew=True))
            await self._take(document, author)
        except TransportError:
            raise
        except VflError as error:
            log.warning("passed over a document of %s in the job book: %s", party, error.code)

    async def _record_of(self, client: CoordinatorClient, party: str, *, anew: bool = False) -> PartyRecord:
        if anew or party not in self._records:
            self._records |= {p.name: p.record for p in await client.parties() if p.record is not None}
        if party not in self._records:
            raise CryptoError(
                "NO_RECORD",
                Text(en=f"{party} has shown no valid record", zh=f"{party} 未出示有效的身份记录"),
                cure=Text(en="it must connect its node first", zh="请该方先连接其节点"),
            )
        return self._records[party]

    async def _take(self, document: SignedDocument, author: PartyRecord) -> None:
        if document.kind == "proposal":
            proposal = Proposal.read(document, author, self._identity.authority)
            if self._config.name in (proposal.spec.bank, *proposal.spec.platforms):
                job = self._job(document.job)
                job.proposal = job.proposal or proposal
            return
        found = self._jobs.get(document.job)
        if found is None or found.proposal is None or document.party not in found.parties:
            return
        if document.kind == "approval":
            approval = Approval.read(document, author, self._identity.authority, found.proposal)
            found.approvals.setdefault(document.party, approval)
        elif document.party == self._config.name:
            return  # what we said ourselves is in our state
        elif document.kind == "done":
            found.finished[document.party].set()
        elif document.kind in ("failed", "cancelled", "refused"):
            await self._stop(found, ended_by_peer(document), document.kind, told=True)

    def _job(self, name: str) -> FollowedJob:
        if name not in self._jobs:
            folder = JobFolder(self._config.jobs, name)
            folder.make()
            self._jobs[name] = FollowedJob(folder, folder.load())
        return self._jobs[name]

    # --- one job ----------------------------------------------------------------------------------------------

    async def _advance(self, client: CoordinatorClient, job: FollowedJob, book_read: bool) -> None:
        """Take the next step that is due; called at every poll."""
        if time.monotonic() < job.retry_at:
            return
        if not job.state.final and job.folder.file("cancel").exists():
            await self._stop(job, stopped_here(), "cancelled")
        if job.state.final:
            await self._settle(client, job)
        elif job.task is not None:
            self._show_trouble(job)
        elif book_read and job.proposal is None:
            if self._side.role is RoleName.BANK and not job.proposed:
                await self._propose(client, job)
        elif book_read and job.proposal is not None:
            if self._side.role is RoleName.PLATFORM and self._config.name not in job.approvals:
                await self._answer(client, job, job.proposal)
            elif set(job.approvals) == set(job.proposal.spec.platforms):
                job.task = asyncio.create_task(self._run(client, job, job.proposal))

    async def _propose(self, client: CoordinatorClient, job: FollowedJob) -> None:
        spec = JobSpec.read(job.folder.file("request.toml"))
        self._policy.admit(spec)
        facts = await asyncio.to_thread(self._side.facts, job.name, spec)
        identity = self._open_journal(job)[0]
        await client.publish(Proposal.document(identity, job.name, spec, facts))
        job.proposed = True
        self._set(job, "proposed")

    async def _answer(self, client: CoordinatorClient, job: FollowedJob, proposal: Proposal) -> None:
        self._policy.admit(proposal.spec)
        if self._policy.approve == "ask" and not job.folder.file("approved").exists():
            if job.state.state != "waiting-approval":
                job.folder.write("proposal.toml", proposal.spec.text.encode())
                self._set(job, "waiting-approval")
            return
        facts: Facts = await asyncio.to_thread(self._side.facts, job.name, proposal.spec)
        identity = self._open_journal(job)[0]
        await client.publish(Approval.document(identity, proposal, facts))
        self._set(job, "approved")

    def _open_journal(self, job: FollowedJob) -> tuple[PartyIdentity, Journal, JobSeed]:
        """The job's journal, this party's identity for the job, and the job's seed."""
        job.folder.make()
        if job.journal is None:
            job.journal = self._journal_class(job.folder.file("journal.db"), self._storage_key)
        seed = JobSeed(job.journal.once("seed", JobSeed.fresh().expose()))
        return self._identity.for_job(job.name, seed), job.journal, seed

    async def _run(self, client: CoordinatorClient, job: FollowedJob, proposal: Proposal) -> None:
        try:
            await self._run_contracted(job, proposal)
            # Told before it is final here: a crash in between repeats it, and no peer waits for a word in vain.
            await self._publish(client, job, "done")
            job.state.told = True
            self._set(job, "done")
        except TransportError as error:
            self._pause(job, error)
        except VflError as error:
            self._give_up(job, error)
        except Exception as error:
            log.exception("job %s", job.name)
            self._give_up(job, defect(error))
        finally:
            job.task = None
        if job.state.final:
            self._wipe(job)

    async def _run_contracted(self, job: FollowedJob, proposal: Proposal) -> None:
        spec = proposal.spec
        identity, journal, seed = self._open_journal(job)
        facts = {p: a.facts for p, a in job.approvals.items()}
        records = {spec.bank: proposal.record} | {p: a.record for p, a in job.approvals.items()}
        contract = contract_of(
            job.name, spec, rows=proposal.facts.rows, sizes={p: f.rows for p, f in facts.items()},
            features={p: f.features for p, f in facts.items()}, bank_features=proposal.facts.features,
            anchors={p: r.anchor.hex() for p, r in records.items()},
        )  # fmt: skip
        job.folder.write("contract.json", contract.canonical())
        self._set(job, "running")
        progress = partial(self._note, job)
        context = JobContext(self._config.name, job.name, spec, seed, journal.once, progress)
        opened = await asyncio.to_thread(self._side.open, context)
        try:
            await run_job(
                identity=identity, peers={p: r for p, r in records.items() if p != self._config.name},
                contract=contract, spec=spec, policy=self._policy, journal=journal,
                transport=self._board.transport(job.name), clock=SystemClock(), job=opened, folder=job.folder,
                state=job.state, finished=job.finished,
            )  # fmt: skip
        finally:
            opened.wipe()

    def _note(self, job: FollowedJob, stage: str, share: float) -> None:
        job.state.stage, job.state.share = stage, share

    def _set(self, job: FollowedJob, state: str) -> None:
        job.state.state = state
        job.state.code = job.state.message_en = job.state.message_zh = ""
        job.folder.save(job.state)

    async def _publish(self, client: CoordinatorClient, job: FollowedJob, kind: str) -> None:
        """Tell the others how the job ended here: by a code, never more."""
        body = job.state.code.encode()
        await client.publish(SignedDocument.make(self._identity, job=job.name, kind=kind, body=body))

    # --- trouble and endings ----------------------------------------------------------------------------------

    def _show_trouble(self, job: FollowedJob) -> None:
        """Say in the state what a running job waits for when that may take long; take it back when it has come."""
        trouble = away(job.state.waiting_for, self._board)
        now = time.monotonic()
        if trouble is None:
            job.troubled_at = None
            if job.state.state == "paused":
                self._set(job, "running")
            return
        if job.troubled_at is None:
            job.troubled_at = now
        if now >= job.troubled_at + _GRACE_S and job.state.code != trouble.code:
            log.warning("job %s: %s", job.name, trouble)
            job.state.fail(trouble, "paused")
            job.folder.save(job.state)

    def _pause(self, job: FollowedJob, error: VflError) -> None:
        """What a retry may find mended: coordinator away, disk full. The journal is opened anew then."""
        job.retry_at = time.monotonic() + _RETRY_S
        self._complain(job.name, f"job {job.name}: {error}")
        if job.journal is not None:
            job.journal.close()
            job.journal = None
        if not job.state.final:
            job.state.fail(error, "paused")
            self._save(job)

    def _give_up(self, job: FollowedJob, error: VflError) -> None:
        """End a job with an error: full text here, a code to the others (at the next poll)."""
        log.error("job %s: %s", job.name, error)
        refused = isinstance(error, PolicyRefused) and job.task is None
        job.state.fail(error, "refused" if refused else "failed")
        self._save(job)

    async def _stop(self, job: FollowedJob, error: VflError, state: str, *, told: bool = False) -> None:
        if job.task is not None:
            job.task.cancel()
            await asyncio.gather(job.task, return_exceptions=True)
        if job.state.final:
            return  # it ended while we asked it to
        log.warning("job %s: %s", job.name, error)
        job.state.fail(error, state)
        job.state.told = told
        self._save(job)
        self._wipe(job)

    def _save(self, job: FollowedJob) -> None:
        """Save the state if the disk lets us; an ended job's is saved again when it is settled."""
        try:
            job.folder.save(job.state)
        except TransportError as error:
            self._complain(job.name, str(error))

    def _wipe(self, job: FollowedJob) -> None:
        """Wipe at once; where the disk does not let us, :meth:`_settle` tries again."""
        try:
            wipe(job, self._identity, self._journal_class, self._storage_key)
        except TransportError as error:
            self._pause(job, error)

    async def _settle(self, client: CoordinatorClient, job: FollowedJob) -> None:
        """An ended job keeps no secret, and the others know of it."""
        if job.settled:
            return
        job.folder.save(job.state)
        wipe(job, self._identity, self._journal_class, self._storage_key)
        if not job.state.told:
            await self._publish(client, job, job.state.state)
            job.state.told = True
            job.folder.save(job.state)
        job.settled = True


def _other_identity(config: NodeConfig) -> ConfigError:
    return ConfigError(
        "NODE_IDENTITY",
        Text(en=f"the identity folder is not that of {config.role} {config.name}",
             zh=f"身份目录不属于 {config.role} {config.name}"),
        cure=Text(en="set name and role as in the invitation, or name the right folder",
                  zh="按邀请填写 name 与 role，或指定正确的身份目录"),
        place=Place(column="identity"),
    )
