"""Both parties reach the coordinator through a bad network: every message still arrives once, in order."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fault_proxy import FaultProxy
from transport_harness import LOOPBACK, Network, Talker

SLOW = pytest.mark.slow
Trouble = Callable[[FaultProxy], Awaitable[None]]


async def through(network: Network, proxy: FaultProxy, trouble: Trouble, bodies: list[bytes]) -> tuple[Talker, Talker]:
    """Send ``bodies`` both ways through ``proxy`` while ``trouble`` runs."""
    real = network.port
    proxy.target = real
    network.port = await proxy.start()
    bank, platform = network.pair()
    await network.attach(bank, platform)
    network.port = real
    troubling = asyncio.create_task(trouble(proxy))
    for body in bodies:
        await bank.say("platform-b", body)
        await platform.say("bank-a", body)
        await asyncio.sleep(0)
    assert await platform.heard("bank-a", len(bodies), timeout=25) == bodies
    assert await bank.heard("platform-b", len(bodies), timeout=25) == bodies
    await troubling
    await bank.delivered()
    await platform.delivered()
    assert not bank.errors
    assert not platform.errors
    for talker in (bank, platform):
        await talker.detach()
    await proxy.stop()
    return bank, platform


async def calm(proxy: FaultProxy) -> None:
    pass


async def resets(proxy: FaultProxy) -> None:
    for _ in range(5):
        await asyncio.sleep(0.1)
        proxy.reset()


async def half_open(proxy: FaultProxy) -> None:
    await asyncio.sleep(0.05)
    proxy.hold("up", "down")


async def one_way_up(proxy: FaultProxy) -> None:
    await asyncio.sleep(0.05)
    proxy.hold("up")


async def one_way_down(proxy: FaultProxy) -> None:
    await asyncio.sleep(0.05)
    proxy.hold("down")


async def outage(proxy: FaultProxy) -> None:
    await asyncio.sleep(0.05)
    proxy.refuse = True
    proxy.reset()
    await asyncio.sleep(1.0)
    proxy.refuse = False


@pytest.mark.parametrize(
    ("faults", "trouble", "count", "size"),
    [
        pytest.param({"slice_bytes": 1}, calm, 3, 400, id="1-byte slices"),
        pytest.param({}, resets, 40, 100_000, id="resets"),
        pytest.param({"slice_bytes": 1000, "rate": 8e6}, half_open, 20, 10_000, id="half-open"),
        pytest.param({"slice_bytes": 1000, "rate": 8e6}, one_way_down, 20, 10_000, id="one way down"),
        pytest.param({}, outage, 20, 10_000, id="outage"),
        pytest.param({"slice_bytes": 1000, "rate": 8e6}, one_way_up, 20, 10_000, id="one way up", marks=SLOW),
        pytest.param({"delay_s": 0.1, "jitter_s": 0.05}, calm, 20, 2_000, id="100 ms + jitter", marks=SLOW),
        pytest.param({"rate": 125_000.0}, calm, 20, 20_000, id="1 Mbit/s", marks=SLOW),
    ],
)
def test_every_message_once_in_order(
    network: Network, faults: dict[str, Any], trouble: Trouble, count: int, size: int
) -> None:
    async def run() -> None:
        async with network.up(heartbeat_s=0.2) as coordinator:
            proxy = FaultProxy(target=0, **faults)
            await through(network, proxy, trouble, [os.urandom(size) for _ in range(count)])
            assert proxy.connections >= (2 if trouble is calm else 3)  # the trouble was felt
            assert coordinator.witness.verify().length == 2 * count

    asyncio.run(run())


def test_idle_connections_and_noise_disturb_nobody(network: Network) -> None:
    """Slow-loris: many open connections that say nothing, or nonsense."""

    async def run() -> None:
        async with network.up():
            idle = []
            for i in range(200):
                plain = socket.create_connection((LOOPBACK, network.port))
                if i % 2:
                    plain.sendall(os.urandom(50))
                idle.append(plain)
            bank, platform = network.pair()
            await network.attach(bank, platform)
            await bank.say("platform-b", b"undisturbed")
            assert await platform.heard("bank-a", 1, timeout=5) == [b"undisturbed"]
            for plain in idle:
                plain.close()
            await bank.detach()
            await platform.detach()

    asyncio.run(run())
