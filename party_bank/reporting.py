"""From a finished job to the bank's report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from party_bank.lending import SEED, Lending, parts_of, periods_of_sample
from party_bank.roles import BankJob
from party_bank.steps.evaluation import Scores
from party_bank.steps.workspace import BankWorkspace
from vfl.config.report_terms import ReportTerms
from vfl.errors import Text
from vfl.report.measure import Scored, bands_of, performance_of, swap_set_of, uplift_of
from vfl.report.model import (
    Card,
    FeatureImportance,
    Fingerprint,
    Importance,
    IterationMetric,
    OwnerImportance,
    Parameter,
    PartyRows,
    PeriodRows,
    ReportModel,
    Sample,
    SplitRows,
    Trees,
)
from vfl.report.performance_model import BandSection, ModelKind, Performance
from vfl.report.scorecard_model import Feature
from vfl.service.report_parts import costs_of, header_of
from vfl.service.side import Outcome
from vfl.service.statement import ledger_section

__all__ = [
    "alone_on_test",
    "bands_of_scores",
    "card_of",
    "model_digest",
    "observation_window",
    "performance_of_scores",
    "points_of",
    "probability_of",
    "report_of",
    "sample_of",
]


def model_digest(part: dict[str, Any]) -> str:
    """SHA-256 of a model part in canonical JSON."""
    return hashlib.sha256(json.dumps(part, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def points_of(job: BankJob) -> npt.NDArray[np.float64]:
    """Points of all aligned rows, higher is safer: log-odds of the non-event, 20 per doubling, 600 at 1 : 1."""
    out: npt.NDArray[np.float64] = 600.0 - 20.0 / np.log(2.0) * job.trees.best_margins
    return out


def probability_of(job: BankJob) -> npt.NDArray[np.float64]:
    """Probability of the event of all aligned rows, by the trees that were kept."""
    out: npt.NDArray[np.float64] = 1.0 / (1.0 + np.exp(-job.trees.best_margins))
    return out


def report_of(job: BankJob, outcome: Outcome, digest: str, terms: ReportTerms | None = None) -> ReportModel:
    """The report model of a finished job of boosted trees; ``terms`` are the bank's own, for its strategy."""
    work, test = job.work, job.evaluation.scores()
    points, probability = points_of(job), probability_of(job)
    lending = Lending(work, terms or ReportTerms(), points, probability)
    return ReportModel(
        header=header_of(
            work.job, work.spec, outcome, backend=work.he.backend_name, observation_window=observation_window(work)
        ),
        sample=sample_of(work),
        performance=performance_of_scores(work, probability, alone_on_test(test)),
        bands=bands_of_scores(points[work.parts[2]], test),
        strategy=lending.strategy(test),
        segments=lending.segments(),
        importance=_importance(job),
        trees=_trees(job),
        ledger=ledger_section(work.party, outcome.ledger, outcome.received),
        costs=costs_of(work.party, outcome, job.trees.best_trees),
        card=card_of(work, outcome, digest),
    )


def sample_of(work: BankWorkspace) -> Sample:
    """Rows and events by split; only what the bank may know."""
    labels = work.labels()
    days = work.data.observed_on
    splits = tuple(
        SplitRows(name, len(labels[part]), int(labels[part].sum()), _span(days, work.alignment.rows[part]))
        for name, part in parts_of(work).items()
    )
    parties = (PartyRows(work.party, len(work.data.ids)), *(PartyRows(p) for p in work.spec.platforms))
    return Sample(parties, splits, len(labels), _by_period(work))


def _by_period(work: BankWorkspace) -> tuple[PeriodRows, ...]:
    """Rows and events by period of observation; none where the view has no date."""
    periods, labels = periods_of_sample(work), work.labels()
    if periods is None:
        return ()
    names, place = np.unique(periods, return_inverse=True)
    rows, events = np.bincount(place), np.bincount(place, labels)
    counted = zip(names.tolist(), rows.tolist(), events.tolist(), strict=True)
    return tuple(PeriodRows(name, r, int(e)) for name, r, e in counted if name)


def _span(days: npt.NDArray[np.datetime64] | None, rows: npt.NDArray[Any]) -> str:
    """First and last month of observation of these rows."""
    if days is None or not len(rows):
        return ""
    months = days[rows].astype("datetime64[M]")
    first, last = str(months.min()), str(months.max())
    return first if first == last else f"{first} … {last}"


def observation_window(work: BankWorkspace) -> str:
    """First and last month of observation of the aligned rows; empty where the view has no date."""
    return _span(work.data.observed_on, work.alignment.rows)


