"""Messages of boosted trees (protos/vfl/v1/boosting.proto). Learns: see the proto's (privacy) options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from vfl.pb.v1 import boosting_pb2
from vfl.wire.carriers import Disclosed, SealedCiphertexts, WindowedCiphertexts, disclose
from vfl.wire.messages import WireMessage, message

__all__ = [
    "EncryptedGradients",
    "FeatureShapes",
    "Growth",
    "LeafHistogram",
    "LeafRows",
    "SplitRequest",
    "SplitSides",
    "TreeBegin",
]

Bits = npt.NDArray[np.bool_]


@message(boosting_pb2.FeatureShapes)
class FeatureShapes(WireMessage):
    """How many anonymous features a platform brings and how their histograms are laid out."""

    categorical: Disclosed[tuple[bool, ...]]
    has_missing: Disclosed[tuple[bool, ...]]
    bins: Disclosed[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        return 6 * len(self.categorical.value)


@message(boosting_pb2.TreeBegin)
class TreeBegin(WireMessage):
    """Whether a further tree is grown, and whether the platforms take part in it."""

    go_on: Disclosed[bool]
    federated: Disclosed[bool]

    def disclosed_bits(self) -> int:
        return 2

    @classmethod
    def rehearsal(cls) -> Iterable[TreeBegin]:
        why = "rehearsal"
        yield cls(disclose(True, reason=why), disclose(True, reason=why))
        yield cls(disclose(False, reason=why), disclose(False, reason=why))


@message(boosting_pb2.EncryptedGradients)
class EncryptedGradients(WireMessage):
    """A chunk of [[g‖h]], one ciphertext per training row."""

    gradients: SealedCiphertexts


@message(boosting_pb2.LeafHistogram)
class LeafHistogram(WireMessage):
    """A chunk of a leaf's masked sums by (feature, bin)."""

    sums: WindowedCiphertexts

    def disclosed_bits(self) -> int:
        # One bit per ciphertext beyond the window: whether the mask wrapped (vfl.crypto.masking.mask_window).
        return self.sums.values * self.sums.slot_bits + len(self.sums.sealed)


@message(boosting_pb2.Growth)
class Growth(WireMessage):
    """The next move of the tree's growth."""

    open: Disclosed[bool]
    owner: Disclosed[str]

    EXAMPLE_OWNERS: ClassVar[tuple[str, ...]] = ("bank", "platform-a")

    def disclosed_bits(self) -> int:
        return 10

    @classmethod
    def rehearsal(cls) -> Iterable[Growth]:
        why = "rehearsal"
        for owner in cls.EXAMPLE_OWNERS:
            yield cls(disclose(True, reason=why), disclose(owner, reason=why))
        yield cls(disclose(False, reason=why), disclose("", reason=why))


@message(boosting_pb2.SplitRequest)
class SplitRequest(WireMessage):
    """Which anonymous feature and bin to split on."""

    split: Disclosed[int]
    feature: Disclosed[int]
    threshold_bin: Disclosed[int]
    default_left: Disclosed[bool]
    left_bins: Disclosed[tuple[int, ...]]

    def disclosed_bits(self) -> int:
        return 64 + 16 * len(self.left_bins.value)


@message(boosting_pb2.SplitSides)
class SplitSides(WireMessage):
    """The side of each aligned row at one split of the sender."""

    left: Disclosed[Bits]

    def disclosed_bits(self) -> int:
        return len(self.left.value)


@message(boosting_pb2.LeafRows)
class LeafRows(WireMessage):
    """How the training rows of a leaf divide and which child to sum, or that nothing is wanted."""

    histogram: Disclosed[bool]
    leaf: Disclosed[int]
    new_leaf: Disclosed[int]
    left: Disclosed[Bits]
    histogram_left: Disclosed[bool]

    def disclosed_bits(self) -> int:
        return len(self.left.value) + 1

    @classmethod
    def rehearsal(cls) -> Iterable[LeafRows]:
        why = "rehearsal"
        none = disclose(np.zeros(0, dtype=np.bool_), reason=why)
        for wanted in (True, False):
            flag, zero = disclose(wanted, reason=why), disclose(0, reason=why)
            yield cls(flag, zero, zero, none, flag)
