"""Alignment: private set intersection of the bank and N platforms.

The figure, the sources and the proof sketch are in :mod:`vfl.crypto.psi`; the lines below carry its numbers. The
bank is the receiver: it asks, and pays for the size of its own set only.

Trust: semi-honest, any collusion. Learns: every owner learns which of its own rows all owners hold, and the padded
sizes; nobody learns who lacks the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from vfl.protocols.messages.alignment import (
    Answers,
    BankHello,
    BankOpening,
    BankRoot,
    Matches,
    PlatformHello,
    PlatformOpening,
    PlatformRoot,
    Queries,
    Store,
)
from vfl.runtime.choreography import Choreography, Handle

__all__ = ["BankAlignment", "PlatformAlignment", "alignment"]


class BankAlignment(ABC):
    """The receiver's part."""

    @abstractmethod
    def hello(self) -> BankHello:
        """Filter by consent, pad, commit to an order nonce. Learns: the padded size."""

    @abstractmethod
    def take_hello(self, hello: PlatformHello, platform: str) -> None: ...

    @abstractmethod
    def queries(self) -> Iterator[Queries]:
        """The own set, blinded and shuffled. Learns: nothing."""

    @abstractmethod
    def take_answers(self, chunk: Answers, platform: str) -> None: ...

    @abstractmethod
    def take_store(self, chunk: Store, platform: str) -> None: ...

    @abstractmethod
    def intersect(self) -> None:
        """The rows that all owners hold."""

    @abstractmethod
    def matches(self, platform: str) -> Iterator[Matches]:
        """Tags of the intersection. Learns: the platform learns which of its rows are common."""

    @abstractmethod
    def opening(self) -> BankOpening:
        """Open the commitment."""

    @abstractmethod
    def take_opening(self, opening: PlatformOpening, platform: str) -> None: ...

    @abstractmethod
    def root(self) -> BankRoot:
        """Put the rows in the joint order; the Merkle root of their pseudonyms."""

    @abstractmethod
    def take_root(self, root: PlatformRoot, platform: str) -> None: ...

    @abstractmethod
    def check_roots(self) -> None:
        """All owners hold the same rows in the same order, or the job ends."""


class PlatformAlignment(ABC):
    """A sender's part."""

    @abstractmethod
    def hello(self) -> PlatformHello:
        """Filter by consent, pad, commit to an order nonce. Learns: the padded size."""

    @abstractmethod
    def take_bank_hello(self, hello: BankHello, bank: str) -> None: ...

    @abstractmethod
    def take_hello(self, hello: PlatformHello, platform: str) -> None: ...

    @abstractmethod
    def take_queries(self, chunk: Queries) -> None:
        """Put a chunk of queries under the own scalar."""

    @abstractmethod
    def answers(self) -> Iterator[Answers]:
        """The queries under both scalars. Learns: nothing without the store."""

    @abstractmethod
    def store(self) -> Iterator[Store]:
        """Masked shares under the own tokens. Learns: the bank learns which of its rows all hold."""

    @abstractmethod
    def take_matches(self, chunk: Matches) -> None: ...

    @abstractmethod
    def opening(self) -> PlatformOpening:
        """Open the commitment, once the intersection is fixed here."""

    @abstractmethod
    def take_bank_opening(self, opening: BankOpening, bank: str) -> None: ...

    @abstractmethod
    def take_opening(self, opening: PlatformOpening, platform: str) -> None: ...

    @abstractmethod
    def root(self) -> PlatformRoot:
        """Put the rows in the joint order; the Merkle root of their pseudonyms."""

    @abstractmethod
    def take_bank_root(self, root: BankRoot, bank: str) -> None: ...

    @abstractmethod
    def take_root(self, root: PlatformRoot, platform: str) -> None: ...

    @abstractmethod
    def check_roots(self) -> None: ...


async def alignment(
    c: Choreography, bank: Handle[BankAlignment], platforms: Sequence[Handle[PlatformAlignment]]
) -> None:
    """Steps 1 to 7 of the figure."""
    # 1 hello
    for platform, hello in zip(
        platforms, await bank.broadcast(bank.do(BankAlignment.hello), to=platforms), strict=True
    ):
        platform.do(PlatformAlignment.take_bank_hello, hello, bank.party)
    for platform in platforms:
        said = platform.do(PlatformAlignment.hello)
        bank.do(BankAlignment.take_hello, await platform.send(said, to=bank), platform.party)
        others = [p for p in platforms if p.party != platform.party]
        for other, heard in zip(others, await platform.broadcast(said, to=others), strict=True):
            other.do(PlatformAlignment.take_hello, heard, platform.party)
    # 2 queries
    queries = await bank.broadcast(bank.stream(BankAlignment.queries), to=platforms)
    for platform, chunks in zip(platforms, queries, strict=True):
        await platform.absorb(PlatformAlignment.take_queries, chunks)
    for platform in platforms:
        # 3 answers
        answers = await platform.send(platform.stream(PlatformAlignment.answers), to=bank)
        await bank.absorb(BankAlignment.take_answers, answers, platform.party)
        # 4 store
        store = await platform.send(platform.stream(PlatformAlignment.store), to=bank)
        await bank.absorb(BankAlignment.take_store, store, platform.party)
    bank.do(BankAlignment.intersect)
    # 5 matches
    for platform in platforms:
        matches = await bank.send(bank.stream(BankAlignment.matches, platform.party), to=platform)
        await platform.absorb(PlatformAlignment.take_matches, matches)
    # 6 opening
    for platform, opening in zip(
        platforms, await bank.broadcast(bank.do(BankAlignment.opening), to=platforms), strict=True
    ):
        platform.do(PlatformAlignment.take_bank_opening, opening, bank.party)
    for platform in platforms:
        opened = platform.do(PlatformAlignment.opening)
        bank.do(BankAlignment.take_opening, await platform.send(opened, to=bank), platform.party)
        others = [p for p in platforms if p.party != platform.party]
        for other, nonce in zip(others, await platform.broadcast(opened, to=others), strict=True):
            other.do(PlatformAlignment.take_opening, nonce, platform.party)
    # 7 root
    for platform, root in zip(platforms, await bank.broadcast(bank.do(BankAlignment.root), to=platforms), strict=True):
        platform.do(PlatformAlignment.take_bank_root, root, bank.party)
    for platform in platforms:
        rooted = platform.do(PlatformAlignment.root)
        bank.do(BankAlignment.take_root, await platform.send(rooted, to=bank), platform.party)
        others = [p for p in platforms if p.party != platform.party]
        for other, seen in zip(others, await platform.broadcast(rooted, to=others), strict=True):
            other.do(PlatformAlignment.take_root, seen, platform.party)
    bank.do(BankAlignment.check_roots)
    for platform in platforms:
        platform.do(PlatformAlignment.check_roots)
