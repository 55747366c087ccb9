"""The bank's side of logistic regression: labels, series, own columns, one share of everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from party_bank.steps.logistic_side import BankSide, Labelled
from party_bank.steps.workspace import BankWorkspace
from vfl.config.job import JobSpec
from vfl.config.logistic import LogisticSpec
from vfl.core.links import link_of
from vfl.crypto import keyproof
from vfl.crypto.keyproof import KeyRegistry
from vfl.crypto.paillier import AdditiveHE, KeyPurpose, PublicKey
from vfl.errors import DataError, Text
from vfl.protocols.logistic import BankLogistic, What
from vfl.protocols.logistic_code import (
    LogisticCode,
)
from vfl.protocols.logistic_design import OwnDesign
from vfl.protocols.logistic_party import LogisticParty
from vfl.protocols.logistic_shares import Shares, replying
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


class BankLogisticSteps(BankLogistic, Labelled):
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
    target : callable, optional
        Targets of all aligned rows of a linear or Poisson regression; by default the labels.
    """

    def __init__(
        self, work: BankWorkspace, spec: LogisticSpec, columns: Callable[[], Floats], registry: KeyRegistry, *,
        weights: Callable[[], Floats] | None = None, start: Callable[[], Floats] | None = None,
        target: Callable[[], Floats] | None = None,
    ) -> None:
        self._work, self._spec, self._registry = work, spec, registry
        self._columns, self._weights, self._start, self._target = columns, weights, start, target
        self._side = BankSide(self, spec, owners=1 + len(work.spec.platforms))
        self._peer: PublicKey | None = None
        self._replying: AdditiveHE | None = None
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
        self._peer = key
        return key

    def width(self) -> BankWidth:
        return BankWidth(disclose(self.columns().shape[1], reason="joint vectors have an agreed length"))

    def take_width(self, width: PlatformWidth) -> None:
        self._side.adopt(width.columns.value)

    # --- own data ---------------------------------------------------------------------------------------------

    @property
    def train(self) -> slice:
        return self._work.parts[0]

    def columns(self) -> Floats:
        """Training columns, the intercept first."""
        own = self._columns()[self.train]
        return np.hstack([np.ones((len(own), 1)), own])

    def labels(self) -> Floats:
        """Of the training rows, within what the family and its limit allow."""
        if self._target is not None:
            return self._checked(self._target()[self.train])
        out: Floats = self._work.labels()[self.train].astype(np.float64)
        if not 0 < out.sum() < len(out):
            raise DataError(
                "LOGISTIC_ONE_CLASS",
                Text("the training rows hold one class only", "训练样本只含一个类别"),
                cure=Text("use a sample with events and non-events", "请使用同时包含事件与非事件的样本"),
            )
        return out

    def _checked(self, y: Floats) -> Floats:
        link = link_of(self._spec.family, self._spec.target_limit)
        if not (np.isfinite(y).all() and link.allows(y) and y.any()):
            raise DataError(
                "LOGISTIC_TARGET",
                Text("a target is not finite or beyond target_limit, or all are zero",
                     "存在非有限或超过 target_limit 的目标值，或目标值全为零"),
                cure=Text("mend the targets or raise target_limit", "请修正目标值，或提高 target_limit"),
            )
        return y

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
        columns, own, limit = self.columns(), self._side.own, self._spec.loss_scale
        rows, count = columns.shape
        if self._replying is None:
            self._replying = replying(self._peer, self._work.seed, rows=rows, columns=count + peer_columns)
        return Shares(
            first=True, seed=self._work.seed, code=_code(rows, self._work.spec, self._peer),
            design=OwnDesign(columns, own.ridge / limit, rows, own.linear / limit), own=self._work.he,
            peer=self._replying, peer_columns=peer_columns,
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
        scale = len(self.labels()) * self._spec.loss_scale
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
        return {"logistic-key": self._peer.to_bytes(), "logistic": self._side.dump_shares()}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "logistic-key" in parts:
            self._accept(parts["logistic-key"])
            self._side.restore_shares(parts["logistic"])


def _code(rows: int, spec: JobSpec, key: PublicKey) -> LogisticCode:
    code = LogisticCode(rows, spec.key_bits, relayed=len(spec.platforms) > 1)
    code.check(key)
    return code
