"""The bank's side of binning and screening: labels, counts of all owners' bins, merging, selection."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from party_bank.steps.workspace import BankWorkspace
from vfl.config.binning import BinningSpec
from vfl.core.binned_table import BinnedTable, WoeFeature
from vfl.core.binning import BinCounts
from vfl.core.prebins import PreBins
from vfl.core.selection import Reason, Removal, bin_shift
from vfl.core.woe import WoeColumns
from vfl.crypto.merkle import MerkleTree
from vfl.data.binned_features import fit_prebins, prebin_matrix, woe_columns
from vfl.data.table import Dataset
from vfl.errors import RemoteProtocolError
from vfl.protocols.bin_wishes import merge_as_wished, sound_wish, wish_of
from vfl.protocols.binning import BankBinning
from vfl.protocols.binning_sums import IV_UNIT, VERDICT_REASONS, WOE_UNIT, label_code, woe_codes
from vfl.protocols.joint_features import (
    JointFeature,
    OwnChoice,
    Screening,
    candidates,
    joint_correlation,
    screen,
)
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
from vfl.protocols.selection_steps import SelectionStep, require_columns
from vfl.runtime.state import freeze, thaw
from vfl.runtime.workspace import malformed, too_early
from vfl.wire.carriers import disclose, public

__all__ = ["BankBinningSteps"]

_SALT = 16


class BankBinningSteps(BankBinning):
    """Merges bins and selects features over all owners; :attr:`features` lists its own, then the platforms'."""

    def __init__(self, work: BankWorkspace, spec: BinningSpec) -> None:
        self._work = work
        self._spec = spec
        self._table: Dataset | None = None
        self._prebins: list[PreBins[Any]] = []
        self._shapes: dict[str, list[tuple[npt.NDArray[np.int64], int, bool, int]]] = {}
        self._events: dict[str, list[npt.NDArray[np.int64]]] = {}
        self._by_owner: dict[str, list[JointFeature]] = {}
        self._told: dict[str, tuple[int, ...]] = {}
        self._cross: dict[str, dict[int, list[npt.NDArray[np.float64]]]] = {}
        self._screening: Screening | None = None
        self.correlation: npt.NDArray[np.float64] = np.zeros((0, 0))
        """Correlations of the WOE columns of all features on the training rows; NaN where unknown."""
        self._unbinned: list[SelectionStep] = []

    # --- labels and own bins ----------------------------------------------------------------------------------

    def _prepare(self) -> Dataset:
        """The aligned rows; at first call the own features are cut and merged on the training rows."""
        if self._table is None:
            work = self._work
            self._table = work.data.take(work.alignment.rows)
            features = self._table.features if work.spec.bank_features else ()
            self._prebins, removed = fit_prebins(self._table, features, work.parts[0], self._spec)
            names = [f.name for f in features]
            self._unbinned = [SelectionStep.of(r, work.party, names) for r in removed]
            if work.party not in self._by_owner:
                self._by_owner[work.party] = self._own_features(self._table)
        return self._table

    def _own_features(self, table: Dataset) -> list[JointFeature]:
        matrix, labels = prebin_matrix(table, self._prebins), self._labels
        declared = {feature.name: feature for feature in table.features}
        train, *others = self._work.parts
        out = []
        for index, prebins in enumerate(self._prebins):
            bins, feature = matrix[:, index], declared[prebins.name]
            events = np.bincount(bins[train], weights=labels, minlength=len(prebins.rows)).astype(np.int64)
            counts = BinCounts(np.array(prebins.rows, dtype=np.int64), events, prebins.apart, prebins.ordered)
            merge = merge_as_wished(counts, self._spec, wish_of(feature))
            shift = bin_shift(WoeFeature(prebins, merge).joined(bins), train, others)
            choice = OwnChoice.of(feature, shift, self._spec)
            out.append(JointFeature(self._work.party, index, prebins.name, counts, merge, choice, shift))
        return out

    @property
    def _rows(self) -> int:
        """Training rows: the first part of the common order."""
        return int(self._work.parts[0].stop)

    @property
    def _labels(self) -> npt.NDArray[np.int64]:
        return self._work.labels()[self._work.parts[0]].astype(np.int64)

    def label_commitment(self) -> LabelCommitment:
        self._prepare()
        labels = self._labels
        salts = self._work.seed.stream("label-salts", self._work.alignment.root).bytes(_SALT * len(labels))
        leaves = (salts[_SALT * i : _SALT * (i + 1)] + bytes([y]) for i, y in enumerate(labels.tolist()))
        return LabelCommitment(public(MerkleTree(leaves).root))

    def encrypted_labels(self) -> Iterator[EncryptedLabels]:
        he, seed, labels = self._work.he, self._work.seed, self._labels
        code = label_code(self._rows, he.public)
        for start in range(0, self._rows, code.chunk):
            plain = code.slots.pack({"y": labels[start : start + code.chunk]}, he.public)
            stream = seed.stream("labels", start, hashlib.sha256(plain.tobytes()).digest())
            yield EncryptedLabels(he.encrypt_sealed(plain, stream))
            self._work.progress("labels", min(1.0, (start + code.chunk) / self._rows))

    # --- platforms' bins --------------------------------------------------------------------------------------

    def take_rows(self, rows: PreBinRows, platform: str) -> None:
        ordered, bins, apart = rows.ordered.value, rows.bins.value, rows.apart.value
        counts = np.array(rows.rows.value, dtype=np.int64)
        wishes = rows.wishes.value
        if not len(ordered) == len(bins) == len(apart) == len(wishes) or sum(bins) != len(counts):
            raise _wrong_bins(platform)
        shapes = []
        for size, separate, flag, wish in zip(bins, apart, ordered, wishes, strict=True):
            own, counts = counts[:size], counts[size:]
            sound = size >= 2 and separate < size and own.sum() == self._rows and own.min() >= self._spec.row_floor
            if not (sound and sound_wish(wish)):
                raise _wrong_bins(platform)
            shapes.append((own, separate, flag, wish))
        self._shapes[platform] = shapes

    def take_events(self, chunk: EventSums, platform: str) -> None:
        sums, code = chunk.sums, label_code(self._rows, self._work.he.public)
        if (sums.slots, sums.slot_bits) != (code.per_ciphertext, code.slots.width):
            raise _wrong_bins(platform)
        plain = self._work.he.decrypt(sums.sealed)
        events = code.slots.unpack(plain, per=sums.slots, count=sums.values)["y"].to_float64(0)
        self._events.setdefault(platform, []).append(events.astype(np.int64))

    def bin_merges(self, platform: str) -> BinMerges:
        shapes = self._shapes.get(platform)
        if shapes is None:
            raise too_early("rows of the pre-bins")
        events = np.concatenate(self._events.pop(platform))
        if len(events) != sum(len(rows) for rows, _, _, _ in shapes):
            raise _wrong_bins(platform)
        features = []
        for index, (rows, apart, ordered, wish) in enumerate(shapes):
            own, events = events[: len(rows)], events[len(rows) :]
            if (own < 0).any() or (own > rows).any() or own.sum() != self._labels.sum():
                raise _wrong_bins(platform)
            counts = BinCounts(rows, own, apart, ordered)
            merge = merge_as_wished(counts, self._spec, wish)
            features.append(JointFeature(platform, index, None, counts, merge))
        self._by_owner[platform] = features
        good = set(candidates(features, self._spec)[0])
        why = "the owner codes its own rows"
        merges = [f.merge for f in features]
        return BinMerges(
            groups=disclose(tuple(g for m in merges for g in m.groups), reason=why),
            bins=disclose(tuple(len(m.woe) for m in merges), reason=why),
            woe=disclose(tuple(round(w * WOE_UNIT) for m in merges for w in m.woe), reason=why),
            iv=disclose(tuple(round(m.iv * IV_UNIT) for m in merges), reason=why),
            candidate=disclose(tuple(f in good for f in range(len(features))), reason=why),
        )

    # --- screening --------------------------------------------------------------------------------------------

    @property
    def features(self) -> list[JointFeature]:
        """All binned features: the bank's own in its view's order, then each platform's as it numbers them."""
        owners = (self._work.party, *self._work.spec.platforms)
        return [f for owner in owners for f in self._by_owner.get(owner, [])]

    def take_choices(self, choices: OwnChoices, platform: str) -> None:
        told, features = choices.choices.value, self._by_owner[platform]
        if len(told) != len(features) or max(told, default=0) > max(OwnChoice):
            raise malformed("OWN_CHOICES", f"choices of {platform} on other features than were sent",
                            f"{platform} 的选择与所发送的特征不符")
        self._by_owner[platform] = [
            replace(feature, choice=OwnChoice(choice)) for feature, choice in zip(features, told, strict=True)
        ]

    def _own_candidates(self) -> list[int]:
        return candidates(self._by_owner[self._work.party], self._spec)[0]

    def _binned(self, positions: list[int]) -> BinnedTable:
        own = self._by_owner[self._work.party]
        return BinnedTable(tuple(WoeFeature(self._prebins[i], own[i].merge) for i in positions))

    def _train_units(self) -> npt.NDArray[np.int64]:
        """The own candidates' WOE of the training rows in whole units, shape (rows, columns)."""
        table = self._prepare()
        columns = woe_columns(table, self._binned(self._own_candidates())).take(self._work.parts[0])
        return np.rint(columns.matrix() * WOE_UNIT).astype(np.int64)

    def bank_columns(self) -> BankColumns:
        self._prepare()
        count = len(self._own_candidates())
        return BankColumns(disclose(count, reason="the platforms must know how the columns are packed"))

    def encrypted_woe(self) -> Iterator[EncryptedWoe]:
        he, seed, units = self._work.he, self._work.seed, self._train_units()
        for group, code in enumerate(woe_codes(self._rows, units.shape[1], he.public)):
            for start in range(0, self._rows, code.chunk):
                part = units[start : start + code.chunk]
                plain = code.slots.pack({name: part[:, int(name)] for name in code.slots.names}, he.public)
                stream = seed.stream("woe", group, start, hashlib.sha256(plain.tobytes()).digest())
                yield EncryptedWoe(he.encrypt_sealed(plain, stream))

    def take_correlations(self, own: OwnCorrelations, platform: str) -> None:
        count = len(candidates(self._by_owner[platform], self._spec)[0])
        told = own.pairs.value
        if len(told) != count * (count - 1) // 2 or max(map(abs, told), default=0) > IV_UNIT:
            raise malformed("CORRELATIONS", f"correlations of {platform} that fit no features",
                            f"{platform} 的相关系数与特征不符")
        self._told[platform] = told

    def take_cross_sums(self, chunk: CrossSums, platform: str) -> None:
        codes = woe_codes(self._rows, len(self._own_candidates()), self._work.he.public)
        group, sums = chunk.group.value, chunk.sums
        fits = group < len(codes) and (sums.slots, sums.slot_bits) == (
            codes[group].per_ciphertext, codes[group].slots.width,
        )  # fmt: skip
        if not fits:
            raise _wrong_products(platform)
        layout = codes[group].slots
        slots = layout.unpack(self._work.he.decrypt(sums.sealed), per=sums.slots, count=sums.values)
        received = np.stack([slots[name].to_float64(0) for name in layout.names])
        self._cross.setdefault(platform, {}).setdefault(group, []).append(received / WOE_UNIT**2)

    def verdicts(self, platform: str) -> Verdicts:
        if self._screening is None:
            self._screen()
        features = self.features
        gone = {r.feature: r.reason for r in self.screening.removed}
        chosen, _ = candidates(features, self._spec)
        told = tuple(
            1 + VERDICT_REASONS.index(gone[i]) if i in gone else 0 for i in chosen if features[i].owner == platform
        )
        return Verdicts(disclose(told, reason="the owner trains on what stays"))

    def _screen(self) -> None:
        features = self.features
        chosen, outside = candidates(features, self._spec)
        owners = {owner: [i for i in chosen if features[i].owner == owner] for owner in self._work.spec.platforms}
        own = [i for i in chosen if features[i].owner == self._work.party]
        units = self._train_units().astype(np.float64) / WOE_UNIT
        products = np.full((len(features), len(features)), np.nan)
        products[np.ix_(own, own)] = units.T @ units
        within = {}
        for platform, places in owners.items():
            within[platform] = _symmetric(self._told[platform], len(places))
            if own and places:
                cross = self._products_with(platform, len(own), len(places))
                products[np.ix_(own, places)] = cross
                products[np.ix_(places, own)] = cross.T
        self.correlation = joint_correlation(features, chosen, products, within, self._rows)
        result = screen(features, chosen, self.correlation, self._spec)
        removed = (*outside, *result.removed)
        for platform in owners:
            theirs = [r for r in removed if features[r.feature].owner == platform]
            require_columns(platform, len(self._by_owner[platform]), theirs, self._spec)
        self._screening = Screening(result.kept, removed, result.vif)

    def _products_with(self, platform: str, own: int, places: int) -> npt.NDArray[np.float64]:
        """Sums of products of the own candidates with a platform's, shape (own, places)."""
        received = self._cross.pop(platform, {})
        groups = [np.concatenate(received[group], axis=1) for group in sorted(received)]
        if sum(len(g) for g in groups) != own or any(g.shape[1] != places for g in groups):
            raise _wrong_products(platform)
        return np.concatenate(groups)

    # --- results and state ------------------------------------------------------------------------------------

    @property
    def screening(self) -> Screening:
        """Which of :attr:`features` stay, and why the others went."""
        if self._screening is None:
            raise too_early("screening")
        return self._screening

    @property
    def removed(self) -> dict[str, Reason]:
        """Why those of the own features that have no bins have none, by name."""
        return {step.feature: step.step for step in self._unbinned}

    def selection(self) -> tuple[SelectionStep, ...]:
        """All features that went, in the order of the steps: the own ones by name, the platforms' by place."""
        self._prepare()
        features = self.features
        labels = [f.label for f in features]
        gone = self.screening.removed
        return (*self._unbinned, *(SelectionStep.of(r, features[r.feature].owner, labels) for r in gone))

    def binned(self) -> BinnedTable:
        """The bank's own features that stay."""
        self._prepare()
        own = range(len(self._by_owner[self._work.party]))
        return self._binned([i for i in self.screening.kept if i in own])

    def own_features(self) -> dict[str, WoeFeature]:
        """All binned features of the bank by name, those that went too: for its report."""
        self._prepare()
        own = range(len(self._by_owner[self._work.party]))
        return {f.name: f for f in self._binned(list(own)).features}

    def columns(self) -> WoeColumns:
        """Their bins and WOE for all aligned rows."""
        return woe_columns(self._prepare(), self.binned())

    def dump(self) -> dict[str, bytes]:
        if not self._by_owner:
            return {}
        facts: dict[str, Any] = {o: [f.to_dict() for f in features] for o, features in self._by_owner.items()}
        state: dict[str, Any] = {"features": facts, "screening": None}
        if self._screening is not None:
            removed = [[r.feature, r.reason.value, r.value, r.limit, r.other] for r in self._screening.removed]
            state["screening"] = [list(self._screening.kept), removed, list(self._screening.vif)]
        return {"binning": freeze({"correlation": self.correlation}, state)}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "binning" not in parts:
            return
        arrays, state = thaw(parts["binning"])
        self.correlation = arrays["correlation"]
        self._by_owner = {o: [JointFeature.from_dict(f) for f in facts] for o, facts in state["features"].items()}
        if state["screening"] is not None:
            kept, removed, vif = state["screening"]
            removals = tuple(Removal(f, Reason(why), value, limit, other) for f, why, value, limit, other in removed)
            self._screening = Screening(tuple(kept), removals, tuple(vif))


def _symmetric(told: tuple[int, ...], size: int) -> npt.NDArray[np.float64]:
    upper = np.zeros((size, size))
    upper[np.triu_indices(size, 1)] = np.array(told, dtype=np.float64) / IV_UNIT
    return upper + upper.T + np.eye(size)


def _wrong_bins(platform: str) -> RemoteProtocolError:
    return malformed("PREBINS", f"pre-bins of {platform} that break the floors or do not add up to all rows",
                     f"{platform} 的预分箱低于下限，或合计与全部样本不符")


def _wrong_products(platform: str) -> RemoteProtocolError:
    return malformed("CROSS_SUMS", f"sums of products of {platform} in another layout",
                     f"{platform} 的乘积之和布局不符")
