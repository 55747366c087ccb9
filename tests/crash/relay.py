"""A coordinator that kills itself where its plan says: ``python -m tests.crash.relay --config coordinator.toml``."""

from __future__ import annotations

import sys
from pathlib import Path

from coordinator.__main__ import main
from coordinator.jobs import JobBook
from coordinator.relay import Peer
from coordinator.witness import Witness
from vfl.crypto.documents import SignedDocument
from vfl.crypto.envelope import Envelope, Header, Link
from vfl.crypto.identity import PartyRecord

from .points import CrashPlan


def _set_points(plans: Path) -> None:
    note, deliver, publish = Witness.note, Peer.deliver, JobBook.publish

    def plan(job: str) -> CrashPlan:
        return CrashPlan(plans / job)

    def crashing_note(self: Witness, envelope: Envelope) -> None:
        link = envelope.header.link
        point = f"witness/{link.sender}/{link.receiver}/{envelope.header.seq}"
        plan(link.job).reach(f"{point}:before")
        note(self, envelope)
        plan(link.job).reach(f"{point}:after")

    def crashing_deliver(self: Peer, link: Link, raw: bytes) -> None:
        deliver(self, link, raw)
        plan(link.job).reach(f"deliver/{link.sender}/{link.receiver}/{Header.peek(raw).seq}:after")

    def crashing_publish(self: JobBook, document: SignedDocument, author: PartyRecord) -> int:
        point = f"book/{document.party}/{document.kind}"
        plan(document.job).reach(f"{point}:before")
        number = publish(self, document, author)
        plan(document.job).reach(f"{point}:after")
        return number

    Witness.note = crashing_note  # type: ignore[method-assign]
    Peer.deliver = crashing_deliver  # type: ignore[method-assign]
    JobBook.publish = crashing_publish  # type: ignore[method-assign]


if __name__ == "__main__":
    _set_points(Path(sys.argv[sys.argv.index("--config") + 1]).parent / "crash")
    sys.exit(main(sys.argv[1:]))
