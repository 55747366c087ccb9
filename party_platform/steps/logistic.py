"""A platform's side of logistic regression: its columns, its key, the other share of everything. Never a label."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from party_platform.steps.workspace import PlatformWorkspace
from vfl.config.logistic import LogisticSpec
from vfl.core.logistic import FourierSeries
from vfl.crypto import keyproof
from vfl.crypto.paillier import AdditiveHE, KeyHolder, KeyPurpose, PrivateKey
from vfl.errors import KeyMismatch, Text
from vfl.protocols.logistic import PlatformLogistic, What
from vfl.protocols.logistic_code import LogisticCode, SeriesCode, SlopeCode
from vfl.protocols.logistic_curvature import CurvatureRound
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
)
from vfl.wire.carriers import disclose, public

__all__ = ["PlatformLogisticSteps"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class PlatformLogisticSteps(PlatformLogistic):
    """Holds no intercept.

    Parameters
    ----------
    columns : callable
        The platform's coded columns (woe) of all aligned rows in the common order, shape (rows, features).
    exported : bytes
        The platform's secret key of this job, as :meth:`fresh` made it, from the sealed journal.
    start : callable, optional
        Weights of an earlier model, where ``spec.warm_start`` names one.
    """

    def __init__(
        self, work: PlatformWorkspace, spec: LogisticSpec, columns: Callable[[], Floats], exported: bytes, *,
        start: Callable[[], Floats] | None = None,
    ) -> None:
        self._work, self._spec, self._columns, self._start = work, spec, columns, start
        self._private = PrivateKey.restore(exported)
        self._holder = KeyHolder(self._private)
        work.keys[self._private.public.key_id] = self._private.public
        self._side = _PlatformSide(self, spec)
        self._replying: AdditiveHE | None = None

    @property
    def coefficients(self) -> Floats:
        """One per own feature; log-odds of the event. Empty before the first pass has ended."""
        return self._side.coefficients

    @property
    def standard_errors(self) -> Floats:
        """Of :attr:`coefficients`; NaN for columns held at zero, empty where none were made."""
        return self._side.standard_errors

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why each own feature is held at zero (``sign``, ``penalty``, ``selection``), or empty."""
        return self._side.own.reasons

    @staticmethod
    def fresh(bits: int, *, test_keys: bool, plaintext: bool = False) -> bytes:
        """A fresh secret key, exported for the sealed journal."""
        purpose = KeyPurpose.of_job(test_keys=test_keys, plaintext=plaintext)
        return PrivateKey.generate(bits, purpose=purpose).export()

    def wipe(self) -> None:
        """Forget the platform's own secret key."""
        self._holder.wipe()

    @property
    def side(self) -> LogisticParty:
        """The platform's shares and rounds."""
        return self._side

    @property
    def platforms(self) -> tuple[str, ...]:
        """All platforms of the job, this one first."""
        return self._work.spec.platforms

    # --- keys and sizes ---------------------------------------------------------------------------------------

    def key_offer(self) -> PlatformKeyOffer:
        proof = keyproof.prove(self._private, job=self._work.job.encode(), party=self._work.party)
        return PlatformKeyOffer(public(self._private.public.to_bytes()), public(proof))

    def take_key_ack(self, ack: BankKeyAck) -> None:
        if ack.key_id.value != self._private.public.key_id:
            raise KeyMismatch(
                "KEY_ACK_OTHER",
                Text(en="the bank acknowledged another key", zh="银行确认的不是本次任务的公钥"),
                cure=Text(en="stop the job; someone changed the key on its way", zh="请中止任务：公钥在途中被替换"),
            )

    def width(self) -> PlatformWidth:
        return PlatformWidth(disclose(self.columns().shape[1], reason="joint vectors have an agreed length"))

    def take_width(self, width: BankWidth) -> None:
        self._side.adopt(width.columns.value)

    def columns(self) -> Floats:
        """Training columns."""
        return self._columns()[self._work.parts[0]]

    def make_shares(self, peer_columns: int) -> Shares:
        columns, own, limit = self.columns(), self._side.own, self._spec.loss_scale
        rows, count = columns.shape
        if self._replying is None:
            self._replying = replying(self._work.he.public, self._work.seed, rows=rows, columns=count + peer_columns)
        code = LogisticCode(rows, self._work.spec.key_bits, relayed=len(self.platforms) > 1)
        code.check(self._private.public)
        design = OwnDesign(columns, own.ridge / limit, rows, own.linear / limit)
        return Shares(
            first=False, seed=self._work.seed, code=code, design=design, own=self._holder, peer=self._replying,
            peer_columns=peer_columns,
        )  # fmt: skip

    def make_own(self) -> OwnWeights:
        """Penalties of the own columns, and where they start."""
        return OwnWeights(self._spec, self.columns(), start=None if self._start is None else self._start())

    # --- rounds -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Shares start at zero, or at the own weights of the last pass; nothing to do but to have them."""

    def begin(self, what: str) -> None:
        self._side.begin_round(What(what))

    def encrypted(self, what: str) -> Iterator[PlatformEncrypted]:
        for sealed in self._side.encrypted_values(What(what)):
            yield PlatformEncrypted(sealed)

    def take_encrypted(self, chunk: BankEncrypted, what: str) -> None:
        self._side.take_encrypted_values(chunk.values, What(what))

    def masked(self, what: str) -> Iterator[PlatformMasked]:
        for masked in self._side.masked_values(What(what)):
            yield PlatformMasked(masked)

    def take_masked(self, chunk: BankMasked, what: str) -> None:
        self._side.take_masked_values(chunk.values, What(what))

    def finish(self, what: str) -> None:
        self._side.finish_round(What(what))

    def share(self) -> PlatformShare:
        return PlatformShare(disclose(self._side.share_of_theirs(), reason="the bank's own weights"))

    def take_share(self, share: BankShare) -> None:
        scale = self._side.shares.rows * self._spec.loss_scale
        self._side.open_mine(share.share.value, scale)

    def refit(self) -> PlatformRefit:
        changed = self._side.own.replan()
        return PlatformRefit(disclose(changed, reason="all owners train another pass or none does"))

    def restart(self) -> None:
        self._side.restart()

    # --- model and state --------------------------------------------------------------------------------------

    def model_part(self) -> dict[str, Any]:
        """This platform's part of the model, JSON-safe: weights in the order of its columns."""
        return {
            "party": self._work.party,
            "job": self._work.job,
            "weights": self.coefficients.tolist(),
            "held": list(self.reasons),
        } | self._side.tests()

    def dump(self) -> dict[str, bytes]:
        return {"logistic": self._side.dump_shares()} if self._side.started else {}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "logistic" in parts:
            self._side.restore_shares(parts["logistic"])


