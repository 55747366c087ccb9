"""Two parties and a coordinator over real mutual TLS on loopback."""

from __future__ import annotations

import asyncio
import os

from transport_harness import Network


def test_both_directions_in_order_over_tls(network: Network) -> None:
    async def run() -> None:
        async with network.up():
            bank, platform = network.pair()
            await network.attach(bank, platform)
            there = [os.urandom(n) for n in (1, 100, 1 << 20, 7)]
            back = [os.urandom(10) for _ in range(50)]
            for body in there:
                await bank.say("platform-b", body)
            for body in back:
                await platform.say("bank-a", body)
            assert await platform.heard("bank-a", len(there)) == there
            assert await bank.heard("platform-b", len(back)) == back
            await bank.delivered()
            assert not bank.errors
            assert not platform.errors
            await bank.detach()
            await platform.detach()

    asyncio.run(run())


def test_coordinator_restarts_in_mid_stream(network: Network) -> None:
    async def run() -> None:
        await network.start()
        bank, platform = network.pair()
        await network.attach(bank, platform)
        bodies = [os.urandom(20_000) for _ in range(300)]

        async def talk() -> None:
            for body in bodies:
                await bank.say("platform-b", body)
                await asyncio.sleep(0.002)

        talking = asyncio.create_task(talk())
        for _ in range(3):
            await asyncio.sleep(0.15)
            await network.stop(grace=0)
            await network.start()
        await talking
        assert await platform.heard("bank-a", len(bodies)) == bodies
        assert len(platform.bodies["bank-a"]) == len(bodies)
        await bank.delivered()
        head = network.running.witness.verify()
        assert head.length == len(bodies)  # each envelope witnessed once, over all restarts
        await bank.detach()
        await platform.detach()
        await network.stop()

    asyncio.run(run())
