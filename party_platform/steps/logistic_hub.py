"""The first platform's side of a logistic regression's providers."""

from __future__ import annotations

from collections.abc import Iterator

from party_platform.steps.logistic import PlatformLogisticSteps
from party_platform.steps.workspace import PlatformWorkspace
from vfl.protocols.logistic_hub import Hub
from vfl.protocols.logistic_provider import Ask, PlatformHub
from vfl.protocols.messages.logistic import (
    BankEncrypted,
    PlatformEncrypted,
    PlatformKeyOffer,
    PlatformMasked,
    PlatformRelay,
    PlatformShare,
    PlatformWidth,
)
from vfl.wire.carriers import disclose

__all__ = ["PlatformHubSteps"]


class PlatformHubSteps(PlatformHub):
    """Works on the shares of the first platform's regression; keeps nothing of its own between phases."""

    def __init__(self, work: PlatformWorkspace, logistic: PlatformLogisticSteps) -> None:
        self._logistic = logistic
        self._hub = Hub(logistic.side, work.spec.platforms[1:])

    def key_offer(self) -> PlatformKeyOffer:
        return self._logistic.key_offer()

    def width(self) -> PlatformWidth:
        return self._logistic.width()

    def take_width(self, width: PlatformWidth, provider: str) -> None:
        self._hub.take_width(width.columns.value, provider)

    def begin(self, ask: str) -> None:
        self._hub.begin(Ask(ask))

    def encrypted(self, provider: str) -> Iterator[PlatformEncrypted]:
        for sealed in self._hub.encrypted(provider):
            yield PlatformEncrypted(sealed)

    def slopes(self) -> Iterator[PlatformEncrypted]:
        for sealed in self._hub.slopes():
            yield PlatformEncrypted(sealed)

    def relay(self) -> Iterator[PlatformRelay]:
        for own, banks in self._hub.relay():
            yield PlatformRelay(under_bank=banks, under_platform=own)

    def take_sums(self, chunk: BankEncrypted) -> None:
        self._hub.take_sums(chunk.values)

    def relay_sums(self, provider: str) -> Iterator[PlatformRelay]:
        for own, banks in self._hub.relay_sums(provider):
            yield PlatformRelay(under_bank=banks, under_platform=own)

    def take_masked(self, chunk: PlatformMasked, provider: str) -> None:
        self._hub.take_masked(chunk.values, provider)

    def finish(self) -> None:
        self._hub.finish()

    def share(self, provider: str) -> PlatformShare:
        return PlatformShare(disclose(self._hub.share(provider), reason="the receiving platform's own weights"))
