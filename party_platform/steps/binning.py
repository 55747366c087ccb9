"""A platform's side of binning and screening: cuts, encrypted sums, WOE columns. No label."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from party_platform.steps.workspace import PlatformWorkspace
from vfl.config.binning import BinningSpec
from vfl.core.binned_table import BinnedTable, WoeFeature
from vfl.core.binning import Merge, trend_of
from vfl.core.optimal_binning import Trend
from vfl.core.prebins import PreBins
from vfl.core.selection import Reason, Removal, bin_shift, pearson
from vfl.core.woe import WoeColumns
from vfl.crypto import limbs
from vfl.crypto.paillier import Ciphertexts
from vfl.data.binned_features import fit_prebins, prebin_matrix, woe_columns
from vfl.data.schema import FeatureSpec
from vfl.data.table import Dataset
from vfl.errors import RemoteProtocolError
from vfl.protocols.bin_wishes import wish_of
from vfl.protocols.binning import PlatformBinning
from vfl.protocols.binning_sums import (
    IV_UNIT,
    VERDICT_REASONS,
    WOE_UNIT,
    SumCode,
    label_code,
    woe_codes,
    woe_limit,
)
from vfl.protocols.joint_features import OwnChoice
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
from vfl.protocols.selection_steps import SelectionStep, limit_of
from vfl.protocols.sums import REPLY_CIPHERTEXTS
from vfl.runtime.workspace import malformed
from vfl.wire.carriers import WindowedCiphertexts, aggregate, disclose, public, window

__all__ = ["PlatformBinningSteps"]


class PlatformBinningSteps(PlatformBinning):
    """Cuts its features, in an order that only it knows, and sums ciphertexts by its bins."""

    def __init__(self, work: PlatformWorkspace, spec: BinningSpec) -> None:
        self._work = work
        self._spec = spec
        self._table: Dataset | None = None
        self._prebins: list[PreBins[Any]] = []
        self._received: list[Ciphertexts] = []
        self._digest = hashlib.sha256()
        self._bank_columns = 0
        self.commitment = b""
        """The bank's root over its salted labels."""
        self._unbinned: list[SelectionStep] = []
        self._screened: list[SelectionStep] = []
        self.merges: list[Merge] = []
        """What became of each sent feature's pre-bins."""
        self._candidates: list[int] = []
        self._stay: list[int] = []

    # --- pre-bins ---------------------------------------------------------------------------------------------

    def _prepare(self) -> Dataset:
        """The aligned rows; at first call the features are cut, in a job-wide shuffled order."""
        if self._table is None:
            work = self._work
            table = work.table()
            order = work.seed.stream("bin-order", work.alignment.root).permutation(len(table.features))
            features = [table.features[i] for i in order.tolist()]
            self._prebins, removed = fit_prebins(table, features, work.parts[0], self._spec)
            names = [f.name for f in features]
            self._unbinned = [SelectionStep.of(r, work.party, names) for r in removed]
            self._table = table
        return self._table

    @property
    def _rows(self) -> int:
        """Training rows: the first part of the common order."""
        return int(self._work.parts[0].stop)

    def take_commitment(self, commitment: LabelCommitment) -> None:
        self.commitment = commitment.root.value

    def take_labels(self, chunk: EncryptedLabels) -> None:
        self._receive(chunk.labels)

    def _receive(self, sealed: Any) -> None:
        self._digest.update(sealed.data)
        self._received.append(self._work.he.open(sealed))

    def _all_received(self, count: int) -> Ciphertexts:
        if sum(len(part) for part in self._received) != count:
            raise malformed("CIPHERTEXT_ROWS", "another number of ciphertexts than training rows",
                            "密文数与训练样本数不符")
        whole = self._work.he.concat(self._received)
        self._received = []
        return whole

    def pre_bin_rows(self) -> PreBinRows:
        self._prepare()
        floor = self._spec.row_floor
        rows = tuple(count for p in self._prebins for count in p.rows)
        # The exit refuses a bin under the floor, whatever cut it.
        smallest = min(rows, default=self._rows)
        return PreBinRows(
            ordered=aggregate(tuple(p.ordered for p in self._prebins), cohort=smallest, floor=floor),
            bins=aggregate(tuple(len(p.rows) for p in self._prebins), cohort=smallest, floor=floor),
            apart=aggregate(tuple(p.apart for p in self._prebins), cohort=smallest, floor=floor),
            rows=aggregate(rows, cohort=smallest, floor=floor),
            wishes=aggregate(tuple(wish_of(f) for f in self._sent), cohort=smallest, floor=floor),
        )

    def event_sums(self) -> Iterator[EventSums]:
        table = self._prepare()
        bins = prebin_matrix(table, self._prebins)[: self._rows]
        widths = np.array([len(p.rows) for p in self._prebins], dtype=np.int32)
        context = ("labels", self._received_digest(), hashlib.sha256(bins.tobytes()).digest())
        sums = self._work.he.bucket_sums(self._all_received(self._rows), bins, None, widths)
        code = label_code(self._rows, self._work.he.public)
        for part in self._windows(sums, code, context):
            yield EventSums(part)

    def _received_digest(self) -> bytes:
        digest, self._digest = self._digest.digest(), hashlib.sha256()
        return digest

    def _windows(
        self, sums: Ciphertexts, code: SumCode, context: tuple[str | int | bytes, ...]
    ) -> Iterator[WindowedCiphertexts]:
        """Masked replies, at least one. Streams are bound to what is summed: no mask serves two sums."""
        he, seed = self._work.he, self._work.seed
        step = code.per_ciphertext * REPLY_CIPHERTEXTS
        for start in range(0, max(len(sums), 1), step):
            part = he.take(sums, np.arange(start, min(start + step, len(sums)), dtype=np.int64))
            yield window(
                he, part, slots=code.per_ciphertext, slot_bits=code.slots.width,
                masks=seed.stream("bin-window", *context, start), seals=seed.stream("bin-seal", *context, start),
            )  # fmt: skip

    # --- merging ----------------------------------------------------------------------------------------------

    def take_merges(self, merges: BinMerges) -> None:
        self._prepare()
        groups, woe = list(merges.groups.value), list(merges.woe.value)
        bins, iv = merges.bins.value, merges.iv.value
        fits = (
            len(bins) == len(iv) == len(merges.candidate.value) == len(self._prebins)
            and len(groups) == sum(len(p.rows) for p in self._prebins)
            and len(woe) == sum(bins)
            and all(abs(w) <= woe_limit(self._rows) for w in woe)
        )
        if not fits:
            raise _wrong_merges()
        self.merges = []
        for prebins, count, value in zip(self._prebins, bins, iv, strict=True):
            own, groups = tuple(groups[: len(prebins.rows)]), groups[len(prebins.rows) :]
            values, woe = tuple(w / WOE_UNIT for w in woe[:count]), woe[count:]
            if set(own) != set(range(count)):
                raise _wrong_merges()
            regular = max(own[: prebins.regular]) + 1
            trend = trend_of(np.array(values[:regular])) if prebins.ordered else Trend.NONE
            self.merges.append(Merge(own, values, value / IV_UNIT, trend))
        self._candidates = [f for f, candidate in enumerate(merges.candidate.value) if candidate]
        self._stay = list(self._candidates)

    @property
    def _sent(self) -> list[FeatureSpec]:
        """Features in the order that the bank knows them by."""
        declared = {f.name: f for f in self._prepare().features}
        return [declared[p.name] for p in self._prebins]

    def _binned(self, positions: list[int]) -> BinnedTable:
        return BinnedTable(tuple(WoeFeature(self._prebins[f], self.merges[f]) for f in positions))

    # --- screening --------------------------------------------------------------------------------------------

    def own_choices(self) -> OwnChoices:
        columns = woe_columns(self._prepare(), self._binned(list(range(len(self.merges)))))
        train, *others = self._work.parts
        shifts = [bin_shift(columns.bins[:, f], train, others) for f in range(len(self.merges))]
        choices = [OwnChoice.of(f, shift, self._spec) for f, shift in zip(self._sent, shifts, strict=True)]
        self._screened = []
        chosen = []
        for f, (choice, shift, merge) in enumerate(zip(choices, shifts, self.merges, strict=True)):
            if choice is OwnChoice.UNSTABLE:
                self._note(f, Reason.STABILITY, shift)
            elif choice is OwnChoice.KEEP or f in self._candidates:
                chosen.append(f)
            else:
                self._note(f, Reason.LOW_IV if merge.iv < self._spec.min_iv else Reason.HIGH_IV, merge.iv)
        self._candidates, self._stay = chosen, list(chosen)
        return OwnChoices(disclose(tuple(map(int, choices)), reason="an owner alone judges the stability of its bins"))

    def _note(self, feature: int, reason: Reason, value: float) -> None:
        removal = Removal(0, reason, value, limit_of(reason, self._spec))
        self._screened.append(SelectionStep.of(removal, self._work.party, [self._prebins[feature].name]))

    def take_bank_columns(self, columns: BankColumns) -> None:
        self._bank_columns = columns.count.value

    def take_woe(self, chunk: EncryptedWoe) -> None:
        self._receive(chunk.columns)

    def own_correlations(self) -> OwnCorrelations:
        columns = self._train_columns()
        matrix = pearson(columns.matrix())
        above = np.triu_indices(len(matrix), 1)
        pairs = tuple(np.rint(matrix[above] * IV_UNIT).astype(int).tolist())
        return OwnCorrelations(aggregate(pairs, cohort=self._rows, floor=self._spec.row_floor))

    def _train_columns(self) -> WoeColumns:
        return woe_columns(self._prepare(), self._binned(self._candidates)).take(self._work.parts[0])

    def cross_sums(self) -> Iterator[CrossSums]:
        he, columns = self._work.he, self._train_columns()
        codes = woe_codes(self._rows, self._bank_columns, he.public)
        digest = self._received_digest()
        what = hashlib.sha256(columns.bins.tobytes()).digest()
        packed = self._all_received(self._rows * len(codes))
        for group, code in enumerate(codes):
            rows = np.arange(group * self._rows, (group + 1) * self._rows, dtype=np.int64)
            products = self._products(he.take(packed, rows), columns)
            for part in self._windows(products, code, ("cross", group, digest, what)):
                yield CrossSums(public(group), part)

    def _products(self, packed: Ciphertexts, columns: WoeColumns) -> Ciphertexts:
        """For each own column the sum of the bank's packed columns times it: bin sums times WOE, then over bins."""
        he = self._work.he
        widths = np.array([len(w) for w in columns.woe], dtype=np.int32)
        sums = he.bucket_sums(packed, columns.bins, None, widths)
        units = np.rint(np.concatenate([*columns.woe, np.zeros(0)]) * WOE_UNIT).astype(np.int64)
        scaled = he.mul_plain(sums, limbs.from_ints(np.abs(units).tolist(), 1), units < 0)
        feature = np.repeat(np.arange(len(widths)), widths).astype(np.uint16)[:, None]
        return he.bucket_sums(scaled, feature, None, np.array([len(widths)], dtype=np.int32))

    def take_verdicts(self, verdicts: Verdicts) -> None:
        told = verdicts.verdicts.value
        if len(told) != len(self._candidates) or max(told, default=0) > len(VERDICT_REASONS):
            raise malformed("VERDICTS", "verdicts on other features than were sent", "结论与所发送的特征不符")
        self._stay = [f for f, verdict in zip(self._candidates, told, strict=True) if verdict == 0]
        for f, verdict in zip(self._candidates, told, strict=True):
            if verdict:
                self._note(f, VERDICT_REASONS[verdict - 1], np.nan)

    # --- results and state ------------------------------------------------------------------------------------

    @property
    def removed(self) -> dict[str, Reason]:
        """Why the features that are not used are not, by name."""
        return {step.feature: step.step for step in self.selection()}

    def selection(self) -> tuple[SelectionStep, ...]:
        """The own features that went, in the order of the steps; figures that the bank keeps are NaN."""
        self._prepare()
        return (*self._unbinned, *self._screened)

    def binned(self) -> BinnedTable:
        """The features that stay, in the order that the bank knows them by."""
        self._prepare()
        return self._binned(self._stay)

    def columns(self) -> WoeColumns:
        """Their bins and WOE for all aligned rows."""
        return woe_columns(self._prepare(), self.binned())

    def dump(self) -> dict[str, bytes]:
        if not self.commitment:
            return {}
        state = {
            "commitment": self.commitment.hex(),
            "merges": [m.to_dict() for m in self.merges],
            "screened": [step.to_list() for step in self._screened],
            "candidates": self._candidates,
            "stay": self._stay,
        }
        return {"binning": json.dumps(state, sort_keys=True).encode()}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "binning" not in parts:
            return
        state = json.loads(parts["binning"])
        self.commitment = bytes.fromhex(state["commitment"])
        self.merges = [Merge.from_dict(m) for m in state["merges"]]
        self._screened = [SelectionStep.from_list(step) for step in state["screened"]]
        self._candidates, self._stay = state["candidates"], state["stay"]


def _wrong_merges() -> RemoteProtocolError:
    return malformed("BIN_MERGES", "bins that do not belong to the features sent", "与所发送特征不符的分箱")
