"""Why a score is low: each owner's codes of the features that fell furthest below a baseline.

An owner ranks its own features only and tells codes and signs, in order, never points: the order across owners is
not known to anyone, and needs not be. Ties keep the order of the features. (The rule of "points below" and its
baselines: PMML 4.4, Scorecard; notices of adverse action: US Regulation B, 12 CFR 1002, official interpretation
9(b)(2).)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from vfl.core.card_feature import CardFeature

__all__ = ["Baseline", "Reason", "reasons"]

Points = npt.NDArray[np.int64]


class Baseline(StrEnum):
    """What a feature's points are held against."""

    BEST = "best"
    """The points of its best bin."""
    NEUTRAL = "neutral"
    """Its points at WOE 0, neither safer nor riskier than all."""

    def of(self, feature: CardFeature) -> int:
        return feature.best if self is Baseline.BEST else feature.neutral


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and a sign: ``-`` pulled the score down, ``+`` held it up."""

    code: str
    sign: str


def reasons(
    points: Points,
    features: Sequence[CardFeature],
    *,
    baseline: Baseline = Baseline.NEUTRAL,
    top: int = 4,
    strengths: int = 0,
) -> list[tuple[Reason, ...]]:
    """Reasons of each row.

    Parameters
    ----------
    points : int64 array, shape (rows, features)
        Of one owner's features, as :meth:`vfl.core.scorecard.Scorecard.points` gives them.
    features : sequence of CardFeature
        The same features.
    top : int
        At most so many codes below the baseline, furthest first.
    strengths : int
        At most so many above it (none with ``BEST``), furthest first, after those.
    """
    over = points - np.array([baseline.of(f) for f in features], dtype=np.int64)
    falling = np.argsort(over, axis=1, kind="stable")[:, :top]
    rising = np.argsort(-over, axis=1, kind="stable")[:, :strengths]
    codes = [f.reason.code for f in features]
    return [
        (
            *(Reason(codes[f], "-") for f in low if row[f] < 0),
            *(Reason(codes[f], "+") for f in high if row[f] > 0),
        )
        for row, low, high in zip(over, falling, rising, strict=True)
    ]
