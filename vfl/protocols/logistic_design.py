"""One owner's columns as the rounds need them: bins, whitened fixed-point entries, the ridge in whitened terms.

Inside the protocol an owner works in columns x̃ = Tx, whitened by its own ¼XᵀX (:func:`vfl.core.logistic.whitening`):
every curvature is then bounded by the number of owners, whatever the data, which is what makes the shared inversion
converge unseen. T stays with the owner; weights return as w = Tᵀw̃.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vfl.core.logistic import whitening
from vfl.crypto.shares import Ring
from vfl.errors import DataError, Text
from vfl.protocols.logistic_code import (
    BIN_LOG,
    COLUMN_LOG,
    CURVE_BITS,
    DESIGN_BITS,
    DESIGN_REACH,
    RAW_BITS,
    RAW_REACH,
)

__all__ = ["OwnDesign"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class OwnDesign:
    """Columns of few distinct values (woe), coded for the rounds.

    Parameters
    ----------
    columns : array of shape (rows, columns)
        The owner's training columns, a column of ones first where the owner holds the intercept.
    ridge, linear : array of shape (columns,)
        ½ ridge w² + linear w per column, on the scale of the summed loss.
    scale : float
        Rows times the largest sample weight: what the objective is divided by.

    Raises
    ------
    DataError
        ``LOGISTIC_COLUMNS`` for values that are not finite, beyond ±32, or of too many distinct values.

    Security: everything here stays with the owner.
    """

    def __init__(self, columns: Floats, ridge: Floats, scale: float, linear: Floats | None = None) -> None:
        rows, count = columns.shape
        _require(bool(np.isfinite(columns).all()) and 0 < count < 1 << COLUMN_LOG)
        levels = [np.unique(columns[:, f], return_inverse=True) for f in range(count)]
        self.counts = np.array([len(values) for values, _ in levels], dtype=np.int32)
        _require(int(self.counts.sum()) < 1 << BIN_LOG and int(self.counts.max()) < 256)
        _require(float(np.abs(columns).max()) < 1 << RAW_REACH)
        self.bins: npt.NDArray[np.uint16] = np.stack([index for _, index in levels], axis=1).astype(np.uint16)
        self.offsets: npt.NDArray[np.int64] = np.concatenate([[0], np.cumsum(self.counts)[:-1]]).astype(np.int64)
        self.values: list[Floats] = [values for values, _ in levels]
        self.whiten = whitening((columns.T @ columns / 4 + np.diag(ridge)) / scale)
        _require(float(np.abs(self.whiten).max(initial=0)) < 1 << DESIGN_REACH)
        self.ridge: Floats = (self.whiten * (ridge / scale)) @ self.whiten.T
        """T diag(r) Tᵀ / scale; its entries are at most 1."""
        self.linear: Floats = self.whiten @ (np.zeros(count) if linear is None else linear / scale)
        entries = np.concatenate([np.outer(v, self.whiten[:, f]) for f, v in enumerate(self.values)])
        _require(float(np.abs(entries).max()) < 1 << DESIGN_REACH)
        self.entries: Floats = entries
        """(bins, columns): what each bin of each column adds to each whitened column."""
        self.table = _rounded(entries, DESIGN_BITS)
        self.rows: Ints = self._by_row(self.table)
        """(rows, columns) whitened, 16 fractional bits."""
        # What is divided by n on its way back is scaled here, so that only powers of two remain to be cut off.
        self.stretch = float(1 << rows.bit_length()) / rows
        self.back = _rounded(entries * self.stretch, DESIGN_BITS)
        """The table times 2^row_log / n."""
        self.raw = [_rounded(v, RAW_BITS) for v in self.values]

    @property
    def columns(self) -> int:
        return len(self.counts)

    def curve_table(self, rows: int, *, stretched: bool) -> Ints:
        """The table with 15 fractional bits, times 2^row_log / m if ``stretched``, for sums over the first m rows.

        Two large shares cancel in the end, so both directions of the curvature must use the very same integers: the
        bank's are always the stretched ones.
        """
        factor = self.stretched(rows) if stretched else 1.0
        return _rounded(self.entries * factor, CURVE_BITS)

    def curve_rows(self, rows: int, *, stretched: bool) -> Ints:
        """The first ``rows`` rows in that coding."""
        return self._by_row(self.curve_table(rows, stretched=stretched), rows)

    def stretched(self, rows: int) -> float:
        """2^row_log / m."""
        return float(self.stretch * len(self.bins) / rows)

    def whiteners(self, rows: int) -> tuple[Ring, Ring]:
        """T with 12 fractional bits, and T times 2^row_log / m, as Python integers."""
        stretched = self.whiten * self.stretched(rows)
        return _rounded(self.whiten, RAW_BITS).astype(object), _rounded(stretched, RAW_BITS).astype(object)

    def weights(self, whitened: Floats) -> Floats:
        """w = Tᵀ w̃."""
        out: Floats = self.whiten.T @ whitened
        return out

    def whitened(self, weights: Floats) -> Floats:
        """w̃ with Tᵀ w̃ = w."""
        out: Floats = np.asarray(np.linalg.solve(self.whiten.T, weights), dtype=np.float64)
        return out

    def _by_row(self, table: Ints, rows: int | None = None) -> Ints:
        bins = self.bins[:rows]
        out = np.zeros((len(bins), self.columns), dtype=np.int64)
        for feature, offset in enumerate(self.offsets.tolist()):
            out += table[offset + bins[:, feature]]
        return out


def _rounded(values: Floats, bits: int) -> Ints:
    out: Ints = np.rint(np.ldexp(values, bits)).astype(np.int64)
    return out


def _require(sound: bool) -> None:
    if not sound:
        raise DataError(
            "LOGISTIC_COLUMNS",
            Text(
                "the columns of a logistic regression must be finite, within ±32, and of few distinct values",
                "逻辑回归的列须为有限数值、绝对值小于 32，且取值个数较少",
            ),
            cure=Text("code the features by weight of evidence first", "请先对特征做 WOE 编码"),
        )
