"""The bank's side of a logistic regression's providers."""

from __future__ import annotations

from collections.abc import Iterator

from party_bank.steps.logistic import BankLogisticSteps
from party_bank.steps.workspace import BankWorkspace
from vfl.protocols.logistic_hub import Hub
from vfl.protocols.logistic_provider import Ask, BankHub
from vfl.protocols.messages.logistic import (
    BankEncrypted,
    BankRelay,
    BankShare,
    BankWidth,
    PlatformMasked,
    PlatformWidth,
)
from vfl.wire.carriers import disclose

__all__ = ["BankHubSteps"]


class BankHubSteps(BankHub):
    """Works on the shares of the bank's regression; keeps nothing of its own between phases."""

    def __init__(self, work: BankWorkspace, logistic: BankLogisticSteps) -> None:
        self._logistic = logistic
        self._hub = Hub(logistic.side, work.spec.platforms[1:], residuals=lambda: logistic.residuals)

    def width(self) -> BankWidth:
        return self._logistic.width()

    def take_width(self, width: PlatformWidth, provider: str) -> None:
        self._hub.take_width(width.columns.value, provider)

    def begin(self, ask: str) -> None:
        self._hub.begin(Ask(ask))

    def encrypted(self, provider: str) -> Iterator[BankEncrypted]:
        for sealed in self._hub.encrypted(provider):
            yield BankEncrypted(sealed)

    def slopes(self) -> Iterator[BankEncrypted]:
        for sealed in self._hub.slopes():
            yield BankEncrypted(sealed)

    def relay(self) -> Iterator[BankRelay]:
        for own, peers in self._hub.relay():
            yield BankRelay(under_bank=own, under_platform=peers)

    def sums(self) -> Iterator[BankEncrypted]:
        for sealed in self._hub.sums():
            yield BankEncrypted(sealed)

    def take_masked(self, chunk: PlatformMasked, provider: str) -> None:
        self._hub.take_masked(chunk.values, provider)

    def finish(self) -> None:
        self._hub.finish()

    def share(self, provider: str) -> BankShare:
        return BankShare(disclose(self._hub.share(provider), reason="the platform's own weights"))
