"""The bank's side of the node: loads the view with its labels, opens the bank's roles, writes the report."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from party_bank.reporting import model_digest, report_of
from party_bank.roles import BankJob
from party_bank.steps.keys import KeyHolderSteps
from party_bank.steps.workspace import BankWorkspace
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.crypto.paillier import PublicKey
from vfl.crypto.psi_set import bucket
from vfl.data.fingerprint import keep_unchanged
from vfl.data.table import Dataset, load_view
from vfl.data.views import load_views, view_named
from vfl.report import write_report
from vfl.roles import RoleName
from vfl.runtime.agreement import Facts
from vfl.service.folder import JobFolder
from vfl.service.side import JobContext, Outcome

__all__ = ["BankSide"]


class BankSide:
    """Opens jobs at a bank."""

    role = RoleName.BANK

    def __init__(self, config: NodeConfig) -> None:
        self._config = config
        self._loaded: tuple[str, Dataset] | None = None

    def _load(self, job: str, spec: JobSpec) -> Dataset:
        """The job's view; kept between proposal and start."""
        if self._loaded is None or self._loaded[0] != job:
            views = load_views(self._config.views, role=self.role)
            self._loaded = job, load_view(views, spec.bank_view, role=self.role, cutoff=spec.as_of)
        return self._loaded[1]

    def facts(self, job: str, spec: JobSpec) -> Facts:
        data = self._load(job, spec)
        return Facts(rows=bucket(len(data.ids)), features=max(1, len(data.features)))

    def open(self, context: JobContext) -> OpenBankJob:
        source = view_named(load_views(self._config.views, role=self.role), context.spec.bank_view).source
        keep_unchanged(source, context.keep)
        work = BankWorkspace(
            party=context.party, job=context.job, spec=context.spec, seed=context.seed,
            data=self._load(context.job, context.spec), progress=context.progress,
        )  # fmt: skip
        fresh = KeyHolderSteps.fresh(context.spec.key_bits, test_keys=context.spec.test_keys)
        return OpenBankJob(work, context.keep("key", fresh), self._config.language)


class OpenBankJob(BankJob):
    """A bank's open job, with its results."""

    def __init__(self, work: BankWorkspace, exported_key: bytes, language: str) -> None:
        super().__init__(work, exported_key)
        self._language = language

    @property
    def keys(self) -> dict[bytes, PublicKey]:
        return self.work.keys

    def finish(self, folder: JobFolder, outcome: Outcome) -> dict[str, Any]:
        part = self.trees.model_part()
        digest = model_digest(part)
        folder.write("model.json", json.dumps(part, ensure_ascii=False, sort_keys=True).encode())
        report = report_of(self, outcome, digest)
        write_report(report, folder.path, language=self._language)
        self._write_rows(folder)
        quality = {m.model.value: m for m in (report.performance.models if report.performance else ())}
        return {
            "model": digest,
            "rows": len(self.work.alignment.rows),
            "trees": self.trees.best_trees,
            "measures": {
                kind: {s.split: {"auc": s.auc.value, "ks": s.ks.value} for s in m.splits} for kind, m in quality.items()
            },
            **outcome.facts,
        }

    def _write_rows(self, folder: JobFolder) -> None:
        """The bank's own scores of the sample, for its own checks: id, split, label, probability."""
        work = self.work
        sizes = [len(work.alignment.rows[part]) for part in work.parts]
        split = np.repeat(["train", "valid", "test"], sizes).tolist()
        probability = 1.0 / (1.0 + np.exp(-self.trees.best_margins))
        rows = zip(work.alignment.rows.tolist(), split, work.labels().tolist(), probability.tolist(), strict=True)
        lines = [f"{work.data.ids[row]},{part},{y},{p!r}" for row, part, y, p in rows]
        folder.write("sample_scores.csv", ("\n".join(["uscc,split,y,probability", *lines]) + "\n").encode())

    def wipe(self) -> None:
        """Forget the job's secret key."""
        if self.work.holder is not None:
            self.work.holder.wipe()
