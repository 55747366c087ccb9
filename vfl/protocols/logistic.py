"""Logistic regression over owners, to the pooled optimum, while nobody sees a gradient, residual or margin.

Two parties compute on additive shares: the bank, which has labels and a key, and the platform, which has a key of its
own. Each multiplies what the other encrypted by plain numbers of its own, sums by bin, masks every bit and returns.

**A step** (full batch, Newton):

1. *Margins.* Each encrypts its share of the other's weights; the other adds, per row, what each of its bins
   contributes. Results are angles mod 2^64, on a circle of circumference 2L: wrapping round is the period itself.
2. *Sums.* σ(θ_B + θ_P) is a Fourier series with free phases, a sum of 2K products of a bank's value and a
   platform's value. One encrypts each of its 2K + 1 values for some twenty rows at once, a slot for each row; the
   other weighs these ciphertexts with its own values of one row after another: in the row's slot stands its
   d = σ − y, still encrypted. It adds rows by own bin **without any reply per row**, so shares of single residuals
   never exist. Both do so for their own columns.
3. *Gradient.* Bin sums, shared mod 2^S, are brought to the fixed-point ring and weighed by columns.
4. *Direction.* Inverse curvature times gradient, both shared.

Further platforms own columns and hold no share: :mod:`vfl.protocols.logistic_provider` adds their margins, sums and
blocks to the shares of the two.

**Curvature.** The bank starts from its own model, whose residuals it knows, and the platform sums them encrypted with
the columns' products: the first step costs one or two encryptions per row. It goes by the curvature's bound
H̄ = ¼XᵀX (Böhning and Lindsay 1988), inverted on shares by Newton-Schulz iterations. Later curvatures come from a
second series, for σ', as shares of each row's slope; their Newton directions are found by Chebyshev's semi-iteration
with the inverse of the bound, vectors times shared matrices (:mod:`vfl.protocols.logistic_inverse`). Both converge
unseen, since each owner works in columns whitened by its own ¼XᵀX: no scalar, step size or stopping value is opened,
and the number of steps is fixed in advance.

**Refits.** At the end of a pass each owner learns its own weights, and so how its own columns are pulled. Elastic net,
sign constraints and backward elimination are then its own affair (:mod:`vfl.protocols.logistic_weights`): it changes
its penalties and says so with one bit; the next pass starts from the weights that the owners know. The same start
serves a job that goes on from an earlier one's weights (warm start).

Sources: Mohassel and Zhang, "SecureML" (IEEE S&P 2017) for fixed point on shares; Huybrechs (SIAM J. Numer. Anal. 47,
2010) for Fourier extension; Pan and Schreiber (SIAM J. Sci. Stat. Comput. 12, 1991) for the scaled Newton-Schulz
iteration. Trust: semi-honest parties; keys, ciphertexts, counts and sizes are checked.

======  ===========================  ==============================  =============================================
line    message                      kind                            who learns what
======  ===========================  ==============================  =============================================
1       PlatformKeyOffer, BankKeyAck PUBLIC                          nothing
2       BankWidth, PlatformWidth     DISCLOSURE both ways            numbers of columns
3       BankEncrypted, PlatformE…    CIPHERTEXT both ways            nothing
4       PlatformMasked, BankMasked   MASKED both ways                nothing (uniform shares)
5       BankShare, PlatformShare     DISCLOSURE both ways            each its own weights and standard errors
6       PlatformRefit, RefitBegin    DISCLOSURE both ways            whether another pass is wanted
======  ===========================  ==============================  =============================================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from enum import StrEnum

from vfl.config.logistic import LogisticSpec
from vfl.protocols.logistic_inverse import inversion_intervals, solution_steps
from vfl.protocols.logistic_provider import (
    BankHub,
    PlatformHub,
    ProviderLogistic,
    Providers,
    meet_providers,
    provided_curvature,
    provided_gradient,
    provided_margins,
    provided_start,
    provided_sums,
    provided_variances,
    provided_weights,
    step_ended,
)
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
from vfl.runtime.choreography import Choreography, Handle

__all__ = ["BankLogistic", "PlatformLogistic", "What", "logistic_regression"]


class What(StrEnum):
    """What a round computes."""

    MARGINS = "margins"
    SUMS = "sums of residuals by bin"
    GRADIENT = "gradient"
    SLOPES = "slopes of rows"
    CURVATURE = "curvature"
    HESSIAN = "curvature as left factor"
    BOUNDED = "curvature below its bound as left factor"
    CURVED = "curvature times inverse"
    INVERSE = "inverse as left factor"
    IMPROVED = "improved inverse"
    MOVED = "gradient from curvature"
    DIRECTION = "newton direction"
    RESIDUAL = "gradient times inverse"
    BENT = "direction times curvature"
    CORRECTED = "direction times curvature times inverse"
    VARIANCE = "variances"


class BankLogistic(ABC):
    """The bank's part: labels, its own columns, the series, one share of everything."""

    @abstractmethod
    def key_ack(self, offer: PlatformKeyOffer) -> BankKeyAck:
        """Check the platform's key. Learns (platform): nothing."""

    @abstractmethod
    def width(self) -> BankWidth:
        """Number of own columns. Learns (platform): exactly that."""

    @abstractmethod
    def take_width(self, width: PlatformWidth) -> None:
        """Set up the shares."""

    @abstractmethod
    def start(self) -> None:
        """Fit the own model in clear: the first weights, slopes and residuals, all the bank's own knowledge."""

    @abstractmethod
    def begin(self, what: str) -> None:
        """Set up a round."""

    @abstractmethod
    def encrypted(self, what: str) -> Iterator[BankEncrypted]:
        """Own values under the own key. Learns (platform): nothing."""

    @abstractmethod
    def take_encrypted(self, chunk: PlatformEncrypted, what: str) -> None:
        """Compute with the platform's encrypted values."""

    @abstractmethod
    def masked(self, what: str) -> Iterator[BankMasked]:
        """The results, every bit masked. Learns (platform): uniform shares."""

    @abstractmethod
    def take_masked(self, chunk: PlatformMasked, what: str) -> None:
        """Decrypt own shares."""

    @abstractmethod
    def finish(self, what: str) -> None:
        """Turn what a round brought into new shares."""

    @abstractmethod
    def share(self) -> BankShare:
        """Own shares of the platform's final weights. Learns (platform): its weights and standard errors."""

    @abstractmethod
    def take_share(self, share: PlatformShare) -> None:
        """Own weights, intercept and standard errors."""

    @abstractmethod
    def take_refit(self, refit: PlatformRefit, platform: str) -> None:
        """Whether a platform wants another pass."""

    @abstractmethod
    def refit_begin(self) -> RefitBegin:
        """Whether any owner does. Learns (platform): exactly that."""

    @abstractmethod
    def restart(self) -> None:
        """Begin a pass from the own weights."""


