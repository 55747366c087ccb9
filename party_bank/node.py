"""The bank's side of the node: loads the view with its labels, opens the bank's roles, writes the report."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from party_bank.card_job import BankCardJob
from party_bank.card_report import bank_alone, card_report_of
from party_bank.lending import check_terms
from party_bank.reporting import alone_on_test, model_digest, points_of, probability_of, report_of
from party_bank.roles import BankJob
from party_bank.sample_scores import sample_scores
from party_bank.scoring_job import OpenCardScoring, OpenScoring, open_scoring
from party_bank.steps.keys import KeyHolderSteps
from party_bank.steps.workspace import BankWorkspace
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.config.report_terms import ReportTerms
from vfl.crypto.keyproof import KeyRegistry
from vfl.crypto.paillier import PublicKey
from vfl.crypto.psi_set import bucket
from vfl.data.fingerprint import fingerprint, keep_unchanged
from vfl.data.schema import Use
from vfl.data.table import Dataset, load_view
from vfl.data.views import load_views, view_named
from vfl.errors import Place
from vfl.report import ReportModel, write_report
from vfl.roles import RoleName
from vfl.runtime.agreement import Facts
from vfl.service.card_exports import write_job_exports
from vfl.service.folder import JobFolder, known_keys
from vfl.service.side import JobContext, Outcome
from vfl.service.warm_start import EarlierWeights

__all__ = ["BankSide"]


class BankSide:
    """Opens jobs at a bank."""

    role = RoleName.BANK

    def __init__(self, config: NodeConfig) -> None:
        self._config = config
        self._loaded: tuple[str, Dataset, bytes] | None = None

    def _load(self, job: str, spec: JobSpec) -> tuple[Dataset, bytes]:
        """The job's view and its files' fingerprint; kept between proposal and start. Jobs run side by side."""
        loaded = self._loaded
        if loaded is None or loaded[0] != job:
            views = load_views(self._config.views, role=self.role)
            found = fingerprint(self._config.views, *view_named(views, spec.bank_view).files)
            use = Use.SCORING if spec.score_model else Use.TRAINING
            data = load_view(
                views, spec.bank_view, role=self.role, use=use, cutoff=spec.as_of, time=spec.time,
                weight_limit=spec.weight_limit,
            )  # fmt: skip
            loaded = job, data, found
            self._loaded = loaded
        return loaded[1:]

    def facts(self, job: str, spec: JobSpec) -> Facts:
        data, _ = self._load(job, spec)
        if spec.score_model:
            open_scoring(data, spec, self._config.jobs)
        else:
            check_terms(self._terms(), data)
        return Facts(rows=bucket(len(data.ids)), features=max(1, len(data.features)))

    def _terms(self) -> ReportTerms:
        return ReportTerms.beside(self._config.views)

    def open(self, context: JobContext) -> OpenBankJob | OpenCardJob | OpenScoring | OpenCardScoring:
        data, found = self._load(context.job, context.spec)
        keep_unchanged(found, context.keep, place=Place(file=context.spec.bank_view))
        if context.spec.score_model:
            return open_scoring(data, context.spec, self._config.jobs)
        work = BankWorkspace(
            party=context.party, job=context.job, spec=context.spec, seed=context.seed,
            data=data, progress=context.progress,
        )  # fmt: skip
        fresh = KeyHolderSteps.fresh(
            context.spec.key_bits, test_keys=context.spec.test_keys, plaintext=context.spec.plaintext
        )
        key = context.keep("key", fresh)
        if context.spec.model == "scorecard":
            return OpenCardJob(
                work, key, known_keys(self._config.jobs, context.job), self._config.language, self._terms(),
                EarlierWeights.named_in(context.spec.logistic, self._config.jobs),
            )  # fmt: skip
        return OpenBankJob(work, key, self._config.language, self._terms())


class OpenCardJob(BankCardJob):
    """A bank's open scorecard job, with its results."""

    def __init__(
        self, work: BankWorkspace, exported_key: bytes, registry: KeyRegistry, language: str, terms: ReportTerms,
        earlier: EarlierWeights | None = None,
    ) -> None:
        super().__init__(work, exported_key, registry, earlier=earlier)
        self._language, self._terms = language, terms

    @property
    def keys(self) -> dict[bytes, PublicKey]:
        return self.work.keys

    def finish(self, folder: JobFolder, outcome: Outcome) -> dict[str, Any]:
        """Write the bank's part of the card, its exports and the report."""
        card = self.card.card()
        part = self.card.part().to_dict() | {"model": self.logistic.model_part()}
        digest = model_digest(part)
        fallback, loss = self.evaluation.fallback, self.evaluation.loss
        saved = part | {
            "job": self.work.job,
            "platforms": list(self.work.spec.platforms),
            "digest": digest,
            "reasons": self.work.spec.scaling.reasons,
            "fallback": None if fallback is None else fallback.to_dict(),
            "fallback_loss": None if loss is None else loss.to_dict(),
        }
        folder.write("scorecard.json", json.dumps(saved, ensure_ascii=False).encode())
        left_out = write_job_exports(folder, card, None if fallback is None else fallback.part.card)
        report = card_report_of(self, outcome, digest, self._terms)
        write_report(report, folder.path, language=self._language)
        folder.write("ledger.json", json.dumps(outcome.ledger.dump()).encode())
        sample_scores(
            self.work, report, bank_alone(self),
            probability=card.probability(self.card.scores), points=self.card.scores.astype(np.float64),
        ).write(folder)  # fmt: skip
        return {
            "model": digest,
            "rows": len(self.work.alignment.rows),
            "features": len(self.binning.screening.kept),
            "fallback_loss": saved["fallback_loss"],
            "exports_left_out": left_out,
            "measures": measures_of(report),
            "key_ids": [k.hex() for k in self.work.keys],
            **outcome.facts,
        }

    def wipe(self) -> None:
        """Forget the job's secret key."""
        if self.work.holder is not None:
            self.work.holder.wipe()


