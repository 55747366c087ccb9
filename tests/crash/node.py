"""A party's node that kills itself where its plan says: ``python -m tests.crash.node bank --config node.toml``.

It is the node that institutions run, with two differences. Points are set around everything durable or visible:
each write of the journal, each envelope handed to the transport, each document published, each file of the job
folder. And the role objects of every job are told one job name, one seed and one key, so that all jobs of a matrix
have the same rows in the same order and must end in the same model.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import party_bank.node
import party_platform.node
from party_bank.node import BankSide
from party_platform.node import PlatformSide
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.crypto.documents import SignedDocument
from vfl.crypto.envelope import Header
from vfl.crypto.keyproof import KeyRegistry
from vfl.runtime.agreement import Facts
from vfl.runtime.client import CoordinatorClient
from vfl.runtime.journal import Checkpoint
from vfl.runtime.switchboard import JobTransport
from vfl.service.folder import JobFolder, JobState
from vfl.service.main import serve
from vfl.service.side import JobContext, PartyJob, Side

from .disk import TroubledJournal
from .points import KEYS, CrashPlan

SAME_JOB = "crash-matrix"
"""What role objects take for the job's name, whatever it is."""

_plans: dict[str, CrashPlan] = {}


def _plan(job: str) -> CrashPlan:
    return _plans[job]


class CrashJournal(TroubledJournal):
    """Passes a point before and after each write."""

    def __init__(self, path: Path, storage_key: bytes) -> None:
        self._plan = _plans.setdefault(path.parent.name, CrashPlan(path.parent))
        super().__init__(path, storage_key)

    def _around(self, points: Sequence[str], write: Callable[[], Any]) -> Any:
        for point in points:
            self._plan.reach(f"{point}:before")
        result = write()
        for point in points:
            self._plan.reach(f"{point}:after")
        return result

    def once(self, name: str, value: bytes) -> bytes:
        if name == "seed":
            value = hashlib.sha256(b"the same in every job").digest()
        if name == "key":
            value = self._same_key(value)
        kept: bytes = self._around([f"once/{name}"], lambda: super(CrashJournal, self).once(name, value))
        return kept

    def _same_key(self, fresh: bytes) -> bytes:
        """The first key of its length that this kind of party made, in any network of the driver."""
        kept = Path(os.environ[KEYS]) / f"{self.path.parents[2].name}-{len(fresh)}"
        made = kept.with_name(f"{kept.name}.{os.getpid()}")
        made.write_bytes(fresh)
        with contextlib.suppress(FileExistsError):
            os.link(made, kept)
        return kept.read_bytes()

    def record_outbound(self, peer: str, seq: int, envelope: bytes, audit: tuple[int, bytes]) -> None:
        write = super().record_outbound
        self._around([f"out/{peer}/{seq}"], lambda: write(peer, seq, envelope, audit))

    def record_inbound(self, envelopes: Sequence[Any], *more: Any) -> None:
        write = super().record_inbound
        self._around([f"in/{e[0]}/{e[1]}" for e in envelopes], lambda: write(envelopes, *more))

    def record_audit(self, index: int, entry: bytes) -> None:
        write = super().record_audit
        self._around([f"audit/{index}"], lambda: write(index, entry))

    def checkpoint(self, name: str, result: tuple[str, bytes], state: Checkpoint) -> None:
        write = super().checkpoint
        self._around([f"checkpoint/{name}"], lambda: write(name, result, state))

    def forget_secrets(self) -> None:
        self._around(["forget"], super().forget_secrets)


class SameJob:
    """A side whose role objects believe that every job has the same name."""

    def __init__(self, inner: Side) -> None:
        self.role = inner.role
        self._inner = inner

    def facts(self, job: str, spec: JobSpec) -> Facts:
        return self._inner.facts(job, spec)

    def open(self, context: JobContext) -> PartyJob:
        return self._inner.open(replace(context, job=SAME_JOB))


def _allow_the_same_key() -> None:
    """Nodes refuse a key that they know from another job; here all jobs have one."""
    for node in (party_bank.node, party_platform.node):
        node.known_keys = lambda *_: KeyRegistry()  # type: ignore[attr-defined]


def _set_points() -> None:
    """Points outside the journal, on the classes of this process."""
    send, publish, write, save = JobTransport.send, CoordinatorClient.publish, JobFolder.write, JobFolder.save
    states: dict[str, str] = {}

    async def crashing_send(self: JobTransport, envelope: bytes) -> None:
        await send(self, envelope)
        header = Header.peek(envelope)
        _plan(header.link.job).reach(f"sent/{header.link.receiver}/{header.seq}:after")

    async def crashing_publish(self: CoordinatorClient, document: SignedDocument) -> int:
        plan = _plans.get(document.job)
        if plan is not None:
            plan.reach(f"publish/{document.kind}:before")
        number = await publish(self, document)
        if plan is not None:
            plan.reach(f"publish/{document.kind}:after")
        return number

    def crashing_write(self: JobFolder, name: str, content: bytes) -> None:
        plan = None if name == "state.json" else _plans.setdefault(self.job, CrashPlan(self.path))
        if plan is not None:
            plan.reach(f"file/{name}:before")
        write(self, name, content)
        if plan is not None:
            plan.reach(f"file/{name}:after")

    def crashing_save(self: JobFolder, state: JobState) -> None:
        plan = _plans.setdefault(self.job, CrashPlan(self.path))
        changed = states.get(self.job) != state.state  # progress is written by the clock: no point of the job
        states[self.job] = state.state
        if changed:
            plan.reach(f"state/{state.state}:before")
        save(self, state)
        if changed:
            plan.reach(f"state/{state.state}:after")

    JobTransport.send = crashing_send  # type: ignore[method-assign]
    CoordinatorClient.publish = crashing_publish  # type: ignore[method-assign]
    JobFolder.write = crashing_write  # type: ignore[method-assign]
    JobFolder.save = crashing_save  # type: ignore[method-assign]


def main(role: str, arguments: Sequence[str]) -> int:
    side: Callable[[NodeConfig], Side] = BankSide if role == "bank" else PlatformSide
    _allow_the_same_key()
    _set_points()
    return serve("tests.crash.node", lambda config: SameJob(side(config)), arguments, journal_class=CrashJournal)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
