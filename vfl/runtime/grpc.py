"""gRPC: TLS, stubs and services, the map between our errors and RPC status, and the transport of one party.

TLS 1.3 with both certificates. gRPC for Python cannot be told a lowest version, but it can be told the cipher
suites of TLS 1.2 (those of TLS 1.3 are fixed): our certificates are ECDSA, so a list of RSA suites alone leaves
TLS 1.2 without a suite to agree on, as server and as client. Tests hold this. gRPC reads the list when it is
imported, which therefore happens here and nowhere else.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from vfl.crypto.certificates import check_certificate, coordinator_dns
from vfl.crypto.envelope import MAX_ENVELOPE_BYTES
from vfl.crypto.identity import PartyIdentity, PartyRecord
from vfl.crypto.invitation import Invitation
from vfl.errors import (
    ConfigError,
    CryptoError,
    DataError,
    JobAborted,
    PolicyRefused,
    PrivacyError,
    ProtocolError,
    RemoteProtocolError,
    Text,
    TransportError,
    VflError,
)
from vfl.pb.v1 import node_pb2
from vfl.runtime.transport import WINDOW_BYTES, FrameTransport, backoff, plain_code

_SUITES = "ECDHE-RSA-AES256-GCM-SHA384"
if "grpc" in sys.modules and os.environ.get("GRPC_SSL_CIPHER_SUITES") != _SUITES:
    raise ImportError("grpc was imported before vfl.runtime.grpc, which must first rule out TLS 1.2: import vfl first")
os.environ["GRPC_SSL_CIPHER_SUITES"] = _SUITES

import grpc  # noqa: E402 - not before the line above

__all__ = [
    "ENROLMENT",
    "JOBS",
    "OBSERVER",
    "PROTOCOL_MAX",
    "PROTOCOL_MIN",
    "REGISTRY",
    "RELAY",
    "GrpcTransport",
    "Stub",
    "enrolment_channel",
    "error_of",
    "make_server",
    "member_channel",
    "metadata_of",
    "server_credentials",
    "service",
    "status_of",
    "unary",
]

RELAY, ENROLMENT, REGISTRY, JOBS, OBSERVER = (
    node_pb2.DESCRIPTOR.services_by_name[name] for name in ("Relay", "Enrolment", "Registry", "Jobs", "Observer")
)

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1
"""Versions of the frames that this release speaks."""

MAX_FRAME_BYTES = MAX_ENVELOPE_BYTES + (64 << 10)
"""Far below gRPC's 4 MiB: longer ones are refused before they are read."""

CHANNEL_OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_receive_message_length", MAX_FRAME_BYTES),
    ("grpc.max_send_message_length", MAX_FRAME_BYTES),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.enable_retries", 0),  # what to retry is decided here
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
SERVER_OPTIONS: Sequence[tuple[str, Any]] = (
    *CHANNEL_OPTIONS,
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.max_concurrent_streams", 32),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 600_000),
)

# --- errors ---------------------------------------------------------------------------------------------------

_DETAIL = "vfl-error-bin"
_STATUS: Sequence[tuple[type[VflError], Any]] = (
    (ConfigError, grpc.StatusCode.INVALID_ARGUMENT),
    (DataError, grpc.StatusCode.OUT_OF_RANGE),
    (PrivacyError, grpc.StatusCode.PERMISSION_DENIED),
    (ProtocolError, grpc.StatusCode.FAILED_PRECONDITION),
    (CryptoError, grpc.StatusCode.UNAUTHENTICATED),
    (TransportError, grpc.StatusCode.UNAVAILABLE),
    (JobAborted, grpc.StatusCode.ABORTED),
)
_OURS: dict[Any, type[VflError]] = {
    **{status: kind for kind, status in _STATUS},
    grpc.StatusCode.PERMISSION_DENIED: PolicyRefused,
    grpc.StatusCode.FAILED_PRECONDITION: RemoteProtocolError,
}


