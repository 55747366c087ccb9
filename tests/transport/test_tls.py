"""Who gets in: versions of TLS, certificates, names. Each refusal against a real listening coordinator."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from transport_harness import LOOPBACK, Network, Talker

from vfl.crypto.certificates import CertificateAuthority, Member, coordinator_dns, make_request, utc_now
from vfl.crypto.identity import PartyIdentity, enrol
from vfl.errors import VflError
from vfl.roles import RoleName
from vfl.runtime.client import CoordinatorClient


def tls_context(identity: PartyIdentity, folder: Path, *, server: bool, version: ssl.TLSVersion) -> ssl.SSLContext:
    tls = identity.tls()
    for name, content in (("key.pem", tls.private_key), ("cert.pem", tls.certificate), ("ca.pem", tls.authority)):
        (folder / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    context.maximum_version = version
    return context


async def first_error(network: Network, identity: PartyIdentity) -> VflError:
    """The error of one call to the coordinator."""
    async with CoordinatorClient(identity, network.address) as client:
        with pytest.raises(VflError) as caught:
            await client.parties()
    return caught.value


def test_tls_12_client_is_refused_and_tls_13_is_not(network: Network, tmp_path: Path) -> None:
    bank = enrol(network.authority, RoleName.BANK, "bank-a")

    def handshake(version: ssl.TLSVersion) -> str | None:
        context = tls_context(bank, tmp_path, server=False, version=version)
        with socket.create_connection((LOOPBACK, network.port), timeout=5) as plain:
            return context.wrap_socket(plain, server_hostname=coordinator_dns("lab")).version()

    async def run() -> None:
        async with network.up():
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await asyncio.to_thread(handshake, ssl.TLSVersion.TLSv1_2)
            assert await asyncio.to_thread(handshake, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"

    asyncio.run(run())


def test_our_client_offers_tls_13_only(network: Network, tmp_path: Path) -> None:
    bank = enrol(network.authority, RoleName.BANK, "bank-a")
    context = tls_context(network.hub, tmp_path, server=True, version=ssl.TLSVersion.TLSv1_2)
    seen: list[str] = []

    def serve(listening: socket.socket) -> None:
        plain, _ = listening.accept()
        with plain, pytest.raises(ssl.SSLError) as caught:
            context.wrap_socket(plain, server_side=True)
        seen.append(str(caught.value))

    async def run() -> None:
        with socket.create_server((LOOPBACK, 0)) as listening:
            network.port = listening.getsockname()[1]
            serving = asyncio.create_task(asyncio.to_thread(serve, listening))
            assert (await first_error(network, bank)).code == "COORDINATOR_UNREACHABLE"
            await serving
        assert "NO_SHARED_CIPHER" in seen[0] or "UNSUPPORTED_PROTOCOL" in seen[0]

    asyncio.run(run())


def test_caller_without_a_certificate_of_this_network_is_refused(network: Network) -> None:
    foreign = CertificateAuthority.ephemeral("lab")
    bank = enrol(foreign, RoleName.BANK, "bank-a")
    # It trusts the right coordinator; only its own certificate is foreign.
    intruder = PartyIdentity(
        bank.member, bank._tls_key, bank._signing, bank._agreement, bank.certificate, network.authority.certificate
    )

    async def run() -> None:
        async with network.up() as coordinator:
            assert (await first_error(network, intruder)).code == "COORDINATOR_UNREACHABLE"
            assert coordinator.registry.members() == []

    asyncio.run(run())


def test_coordinator_of_another_authority_is_not_trusted(network: Network) -> None:
    async def run() -> None:
        async with network.up():
            stranger = enrol(CertificateAuthority.ephemeral("lab"), RoleName.BANK, "bank-a")
            assert (await first_error(network, stranger)).code == "COORDINATOR_NOT_TRUSTED"
            with pytest.raises(VflError, match="COORDINATOR_NOT_TRUSTED"):
                await Talker(stranger, []).attach(network.transport(stranger))

    asyncio.run(run())


def test_a_party_cannot_pose_as_the_coordinator(network: Network) -> None:
    async def run() -> None:
        network.hub = enrol(network.authority, RoleName.PLATFORM, "platform-b")  # serves with a party's certificate
        async with network.up():
            bank = enrol(network.authority, RoleName.BANK, "bank-a")
            assert (await first_error(network, bank)).code == "COORDINATOR_NOT_TRUSTED"

    asyncio.run(run())


def test_a_valid_certificate_does_not_speak_for_another_name(network: Network) -> None:
    async def run() -> None:
        async with network.up() as coordinator:
            bank_a, bank_b = (enrol(network.authority, RoleName.BANK, n) for n in ("bank-a", "bank-b"))
            posing = network.transport(bank_b)
            posing.party = "bank-a"
            talker = Talker(bank_b, [])
            with pytest.raises(VflError, match="CERT_OTHER_NAME"):
                await talker.attach(posing)
            borrowed = network.transport(bank_b)
            bank_b.record = bank_a.record  # a record that is public and genuine, but not its own
            with pytest.raises(VflError, match="RECORD_OTHER_PARTY"):
                await talker.attach(borrowed)
            assert coordinator.relay.peers == {}

    asyncio.run(run())


def certified(network: Network, *, days: float = 30, now: dt.datetime | None = None) -> PartyIdentity:
    member = Member("lab", RoleName.BANK, "bank-a")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = network.authority.sign(make_request(key, member), member, days=days, now=now)
    keys = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    return PartyIdentity(member, key, *keys, certificate, network.authority.certificate)


def test_expired_certificate_gets_no_connection_and_is_named_here(network: Network) -> None:
    async def run() -> None:
        async with network.up() as coordinator:
            expired = certified(network, days=1, now=utc_now() - dt.timedelta(days=2))
            assert (await first_error(network, expired)).code == "COORDINATOR_UNREACHABLE"
            assert coordinator.registry.members() == []
            with pytest.raises(VflError, match="CERT_EXPIRED"):
                await Talker(expired, []).attach(network.transport(expired))

    asyncio.run(run())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda n, who: n.authority.revoke(who.certificate.serial_number), "CERT_REVOKED"),
        (lambda n, who: n.running.registry.set_state(who.name, "suspended"), "PARTY_SUSPENDED"),
    ],
    ids=["revoked", "suspended"],
)
def test_lost_standing_ends_the_open_stream_and_refuses_calls(
    network: Network, change: Callable[[Network, PartyIdentity], object], code: str
) -> None:
    async def run() -> None:
        async with network.up(heartbeat_s=0.1) as coordinator:
            bank, platform = network.pair()
            await network.attach(bank, platform)
            change(network, bank.identity)
            with pytest.raises(VflError, match=code):
                await asyncio.wait_for(bank.transport.failed(), 5)
            assert (await first_error(network, bank.identity)).code == code
            with pytest.raises(VflError, match=code):
                await bank.attach(network.transport(bank.identity))
            assert list(coordinator.relay.peers) == ["platform-b"]
            assert ("bank-a", False) in platform.presence
            await platform.detach()

    asyncio.run(run())


@pytest.mark.parametrize("renewed", [False, True])
def test_certificate_that_expires_under_an_open_stream(network: Network, renewed: bool) -> None:
    """The stream ends; a certificate renewed in time goes on without a restart, else the reason is named."""

    async def run() -> None:
        async with network.up(heartbeat_s=0.1) as coordinator:
            brief = certified(network, days=1.5 / 86400)
            certificate = network.authority.sign(brief.request(), brief.member)
            keys = brief._tls_key, brief._signing, brief._agreement
            after = PartyIdentity(brief.member, *keys, certificate, brief.authority)
            given = [brief, after if renewed else brief]
            talker = Talker(brief, [])
            await talker.attach(network.transport(brief, reload=lambda: given.pop(0) if len(given) > 1 else given[0]))
            if renewed:
                await asyncio.sleep(2.2)
                assert list(coordinator.relay.peers) == ["bank-a"]
                assert coordinator.registry.record_of("bank-a").certificate == certificate
                await talker.detach()
            else:
                with pytest.raises(VflError, match="CERT_EXPIRED"):
                    await asyncio.wait_for(talker.transport.failed(), 8)

    asyncio.run(run())