class OpenBankJob(BankJob):
    """A bank's open job, with its results."""

    def __init__(self, work: BankWorkspace, exported_key: bytes, language: str, terms: ReportTerms) -> None:
        super().__init__(work, exported_key)
        self._language, self._terms = language, terms

    @property
    def keys(self) -> dict[bytes, PublicKey]:
        return self.work.keys

    def finish(self, folder: JobFolder, outcome: Outcome) -> dict[str, Any]:
        part = self.trees.model_part()
        digest = model_digest(part)
        fallback = self.evaluation.scores().fallback
        model = {
            "job": self.work.job,
            "platforms": list(self.work.spec.platforms),
            "digest": digest,
            "joint": part,
            "fallback": None if fallback is None else fallback.to_dict(),
        }
        folder.write("model.json", json.dumps(model, ensure_ascii=False, sort_keys=True).encode())
        report = report_of(self, outcome, digest, self._terms)
        write_report(report, folder.path, language=self._language)
        sample_scores(
            self.work, report, alone_on_test(self.evaluation.scores()),
            probability=probability_of(self), points=points_of(self),
        ).write(folder)  # fmt: skip
        folder.write("ledger.json", json.dumps(outcome.ledger.dump()).encode())
        return {
            "model": digest,
            "rows": len(self.work.alignment.rows),
            "trees": self.trees.best_trees,
            "measures": measures_of(report),
            **outcome.facts,
        }

    def wipe(self) -> None:
        """Forget the job's secret key."""
        if self.work.holder is not None:
            self.work.holder.wipe()


def measures_of(report: ReportModel) -> dict[str, dict[str, dict[str, float]]]:
    """AUC and KS by model and split."""
    models = report.performance.models if report.performance else ()
    return {m.model.value: {s.split: {"auc": s.auc.value, "ks": s.ks.value} for s in m.splits} for m in models}
