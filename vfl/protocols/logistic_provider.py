"""Logistic regression with further platforms: what a *provider* is sent and what it returns.

The bank B and the first platform A compute on shares (:mod:`vfl.protocols.logistic`). A provider J has columns and no
share: it takes pairs of ciphertexts, one under B's key and one under A's, whose *difference* is what it shall compute
with; it sends both through the same linear map of its own columns, adds **the same mask** to both and returns them.
B and A decrypt: the difference of what they read is the result, so each has a share, uniform by itself, and J, who
knows the mask, keeps nothing.

1. *Margins.* B sends [[its share of w_J]], A [[minus its share]]; J returns what its columns add to each row's angle.
2. *Sums.* A has [[d_i]] of each row under B's key, in the row's slot beside products of unlike rows. It adds a mask r_i
   over all bits, re-randomises, and relays it with [[r_i]] under its own key; J sums both by its bins and by slot.
   B and A then have shares mod 2^S of the sums of residuals.
3. *Gradient.* B sends A its shares and their top bits under its key, as for A's own sums; A undoes the wrap and
   relays the sums, masked; J multiplies with its columns and adds the ridge times the weights of 1.
4. *Curvature.* B and A send [[their share of each slope]]; J sums by pairs of bins: its own block. For the blocks
   across owners each other owner relays slope share × its columns under a mask, both shares alike; J sums by bin.
5. *Variances.* B and A send their shares of J's block of the inverse; J returns its diagonal in J's own units.
6. *End.* B and A send their shares of J's weights and variances: only J can add them up. Where another pass begins,
   J returns its weights to B and nothing to A, both under one mask: shares again.

Trust: semi-honest. A provider that colludes with B or with A learns what that party may, and no row: what is relayed
is masked towards the holder of either key. B and A together could open everything, as without providers.

======  ===========================  ==============================  =============================================
line    message                      kind                            who learns what
======  ===========================  ==============================  =============================================
1       PlatformKeyOffer             PUBLIC A→J                      nothing
2       BankWidth, PlatformWidth     DISCLOSURE to every owner       numbers of columns
3       BankEncrypted, PlatformE…    CIPHERTEXT B→J, A→J, B→A        nothing
4       BankRelay, PlatformRelay     CIPHERTEXT B→J, A→J, J→J'       nothing
5       PlatformMasked               MASKED J→B, J→A                 nothing (uniform shares)
6       BankShare, PlatformShare     DISCLOSURE B→J, A→J             J its own weights and standard errors
7       PlatformRefit, RefitBegin    DISCLOSURE J→B, B→J             whether another pass is wanted
======  ===========================  ==============================  =============================================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from vfl.protocols.messages.logistic import (
    BankEncrypted,
    BankRelay,
    BankShare,
    BankWidth,
    PlatformEncrypted,
    PlatformKeyOffer,
    PlatformMasked,
    PlatformRefit,
    PlatformRelay,
    PlatformShare,
    PlatformWidth,
)
from vfl.runtime.choreography import Handle

__all__ = [
    "Ask",
    "BankHub",
    "PlatformHub",
    "ProviderLogistic",
    "Providers",
    "meet_providers",
    "provided_curvature",
    "provided_gradient",
    "provided_margins",
    "provided_start",
    "provided_sums",
    "provided_variances",
    "provided_weights",
    "step_ended",
]


class Ask(StrEnum):
    """What providers are asked for."""

    START = "start"
    MARGINS = "margins"
    SUMS = "sums"
    GRADIENT = "gradient"
    CURVATURE = "curvature"
    VARIANCES = "variances"


class BankHub(ABC):
    """What the bank does for providers; ``provider`` is a party's name."""

    @abstractmethod
    def width(self) -> BankWidth:
        """Number of own columns. Learns (provider): exactly that."""

    @abstractmethod
    def take_width(self, width: PlatformWidth, provider: str) -> None: ...

    @abstractmethod
    def begin(self, ask: str) -> None:
        """Set up a round."""

    @abstractmethod
    def encrypted(self, provider: str) -> Iterator[BankEncrypted]:
        """Own shares of what is the provider's, under the own key. Learns (provider): nothing."""

    @abstractmethod
    def slopes(self) -> Iterator[BankEncrypted]:
        """Own share of each row's slope, under the own key. Learns (providers): nothing."""

    @abstractmethod
    def relay(self) -> Iterator[BankRelay]:
        """Both shares of each slope times own columns, masked. Learns (providers): nothing."""

    @abstractmethod
    def sums(self) -> Iterator[BankEncrypted]:
        """Own shares of all providers' sums, under the own key. Learns (first platform): nothing."""

    @abstractmethod
    def take_masked(self, chunk: PlatformMasked, provider: str) -> None:
        """Decrypt own shares."""

    @abstractmethod
    def finish(self) -> None:
        """Turn what a round brought into new shares."""

    @abstractmethod
    def share(self, provider: str) -> BankShare:
        """Own shares of the provider's final weights. Learns (provider): with A's, weights and standard errors."""


