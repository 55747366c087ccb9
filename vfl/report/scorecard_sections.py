"""From a scorecard and what its holder knows of the features to the report's sections.

The holder's own features are shown with intervals, levels and points; those of others as anonymous bins with the
counts that the holder learned under the floors, and neither edges nor points nor weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vfl.core.card_feature import CardFeature, CategoryRule, HiddenFeature, NumericRule
from vfl.core.metrics import stability_index
from vfl.core.scorecard import Scorecard
from vfl.core.woe import iv_terms
from vfl.errors import LocalProtocolError, Text
from vfl.protocols.joint_features import JointFeature
from vfl.report.measure import stability_of
from vfl.report.scorecard_model import (
    Bin,
    BinKind,
    BinningTable,
    Coefficient,
    Correlation,
    Feature,
    ReasonCode,
    Scaling,
    ScorecardSection,
    StabilityRow,
    StabilitySection,
)

__all__ = ["Estimate", "by_period", "scorecard_section", "stability_section"]

Floats = npt.NDArray[np.float64]
T = TypeVar("T", bound=np.generic)
_NAN = math.nan


@dataclass(frozen=True, slots=True)
class Estimate:
    """A weight of the regression with its standard error and p-value; NaN for what the holder is not told."""

    weight: float = _NAN
    standard_error: float = _NAN
    p_value: float = _NAN
    vif: float = _NAN


def scorecard_section(
    card: Scorecard,
    features: Sequence[JointFeature | None],
    estimates: Sequence[Estimate],
    intercept: Estimate | None = None,
    *,
    correlation: Floats | None = None,
) -> ScorecardSection:
    """The section of the report; a feature of which the holder knows nothing is left out.

    Parameters
    ----------
    card : Scorecard
        As its holder has it; hidden features stay so.
    features : sequence of JointFeature or None
        Of the card's features, in its order: counts and IV. None where the holder has no counts of events, as a
        platform of its own features.
    estimates : sequence of Estimate
        In the same order.
    intercept : Estimate, optional
    correlation : float64 array, (features, features), optional
        Of the WOE columns; NaN where not known.
    """
    if not len(card.features) == len(features) == len(estimates) or any(
        joint is not None and joint.owner != f.owner for f, joint in zip(card.features, features, strict=True)
    ):
        raise LocalProtocolError(
            "SCORECARD_SECTION",
            Text("features of the card and of the report differ", "评分卡与报告的特征不一致"),
            cure=Text("this is a fault of the calling code: report it", "调用代码有误，请报告"),
        )
    shown = [_feature(f, joint) for f, joint in zip(card.features, features, strict=True)]
    coefficients = [
        Coefficient(feature, e.weight, e.standard_error, e.p_value, e.vif)
        for feature, e in zip(shown, estimates, strict=True)
        if not (math.isnan(e.weight) and math.isnan(e.vif))
    ]
    if intercept is not None:
        coefficients.insert(0, Coefficient(None, intercept.weight, intercept.standard_error, intercept.p_value))
    return ScorecardSection(
        tables=tuple(
            table
            for feature, f, joint in zip(shown, card.features, features, strict=True)
            if (table := _table(feature, f, joint)) is not None
        ),
        coefficients=tuple(coefficients),
        correlation=None if correlation is None else Correlation(
            tuple(feature.label for feature in shown), tuple(tuple(map(float, row)) for row in correlation)
        ),
        scaling=Scaling(
            card.scaling.base_points, card.scaling.base_odds, card.scaling.pdo,
            float(card.start) if any(f.owner == card.home for f in card.known) else _NAN,
        ),
        reasons=tuple(ReasonCode(f.reason.code, f.owner, f.reason.text) for f in card.known),
    )  # fmt: skip


def _feature(known: CardFeature | HiddenFeature, joint: JointFeature | None) -> Feature:
    index = known.index if joint is None else joint.index + 1
    return Feature(known.owner, index, known.name if isinstance(known, CardFeature) else None)


def _table(feature: Feature, known: CardFeature | HiddenFeature, joint: JointFeature | None) -> BinningTable | None:
    """None where the holder knows nothing."""
    if joint is not None:
        return _counted_table(feature, known, joint)
    if isinstance(known, CardFeature):
        bins = (_own_bin(known, b, woe) for b, woe in enumerate(known.woe[:-1]))
        return BinningTable(feature, _NAN, tuple(bins))
    return None


def _counted_table(feature: Feature, known: CardFeature | HiddenFeature, joint: JointFeature) -> BinningTable:
    counts = joint.bins
    terms = iv_terms(counts.rows, counts.events, int(counts.rows.sum()), int(counts.events.sum()))
    bins = []
    for b, (woe, rows, events) in enumerate(zip(joint.merge.woe, counts.rows, counts.events, strict=True)):
        if isinstance(known, CardFeature):
            bins.append(_own_bin(known, b, woe, float(terms[b]), int(rows), int(events)))
        else:
            bins.append(Bin(BinKind.ANONYMOUS, woe, float(terms[b]), "", int(rows), int(events)))
    return BinningTable(feature, joint.merge.iv, tuple(bins), joint.merge.trend.value)


def _own_bin(
    feature: CardFeature, bin_: int, woe: float, iv: float = _NAN, rows: int | None = None, events: int | None = None
) -> Bin:
    kind, label = _described(feature.rule, bin_)
    return Bin(kind, woe, iv, label, rows, events, float(feature.points[bin_]))


def _described(rule: NumericRule | CategoryRule, bin_: int) -> tuple[BinKind, str]:
    """Kind and label; a bin of missing values alone has no label, its kind says it in the reader's language."""
    parts: list[str] = []
    match rule:
        case NumericRule():
            limits = [-math.inf, *rule.edges, math.inf]
            inside = [_interval(*limits[k : k + 2]) for k, b in enumerate(rule.intervals) if b == bin_]
            special = ", ".join(f"{value:,.6g}" for value, b in rule.specials if b == bin_)
            apart = BinKind.MISSING if rule.missing == bin_ else BinKind.SPECIAL
            kind = BinKind.INTERVAL if inside else apart
            parts += [" ∪ ".join(inside), special]
        case CategoryRule():
            levels = ", ".join(level for level, b in rule.levels if b == bin_)
            others = "其他 other" if rule.other == bin_ else ""
            kind = BinKind.CATEGORIES if levels or others else BinKind.MISSING
            parts += [levels, others]
    parts = [part for part in parts if part]
    if rule.missing == bin_ and parts:
        parts.append("缺失 missing")
    return kind, " | ".join(parts)