class PlatformLogistic(ABC):
    """A platform's part: its columns, its key, the other share of everything. Never a label."""

    @abstractmethod
    def key_offer(self) -> PlatformKeyOffer:
        """A fresh public key and its proof. Learns (bank): nothing."""

    @abstractmethod
    def take_key_ack(self, ack: BankKeyAck) -> None: ...

    @abstractmethod
    def width(self) -> PlatformWidth:
        """Number of own columns. Learns (bank): exactly that."""

    @abstractmethod
    def take_width(self, width: BankWidth) -> None:
        """Set up the shares."""

    @abstractmethod
    def start(self) -> None:
        """Weights of zero."""

    @abstractmethod
    def begin(self, what: str) -> None:
        """Set up a round."""

    @abstractmethod
    def encrypted(self, what: str) -> Iterator[PlatformEncrypted]:
        """Own values under the own key. Learns (bank): nothing."""

    @abstractmethod
    def take_encrypted(self, chunk: BankEncrypted, what: str) -> None:
        """Compute with the bank's encrypted values."""

    @abstractmethod
    def masked(self, what: str) -> Iterator[PlatformMasked]:
        """The results, every bit masked. Learns (bank): uniform shares."""

    @abstractmethod
    def take_masked(self, chunk: BankMasked, what: str) -> None:
        """Decrypt own shares."""

    @abstractmethod
    def finish(self, what: str) -> None:
        """Turn what a round brought into new shares."""

    @abstractmethod
    def share(self) -> PlatformShare:
        """Own shares of the bank's final weights. Learns (bank): its weights, intercept and standard errors."""

    @abstractmethod
    def take_share(self, share: BankShare) -> None:
        """Own weights and standard errors."""

    @abstractmethod
    def refit(self) -> PlatformRefit:
        """Decide on own penalties. Learns (bank): whether they changed."""

    @abstractmethod
    def restart(self) -> None:
        """Begin a pass from the own weights."""


async def _encrypt(bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], what: What) -> None:
    """Both encrypt, both compute with what the other encrypted."""
    bank.do(BankLogistic.begin, what)
    platform.do(PlatformLogistic.begin, what)
    there = await bank.send(bank.stream(BankLogistic.encrypted, what), to=platform)
    back = await platform.send(platform.stream(PlatformLogistic.encrypted, what), to=bank)
    await platform.absorb(PlatformLogistic.take_encrypted, there, what)
    await bank.absorb(BankLogistic.take_encrypted, back, what)