class PlatformHub(ABC):
    """What the first platform does for providers."""

    @abstractmethod
    def key_offer(self) -> PlatformKeyOffer:
        """The own public key and its proof. Learns (provider): nothing."""

    @abstractmethod
    def width(self) -> PlatformWidth:
        """Number of own columns. Learns (provider): exactly that."""

    @abstractmethod
    def take_width(self, width: PlatformWidth, provider: str) -> None: ...

    @abstractmethod
    def begin(self, ask: str) -> None:
        """Set up a round."""

    @abstractmethod
    def encrypted(self, provider: str) -> Iterator[PlatformEncrypted]:
        """Own shares of what is the provider's, negative, under the own key. Learns (provider): nothing."""

    @abstractmethod
    def slopes(self) -> Iterator[PlatformEncrypted]:
        """Own share of each row's slope, under the own key. Learns (providers): nothing."""

    @abstractmethod
    def relay(self) -> Iterator[PlatformRelay]:
        """Residuals, or slopes times own columns, of each row, masked. Learns (providers): nothing."""

    @abstractmethod
    def take_sums(self, chunk: BankEncrypted) -> None:
        """Keep the bank's encrypted shares of the providers' sums."""

    @abstractmethod
    def relay_sums(self, provider: str) -> Iterator[PlatformRelay]:
        """The provider's sums without a wrap, masked. Learns (provider): nothing."""

    @abstractmethod
    def take_masked(self, chunk: PlatformMasked, provider: str) -> None:
        """Decrypt own shares."""

    @abstractmethod
    def finish(self) -> None:
        """Turn what a round brought into new shares."""

    @abstractmethod
    def share(self, provider: str) -> PlatformShare:
        """Own shares of the provider's final weights. Learns (provider): with B's, weights and standard errors."""


class ProviderLogistic(ABC):
    """A further platform: its columns, no key, no share, no label."""

    @abstractmethod
    def take_key(self, offer: PlatformKeyOffer) -> None:
        """Check the first platform's key."""

    @abstractmethod
    def width(self) -> PlatformWidth:
        """Number of own columns. Learns (every owner): exactly that."""

    @abstractmethod
    def take_bank_width(self, width: BankWidth) -> None: ...

    @abstractmethod
    def take_width(self, width: PlatformWidth, platform: str) -> None: ...

    @abstractmethod
    def begin(self, ask: str) -> None:
        """Set up a round."""

    @abstractmethod
    def take_bank(self, chunk: BankEncrypted) -> None: ...

    @abstractmethod
    def take_platform(self, chunk: PlatformEncrypted) -> None: ...

    @abstractmethod
    def take_bank_relay(self, chunk: BankRelay) -> None:
        """Sum by own bins."""

    @abstractmethod
    def take_relay(self, chunk: PlatformRelay, platform: str) -> None:
        """Sum by own bins."""

    @abstractmethod
    def relay(self) -> Iterator[PlatformRelay]:
        """Both shares of each slope times own columns, masked. Learns (other providers): nothing."""

    @abstractmethod
    def masked_for_bank(self) -> Iterator[PlatformMasked]:
        """The results under the bank's key, every bit masked. Learns (bank): uniform shares."""

    @abstractmethod
    def masked_for_platform(self) -> Iterator[PlatformMasked]:
        """The same under the first platform's key, under the same mask. Learns (platform): uniform shares."""

    @abstractmethod
    def step_ended(self) -> None:
        """Count the Newton steps: later ones have more harmonics."""

    @abstractmethod
    def refit(self) -> PlatformRefit:
        """Decide on own penalties. Learns (bank): whether they changed."""

    @abstractmethod
    def restart(self) -> None:
        """Begin a pass from the own weights."""

    @abstractmethod
    def take_bank_share(self, share: BankShare) -> None: ...

    @abstractmethod
    def take_platform_share(self, share: PlatformShare) -> None:
        """Own final weights and standard errors."""