def performance_of_scores(
    work: BankWorkspace, joint: npt.NDArray[np.float64], alone: Mapping[str, npt.NDArray[np.float64]]
) -> Performance:
    """Measures of the joint model on each split, and of the bank alone on the held-out ones.

    Parameters
    ----------
    joint : float64 array, shape (aligned rows,)
        Probability of the event.
    alone : mapping of split to float64 array
        The same by the bank's columns alone, of the rows of splits that trained nothing.
    """
    labels = work.labels().astype(np.float64)
    parts = {n: p for n, p in parts_of(work).items() if 0 < labels[p].sum() < len(labels[p])}
    scored = {name: Scored(labels[part], joint[part]) for name, part in parts.items()}
    models = [performance_of(ModelKind.JOINT, scored, seed=SEED)]
    beside = {name: Scored(scored[name].label, p) for name, p in alone.items() if name in scored}
    if beside:
        models.append(performance_of(ModelKind.BANK_ALONE, beside, seed=SEED, party=work.party))
    uplift = [
        uplift_of(name, scored[name], other, over=ModelKind.BANK_ALONE, seed=SEED) for name, other in beside.items()
    ]
    return Performance(tuple(models), tuple(uplift))


def alone_on_test(test: Scores) -> dict[str, npt.NDArray[np.float64]]:
    """Probabilities by the bank's columns alone, by held-out split; none where it has no model of its own."""
    return {} if test.bank_alone is None else {"test": test.bank_alone}


def bands_of_scores(points: npt.NDArray[np.float64], test: Scores) -> BandSection:
    """Score bands of the held-out rows, and who changes sides against the bank's own model."""
    section = bands_of("test", test.labels, points)
    if test.bank_alone is None:
        return section
    swaps = tuple(swap_set_of(test.labels, test.joint, test.bank_alone, share) for share in (0.5, 0.7, 0.9))
    return BandSection(section.split, section.bands, swaps)


def _importance(job: BankJob) -> Importance:
    """Gain by owner, and by feature for the bank's own; platforms' features stay anonymous."""
    owners = (job.work.party, *job.work.spec.platforms)
    gains = np.zeros(len(owners))
    own: dict[str, float] = {}
    for tree in job.trees.trees[: job.trees.best_trees]:
        np.add.at(gains, tree.owner, tree.gain)
        for split, owner, gain in zip(tree.split_id.tolist(), tree.owner.tolist(), tree.gain.tolist(), strict=True):
            if owner == 0:
                name = job.trees.splits.features[job.trees.splits.rules[split].feature].name
                own[name] = own.get(name, 0.0) + gain
    order = [f.name for f in job.work.data.features]
    features = tuple(
        FeatureImportance(Feature(job.work.party, order.index(name) + 1, name), gain)
        for name, gain in sorted(own.items(), key=lambda item: -item[1])
    )
    return Importance(
        "gain", tuple(OwnerImportance(o, float(g)) for o, g in zip(owners, gains, strict=True)), features
    )


def _trees(job: BankJob) -> Trees:
    spec = job.work.spec.trees
    owners = (job.work.party, *job.work.spec.platforms)
    counts = np.zeros(len(owners))
    for tree in job.trees.trees[: job.trees.best_trees]:
        np.add.at(counts, tree.owner, 1)
    shown = ("num_leaves", "max_depth", "learning_rate", "max_bin", "min_data_in_leaf", "lambda_l2", "gradient_bits")
    return Trees(
        trees=len(job.trees.trees),
        best_iteration=job.trees.best_trees,
        parameters=tuple(Parameter(name, str(getattr(spec, name))) for name in shown),
        iterations=tuple(
            IterationMetric(i, float("nan"), loss) for i, loss in enumerate(job.trees.valid_losses, 1)
        ),
        splits_by_owner=tuple(OwnerImportance(o, float(c)) for o, c in zip(owners, counts, strict=True)),
    )


_TOLD = {
    "trees": Text(
        en="The bank learns each aligned row's side at the platform's splits; the ledger bounds it.",
        zh="银行会得知每个对齐样本在平台分裂处的左右方向，其额度见台账。",
    ),
    "scorecard": Text(
        en="The bank learns each aligned firm's points from each platform, summed over its features; the ledger "
        "bounds it.",
        zh="银行会得知每个对齐企业在各平台的得分合计（按特征加总），其额度见台账。",
    ),
}


def card_of(work: BankWorkspace, outcome: Outcome, digest: str) -> Card:
    """What the model is for, where it ends, how to check that this is that run."""
    return Card(
        uses=(
            Text(
                en="Ranking and pricing of loans to firms that both the bank and the platform know.",
                zh="用于对银行与平台共同掌握信息的企业贷款进行排序与定价。",
            ),
        ),
        limits=(
            Text(
                en="Scores are valid for the sample's population and period; check stability before use elsewhere.",
                zh="评分仅适用于样本所代表的客群与时期；用于其他场景前须检查稳定性。",
            ),
            Text(
                en="Firms that were never granted a loan are not in the sample; no reject inference was made.",
                zh="样本不含从未获得贷款的企业；未做拒绝推断。",
            ),
            _TOLD[work.spec.model],
        ),
        fingerprints=(
            Fingerprint("contract", outcome.contract.hex()),
            Fingerprint("alignment_root", work.alignment.root.hex()),
            Fingerprint("model", digest, work.party),
        ),
    )