def status_of(error: VflError) -> grpc.StatusCode:
    """The RPC status that stands for an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), grpc.StatusCode.INTERNAL)


def metadata_of(error: VflError) -> tuple[tuple[str, bytes], ...]:
    """Trailing metadata that carries code, text and cure to the caller."""
    detail = node_pb2.ErrorDetail(
        code=error.code,
        text_en=error.text.en,
        text_zh=error.text.zh,
        cure_en=error.cure.en,
        cure_zh=error.cure.zh,
    )
    return ((_DETAIL, detail.SerializeToString()),)


def error_of(failure: grpc.aio.AioRpcError) -> VflError:
    """Our error for a failed call: the coordinator's own words, or what can be said of the connection."""
    for key, value in failure.trailing_metadata() or ():
        if key == _DETAIL:
            d = node_pb2.ErrorDetail.FromString(value)
            kind = _OURS.get(failure.code(), RemoteProtocolError)
            return kind(d.code, Text(en=d.text_en, zh=d.text_zh), cure=Text(en=d.cure_en, zh=d.cure_zh))
    said = failure.details() or ""
    if failure.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return RemoteProtocolError(
            "FRAME_TOO_LARGE",
            Text(en=f"a frame of more than {MAX_FRAME_BYTES} bytes", zh=f"数据帧超过 {MAX_FRAME_BYTES} 字节"),
            cure=Text(en="send bulk in chunks", zh="大数据请分块发送"),
        )
    if "CERTIFICATE_VERIFY_FAILED" in said or "Hostname Verification" in said or "Peer name" in said:
        return CryptoError(
            "COORDINATOR_NOT_TRUSTED",
            Text(
                en="who answers at the coordinator's address has no valid certificate of this network's coordinator",
                zh="协调节点地址上的应答方没有本网络协调节点的有效证书",
            ),
            cure=Text(
                en="check the address and ca.pem; the coordinator's certificate may have expired",
                zh="请核对地址与 ca.pem；协调节点证书也可能已过期",
            ),
        )
    return TransportError(
        "COORDINATOR_UNREACHABLE",
        Text(
            en=f"no answer from the coordinator ({failure.code().name})",
            zh=f"协调节点无应答（{failure.code().name}）",
        ),
        cure=Text(
            en="it is tried again by itself; check address, firewall, and that our certificate is in force",
            zh="系统会自动重试；请检查地址、防火墙以及本方证书是否有效",
        ),
    )


# --- services -------------------------------------------------------------------------------------------------


class Stub:
    """The methods of a service, by name, as calls on a channel."""

    def __init__(self, channel: grpc.aio.Channel, service: ServiceDescriptor) -> None:
        for method in service.methods:
            made = getattr(channel, _shape(method))(
                f"/{service.full_name}/{method.name}",
                request_serializer=GetMessageClass(method.input_type).SerializeToString,
                response_deserializer=GetMessageClass(method.output_type).FromString,
            )
            setattr(self, method.name, made)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)  # the service has no such method; also tells mypy that methods are dynamic


def service(descriptor: ServiceDescriptor, implementation: object) -> grpc.GenericRpcHandler:
    """Serve each method of ``descriptor`` by the implementation's method of that name; all must be there."""
    handlers = {}
    for method in descriptor.methods:
        handlers[method.name] = getattr(grpc, f"{_shape(method)}_rpc_method_handler")(
            getattr(implementation, method.name),
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=GetMessageClass(method.output_type).SerializeToString,
        )
    return grpc.method_handlers_generic_handler(descriptor.full_name, handlers)


def _shape(method: MethodDescriptor) -> str:
    return "_".join("stream" if streams else "unary" for streams in (method.client_streaming, method.server_streaming))


def make_server(services: Sequence[grpc.GenericRpcHandler], most_calls: int) -> grpc.aio.Server:
    made = grpc.aio.server(options=SERVER_OPTIONS, maximum_concurrent_rpcs=most_calls)
    made.add_generic_rpc_handlers(tuple(services))
    return made


