"""A further platform's side of logistic regression: its columns; no key, no share, no label."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from party_platform.steps.workspace import PlatformWorkspace
from vfl.config.logistic import LogisticSpec
from vfl.crypto import keyproof
from vfl.crypto.keyproof import KeyRegistry
from vfl.crypto.paillier import AdditiveHE, KeyPurpose, PublicKey, SealedCiphertexts
from vfl.crypto.shares import RING, Ring, ring_from_bytes, to_floats
from vfl.protocols.logistic_code import LogisticCode
from vfl.protocols.logistic_design import OwnDesign
from vfl.protocols.logistic_matrix import open_variances
from vfl.protocols.logistic_progress import Progress
from vfl.protocols.logistic_provider import Ask, ProviderLogistic
from vfl.protocols.logistic_provider_rounds import (
    Answer,
    Columns,
    CurvatureAnswer,
    GradientAnswer,
    Key,
    MarginAnswer,
    StartAnswer,
    SumAnswer,
    VarianceAnswer,
)
from vfl.protocols.logistic_shares import replying, wrong_count
from vfl.protocols.logistic_weights import OwnWeights
from vfl.protocols.messages.logistic import (
    BankEncrypted,
    BankRelay,
    BankShare,
    BankWidth,
    PlatformEncrypted,
    PlatformKeyOffer,
    PlatformMasked,
    PlatformRefit,
    PlatformRelay,
    PlatformShare,
    PlatformWidth,
)
from vfl.runtime.state import freeze, thaw
from vfl.runtime.workspace import too_early
from vfl.wire.carriers import disclose

__all__ = ["ProviderLogisticSteps"]

Floats = npt.NDArray[np.float64]


class ProviderLogisticSteps(ProviderLogistic):
    """Computes on what the bank and the first platform encrypt.

    Parameters
    ----------
    columns : callable
        The platform's coded columns (woe) of all aligned rows in the common order, shape (rows, features).
    registry : KeyRegistry
        Keys this party has seen in other jobs.
    start : callable, optional
        Weights of an earlier model, where ``spec.warm_start`` names one.
    """

    def __init__(
        self, work: PlatformWorkspace, spec: LogisticSpec, columns: Callable[[], Floats], registry: KeyRegistry, *,
        start: Callable[[], Floats] | None = None,
    ) -> None:
        self._work, self._spec, self._columns, self._registry = work, spec, columns, registry
        self._start = start
        self._side = _ProviderSide(self, spec)
        self._first: PublicKey | None = None
        self._replying: dict[Key, AdditiveHE] = {}
        self._widths: dict[str, int] = {}
        self._clock = 0
        self._own: Columns | None = None
        self._answer: Answer | None = None
        self._bank_share: Ring | None = None

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

    @property
    def started(self) -> bool:
        """Whether the first platform's key has come."""
        return self._first is not None

    def wipe(self) -> None:
        """A provider has no secret key."""

    # --- keys and sizes ---------------------------------------------------------------------------------------

    def take_key(self, offer: PlatformKeyOffer) -> None:
        key = self._accept(offer.modulus.value)
        first = self._work.spec.platforms[0]
        keyproof.verify(key, offer.proof.value, job=self._work.job.encode(), party=first)
        self._registry.admit(key)

    def _accept(self, modulus: bytes) -> PublicKey:
        spec = self._work.spec
        purpose = KeyPurpose.of_job(test_keys=spec.test_keys, plaintext=spec.plaintext)
        key = PublicKey.received(modulus, bits=spec.key_bits, purpose=purpose)
        self._work.keys[key.key_id] = key
        self._first = key
        return key

    def width(self) -> PlatformWidth:
        return PlatformWidth(disclose(self.columns().shape[1], reason="joint vectors have an agreed length"))

    def take_bank_width(self, width: BankWidth) -> None:
        self._widths[self._work.spec.bank] = width.columns.value

    def take_width(self, width: PlatformWidth, platform: str) -> None:
        self._widths[platform] = width.columns.value

    def columns(self) -> Floats:
        """Training columns."""
        return self._columns()[self._work.parts[0]]

    @property
    def own(self) -> Columns:
        if self._own is None:
            self._own = self._made()
        return self._own

    def _made(self) -> Columns:
        if self._first is None:
            raise too_early("first platform's key")
        columns, own, limit = self.columns(), self._side.own, self._spec.loss_scale
        rows = len(columns)
        code = LogisticCode(rows, self._work.spec.key_bits, relayed=True)
        public = {Key.BANK: self._work.he.public, Key.PLATFORM: self._first}
        for key in public.values():
            code.check(key)
        if not self._replying:
            count = columns.shape[1] + sum(self._widths.values())
            self._replying = {
                name: replying(key, self._work.seed, rows=rows, columns=count) for name, key in public.items()
            }
        owners = (self._work.spec.bank, *self._work.spec.platforms)
        return Columns(
            seed=self._work.seed, progress=self._side, code=code,
            design=OwnDesign(columns, own.ridge / limit, rows, own.linear / limit),
            keys=self._replying,
            widths={owner: self._widths[owner] for owner in owners if owner in self._widths},
            clock=self._clock,
        )  # fmt: skip

    def make_own(self) -> OwnWeights:
        """Penalties of the own columns, and where they start."""
        return OwnWeights(self._spec, self.columns(), start=None if self._start is None else self._start())

    # --- rounds -----------------------------------------------------------------------------------------------

    def begin(self, ask: str) -> None:
        made: dict[Ask, Callable[[], Answer]] = {
            Ask.START: lambda: StartAnswer(self.own),
            Ask.MARGINS: lambda: MarginAnswer(self.own),
            Ask.SUMS: lambda: SumAnswer(self.own),
            Ask.GRADIENT: lambda: GradientAnswer(self.own),
            Ask.CURVATURE: lambda: CurvatureAnswer(self.own, self._work.spec.bank),
            Ask.VARIANCES: lambda: VarianceAnswer(self.own),
        }
        self._answer = made[Ask(ask)]()

    @property
    def _round(self) -> Answer:
        if self._answer is None:
            raise too_early("round")
        return self._answer

    def take_bank(self, chunk: BankEncrypted) -> None:
        self._round.take(Key.BANK, chunk.values)

    def take_platform(self, chunk: PlatformEncrypted) -> None:
        self._round.take(Key.PLATFORM, chunk.values)

    def take_bank_relay(self, chunk: BankRelay) -> None:
        self._take_relay(self._work.spec.bank, chunk.under_bank, chunk.under_platform)

    def take_relay(self, chunk: PlatformRelay, platform: str) -> None:
        self._take_relay(platform, chunk.under_bank, chunk.under_platform)

    def _take_relay(self, owner: str, bank: SealedCiphertexts, platform: SealedCiphertexts) -> None:
        self._round.take_relay(owner, {Key.BANK: bank, Key.PLATFORM: platform})

    def relay(self) -> Iterator[PlatformRelay]:
        if not isinstance(self._round, CurvatureAnswer):
            raise too_early("curvature")
        for bank, platform in self._round.relay():
            yield PlatformRelay(under_bank=bank, under_platform=platform)

    def masked_for_bank(self) -> Iterator[PlatformMasked]:
        for masked in self._round.masked(Key.BANK):
            yield PlatformMasked(masked)

    def masked_for_platform(self) -> Iterator[PlatformMasked]:
        for masked in self._round.masked(Key.PLATFORM):
            yield PlatformMasked(masked)

    def step_ended(self) -> None:
        self._side.step_ended()

    def refit(self) -> PlatformRefit:
        changed = self._side.own.replan()
        return PlatformRefit(disclose(changed, reason="all owners train another pass or none does"))

    def restart(self) -> None:
        self._clock = self.own.clock
        self._own = None
        self._side.begin_pass()

    # --- opening ----------------------------------------------------------------------------------------------

    def take_bank_share(self, share: BankShare) -> None:
        self._bank_share = self._ring(share.share.value)

    def take_platform_share(self, share: PlatformShare) -> None:
        if self._bank_share is None:
            raise too_early("bank's share")
        own, count = self.own, self.own.design.columns
        opened = (self._bank_share + self._ring(share.share.value)) % (1 << RING)
        weights = own.design.weights(to_floats(opened[:count]))
        self._side.learn(weights, open_variances(opened[count:]), own.rows * self._spec.loss_scale)

    def _ring(self, share: bytes) -> Ring:
        """Weights, and variances where they were made."""
        words, rest = divmod(len(share), self.own.design.columns * RING // 8)
        if rest or words not in (1, 2):
            raise wrong_count()
        return ring_from_bytes(np.frombuffer(share, dtype=np.uint8).reshape(-1, RING // 8))

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
        if self._first is None:
            return {}
        facts = {"widths": self._widths, "clock": self.own.clock}
        return {"logistic-key": self._first.to_bytes(), "logistic": self._side.dump(facts)}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "logistic-key" in parts:
            self._accept(parts["logistic-key"])
            facts = self._side.restore(parts["logistic"])
            self._widths, self._clock = facts["widths"], facts["clock"]


class _ProviderSide(Progress):
    """The provider's passes, and what it learned of its own weights in them."""

    def __init__(self, role: ProviderLogisticSteps, spec: LogisticSpec) -> None:
        super().__init__(spec)
        self._role = role

    @property
    def started(self) -> bool:
        return self._role.started

    def make_own(self) -> OwnWeights:
        return self._role.make_own()

    def dump(self, facts: dict[str, Any]) -> bytes:
        return freeze(self.own.state(), facts | {"step": self._step, "opened": self._opened})

    def restore(self, raw: bytes) -> dict[str, Any]:
        arrays, facts = thaw(raw)
        self._restored = {"arrays": arrays}
        self._step, self._opened = facts["step"], facts["opened"]
        return facts
