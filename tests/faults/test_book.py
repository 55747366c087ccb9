"""What a node makes of the job book: the coordinator and every member may write anything there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.jobs import Shape, spec_of

from vfl.config.node import NodeConfig
from vfl.crypto.certificates import CertificateAuthority, Member
from vfl.crypto.documents import SignedDocument
from vfl.crypto.identity import PartyIdentity, create_party_keys, enrol, install_certificates
from vfl.crypto.randomness import JobSeed
from vfl.errors import CryptoError
from vfl.roles import RoleName
from vfl.runtime.agreement import Approval, Facts, Proposal
from vfl.runtime.client import Party
from vfl.service.node import PartyNode

PLATFORM = "platform-a"
SPEC = spec_of(Shape(), "2026-07-01")


@dataclass
class Line:
    number: int
    id: bytes
    job: str
    kind: str
    party: str


class Book:
    """A coordinator's job book, as its client sees it."""

    def __init__(self, *members: PartyIdentity) -> None:
        self.members = members
        self.lines: list[Line] = []
        self.held: dict[bytes, SignedDocument] = {}

    def add(self, document: SignedDocument, *, number: int | None = None) -> SignedDocument:
        self.lines.append(
            Line(number or len(self.lines) + 1, document.id, document.job, document.kind, document.party)
        )
        self.held[document.id] = document
        return document

    async def documents(self, after: int = 0) -> list[Line]:
        return [line for line in self.lines if line.number > after or line.number < 0]

    async def get(self, id: bytes, author: Any) -> SignedDocument:
        document = self.held[id]
        document.verify(author)
        return document

    async def parties(self) -> list[Party]:
        return [Party(m.name, str(m.member.role), "active", True, m.record) for m in self.members]


@dataclass
class Scene:
    """A platform's node, its book, and the members that write there."""

    node: PartyNode
    book: Book
    bank: PartyIdentity
    stranger: PartyIdentity
    platform: PartyIdentity

    def read(self) -> None:
        asyncio.run(asyncio.wait_for(self.node._read_book(self.book), 10))  # type: ignore[arg-type]

    def proposal(self, job: str = "job-1", by: PartyIdentity | None = None, rows: int = 2000) -> SignedDocument:
        author = (by or self.bank).for_job(job, JobSeed(bytes(32)))
        return Proposal.document(author, job, SPEC, Facts(rows, 5))

    def says(self, who: PartyIdentity, kind: str, body: bytes = b"SOME_CODE", job: str = "job-1") -> SignedDocument:
        return SignedDocument.make(who, job=job, kind=kind, body=body)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    authority = CertificateAuthority.create(tmp_path / "authority", "book")
    member = Member(authority.network, RoleName.PLATFORM, PLATFORM)
    request = create_party_keys(tmp_path / "identity", member)
    platform = install_certificates(
        tmp_path / "identity", authority.sign(request, member), authority.certificate, member
    )
    (tmp_path / "policy.toml").write_text('approve = "ask"\n')
    config = tmp_path / "node.toml"
    config.write_text(f'name = "{PLATFORM}"\nrole = "platform"\ncoordinator = "127.0.0.1:1"\n')
    node = PartyNode(NodeConfig.read(config), _NoSide())
    bank, stranger = (enrol(authority, RoleName.BANK, name) for name in (SPEC.bank, "bank-z"))
    return Scene(node, Book(bank, stranger, platform), bank, stranger, platform)


class _NoSide:
    role = RoleName.PLATFORM

    def facts(self, job: str, spec: Any) -> Facts:
        raise NotImplementedError

    def open(self, context: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "..", ".hidden", "a/b", "x" * 120, "a:b"])
def test_job_names_stay_in_the_jobs_folder(scene: Scene, tmp_path: Path, name: str) -> None:
    before = sorted(p for p in tmp_path.rglob("*"))
    scene.book.add(scene.proposal(name))
    scene.read()
    assert sorted(p for p in tmp_path.rglob("*")) == before
    assert scene.node._jobs == {}
    assert scene.node._seen == 1