@dataclass(frozen=True, slots=True)
class Providers:
    """The further platforms of a job and those who compute with them; of none, every round is empty."""

    bank: Handle[BankHub]
    platform: Handle[PlatformHub]
    all: tuple[Handle[ProviderLogistic], ...]

    def begin(self, ask: Ask) -> None:
        self.bank.do(BankHub.begin, ask)
        self.platform.do(PlatformHub.begin, ask)
        for provider in self.all:
            provider.do(ProviderLogistic.begin, ask)


async def meet_providers(p: Providers) -> None:
    """Every provider learns A's key; every owner learns how many columns the others have."""
    if not p.all:
        return
    offers = await p.platform.broadcast(p.platform.do(PlatformHub.key_offer), to=p.all)
    of_bank = await p.bank.broadcast(p.bank.do(BankHub.width), to=p.all)
    of_platform = await p.platform.broadcast(p.platform.do(PlatformHub.width), to=p.all)
    for provider, offer, first, second in zip(p.all, offers, of_bank, of_platform, strict=True):
        provider.do(ProviderLogistic.take_key, offer)
        provider.do(ProviderLogistic.take_bank_width, first)
        provider.do(ProviderLogistic.take_width, second, p.platform.party)
    for provider in p.all:
        width = provider.do(ProviderLogistic.width)
        p.bank.do(BankHub.take_width, await provider.send(width, to=p.bank), provider.party)
        p.platform.do(PlatformHub.take_width, await provider.send(width, to=p.platform), provider.party)
        for other in p.all:
            if other is not provider:
                told = await provider.send(width, to=other)
                other.do(ProviderLogistic.take_width, told, provider.party)


async def _ask(p: Providers, provider: Handle[ProviderLogistic]) -> None:
    """B's and A's shares of what is the provider's, each under its own key."""
    one = await p.bank.send(p.bank.stream(BankHub.encrypted, provider.party), to=provider)
    await provider.absorb(ProviderLogistic.take_bank, one)
    other = await p.platform.send(p.platform.stream(PlatformHub.encrypted, provider.party), to=provider)
    await provider.absorb(ProviderLogistic.take_platform, other)


async def _answer(p: Providers, provider: Handle[ProviderLogistic]) -> None:
    """The provider's results under both keys and one mask."""
    back = await provider.send(provider.stream(ProviderLogistic.masked_for_bank), to=p.bank)
    await p.bank.absorb(BankHub.take_masked, back, provider.party)
    there = await provider.send(provider.stream(ProviderLogistic.masked_for_platform), to=p.platform)
    await p.platform.absorb(PlatformHub.take_masked, there, provider.party)


async def _relay(p: Providers) -> None:
    """What A relays of each row, to all providers alike."""
    relayed = await p.platform.broadcast(p.platform.stream(PlatformHub.relay), to=p.all)
    for provider, chunks in zip(p.all, relayed, strict=True):
        await provider.absorb(ProviderLogistic.take_relay, chunks, p.platform.party)


