"""The bank's side of logistic regression: labels, series, own columns, one share of everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from party_bank.steps.workspace import BankWorkspace
from vfl.config.job import JobSpec
from vfl.config.logistic import LogisticSpec
from vfl.core.logistic import (
    FourierSeries,
    fit_logistic,
    fit_series,
    sigmoid,
    sigmoid_slope,
)
from vfl.crypto import keyproof
from vfl.crypto.keyproof import KeyRegistry
from vfl.crypto.paillier import AdditiveHE, KeyPurpose, PublicKey
from vfl.crypto.shares import RING, to_fixed
from vfl.errors import DataError, LocalProtocolError, Text
from vfl.protocols.logistic import BankLogistic, What
from vfl.protocols.logistic_code import (
    CURVE_BITS,
    HALF_PERIOD,
    MARGIN_REACH,
    SLOPE_BITS,
    LogisticCode,
    SeriesCode,
)
from vfl.protocols.logistic_curvature import CurvatureRound
from vfl.protocols.logistic_design import OwnDesign
from vfl.protocols.logistic_party import LogisticParty
from vfl.protocols.logistic_rounds import Shares
from vfl.protocols.logistic_weights import OwnWeights
from vfl.protocols.messages.logistic import (
    BankEncrypted,
    BankKeyAck,
    BankMasked,
    BankShare,
    BankWidth,
    PlatformEncrypted,
    PlatformKeyOffer,
    PlatformMasked,
    PlatformRefit,
    PlatformShare,
    PlatformWidth,
    RefitBegin,
)
from vfl.runtime.workspace import too_early
from vfl.wire.carriers import disclose, public

__all__ = ["BankLogisticSteps"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_GOLDEN = (5**0.5 - 1) / 2
_SPREAD = 2.5
"""Width of the normal density under which the series is fitted, round the base-rate margin."""


class BankLogisticSteps(BankLogistic):
    """Holds the intercept as its first column.

    Parameters
    ----------
    columns : callable
        The bank's coded columns (woe) of all aligned rows in the common order, shape (rows, features); may have none.
    registry : KeyRegistry
        Keys this party has seen in other jobs.
    weights : callable, optional
        Sample weights of all aligned rows, in [0, ``spec.weight_limit``].
    start : callable, optional
        Intercept and weights of an earlier model, where ``spec.warm_start`` names one.
    """

    def __init__(
        self, work: BankWorkspace, spec: LogisticSpec, columns: Callable[[], Floats], registry: KeyRegistry, *,
        weights: Callable[[], Floats] | None = None, start: Callable[[], Floats] | None = None,
    ) -> None:
        self._work, self._spec, self._registry = work, spec, registry
        self._columns, self._weights, self._start = columns, weights, start
        self._side = _BankSide(self, spec)
        self._peer: AdditiveHE | None = None
        self._refits: list[bool] = []

    @property
    def coefficients(self) -> Floats:
        """Intercept first, then one per own feature; log-odds of the event. Empty before the first pass has ended."""
        return self._side.coefficients

    @property
    def standard_errors(self) -> Floats:
        """Of :attr:`coefficients`; NaN for columns held at zero, empty where none were made."""
        return self._side.standard_errors

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why each own feature is held at zero (``sign``, ``penalty``, ``selection``), or empty."""
        return self._side.own.reasons[1:]

    @property
    def side(self) -> LogisticParty:
        """The bank's shares and rounds."""
        return self._side

    @property
    def residuals(self) -> Ints:
        """σ − y of the bank's own model, 33 fractional bits, stretched."""
        return self._side.residuals

    # --- keys and sizes ---------------------------------------------------------------------------------------

    def key_ack(self, offer: PlatformKeyOffer) -> BankKeyAck:
        spec = self._work.spec
        key = self._accept(offer.modulus.value)
        keyproof.verify(key, offer.proof.value, job=self._work.job.encode(), party=spec.platforms[0])
        self._registry.admit(key)
        return BankKeyAck(public(key.key_id))

    def _accept(self, modulus: bytes) -> PublicKey:
        spec = self._work.spec
        purpose = KeyPurpose.of_job(test_keys=spec.test_keys, plaintext=spec.plaintext)
        key = PublicKey.received(modulus, bits=spec.key_bits, purpose=purpose)
        self._work.keys[key.key_id] = key
        self._peer = AdditiveHE(key)
        return key

    def width(self) -> BankWidth:
        return BankWidth(disclose(self.columns().shape[1], reason="joint vectors have an agreed length"))

    def take_width(self, width: PlatformWidth) -> None:
        self._side.adopt(width.columns.value)

    @property
    def platforms(self) -> tuple[str, ...]:
        """All platforms of the job; the first computes with the bank."""
        return self._work.spec.platforms

    # --- own data ---------------------------------------------------------------------------------------------

    @property
    def train(self) -> slice:
        return self._work.parts[0]

    def columns(self) -> Floats:
        """Training columns, the intercept first."""
        own = self._columns()[self.train]
        return np.hstack([np.ones((len(own), 1)), own])

    def labels(self) -> Floats:
        out: Floats = self._work.labels()[self.train].astype(np.float64)
        if not 0 < out.sum() < len(out):
            raise DataError(
                "LOGISTIC_ONE_CLASS",
                Text("the training rows hold one class only", "训练样本只含一个类别"),
                cure=Text("use a sample with events and non-events", "请使用同时包含事件与非事件的样本"),
            )
        return out

    def weights(self) -> Floats:
        """Sample weights over the limit: in [0, 1]."""
        limit = self._spec.weight_limit
        v = np.full(len(self.labels()), limit) if self._weights is None else self._weights()[self.train]
        if not (np.isfinite(v).all() and (v >= 0).all() and (v <= limit).all()):
            raise DataError(
                "LOGISTIC_WEIGHTS",
                Text("a sample weight is negative, not finite or above weight_limit",
                     "存在为负、非有限或超过 weight_limit 的样本权重"),
                cure=Text("mend the weights or raise weight_limit", "请修正权重，或提高 weight_limit"),
            )
        return v / limit

    def make_shares(self, peer_columns: int) -> Shares:
        if self._peer is None:
            raise too_early("platform's key")
        columns, own, limit = self.columns(), self._side.own, self._spec.weight_limit
        rows = len(columns)
        return Shares(
            first=True, seed=self._work.seed, code=_code(rows, self._work.spec, self._peer.public),
            design=OwnDesign(columns, own.ridge / limit, rows, own.linear / limit), own=self._work.he,
            peer=self._peer, peer_columns=peer_columns,
        )  # fmt: skip

    def make_own(self) -> OwnWeights:
        """Penalties of the own columns, and where they start."""
        start = None if self._start is None else self._start()
        return OwnWeights(self._spec, self.columns(), intercept=True, start=start)

    # --- rounds -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._side.start()

    def begin(self, what: str) -> None:
        self._side.begin_round(What(what))

    def encrypted(self, what: str) -> Iterator[BankEncrypted]:
        for sealed in self._side.encrypted_values(What(what)):
            yield BankEncrypted(sealed)

    def take_encrypted(self, chunk: PlatformEncrypted, what: str) -> None:
        self._side.take_encrypted_values(chunk.values, What(what))

    def masked(self, what: str) -> Iterator[BankMasked]:
        for masked in self._side.masked_values(What(what)):
            yield BankMasked(masked)

    def take_masked(self, chunk: PlatformMasked, what: str) -> None:
        self._side.take_masked_values(chunk.values, What(what))

    def finish(self, what: str) -> None:
        self._side.finish_round(What(what))

    def share(self) -> BankShare:
        return BankShare(disclose(self._side.share_of_theirs(), reason="the platform's own weights"))

    def take_share(self, share: PlatformShare) -> None:
        scale = len(self.labels()) * self._spec.weight_limit
        self._side.open_mine(share.share.value, scale)

    def take_refit(self, refit: PlatformRefit, platform: str) -> None:
        self._refits.append(refit.changed.value)

    def refit_begin(self) -> RefitBegin:
        wanted = [self._side.own.replan(), *self._refits]
        self._refits.clear()
        return RefitBegin(disclose(any(wanted), reason="all owners train another pass or none does"))

    def restart(self) -> None:
        self._side.restart()

    # --- model and state --------------------------------------------------------------------------------------

    def model_part(self) -> dict[str, Any]:
        """The bank's part of the model, JSON-safe: intercept and weights in the order of its columns."""
        return {
            "party": self._work.party,
            "job": self._work.job,
            "intercept": float(self.coefficients[0]),
            "weights": self.coefficients[1:].tolist(),
            "held": list(self.reasons),
        } | self._side.tests()

    def dump(self) -> dict[str, bytes]:
        if self._peer is None or not self._side.started:
            return {}
        return {"logistic-key": self._peer.public.to_bytes(), "logistic": self._side.dump_shares()}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "logistic-key" in parts:
            self._accept(parts["logistic-key"])
            self._side.restore_shares(parts["logistic"])


