"""Key exchange: a fresh Paillier key per job, offered with a proof.

Trust: semi-honest; a malformed key is refused whoever made it. Source of the proof: Goldberg, Reyzin, Sagga,
Baldimtsi, "Efficient Noninteractive Certification of RSA Moduli and Beyond", eprint 2018/057.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from vfl.protocols.messages.keys import KeyAck, KeyOffer
from vfl.runtime.choreography import Choreography, Handle

__all__ = ["KeyChecker", "KeyHolderRole", "key_exchange"]


class KeyHolderRole(ABC):
    """Makes and keeps the job's secret key."""

    @abstractmethod
    def key_offer(self) -> KeyOffer:
        """A fresh public key and its proof. Learns: nothing beyond the key."""

    @abstractmethod
    def take_ack(self, ack: KeyAck) -> None: ...


class KeyChecker(ABC):
    """Verifies an offered key before any ciphertext under it is touched."""

    @abstractmethod
    def key_ack(self, offer: KeyOffer) -> KeyAck:
        """Check length, form, freshness and proof; accept. Learns: nothing."""


async def key_exchange(c: Choreography, bank: Handle[KeyHolderRole], platforms: Sequence[Handle[KeyChecker]]) -> None:
    """The bank offers, each platform checks."""
    offers = await bank.broadcast(bank.do(KeyHolderRole.key_offer), to=platforms)
    for platform, offer in zip(platforms, offers, strict=True):
        ack = await platform.send(platform.do(KeyChecker.key_ack, offer), to=bank)
        bank.do(KeyHolderRole.take_ack, ack)
