"""A whole job as one choreography: keys, alignment, model, evaluation."""

from __future__ import annotations

from vfl.config.job import JobSpec
from vfl.protocols.alignment import BankAlignment, PlatformAlignment, alignment
from vfl.protocols.binning import BankBinning, PlatformBinning, binning, screening
from vfl.protocols.boosting import BankTrees, PlatformTrees, boosted_trees
from vfl.protocols.card_scoring import BankCardScoring, PlatformCardScoring, card_scoring
from vfl.protocols.evaluation import BankEvaluation, PlatformEvaluation, evaluation
from vfl.protocols.keys import KeyChecker, KeyHolderRole, key_exchange
from vfl.protocols.logistic import BankLogistic, PlatformLogistic, logistic_regression
from vfl.protocols.logistic_provider import ProviderLogistic
from vfl.protocols.periods import BankPeriods, PlatformPeriods, periods
from vfl.protocols.scorecard import BankCard, PlatformCard, scorecard
from vfl.protocols.scoring import BankScoring, PlatformScoring, scoring
from vfl.runtime.choreography import Choreography

__all__ = ["card_scoring_job", "joint_regression", "run_choreography", "scorecard_job", "scoring_job", "trees_job"]


async def run_choreography(c: Choreography, spec: JobSpec) -> None:
    """The choreography that the job's text asks for."""
    card = spec.model == "scorecard"
    if spec.score_model:
        await (card_scoring_job if card else scoring_job)(c, spec)
    else:
        await (scorecard_job if card else trees_job)(c, spec)


async def scoring_job(c: Choreography, spec: JobSpec) -> None:
    """Score a batch with the trees of an earlier job."""
    platforms = [c.role(p, PlatformScoring) for p in spec.platforms]
    await c.phase("scoring", scoring, c.role(spec.bank, BankScoring), platforms)


async def card_scoring_job(c: Choreography, spec: JobSpec) -> None:
    """Score a batch with the scorecard of an earlier job."""
    platforms = [c.role(p, PlatformCardScoring) for p in spec.platforms]
    await c.phase("scoring", card_scoring, c.role(spec.bank, BankCardScoring), platforms)


async def scorecard_job(c: Choreography, spec: JobSpec) -> None:
    """A scorecard: bins, selection, logistic regression at the pooled optimum, points."""
    bank, platforms = spec.bank, spec.platforms
    await c.phase("keys", key_exchange, c.role(bank, KeyHolderRole), [c.role(p, KeyChecker) for p in platforms])
    await c.phase(
        "alignment", alignment, c.role(bank, BankAlignment), [c.role(p, PlatformAlignment) for p in platforms]
    )
    await _periods(c, spec)
    cutters = c.role(bank, BankBinning), [c.role(p, PlatformBinning) for p in platforms]
    await c.phase("binning", binning, *cutters)
    await c.phase("screening", screening, *cutters)
    await joint_regression(c, spec)
    await c.phase("scorecard", scorecard, c.role(bank, BankCard), [c.role(p, PlatformCard) for p in platforms])
    await c.phase(
        "evaluation", evaluation, c.role(bank, BankEvaluation), [c.role(p, PlatformEvaluation) for p in platforms]
    )


async def _periods(c: Choreography, spec: JobSpec) -> None:
    """Where the contract holds rows out of time or takes features by month."""
    if spec.periods:
        platforms = [c.role(p, PlatformPeriods) for p in spec.platforms]
        await c.phase("periods", periods, c.role(spec.bank, BankPeriods), platforms)


async def joint_regression(c: Choreography, spec: JobSpec) -> None:
    """Logistic regression; the first platform computes with the bank, the others provide columns."""
    first, *others = spec.platforms
    await logistic_regression(
        c, c.role(spec.bank, BankLogistic), c.role(first, PlatformLogistic), spec.logistic,
        [c.role(p, ProviderLogistic) for p in others],
    )  # fmt: skip


async def trees_job(c: Choreography, spec: JobSpec) -> None:
    """Boosted trees of one bank and its platforms."""
    await c.phase(
        "keys", key_exchange, c.role(spec.bank, KeyHolderRole), [c.role(p, KeyChecker) for p in spec.platforms]
    )
    await c.phase(
        "alignment", alignment, c.role(spec.bank, BankAlignment), [c.role(p, PlatformAlignment) for p in spec.platforms]
    )
    await _periods(c, spec)
    await boosted_trees(
        c, c.role(spec.bank, BankTrees), [c.role(p, PlatformTrees) for p in spec.platforms], trees=spec.trees.trees
    )
    await c.phase(
        "evaluation",
        evaluation,
        c.role(spec.bank, BankEvaluation),
        [c.role(p, PlatformEvaluation) for p in spec.platforms],
    )
