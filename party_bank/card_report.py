"""From a finished scorecard job to the bank's report."""

from __future__ import annotations

import numpy as np

from party_bank.card_job import BankCardJob
from party_bank.reporting import (
    bands_of_scores,
    card_of,
    costs_of,
    header_of,
    performance_of_scores,
    sample_of,
)
from vfl.core.logistic import p_values
from vfl.report.binning_tables import correlation_table, joint_tables
from vfl.report.measure import stability_of
from vfl.report.model import Importance, OwnerImportance, ReportModel
from vfl.report.scorecard_model import (
    Coefficient,
    Feature,
    ReasonCode,
    Scaling,
    ScorecardSection,
    StabilitySection,
)
from vfl.service.side import Outcome
from vfl.service.statement import ledger_section

__all__ = ["card_report_of"]


def card_report_of(job: BankCardJob, outcome: Outcome, digest: str) -> ReportModel:
    """The report model of a finished scorecard job."""
    work, test = job.work, job.evaluation.scores()
    scores = job.card.scores.astype(np.float64)
    probability = job.card.card().probability(scores)
    return ReportModel(
        header=header_of(work, outcome, "scorecard"),
        sample=sample_of(work),
        performance=performance_of_scores(work, probability, test),
        bands=bands_of_scores(scores[work.parts[2]], test),
        importance=_importance(job),
        scorecard=_section(job),
        stability=_stability(job, scores),
        ledger=ledger_section(work.party, outcome.ledger, outcome.received),
        costs=costs_of(work, outcome),
        card=card_of(work, outcome, digest),
    )


def _section(job: BankCardJob) -> ScorecardSection:
    """Bins of all owners (others' anonymous), the bank's own coefficients, correlations, points."""
    binning, work = job.binning, job.work
    kept = list(binning.screening.kept)
    own = [i for i in kept if binning.features[i].owner == work.party]
    estimates, errors = job.logistic.coefficients, job.logistic.standard_errors
    if not len(errors):
        errors = np.full(len(estimates), np.nan)
    p = p_values(estimates, errors)
    vif = dict(zip(kept, binning.screening.vif, strict=False))
    coefficients = [Coefficient(None, float(estimates[0]), float(errors[0]), float(p[0]))]
    for place, position in enumerate(own, 1):
        feature = binning.features[position]
        head = Feature(feature.owner, feature.index + 1, feature.name)
        coefficients.append(
            Coefficient(
                head, float(estimates[place]), float(errors[place]), float(p[place]),
                float(vif.get(position, float("nan"))),
            )
        )  # fmt: skip
    card, terms = job.card.card(), work.spec.scaling
    return ScorecardSection(
        tables=joint_tables(binning.features, kept, binning.own_features()),
        coefficients=tuple(coefficients),
        correlation=correlation_table(binning.features, kept, binning.correlation),
        scaling=Scaling(terms.base_points, terms.base_odds, terms.pdo, float(card.start)),
        reasons=tuple(ReasonCode(f.reason.code, f.owner, f.reason.text) for f in card.known),
    )


def _importance(job: BankCardJob) -> Importance:
    """Information value by owner."""
    features = [job.binning.features[i] for i in job.binning.screening.kept]
    owners = (job.work.party, *job.work.spec.platforms)
    totals = tuple(OwnerImportance(o, sum(f.merge.iv for f in features if f.owner == o)) for o in owners)
    return Importance("iv", totals, ())


def _stability(job: BankCardJob, scores: np.ndarray) -> StabilitySection:
    """Stability index of the score on the later splits against the training rows."""
    train, valid, test = job.work.parts
    later = {n: scores[p] for n, p in (("valid", valid), ("test", test)) if len(scores[p])}
    return StabilitySection("train", stability_of(scores[train], later))
