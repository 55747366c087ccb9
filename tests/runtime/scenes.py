"""A toy protocol for the runtime's own tests: two roles, one message each way, one stream, one decision."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vfl.config.contract import Budget, Contract
from vfl.config.policy import Policy
from vfl.protocols.messages.boosting import SplitSides, TreeBegin
from vfl.protocols.messages.keys import KeyAck, KeyOffer
from vfl.roles import RoleName
from vfl.runtime.choreography import Choreography, Handle
from vfl.runtime.egress import Egress
from vfl.runtime.reference import Party, ReferenceRun
from vfl.wire.carriers import disclose, public

BANK, PLATFORM = "bank-a", "platform-a"
PARTIES = {BANK: RoleName.BANK, PLATFORM: RoleName.PLATFORM}


class Asker(ABC):
    @abstractmethod
    def offer(self) -> KeyOffer: ...

    @abstractmethod
    def begin(self) -> TreeBegin: ...

    @abstractmethod
    def take(self, chunk: SplitSides) -> None: ...


class Answerer(ABC):
    @abstractmethod
    def ack(self, offer: KeyOffer) -> KeyAck: ...

    @abstractmethod
    def sides(self) -> Iterator[SplitSides]: ...


class BankSteps(Asker):
    def __init__(self) -> None:
        self.taken: list[list[bool]] = []

    def offer(self) -> KeyOffer:
        return KeyOffer(public(b"modulus"), public(b"proof"))

    def begin(self) -> TreeBegin:
        return TreeBegin(disclose(True, reason="toy"), disclose(False, reason="toy"))

    def take(self, chunk: SplitSides) -> None:
        self.taken.append(chunk.left.value.tolist())


class PlatformSteps(Answerer):
    def __init__(self, chunks: int = 2) -> None:
        self.heard = b""
        self.chunks = chunks

    def ack(self, offer: KeyOffer) -> KeyAck:
        self.heard = offer.modulus.value
        return KeyAck(public(b"key"))

    def sides(self) -> Iterator[SplitSides]:
        for i in range(self.chunks):
            yield SplitSides(disclose(np.array([True, bool(i)]), reason="toy"))


async def toy(c: Choreography, bank: Handle[Asker], platform: Handle[Answerer]) -> TreeBegin:
    offer = await bank.send(bank.do(Asker.offer), to=platform)
    await platform.send(platform.do(Answerer.ack, offer), to=bank)
    begin = await bank.announce(bank.do(Asker.begin), platform)
    if begin.go_on.value:
        sides = await platform.send(platform.stream(Answerer.sides), to=bank)
        await bank.absorb(Asker.take, sides)
    return begin


async def toy_job(c: Choreography) -> TreeBegin:
    return await c.phase("toy", toy, c.role(BANK, Asker), c.role(PLATFORM, Answerer))


def contract(**budgets: Budget) -> Contract:
    generous = dict.fromkeys(("KeyOffer", "KeyAck", "TreeBegin", "SplitSides", "PlatformHello"), Budget(10, 1000))
    return Contract("toy-1", PARTIES, generous | budgets, "terms")


def egress(party: str, policy: Policy | None = None, **budgets: Budget) -> Egress:
    return Egress(party, contract(**budgets), policy or Policy())


def parties(**roles: Mapping[type, Any]) -> dict[str, Party]:
    given: dict[str, Mapping[type, Any]] = {
        BANK: roles.get("bank", {Asker: BankSteps()}),
        PLATFORM: roles.get("platform", {Answerer: PlatformSteps()}),
    }
    return {name: Party(r, egress(name), {}) for name, r in given.items()}


def reference(**roles: Mapping[type, Any]) -> tuple[Choreography, ReferenceRun]:
    run = ReferenceRun(parties(**roles))
    return Choreography(run), run
