"""A platform's side of the alignment: a sender of the set intersection, over its consented rows only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from party_platform.steps.workspace import PlatformWorkspace
from vfl.crypto.psi import Hello, PsiSender
from vfl.crypto.psi_set import PsiSet
from vfl.protocols.alignment import PlatformAlignment
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
from vfl.runtime.workspace import malformed
from vfl.wire.carriers import blind, disclose, public, store_words

__all__ = ["PlatformAlignmentSteps"]


class PlatformAlignmentSteps(PlatformAlignment):
    """Wraps :class:`vfl.crypto.psi.PsiSender`."""

    def __init__(self, work: PlatformWorkspace) -> None:
        self._work = work
        self._psi: PsiSender | None = None
        self._hellos: dict[str, Hello] = {}
        self._queries: list[np.ndarray] = []
        self._matches: list[np.ndarray] = []
        self._openings: dict[str, bytes] = {}
        self._roots: dict[str, bytes] = {}

    @property
    def _others(self) -> list[str]:
        spec = self._work.spec
        return [p for p in (spec.bank, *spec.platforms) if p != self._work.party]

    def _sender(self) -> PsiSender:
        if self._psi is None:
            work = self._work
            table = PsiSet(work.permitted_ids, context=work.job.encode(), owner=work.party, seed=work.seed)
            self._psi = PsiSender(
                table, owner=work.party, others=self._others, receiver=work.spec.bank, job=work.job.encode(),
                seed=work.seed, floor=work.spec.minimum_intersection,
            )  # fmt: skip
        return self._psi

    def hello(self) -> PlatformHello:
        said = self._sender().hello()
        why = "alignment needs padded sizes"
        return PlatformHello(
            disclose(said.size, reason=why), disclose(said.order, reason=why), disclose(said.share_key, reason=why)
        )

    def take_bank_hello(self, hello: BankHello, bank: str) -> None:
        self._meet(bank, Hello(hello.size.value, hello.order.value, hello.share_key.value))

    def take_hello(self, hello: PlatformHello, platform: str) -> None:
        self._meet(platform, Hello(hello.size.value, hello.order.value, hello.share_key.value))

    def _meet(self, party: str, hello: Hello) -> None:
        self._hellos[party] = hello
        if len(self._hellos) == len(self._others):
            self._sender().meet(self._hellos)

    def take_queries(self, chunk: Queries) -> None:
        self._queries.append(self._sender().answer(chunk.points.points))

    def answers(self) -> Iterator[Answers]:
        while self._queries:
            yield Answers(blind(self._queries.pop(0)))

    def store(self) -> Iterator[Store]:
        for words in self._sender().store():
            yield Store(store_words(words))

    def take_matches(self, chunk: Matches) -> None:
        if len(chunk.tags.value) % 16:
            raise malformed("TAGS_MALFORMED", "tags that are not 16 bytes each", "匹配标签不是每个 16 字节")
        self._matches.append(np.frombuffer(chunk.tags.value, dtype="<u8").reshape(-1, 2))

    def opening(self) -> PlatformOpening:
        self._sender().read_matches(self._matches)
        return PlatformOpening(public(self._sender().opening()))

    def take_bank_opening(self, opening: BankOpening, bank: str) -> None:
        self._openings[bank] = opening.nonce.value

    def take_opening(self, opening: PlatformOpening, platform: str) -> None:
        self._openings[platform] = opening.nonce.value

    def root(self) -> PlatformRoot:
        self._work.aligned = self._sender().align(self._openings)
        return PlatformRoot(public(self._work.alignment.root))

    def take_bank_root(self, root: BankRoot, bank: str) -> None:
        self._roots[bank] = root.root.value

    def take_root(self, root: PlatformRoot, platform: str) -> None:
        self._roots[platform] = root.root.value

    def check_roots(self) -> None:
        self._sender().check_roots(self._work.alignment, self._roots)
        self._psi = None