def _code(rows: int, spec: JobSpec, key: PublicKey) -> LogisticCode:
    code = LogisticCode(rows, spec.key_bits, relayed=len(spec.platforms) > 1)
    code.check(key)
    return code


class _BankSide(LogisticParty):
    """What the bank's values of a row are."""

    def __init__(self, role: BankLogisticSteps, spec: LogisticSpec) -> None:
        super().__init__(spec, owners=1 + len(role.platforms))
        self._role = role
        self.residuals: Ints = np.zeros(0, dtype=np.int64)

    def make_shares(self, peer_columns: int) -> Shares:
        return self._role.make_shares(peer_columns)

    def make_own(self) -> OwnWeights:
        return self._role.make_own()

    def start(self) -> None:
        """The bank's own optimum; its slopes and residuals are its own knowledge."""
        s, y, v = self.shares, self._role.labels(), self._role.weights()
        columns, ridge = self._role.columns(), self.own.ridge / self.spec.weight_limit
        own = fit_logistic(columns, y, ridge, weights=v).coefficients
        whitened = s.design.whitened(own)
        s.weights[s.mine] = to_fixed(whitened)
        z = columns @ own
        residuals = v * (sigmoid(z) - y)
        s.slopes = np.rint(np.ldexp(v * sigmoid_slope(z), SLOPE_BITS)).astype(np.uint64)
        self.residuals = np.rint(np.ldexp(residuals * s.design.stretch, SLOPE_BITS + CURVE_BITS)).astype(np.int64)
        rows = np.ldexp(s.design.rows.astype(np.float64), -16)
        self._own_gradient = rows.T @ residuals / s.rows + s.design.ridge @ whitened

    def begin_round(self, what: What) -> None:
        if what is What.CURVATURE and self.from_own_model:
            self._rounds[what] = CurvatureRound(
                self.shares, self.shares.rows, peer_gives=False, residuals=self.residuals
            )
        else:
            super().begin_round(what)

    def finish_round(self, what: What) -> None:
        super().finish_round(what)
        if what is What.CURVATURE and self.from_own_model:
            s = self.shares
            s.gradient[s.mine] = (s.gradient[s.mine] + to_fixed(self._own_gradient)) % (1 << RING)

    def sigmoid_values(self, code: SeriesCode) -> Ints:
        y, v = self._role.labels(), self._role.weights()
        series = self._series(code, sigmoid)
        return self._values(code, series, v, v * (series.constant - y))

    def slope_values(self, code: SeriesCode, rows: int) -> Ints:
        v = self._role.weights()
        series = self._series(code, sigmoid_slope)
        return self._values(code, series, v, v * series.constant)[:rows]

    def _values(self, code: SeriesCode, series: FourierSeries, v: Floats, constant: Floats) -> Ints:
        turned = np.ldexp(series.rotated(phases(self.shares.angles)) * v[:, None], code.own_bits)
        # The constants of all rows are alike, so that plain rounding would err alike: a dither spreads it evenly.
        dither = np.mod(np.arange(len(v)) * _GOLDEN, 1.0) - 0.5
        last = np.ldexp(constant, code.own_bits) + dither
        values: Ints = np.rint(np.hstack([turned, last[:, None]])).astype(np.int64)
        return values

    def _series(self, code: SeriesCode, function: Callable[[Floats], Floats]) -> FourierSeries:
        """Fitted round the base-rate margin; its bounds are those that the slots were laid out for."""
        y, v = self._role.labels(), self._role.weights()
        rate = float(v @ y / v.sum())
        series = fit_series(
            function, code.terms, half_period=HALF_PERIOD, centre=float(np.log(rate / (1 - rate))), spread=_SPREAD,
            reach=MARGIN_REACH,
        )  # fmt: skip
        circle = series.at(np.linspace(-HALF_PERIOD, HALF_PERIOD, 4001))
        low = -1.0 if function is sigmoid else -2.0
        if series.largest >= 3 or not (low < circle.min() and circle.max() < 2):
            raise LocalProtocolError(
                "SERIES_BOUND",
                Text("the series of the sigmoid exceeds its declared bound", "S 型函数的级数超出声明的界"),
                cure=Text("this is a fault of the program: report it", "这是程序错误，请报告"),
            )
        return series


def phases(angles: npt.NDArray[np.uint64]) -> Floats:
    """Angles mod 2^64 in radians."""
    out: Floats = angles.astype(np.float64) * (2 * np.pi / 2.0**64)
    return out
