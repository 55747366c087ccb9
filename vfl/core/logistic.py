"""Logistic regression in the clear: the pooled optimum, its standard errors, and σ as a short Fourier series.

The objective is ∑ v_i (log(1 + e^z_i) − y_i z_i) + ½ ∑ r_j w_j², z = Xw, with v the sample weights and r the ridge
of each column (0 for an intercept): scikit-learn's with r = 1 / C. Fitted by Newton steps with halving (iteratively
reweighted least squares), so collinear columns converge as fast as any.

The series. σ(z) ≈ c_0 + ∑_k α_k cos(kπz/L) + β_k sin(kπz/L), |z| <= L, by weighted least squares over
[μ − R, μ + R] with R < L. Outside that range the fit is free, so the periodic extension may turn smoothly where σ
itself would jump: the error then falls geometrically in the number of terms (a Fourier extension; Huybrechs, SIAM J.
Numer. Anal. 47, 2010), where the textbook series of an odd extension falls like 1/K. Each harmonic's phase is free
too: it costs nothing (:mod:`vfl.protocols.logistic` evaluates it as the product of two parties' values).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
import numpy.typing as npt

from vfl.core.links import Link, link_of, sigmoid, sigmoid_slope

__all__ = [
    "FourierSeries",
    "LogisticFit",
    "fit_link",
    "fit_logistic",
    "fit_series",
    "information",
    "p_values",
    "sigmoid",
    "sigmoid_slope",
    "taylor_fit",
    "whitening",
]

Floats = npt.NDArray[np.float64]

_LOGISTIC = link_of("logistic")


@dataclass(frozen=True, slots=True)
class LogisticFit:
    """What :func:`fit_link` found; ``standard_errors`` come from the inverse information with the ridge in it.

    Those of a linear regression are per unit of the residual deviation.
    """

    coefficients: Floats
    standard_errors: Floats
    steps: int
    converged: bool


def information(design: Floats, margins: Floats, weights: Floats, ridge: Floats) -> Floats:
    """Xᵀ diag(v σ(1 − σ)) X + diag(r): the Hessian of the objective."""
    return _hessian(_LOGISTIC, design, margins, weights, ridge)


def _hessian(link: Link, design: Floats, margins: Floats, weights: Floats, ridge: Floats) -> Floats:
    out: Floats = (design.T * (weights * link.slope(margins))) @ design + np.diag(ridge)
    return out


def fit_logistic(
    design: Floats, labels: Floats, ridge: Floats, *, weights: Floats | None = None, start: Floats | None = None,
    tolerance: float = 1e-10, steps: int = 100,
) -> LogisticFit:
    """Maximum of the penalised likelihood.

    Parameters
    ----------
    design : array of shape (rows, columns)
        An intercept is a column of ones with ridge 0.
    labels : array of shape (rows,), 0 or 1
    ridge : array of shape (columns,)
    weights : array of shape (rows,), optional
    """
    return fit_link(_LOGISTIC, design, labels, ridge, weights=weights, start=start, tolerance=tolerance, steps=steps)


def fit_link(
    link: Link, design: Floats, labels: Floats, ridge: Floats, *, weights: Floats | None = None,
    start: Floats | None = None, linear: Floats | None = None, tolerance: float = 1e-10, steps: int = 100,
) -> LogisticFit:
    """The same for any family: ½ ridge w² + linear w is added to the unscaled loss of the rows."""
    v = np.ones(len(labels)) if weights is None else weights
    target, scaled = link.target(labels), ridge / link.scale
    tilt = np.zeros(len(ridge)) if linear is None else linear / link.scale / link.unit
    w = np.zeros(design.shape[1]) if start is None else start / link.unit

    def loss(coefficients: Floats) -> float:
        z = design @ coefficients
        return float(v @ (link.potential(z) - target * z) + 0.5 * scaled @ coefficients**2 + tilt @ coefficients)

    now, converged, step = loss(w), False, 0
    while step < steps and not converged:
        step += 1
        z = design @ w
        gradient = design.T @ (v * (link.mean(z) - target)) + scaled * w + tilt
        hessian = _hessian(link, design, z, v, scaled)
        delta = np.linalg.lstsq(hessian, gradient, rcond=1e-14)[0]
        size = 1.0
        while (new := loss(w - size * delta)) > now + 1e-12 * abs(now) and size > 1e-6:
            size /= 2
        w, now = w - size * delta, new
        converged = float(np.max(np.abs(size * delta), initial=0.0)) <= tolerance * max(1.0, float(np.abs(w).max()))
    hessian = _hessian(link, design, design @ w, v, scaled)
    errors = np.sqrt(np.diag(np.linalg.pinv(hessian, hermitian=True)) / link.scale)
    return LogisticFit(w * link.unit, errors, step, converged)


def taylor_fit(design: Floats, labels: Floats, ridge: Floats) -> Floats:
    """The optimum under σ(z) ≈ ½ + z/4, which many federated systems train: least squares, for comparison only."""
    lhs = design.T @ design / 4 + np.diag(ridge)
    out: Floats = np.asarray(np.linalg.lstsq(lhs, design.T @ (labels - 0.5), rcond=None)[0], dtype=np.float64)
    return out


def p_values(coefficients: Floats, standard_errors: Floats) -> Floats:
    """Two-sided Wald tests: P(|N(0, 1)| > |w| / se)."""
    return np.array([erfc(abs(w) / s / sqrt(2)) for w, s in zip(coefficients, standard_errors, strict=True)])


def whitening(gram: Floats) -> Floats:
    """T with T·gram·Tᵀ = 1 up to rounding, lower triangular; ``gram`` is positive semi-definite.

    In columns Tx the curvature ¼XᵀX of an owner's own block is the unit matrix, so σ' <= ¼ bounds every later
    curvature by it. A ridge of 1e-9 of the diagonal lets exactly collinear columns pass.
    """
    scale = 1 / np.sqrt(np.maximum(np.diag(gram), 1e-12))
    scaled = gram * np.outer(scale, scale) + 1e-9 * np.eye(len(gram))
    out: Floats = np.linalg.inv(np.linalg.cholesky(scaled)) * scale
    return out


@dataclass(frozen=True, slots=True)
class FourierSeries:
    """c_0 + ∑_{k=1..K} α_k cos(kφ) + β_k sin(kφ), φ = πz / L."""

    half_period: float
    constant: float
    cosines: Floats
    sines: Floats

    @property
    def terms(self) -> int:
        """K."""
        return len(self.cosines)

    @property
    def largest(self) -> float:
        """The largest amplitude of a harmonic, and no less than |c_0|."""
        return float(max(np.hypot(self.cosines, self.sines).max(), abs(self.constant)))

    def at(self, z: Floats) -> Floats:
        """The value at margins ``z``, any shape."""
        angles = np.multiply.outer(z, np.arange(1, self.terms + 1)) * (np.pi / self.half_period)
        out: Floats = self.constant + np.cos(angles) @ self.cosines + np.sin(angles) @ self.sines
        return out

    def rotated(self, phase: Floats) -> Floats:
        """(rows, 2K): (α_k cos kφ + β_k sin kφ, β_k cos kφ − α_k sin kφ) for each k.

        The inner product with (cos kψ, sin kψ) is the series at φ + ψ, without its constant.
        """
        k = np.arange(1, self.terms + 1)
        cos, sin = np.cos(np.outer(phase, k)), np.sin(np.outer(phase, k))
        pairs = np.stack([cos * self.cosines + sin * self.sines, cos * self.sines - sin * self.cosines], axis=2)
        return pairs.reshape(len(phase), -1)

    @staticmethod
    def turns(phase: Floats, terms: int) -> Floats:
        """(rows, 2K): (cos kψ, sin kψ) for each k."""
        angles = np.outer(phase, np.arange(1, terms + 1))
        return np.stack([np.cos(angles), np.sin(angles)], axis=2).reshape(len(phase), -1)


def fit_series(
    function: Callable[[Floats], Floats], terms: int, *, half_period: float, centre: float, spread: float,
    reach: float, densest: float | None = None, loose: float = 1e-5,
) -> FourierSeries:
    """Least-squares series of ``function`` over [centre − reach, centre + reach].

    Weights are a normal density of width ``spread`` round ``densest`` (where the margins are; by default the centre)
    above a floor of 1e-3.
    On the rest of the circle a straight line with weight ``loose`` keeps the extension from swinging wide: the less,
    the better the fit.
    """
    z = np.linspace(centre - half_period, centre + half_period, 4000, endpoint=False)
    inside = np.abs(z - centre) <= reach
    ends = function(np.array([centre - reach, centre + reach]))
    distance = np.mod(z - (centre + reach), 2 * half_period) / (2 * (half_period - reach))
    target = np.where(inside, function(z), ends[1] + distance * (ends[0] - ends[1]))
    density = np.exp(-0.5 * ((z - (centre if densest is None else densest)) / spread) ** 2) + 1e-3
    root = np.sqrt(np.where(inside, density, loose))
    angles = np.outer(z, np.arange(1, terms + 1)) * (np.pi / half_period)
    basis = np.hstack([np.ones((len(z), 1)), np.cos(angles), np.sin(angles)]) * root[:, None]
    gram = basis.T @ basis
    # The extension is ill-conditioned by nature; this keeps its coefficients small at no cost in the fit.
    gram += 1e-10 * np.trace(gram) * np.eye(len(gram))
    c = np.linalg.solve(gram, basis.T @ (target * root))
    return FourierSeries(half_period, float(c[0]), c[1 : terms + 1], c[terms + 1 :])
