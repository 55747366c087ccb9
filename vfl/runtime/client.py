"""A party's calls to the coordinator: join a network, renew a certificate, the job book, the list of parties.

What comes back is verified here before anyone uses it: certificates and records against the authority,
documents against their authors, the witness's head against the coordinator.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from vfl.crypto.certificates import read_certificate
from vfl.crypto.documents import SignedDocument, check_head
from vfl.crypto.identity import PartyIdentity, PartyRecord, create_party_keys, install_certificates
from vfl.crypto.invitation import Invitation
from vfl.errors import CryptoError, RemoteProtocolError, Text, VflError
from vfl.pb.v1 import node_pb2
from vfl.runtime.grpc import ENROLMENT, JOBS, OBSERVER, REGISTRY, Stub, enrolment_channel, member_channel, unary

__all__ = ["CoordinatorClient", "Party", "WitnessPage", "join", "renew"]


@dataclass(frozen=True, slots=True)
class Party:
    """A member of the network as the coordinator lists it; the record is verified."""

    name: str
    role: str
    state: str
    online: bool
    record: PartyRecord | None
    """None: never connected, or its record does not verify now (see ``problem``)."""
    problem: VflError | None = None


@dataclass(frozen=True, slots=True)
class WitnessPage:
    """Entries of one job, and the whole log's signed head."""

    entries: tuple[Any, ...]
    count: int
    head: bytes
    signature: bytes


async def join(invitation: Invitation, folder: Path, passphrase: bytes | None = None) -> PartyIdentity:
    """Make keys in ``folder``, have them certified with the invitation, open the identity.

    The token goes only to a server that the invitation's authority vouches for. Safe to repeat after any
    failure: keys are kept, and the same token gives the same key's certificate again.

    Raises
    ------
    PolicyRefused
        ``INVITATION_INVALID``.
    TransportError, CryptoError
        The coordinator cannot be reached, or is not the invitation's.
    """
    request = create_party_keys(folder, invitation.member, passphrase)
    async with enrolment_channel(invitation) as channel:
        stub = Stub(channel, ENROLMENT)
        reply = await unary(stub.Join, node_pb2.JoinRequest(token=invitation.token, request=request))
    certificate = _certificate(reply.party)
    return install_certificates(folder, certificate, invitation.authority, invitation.member, passphrase)


async def renew(folder: Path, address: str, passphrase: bytes | None = None) -> PartyIdentity:
    """Fetch a fresh certificate for the keys in ``folder``; a running node uses it from its next connection on.

    Raises as :meth:`~vfl.crypto.identity.PartyIdentity.load` and the coordinator's refusals.
    """
    identity = PartyIdentity.load(folder, passphrase)
    async with member_channel(identity, address) as channel:
        stub = Stub(channel, REGISTRY)
        reply = await unary(stub.Renew, node_pb2.RenewRequest(request=identity.request()))
    return install_certificates(
        folder, _certificate(reply.party), read_certificate(folder / "ca.pem"), identity.member, passphrase
    )


class CoordinatorClient:
    """One member's unary calls; an async context manager."""

    def __init__(self, identity: PartyIdentity, address: str) -> None:
        self._identity = identity
        self._channel = member_channel(identity, address)
        self._jobs = Stub(self._channel, JOBS)
        self._observer = Stub(self._channel, OBSERVER)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def publish(self, document: SignedDocument) -> int:
        """Add a document of ours to the job book; its number. Publishing it again changes nothing."""
        reply = await unary(self._jobs.Publish, document.to_message())
        return int(reply.number)

    async def documents(self, job: str = "", after: int = 0) -> list[Any]:
        """Lines (number, id, job, kind, party, size) with a higher number, at most 1000; bodies by :meth:`get`."""
        reply = await unary(self._observer.List, node_pb2.ListRequest(job=job, after=after))
        return list(reply.entries)

    async def get(self, id: bytes, author: PartyRecord) -> SignedDocument:
        """One document, verified to be ``author``'s and the one asked for.

        CryptoError ``SIGNATURE_INVALID``; RemoteProtocolError ``DOCUMENT_MALFORMED``, ``DOCUMENT_OTHER``,
        ``DOCUMENT_UNKNOWN``.
        """
        document = SignedDocument.from_message(await unary(self._observer.Get, node_pb2.GetRequest(id=id)))
        document.verify(author)
        if document.id != id:
            raise RemoteProtocolError(
                "DOCUMENT_OTHER",
                Text(en="the coordinator gave another document than asked for", zh="协调节点返回的文档不是所请求的"),
                cure=Text(en="tell the network's operator", zh="请通知网络运营方"),
            )
        return document

    async def parties(self) -> list[Party]:
        """All members; each record verified against the authority and its revocation list.

        CryptoError ``CERT_UNREADABLE`` when the list is not the authority's.
        """
        reply = await unary(self._observer.Parties, node_pb2.PartiesRequest())
        revocations = self._revocations(reply.revocations)
        return [self._party(p, revocations) for p in reply.parties]

    async def witness(self, job: str, coordinator: PartyRecord, after: int = 0) -> WitnessPage:
        """Witness entries of a job; the head's signature is checked with the coordinator's record."""
        reply = await unary(self._observer.Witness, node_pb2.WitnessRequest(job=job, after=after))
        check_head(coordinator, reply.count, reply.head, reply.signature)
        return WitnessPage(tuple(reply.entries), reply.count, reply.head, reply.signature)

    def _party(self, listed: Any, revocations: x509.CertificateRevocationList | None) -> Party:
        record: PartyRecord | None = None
        problem: VflError | None = None
        if listed.record:
            try:
                record = PartyRecord.verify(listed.record, self._identity.authority, revocations=revocations)
                if (record.name, str(record.member.role)) != (listed.name, listed.role):
                    record, problem = None, _list_lies()
            except VflError as error:
                problem = error
        return Party(listed.name, listed.role, listed.state, listed.online, record, problem)

    def _revocations(self, raw: bytes) -> x509.CertificateRevocationList | None:
        if not raw:
            return None
        try:
            made = x509.load_der_x509_crl(raw)
            key = self._identity.authority.public_key()
            if isinstance(key, ec.EllipticCurvePublicKey) and made.is_signature_valid(key):
                return made
        except ValueError:
            pass
        raise CryptoError(
            "CERT_UNREADABLE",
            Text(
                en="the coordinator's revocation list is not the authority's",
                zh="协调节点给出的吊销列表不是证书机构签发的",
            ),
            cure=Text(en="tell the network's operator", zh="请通知网络运营方"),
        )


def _certificate(raw: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(raw)
    except ValueError:
        raise CryptoError(
            "CERT_UNREADABLE",
            Text(en="the coordinator's answer holds no certificate", zh="协调节点的应答中没有证书"),
            cure=Text(en="tell the network's operator", zh="请通知网络运营方"),
        ) from None


def _list_lies() -> RemoteProtocolError:
    return RemoteProtocolError(
        "PARTY_LIST_LIES",
        Text(en="the coordinator lists a record under another party's name", zh="协调节点将身份记录列在其他机构名下"),
        cure=Text(en="tell the network's operator", zh="请通知网络运营方"),
    )