async def _share(bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], what: What) -> None:
    """Both return their results masked: now both hold shares."""
    back = await platform.send(platform.stream(PlatformLogistic.masked, what), to=bank)
    there = await bank.send(bank.stream(BankLogistic.masked, what), to=platform)
    await bank.absorb(BankLogistic.take_masked, back, what)
    await platform.absorb(PlatformLogistic.take_masked, there, what)
    bank.do(BankLogistic.finish, what)
    platform.do(PlatformLogistic.finish, what)


async def _from_bank(bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], what: What) -> None:
    """The same where the bank alone has something to encrypt."""
    bank.do(BankLogistic.begin, what)
    platform.do(PlatformLogistic.begin, what)
    there = await bank.send(bank.stream(BankLogistic.encrypted, what), to=platform)
    await platform.absorb(PlatformLogistic.take_encrypted, there, what)
    back = await platform.send(platform.stream(PlatformLogistic.masked, what), to=bank)
    await bank.absorb(BankLogistic.take_masked, back, what)
    bank.do(BankLogistic.finish, what)
    platform.do(PlatformLogistic.finish, what)


async def _inverse(
    bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], owners: int, *, bounded: bool = False
) -> None:
    """Newton-Schulz on shares: X ← X (aI − HX) b; ``bounded``: from the inverse of the curvature's bound."""
    await _encrypt(bank, platform, What.BOUNDED if bounded else What.HESSIAN)
    for _ in inversion_intervals(owners, bounded=bounded):
        await _share(bank, platform, What.CURVED)
        await _encrypt(bank, platform, What.INVERSE)
        await _share(bank, platform, What.IMPROVED)
    await _encrypt(bank, platform, What.INVERSE)


async def _solution(bank: Handle[BankLogistic], platform: Handle[PlatformLogistic]) -> None:
    """Chebyshev on shares: the Newton direction from a curvature and the inverse of its bound."""
    await _share(bank, platform, What.RESIDUAL)
    for _ in solution_steps()[1:]:
        await _share(bank, platform, What.BENT)
        await _share(bank, platform, What.CORRECTED)


async def logistic_start(
    c: Choreography, bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], others: Providers, *,
    warm: bool,
) -> None:
    """The first Newton step, from the bank's own model; or the weights of an earlier job."""
    await meet_providers(others)
    offer = await platform.send(platform.do(PlatformLogistic.key_offer), to=bank)
    ack = await bank.send(bank.do(BankLogistic.key_ack, offer), to=platform)
    platform.do(PlatformLogistic.take_key_ack, ack)
    width = await bank.send(bank.do(BankLogistic.width), to=platform)
    platform.do(PlatformLogistic.take_width, width)
    theirs = await platform.send(platform.do(PlatformLogistic.width), to=bank)
    bank.do(BankLogistic.take_width, theirs)
    if warm:
        await _restart(bank, platform, others)
    else:
        await _from_own_model(bank, platform, others)
        await _share(bank, platform, What.DIRECTION)
        step_ended(others)


async def _from_own_model(
    bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], others: Providers
) -> None:
    """Gradient and inverse curvature at weights of the bank's own, whose slopes and residuals it knows."""
    bank.do(BankLogistic.start)
    platform.do(PlatformLogistic.start)
    await _from_bank(bank, platform, What.CURVATURE)
    await provided_curvature(others, known_to_bank=True)
    await _inverse(bank, platform, 2 + len(others.all))


async def linear_pass(
    c: Choreography, bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], others: Providers, *, steps: int
) -> None:
    """All steps of a linear regression: its curvature is constant, so rows are needed once."""
    await _from_own_model(bank, platform, others)
    for _ in range(steps):
        await _share(bank, platform, What.MOVED)
        await _share(bank, platform, What.DIRECTION)
        step_ended(others)


async def logistic_step(
    c: Choreography, bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], others: Providers, *,
    curvature: bool, bounded: bool,
) -> None:
    """One later Newton step; ``bounded``: the inverse at hand is that of the curvature's bound."""
    await _margins(bank, platform, others)
    if curvature:
        await _curvature(bank, platform, others)
        if bounded:
            await _encrypt(bank, platform, What.BOUNDED)
        else:
            await _inverse(bank, platform, 2 + len(others.all))
    await _encrypt(bank, platform, What.SUMS)
    await _share(bank, platform, What.SUMS)
    await provided_sums(others)
    await _encrypt(bank, platform, What.GRADIENT)
    await _share(bank, platform, What.GRADIENT)
    await provided_gradient(others)
    if bounded:
        await _solution(bank, platform)
    else:
        await _share(bank, platform, What.DIRECTION)
    step_ended(others)


