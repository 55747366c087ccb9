"""How parties come to a contract: a signed proposal, signed approvals, and the contract that follows from them.

The bank publishes a proposal: the job's text, its padded rows, its record for this job. Each platform whose policy
admits it publishes an approval that names the proposal's hash, its padded rows and number of features, its own
record. Every party then derives the same contract; its digest opens every link, so
parties with different terms cannot even exchange a first message.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509

from vfl.config.job import JobSpec
from vfl.crypto.documents import SignedDocument
from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.errors import ConfigError, RemoteProtocolError, Text

__all__ = ["Approval", "Facts", "Proposal"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a party must tell before the contract: padded rows and number of features."""

    rows: int
    features: int


@dataclass(frozen=True, slots=True, repr=False)
class Proposal:
    """A bank's proposal, verified to be signed by it."""

    job: str
    spec: JobSpec
    facts: Facts
    record: PartyRecord
    id: bytes

    @classmethod
    def document(cls, identity: PartyIdentity, job: str, spec: JobSpec, facts: Facts) -> SignedDocument:
        """``identity`` is the party's identity for this job."""
        body = {"terms": spec.text, "rows": facts.rows, "features": facts.features, "record": _text(identity.record)}
        return SignedDocument.make(identity, job=job, kind="proposal", body=json.dumps(body, sort_keys=True).encode())

    @classmethod
    def read(cls, document: SignedDocument, author: PartyRecord, authority: x509.Certificate) -> Proposal:
        """``author`` is the signer's general record; RemoteProtocolError ``PROPOSAL_MALFORMED``."""
        body = _body(document, "terms", "rows", "features", "record")
        try:
            spec = JobSpec.parse(str(body["terms"]), f"proposal {document.job}")
        except ConfigError:
            raise _malformed("PROPOSAL_MALFORMED") from None
        if spec.bank != document.party:
            raise _malformed("PROPOSAL_MALFORMED")
        record = _record(str(body["record"]), author, authority, document.job)
        return cls(document.job, spec, _facts(body), record, document.id)


@dataclass(frozen=True, slots=True, repr=False)
class Approval:
    """A platform's approval of one proposal."""

    party: str
    facts: Facts
    record: PartyRecord

    @classmethod
    def document(cls, identity: PartyIdentity, proposal: Proposal, facts: Facts) -> SignedDocument:
        body = {
            "proposal": proposal.id.hex(),
            "rows": facts.rows,
            "features": facts.features,
            "record": _text(identity.record),
        }
        encoded = json.dumps(body, sort_keys=True).encode()
        return SignedDocument.make(identity, job=proposal.job, kind="approval", body=encoded)

    @classmethod
    def read(
        cls, document: SignedDocument, author: PartyRecord, authority: x509.Certificate, proposal: Proposal
    ) -> Approval:
        body = _body(document, "proposal", "rows", "features", "record")
        if body["proposal"] != proposal.id.hex() or document.party not in proposal.spec.platforms:
            raise _malformed("APPROVAL_OTHER")
        return cls(document.party, _facts(body), _record(str(body["record"]), author, authority, document.job))


def _text(record: PartyRecord) -> str:
    return base64.b64encode(record.raw).decode()


def _record(text: str, author: PartyRecord, authority: x509.Certificate, job: str) -> PartyRecord:
    """The author's record for this job: same signing key as its general one."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise _malformed("RECORD_MALFORMED") from None
    return PartyRecord.verify(raw, authority, anchor=author.anchor, job=job)


def _body(document: SignedDocument, *keys: str) -> dict[str, object]:
    try:
        body = json.loads(document.body)
        if not isinstance(body, dict) or set(body) != set(keys):
            raise ValueError("keys")
    except (ValueError, RecursionError):
        raise _malformed(f"{document.kind.upper()}_MALFORMED") from None
    return body


def _facts(body: Mapping[str, object]) -> Facts:
    rows, features = body["rows"], body["features"]
    # type() rather than isinstance(): JSON's true is no number of rows.
    if not (type(rows) is int and type(features) is int and 0 < rows < 10**9 and 0 < features < 10**5):
        raise _malformed("FACTS_MALFORMED")
    return Facts(rows, features)


def _malformed(code: str) -> RemoteProtocolError:
    return RemoteProtocolError(
        code,
        Text(en="a document of this job is not in the agreed form", zh="该任务的文档格式不符"),
        cure=Text(en="ask its author to publish it again with the same release", zh="请其作者使用同一版本重新发布"),
    )

