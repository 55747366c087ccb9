"""Messages of binning and screening (protos/vfl/v1/binning.proto). Learns: see the proto's (privacy) options."""

from __future__ import annotations

from collections.abc import Iterable

from vfl.pb.v1 import binning_pb2
from vfl.wire.carriers import Aggregate, Disclosed, Public, SealedCiphertexts, WindowedCiphertexts, disclose
from vfl.wire.messages import WireMessage, message

__all__ = [
    "BankColumns",
    "BinMerges",
    "CrossSums",
    "EncryptedLabels",
    "EncryptedWoe",
    "EventSums",
    "LabelCommitment",
    "OwnChoices",
    "OwnCorrelations",
    "PreBinRows",
    "Verdicts",
]


@message(binning_pb2.LabelCommitment)
class LabelCommitment(WireMessage):
    """Binds the bank to the labels it encrypts."""

    root: Public[bytes]


@message(binning_pb2.EncryptedLabels)
class EncryptedLabels(WireMessage):
    """A chunk of [[y]], one ciphertext per training row."""

    labels: SealedCiphertexts


@message(binning_pb2.PreBinRows)
class PreBinRows(WireMessage):
    """How a platform's features are cut, without saying where; every bin holds the floor's rows."""

    ordered: Aggregate[tuple[bool, ...]]
    bins: Aggregate[tuple[int, ...]]
    apart: Aggregate[tuple[int, ...]]
    rows: Aggregate[tuple[int, ...]]
    wishes: Aggregate[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        return 17 * len(self.bins.value) + 32 * len(self.rows.value)


@message(binning_pb2.EventSums)
class EventSums(WireMessage):
    """A chunk of masked numbers of events by (feature, pre-bin)."""

    sums: WindowedCiphertexts

    def disclosed_bits(self) -> int:
        return self.sums.values * self.sums.slot_bits + len(self.sums.sealed)


@message(binning_pb2.BinMerges)
class BinMerges(WireMessage):
    """What becomes of a platform's pre-bins."""

    groups: Disclosed[tuple[int, ...]]
    bins: Disclosed[tuple[int, ...]]
    woe: Disclosed[tuple[int, ...]]
    iv: Disclosed[tuple[int, ...]]
    candidate: Disclosed[tuple[bool, ...]]

    def disclosed_bits(self) -> int:
        return 6 * len(self.groups.value) + 17 * len(self.woe.value) + 25 * len(self.iv.value)


@message(binning_pb2.OwnChoices)
class OwnChoices(WireMessage):
    """What a platform decides of its own features before the rules are asked."""

    choices: Disclosed[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        return 2 * len(self.choices.value)


@message(binning_pb2.BankColumns)
class BankColumns(WireMessage):
    """How many WOE columns the bank brings to the correlations."""

    count: Disclosed[int]

    def disclosed_bits(self) -> int:
        return 16

    @classmethod
    def rehearsal(cls) -> Iterable[BankColumns]:
        yield cls(disclose(1, reason="rehearsal"))


@message(binning_pb2.EncryptedWoe)
class EncryptedWoe(WireMessage):
    """A chunk of the bank's WOE columns, several columns of a row in one ciphertext."""

    columns: SealedCiphertexts


@message(binning_pb2.OwnCorrelations)
class OwnCorrelations(WireMessage):
    """Correlations within one platform, in ten-thousandths, row by row above the diagonal."""

    pairs: Aggregate[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        return 15 * len(self.pairs.value)


@message(binning_pb2.CrossSums)
class CrossSums(WireMessage):
    """A chunk of masked sums of products of bank's and platform's WOE columns."""

    group: Public[int]
    sums: WindowedCiphertexts

    def disclosed_bits(self) -> int:
        return self.sums.values * self.sums.slot_bits + len(self.sums.sealed)


@message(binning_pb2.Verdicts)
class Verdicts(WireMessage):
    """Which candidates stay."""

    verdicts: Disclosed[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        return 4 * len(self.verdicts.value)
