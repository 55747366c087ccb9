"""How often, and with which public factors, shared curvatures are inverted or solved with: fixed in advance.

No party sees how far an iteration is, so its factors follow from bounds that hold whatever the data. Owners work in
columns whitened by their own ¼XᵀX, so H̄ = ¼XᵀX of all of them has eigenvalues of at most the number of owners. Slopes
of σ are at most ¼, so H̄ bounds every later curvature H too (Böhning and Lindsay, Ann. Inst. Stat. Math. 40, 1988):
with the inverse X of H̄, the eigenvalues of XH lie in (0, 1].
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

__all__ = ["ROWS_PER_COLUMN", "SolutionStep", "inversion_intervals", "solution_steps"]

_ACCURACY = 1e-3
_DETERMINED = 2.0**-10
"""Directions of smaller eigenvalues, which the data hardly determine, stay damped."""
_LEAST_SLOPE = 2.0**-6
"""Of a curvature against its bound: slopes average more than this times ¼ along every direction, or converge slower."""
_MOST_SLOPE = 2.0
"""The same from above. The bound holds for all rows; a curvature of a sample of them may exceed it by chance, most
where few rows make a bin. :data:`ROWS_PER_COLUMN` keeps eigenvalues of samples below (1 + 32^-1/2)² = 1.4 of it for
columns without such bins (Marchenko and Pastur 1967)."""
ROWS_PER_COLUMN = 32
"""A curvature of a sample has at least so many rows per column of all owners."""
_SOLUTION_STEPS = 20


@cache
def inversion_intervals(owners: int, *, bounded: bool = False) -> tuple[float, ...]:
    """Lower ends of the intervals of eigenvalues through which an inversion passes; one iteration each.

    Starting from X = I / owners, or (``bounded``) from the inverse of the bound H̄, the eigenvalues of HX lie in (0, 1].
    Those above the first end are brought within 1e-3 of 1 (scaled Newton-Schulz; Pan and Schreiber 1991).
    """
    low, ends = _LEAST_SLOPE if bounded else _DETERMINED / owners, []
    while 1 - low > _ACCURACY:
        ends.append(low)
        low = 4 * low / (1 + low) ** 2
    return tuple(ends)


class SolutionStep(NamedTuple):
    """d ← keep · d + gain · r: the next direction from the last one and the present residual."""

    keep: float
    gain: float


@cache
def solution_steps() -> tuple[SolutionStep, ...]:
    """Chebyshev's semi-iteration for XHx = Xg, eigenvalues of XH in [2^-6, 2] (Golub and Varga, Numer. Math. 3, 1961).

    r = Xg, d = gain · r, x = d; then, step by step, r ← r − XHd, d ← keep · d + gain · r, x ← x + d. The error along
    the slowest direction falls to some twentieth, elsewhere further; what is left is the next Newton step's.
    """
    centre, half = (_MOST_SLOPE + _LEAST_SLOPE) / 2, (_MOST_SLOPE - _LEAST_SLOPE) / 2
    sigma = centre / half
    rho = 1 / sigma
    steps = [SolutionStep(0.0, 1 / centre)]
    for _ in range(_SOLUTION_STEPS - 1):
        after = 1 / (2 * sigma - rho)
        steps.append(SolutionStep(after * rho, 2 * after / half))
        rho = after
    return tuple(steps)
