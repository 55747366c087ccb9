"""Messages of logistic regression (protos/vfl/v1/logistic.proto).

Every intermediate value travels either encrypted under its sender's key or masked under its receiver's; the rounds
of :mod:`vfl.protocols.logistic` say what it is. Opened are the numbers of columns and, at the end, the shares of
each owner's own weights.
"""

from __future__ import annotations

from collections.abc import Iterable

from vfl.pb.v1 import logistic_pb2
from vfl.wire.carriers import Disclosed, MaskedCiphertexts, Public, SealedCiphertexts, disclose
from vfl.wire.messages import WireMessage, message

__all__ = [
    "BankEncrypted",
    "BankKeyAck",
    "BankMasked",
    "BankRelay",
    "BankShare",
    "BankWidth",
    "PlatformEncrypted",
    "PlatformKeyOffer",
    "PlatformMasked",
    "PlatformRefit",
    "PlatformRelay",
    "PlatformShare",
    "PlatformWidth",
    "RefitBegin",
]


@message(logistic_pb2.PlatformKeyOffer)
class PlatformKeyOffer(WireMessage):
    """A fresh public key of the platform's own with its proof."""

    modulus: Public[bytes]
    proof: Public[bytes]


@message(logistic_pb2.BankKeyAck)
class BankKeyAck(WireMessage):
    """The bank has verified the platform's key."""

    key_id: Public[bytes]


@message(logistic_pb2.BankWidth)
class BankWidth(WireMessage):
    """Columns of the bank's part, the intercept among them."""

    columns: Disclosed[int]

    def disclosed_bits(self) -> int:
        return 16


@message(logistic_pb2.PlatformWidth)
class PlatformWidth(WireMessage):
    """Columns of the platform's part."""

    columns: Disclosed[int]

    def disclosed_bits(self) -> int:
        return 16


@message(logistic_pb2.BankEncrypted)
class BankEncrypted(WireMessage):
    """Values of the bank under its own key."""

    values: SealedCiphertexts


@message(logistic_pb2.PlatformEncrypted)
class PlatformEncrypted(WireMessage):
    """Values of the first platform under its own key."""

    values: SealedCiphertexts


@message(logistic_pb2.BankMasked)
class BankMasked(WireMessage):
    """Results that the bank computed under the platform's key: the platform decrypts its shares of them."""

    values: MaskedCiphertexts

    def disclosed_bits(self) -> int:
        return 0


@message(logistic_pb2.PlatformMasked)
class PlatformMasked(WireMessage):
    """Results that a platform computed under the receiver's key: the receiver decrypts its shares of them."""

    values: MaskedCiphertexts

    def disclosed_bits(self) -> int:
        return 0


@message(logistic_pb2.PlatformRefit)
class PlatformRefit(WireMessage):
    """Whether the platform wants another pass."""

    changed: Disclosed[bool]

    def disclosed_bits(self) -> int:
        return 1


@message(logistic_pb2.RefitBegin)
class RefitBegin(WireMessage):
    """Whether another pass begins."""

    go_on: Disclosed[bool]

    def disclosed_bits(self) -> int:
        return 1

    @classmethod
    def rehearsal(cls) -> Iterable[RefitBegin]:
        yield cls(disclose(True, reason="rehearsal"))
        yield cls(disclose(False, reason="rehearsal"))


@message(logistic_pb2.BankShare)
class BankShare(WireMessage):
    """The bank's shares of what the platform alone may know."""

    share: Disclosed[bytes]

    def disclosed_bits(self) -> int:
        return 8 * len(self.share.value)


@message(logistic_pb2.PlatformShare)
class PlatformShare(WireMessage):
    """The first platform's shares of what the receiver alone may know."""

    share: Disclosed[bytes]

    def disclosed_bits(self) -> int:
        return 8 * len(self.share.value)


@message(logistic_pb2.BankRelay)
class BankRelay(WireMessage):
    """Values that the bank made for a further platform to compute with: the difference of what the two keys hide."""

    under_bank: SealedCiphertexts
    under_platform: SealedCiphertexts


@message(logistic_pb2.PlatformRelay)
class PlatformRelay(WireMessage):
    """The same from a platform."""

    under_bank: SealedCiphertexts
    under_platform: SealedCiphertexts