def _finish(p: Providers) -> None:
    p.bank.do(BankHub.finish)
    p.platform.do(PlatformHub.finish)


async def provided_start(p: Providers) -> None:
    """A pass from weights that each provider knows."""
    if not p.all:
        return
    for provider in p.all:
        provider.do(ProviderLogistic.restart)
    p.begin(Ask.START)
    for provider in p.all:
        await _answer(p, provider)
    _finish(p)


async def provided_margins(p: Providers) -> None:
    """Shares of what the providers' columns add to each row's margin; the weights stay for the ridge."""
    if not p.all:
        return
    p.begin(Ask.MARGINS)
    for provider in p.all:
        await _ask(p, provider)
        await _answer(p, provider)
    _finish(p)


async def provided_sums(p: Providers) -> None:
    """Sums of residuals by the providers' bins, as shares mod 2^S."""
    if not p.all:
        return
    p.begin(Ask.SUMS)
    await _relay(p)
    for provider in p.all:
        await _answer(p, provider)
    _finish(p)


async def provided_gradient(p: Providers) -> None:
    """The providers' part of the gradient, from the sums and the weights that came before."""
    if not p.all:
        return
    p.begin(Ask.GRADIENT)
    sums = await p.bank.send(p.bank.stream(BankHub.sums), to=p.platform)
    await p.platform.absorb(PlatformHub.take_sums, sums)
    for provider in p.all:
        relayed = await p.platform.send(p.platform.stream(PlatformHub.relay_sums, provider.party), to=provider)
        await provider.absorb(ProviderLogistic.take_relay, relayed, p.platform.party)
        await _answer(p, provider)
    _finish(p)


async def provided_curvature(p: Providers, *, known_to_bank: bool) -> None:
    """The providers' blocks of the curvature, among themselves too.

    ``known_to_bank``: the bank alone has slopes, those of its own model; its residuals come along.
    """
    if not p.all:
        return
    p.begin(Ask.CURVATURE)
    slopes = await p.bank.broadcast(p.bank.stream(BankHub.slopes), to=p.all)
    for provider, chunks in zip(p.all, slopes, strict=True):
        await provider.absorb(ProviderLogistic.take_bank, chunks)
    if not known_to_bank:
        theirs = await p.platform.broadcast(p.platform.stream(PlatformHub.slopes), to=p.all)
        for provider, others in zip(p.all, theirs, strict=True):
            await provider.absorb(ProviderLogistic.take_platform, others)
    relayed = await p.bank.broadcast(p.bank.stream(BankHub.relay), to=p.all)
    for provider, rows in zip(p.all, relayed, strict=True):
        await provider.absorb(ProviderLogistic.take_bank_relay, rows)
    await _relay(p)
    for number, provider in enumerate(p.all):
        later = p.all[number + 1 :]
        if later:
            across = await provider.broadcast(provider.stream(ProviderLogistic.relay), to=later)
            for other, own in zip(later, across, strict=True):
                await other.absorb(ProviderLogistic.take_relay, own, provider.party)
        await _answer(p, provider)
    _finish(p)


async def provided_variances(p: Providers) -> None:
    """Shares of the variances of the providers' weights."""
    if not p.all:
        return
    p.begin(Ask.VARIANCES)
    for provider in p.all:
        await _ask(p, provider)
        await _answer(p, provider)
    _finish(p)


async def provided_weights(p: Providers) -> None:
    """Each provider receives both shares of its own weights and variances."""
    for provider in p.all:
        there = await p.bank.send(p.bank.do(BankHub.share, provider.party), to=provider)
        provider.do(ProviderLogistic.take_bank_share, there)
        other = await p.platform.send(p.platform.do(PlatformHub.share, provider.party), to=provider)
        provider.do(ProviderLogistic.take_platform_share, other)


def step_ended(p: Providers) -> None:
    for provider in p.all:
        provider.do(ProviderLogistic.step_ended)
