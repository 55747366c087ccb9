"""A platform's side of boosted trees: bins, encrypted sums, thresholds. No label, no gradient, no margin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from party_platform.steps.workspace import PlatformWorkspace
from vfl.core.split_table import SplitRule
from vfl.crypto.paillier import Ciphertexts
from vfl.data.features import BinnedFeature, bin_table, fit_features
from vfl.data.owned_splits import OwnedSplits
from vfl.errors import DataError, Place, RemoteProtocolError, Text
from vfl.protocols.boosting import PlatformTrees
from vfl.protocols.messages.boosting import (
    EncryptedGradients,
    FeatureShapes,
    LeafHistogram,
    LeafRows,
    SplitRequest,
    SplitSides,
)
from vfl.protocols.sums import REPLY_CIPHERTEXTS, GradientCode, gradient_code, padded_bins
from vfl.runtime.workspace import too_early
from vfl.wire.carriers import disclose, window

__all__ = ["PlatformTreesSteps"]


class PlatformTreesSteps(PlatformTrees):
    """Bins its features once; per tree keeps ciphertexts and the rows of the leaves it was told about."""

    def __init__(self, work: PlatformWorkspace) -> None:
        self._work = work
        self._features: list[BinnedFeature] = []
        self._bins: npt.NDArray[np.uint8] | npt.NDArray[np.uint16] = np.zeros((0, 0), dtype=np.uint8)
        self._widths = np.zeros(0, dtype=np.int32)
        self._tree = -1
        self._order = np.zeros(0, dtype=np.int64)
        self._chunks: list[Ciphertexts] = []
        self._gradients: Ciphertexts | None = None
        self._heard = hashlib.sha256()
        self._leaves: dict[int, npt.NDArray[np.int32]] = {}
        self._wanted = 0
        self._sums_sent = 0
        self._restored: dict[str, Any] = {}
        self.splits = OwnedSplits([])
        """This platform's part of the model."""

    # --- bins -------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Cut every feature into LightGBM's bins, on the training rows, in a job-wide shuffled order."""
        if self._features:
            return
        work, spec = self._work, self._work.spec.trees
        table = work.table()
        order = work.seed.stream("feature-order", work.alignment.root).permutation(len(table.features))
        self._features = fit_features(
            table, [table.features[i] for i in order.tolist()], work.parts[0], max_bin=spec.max_bin,
            min_data_in_bin=spec.min_data_in_bin, min_data_in_leaf=spec.min_data_in_leaf,
        )  # fmt: skip
        self._widths = np.array([padded_bins(f.mapper.n_bins) for f in self._features], dtype=np.int32)
        _require_agreed(self._features, self._widths, spec.max_bin)
        self._bins = bin_table(table, self._features, self._widths.tolist())
        self.splits = OwnedSplits.from_dict(self._restored) if self._restored else OwnedSplits(self._features)

    def feature_shapes(self) -> FeatureShapes:
        self._prepare()
        why = "the bank must know how to read the sums"
        return FeatureShapes(
            categorical=disclose(tuple(f.mapper.is_categorical for f in self._features), reason=why),
            has_missing=disclose(tuple(f.mapper.has_nan_bin for f in self._features), reason=why),
            bins=disclose(tuple(self._widths.tolist()), reason=why),
        )

    @property
    def _rows(self) -> int:
        """Training rows: the first part of the common order."""
        return int(self._work.parts[0].stop)

    # --- one tree ---------------------------------------------------------------------------------------------

    def begin_tree(self) -> None:
        self._prepare()
        self._tree += 1
        self._order = self._shuffled_order()
        self._chunks, self._gradients, self._heard = [], None, hashlib.sha256()
        self._leaves = {0: np.arange(self._rows, dtype=np.int32)}
        self._wanted = 0
        self._sums_sent = 0

    def _shuffled_order(self) -> npt.NDArray[np.int64]:
        """Feature at each position of this tree's histograms: shuffled among features of equal shape, so that
        the bank cannot follow one feature from tree to tree."""
        kinds = [(f.mapper.is_categorical, f.mapper.has_nan_bin) for f in self._features]
        shapes = list(zip(kinds, self._widths.tolist(), strict=True))
        shuffle = self._work.seed.stream("tree-order", self._tree, self._work.alignment.root)
        order = np.arange(len(shapes), dtype=np.int64)
        for shape in sorted(set(shapes)):
            alike = np.array([i for i, s in enumerate(shapes) if s == shape], dtype=np.int64)
            order[alike] = alike[shuffle.permutation(len(alike))]
        return order

    def take_gradients(self, chunk: EncryptedGradients) -> None:
        if sum(map(len, self._chunks)) + len(chunk.gradients) > self._rows:
            raise _wrong_count()
        self._heard.update(chunk.gradients.data)
        self._chunks.append(self._work.he.open(chunk.gradients))

    def _all_gradients(self) -> Ciphertexts:
        if self._gradients is None:
            if not self._chunks:
                raise too_early("gradient stream")
            self._gradients, self._chunks = self._work.he.concat(self._chunks), []
            if len(self._gradients) != self._rows:
                raise _wrong_count()
        return self._gradients

    def leaf_histogram(self) -> Iterator[LeafHistogram]:
        he, seed = self._work.he, self._work.seed
        code = self._code()
        rows = self._leaves[self._wanted]
        sums = he.bucket_sums(
            self._all_gradients(), self._bins[: self._rows][:, self._order],
            None if len(rows) == self._rows else rows, self._widths[self._order],
        )  # fmt: skip
        step = code.per_ciphertext * REPLY_CIPHERTEXTS
        what = hashlib.sha256(self._heard.digest() + rows.tobytes()).digest()
        for start in range(0, len(sums), step):
            part = he.take(sums, np.arange(start, min(start + step, len(sums)), dtype=np.int64))
            # Bound to the ciphertexts and rows that the sums are of: a replay makes the same masks and seals, and a
            # bank that sends other gradients the second time meets fresh ones.
            context = (self._tree, self._sums_sent, start, what)
            yield LeafHistogram(
                window(
                    he, part, slots=code.per_ciphertext, slot_bits=code.slots.width,
                    masks=seed.stream("window", *context), seals=seed.stream("seal", *context),
                )
            )  # fmt: skip
        self._sums_sent += 1

    def _code(self) -> GradientCode:
        return gradient_code(self._work.spec.trees, self._rows, self._work.he.public)

    def split_sides(self, request: SplitRequest) -> SplitSides:
        position = request.feature.value
        if position >= len(self._order):
            raise _wrong("SPLIT_FEATURE", "a feature that does not exist", "不存在的特征")
        column = int(self._order[position])
        mapper, width = self._features[column].mapper, int(self._widths[column])
        if mapper.is_categorical:
            chosen = tuple(sorted(set(request.left_bins.value)))
            if not chosen or not 0 < chosen[0] <= chosen[-1] < width:
                raise _wrong("SPLIT_BIN", "a bin that does not exist", "不存在的分箱")
            rule = SplitRule(column, None, tuple(b for b in chosen if b < mapper.n_bins), default_left=False)
        else:
            if request.left_bins.value or request.threshold_bin.value >= mapper.n_bins - 1:
                raise _wrong("SPLIT_BIN", "a bin that does not exist", "不存在的分箱")
            rule = SplitRule(column, request.threshold_bin.value, (), request.default_left.value)
        self.splits.add(request.split.value, rule)
        left = rule.goes_left(self._bins[:, column], width - 1 if mapper.has_nan_bin else None)
        return SplitSides(disclose(left, reason="the bank routes rows through the tree"))

    def take_leaf_rows(self, rows: LeafRows) -> None:
        known = self._leaves.get(rows.leaf.value)
        left = rows.left.value
        if known is None or len(known) != len(left) or rows.new_leaf.value in self._leaves:
            raise _wrong("LEAF_ROWS", "a leaf that this side does not know so", "与本方记录不符的叶节点")
        children = {rows.leaf.value: known[left], rows.new_leaf.value: known[~left]}
        floor = self._work.spec.leaf_floor
        if min(len(c) for c in children.values()) < floor:
            raise _wrong("LEAF_TOO_SMALL", f"sums over fewer than {floor} rows", f"少于 {floor} 行的汇总")
        self._leaves |= children
        self._wanted = rows.leaf.value if rows.histogram_left.value else rows.new_leaf.value

    # --- model and state --------------------------------------------------------------------------------------

    def model_part(self) -> dict[str, Any]:
        """This platform's part of the model, JSON-safe: its bins and its cuts."""
        self._prepare()
        return {"party": self._work.party, "job": self._work.job, "splits": self.splits.to_dict()}

    def dump(self) -> dict[str, bytes]:
        state = {"tree": self._tree, "splits": self.splits.to_dict()}
        return {"trees": json.dumps(state, sort_keys=True).encode()}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "trees" in parts:
            state = json.loads(parts["trees"])
            self._tree = state["tree"]
            if state["splits"]["features"]:
                self._restored = state["splits"]


