"""From a finished scorecard job to the bank's report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from party_bank.card_job import BankCardJob
from party_bank.lending import SEED, Lending, parts_of, periods_of_sample
from party_bank.reporting import (
    alone_on_test,
    bands_of_scores,
    card_of,
    observation_window,
    performance_of_scores,
    sample_of,
)
from party_bank.steps.evaluation import Scores
from vfl.config.report_terms import ReportTerms
from vfl.core.logistic import p_values
from vfl.errors import Text
from vfl.protocols.selection_steps import SelectionStep
from vfl.report.contribution import category_shares, own_category, owner_category
from vfl.report.model import CategoryImportance, FeatureImportance, Importance, OwnerImportance, ReportModel
from vfl.report.scorecard_model import Feature, Removed, ScorecardSection, StabilitySection
from vfl.report.scorecard_sections import Estimate, by_period, scorecard_section, stability_section
from vfl.service.report_parts import costs_of, header_of
from vfl.service.side import Outcome
from vfl.service.statement import ledger_section

__all__ = ["bank_alone", "card_report_of"]

Rows = npt.NDArray[np.intp]

_HELD = {
    "sign": Text("held at weight 0: its weight had the wrong sign", "系数固定为 0：符号与预期相反"),
    "penalty": Text("held at weight 0 by the elastic net's penalty", "系数被弹性网惩罚压缩为 0"),
    "selection": Text("held at weight 0 by elimination: its weight told too little", "逐步剔除：系数不显著，固定为 0"),
}
"""By the regression's reasons; such a feature keeps its bins and adds no points."""

_LEAST_ROWS = 50
"""Of a period, for a stability index that says something."""


def card_report_of(
    job: BankCardJob, outcome: Outcome, digest: str, terms: ReportTerms | None = None
) -> ReportModel:
    """The report model of a finished scorecard job; ``terms`` are the bank's own, for its strategy."""
    work, test = job.work, job.evaluation.scores()
    scores = job.card.scores.astype(np.float64)
    probability = job.card.card().probability(scores)
    lending = Lending(work, terms or ReportTerms(), scores, probability)
    return ReportModel(
        header=header_of(
            work.job, work.spec, outcome, backend=work.he.backend_name, observation_window=observation_window(work)
        ),
        sample=sample_of(work),
        performance=performance_of_scores(work, probability, bank_alone(job)),
        bands=bands_of_scores(scores[work.parts[2]], test),
        strategy=lending.strategy(test),
        segments=lending.segments(),
        importance=_importance(job, test),
        scorecard=_section(job),
        stability=_stability(job),
        ledger=ledger_section(work.party, outcome.ledger, outcome.received),
        costs=costs_of(work.party, outcome),
        card=card_of(work, outcome, digest),
    )


def bank_alone(job: BankCardJob) -> dict[str, npt.NDArray[np.float64]]:
    """Probabilities by the fallback card, by held-out split: of the test rows, and of those held out of time."""
    found, fallback = alone_on_test(job.evaluation.scores()), job.evaluation.fallback
    later = parts_of(job.work).get("out_of_time")
    if later is not None and fallback is not None:
        found["out_of_time"] = fallback.probability(job.work.data.take(job.work.alignment.rows[later]))
    return found


def _section(job: BankCardJob) -> ScorecardSection:
    """Bins of all owners (others' anonymous), the bank's own estimates, correlations, points, what was left out."""
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
    section = scorecard_section(
        job.card.card(), [binning.features[i] for i in kept], estimates, intercept,
        correlation=binning.correlation[np.ix_(kept, kept)],
    )  # fmt: skip
    return replace(section, removed=_removed(job))


def _removed(job: BankCardJob) -> tuple[Removed, ...]:
    """What is not on the card and why, in the order of the steps; others' features by their place."""
    binned = {f.label: f for f in job.binning.features}
    places = {f.name: number for number, f in enumerate(job.work.data.features, 1)}

    def shown(step: SelectionStep) -> Removed:
        feature = binned.get(step.feature)
        if feature is None:  # one of the bank's own, gone before it had bins
            return Removed(Feature(step.owner, places[step.feature], step.feature), step.step.value, step.text)
        head = Feature(feature.owner, feature.index + 1, feature.name)
        return Removed(head, step.step.value, step.text, feature.merge.iv)

    kept = [job.binning.features[i] for i in job.binning.screening.kept]
    own = [f for f in kept if f.owner == job.work.party]
    held = tuple(
        Removed(Feature(f.owner, f.index + 1, f.name), f"held-{reason}", _HELD[reason], f.merge.iv)
        for f, reason in zip(own, job.logistic.reasons, strict=True)
        if reason
    )
    return (*map(shown, job.binning.selection()), *held)


def _importance(job: BankCardJob, test: Scores) -> Importance:
    """IV by owner and feature; Shapley shares of the AUC by the bank's kinds of the catalogue and by platform."""
    kept = [job.binning.features[i] for i in job.binning.screening.kept]
    owners = (job.work.party, *job.work.spec.platforms)
    totals = tuple(OwnerImportance(o, sum(f.merge.iv for f in kept if f.owner == o)) for o in owners)
    by_feature = [FeatureImportance(Feature(f.owner, f.index + 1, f.name), f.merge.iv) for f in kept]
    by_feature.sort(key=lambda f: -f.value)
    return Importance("iv", totals, tuple(by_feature), _categories(job, test))


def _categories(job: BankCardJob, test: Scores) -> tuple[CategoryImportance, ...]:
    """On the test rows. A platform's points are one category to the bank: it knows their sum alone."""
    part = job.work.parts[2]
    if not 0 < test.labels.sum() < len(test.labels):
        return ()
    card = job.card.card()
    items = {f.name: f.item for f in job.work.data.features}
    categories = [own_category(f.owner, items.get(f.name)) for f in card.known]
    points = [card.points_of_bins(job.binning.columns().take(part))]
    for platform in job.work.spec.platforms:
        categories.append(owner_category(platform))
        points.append(job.card.platform_points[platform][part, None])
    return category_shares(np.hstack(points), test.labels, categories, seed=SEED)


def _stability(job: BankCardJob) -> StabilitySection:
    """Stability index of the score and of the bank's own features: later splits and periods against training."""
    groups: dict[str, Rows] = {name: np.arange(part.start, part.stop) for name, part in parts_of(job.work).items()}
    periods = periods_of_sample(job.work)
    if periods is not None:
        by_time = by_period(np.arange(len(periods)), periods.tolist())
        groups |= {name: rows for name, rows in by_time.items() if name and len(rows) >= _LEAST_ROWS}
    columns = job.binning.columns()
    own = [job.binning.features[i] for i in job.binning.screening.kept]
    heads = [Feature(f.owner, f.index + 1, f.name) for f in own if f.owner == job.work.party]
    return stability_section(
        "train",
        {name: job.card.scores[rows] for name, rows in groups.items()},
        {
            head: {name: columns.bins[rows, f] for name, rows in groups.items()}
            for f, head in enumerate(heads)
        },
    )  # fmt: skip
