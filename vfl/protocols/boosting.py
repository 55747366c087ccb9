"""Boosted trees over owners: LightGBM's trees, with each feature staying at its owner.

Source: the histogram-and-gradient exchange of SecureBoost (Cheng et al. 2021) with packed gradients
(SecureBoost+), LightGBM's leaf-wise growth, bins and gain (Ke et al. 2017), and this project's reply rule: packed
sums leave in exactly the declared window of bits.

Trust: semi-honest parties; keys, ciphertexts and sizes are checked. The bank holds labels, key and structure.

======  =========================  ==========================  ===========================================
line    message                    kind                        who learns what
======  =========================  ==========================  ===========================================
1       FeatureShapes              DISCLOSURE platform→bank    number and kind of anonymous features
2       TreeBegin                  DISCLOSURE bank→platform    whether training goes on
3       EncryptedGradients         CIPHERTEXT bank→platform    nothing
4, 8    LeafHistogram              MASKED platform→bank        sums per anonymous bin of a leaf
5       Growth                     DISCLOSURE bank→platform    whether and where the tree grows on
6       SplitRequest, SplitSides   DISCLOSURE both ways        the split; the rows' sides at it
7       LeafRows                   DISCLOSURE bank→platform    partition of a leaf that must be histogrammed
======  =========================  ==========================  ===========================================

Leaves of the last level, trees of the bank's own features and everything below ``min_data_in_leaf`` are never told
to a platform.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from vfl.errors import RemoteProtocolError, Text
from vfl.protocols.messages.boosting import (
    EncryptedGradients,
    FeatureShapes,
    Growth,
    LeafHistogram,
    LeafRows,
    SplitRequest,
    SplitSides,
    TreeBegin,
)
from vfl.runtime.choreography import Choreography, Handle

__all__ = ["BankTrees", "PlatformTrees", "boosted_tree", "boosted_trees", "feature_shapes"]


class BankTrees(ABC):
    """The bank's part: gradients, split search, structure, margins."""

    @abstractmethod
    def take_shapes(self, shapes: FeatureShapes, platform: str) -> None:
        """Note how one platform's histograms are laid out."""

    @abstractmethod
    def tree_begin(self) -> TreeBegin:
        """Decide whether a further tree is grown. Learns (platform): one bit, and whether it takes part."""

    @abstractmethod
    def encrypted_gradients(self) -> Iterator[EncryptedGradients]:
        """[[g‖h]] of the training rows, freshly encrypted. Learns (platform): nothing."""

    @abstractmethod
    def take_histogram(self, chunk: LeafHistogram, platform: str) -> None:
        """Decrypt one chunk of one platform's sums."""

    @abstractmethod
    def growth(self) -> Growth:
        """Choose the best split over all owners. Learns (platform): who owns it, whether the tree goes on."""

    @abstractmethod
    def own_tree(self) -> None:
        """Grow a whole tree on the bank's own features."""

    @abstractmethod
    def split_request(self) -> SplitRequest:
        """The chosen split in the owner's anonymous terms. Learns (platform): its own feature and bin."""

    @abstractmethod
    def take_sides(self, sides: SplitSides) -> None:
        """The rows' sides at a platform's split."""

    @abstractmethod
    def own_sides(self) -> None:
        """The rows' sides at a split of the bank's own."""

    @abstractmethod
    def leaf_rows(self) -> LeafRows:
        """Partition of the split leaf if a child can split on, else nothing. Learns (platform): exactly that."""

    @abstractmethod
    def end_tree(self) -> None:
        """Write leaf values into the model and the margins; judge by the validation rows."""