def server_credentials(identity: PartyIdentity, *, members: bool) -> grpc.ServerCredentials:
    """``members``: callers show a certificate of the same authority; else none is asked for."""
    tls = identity.tls()
    pairs = [(tls.private_key, tls.certificate)]
    if members:
        return grpc.ssl_server_credentials(pairs, tls.authority, require_client_auth=True)
    return grpc.ssl_server_credentials(pairs)


# --- connections ----------------------------------------------------------------------------------------------


def member_channel(identity: PartyIdentity, address: str) -> grpc.aio.Channel:
    """A channel to the coordinator, with our certificate."""
    tls = identity.tls()
    credentials = grpc.ssl_channel_credentials(tls.authority, tls.private_key, tls.certificate)
    return _channel(credentials, address, identity.member.network)


def enrolment_channel(invitation: Invitation) -> grpc.aio.Channel:
    """A channel to the coordinator's enrolment port, for a party that has no certificate yet."""
    credentials = grpc.ssl_channel_credentials(invitation.authority.public_bytes(Encoding.PEM))
    return _channel(credentials, invitation.enrolment, invitation.member.network)


async def unary(method: Any, request: Any, *, timeout: float = 20.0) -> Any:
    """Call a unary method of a stub; a failure is one of our errors."""
    try:
        return await method(request, timeout=timeout)
    except grpc.aio.AioRpcError as failure:
        raise error_of(failure) from None


