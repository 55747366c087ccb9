"""From a logistic regression on WOE columns to whole points per bin, and from points to a probability.

With margin = ln(P(event) / P(non-event)) = intercept + sum of weight · WOE, and odds as non-event : event::

    score  = base_points - factor · (margin + ln(base_odds)),    factor = pdo / ln 2
    points = round(-factor · weight · woe)                       of a bin
    start  = round(base_points - factor · (intercept + ln(base_odds)))

(Siddiqi, *Credit Risk Scorecards*, 2006, ch. 6.) Rounding is to the nearest whole number, halves up, per bin and for
the start, so that a score is a sum of whole numbers whoever adds them: with n features it lies within (n + 1) / 2
points of the unrounded one. On request the start is spread evenly over the features before rounding, and is then 0.

Every owner makes its own features' points from its own weights; only points, or their sums, are told to others. A card
that one party holds lists the other owners' features as :class:`HiddenFeature`: an owner and a number.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.config.faults import config_fault, data_fault
from vfl.core.binned_table import BinnedTable
from vfl.core.card_feature import CardFeature, HiddenFeature, ReasonText, Values, card_rule
from vfl.core.woe import WoeColumns
from vfl.errors import LocalProtocolError, Place, Text

__all__ = ["FAULTS", "Scaling", "Scorecard", "card_features", "round_half_up"]

Floats = npt.NDArray[np.float64]
Points = npt.NDArray[np.int64]

SCORECARD_SCALING = config_fault(
    "SCORECARD_SCALING",
    "Base points must be finite; base odds (non-event : event) and points to double the odds must be above 0.",
    "基准分须为有限数值；基准好坏比（好 : 坏）与 PDO 须大于 0。",
    "Correct base_points, base_odds and pdo, e.g. 600, 50 and 20.",
    "请更正 base_points、base_odds 与 pdo，例如 600、50、20。",
)
SCORECARD_WEIGHTS = data_fault(
    "SCORECARD_WEIGHTS",
    "A weight or the intercept of the regression is not finite.",
    "回归系数或截距不是有限数值。",
    "Train again with a ridge penalty, or leave out the feature that separates the classes.",
    "请加入岭惩罚重新训练，或剔除能完全区分好坏的特征。",
)
SCORECARD_COLUMN = data_fault(
    "SCORECARD_COLUMN",
    "The scorecard needs a column that the table does not have.",
    "表中缺少评分卡所需的列。",
    "Add the column; values that are not known may be left missing.",
    "请补充该列；未知的取值可以留空。",
)
SCORECARD_PART = data_fault(
    "SCORECARD_PART",
    "This is one party's part of a scorecard: its points are not a score until all owners' points are added.",
    "这是评分卡中某一方的部分：加总各方得分之前，其分数不构成评分。",
    "Join the parts of all owners first.",
    "请先合并各方的评分卡部分。",
)
SCORECARD_PARTS_DIFFER = data_fault(
    "SCORECARD_PARTS_DIFFER",
    "These parts do not belong to one scorecard.",
    "这些部分不属于同一评分卡。",
    "Take all parts from the same job.",
    "请使用同一作业产生的各部分。",
)

FAULTS = (SCORECARD_SCALING, SCORECARD_WEIGHTS, SCORECARD_COLUMN, SCORECARD_PART, SCORECARD_PARTS_DIFFER)


_RESULTS = ("score", "points", "probability", "reasons")
"""Names that exports give to what they compute."""


def round_half_up(value: float) -> int:
    """The nearest whole number; a half goes up (so -2.5 gives -2)."""
    return math.floor(value + 0.5)


@dataclass(frozen=True, slots=True)
class Scaling:
    """A score of ``base_points`` means odds of ``base_odds`` non-events to 1 event; ``pdo`` more points double them.

    Raises
    ------
    ConfigError
        ``SCORECARD_SCALING``.
    """

    base_points: float = 600.0
    base_odds: float = 50.0
    pdo: float = 20.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.base_points) and 0 < self.base_odds < math.inf and 0 < self.pdo < math.inf):
            raise SCORECARD_SCALING.at()

    @property
    def factor(self) -> float:
        """Points per unit of log odds."""
        return self.pdo / math.log(2)

    def points(self, margin: float) -> float:
        """Score, not rounded, of a log odds of the event."""
        return self.base_points - self.factor * (margin + math.log(self.base_odds))

    def margin(self, score: npt.ArrayLike) -> Floats:
        """Log odds of the event at each score."""
        return (self.base_points - np.asarray(score, dtype=np.float64)) / self.factor - math.log(self.base_odds)

    def probability(self, score: npt.ArrayLike) -> Floats:
        """Probability of the event at each score."""
        # tanh does not overflow at either end.
        return 0.5 * (1.0 + np.tanh(0.5 * self.margin(score)))

    def to_dict(self) -> dict[str, float]:
        return {"base_points": self.base_points, "base_odds": self.base_odds, "pdo": self.pdo}


def card_features(
    owner: str,
    table: BinnedTable,
    weights: Sequence[float],
    scaling: Scaling,
    *,
    share: float = 0.0,
    reasons: Sequence[ReasonText] | None = None,
) -> tuple[CardFeature, ...]:
    """One owner's features with their points, from nothing but its own bins and weights.

    Parameters
    ----------
    owner : str
    table : BinnedTable
        Its features in the order of the model.
    weights : sequence of float
        One per feature, on the log odds of the event: negative is the usual sign.
    share : float
        Points added to each bin before rounding, where the start is spread.
    reasons : sequence of ReasonText, optional
        One per feature; else a code ``OWNER-01`` and a sentence with the feature's name.

    Raises
    ------
    DataError
        ``SCORECARD_WEIGHTS``.
    """
    texts = reasons if reasons is not None else [
        ReasonText.of(owner, number, feature.name) for number, feature in enumerate(table.features, 1)
    ]  # fmt: skip
    if not len(weights) == len(table.features) == len(texts):
        raise LocalProtocolError(
            "SCORECARD_SHAPE",
            Text("weights, features and reasons are not of one number", "系数、特征与原因码数量不一致"),
            cure=Text("this is a fault of the calling code: report it", "调用代码有误，请报告"),
        )
    if not np.isfinite(np.asarray(weights, dtype=np.float64)).all():
        raise SCORECARD_WEIGHTS.at()
    return tuple(
        CardFeature(
            owner=owner,
            index=number,
            name=feature.name,
            rule=card_rule(feature),
            woe=tuple(feature.woe.tolist()),
            points=tuple(round_half_up(share - scaling.factor * float(weight) * woe) for woe in feature.woe.tolist()),
            reason=reason,
        )
        for number, (feature, weight, reason) in enumerate(zip(table.features, weights, texts, strict=True), 1)
    )


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Points per bin of every feature that its holder may know.

    Attributes
    ----------
    scaling : Scaling
    home : str
        The owner of the start: the bank.
    start : int
        Points of every firm before its bins' points; 0 in the part of any other owner.
    features : tuple of CardFeature or HiddenFeature
        In the order of the model; each owner's are numbered from 1.
    partial : bool
        The holder does not even know how many features the others have: what a platform keeps of a federated job.
    """

    scaling: Scaling
    home: str
    start: int
    features: tuple[CardFeature | HiddenFeature, ...]
    partial: bool = False

    def __post_init__(self) -> None:
        if len({(f.owner, f.index) for f in self.features}) != len(self.features):
            raise SCORECARD_PARTS_DIFFER.at()

    @classmethod
    def fitted(
        cls,
        tables: Mapping[str, BinnedTable],
        weights: Mapping[str, Sequence[float]],
        intercept: float,
        scaling: Scaling,
        *,
        home: str,
        spread: bool = False,
        hidden: Mapping[str, int] | None = None,
        reasons: Mapping[str, Sequence[ReasonText]] | None = None,
    ) -> Scorecard:
        """The card that the holder of the intercept makes of all it knows.

        Parameters
        ----------
        tables, weights : by owner
            Of the owners whose features the holder knows: ``home`` alone in a federated job, all in a simulation.
        intercept : float
            On the log odds of the event.
        spread : bool
            Spread the start over all features; the others must then make their points with :meth:`spread_share`.
        hidden : mapping of str to int, optional
            Numbers of features of the other owners.
        reasons : mapping of str to sequence of ReasonText, optional
            By owner; see :func:`card_features`.
        """
        if not math.isfinite(intercept):
            raise SCORECARD_WEIGHTS.at()
        others = hidden or {}
        count = sum(len(t.features) for t in tables.values()) + sum(others.values())
        share = cls.spread_share(intercept, scaling, count) if spread and count else 0.0
        features: list[CardFeature | HiddenFeature] = []
        for owner, table in tables.items():
            texts = (reasons or {}).get(owner)
            features += card_features(owner, table, weights[owner], scaling, share=share, reasons=texts)
        features += [HiddenFeature(o, index) for o, number in others.items() for index in range(1, number + 1)]
        start = 0 if spread and count else round_half_up(scaling.points(intercept))
        return cls(scaling, home, start, tuple(features))

    @classmethod
    def part_of(
        cls,
        owner: str,
        table: BinnedTable,
        weights: Sequence[float],
        scaling: Scaling,
        *,
        home: str,
        counts: Mapping[str, int],
        share: float = 0.0,
        reasons: Sequence[ReasonText] | None = None,
    ) -> Scorecard:
        """The part that an owner other than ``home`` makes for itself, equal to :meth:`part` of the whole card.

        ``counts`` are the numbers of features of all owners, in the order of the model; ``share`` is
        :meth:`spread_share` where the start is spread. Raises as :func:`card_features`.
        """
        own = card_features(owner, table, weights, scaling, share=share, reasons=reasons)
        features: list[CardFeature | HiddenFeature] = []
        for name, number in counts.items():
            hidden = [HiddenFeature(name, index) for index in range(1, number + 1)]
            features += own if name == owner else hidden
        return cls(scaling, home, 0, tuple(features))

    @staticmethod
    def spread_share(intercept: float, scaling: Scaling, features: int) -> float:
        """What each of ``features`` features gets of a spread start. Tells its receiver the intercept."""
        return scaling.points(intercept) / features

    @property
    def known(self) -> tuple[CardFeature, ...]:
        """The features whose bins and points the holder has."""
        return tuple(f for f in self.features if isinstance(f, CardFeature))

    @property
    def complete(self) -> bool:
        return len(self.known) == len(self.features) and not self.partial

    @property
    def owners(self) -> tuple[str, ...]:
        """In order of first appearance."""
        return tuple(dict.fromkeys(f.owner for f in self.features))

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of each known feature's column: its own, or ``owner.name`` where two owners use the same.

        Names of results (``score`` ...) are no names of columns.
        """
        names = Counter([*(f.name for f in self.known), *_RESULTS, *_RESULTS])
        return tuple(f.name if names[f.name] == 1 else f"{f.owner}.{f.name}" for f in self.known)

    def require_complete(self) -> None:
        """Raise ``SCORECARD_PART`` if some owner's points are missing."""
        if not self.complete:
            raise SCORECARD_PART.at()

    def part(self, owner: str) -> Scorecard:
        """What ``owner`` may keep: its own bins and points; the start only if it is at home."""
        kept = tuple(
            f if f.owner == owner or isinstance(f, HiddenFeature) else HiddenFeature(f.owner, f.index)
            for f in self.features
        )
        return Scorecard(self.scaling, self.home, self.start if owner == self.home else 0, kept)

    def joined(self, *others: Scorecard) -> Scorecard:
        """This card with what ``others`` know of its hidden features.

        Raises
        ------
        DataError
            ``SCORECARD_PARTS_DIFFER``: another scaling, another list of features, or one feature told in two ways.
        """
        return reduce(_merge, others, self)

    def points(self, table: Mapping[str, Values]) -> Points:
        """Points of each known feature, shape (rows, features); ``table`` by :attr:`columns`.

        A numeric column is float64 with NaN for missing, a category a sequence of str with None for missing.

        Raises
        ------
        DataError
            ``SCORECARD_COLUMN``.
        """
        out = []
        for name, feature in zip(self.columns, self.known, strict=True):
            if name not in table:
                raise SCORECARD_COLUMN.at(Place(column=name))
            out.append(np.asarray(feature.points, dtype=np.int64)[feature.rule.bins(table[name])])
        return np.column_stack(out) if out else np.zeros((0, 0), dtype=np.int64)

    def points_of_bins(self, columns: WoeColumns) -> Points:
        """The same from bins already looked up; ``columns`` holds the known features in order."""
        tables = [np.asarray(f.points, dtype=np.int64) for f in self.known]
        if len(tables) != columns.bins.shape[1] or any(
            len(t) != len(w) for t, w in zip(tables, columns.woe, strict=True)
        ):
            raise SCORECARD_PARTS_DIFFER.at()
        out = np.empty(columns.bins.shape, dtype=np.int64)
        for number, of_bin in enumerate(tables):
            out[:, number] = of_bin[columns.bins[:, number]]
        return out

    def score(self, table: Mapping[str, Values]) -> Points:
        """Score of each row: the start and the points of all features. DataError ``SCORECARD_PART`` for a part."""
        self.require_complete()
        total: Points = self.start + self.points(table).sum(axis=1)
        return total

    def probability(self, score: npt.ArrayLike) -> Floats:
        """Probability of the event at each score of a complete card."""
        return self.scaling.probability(score)

    @property
    def span(self) -> tuple[int, int]:
        """Lowest and highest score; DataError ``SCORECARD_PART`` for a part."""
        self.require_complete()
        low = self.start + sum(min(f.points) for f in self.known)
        return low, self.start + sum(max(f.points) for f in self.known)

    def to_dict(self) -> dict[str, Any]:
        return {
            "scaling": self.scaling.to_dict(),
            "home": self.home,
            "start": self.start,
            "features": [f.to_dict() for f in self.features],
        } | ({"partial": True} if self.partial else {})

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Scorecard:
        features = tuple(
            CardFeature.from_dict(f) if "rule" in f else HiddenFeature(f["owner"], f["index"])
            for f in state["features"]
        )
        return cls(Scaling(**state["scaling"]), state["home"], state["start"], features, state.get("partial", False))


def _merge(left: Scorecard, right: Scorecard) -> Scorecard:
    if left.partial:
        left, right = right, left
    told = {(f.owner, f.index): f for f in right.known}
    listed, theirs = ({(f.owner, f.index) for f in card.features} for card in (left, right))
    same = (
        left.scaling == right.scaling
        and left.home == right.home
        and not left.partial
        and (theirs <= listed if right.partial else theirs == listed)
        and all(told.get((f.owner, f.index), f) == f for f in left.known)
        and (left.start == right.start or 0 in (left.start, right.start))
    )
    if not same:
        raise SCORECARD_PARTS_DIFFER.at()
    features = tuple(told.get((f.owner, f.index), f) for f in left.features)
    return Scorecard(left.scaling, left.home, left.start or right.start, features)
