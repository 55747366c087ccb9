"""One choreography, three interpreters: same lines, same messages, same refusals."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator

import numpy as np
import pytest
from scenes import BANK, PLATFORM, Answerer, Asker, BankSteps, PlatformSteps, egress, reference, toy, toy_job

from vfl.config.contract import Budget
from vfl.crypto.paillier import PublicKey
from vfl.errors import BudgetSpent, LocalProtocolError, RemoteProtocolError, VflError
from vfl.protocols.messages.boosting import SplitSides, TreeBegin
from vfl.protocols.messages.keys import KeyAck, KeyOffer
from vfl.runtime.choreography import At, Choreography, Handle
from vfl.runtime.dry import DryRun
from vfl.runtime.egress import Egress, Released
from vfl.runtime.noderun import NodeRun
from vfl.wire.carriers import public
from vfl.wire.codec import encode
from vfl.wire.messages import WireMessage


class Wire:
    """Two nodes' channels over queues. Keeps what was handed to it: that is all that could reach a network."""

    def __init__(self) -> None:
        self.queues: dict[tuple[str, str], asyncio.Queue[tuple[str, str, bytes, bool]]] = {}
        self.sent: list[tuple[str, str, str, str, object]] = []

    def end(self, party: str) -> Channel:
        return Channel(self, party)

    def queue(self, sender: str, receiver: str) -> asyncio.Queue[tuple[str, str, bytes, bool]]:
        return self.queues.setdefault((sender, receiver), asyncio.Queue())


class Channel:
    def __init__(self, wire: Wire, party: str) -> None:
        self.wire, self.party = wire, party
        self.checkpoints: dict[str, tuple[str, bytes]] = {}
        self.bits: dict[str, int] = {}

    async def send(self, receiver: str, step: str, released: Released, *, last: bool) -> None:
        self.wire.sent.append((self.party, receiver, step, getattr(released, "type_name", "?"), released))
        await self.wire.queue(self.party, receiver).put((step, released.type_name, released.body, last))

    async def receive(self, sender: str, step: str) -> tuple[str, bytes, bool]:
        got, kind, body, last = await self.wire.queue(sender, self.party).get()
        assert got == step, "both nodes are at one line"
        return kind, body, last

    def learned(self, sender: str, type_name: str, bits: int) -> None:
        self.bits[type_name] = self.bits.get(type_name, 0) + bits

    def ended(self, phase: str) -> tuple[str, bytes] | None:
        return self.checkpoints.get(phase)

    async def checkpoint(self, phase: str, result: tuple[str, bytes], parts: dict[str, bytes]) -> None:
        self.checkpoints[phase] = result

    def public_keys(self) -> dict[bytes, PublicKey]:
        return {}


class NoState:
    def dump(self) -> dict[str, bytes]:
        return {}

    def restore(self, parts: dict[str, bytes]) -> None:
        raise NotImplementedError


def node(party: str, wire: Wire, role: object, out: Egress | None = None) -> tuple[NodeRun, Channel]:
    roles = {Asker if party == BANK else Answerer: role}
    channel = wire.end(party)
    return NodeRun(party, roles, NoState(), out or egress(party), channel), channel


async def two_nodes(bank: object, platform: object, *, out: Egress | None = None) -> tuple[Wire, list[object]]:
    wire = Wire()
    runs = [node(BANK, wire, bank, out)[0], node(PLATFORM, wire, platform)[0]]
    tasks = [asyncio.ensure_future(toy_job(Choreography(run))) for run in runs]
    done, waiting = await asyncio.wait(tasks, timeout=10, return_when=asyncio.FIRST_EXCEPTION)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for run in runs:
        await run.close()
    return wire, [task.exception() or task.result() for task in tasks if task in done]


def test_reference_and_nodes_give_one_trace() -> None:
    c, run = reference()
    asyncio.run(toy_job(c))
    wire, _ = asyncio.run(two_nodes(BankSteps(), PlatformSteps()))
    one = sorted((s.sender, s.receiver, f"{s.phase}/{s.step}", s.type_name, s.digest) for s in run.trace)
    many = sorted((a, b, step, kind, r.digest) for a, b, step, kind, r in wire.sent)  # type: ignore[attr-defined]
    assert one == many
    assert [s.type_name for s in run.trace] == ["KeyOffer", "KeyAck", "TreeBegin", "SplitSides", "SplitSides"]


def test_steps_get_what_was_sent() -> None:
    bank, platform = BankSteps(), PlatformSteps()
    c, _ = reference(bank={Asker: bank}, platform={Answerer: platform})
    begin = asyncio.run(toy_job(c))
    assert begin.go_on.value is True
    assert platform.heard == b"modulus"
    assert bank.taken == [[True, False], [True, True]]


def test_dry_run_lists_the_lines_without_any_role_object() -> None:
    run = DryRun()
    asyncio.run(toy_job(Choreography(run)))
    assert [(x.phase, x.sender, x.receivers, x.message.type_name, x.stream, x.announced) for x in run.lines] == [
        ("toy", BANK, (PLATFORM,), "KeyOffer", False, False),
        ("toy", PLATFORM, (BANK,), "KeyAck", False, False),
        ("toy", BANK, (PLATFORM,), "TreeBegin", False, True),
        ("toy", PLATFORM, (BANK,), "SplitSides", True, False),
    ]


