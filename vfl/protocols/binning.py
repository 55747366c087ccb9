"""WOE binning and screening over owners: as if all features lay in one table, with each staying at its owner.

Trust: semi-honest parties; keys, ciphertexts, sizes and the sums' totals are checked. The bank holds labels and key.

======  ==================  ==========================  =====================================================
line    message             kind                        who learns what
======  ==================  ==========================  =====================================================
1       LabelCommitment     BLINDED bank→platform       nothing
2       EncryptedLabels     CIPHERTEXT bank→platform    nothing
3       PreBinRows          AGGREGATE platform→bank     rows of anonymous pre-bins
4       EventSums           MASKED platform→bank        events of anonymous pre-bins
5       BinMerges           DISCLOSURE bank→platform    merging, WOE and IV of its own features
6       OwnChoices          DISCLOSURE platform→bank    anonymous features that go or stay at their owner's word
7       BankColumns         DISCLOSURE bank→platform    number of the bank's features
8       EncryptedWoe        CIPHERTEXT bank→platform    nothing
9       OwnCorrelations     AGGREGATE platform→bank     correlations of anonymous columns
10      CrossSums           MASKED platform→bank        sums of products with the bank's columns
11      Verdicts            DISCLOSURE bank→platform    which of its own features stay
======  ==================  ==========================  =====================================================

Each floor is kept by the owner of what it protects. *Rows*: the platform sends no pre-bin under the row floor, and puts
every row into one, so that none appears as a difference of two others; the exit itself refuses a smaller one. *Events
and non-events*: the bank merges until each bin holds enough of both before it tells a WOE, so that a platform never
reads labels off a bin of one class. The price is stated: of a pre-bin with enough rows the bank may see that it holds
few events or none.

The owner's word counts for its own features: cuts, groups, special values and trends come from its view, so do features
that go or stay in any case; and it alone judges whether its bins shifted between training and later rows.

Security: a bank that encrypts other numbers than labels reads at most the declared windows; it would read other sums
over the same bins. Two platforms' columns are never multiplied: under the bank's key a platform that colludes with the
bank would open the other's rows. Correlations between platforms are therefore unknown, and variance inflation is a
lower bound where there are several (:func:`vfl.core.selection.variance_inflation`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from vfl.protocols.messages.binning import (
    BankColumns,
    BinMerges,
    CrossSums,
    EncryptedLabels,
    EncryptedWoe,
    EventSums,
    LabelCommitment,
    OwnChoices,
    OwnCorrelations,
    PreBinRows,
    Verdicts,
)
from vfl.runtime.choreography import Choreography, Handle

__all__ = ["BankBinning", "PlatformBinning", "binning", "screening"]


class BankBinning(ABC):
    """The bank's part: labels, counts of all bins, merging, selection."""

    @abstractmethod
    def label_commitment(self) -> LabelCommitment:
        """Root over the salted labels of the training rows. Learns (platform): nothing."""

    @abstractmethod
    def encrypted_labels(self) -> Iterator[EncryptedLabels]:
        """[[y]] of the training rows, freshly encrypted. Learns (platform): nothing."""

    @abstractmethod
    def take_rows(self, rows: PreBinRows, platform: str) -> None:
        """Note the pre-bins of one platform and check their floors."""

    @abstractmethod
    def take_events(self, chunk: EventSums, platform: str) -> None:
        """Decrypt one chunk of one platform's numbers of events."""

    @abstractmethod
    def bin_merges(self, platform: str) -> BinMerges:
        """Merge one platform's pre-bins. Learns (platform): merging, WOE and IV of its own features."""

    @abstractmethod
    def take_choices(self, choices: OwnChoices, platform: str) -> None:
        """Note what one platform decides of its own features."""

    @abstractmethod
    def bank_columns(self) -> BankColumns:
        """Bin the own features. Learns (platform): how many go on."""

    @abstractmethod
    def encrypted_woe(self) -> Iterator[EncryptedWoe]:
        """The own WOE columns, freshly encrypted. Learns (platform): nothing."""

    @abstractmethod
    def take_correlations(self, own: OwnCorrelations, platform: str) -> None:
        """Keep one platform's correlations."""

    @abstractmethod
    def take_cross_sums(self, chunk: CrossSums, platform: str) -> None:
        """Decrypt one chunk of sums of products with the own columns."""

    @abstractmethod
    def verdicts(self, platform: str) -> Verdicts:
        """Select over all owners. Learns (platform): which of its own features stay."""


