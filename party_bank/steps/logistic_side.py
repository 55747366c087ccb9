"""The bank's numbers in a federated regression: its own model to start from, and its values of a row's series."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vfl.config.logistic import LogisticSpec
from vfl.core.links import Link, link_of
from vfl.core.logistic import FourierSeries, fit_link, fit_series
from vfl.crypto.shares import to_fixed
from vfl.errors import LocalProtocolError, Text
from vfl.protocols.logistic import What
from vfl.protocols.logistic_code import CURVE_BITS, DESIGN_BITS, HALF_PERIOD, SLOPE_BITS, SeriesCode, SlopeCode
from vfl.protocols.logistic_curvature import CurvatureRound
from vfl.protocols.logistic_party import LogisticParty
from vfl.protocols.logistic_shares import Shares
from vfl.protocols.logistic_weights import OwnWeights

__all__ = ["BankSide", "Labelled"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_GOLDEN = (5**0.5 - 1) / 2
_SPREAD = 2.5
"""Width of the normal density under which the series is fitted, round the base-rate margin."""


class Labelled(ABC):
    """What this file needs of the bank's role: all of it the bank's own."""

    @abstractmethod
    def make_shares(self, peer_columns: int) -> Shares: ...

    @abstractmethod
    def make_own(self) -> OwnWeights: ...

    @abstractmethod
    def columns(self) -> Floats:
        """Training columns, the intercept first."""

    @abstractmethod
    def labels(self) -> Floats:
        """Labels of the training rows, within the family's limit."""

    @abstractmethod
    def weights(self) -> Floats:
        """Sample weights in [0, 1]."""


class BankSide(LogisticParty):
    """Labels, slopes of the own model, and the series."""

    def __init__(self, role: Labelled, spec: LogisticSpec, *, owners: int) -> None:
        super().__init__(spec, owners)
        self._role = role
        self._link: Link = link_of(spec.family, spec.target_limit)
        self.residuals: Ints = np.zeros(0, dtype=np.int64)
        """The mean less the target where the slopes are known, 33 fractional bits, stretched."""
        self._own_gradient: Floats = np.zeros(0)

    def make_shares(self, peer_columns: int) -> Shares:
        return self._role.make_shares(peer_columns)

    def make_own(self) -> OwnWeights:
        return self._role.make_own()

    def start(self) -> None:
        """The bank's own optimum, or its weights of the last pass: its slopes and residuals are its own knowledge."""
        y, v, link = self._role.labels(), self._role.weights(), self._link
        columns, ridge = self._role.columns(), self.own.ridge / self.spec.weight_limit
        if self.own.passes:
            own = self.own.weights
        else:
            own = fit_link(link, columns, y, ridge, weights=v).coefficients / link.unit
        s = self.shares
        whitened = s.design.whitened(own)
        s.weights[s.mine] = to_fixed(whitened)
        z = columns @ own
        residuals = v * (link.mean(z) - link.target(y))
        # The first pass of a logistic regression goes by the bound of the curvature: slopes of ¼.
        slopes = np.full_like(z, 0.25) if self.spec.bounded else link.slope(z)
        s.slopes = np.rint(np.ldexp(v * slopes, SLOPE_BITS)).astype(np.uint64)
        self.residuals = np.rint(np.ldexp(residuals * s.design.stretch, SLOPE_BITS + CURVE_BITS)).astype(np.int64)
        rows = np.ldexp(s.design.rows.astype(np.float64), -DESIGN_BITS)
        self._own_gradient = rows.T @ residuals / s.rows + s.design.ridge @ whitened

    def begin_round(self, what: What) -> None:
        if what is What.CURVATURE and self.from_own_model:
            self._rounds[what] = CurvatureRound(
                self.shares, self.shares.rows, peer_gives=False, residuals=self.residuals, bound=self.starts_bounded
            )
        else:
            super().begin_round(what)

    def own_gradient(self) -> Floats:
        return self._own_gradient + super().own_gradient()

    def sigmoid_values(self, code: SeriesCode) -> Ints:
        y, v = self._link.target(self._role.labels()), self._role.weights()
        series = self._series(code, self._link.mean)
        return self._values(code, series, v, v * (series.constant - y))

    def slope_values(self, code: SlopeCode, rows: int) -> Ints:
        v = self._role.weights()
        series = self._series(code, self._link.slope)
        values = self._values(code, series, v, v * series.constant)[:rows]
        # Their sum travels on top of the slope (SlopeCode); beyond 2^2 it would show through the mask.
        if int(np.abs(values.sum(axis=1)).max(initial=0)) >= 4 << code.own_bits:
            raise _beyond_bound()
        return values

    def _values(self, code: SeriesCode | SlopeCode, series: FourierSeries, v: Floats, constant: Floats) -> Ints:
        phases = self.shares.angles.astype(np.float64) * (2 * np.pi / 2.0**64)
        turned = series.rotated(phases) * v[:, None] * code.own_one
        # The constants of all rows are alike, so that plain rounding would err alike: a dither spreads it evenly.
        dither = np.mod(np.arange(len(v)) * _GOLDEN, 1.0) - 0.5
        last = constant * code.own_one + dither
        values: Ints = np.rint(np.hstack([turned, last[:, None]])).astype(np.int64)
        return values

    def _series(self, code: SeriesCode | SlopeCode, function: Callable[[Floats], Floats]) -> FourierSeries:
        """Fitted round the mean's margin; its bounds are those that the slots were laid out for."""
        y, v = self._role.labels(), self._role.weights()
        densest, centre, reach = self._link.window(float(v @ y / v.sum()))
        low = -1.0 if function is self._link.mean else -2.0
        for loose in self._link.loose:
            series = fit_series(
                function, code.terms, half_period=HALF_PERIOD, centre=centre, spread=_SPREAD, reach=reach,
                densest=densest, loose=loose,
            )  # fmt: skip
            circle = series.at(np.linspace(-HALF_PERIOD, HALF_PERIOD, 4001))
            if series.largest < 3 and low < circle.min() and circle.max() < 2:
                return series
        raise _beyond_bound()


def _beyond_bound() -> LocalProtocolError:
    return LocalProtocolError(
        "SERIES_BOUND",
        Text("the series of the mean exceeds its declared bound", "均值函数的级数超出声明的界"),
        cure=Text("this is a fault of the program: report it", "这是程序错误，请报告"),
    )
