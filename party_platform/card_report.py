"""From a finished scorecard job to the platform's own report: its card, and feedback to the departments.

The platform has no labels: it tells IV as the bank disclosed it for its own bins, the spread of its points, and the
three figures of the joint model that the contract lets the bank tell. Shares of the AUC by kind need the labels and
stand, for the platform as a whole, in the bank's report.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from party_platform.card_job import PlatformCardJob
from vfl.core.card_feature import CardFeature
from vfl.core.logistic import p_values
from vfl.data.catalogue import Catalogue
from vfl.data.schema import FeatureKind, FeatureSpec
from vfl.data.table import Dataset
from vfl.errors import Text
from vfl.report.binning_tables import owner_tables
from vfl.report.feedback import described, feedback_section, spread_shares
from vfl.report.feedback_model import FeedbackRow, FeedbackSection
from vfl.report.model import Card, Fingerprint, PartyRows, ReportModel, Sample
from vfl.report.scorecard_model import (
    BinningTable,
    Coefficient,
    Feature,
    ReasonCode,
    Removed,
    Scaling,
    ScorecardSection,
)
from vfl.service.report_parts import costs_of, header_of
from vfl.service.side import Outcome
from vfl.service.statement import ledger_section

__all__ = ["card_report_of"]

_NONE = Text("", "")
_UNBINNED = Text("not brought into this job", "未参与本作业")


def card_report_of(job: PlatformCardJob, outcome: Outcome) -> ReportModel:
    """The report model of the platform's part of a finished scorecard job."""
    work = job.work
    rows = PartyRows(work.party, len(work.data.ids), len(work.permitted))
    return ReportModel(
        header=header_of(work.job, work.spec, outcome, backend=work.he.backend_name),
        sample=Sample((PartyRows(work.spec.bank), rows), (), len(work.alignment.rows)),
        feedback=_feedback(job),
        scorecard=_section(job),
        ledger=ledger_section(work.party, outcome.ledger, outcome.received),
        costs=costs_of(work.party, outcome),
        card=Card(
            fingerprints=(
                Fingerprint("contract", outcome.contract.hex()),
                Fingerprint("alignment_root", work.alignment.root.hex()),
            )
        ),
    )


def _section(job: PlatformCardJob) -> ScorecardSection:
    """The platform's own bins with their points, its weights, what was left out."""
    card, work = job.card.card(), job.work
    tables = owner_tables(work.party, job.binning.binned())
    weights, errors = job.logistic.coefficients, job.logistic.standard_errors
    if not len(errors):
        errors = np.full(len(weights), np.nan)
    estimates = zip(tables, weights.tolist(), errors.tolist(), p_values(weights, errors).tolist(), strict=True)
    places = {f.name: number for number, f in enumerate(work.data.features, 1)}
    return ScorecardSection(
        tables=tuple(_pointed(t, f) for t, f in zip(tables, card.known, strict=True)),
        coefficients=tuple(Coefficient(t.feature, w, e, p) for t, w, e, p in estimates),
        scaling=Scaling(card.scaling.base_points, card.scaling.base_odds, card.scaling.pdo),
        reasons=tuple(ReasonCode(f.reason.code, f.owner, f.reason.text) for f in card.known),
        removed=tuple(
            Removed(Feature(work.party, places[s.feature], s.feature), s.step.value, s.text)
            for s in job.binning.selection()
        ),
    )


def _pointed(table: BinningTable, feature: CardFeature) -> BinningTable:
    bins = zip(table.bins, feature.points[:-1], strict=True)
    return replace(table, bins=tuple(replace(b, points=float(points)) for b, points in bins))


def _feedback(job: PlatformCardJob) -> FeedbackSection:
    work, card, binned = job.work, job.card.card(), job.binning.binned()
    table = work.data.take(work.table_rows)
    catalogue = Catalogue.load()
    points = card.points_of_bins(job.binning.columns())
    shares = dict(zip((f.name for f in card.known), spread_shares(points).tolist(), strict=True))
    known = {f.name: f for f in card.known}
    iv = {f.name: f.merge.iv for f in binned.features}
    gone = {step.feature: step.text for step in job.binning.selection()}
    rows = []
    for number, feature in enumerate(work.data.features, 1):
        name, departments, mode = described(catalogue, feature.item)
        used = known.get(feature.name)
        row = FeedbackRow(
            feature=Feature(work.party, number, feature.name),
            item=feature.item or "",
            name=name,
            departments=departments,
            mode=mode,
            coverage=_coverage(table, feature),
            used=used is not None,
            reason=_NONE if used is not None else gone.get(feature.name, _UNBINNED),
        )
        if used is not None:
            lowest, highest = float(min(used.points[:-1])), float(max(used.points[:-1]))
            row = replace(
                row, iv=iv[feature.name], spread=shares[feature.name], lowest=lowest, highest=highest
            )  # fmt: skip
        rows.append(row)
    return feedback_section(rows, job.evaluation.quality)


def _coverage(table: Dataset, feature: FeatureSpec) -> float:
    """Share of the aligned firms with a value."""
    if feature.kind is FeatureKind.CATEGORICAL:
        return float(np.mean(table.categorical(feature.name)[0] >= 0))
    return float(np.mean(~np.isnan(table.numeric(feature.name))))