class PlatformTrees(ABC):
    """A platform's part: its bins, its sums, its thresholds. It never holds a label or a margin."""

    @abstractmethod
    def feature_shapes(self) -> FeatureShapes:
        """Number and kind of features, shuffled, padded to one bin count. Learns (bank): exactly that."""

    @abstractmethod
    def begin_tree(self) -> None:
        """Forget the last tree's rows and sums; shuffle the feature order for this tree."""

    @abstractmethod
    def take_gradients(self, chunk: EncryptedGradients) -> None:
        """Keep a chunk of encrypted gradients."""

    @abstractmethod
    def leaf_histogram(self) -> Iterator[LeafHistogram]:
        """Sum the named leaf by (feature, bin); mask, pack, re-randomise. Learns (bank): the declared window."""

    @abstractmethod
    def split_sides(self, request: SplitRequest) -> SplitSides:
        """Apply a split to all aligned rows and keep its threshold. Learns (bank): each row's side."""

    @abstractmethod
    def take_leaf_rows(self, rows: LeafRows) -> None:
        """Divide a leaf's rows; the smaller child is summed next."""


async def feature_shapes(c: Choreography, bank: Handle[BankTrees], platforms: Sequence[Handle[PlatformTrees]]) -> None:
    """Once per job: how each platform's histograms are laid out."""
    for platform in platforms:
        shapes = await platform.send(platform.do(PlatformTrees.feature_shapes), to=bank)  # 1
        bank.do(BankTrees.take_shapes, shapes, platform.party)


async def boosted_tree(
    c: Choreography, bank: Handle[BankTrees], platforms: Sequence[Handle[PlatformTrees]]
) -> TreeBegin:
    """One tree, or the word that training has ended."""
    begin = await bank.announce(bank.do(BankTrees.tree_begin), *platforms)  # 2
    if not begin.go_on.value:
        return begin
    if not begin.federated.value:
        bank.do(BankTrees.own_tree)
        bank.do(BankTrees.end_tree)
        return begin
    for platform in platforms:
        platform.do(PlatformTrees.begin_tree)
    gradients = await bank.broadcast(bank.stream(BankTrees.encrypted_gradients), to=platforms)  # 3
    for platform, chunks in zip(platforms, gradients, strict=True):
        await platform.absorb(PlatformTrees.take_gradients, chunks)
    await _histograms(bank, platforms)  # 4
    while (growth := await bank.announce(bank.do(BankTrees.growth), *platforms)).open.value:  # 5
        owner = _owner(growth, bank, platforms)
        if owner is None:
            bank.do(BankTrees.own_sides)
        else:
            request = await bank.send(bank.do(BankTrees.split_request), to=owner)  # 6
            sides = await owner.send(owner.do(PlatformTrees.split_sides, request), to=bank)
            bank.do(BankTrees.take_sides, sides)
        rows = await bank.announce(bank.do(BankTrees.leaf_rows), *platforms)  # 7
        if rows.histogram.value:
            for platform in platforms:
                platform.do(PlatformTrees.take_leaf_rows, rows)
            await _histograms(bank, platforms)  # 8
    bank.do(BankTrees.end_tree)
    return begin


def _owner(
    growth: Growth, bank: Handle[BankTrees], platforms: Sequence[Handle[PlatformTrees]]
) -> Handle[PlatformTrees] | None:
    """The platform that owns the split, None for the bank."""
    named = {p.party: p for p in platforms}
    if growth.owner.value not in (bank.party, *named):
        raise RemoteProtocolError(
            "SPLIT_OWNER",
            Text(en="the bank named an owner that is not of this job", zh="银行指定了不属于本任务的分裂所有者"),
            cure=Text(en="stop the job and compare versions", zh="请中止任务并核对版本"),
        )
    return named.get(growth.owner.value)


async def _histograms(bank: Handle[BankTrees], platforms: Sequence[Handle[PlatformTrees]]) -> None:
    for platform in platforms:
        sums = await platform.send(platform.stream(PlatformTrees.leaf_histogram), to=bank)
        await bank.absorb(BankTrees.take_histogram, sums, platform.party)


async def boosted_trees(
    c: Choreography, bank: Handle[BankTrees], platforms: Sequence[Handle[PlatformTrees]], *, trees: int
) -> None:
    """All trees; each one is a phase, so that a crash costs at most the tree it falls into."""
    await c.phase("shapes", feature_shapes, bank, platforms)
    for tree in range(trees + 1):
        begin = await c.phase(f"tree-{tree}", boosted_tree, bank, platforms)
        if not begin.go_on.value:
            return
