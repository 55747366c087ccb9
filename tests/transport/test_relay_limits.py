"""The relay's room, fairness and manners: first without a wire, then against the real coordinator."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from transport_harness import Network, Talker, members

from coordinator.relay import Limits, Peer, Relay
from coordinator.witness import Witness
from vfl.crypto.envelope import MAX_ENVELOPE_BYTES, Link
from vfl.crypto.identity import enrol
from vfl.errors import RemoteProtocolError, VflError
from vfl.pb.v1 import node_pb2
from vfl.roles import RoleName
from vfl.runtime.grpc import CHANNEL_OPTIONS, MAX_FRAME_BYTES, RELAY, Stub, member_channel


def link(job: str, sender: str = "a") -> Link:
    return Link(job, 0, sender, "b")


async def drained(peer: Peer) -> list[bytes]:
    out = []
    while peer.queued_bytes:
        out.append((await peer.next()).deliver)
    return out


def test_room_per_link_sender_and_peer_is_bounded() -> None:
    async def run() -> None:
        limits = Limits(link_bytes=100, sender_bytes=250, peer_bytes=400)
        peer = Peer("b", limits)
        for _ in range(20):
            peer.deliver(link("one"), bytes(10))
        assert peer.queued_bytes == 100
        for job in range(50):
            peer.deliver(link(f"many-{job}"), bytes(10))
        assert peer.queued_bytes == 250  # one sender cannot fill the receiver's room
        for sender in "cdefgh":
            for _ in range(20):
                peer.deliver(link("one", sender), bytes(10))
        assert peer.queued_bytes == 400
        assert len(await drained(peer)) == 40
        peer.deliver(link("one"), bytes(100))  # room comes back
        assert peer.queued_bytes == 100

    asyncio.run(run())


def test_links_take_turns_and_control_goes_first() -> None:
    async def run() -> None:
        peer = Peer("b", Limits())
        for i in range(3):
            peer.deliver(link("bulk"), b"bulk%d" % i)
        peer.deliver(link("small", "c"), b"small")
        peer.tell(node_pb2.Frame(pong=node_pb2.Pong(id=1)))
        assert (await peer.next()).WhichOneof("kind") == "pong"
        assert await drained(peer) == [b"bulk0", b"small", b"bulk1", b"bulk2"]

    asyncio.run(run())


def test_positions_of_a_link_are_merged_and_invented_ones_bounded() -> None:
    async def run() -> None:
        peer = Peer("b", Limits(positions=10))

        def position(job: str, n: int) -> None:
            at = node_pb2.Position(job=job, sender="b", receiver="a", next_seq=n)
            peer.tell_position(node_pb2.Frame(ack=at), at)

        for n in range(1000):
            position("job", n)
        assert (await peer.next()).ack.next_seq == 999
        for n in range(1000):
            position(f"job-{n}", n)
        count = 0
        while peer._control:
            await peer.next()
            count += 1
        assert count == 10

    asyncio.run(run())


def test_second_connection_ends_the_first(tmp_path: Path) -> None:
    async def run() -> None:
        relay = Relay(lambda _: None, Witness(tmp_path / "w"), Limits())
        first = relay.join("a")
        second = relay.join("a")
        last = await first.next()
        assert (last.goodbye.code, last.goodbye.reconnect) == ("REPLACED", False)
        relay.leave(first)
        assert relay.peers == {"a": second}

    asyncio.run(run())


# --- against the real coordinator -----------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(0, 0), (2, 2), (2, 9)])
def test_other_protocol_version_is_refused_naming_both(network: Network, low: int, high: int) -> None:
    async def run() -> None:
        async with network.up() as coordinator:
            bank, _ = network.pair()
            with pytest.raises(RemoteProtocolError) as caught:
                await network.attach(bank, versions=(low, high), software="party 9.9")
            assert caught.value.code == "VERSION_UNSUPPORTED"
            for language in ("en", "zh"):
                text = caught.value.in_(language)
                assert "party 9.9" in text
                assert "joint-credit-lab 0.1.0" in text
                assert f"{low} to {high}" in text or f"{low} 至 {high}" in text
            assert coordinator.relay.peers == {}

    asyncio.run(run())


def test_overlapping_versions_agree(network: Network) -> None:
    async def run() -> None:
        async with network.up():
            bank, _ = network.pair()
            await network.attach(bank, versions=(1, 2))
            await bank.detach()

    asyncio.run(run())


async def hello_only(network: Network) -> list[Any]:
    """Say hello as bank-a without our transport; the frames that come until the stream ends."""
    bank = enrol(network.authority, RoleName.BANK, "bank-a")
    async with member_channel(bank, network.address) as channel:
        call = Stub(channel, RELAY).Connect()
        versions = node_pb2.Versions(min=1, max=1, software="raw")
        hello = node_pb2.Hello(versions=versions, party="bank-a", record=bank.record.raw)
        await call.write(node_pb2.Frame(hello=hello))
        out = []
        while (reply := await asyncio.wait_for(call.read(), 5)) is not None and hasattr(reply, "WhichOneof"):
            out.append(reply)
        return out


def test_silent_caller_is_let_go(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.node._HELLO_S", 0.1)

    async def run() -> None:
        async with network.up(heartbeat_s=0.1) as coordinator:
            bank = enrol(network.authority, RoleName.BANK, "bank-a")
            async with member_channel(bank, network.address) as channel:
                call = Stub(channel, RELAY).Connect()
                await call.write(node_pb2.Frame(ping=node_pb2.Ping(id=1)))  # not a hello
                assert not hasattr(await asyncio.wait_for(call.read(), 5), "WhichOneof")
                silent = Stub(channel, RELAY).Connect()
                assert not hasattr(await asyncio.wait_for(silent.read(), 5), "WhichOneof")
            frames = await hello_only(network)  # says hello, then nothing more
            assert [f.WhichOneof("kind") for f in frames] == ["welcome", "goodbye"]
            assert (frames[-1].goodbye.code, frames[-1].goodbye.reconnect) == ("SILENT", True)
            assert coordinator.relay.peers == {}

    asyncio.run(run())


def test_frame_over_the_limit_is_refused_unread(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    careless = [option for option in CHANNEL_OPTIONS if option[0] != "grpc.max_send_message_length"]

    async def run() -> None:
        async with network.up() as coordinator:
            received: list[str] = []
            monkeypatch.setattr(
                coordinator.relay, "receive", lambda peer, frame: received.append(frame.WhichOneof("kind"))
            )
            monkeypatch.setattr("vfl.runtime.grpc.CHANNEL_OPTIONS", careless)
            bank, _ = network.pair()
            await network.attach(bank)
            bank.transport._write(node_pb2.Frame(deliver=bytes(MAX_FRAME_BYTES + 1)))
            with pytest.raises(VflError, match="FRAME_TOO_LARGE"):
                await asyncio.wait_for(bank.transport.failed(), 5)
            assert "deliver" not in received
            assert coordinator.relay.peers == {}

    asyncio.run(run())


def test_envelope_over_the_limit_is_refused_and_the_stream_goes_on(network: Network) -> None:
    async def run() -> None:
        async with network.up() as coordinator:
            bank, platform = network.pair()
            await network.attach(bank, platform)
            bank.transport._write(node_pb2.Frame(deliver=bytes(MAX_ENVELOPE_BYTES + 1)))
            refusal = await bank.failed_with("RELAY_REFUSED")
            assert "ENVELOPE_TOO_LARGE" in str(refusal)
            await bank.say("platform-b", b"still works")
            assert await platform.heard("bank-a", 1) == [b"still works"]
            assert coordinator.witness.head.length == 1
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


def test_slow_receiver_bounds_the_coordinators_memory_and_holds_up_nobody(network: Network) -> None:
    window = 2 * MAX_ENVELOPE_BYTES

    async def run() -> None:
        async with network.up() as coordinator:
            party = members(network.authority, "bank-a", "platform-b", "platform-c").values()
            bank, slow, quick = (Talker(p, [p.record for p in party]) for p in party)
            slow.open.clear()
            await network.attach(bank, slow, quick, window=window)
            body = os.urandom(400_000)
            most = 0
            for _ in range(30):
                await bank.say("platform-b", body)
                await bank.say("platform-c", body)
            while len(quick.bodies.get("bank-a", [])) < 30:
                peer = coordinator.relay.peers["platform-b"]
                most = max(most, peer.queued_bytes)
                await asyncio.sleep(0.005)
            assert most <= window
            assert "bank-a" not in slow.bodies
            slow.open.set()
            assert len(await slow.heard("bank-a", 30)) == 30
            for talker in (bank, slow, quick):
                await talker.detach()

    asyncio.run(run())


def test_frozen_peer_is_dropped_and_comes_back_without_loss(network: Network) -> None:
    """A process that stops (SIGSTOP) answers no ping: both ends hang up after three heartbeats and resume."""

    async def run() -> None:
        async with network.up(heartbeat_s=0.1) as coordinator:
            bank, platform = network.pair()
            await network.attach(bank, platform)
            await bank.say("platform-b", b"1")
            await platform.heard("bank-a", 1)
            real = platform.transport._write
            platform.transport._write = lambda frame: None  # type: ignore[method-assign]
            async with asyncio.timeout(5):
                while "platform-b" in coordinator.relay.peers:
                    await asyncio.sleep(0.02)
            await bank.say("platform-b", b"2")
            platform.transport._write = real  # type: ignore[method-assign]
            assert await platform.heard("bank-a", 2) == [b"1", b"2"]
            assert ("platform-b", False) in bank.presence
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


def test_failed_transport_raises_from_every_call(network: Network) -> None:
    async def run() -> None:
        async with network.up():
            bank, _ = network.pair()
            await network.attach(bank)
            again = network.transport(bank.identity)
            second = Talker(bank.identity, [])
            await second.attach(again)  # the same identity, started twice
            with pytest.raises(VflError, match="REPLACED"):
                await asyncio.wait_for(bank.transport.failed(), 5)
            await bank.say("platform-b", b"x")
            with pytest.raises(VflError, match="REPLACED"):
                await bank.transport.send(next(iter(bank.sent.values()))[0])
            await second.detach()
            await bank.detach()

    asyncio.run(run())