class PlatformBinning(ABC):
    """A platform's part: its cuts, its sums, its WOE columns. It never holds a label."""

    @abstractmethod
    def take_commitment(self, commitment: LabelCommitment) -> None:
        """Keep the bank's commitment for the audit."""

    @abstractmethod
    def take_labels(self, chunk: EncryptedLabels) -> None:
        """Keep a chunk of encrypted labels."""

    @abstractmethod
    def pre_bin_rows(self) -> PreBinRows:
        """Cut the features, in shuffled order. Learns (bank): rows of each anonymous pre-bin."""

    @abstractmethod
    def event_sums(self) -> Iterator[EventSums]:
        """Sum labels by pre-bin; mask, pack, re-randomise. Learns (bank): events of each anonymous pre-bin."""

    @abstractmethod
    def take_merges(self, merges: BinMerges) -> None:
        """Merge the own pre-bins."""

    @abstractmethod
    def own_choices(self) -> OwnChoices:
        """Judge the own features. Learns (bank): which anonymous ones go as unstable, which stay in any case."""

    @abstractmethod
    def take_bank_columns(self, columns: BankColumns) -> None:
        """Note how the bank's columns are packed."""

    @abstractmethod
    def take_woe(self, chunk: EncryptedWoe) -> None:
        """Keep a chunk of the bank's encrypted columns."""

    @abstractmethod
    def own_correlations(self) -> OwnCorrelations:
        """Correlate the own WOE columns. Learns (bank): correlations of anonymous columns."""

    @abstractmethod
    def cross_sums(self) -> Iterator[CrossSums]:
        """Multiply the bank's columns with the own ones, by bins. Learns (bank): one sum per pair of columns."""

    @abstractmethod
    def take_verdicts(self, verdicts: Verdicts) -> None:
        """Drop the features that go."""


async def binning(c: Choreography, bank: Handle[BankBinning], platforms: Sequence[Handle[PlatformBinning]]) -> None:
    """Bins, WOE and IV of every owner's features."""
    commitments = await bank.broadcast(bank.do(BankBinning.label_commitment), to=platforms)  # 1
    for platform, commitment in zip(platforms, commitments, strict=True):
        platform.do(PlatformBinning.take_commitment, commitment)
    labels = await bank.broadcast(bank.stream(BankBinning.encrypted_labels), to=platforms)  # 2
    for platform, chunks in zip(platforms, labels, strict=True):
        await platform.absorb(PlatformBinning.take_labels, chunks)
    for platform in platforms:
        rows = await platform.send(platform.do(PlatformBinning.pre_bin_rows), to=bank)  # 3
        bank.do(BankBinning.take_rows, rows, platform.party)
        sums = await platform.send(platform.stream(PlatformBinning.event_sums), to=bank)  # 4
        await bank.absorb(BankBinning.take_events, sums, platform.party)
        merges = await bank.send(bank.do(BankBinning.bin_merges, platform.party), to=platform)  # 5
        platform.do(PlatformBinning.take_merges, merges)


async def screening(c: Choreography, bank: Handle[BankBinning], platforms: Sequence[Handle[PlatformBinning]]) -> None:
    """Selection by correlation and variance inflation over the WOE columns of all owners, after :func:`binning`."""
    for platform in platforms:
        choices = await platform.send(platform.do(PlatformBinning.own_choices), to=bank)  # 6
        bank.do(BankBinning.take_choices, choices, platform.party)
    columns = await bank.announce(bank.do(BankBinning.bank_columns), *platforms)  # 7
    for platform in platforms:
        platform.do(PlatformBinning.take_bank_columns, columns)
    if columns.count.value:
        packed = await bank.broadcast(bank.stream(BankBinning.encrypted_woe), to=platforms)  # 8
        for platform, chunks in zip(platforms, packed, strict=True):
            await platform.absorb(PlatformBinning.take_woe, chunks)
    for platform in platforms:
        own = await platform.send(platform.do(PlatformBinning.own_correlations), to=bank)  # 9
        bank.do(BankBinning.take_correlations, own, platform.party)
        if columns.count.value:
            sums = await platform.send(platform.stream(PlatformBinning.cross_sums), to=bank)  # 10
            await bank.absorb(BankBinning.take_cross_sums, sums, platform.party)
    for platform in platforms:
        told = await bank.send(bank.do(BankBinning.verdicts, platform.party), to=platform)  # 11
        platform.do(PlatformBinning.take_verdicts, told)