def _require_agreed(features: list[BinnedFeature], widths: npt.NDArray[np.int32], max_bin: int) -> None:
    """The contract's budget is for features of at most ``max_bin`` bins; LightGBM gives many-level ones more."""
    for feature, width in zip(features, widths.tolist(), strict=True):
        if width > padded_bins(max_bin):
            raise DataError(
                "FEATURE_LEVELS",
                Text(en=f"this feature has more levels than max_bin = {max_bin} allows",
                     zh=f"该特征的取值种类多于 max_bin = {max_bin} 所允许的数量"),
                cure=Text(en="group its rare levels, or agree a job with a larger max_bin",
                          zh="合并稀有类别，或重新约定更大的 max_bin"),
                place=Place(column=feature.name),
            )
    if not features:
        raise DataError(
            "FEATURES_USELESS",
            Text(en="no feature of this view can split the aligned training rows",
                 zh="该视图中没有可用于分裂训练样本的特征"),
            cure=Text(en="add features to the view, or lower min_data_in_leaf",
                      zh="在视图中增加特征，或降低 min_data_in_leaf"),
        )


def _wrong_count() -> RemoteProtocolError:
    return _wrong("GRADIENT_COUNT", "sums of another number of gradients than training rows",
                  "按与训练样本数不符的梯度求和")


def _wrong(code: str, en: str, zh: str) -> RemoteProtocolError:
    return RemoteProtocolError(
        code,
        Text(en=f"the bank asked for {en}", zh=f"银行请求了{zh}"),
        cure=Text(en="stop the job and compare versions; this platform answered nothing",
                  zh="请中止任务并核对版本；本平台未作应答"),
    )
