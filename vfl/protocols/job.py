"""A whole job as one choreography: keys, alignment, model, evaluation."""

from __future__ import annotations

from vfl.config.job import JobSpec
from vfl.protocols.alignment import BankAlignment, PlatformAlignment, alignment
from vfl.protocols.boosting import BankTrees, PlatformTrees, boosted_trees
from vfl.protocols.evaluation import BankEvaluation, PlatformEvaluation, evaluation
from vfl.protocols.keys import KeyChecker, KeyHolderRole, key_exchange
from vfl.protocols.scoring import BankScoring, PlatformScoring, scoring
from vfl.runtime.choreography import Choreography

__all__ = ["run_choreography", "scoring_job", "trees_job"]


async def run_choreography(c: Choreography, spec: JobSpec) -> None:
    """The choreography that the job's text asks for."""
    await (scoring_job(c, spec) if spec.score_model else trees_job(c, spec))


async def scoring_job(c: Choreography, spec: JobSpec) -> None:
    """Score a batch with the model of an earlier job."""
    platforms = [c.role(p, PlatformScoring) for p in spec.platforms]
    await c.phase("scoring", scoring, c.role(spec.bank, BankScoring), platforms)


async def trees_job(c: Choreography, spec: JobSpec) -> None:
    """Boosted trees of one bank and its platforms."""
    await c.phase(
        "keys", key_exchange, c.role(spec.bank, KeyHolderRole), [c.role(p, KeyChecker) for p in spec.platforms]
    )
    await c.phase(
        "alignment", alignment, c.role(spec.bank, BankAlignment), [c.role(p, PlatformAlignment) for p in spec.platforms]
    )
    await boosted_trees(
        c, c.role(spec.bank, BankTrees), [c.role(p, PlatformTrees) for p in spec.platforms], trees=spec.trees.trees
    )
    await c.phase(
        "evaluation",
        evaluation,
        c.role(spec.bank, BankEvaluation),
        [c.role(p, PlatformEvaluation) for p in spec.platforms],
    )
