"""The coordinator's gRPC face: who calls is checked on every call, then handed to relay, registry or job book.

Two ports. Members: TLS 1.3 with both certificates; relay, registry, job book, read-only observer, health.
Enrolment: the server's certificate alone; the one call of an invited party, and health.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from coordinator.jobs import JobBook
from coordinator.registry import Registry
from coordinator.relay import Limits, Peer, Relay
from coordinator.witness import Witness
from vfl import __version__
from vfl.crypto.certificates import CertificateAuthority, Member, read_revocations
from vfl.crypto.documents import SignedDocument, sign_head
from vfl.crypto.identity import PartyIdentity
from vfl.errors import CryptoError, RemoteProtocolError, Text, VflError
from vfl.pb.v1 import health_pb2, node_pb2
from vfl.runtime.grpc import (
    ENROLMENT,
    JOBS,
    OBSERVER,
    PROTOCOL_MAX,
    PROTOCOL_MIN,
    REGISTRY,
    RELAY,
    make_server,
    metadata_of,
    server_credentials,
    service,
    status_of,
)
from vfl.runtime.transport import WINDOW_BYTES

__all__ = ["Coordinator"]

log = logging.getLogger(__name__)

SOFTWARE = f"joint-credit-lab {__version__}"
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]
_MAX_CALLS = 2048
_HELLO_S = 10.0
_LAST_WORD_S = 1.0

Method = Callable[[Any, Any, Any], Awaitable[Any]]


def answers(method: Method) -> Method:
    """Our errors become RPC status with code, text and cure; anything else tells the caller nothing."""

    @functools.wraps(method)
    async def answered(self: Any, request: Any, context: Any) -> Any:
        try:
            return await method(self, request, context)
        except VflError as error:
            log.warning("%s refused: %s", method.__name__, error.code)
            await context.abort(status_of(error), error.code, metadata_of(error))

    return answered


class _Doorkeeper:
    """Names the caller of each call by the certificate of its connection."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def certificate(self, context: Any) -> x509.Certificate:
        shown = context.auth_context().get("x509_pem_cert")
        if not shown:
            raise CryptoError(
                "CERT_MISSING",
                Text(en="the caller showed no certificate", zh="调用方未出示证书"),
                cure=Text(en="connect with the party's certificate", zh="请使用机构证书连接"),
            )
        return x509.load_pem_x509_certificate(shown[0])

    def caller(self, context: Any) -> Member:
        return self._registry.admit(self.certificate(context))


