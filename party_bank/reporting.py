"""From a finished job to the bank's report."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import numpy as np

from party_bank.roles import BankJob
from vfl import __version__
from vfl.errors import Text
from vfl.report.measure import Scored, bands_of, performance_of, swap_set_of, uplift_of
from vfl.report.model import (
    Card,
    Costs,
    EdgeCost,
    FeatureImportance,
    Fingerprint,
    Header,
    Importance,
    IterationMetric,
    NodeCost,
    OwnerImportance,
    Parameter,
    Party,
    PartyRows,
    PhaseCost,
    ReportModel,
    Sample,
    SplitRows,
    Trees,
)
from vfl.report.performance_model import ModelKind, Performance
from vfl.report.scorecard_model import Feature
from vfl.roles import RoleName
from vfl.service.side import Outcome
from vfl.service.statement import ledger_section

__all__ = ["model_digest", "report_of"]

_SEED = 20240328
"""Of the bootstrap: fixed, so that a report can be made again to the last digit."""
_SPLITS = ("train", "valid", "test")


def model_digest(part: dict[str, Any]) -> str:
    """SHA-256 of a model part in canonical JSON."""
    return hashlib.sha256(json.dumps(part, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def report_of(job: BankJob, outcome: Outcome, digest: str) -> ReportModel:
    """The report model of a finished job of boosted trees."""
    work, spec = job.work, job.work.spec
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return ReportModel(
        header=Header(
            job_id=work.job,
            title=spec.name,
            parties=(Party(spec.bank, RoleName.BANK), *(Party(p, RoleName.PLATFORM) for p in spec.platforms)),
            contract_hash=outcome.contract.hex(),
            started="",
            finished=now,
            software_version=__version__,
            purpose=spec.purpose,
            event_definition=spec.event,
            non_event_definition=spec.non_event,
            observation_window=str(spec.as_of),
            performance_window="",
            algorithm="trees",
            backend=work.he.backend_name,
            key_bits=spec.key_bits,
        ),
        sample=_sample(job),
        performance=_performance(job),
        bands=_bands(job),
        importance=_importance(job),
        trees=_trees(job),
        ledger=ledger_section(work.party, outcome.ledger, outcome.received),
        costs=_costs(job, outcome),
        card=_card(job, outcome, digest),
    )


def _sample(job: BankJob) -> Sample:
    labels = job.work.labels()
    splits = tuple(
        SplitRows(name, len(labels[part]), int(labels[part].sum()))
        for name, part in zip(_SPLITS, job.work.parts, strict=True)
        if len(labels[part])
    )
    parties = (
        PartyRows(job.work.party, len(job.work.data.ids)),
        *(PartyRows(p) for p in job.work.spec.platforms),
    )
    return Sample(parties, splits, len(labels))


def _performance(job: BankJob) -> Performance:
    labels = job.work.labels().astype(np.float64)
    joint = 1.0 / (1.0 + np.exp(-job.trees.best_margins))
    parts = {
        n: p for n, p in zip(_SPLITS, job.work.parts, strict=True) if 0 < labels[p].sum() < len(labels[p])
    }
    scored = {name: Scored(labels[part], joint[part]) for name, part in parts.items()}
    models = [performance_of(ModelKind.JOINT, scored, seed=_SEED)]
    uplift = []
    test = job.evaluation.scores()
    if test.bank_alone is not None and "test" in parts:
        alone = Scored(test.labels, test.bank_alone)
        models.append(performance_of(ModelKind.BANK_ALONE, {"test": alone}, seed=_SEED, party=job.work.party))
        uplift.append(uplift_of("test", scored["test"], alone, over=ModelKind.BANK_ALONE, seed=_SEED))
    return Performance(tuple(models), tuple(uplift))


def _bands(job: BankJob) -> Any:
    test = job.evaluation.scores()
    # Higher is safer: log-odds of the non-event in points of 20 per doubling, 600 at 1 : 1.
    points = 600.0 - 20.0 / np.log(2.0) * job.trees.best_margins[job.work.parts[2]]
    section = bands_of("test", test.labels, points)
    if test.bank_alone is None:
        return section
    swaps = tuple(swap_set_of(test.labels, test.joint, test.bank_alone, share) for share in (0.5, 0.7, 0.9))
    return type(section)(section.split, section.bands, swaps)


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


def _costs(job: BankJob, outcome: Outcome) -> Costs:
    seconds = {k: v for k, v in outcome.seconds.items() if not k.startswith("tree-")}
    trees = [v for k, v in outcome.seconds.items() if k.startswith("tree-")][: len(job.trees.trees)]
    phases = [PhaseCost(name, value) for name, value in seconds.items()]
    phases.append(PhaseCost("trees", sum(trees)))
    edges: dict[tuple[str, str], list[int]] = {}
    for ledger, outward in ((outcome.ledger, True), (outcome.received, False)):
        for (_, peer), line in ledger.lines.items():
            edge = (job.work.party, peer) if outward else (peer, job.work.party)
            total = edges.setdefault(edge, [0, 0])
            total[0] += line.messages
            total[1] += line.bytes
    peak = int(float(outcome.facts.get("peak_mib", 0.0)) * (1 << 20))
    return Costs(
        phases=tuple(phases),
        edges=tuple(EdgeCost(a, b, m, s) for (a, b), (m, s) in sorted(edges.items())),
        nodes=(NodeCost(job.work.party, peak),),
        seconds_per_tree=tuple(trees),
    )


def _card(job: BankJob, outcome: Outcome, digest: str) -> Card:
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
                en="The bank learns each aligned row's side at the platform's splits; the ledger bounds it.",
                zh="银行会得知每个对齐样本在平台分裂处的左右方向，其额度见台账。",
            ),
        ),
        fingerprints=(
            Fingerprint("contract", outcome.contract.hex()),
            Fingerprint("alignment_root", job.work.alignment.root.hex()),
            Fingerprint("model", digest, job.work.party),
        ),
    )