def test_trace_tells_sizes_and_digests_of_the_bytes() -> None:
    c, run = reference()
    asyncio.run(toy_job(c))
    body = encode(KeyOffer(public(b"modulus"), public(b"proof")))
    assert (run.trace[0].size, run.trace[0].digest) == (len(body), hashlib.sha256(body).hexdigest())


class RawAck(PlatformSteps):
    def ack(self, offer: KeyOffer) -> KeyAck:
        return b"raw rows"  # type: ignore[return-value]


class RawStream(PlatformSteps):
    def sides(self) -> Iterator[SplitSides]:
        yield np.array([True])  # type: ignore[misc]


class NoStream(PlatformSteps):
    def __init__(self) -> None:
        super().__init__(chunks=0)


@pytest.mark.parametrize(
    ("steps", "code"), [(RawAck, "NOT_A_MESSAGE"), (RawStream, "NOT_A_MESSAGE"), (NoStream, "STREAM_EMPTY")]
)
def test_what_is_not_a_message_does_not_leave(steps: type[PlatformSteps], code: str) -> None:
    c, run = reference(platform={Answerer: steps()})
    with pytest.raises(LocalProtocolError) as caught:
        asyncio.run(toy_job(c))
    assert caught.value.code == code
    wire, results = asyncio.run(two_nodes(BankSteps(), steps()))
    assert [e.code for e in results if isinstance(e, VflError)] == [code]
    assert all(isinstance(released, Released) for *_, released in wire.sent)
    assert len([s for s in wire.sent if s[0] == PLATFORM]) == len([s for s in run.trace if s.sender == PLATFORM])


def test_a_node_hands_over_nothing_that_its_exit_refused() -> None:
    wire, results = asyncio.run(two_nodes(BankSteps(), PlatformSteps(), out=egress(BANK, KeyOffer=Budget(0, 0))))
    assert [type(e) for e in results if isinstance(e, Exception)] == [BudgetSpent]
    assert wire.sent == []


def test_each_thing_a_node_hands_over_was_released_by_its_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[Released] = []
    original = Egress.release

    def noting(self: Egress, message: WireMessage, receivers: list[str]) -> Released:
        released.append(original(self, message, receivers))
        return released[-1]

    monkeypatch.setattr(Egress, "release", noting)
    wire, _ = asyncio.run(two_nodes(BankSteps(), PlatformSteps()))
    assert wire.sent
    assert {id(r) for *_, r in wire.sent} <= {id(r) for r in released}


def test_a_node_refuses_another_message_than_the_line_wants() -> None:
    async def scene() -> None:
        wire = Wire()
        run, _ = node(BANK, wire, BankSteps())
        await wire.queue(PLATFORM, BANK).put(("toy/2", "SplitSides", b"", True))
        try:
            await toy_job(Choreography(run))
        finally:
            await run.close()

    with pytest.raises(RemoteProtocolError) as caught:
        asyncio.run(scene())
    assert caught.value.code == "MESSAGE_UNEXPECTED"


def test_an_ended_phase_is_not_run_again() -> None:
    async def scene() -> TreeBegin:
        wire = Wire()
        run, channel = node(BANK, wire, BankSteps())
        channel.checkpoints["toy"] = ("TreeBegin", encode(BankSteps().begin()))
        try:
            return await toy_job(Choreography(run))
        finally:
            await run.close()
            assert wire.sent == []

    assert asyncio.run(scene()).go_on.value is True


def test_phases_do_not_nest() -> None:
    async def outer(c: Choreography) -> None:
        await c.phase("inner", toy, c.role(BANK, Asker), c.role(PLATFORM, Answerer))

    async def scene() -> None:
        run, _ = node(BANK, Wire(), BankSteps())
        try:
            await Choreography(run).phase("outer", outer)
        finally:
            await run.close()

    with pytest.raises(LocalProtocolError) as caught:
        asyncio.run(scene())
    assert caught.value.code == "PHASE_NESTED"


def test_a_decision_must_be_announced_to_all_who_follow_it() -> None:
    async def secret_decision(c: Choreography, bank: Handle[Asker]) -> TreeBegin:
        return await bank.announce(bank.do(Asker.begin))

    async def scene() -> None:
        run, _ = node(PLATFORM, Wire(), PlatformSteps())
        try:
            await Choreography(run).phase("toy", secret_decision, Choreography(run).role(BANK, Asker))
        finally:
            await run.close()

    with pytest.raises(LocalProtocolError) as caught:
        asyncio.run(scene())
    assert caught.value.code == "ANNOUNCED_ELSEWHERE"


def test_a_missing_role_is_named() -> None:
    c, _ = reference(platform={})
    with pytest.raises(LocalProtocolError) as caught:
        asyncio.run(toy_job(c))
    assert caught.value.code == "ROLE_MISSING"


def test_what_is_at_one_party_cannot_be_used_at_another() -> None:
    c, _ = reference()
    bank, platform = c.role(BANK, Asker), c.role(PLATFORM, Answerer)
    here: At[Asker, KeyOffer] = bank.do(Asker.offer)
    with pytest.raises(TypeError, match="cannot be used at platform-a"):
        platform.do(Answerer.ack, here)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot be used at platform-a"):
        asyncio.run(platform.send(here, to=bank))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not int"):
        platform.do(Answerer.ack, 7)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="not bytes"):
        asyncio.run(bank.send(b"raw", to=platform))  # type: ignore[call-overload]