class _RelayService:
    def __init__(self, relay: Relay, registry: Registry, doorkeeper: _Doorkeeper, identity: PartyIdentity) -> None:
        self._relay = relay
        self._registry = registry
        self._doorkeeper = doorkeeper
        self._identity = identity
        self._certificates: dict[str, x509.Certificate] = {}

    @answers
    async def Connect(self, requests: AsyncIterator[node_pb2.Frame], context: Any) -> None:
        member = self._doorkeeper.caller(context)
        hello = await self._hello(requests)
        if hello is None:
            return
        version = min(PROTOCOL_MAX, hello.versions.max)
        if version < max(PROTOCOL_MIN, hello.versions.min):
            ours = node_pb2.Versions(min=PROTOCOL_MIN, max=PROTOCOL_MAX, software=SOFTWARE)
            refused = node_pb2.VersionRefused(coordinator=ours, party=hello.versions)
            await context.write(node_pb2.Frame(version_refused=refused))
            return
        if hello.party != member.name:
            raise CryptoError(
                "CERT_OTHER_NAME",
                Text(en=f"the certificate is not that of {hello.party[:40]}", zh=f"证书不属于 {hello.party[:40]}"),
                cure=Text(en="start the node with its own identity folder", zh="请使用本节点自己的身份目录启动"),
            )
        self._registry.present(member, hello.record, software=hello.versions.software, digest=hello.digest)
        self._certificates[member.name] = self._doorkeeper.certificate(context)
        await context.write(self._welcome(version))
        peer = self._relay.join(member.name)
        log.info("%s connected (%s)", member.name, hello.versions.software)
        try:
            await self._exchange(peer, requests, context)
        finally:
            self._relay.leave(peer)
            log.info("%s disconnected", member.name)

    async def _hello(self, requests: AsyncIterator[node_pb2.Frame]) -> node_pb2.Hello | None:
        try:
            async with asyncio.timeout(_HELLO_S):
                frame = await anext(requests)
        except (TimeoutError, StopAsyncIteration):
            return None
        return frame.hello if frame.WhichOneof("kind") == "hello" else None

    def _welcome(self, version: int) -> node_pb2.Frame:
        return node_pb2.Frame(
            welcome=node_pb2.Welcome(
                version=version,
                software=SOFTWARE,
                heartbeat_ms=int(self._relay.limits.heartbeat_s * 1000),
                window_bytes=WINDOW_BYTES,
                record=self._identity.record.raw,
            )
        )

    async def _exchange(self, peer: Peer, requests: AsyncIterator[node_pb2.Frame], context: Any) -> None:
        async def read() -> None:
            async for frame in requests:
                self._relay.receive(peer, frame)
                await asyncio.sleep(0)  # a peer that sends without pause takes turns with the others

        async def write() -> None:
            while True:
                await context.write(await peer.next())

        tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(read()), asyncio.ensure_future(write())]
        try:
            await asyncio.wait([*tasks, peer.ended], return_when=asyncio.FIRST_COMPLETED)
            if peer.ended.done():
                await asyncio.wait(tasks, timeout=_LAST_WORD_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def may_stay(self, name: str) -> str:
        """The code of the reason why a connected party must go, if its standing has changed."""
        try:
            self._registry.admit(self._certificates[name])
        except VflError as error:
            return error.code
        return ""


class _EnrolmentService:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @answers
    async def Join(self, request: node_pb2.JoinRequest, context: Any) -> node_pb2.Certificates:
        return _certificates(self._registry, self._registry.join(request.token, request.request))


class _RegistryService:
    def __init__(self, registry: Registry, doorkeeper: _Doorkeeper) -> None:
        self._registry = registry
        self._doorkeeper = doorkeeper

    @answers
    async def Renew(self, request: node_pb2.RenewRequest, context: Any) -> node_pb2.Certificates:
        member = self._doorkeeper.caller(context)
        return _certificates(self._registry, self._registry.renew(member, request.request))


class _JobsService:
    def __init__(self, jobs: JobBook, registry: Registry, doorkeeper: _Doorkeeper) -> None:
        self._jobs = jobs
        self._registry = registry
        self._doorkeeper = doorkeeper

    @answers
    async def Publish(self, request: node_pb2.Document, context: Any) -> node_pb2.Receipt:
        member = self._doorkeeper.caller(context)
        record = self._registry.record_of(member.name)
        if record is None:
            raise CryptoError(
                "NO_RECORD",
                Text(en=f"{member.name} has shown no valid record", zh=f"{member.name} 未出示有效的身份记录"),
                cure=Text(en="connect the node to the relay first", zh="请先让节点连接中继"),
            )
        document = SignedDocument.from_message(request)
        return node_pb2.Receipt(number=self._jobs.publish(document, record), id=document.id)


class _ObserverService:
    """Changes nothing."""

    def __init__(
        self, relay: Relay, registry: Registry, jobs: JobBook, witness: Witness, doorkeeper: _Doorkeeper,
        identity: PartyIdentity,
    ) -> None:  # fmt: skip
        self._relay = relay
        self._registry = registry
        self._jobs = jobs
        self._witness = witness
        self._doorkeeper = doorkeeper
        self._identity = identity

    @answers
    async def Parties(self, request: node_pb2.PartiesRequest, context: Any) -> node_pb2.PartyList:
        self._doorkeeper.caller(context)
        parties = [
            node_pb2.PartyStatus(
                name=m.name, role=m.role, state=m.state, online=m.name in self._relay.peers, record=m.record or b""
            )
            for m in self._registry.members()
        ]
        return node_pb2.PartyList(parties=parties, revocations=self._registry.revocations())

    @answers
    async def List(self, request: node_pb2.ListRequest, context: Any) -> node_pb2.DocumentList:
        self._doorkeeper.caller(context)
        lines = self._jobs.lines(request.job, request.after)
        return node_pb2.DocumentList(entries=[node_pb2.DocumentEntry(**line._asdict()) for line in lines])

    @answers
    async def Get(self, request: node_pb2.GetRequest, context: Any) -> node_pb2.Document:
        self._doorkeeper.caller(context)
        return self._jobs.get(request.id).to_message()

    @answers
    async def Witness(self, request: node_pb2.WitnessRequest, context: Any) -> node_pb2.WitnessReply:
        self._doorkeeper.caller(context)
        length, chain = self._witness.head
        entries = self._witness.entries(request.job, request.after)
        return node_pb2.WitnessReply(
            entries=[node_pb2.WitnessEntry(**entry._asdict()) for entry in entries],
            count=length,
            head=chain,
            signature=sign_head(self._identity, length, chain),
        )


class _HealthService:
    """Answers while the process serves; the empty service name means all of it."""

    @answers
    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> health_pb2.HealthCheckResponse:
        if request.service:
            raise RemoteProtocolError(
                "SERVICE_UNKNOWN",
                Text(en="the health of single services is not told apart", zh="不区分单个服务的健康状态"),
                cure=Text(en="ask with an empty service name", zh="请使用空的服务名称查询"),
            )
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:
        await context.write(await self.Check(request, context))
        await asyncio.Event().wait()  # nothing changes until the process ends, which ends the stream


def _certificates(registry: Registry, issued: x509.Certificate) -> node_pb2.Certificates:
    return node_pb2.Certificates(
        party=issued.public_bytes(Encoding.DER), authority=registry.certificate.public_bytes(Encoding.DER)
    )


class Coordinator:
    """One running coordinator.

    Parameters
    ----------
    identity : PartyIdentity
        The coordinator's own keys.
    data : Path
        Folder of registry, job book and witness log; made when missing.
    authority : CertificateAuthority, optional
        To issue certificates on invitations.
    revocations : Path, optional
        The authority's revocation list, read anew at each check, when the authority is kept elsewhere.
    relay : type of Relay
        Tests put a dishonest one here.
    """

    def __init__(
        self,
        identity: PartyIdentity,
        data: Path,
        *,
        authority: CertificateAuthority | None = None,
        revocations: Path | None = None,
        limits: Limits | None = None,
        relay: type[Relay] = Relay,
    ) -> None:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.identity = identity
        self.witness = Witness(data / "witness.sqlite3")
        self.jobs = JobBook(data / "jobs.sqlite3")

        def revoked() -> x509.CertificateRevocationList | None:
            if authority is not None:
                return authority.revocations()
            if revocations is None or not revocations.exists():
                return None
            return read_revocations(revocations, identity.authority)

        self.registry = Registry(
            data / "registry.sqlite3",
            identity.member.network,
            identity.authority,
            authority=authority,
            revocations=revoked,
        )
        self.relay = relay(self.registry.record_of, self.witness, limits)
        self._doorkeeper = _Doorkeeper(self.registry)
        self._relaying = _RelayService(self.relay, self.registry, self._doorkeeper, identity)
        self._servers: list[Any] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def serve(self, listen: str, enrolment: str = "") -> tuple[int, int]:
        """Start serving; returns both ports (0: not served). OSError-like RuntimeError when a port is taken."""
        observer = _ObserverService(self.relay, self.registry, self.jobs, self.witness, self._doorkeeper, self.identity)
        members = self._server(
            service(RELAY, self._relaying),
            service(REGISTRY, _RegistryService(self.registry, self._doorkeeper)),
            service(JOBS, _JobsService(self.jobs, self.registry, self._doorkeeper)),
            service(OBSERVER, observer),
        )
        ports = [members.add_secure_port(listen, server_credentials(self.identity, members=True)), 0]
        if enrolment:
            door = self._server(service(ENROLMENT, _EnrolmentService(self.registry)))
            ports[1] = door.add_secure_port(enrolment, server_credentials(self.identity, members=False))
        for each in self._servers:
            await each.start()
        self._sweeper = asyncio.create_task(self._sweep())
        return ports[0], ports[1]

    async def stop(self, grace: float = 1.0) -> None:
        """Close the ports, end the streams, close the stores. Nothing in memory needs saving."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for peer in list(self.relay.peers.values()):
            peer.end("STOPPING", reconnect=True)
        for server in self._servers:
            await server.stop(grace)
        for store in (self.witness, self.jobs, self.registry):
            store.close()

    def _server(self, *services: Any) -> Any:
        made = make_server([*services, service(_HEALTH, _HealthService())], _MAX_CALLS)
        self._servers.append(made)
        return made

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.relay.limits.heartbeat_s)
            self.relay.sweep(self._relaying.may_stay)