class _PlatformSide(LogisticParty):
    """What the platform's values of a row are: cosines and sines of its own angle share."""

    def __init__(self, role: PlatformLogisticSteps, spec: LogisticSpec) -> None:
        super().__init__(spec, owners=1 + len(role.platforms))
        self._role = role

    def make_shares(self, peer_columns: int) -> Shares:
        return self._role.make_shares(peer_columns)

    def make_own(self) -> OwnWeights:
        return self._role.make_own()

    def begin_round(self, what: What) -> None:
        if what is What.CURVATURE and self.from_own_model:
            self._rounds[what] = CurvatureRound(
                self.shares, self.shares.rows, gives=False, peer_residuals=True, bound=self.starts_bounded
            )
        else:
            super().begin_round(what)

    def sigmoid_values(self, code: SeriesCode) -> Ints:
        return self._turns(code, self.shares.rows)

    def slope_values(self, code: SlopeCode, rows: int) -> Ints:
        return self._turns(code, rows)

    def _turns(self, code: SeriesCode | SlopeCode, rows: int) -> Ints:
        angles = self.shares.angles[:rows].astype(np.float64) * (2 * np.pi / 2.0**64)
        values = np.hstack([FourierSeries.turns(angles, code.terms), np.ones((rows, 1))])
        out: Ints = np.rint(values * code.turn_one).astype(np.int64)
        return out