def test_the_first_proposal_counts(scene: Scene) -> None:
    first = scene.book.add(scene.proposal())
    scene.book.add(scene.proposal(rows=4000))
    scene.read()
    scene.book.add(scene.proposal(rows=8000))
    scene.read()
    proposal = scene.node._jobs["job-1"].proposal
    assert proposal is not None
    assert (proposal.id, proposal.facts.rows) == (first.id, 2000)


def test_a_bank_proposes_in_its_own_name_only(scene: Scene) -> None:
    scene.book.add(scene.proposal(by=scene.stranger))
    scene.read()
    assert scene.node._jobs == {}


def test_only_parties_of_the_job_can_end_it(scene: Scene) -> None:
    scene.book.add(scene.proposal())
    for kind in ("failed", "cancelled", "refused"):
        scene.book.add(scene.says(scene.stranger, kind))
    scene.read()
    job = scene.node._jobs["job-1"]
    assert job.state.state == "proposed"
    scene.book.add(scene.says(scene.bank, "failed", "CODE\n<b>内容</b> 42".encode()))
    scene.read()
    assert (job.state.state, job.state.code) == ("failed", "JOB_ENDED_BY_PEER")
    assert "<b>" not in job.state.message_en
    assert "内容" not in job.state.message_en


def test_documents_that_do_not_hold_are_passed_over(scene: Scene) -> None:
    good = scene.proposal("job-2")
    scene.book.add(SignedDocument("job-1", "proposal", SPEC.bank, b"{}", bytes(64)))
    scene.book.add(scene.says(scene.bank, "proposal", b"\xff not json"))
    scene.book.add(scene.says(scene.bank, "no-such-kind"))
    scene.book.add(good)
    scene.read()
    assert list(scene.node._jobs) == ["job-2"]


def test_an_unknown_author_is_passed_over(scene: Scene) -> None:
    scene.book.members = (scene.platform,)
    scene.book.add(scene.proposal())
    with pytest.raises(CryptoError):
        asyncio.run(scene.node._record_of(scene.book, SPEC.bank))  # type: ignore[arg-type]
    scene.read()
    assert scene.node._jobs == {}
    assert scene.node._seen == 1


def test_a_list_that_does_not_end_ends(scene: Scene) -> None:
    scene.book.add(scene.proposal())
    scene.book.add(scene.proposal("job-2"), number=-5)
    scene.read()
    assert list(scene.node._jobs) == ["job-1"]


def test_a_peer_that_has_ended_well_is_remembered(scene: Scene) -> None:
    scene.book.add(scene.proposal())
    scene.book.add(scene.says(scene.bank, "done", b""))
    scene.book.add(scene.says(scene.stranger, "done", b""))
    scene.read()
    finished = scene.node._jobs["job-1"].finished
    assert {name for name, event in finished.items() if event.is_set()} == {SPEC.bank}


@pytest.mark.parametrize("change", [lambda body: body.replace(b'"rows": 9', b'"rows": -9'), lambda body: body + b" "])
def test_an_approval_of_other_terms_does_not_count(scene: Scene, change: Callable[[bytes], bytes]) -> None:
    scene.book.add(scene.proposal())
    scene.read()
    proposal = scene.node._jobs["job-1"].proposal
    assert proposal is not None
    own = scene.platform.for_job("job-1", JobSeed(bytes(32)))
    approval = Approval.document(own, proposal, Facts(9, 3))
    scene.book.add(SignedDocument("job-1", "approval", PLATFORM, change(approval.body), approval.signature))
    scene.read()
    assert scene.node._jobs["job-1"].approvals == {}
    scene.book.add(approval)
    scene.read()
    assert scene.node._jobs["job-1"].approvals[PLATFORM].facts == Facts(9, 3)
