"""Selection of features for a scorecard: each step says what went and why.

A step takes the positions still in and returns those it removes, so steps chain::

    kept, gone = keep(kept, by_iv(iv, kept, low=0.02))
    kept, gone = keep(kept, by_correlation(matrix, iv, kept, limit=0.8))

Matrices and figures are indexed by position in the whole list. Unknown correlations (two owners whose pair nobody
computed) are NaN and remove nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from vfl.core.metrics import stability_index
from vfl.errors import Text

__all__ = [
    "Reason",
    "Removal",
    "bin_shift",
    "by_correlation",
    "by_iv",
    "by_missing",
    "by_sign",
    "by_vif",
    "correlation_from_sums",
    "keep",
    "pearson",
    "variance_inflation",
]

Floats = npt.NDArray[np.float64]

SHIFT_ROWS = 500
"""Fewest rows of which a shift of bins is judged."""


class Reason(StrEnum):
    """Why a feature is not used."""

    ONE_BIN = "one-bin"
    LOW_IV = "low-iv"
    HIGH_IV = "high-iv"
    MISSING = "missing"
    CORRELATION = "correlation"
    VIF = "vif"
    STABILITY = "stability"
    SIGN = "sign"
    MANUAL = "manual"


_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.ONE_BIN: ("all rows fall into one bin", "全部样本落入同一分箱"),
    Reason.LOW_IV: ("information value {value:.4f} is below {limit:g}", "信息值 {value:.4f} 低于 {limit:g}"),
    Reason.HIGH_IV: (
        "information value {value:.4f} is above {limit:g}: check that it does not know the outcome",
        "信息值 {value:.4f} 高于 {limit:g}：请检查是否包含结果信息",
    ),
    Reason.MISSING: ("{value:.1%} of its values are missing, more than {limit:.1%}",
                     "缺失率 {value:.1%}，高于 {limit:.1%}"),
    Reason.CORRELATION: ("correlation {value:.3f} with {other}, whose information value is larger; limit {limit:g}",
                         "与信息值更高的 {other} 相关系数为 {value:.3f}，上限 {limit:g}"),
    Reason.VIF: ("variance inflation {value:.1f} is above {limit:g}", "方差膨胀因子 {value:.1f} 高于 {limit:g}"),
    Reason.STABILITY: ("stability index {value:.3f} is above {limit:g}", "稳定性指数 {value:.3f} 高于 {limit:g}"),
    Reason.MANUAL: ("its owner takes it out", "由所有者剔除"),
    Reason.SIGN: ("its weight {value:.3f} is positive although WOE is positive for safer firms",
                  "权重 {value:.3f} 为正，而 WOE 越大越安全，方向相反"),
}  # fmt: skip

_UNTOLD = {
    Reason.STABILITY: ("its owner finds its bins shifted; limit of the stability index {limit:g}",
                       "其所有者判定分箱分布漂移，稳定性指数上限 {limit:g}"),
    Reason.CORRELATION: ("correlation with a feature whose information value is larger; limit {limit:g}",
                         "与信息值更高的特征相关，上限 {limit:g}"),
    Reason.VIF: ("variance inflation is above {limit:g}", "方差膨胀因子高于 {limit:g}"),
}  # fmt: skip
"""The same where another owner knows the figure."""


@dataclass(frozen=True, slots=True)
class Removal:
    """One feature that went.

    Attributes
    ----------
    feature : int
        Position in the whole list.
    value, limit : float
        The figure that decided, NaN where another owner keeps it, and the bound it broke.
    other : int or None
        The feature it was too close to.
    """

    feature: int
    reason: Reason
    value: float
    limit: float
    other: int | None = None

    def text(self, labels: Sequence[str]) -> Text:
        """One sentence for a report; ``labels`` names features as the reader may know them."""
        facts = {"value": self.value, "limit": self.limit, "other": "" if self.other is None else labels[self.other]}
        en, zh = (_UNTOLD if np.isnan(self.value) and self.reason in _UNTOLD else _WORDS)[self.reason]
        return Text(en.format(**facts), zh.format(**facts))


def keep(kept: Sequence[int], removed: Sequence[Removal]) -> tuple[list[int], list[Removal]]:
    """What is left of ``kept``, and the removals as a list."""
    gone = {r.feature for r in removed}
    return [f for f in kept if f not in gone], list(removed)


def by_iv(iv: Floats, kept: Sequence[int], *, low: float, high: float = np.inf) -> list[Removal]:
    """Features that tell too little, or so much that they may know the outcome."""
    weak = [Removal(f, Reason.LOW_IV, float(iv[f]), low) for f in kept if iv[f] < low]
    return weak + [Removal(f, Reason.HIGH_IV, float(iv[f]), high) for f in kept if iv[f] > high]


def by_missing(share: Floats, kept: Sequence[int], *, limit: float) -> list[Removal]:
    """Features with a larger share of missing values than ``limit``."""
    return [Removal(f, Reason.MISSING, float(share[f]), limit) for f in kept if share[f] > limit]


def bin_shift(bins: npt.NDArray[np.uint8], base: slice, others: Sequence[slice]) -> float:
    """The largest stability index of a feature's bins, shape (rows,), between the rows of ``base`` and each of others.

    Parts of fewer than :data:`SHIFT_ROWS` rows are not asked: by chance alone k bins of n rows shift by k / n.
    """
    size = int(bins.max(initial=0)) + 1
    counts = [np.bincount(bins[part], minlength=size).astype(np.float64) for part in (base, *others)]
    return max((stability_index(counts[0], c) for c in counts[1:] if c.sum() >= SHIFT_ROWS), default=0.0)


def by_correlation(
    matrix: Floats, iv: Floats, kept: Sequence[int], *, limit: float, forced: Collection[int] = ()
) -> list[Removal]:
    """Of two features correlated above ``limit`` in magnitude, the one with the smaller IV goes.

    Features are judged from the largest IV down, ``forced`` ones first, each against those judged good: the result does
    not depend on the order of the list (ties in IV: the earlier one stays). Those ``forced`` stay in any case.
    """
    good: list[int] = []
    out = []
    for f in sorted(kept, key=lambda f: (f not in forced, -float(iv[f]), f)):
        close = [g for g in good if abs(matrix[f, g]) > limit]
        if close and f not in forced:
            nearest = max(close, key=lambda g: abs(float(matrix[f, g])))
            out.append(Removal(f, Reason.CORRELATION, float(matrix[f, nearest]), limit, nearest))
        else:
            good.append(f)
    return out


def by_vif(
    matrix: Floats, kept: Sequence[int], *, limit: float, forced: Collection[int] = ()
) -> list[Removal]:
    """The feature with the largest variance inflation goes, until none is above ``limit`` but ``forced`` ones."""
    left = list(kept)
    out = []
    while len(left) > 1:
        inflation = variance_inflation(matrix[np.ix_(left, left)])
        free = np.where(np.isin(left, list(forced)), 0.0, inflation)
        worst = int(free.argmax())
        if free[worst] <= limit:
            break
        out.append(Removal(left.pop(worst), Reason.VIF, float(inflation[worst]), limit))
    return out


def by_sign(weights: Floats, kept: Sequence[int]) -> list[Removal]:
    """Features whose weight on the log-odds of the event is positive; ``weights[f]`` belongs to feature f."""
    return [Removal(f, Reason.SIGN, float(weights[f]), 0.0) for f in kept if weights[f] > 0]


def pearson(columns: Floats) -> Floats:
    """Correlation matrix of ``columns``, shape (rows, features); 0 beside a constant column, 1 on the diagonal."""
    centred = columns - columns.mean(axis=0)
    return _normalised(centred.T @ centred)


def correlation_from_sums(products: Floats, sums: Floats, rows: int) -> Floats:
    """The same from sums of products, shape (features, features), and sums, shape (features,); NaN stays NaN."""
    return _normalised(products - np.outer(sums, sums) / rows)


def _normalised(covariance: Floats) -> Floats:
    scale = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    product = np.outer(scale, scale)
    out = np.divide(covariance, product, out=np.zeros_like(covariance), where=product > 0)
    np.fill_diagonal(out, 1.0)
    clipped: Floats = np.clip(out, -1.0, 1.0)
    return clipped


def variance_inflation(matrix: Floats) -> Floats:
    """Variance inflation factors 1 / (1 - R^2) from a correlation matrix; infinite for exact dependence.

    Where some pairs are unknown (NaN), a feature's factor is the largest over the sets of features known to each
    other that hold it: a lower bound of the true one.
    """
    if not np.isnan(matrix).any():
        return _inflation(matrix)
    out = np.ones(len(matrix))
    for known in _known_sets(~np.isnan(matrix)):
        members = sorted(known)
        out[members] = np.maximum(out[members], _inflation(matrix[np.ix_(members, members)]))
    return out


def _inflation(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    tiny = values < 1e-9
    # Diagonal of the inverse by eigenvectors; a feature with a part in a null direction depends on the others.
    dependent = (vectors[:, tiny] ** 2).sum(axis=1) > 1e-12
    inverse = (vectors[:, ~tiny] ** 2 / values[~tiny]).sum(axis=1)
    out: Floats = np.where(dependent, np.inf, np.maximum(inverse, 1.0))
    return out


def _known_sets(known: npt.NDArray[np.bool_]) -> list[frozenset[int]]:
    """Features that know the same others belong together; each kind of feature with all it knows of one kind."""
    kinds: dict[bytes, list[int]] = {}
    for f in range(len(known)):
        kinds.setdefault(known[f].tobytes(), []).append(f)
    groups = list(kinds.values())
    out = []
    for group in groups:
        members: list[int] = []
        for other in [group, *(g for g in groups if g is not group)]:
            if known[np.ix_(members + other, members + other)].all():
                members = members + other
        out.append(frozenset(members))
    return out
