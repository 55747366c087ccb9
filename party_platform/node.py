"""The platform's side of the node: loads the view and its consents, opens the platform's roles."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from party_platform.card_job import PlatformCardJob
from party_platform.card_report import card_report_of
from party_platform.roles import PlatformJob
from party_platform.scoring_job import OpenScoring, held_part, size_of
from party_platform.steps.logistic import PlatformLogisticSteps
from party_platform.steps.workspace import PlatformWorkspace
from vfl.config.job import JobSpec
from vfl.config.node import NodeConfig
from vfl.crypto.keyproof import KeyRegistry
from vfl.crypto.paillier import PublicKey
from vfl.crypto.psi_set import bucket
from vfl.data.consent import ConsentBook
from vfl.data.fingerprint import fingerprint, keep_unchanged
from vfl.data.schema import Use
from vfl.data.table import Dataset, load_view
from vfl.data.views import load_views, view_named
from vfl.errors import Place
from vfl.report import write_report
from vfl.roles import RoleName
from vfl.runtime.agreement import Facts
from vfl.service.card_exports import write_job_exports
from vfl.service.folder import JobFolder, known_keys
from vfl.service.side import JobContext, Outcome
from vfl.service.warm_start import EarlierWeights

__all__ = ["PlatformSide"]


class PlatformSide:
    """Opens jobs at a platform."""

    role = RoleName.PLATFORM

    def __init__(self, config: NodeConfig) -> None:
        self._config = config
        self._loaded: tuple[str, Dataset, ConsentBook, bytes] | None = None

    def _load(self, job: str, spec: JobSpec) -> tuple[Dataset, ConsentBook, bytes]:
        """The job's view, consents and their files' fingerprint; kept between contract and start. Jobs run side by
        side."""
        loaded = self._loaded
        if loaded is None or loaded[0] != job:
            views = load_views(self._config.views, role=self.role)
            files = [self._config.views, *view_named(views, spec.platform_view).files]
            if views.consents is not None:
                files.append(views.consents.source)
            found = fingerprint(*files)
            use = Use.SCORING if spec.score_model else Use.TRAINING
            data = load_view(views, spec.platform_view, role=self.role, use=use, cutoff=spec.as_of, time=spec.time)
            loaded = job, data, ConsentBook.load(views), found
            self._loaded = loaded
        return loaded[1:]

    def facts(self, job: str, spec: JobSpec) -> Facts:
        data, consents, _ = self._load(job, spec)
        permitted = consents.permitted(data.ids, spec.bank, spec.purpose, spec.as_of)
        if spec.score_model:
            part = held_part(spec, self._config.jobs)
            return Facts(rows=bucket(int(permitted.sum())), features=max(1, size_of(part)))
        return Facts(rows=bucket(int(permitted.sum())), features=len(data.features))

    def open(self, context: JobContext) -> OpenPlatformJob | OpenCardJob | OpenScoring:
        data, consents, found = self._load(context.job, context.spec)
        keep_unchanged(found, context.keep, place=Place(file=context.spec.platform_view))
        if context.spec.score_model:
            # Kept: a replay on another day must give the answers that were sent.
            day = context.keep("day", dt.datetime.now(dt.UTC).date().isoformat().encode())
            on = dt.date.fromisoformat(day.decode())
            return OpenScoring(context.spec, data, consents, held_part(context.spec, self._config.jobs), on)
        work = PlatformWorkspace(
            party=context.party, job=context.job, spec=context.spec, seed=context.seed, data=data, consents=consents,
            progress=context.progress,
        )  # fmt: skip
        registry = known_keys(self._config.jobs, context.job)
        if context.spec.model == "scorecard":
            earlier = EarlierWeights.named_in(context.spec.logistic, self._config.jobs)
            return OpenCardJob(work, registry, _own_key(context), self._config.language, earlier)
        return OpenPlatformJob(work, registry)


def _own_key(context: JobContext) -> bytes:
    """The key of the platform that computes with the bank; the others need none."""
    spec = context.spec
    if context.party != spec.platforms[0]:
        return b""
    fresh = PlatformLogisticSteps.fresh(spec.key_bits, test_keys=spec.test_keys, plaintext=spec.plaintext)
    return context.keep("key", fresh)


class OpenCardJob(PlatformCardJob):
    """A platform's open scorecard job, with its results."""

    def __init__(
        self, work: PlatformWorkspace, registry: KeyRegistry, exported_key: bytes, language: str,
        earlier: EarlierWeights | None = None,
    ) -> None:
        super().__init__(work, registry, exported_key, earlier=earlier)
        self._language = language

    @property
    def keys(self) -> dict[bytes, PublicKey]:
        return self.work.keys

    def finish(self, folder: JobFolder, outcome: Outcome) -> dict[str, Any]:
        """Write the platform's part of the card, its exports and its report with the feedback to departments."""
        card = self.card.part()
        part = card.to_dict() | {"model": self.logistic.model_part()}
        saved = part | {"job": self.work.job, "reasons": self.work.spec.scaling.reasons}
        folder.write("scorecard.json", json.dumps(saved, ensure_ascii=False).encode())
        left_out = write_job_exports(folder, card.card)
        write_report(card_report_of(self, outcome), folder.path, language=self._language)
        folder.write("ledger.json", json.dumps(outcome.ledger.dump()).encode())
        return {
            "rows": len(self.work.alignment.rows),
            "features_used": [f.name for f in self.binning.binned().features],
            "exports_left_out": left_out,
            "quality": self.evaluation.quality,
            "key_ids": [k.hex() for k in self.work.keys],
            **outcome.facts,
        }

    def wipe(self) -> None:
        """Forget the platform's own key of the job."""
        self.logistic.wipe()


class OpenPlatformJob(PlatformJob):
    """A platform's open job, with its results."""

    def __init__(self, work: PlatformWorkspace, registry: KeyRegistry) -> None:
        super().__init__(work, registry)

    @property
    def keys(self) -> dict[bytes, PublicKey]:
        return self.work.keys

    def finish(self, folder: JobFolder, outcome: Outcome) -> dict[str, Any]:
        part = self.trees.model_part()
        folder.write("model.json", json.dumps(part, ensure_ascii=False, sort_keys=True).encode())
        folder.write("ledger.json", json.dumps(outcome.ledger.dump()).encode())
        return {
            "rows": len(self.work.alignment.rows),
            "splits": len(self.trees.splits.rules),
            "features_used": self.trees.splits.used(),
            "quality": self.evaluation.quality,
            "key_ids": [k.hex() for k in self.work.keys],
            **outcome.facts,
        }

    def wipe(self) -> None:
        """A platform holds no secret key of the job."""