def _channel(credentials: grpc.ChannelCredentials, address: str, network: str) -> grpc.aio.Channel:
    """The server's certificate is checked for the coordinator of ``network``, not for the address dialled."""
    options = (*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", coordinator_dns(network)))
    return grpc.aio.secure_channel(address, credentials, options=options)


class GrpcTransport(FrameTransport):
    """One party's stream to the coordinator's relay; see :class:`vfl.runtime.transport.Transport`.

    Parameters
    ----------
    identity : PartyIdentity
        Its general record is shown to the relay, which checks envelope signatures with it.
    address : str
        host:port of the coordinator.
    software, digest
        Release and code digest of this party, for the registry.
    reload : callable, optional
        Gives the identity anew before each connection, so that a renewed certificate needs no restart.
    """

    def __init__(
        self,
        identity: PartyIdentity,
        address: str,
        *,
        software: str,
        digest: bytes = b"",
        reload: Callable[[], PartyIdentity] | None = None,
        window: int = WINDOW_BYTES,
        versions: tuple[int, int] = (PROTOCOL_MIN, PROTOCOL_MAX),
        longest_wait: float = 30.0,
    ) -> None:
        super().__init__(identity.name, window=window)
        self._identity = reload or (lambda: identity)
        self._address = address
        self._longest_wait = longest_wait
        self._versions = node_pb2.Versions(min=versions[0], max=versions[1], software=software)
        self._digest = digest
        self._outgoing: asyncio.Queue[node_pb2.Frame] = asyncio.Queue()
        self._first = asyncio.Event()
        self._heard = 0.0
        self._rng = random.Random()  # noqa: S311 - jitter, no secrets
        self.coordinator_record: PartyRecord | None = None
        """Who signs the witness's head; known once connected."""

    async def connect(self) -> None:
        self._spawn(self._stay_connected())
        self._spawn(self._watch())
        await self._first.wait()
        if self._failure is not None:
            raise self._failure

    def _write(self, frame: node_pb2.Frame) -> None:
        if self._up:
            self._outgoing.put_nowait(frame)

    def _fail(self, failure: VflError) -> None:
        super()._fail(failure)
        self._first.set()

    async def _stay_connected(self) -> None:
        attempt = 0
        while True:
            try:
                await self._one_connection()
            except grpc.aio.AioRpcError as failure:
                error = error_of(failure)
                # An expired certificate of the coordinator is mended there while we wait; a wrong one at the
                # start is our configuration.
                if not isinstance(error, TransportError) and not (
                    self._first.is_set() and error.code == "COORDINATOR_NOT_TRUSTED"
                ):
                    raise error from None
            if self._up:
                attempt = 0
            self._disconnected()
            attempt += 1
            await asyncio.sleep(backoff(attempt, self._rng, cap=self._longest_wait))

    async def _one_connection(self) -> None:
        """Connect, exchange frames until the stream ends; returns when it may be tried again."""
        identity = self._identity()
        # The coordinator would refuse it too, but in TLS 1.3 such a refusal looks like a broken connection.
        check_certificate(identity.certificate, identity.authority)
        async with member_channel(identity, self._address) as channel:
            call = Stub(channel, RELAY).Connect()
            try:
                hello = node_pb2.Hello(
                    versions=self._versions,
                    party=self.party,
                    digest=self._digest,
                    record=identity.record.raw,
                )
                await call.write(node_pb2.Frame(hello=hello))
                heartbeat = self._welcome(await call.read(), identity)
                await _first_to_end(self._read(call), self._send_all(call), self._beat(heartbeat))
            except (asyncio.InvalidStateError, EOFError):
                pass  # the stream was closed under a read or a write; its status says why
            finally:
                call.cancel()

    def _welcome(self, frame: Any, identity: PartyIdentity) -> float:
        kind = None if frame is grpc.aio.EOF else frame.WhichOneof("kind")
        if kind == "version_refused":
            raise _versions_differ(frame.version_refused)
        if kind != "welcome":
            raise EOFError
        if self.coordinator_record is None and frame.welcome.record:
            record = PartyRecord.verify(frame.welcome.record, identity.authority)
            self.coordinator_record = record
        self._outgoing = asyncio.Queue()
        self._heard = asyncio.get_running_loop().time()
        self._connected()
        self._first.set()
        return float(min(max(frame.welcome.heartbeat_ms, 100), 120_000)) / 1000

    async def _read(self, call: Any) -> None:
        while (frame := await call.read()) is not grpc.aio.EOF:
            self._heard = asyncio.get_running_loop().time()
            if frame.WhichOneof("kind") == "goodbye":
                if frame.goodbye.reconnect:
                    return
                raise _dismissed(plain_code(frame.goodbye.code))
            self._received(frame)

    async def _send_all(self, call: Any) -> None:
        while True:
            await call.write(await self._outgoing.get())

    async def _beat(self, heartbeat: float) -> None:
        """Ask for a sign of life; ends when none came for three heartbeats (half-open connections look fine)."""
        number = 0
        while asyncio.get_running_loop().time() < self._heard + 3 * heartbeat:
            number += 1
            self._write(node_pb2.Frame(ping=node_pb2.Ping(id=number)))
            await asyncio.sleep(heartbeat)


async def _first_to_end(*work: Any) -> None:
    """Run all; when the first ends, end the others and raise its error."""
    tasks = [asyncio.ensure_future(w) for w in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _dismissed(code: str) -> RemoteProtocolError:
    return RemoteProtocolError(
        "RELAY_DISMISSED",
        Text(en=f"the coordinator ended the connection for good ({code})", zh=f"协调节点永久结束了连接（{code}）"),
        cure=Text(
            en="REPLACED: this party runs twice; otherwise talk to the network's operator, then start the node again",
            zh="REPLACED 表示本机构节点重复运行；其他情况请联系网络运营方，然后重新启动节点",
        ),
    )


def _versions_differ(refused: node_pb2.VersionRefused) -> RemoteProtocolError:
    theirs, ours = refused.coordinator, refused.party
    return RemoteProtocolError(
        "VERSION_UNSUPPORTED",
        Text(
            en=f"the coordinator ({theirs.software}) speaks protocol {theirs.min} to {theirs.max}, "
            f"this party ({ours.software}) {ours.min} to {ours.max}",
            zh=f"协调节点（{theirs.software}）支持协议 {theirs.min} 至 {theirs.max}，"
            f"本方（{ours.software}）支持 {ours.min} 至 {ours.max}",
        ),
        cure=Text(en="bring the older of the two up to date", zh="请升级两者中较旧的一方"),
    )
