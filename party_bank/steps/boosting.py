"""The bank's side of boosted trees: gradients, keys, split search, structure, margins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from party_bank.steps.scoring import TreeModel
from party_bank.steps.workspace import BankWorkspace
from vfl.config.job import TreeSpec
from vfl.core.histogram import FeatureMeta, HistogramLayout, exact_histogram
from vfl.core.metrics import log_loss
from vfl.core.objective import Binary
from vfl.core.split import LeafStats, SplitParams
from vfl.core.split_table import SplitRule, nan_bin_of
from vfl.core.tree import Choice, GrowParams, LeafwiseGrower, TreeStructure
from vfl.crypto.encoding import WideInts
from vfl.data.features import BinnedFeature, bin_table, fit_features
from vfl.data.owned_splits import OwnedSplits
from vfl.errors import RemoteProtocolError
from vfl.protocols.boosting import BankTrees
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
from vfl.protocols.sums import GradientCode, gradient_code, padded_bins
from vfl.runtime.state import freeze, thaw
from vfl.runtime.workspace import malformed, too_early
from vfl.wire.carriers import disclose

__all__ = ["BankTreesSteps", "grow_params"]

Bits = npt.NDArray[np.bool_]


def grow_params(spec: TreeSpec) -> GrowParams:
    """The job's tree parameters for the grower."""
    return GrowParams(
        num_leaves=spec.num_leaves,
        max_depth=spec.max_depth,
        learning_rate=spec.learning_rate,
        split=SplitParams(
            lambda_l1=spec.lambda_l1,
            lambda_l2=spec.lambda_l2,
            min_data_in_leaf=spec.min_data_in_leaf,
            min_sum_hessian_in_leaf=spec.min_sum_hessian_in_leaf,
            min_gain_to_split=spec.min_gain_to_split,
            max_cat_to_onehot=spec.max_cat_to_onehot,
            max_cat_threshold=spec.max_cat_threshold,
            cat_smooth=spec.cat_smooth,
            cat_l2=spec.cat_l2,
        ),
    )


