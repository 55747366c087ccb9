"""From labels and scores to the tables of the report: ranking curve, lift, calibration, bands, swap set.

Plain numpy over rows that are the caller's own; nothing here knows a party or a key. Two conventions throughout:
``y`` is 1 for the event (bad), and ``probability`` is that of the event, so higher is riskier; ``points`` are
scorecard points, so higher is safer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from vfl.errors import DataError, Text
from vfl.report.performance_model import (
    Band,
    BandSection,
    CalibrationRow,
    LiftRow,
    RankPoint,
    SwapSet,
)

__all__ = ["bands_of", "calibration_of", "lift_of", "ranking_of", "swap_set_of"]

Labels: TypeAlias = npt.NDArray[np.integer[Any]]
Scores: TypeAlias = npt.NDArray[np.floating[Any]]

_TENTHS = 10


def ranking_of(y: Labels, probability: Scores, *, points: int = 200) -> tuple[RankPoint, ...]:
    """The ranking curve, thinned to about ``points`` of its corners; the corner of the KS is always kept.

    Rows of equal probability are passed together, so that the curve does not depend on their order.
    Empty where one class is absent.
    """
    y, probability = _checked(y, probability)
    events = int(y.sum())
    if not 0 < events < len(y):
        return ()
    order = np.argsort(-probability, kind="stable")
    last_of_ties = np.append(np.flatnonzero(np.diff(probability[order])), len(y) - 1)
    caught = np.cumsum(y[order])[last_of_ties] / events
    flagged = (last_of_ties + 1 - np.cumsum(y[order])[last_of_ties]) / (len(y) - events)
    kept = np.unique(np.linspace(0, len(last_of_ties) - 1, points).round().astype(np.intp))
    kept = np.unique(np.append(kept, np.argmax(caught - flagged)))
    shares = (last_of_ties + 1) / len(y)
    corners = [RankPoint(float(shares[i]), float(caught[i]), float(flagged[i])) for i in kept]
    return (RankPoint(0.0, 0.0, 0.0), *corners)


def lift_of(y: Labels, probability: Scores) -> tuple[LiftRow, ...]:
    """Rows and events of each tenth, riskiest first; rows of equal probability keep their order."""
    y, probability = _checked(y, probability)
    tenths = np.array_split(np.argsort(-probability, kind="stable"), _TENTHS)
    return tuple(LiftRow(i, len(t), int(y[t].sum())) for i, t in enumerate(tenths, 1) if len(t))


def calibration_of(y: Labels, probability: Scores) -> tuple[CalibrationRow, ...]:
    """Rows, events and mean probability of each tenth, safest first."""
    y, probability = _checked(y, probability)
    tenths = np.array_split(np.argsort(probability, kind="stable"), _TENTHS)
    return tuple(
        CalibrationRow(i, len(t), int(y[t].sum()), float(probability[t].mean()))
        for i, t in enumerate(tenths, 1)
        if len(t)
    )


def bands_of(split: str, y: Labels, points: Scores, *, edges: Sequence[float] = (), count: int = 10) -> BandSection:
    """Score bands [lower, upper) between ``edges``; without edges, about ``count`` bands of equal rows.

    The first band reaches down to −∞ and the last up to +∞, so that every later score has a band.
    """
    y, points = _checked(y, points)
    if not edges and len(points):
        edges = tuple(np.unique(np.quantile(points, np.arange(1, count) / count).round()).tolist())
    limits = np.concatenate([[-np.inf], np.sort(np.asarray(edges, dtype=np.float64)), [np.inf]])
    place = np.searchsorted(limits, points, side="right") - 1
    rows = np.bincount(place, minlength=len(limits) - 1)
    events = np.bincount(place, weights=y, minlength=len(limits) - 1)
    return BandSection(
        split=split,
        bands=tuple(
            Band(float(limits[i]), float(limits[i + 1]), int(rows[i]), int(events[i])) for i in range(len(limits) - 1)
        ),
    )


def swap_set_of(y: Labels, joint: Scores, alone: Scores, approval_share: float) -> SwapSet:
    """Who is approved by which model when each approves its safest ``approval_share`` of the same rows.

    ``joint`` and ``alone`` are probabilities of the event; rows of equal probability are approved in their order.
    """
    y, joint = _checked(y, joint)
    _, alone = _checked(y, alone)
    approved = round(approval_share * len(y))
    by_joint = np.zeros(len(y), dtype=bool)
    by_alone = np.zeros(len(y), dtype=bool)
    by_joint[np.argsort(joint, kind="stable")[:approved]] = True
    by_alone[np.argsort(alone, kind="stable")[:approved]] = True
    both, gained, lost = by_joint & by_alone, by_joint & ~by_alone, by_alone & ~by_joint
    return SwapSet(
        approval_share=approval_share,
        both_rows=int(both.sum()),
        both_events=int(y[both].sum()),
        swap_in_rows=int(gained.sum()),
        swap_in_events=int(y[gained].sum()),
        swap_out_rows=int(lost.sum()),
        swap_out_events=int(y[lost].sum()),
    )


def _checked(y: Labels, scores: Scores) -> tuple[Labels, Scores]:
    if y.ndim != 1 or y.shape != scores.shape:
        raise DataError(
            "REPORT_SHAPE",
            Text("Labels and scores are not two columns of equal length.", "标签与分数不是等长的两列。"),
            cure=Text("Pass one label and one score per row.", "请为每一行提供一个标签和一个分数。"),
        )
    if not np.isin(y, (0, 1)).all():
        raise DataError(
            "REPORT_LABELS",
            Text("A label is neither 0 nor 1.", "存在既非 0 也非 1 的标签。"),
            cure=Text("Code the event (bad) as 1 and all else as 0.", "请将坏样本记为 1，其余记为 0。"),
        )
    if not np.isfinite(scores).all():
        raise DataError(
            "REPORT_SCORES",
            Text("A score is not a finite number.", "存在非有限数值的分数。"),
            cure=Text("Score every row, or leave the row out of the evaluation.", "请为每行给出分数，或剔除该行。"),
        )
    return y, scores