async def _margins(bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], others: Providers) -> None:
    await _encrypt(bank, platform, What.MARGINS)
    await _share(bank, platform, What.MARGINS)
    await provided_margins(others)


async def _curvature(bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], others: Providers) -> None:
    await _from_bank(bank, platform, What.SLOPES)
    await _encrypt(bank, platform, What.CURVATURE)
    await _share(bank, platform, What.CURVATURE)
    await provided_curvature(others, known_to_bank=False)


async def logistic_end(
    c: Choreography, bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], others: Providers, *,
    standard_errors: bool, linear: bool, bounded: bool = False, anew: bool = False,
) -> None:
    """Each owner receives its own weights and, where wanted, standard errors.

    Their curvature is that of the last step; only ``anew``, after passes without them, the rows are looked at again.
    """
    if standard_errors:
        if anew and not linear:
            await _margins(bank, platform, others)
            await _curvature(bank, platform, others)
            await _inverse(bank, platform, 2 + len(others.all))
        elif bounded:
            await _inverse(bank, platform, 2 + len(others.all), bounded=True)
        await _encrypt(bank, platform, What.VARIANCE)
        await _share(bank, platform, What.VARIANCE)
        await provided_variances(others)
    there = await bank.send(bank.do(BankLogistic.share), to=platform)
    platform.do(PlatformLogistic.take_share, there)
    back = await platform.send(platform.do(PlatformLogistic.share), to=bank)
    bank.do(BankLogistic.take_share, back)
    await provided_weights(others)


async def logistic_refit(
    c: Choreography, bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], others: Providers
) -> RefitBegin:
    """Another pass, if any owner changed what it does with its own columns."""
    refit = await platform.send(platform.do(PlatformLogistic.refit), to=bank)
    bank.do(BankLogistic.take_refit, refit, platform.party)
    for provider in others.all:
        wish = await provider.send(provider.do(ProviderLogistic.refit), to=bank)
        bank.do(BankLogistic.take_refit, wish, provider.party)
    begin = await bank.announce(bank.do(BankLogistic.refit_begin), platform, *others.all)
    if begin.go_on.value:
        await _restart(bank, platform, others)
    return begin


async def _restart(bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], others: Providers) -> None:
    """Shares of weights that their owners know."""
    bank.do(BankLogistic.restart)
    platform.do(PlatformLogistic.restart)
    await provided_start(others)


async def logistic_regression(
    c: Choreography, bank: Handle[BankLogistic], platform: Handle[PlatformLogistic], spec: LogisticSpec,
    providers: Sequence[Handle[ProviderLogistic]] = (),
) -> None:
    """All passes; each step is a phase, so that a crash costs at most the step it falls into.

    ``providers`` are the platforms after the first, in the order of the job.
    """
    others = Providers(c.role(bank.party, BankHub), c.role(platform.party, PlatformHub), tuple(providers))
    owners = bank, platform, others
    warm, linear, chosen = bool(spec.warm_start), spec.family == "linear", spec.selection != "none"
    bounded = spec.bounded
    await c.phase("logistic-start", logistic_start, *owners, warm=warm or linear)
    if linear:
        await c.phase("logistic-steps", linear_pass, *owners, steps=spec.refit_steps)
    else:
        for step in range(0 if warm else 1, spec.steps):
            new = spec.new_curvature(step)
            solved = bounded and (new or spec.curvatures > 1)
            await c.phase(f"logistic-step-{step}", logistic_step, *owners, curvature=new, bounded=solved)
    errors = spec.errors_at_once
    await c.phase("logistic-end", logistic_end, *owners, standard_errors=errors, linear=linear, bounded=bounded)
    for refit in range(1, spec.passes):
        name = f"logistic-refit-{refit}"
        begin = await c.phase(name, logistic_refit, *owners)
        if not begin.go_on.value:
            break
        if linear:
            await c.phase(f"{name}-steps", linear_pass, *owners, steps=spec.refit_steps)
        else:
            for step in range(spec.refit_steps):
                new = step == 0 or (chosen and step == spec.refit_steps - 1)
                await c.phase(f"{name}-step-{step}", logistic_step, *owners, curvature=new, bounded=False)
        await c.phase(f"{name}-end", logistic_end, *owners, standard_errors=chosen, linear=linear)
    if spec.standard_errors and not spec.errors_at_once:
        await c.phase("logistic-errors", logistic_end, *owners, standard_errors=True, linear=linear, anew=True)