class BankTreesSteps(BankTrees):
    """Grows LightGBM's trees over its own features and the platforms' anonymous ones (owner 0 is the bank)."""

    def __init__(self, work: BankWorkspace) -> None:
        self._work = work
        self._ready = False
        self._shapes: dict[str, HistogramLayout] = {}
        self._sums: dict[str, list[npt.NDArray[np.float64]]] = {}
        self._leaf = np.zeros(0, dtype=np.int32)
        self._sides: Bits = np.zeros(0, dtype=np.bool_)
        self._grower: LeafwiseGrower | None = None
        self._choice: Choice | None = None
        self._told: set[int] = set()
        self.margins: npt.NDArray[np.float64] = np.zeros(0)
        """Log-odds of the event for each aligned row, in the common order, over all trees so far."""
        self.best_margins: npt.NDArray[np.float64] = np.zeros(0)
        """The same over the trees that the model keeps."""
        self.trees: list[TreeStructure] = []
        self.splits = OwnedSplits([])
        """The bank's own cuts."""
        self.valid_losses: list[float] = []
        self.base_margin = 0.0
        self._stopped = False
        self._next_split = 0

    # --- preparation ------------------------------------------------------------------------------------------

    @property
    def _owners(self) -> tuple[str, ...]:
        return (self._work.party, *self._work.spec.platforms)

    def _prepare(self) -> None:
        """Bin the own features on the training rows; set up the objective."""
        if self._ready:
            return
        work, spec = self._work, self._work.spec.trees
        table = work.data.take(work.alignment.rows)
        features: list[BinnedFeature] = []
        if work.spec.bank_features:
            features = fit_features(
                table, table.features, work.parts[0], max_bin=spec.max_bin, min_data_in_bin=spec.min_data_in_bin,
                min_data_in_leaf=spec.min_data_in_leaf,
            )  # fmt: skip
        # Columns lie together: the bank's own sums read one feature at a time.
        self._bins: Any = np.asfortranarray(bin_table(table, features))
        self._own_layout = HistogramLayout([f.mapper.meta() for f in features])
        self.splits = OwnedSplits(features, self.splits.rules)
        labels = work.labels()
        self._valid_labels = labels[work.parts[1]].astype(np.float64)
        self._train_labels = labels[work.parts[0]].astype(np.float64)
        self._objective = Binary(scale_pos_weight=spec.scale_pos_weight)
        if not self.trees:
            self.base_margin = self._objective.start(self._train_labels, None)
            self.margins = np.full(len(labels), self.base_margin)
        self._code: GradientCode = gradient_code(spec, work.parts[0].stop, work.he.public)
        self._ready = True

    def take_shapes(self, shapes: FeatureShapes, platform: str) -> None:
        categorical, missing, bins = shapes.categorical.value, shapes.has_missing.value, shapes.bins.value
        widest = padded_bins(self._work.spec.trees.max_bin)
        padded = all(2 <= n <= widest and n & (n - 1) == 0 for n in bins)
        if not (padded and bins and len(categorical) == len(missing) == len(bins)):
            raise malformed("SHAPES_MALFORMED", f"feature shapes of {platform} that no job allows",
                            f"{platform} 的特征形状不符合任务约定")
        self._shapes[platform] = HistogramLayout(
            [
                FeatureMeta(n, is_categorical=c, has_nan_bin=m)
                for n, c, m in zip(bins, categorical, missing, strict=True)
            ]
        )

    # --- one tree ---------------------------------------------------------------------------------------------

    def tree_begin(self) -> TreeBegin:
        self._prepare()
        spec = self._work.spec.trees
        go_on = len(self.trees) < spec.trees and not self._stopped
        federated = go_on and len(self.trees) >= spec.bank_only_trees
        if go_on:
            self._begin()
        why = "all parties follow the same control flow"
        return TreeBegin(disclose(go_on, reason=why), disclose(federated, reason=why))

    def _begin(self) -> None:
        train = self._work.parts[0]
        gradient, hessian = self._objective.gradients(self.margins[train], self._train_labels, None)
        self._gradient = self._code.gradient.encode(gradient, name="gradient")
        self._hessian = self._code.hessian.encode(hessian, name="hessian")
        self._leaf = np.zeros(len(self.margins), dtype=np.int32)
        self._told = {0}  # leaves whose rows the platforms know
        self._choice = None
        params = grow_params(self._work.spec.trees)
        layouts = [self._own_layout, *(self._shapes[p] for p in self._work.spec.platforms)]
        sums = [self._float(int(v.sum())) for v in (self._gradient, self._hessian)]
        root = LeafStats(sums[0], sums[1], train.stop)
        self._grower = LeafwiseGrower(layouts, params, root)

    def _float(self, fixed: int) -> float:
        return float(np.ldexp(float(fixed), -self._work.spec.trees.gradient_bits))

    def encrypted_gradients(self) -> Iterator[EncryptedGradients]:
        he, seed, tree = self._work.he, self._work.seed, len(self.trees)
        chunk, rows = self._code.chunk, len(self._gradient)
        for start in range(0, rows, chunk):
            part = slice(start, min(start + chunk, rows))
            plain = self._code.slots.pack({"g": self._gradient[part], "h": self._hessian[part]}, he.public)
            # Bound to what it hides: a replay makes the same bytes, other gradients never share randomness.
            stream = seed.stream("gradients", tree, start, hashlib.sha256(plain.tobytes()).digest())
            yield EncryptedGradients(he.encrypt_sealed(plain, stream))
            self._work.progress("encrypt", part.stop / rows)

    def take_histogram(self, chunk: LeafHistogram, platform: str) -> None:
        sums, code = chunk.sums, self._code
        if (sums.slots, sums.slot_bits) != (code.per_ciphertext, code.slots.width):
            raise malformed("HISTOGRAM_LAYOUT", f"sums of {platform} in another slot layout than agreed",
                            f"{platform} 的汇总采用了与约定不同的槽位布局")
        parts = self._sums.setdefault(platform, [])
        if sum(map(len, parts)) + sums.values > self._shapes[platform].total_bins:
            raise _wrong_sums(platform)
        plain = self._work.he.decrypt(sums.sealed)
        slots = code.slots.unpack(plain, per=sums.slots, count=sums.values)
        columns = [self._floats(slots["g"]), self._floats(slots["h"])]
        parts.append(np.stack(columns, axis=1))

    def _floats(self, fixed: WideInts) -> npt.NDArray[np.float64]:
        return fixed.to_float64(self._work.spec.trees.gradient_bits)

    def _register(self) -> None:
        """Give the grower the wanted leaf's sums: own rows added here, platforms' as received."""
        grower = self._growing()
        if grower.wanted is None:
            return
        rows = np.flatnonzero(self._leaf[self._work.parts[0]] == grower.wanted).astype(np.int32)
        own = exact_histogram(self._bins[self._work.parts[0]], rows, self._gradient, self._hessian, self._own_layout)
        blocks: list[npt.NDArray[np.float64] | None] = [
            np.ldexp(own.astype(np.float64), -self._work.spec.trees.gradient_bits)
        ]
        for platform in self._work.spec.platforms:
            parts = self._sums.pop(platform, None)
            leaf = grower.stats_of(grower.wanted)
            blocks.append(None if parts is None else self._checked_sums(platform, np.concatenate(parts), leaf))
        grower.register(blocks)

    def _checked_sums(
        self, platform: str, sums: npt.NDArray[np.float64], leaf: LeafStats
    ) -> npt.NDArray[np.float64]:
        """The bins of each feature add up to the leaf: a reply over other rows or gradients is refused."""
        layout = self._shapes[platform]
        if len(sums) != layout.total_bins:
            raise _wrong_sums(platform)
        starts = np.cumsum([0, *(m.n_bins for m in layout.features)])[:-1]
        totals = np.add.reduceat(sums, starts, axis=0)
        if not np.allclose(totals, [leaf.sum_gradient, leaf.sum_hessian], rtol=1e-6, atol=1e-6):
            raise _wrong_sums(platform)
        return sums

    def _growing(self) -> LeafwiseGrower:
        if self._grower is None:
            raise too_early("tree")
        return self._grower

    def growth(self) -> Growth:
        self._register()
        self._choice = self._growing().choose()
        why = "the owner of the split must act"
        owner = "" if self._choice is None else self._owners[self._choice.owner]
        return Growth(disclose(self._choice is not None, reason=why), disclose(owner, reason=why))

    def _chosen(self) -> Choice:
        if self._choice is None:
            raise too_early("split")
        return self._choice

    def split_request(self) -> SplitRequest:
        split = self._chosen().split
        why = "the owner cuts its own feature"
        return SplitRequest(
            split=disclose(self._next_split, reason=why),
            feature=disclose(split.feature, reason=why),
            threshold_bin=disclose(split.threshold_bin or 0, reason=why),
            default_left=disclose(split.default_left, reason=why),
            left_bins=disclose(tuple(split.left_bins), reason=why),
        )

    def take_sides(self, sides: SplitSides) -> None:
        left = sides.left.value
        if len(left) != len(self.margins):
            raise malformed("SIDES_COUNT", "sides of another number of rows than are aligned",
                            "左右方向的行数与对齐样本数不符")
        inside = left[self._work.parts[0]][self._leaf[self._work.parts[0]] == self._chosen().leaf]
        if inside.all() or not inside.any():
            raise malformed("SIDES_EMPTY", "a split that leaves one side of its leaf empty", "某一分裂使叶节点一侧为空")
        self._cut(left)

    def own_sides(self) -> None:
        split = self._chosen().split
        rule = SplitRule.of(split)
        self.splits.add(self._next_split, rule)
        nan_bin = nan_bin_of(self.splits.features[rule.feature].mapper)
        self._cut(rule.goes_left(self._bins[:, rule.feature], nan_bin))

    def _cut(self, left: Bits) -> None:
        """Divide the chosen leaf's rows: training, validation and test alike."""
        grower, leaf = self._growing(), self._chosen().leaf
        inside = self._leaf == leaf
        new_leaf = grower.n_leaves
        train = self._work.parts[0]
        self._sides = left[train][inside[train]]
        lefts = int(self._sides.sum())
        grower.split(lefts, len(self._sides) - lefts, self._next_split)
        self._leaf[inside & ~left] = new_leaf
        self._next_split += 1
        # Below a child under the floor the platforms sit out: nothing of it is told, and the bank's features alone
        # split on. (Row counts before a cut are estimates, as in LightGBM, so min_data_in_leaf cannot exclude it.)
        floor = self._work.spec.leaf_floor
        told = grower.wanted is not None and leaf in self._told and min(lefts, len(self._sides) - lefts) >= floor
        self._told = self._told | {new_leaf} if told else self._told - {leaf}

    def leaf_rows(self) -> LeafRows:
        grower, leaf = self._growing(), self._chosen().leaf
        wanted = leaf in self._told
        why = "the platform sums the smaller child"
        return LeafRows(
            histogram=disclose(wanted, reason=why),
            leaf=disclose(leaf if wanted else 0, reason=why),
            new_leaf=disclose(grower.n_leaves - 1 if wanted else 0, reason=why),
            left=disclose(self._sides if wanted else self._sides[:0], reason=why),
            histogram_left=disclose(wanted and grower.wanted == leaf, reason=why),
        )

    def own_tree(self) -> None:
        while True:
            self._register()
            self._choice = self._growing().choose()
            if self._choice is None:
                return
            self.own_sides()

    def end_tree(self) -> None:
        tree = self._growing().finish()
        self._grower = None
        self.trees.append(tree)
        self.margins = self.margins + tree.leaf_value[self._leaf]
        if tree.n_leaves == 1:
            self._stopped = True  # as LightGBM: a tree that cannot split ends the training
        rounds = self._work.spec.trees.early_stopping_rounds
        if len(self._valid_labels):
            probability = self._objective.predict(self.margins[self._work.parts[1]])
            self.valid_losses.append(log_loss(self._valid_labels, probability))
            if 0 < rounds <= len(self.trees) - self.best_trees:
                self._stopped = True
        if self.best_trees == len(self.trees):
            self.best_margins = self.margins
        self._work.progress("trees", len(self.trees) / self._work.spec.trees.trees)

    # --- model and state --------------------------------------------------------------------------------------

    @property
    def best_trees(self) -> int:
        """Trees the model keeps: up to the best validation loss when early stopping is on."""
        if self._work.spec.trees.early_stopping_rounds and self.valid_losses:
            return int(np.argmin(self.valid_losses)) + 1
        return len(self.trees)

    def model_part(self) -> dict[str, Any]:
        """The bank's part of the model, JSON-safe: structure with opaque split ids, its own bins and splits."""
        return TreeModel(self.base_margin, self.trees[: self.best_trees], self.splits, self._owners).to_dict()

    def dump(self) -> dict[str, bytes]:
        shapes = {
            p: [[m.n_bins, m.is_categorical, m.has_nan_bin] for m in layout.features]
            for p, layout in self._shapes.items()
        }
        facts = {
            "shapes": shapes,
            "splits": self.splits.to_dict(),
            "losses": self.valid_losses,
            "base": self.base_margin,
            "stopped": self._stopped,
            "next": self._next_split,
            "trees": [json.dumps(t.to_dict()) for t in self.trees],
        }
        return {"trees": freeze({"margins": self.margins, "best": self.best_margins}, facts)}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "trees" not in parts:
            return
        arrays, facts = thaw(parts["trees"])
        self.margins, self.best_margins = arrays["margins"], arrays["best"]
        self._shapes = {
            p: HistogramLayout([FeatureMeta(n, is_categorical=c, has_nan_bin=m) for n, c, m in metas])
            for p, metas in facts["shapes"].items()
        }
        self.splits = OwnedSplits.from_dict(facts["splits"])
        self.valid_losses = facts["losses"]
        self.base_margin = facts["base"]
        self._stopped = facts["stopped"]
        self._next_split = facts["next"]
        self.trees = [TreeStructure.from_dict(json.loads(t)) for t in facts["trees"]]


def _wrong_sums(platform: str) -> RemoteProtocolError:
    return malformed("HISTOGRAM_SUMS", f"sums of {platform} that do not add up to the leaf",
                     f"{platform} 的分箱汇总之和与叶节点不符")
