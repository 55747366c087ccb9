"""The in-memory network: exactly once and in order under every fault it can inject."""

from __future__ import annotations

import asyncio
import os

import pytest
from transport_harness import JOB, Talker, members

from vfl.crypto.certificates import CertificateAuthority
from vfl.crypto.envelope import MAX_ENVELOPE_BYTES, Link
from vfl.runtime.memory import Faults, MemoryNetwork

NAMES = ("bank-a", "platform-b", "platform-c")


def talkers() -> dict[str, Talker]:
    party = members(CertificateAuthority.ephemeral("lab"), *NAMES)
    records = [p.record for p in party.values()]
    return {n: Talker(p, records) for n, p in party.items()}


@pytest.mark.parametrize(
    "faults",
    [
        Faults(),
        Faults(drop=0.2, seed=1),
        Faults(duplicate=0.4, seed=2),
        Faults(delay=0.02, seed=3),
        Faults(drop=0.15, duplicate=0.2, delay=0.01, seed=4),
    ],
    ids=["none", "drop", "duplicate", "reorder", "all"],
)
def test_exactly_once_in_order(faults: Faults) -> None:
    async def run() -> None:
        network = MemoryNetwork(faults, patience=0.2)
        all_ = talkers()
        for name, talker in all_.items():
            await talker.attach(network.transport(name))
        bodies = [os.urandom(40) for _ in range(60)]

        async def talk(sender: str) -> None:
            for body in bodies:
                for receiver in NAMES:
                    if receiver != sender:
                        await all_[sender].say(receiver, body)

        await asyncio.gather(*(talk(n) for n in NAMES))
        for receiver in NAMES:
            for sender in NAMES:
                if sender != receiver:
                    assert await all_[receiver].heard(sender, len(bodies)) == bodies
        assert all(not t.errors for t in all_.values())
        for talker in all_.values():
            await talker.detach()

    asyncio.run(run())


def test_cut_and_healed_connection_resumes() -> None:
    async def run() -> None:
        network = MemoryNetwork()
        all_ = talkers()
        bank, platform = all_["bank-a"], all_["platform-b"]
        mine = network.transport("bank-a")
        await bank.attach(mine)
        await platform.attach(network.transport("platform-b"))
        await bank.say("platform-b", b"before")
        await platform.heard("bank-a", 1)
        network.cut("bank-a")
        for i in range(5):
            await bank.say("platform-b", b"%d" % i)
        await asyncio.sleep(0.05)
        assert len(platform.bodies["bank-a"]) == 1
        network.heal(mine)
        assert await platform.heard("bank-a", 6) == [b"before", b"0", b"1", b"2", b"3", b"4"]
        assert platform.presence == [("bank-a", True), ("bank-a", False), ("bank-a", True)]

    asyncio.run(run())


def test_restarted_process_gets_what_it_missed_and_repeats_what_was_lost() -> None:
    async def run() -> None:
        network = MemoryNetwork()
        all_ = talkers()
        bank, platform = all_["bank-a"], all_["platform-b"]
        await bank.attach(network.transport("bank-a"))
        await bank.say("platform-b", b"into the void")  # the platform has not started yet
        await platform.attach(network.transport("platform-b"))
        await platform.heard("bank-a", 1)
        await platform.detach()  # its process dies, its journal lives
        await bank.say("platform-b", b"while away")
        await platform.attach(network.transport("platform-b"))
        assert await platform.heard("bank-a", 2) == [b"into the void", b"while away"]

    asyncio.run(run())


def test_sender_waits_for_credit_and_a_slow_peer_holds_up_no_other() -> None:
    async def run() -> None:
        window = 2 * MAX_ENVELOPE_BYTES
        network = MemoryNetwork(window=window, patience=60.0)
        all_ = talkers()
        for name, talker in all_.items():
            await talker.attach(network.transport(name))
        bank, slow, quick = (all_[n] for n in NAMES)
        slow.open.clear()
        body = bytes(500_000)

        for _ in range(12):
            await bank.say("platform-b", body)
            await bank.say("platform-c", body)
        await quick.heard("bank-a", 12)
        await asyncio.sleep(0.05)
        to_slow = Link(JOB, 0, "bank-a", "platform-b")
        assert "bank-a" not in slow.bodies
        assert bank.cursor[to_slow] * len(body) <= window
        slow.open.set()
        assert len(await slow.heard("bank-a", 12)) == 12
        await bank.delivered()

    asyncio.run(run())


def test_handler_that_raises_fails_the_transport_loudly() -> None:
    async def run() -> None:
        network = MemoryNetwork()
        all_ = talkers()
        bank, platform = all_["bank-a"], all_["platform-b"]
        await bank.attach(network.transport("bank-a"))
        await platform.attach(network.transport("platform-b"))
        platform.into = None  # type: ignore[assignment]
        await bank.say("platform-b", b"x")
        with pytest.raises(Exception, match="TRANSPORT_HANDLER"):
            await asyncio.wait_for(platform.transport.failed(), 5)
        with pytest.raises(Exception, match="TRANSPORT_HANDLER"):
            await platform.transport.send(bank.sent[Link(JOB, 0, "bank-a", "platform-b")][0])

    asyncio.run(run())
