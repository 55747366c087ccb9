"""The bank's side of the alignment: the receiver of the set intersection."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from party_bank.steps.workspace import BankWorkspace
from vfl.crypto.psi import Hello, PsiReceiver
from vfl.crypto.psi_set import PsiSet
from vfl.protocols.alignment import BankAlignment
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
from vfl.wire.carriers import blind, disclose, public

__all__ = ["BankAlignmentSteps"]


class BankAlignmentSteps(BankAlignment):
    """Wraps :class:`vfl.crypto.psi.PsiReceiver` over the bank's table."""

    def __init__(self, work: BankWorkspace) -> None:
        self._work = work
        self._psi: PsiReceiver | None = None
        self._hellos: dict[str, Hello] = {}
        self._answers: dict[str, list[np.ndarray]] = {}
        self._stores: dict[str, list[np.ndarray]] = {}
        self._openings: dict[str, bytes] = {}
        self._roots: dict[str, bytes] = {}

    def _receiver(self) -> PsiReceiver:
        if self._psi is None:
            work = self._work
            table = PsiSet(work.data.ids, context=work.job.encode(), owner=work.party, seed=work.seed)
            self._psi = PsiReceiver(
                table, owner=work.party, others=work.spec.platforms, job=work.job.encode(), seed=work.seed,
                floor=work.spec.minimum_intersection,
            )  # fmt: skip
        return self._psi

    def hello(self) -> BankHello:
        said = self._receiver().hello()
        why = "alignment needs padded sizes"
        return BankHello(
            disclose(said.size, reason=why), disclose(said.order, reason=why), disclose(said.share_key, reason=why)
        )

    def take_hello(self, hello: PlatformHello, platform: str) -> None:
        self._hellos[platform] = Hello(hello.size.value, hello.order.value, hello.share_key.value)
        if len(self._hellos) == len(self._work.spec.platforms):
            self._receiver().meet(self._hellos)

    def queries(self) -> Iterator[Queries]:
        for points in self._receiver().queries():
            yield Queries(blind(points))

    def take_answers(self, chunk: Answers, platform: str) -> None:
        self._answers.setdefault(platform, []).append(chunk.points.points)

    def take_store(self, chunk: Store, platform: str) -> None:
        self._stores.setdefault(platform, []).append(chunk.words.words)

    def intersect(self) -> None:
        for platform in self._work.spec.platforms:
            self._receiver().read_answers(platform, self._answers.pop(platform))
            self._receiver().read_store(platform, self._stores.pop(platform))
        self._receiver().intersect()

    def matches(self, platform: str) -> Iterator[Matches]:
        for tags in self._receiver().matches(platform):
            yield Matches(disclose(tags.astype("<u8").tobytes(), reason="row alignment needs the common rows"))

    def opening(self) -> BankOpening:
        return BankOpening(public(self._receiver().opening()))

    def take_opening(self, opening: PlatformOpening, platform: str) -> None:
        self._openings[platform] = opening.nonce.value

    def root(self) -> BankRoot:
        self._work.aligned = self._receiver().align(self._openings)
        return BankRoot(public(self._work.alignment.root))

    def take_root(self, root: PlatformRoot, platform: str) -> None:
        self._roots[platform] = root.root.value

    def check_roots(self) -> None:
        self._receiver().check_roots(self._work.alignment, self._roots)
        self._psi = None
