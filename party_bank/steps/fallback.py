"""The bank's card for firms that no platform may answer for: its own columns, its own rows, nothing from others.

Bins are those of the job (made on its training rows). Selection and regression are the bank's own: a column that went
because a platform's says the same may stay here. It is fitted to all the bank's labelled rows but the aligned ones
that are held out, so that the loss against the joint card can be told; and its start is moved so that the mean
probability of the rows that did *not* align, who are the firms it will score, meets their event rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vfl.config.binning import BinningSpec
from vfl.core.binned_table import BinnedTable
from vfl.core.calibration import shift_to_rate
from vfl.core.logistic import fit_logistic, sigmoid
from vfl.core.metrics import auc, ks
from vfl.core.scorecard import Scaling, Scorecard
from vfl.core.selection import by_correlation, by_iv, by_sign, by_vif, keep, pearson
from vfl.data.binned_features import woe_columns
from vfl.data.card_part import CardPart
from vfl.data.table import Dataset

__all__ = ["Fallback", "Loss", "fit_fallback"]

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]

_LEAST_ROWS, _LEAST_EVENTS = 500, 50
"""Rows that did not align, and events among them, below which the card is calibrated on all training rows."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What the fallback loses against the joint card on the same held-out rows; positive is worse."""

    auc: float
    ks: float
    rows: int

    @classmethod
    def of(cls, labels: Floats, joint: Floats, alone: Floats) -> Loss | None:
        """None where the held-out rows hold one class only."""
        if not 0 < labels.sum() < len(labels):
            return None
        return cls(auc(labels, joint) - auc(labels, alone), ks(labels, joint) - ks(labels, alone), len(labels))

    def to_dict(self) -> dict[str, float]:
        return {"auc": round(self.auc, 6), "ks": round(self.ks, 6), "rows": self.rows}


@dataclass(frozen=True, slots=True, repr=False)
class Fallback:
    """The card, and what it was made of.

    Attributes
    ----------
    rows, calibrated_on : int
        Rows of the fit; rows that did not align, whose event rate the start meets (0: too few, not moved).
    """

    part: CardPart
    rows: int
    calibrated_on: int

    def __repr__(self) -> str:
        return f"<fallback card of {len(self.part.card.known)} features>"

    def probability(self, data: Dataset) -> Floats:
        """Of the event, as the whole points tell it, for each row."""
        card = self.part.card
        return card.probability(card.start + self.part.points(data).sum(axis=1))

    def to_dict(self) -> dict[str, Any]:
        return self.part.to_dict() | {"rows": self.rows, "calibrated_on": self.calibrated_on}


def fit_fallback(
    data: Dataset, labels: Floats, bins: BinnedTable, *, train: Bits, apart: Bits, owner: str, spec: BinningSpec,
    ridge: float, scaling: Scaling, weights: Floats | None = None,
) -> Fallback | None:
    """The card, or None where no column of the bank tells anything.

    Parameters
    ----------
    data : Dataset
        All the bank's rows, with ``labels`` of shape (rows,).
    bins : BinnedTable
        Of all the bank's features that have bins.
    train, apart : bool arrays of shape (rows,)
        Rows to fit; those of them that did not align.
    weights : float array of shape (rows,), optional
        Sample weights.
    """
    woe = woe_columns(data, bins).matrix()
    chosen = _selected(woe[train], bins, spec)
    while chosen:
        design = np.column_stack([np.ones(len(woe)), woe[:, chosen]])
        penalty = np.array([0.0] + [ridge] * len(chosen))
        fit = fit_logistic(design[train], labels[train], penalty, weights=None if weights is None else weights[train])
        found = fit.coefficients
        wrong = {r.feature for r in by_sign(found[1:], range(len(chosen)))}
        if not wrong:
            break
        chosen = [c for k, c in enumerate(chosen) if k not in wrong]
    if not chosen:
        return None
    shift, held = 0.0, int(apart.sum())
    if held < _LEAST_ROWS or not _LEAST_EVENTS <= labels[apart].sum() <= held - _LEAST_EVENTS:
        held = 0
    else:
        shift = shift_to_rate(sigmoid(design[apart] @ found), float(labels[apart].mean()))[1]
    table = bins.select(chosen)
    card = Scorecard.fitted(
        {owner: table}, {owner: found[1:].tolist()}, float(found[0]) + shift, scaling, home=owner
    )
    return Fallback(CardPart(card, table), int(train.sum()), held)


def _selected(woe: Floats, bins: BinnedTable, spec: BinningSpec) -> list[int]:
    """Columns that pass the job's limits among the bank's own."""
    iv = np.array([f.merge.iv for f in bins.features])
    chosen, _ = keep(range(len(iv)), by_iv(iv, range(len(iv)), low=spec.min_iv, high=spec.max_iv))
    matrix = pearson(woe)
    chosen, _ = keep(chosen, by_correlation(matrix, iv, chosen, limit=spec.max_correlation))
    return keep(chosen, by_vif(matrix, chosen, limit=spec.max_vif))[0]