def _interval(low: float, high: float) -> str:
    return f"{'(−∞' if math.isinf(low) else f'[{low:,.6g}'}, {'+∞' if math.isinf(high) else f'{high:,.6g}'})"


def by_period(values: npt.NDArray[T], period: Sequence[str]) -> dict[str, npt.NDArray[T]]:
    """``values``, shape (rows, ...), by period in the order of their names: months as ``2024-01`` sort by time."""
    names = np.asarray(period)
    return {str(name): values[names == name] for name in np.unique(names)}


def stability_section(
    reference: str,
    scores: Mapping[str, npt.NDArray[np.int64]],
    bins: Mapping[Feature, Mapping[str, npt.NDArray[np.uint8]]] | None = None,
) -> StabilitySection:
    """Stability index of the score and of each feature (CSI) in every split or period but ``reference``.

    Parameters
    ----------
    reference : str
        Key of what the others are held against, such as ``train``.
    scores : mapping of str to int64 array
        Scores of each split or period.
    bins : mapping of Feature to mapping of str to uint8 array, optional
        Bin of each row, for the features whose rows the holder has.
    """

    def others(values: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, Floats]:
        return {name: column.astype(np.float64) for name, column in values.items() if name != reference}

    rows = list(stability_of(scores[reference].astype(np.float64), others(scores)))
    for feature, by_split in (bins or {}).items():
        size = 1 + max(int(b.max(initial=0)) for b in by_split.values())
        expected = np.bincount(by_split[reference], minlength=size).astype(np.float64)
        for name, column in by_split.items():
            if name != reference:
                actual = np.bincount(column, minlength=size).astype(np.float64)
                known = expected.sum() > 0 and actual.sum() > 0
                rows.append(StabilityRow(name, stability_index(expected, actual) if known else _NAN, feature))
    return StabilitySection(reference, tuple(rows))
