"""Weight of evidence and information value from counts, and the columns coded with them.

For bin *i* with g_i non-events of G and b_i events of B::

    woe_i = ln((g_i / G) / (b_i / B))        positive = safer
    iv    = sum((g_i / G - b_i / B) * woe_i)

(Siddiqi, *Credit Risk Scorecards*, 2006; I. J. Good's weight of evidence.) A class that a bin does not hold counts
as half a row, so both are finite always; bins that hold both classes are not touched by that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vfl.errors import LocalProtocolError, Text

__all__ = ["WOE_DECIMALS", "WoeColumns", "information_value", "iv_terms", "rounded_woe", "weight_of_evidence"]

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WOE_DECIMALS = 3
"""Decimals of a WOE as models use it and as it crosses between owners."""

_EMPTY_CLASS = 0.5


def weight_of_evidence(rows: Counts, events: Counts) -> Floats:
    """WOE of each bin, shape as ``rows``; positive = safer; 0 for a bin without rows."""
    good, bad = _shares(rows, events, int(rows.sum()), int(events.sum()))
    return np.where(rows > 0, np.log(good / bad), 0.0)


def rounded_woe(rows: Counts, events: Counts) -> Floats:
    """WOE to :data:`WOE_DECIMALS`, without negative zeros: what models are trained on."""
    return np.round(weight_of_evidence(rows, events), WOE_DECIMALS) + 0.0


def iv_terms(rows: Counts, events: Counts, total_rows: int, total_events: int) -> Floats:
    """What each bin adds to the information value of a feature with these totals; never negative for its bins."""
    good, bad = _shares(rows, events, total_rows, total_events)
    return np.where(rows > 0, (good - bad) * np.log(good / bad), 0.0)


def information_value(rows: Counts, events: Counts) -> float:
    """Information value of a feature from the rows and events of all its bins."""
    return float(iv_terms(rows, events, int(rows.sum()), int(events.sum())).sum())


def _shares(rows: Counts, events: Counts, total_rows: int, total_events: int) -> tuple[Floats, Floats]:
    """Each bin's share of all non-events and of all events."""
    goods, bads = np.maximum(rows - events, _EMPTY_CLASS), np.maximum(events, _EMPTY_CLASS)
    return goods / max(total_rows - total_events, _EMPTY_CLASS), bads / max(total_events, _EMPTY_CLASS)


@dataclass(frozen=True, slots=True, repr=False)
class WoeColumns:
    """Features of one owner as bins with a WOE each: what the logistic regression is trained on.

    Attributes
    ----------
    names : tuple of str
        One per feature; the owner's own, never sent.
    bins : uint8 array, shape (rows, features)
        Bin of each row; ``bins[:, f] < len(woe[f])``.
    woe : tuple of float64 arrays
        WOE of each bin of each feature, to :data:`WOE_DECIMALS`; positive = safer.
    iv : float64 array, shape (features,)
        Information value of each feature.

    Security: holds the owner's rows; ``repr`` is redacted.
    """

    names: tuple[str, ...]
    bins: npt.NDArray[np.uint8]
    woe: tuple[Floats, ...]
    iv: Floats

    def __post_init__(self) -> None:
        features = len(self.names)
        fits = (
            self.bins.ndim == 2
            and self.bins.dtype == np.uint8
            and self.bins.shape[1] == features == len(self.woe) == len(self.iv)
            and (not self.bins.size or all(self.bins[:, f].max() < len(self.woe[f]) for f in range(features)))
        )
        if not fits:
            raise LocalProtocolError(
                "WOE_COLUMNS_SHAPE",
                Text("names, bins, WOE and IV do not belong together", "名称、分箱、WOE 与 IV 不一致"),
                cure=Text("this is a fault of the calling code: report it", "调用代码有误，请报告"),
            )

    def __repr__(self) -> str:
        return f"<WoeColumns {len(self.bins)} rows, {len(self.names)} features>"

    def __len__(self) -> int:
        """Rows."""
        return len(self.bins)

    def matrix(self) -> Floats:
        """WOE of every row and feature, shape (rows, features), columns contiguous."""
        out = np.empty(self.bins.shape, dtype=np.float64, order="F")
        for feature, woe in enumerate(self.woe):
            out[:, feature] = woe[self.bins[:, feature]]
        return out

    def take(self, rows: slice | npt.NDArray[np.int64]) -> WoeColumns:
        """The same features of some rows."""
        return WoeColumns(self.names, self.bins[rows], self.woe, self.iv)

    def select(self, features: Sequence[int]) -> WoeColumns:
        """Some features, in the given order, of all rows."""
        chosen = list(features)
        return WoeColumns(
            tuple(self.names[f] for f in chosen),
            np.ascontiguousarray(self.bins[:, chosen]),
            tuple(self.woe[f] for f in chosen),
            self.iv[chosen],
        )
