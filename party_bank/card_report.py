"""From a finished scorecard job to the bank's report."""

from __future__ import annotations

from dataclasses import replace

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
from vfl.report.model import Importance, OwnerImportance, ReportModel
from vfl.report.scorecard_model import ScorecardSection, StabilitySection
from vfl.report.scorecard_sections import Estimate, scorecard_section, stability_section
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
        stability=_stability(job),
        ledger=ledger_section(work.party, outcome.ledger, outcome.received),
        costs=costs_of(work, outcome),
        card=card_of(work, outcome, digest),
    )


def _section(job: BankCardJob) -> ScorecardSection:
    """Bins of all owners (others' anonymous), the bank's own estimates, correlations, points."""
    binning, work = job.binning, job.work
    kept = list(binning.screening.kept)
    weights, errors = job.logistic.coefficients, job.logistic.standard_errors
    if not len(errors):
        errors = np.full(len(weights), np.nan)
    told = iter([Estimate(*map(float, e)) for e in zip(weights, errors, p_values(weights, errors), strict=True)])
    intercept = next(told)
    vif = binning.screening.vif
    estimates = []
    for position, inflation in zip(kept, vif, strict=True):
        own = next(told) if binning.features[position].owner == work.party else Estimate()
        estimates.append(replace(own, vif=float(inflation)))
    return scorecard_section(
        job.card.card(), [binning.features[i] for i in kept], estimates, intercept,
        correlation=binning.correlation[np.ix_(kept, kept)],
    )  # fmt: skip


def _importance(job: BankCardJob) -> Importance:
    """Information value by owner."""
    features = [job.binning.features[i] for i in job.binning.screening.kept]
    owners = (job.work.party, *job.work.spec.platforms)
    totals = tuple(OwnerImportance(o, sum(f.merge.iv for f in features if f.owner == o)) for o in owners)
    return Importance("iv", totals, ())


def _stability(job: BankCardJob) -> StabilitySection:
    """Stability index of the score on the later splits against the training rows."""
    splits = zip(("train", "valid", "test"), job.work.parts, strict=True)
    scores = job.card.scores
    return stability_section("train", {name: scores[part] for name, part in splits if len(scores[part])})
