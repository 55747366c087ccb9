"""A bank's open scoring jobs, with trees or with a scorecard: no keys, no state but what arrives."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from party_bank.steps.card_scoring import BankCardScoringSteps
from party_bank.steps.scoring import BankScoringSteps, TreeModel
from vfl.config.job import JobSpec
from vfl.crypto.paillier import PublicKey
from vfl.data.card_part import CardPart
from vfl.data.table import Dataset
from vfl.errors import ConfigError, Place, Text
from vfl.protocols.card_scoring import BankCardScoring
from vfl.protocols.scoring import BankScoring
from vfl.runtime.state import freeze, thaw
from vfl.runtime.steps import Roles
from vfl.service.folder import JobFolder, model_unknown
from vfl.service.side import Outcome

__all__ = ["OpenCardScoring", "OpenScoring", "open_scoring"]


def open_scoring(data: Dataset, spec: JobSpec, jobs: Path) -> OpenScoring | OpenCardScoring:
    """The scoring job of ``spec`` with this bank's model.

    Raises
    ------
    ConfigError
        ``MODEL_UNKNOWN``; ``SCORE_REASONS``; ``FEATURE_UNDECLARED`` where the view lacks a column of a scorecard.
    """
    card = spec.model == "scorecard"
    file = JobFolder(jobs, spec.score_model).file("scorecard.json" if card else "model.json")
    if not file.exists():
        raise model_unknown(spec.score_model)
    model: dict[str, Any] = json.loads(file.read_text())
    return OpenCardScoring(data, spec, model) if card else OpenScoring(data, model)


class OpenScoring:
    """With boosted trees."""

    def __init__(self, data: Dataset, model: dict[str, Any]) -> None:
        fallback = model["fallback"]
        self._data = data
        self._digest = str(model["digest"])
        self._steps = BankScoringSteps(
            data, TreeModel.from_dict(model["joint"]), None if fallback is None else TreeModel.from_dict(fallback)
        )
        self.roles: Roles = {BankScoring: self._steps}
        self.keys: dict[bytes, PublicKey] = {}

    def dump(self) -> dict[str, bytes]:
        arrays = {"margins": self._steps.margins, "joint": self._steps.joint}
        return {"scores": freeze(arrays, {})} if len(self._steps.margins) else {}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "scores" in parts:
            arrays, _ = thaw(parts["scores"])
            self._steps.margins, self._steps.joint = arrays["margins"], arrays["joint"]

    def finish(self, folder: JobFolder, outcome: Outcome) -> dict[str, Any]:
        """Write ``scores.csv``: code, probability of the event, and which model gave it."""
        probability = 1.0 / (1.0 + np.exp(-self._steps.margins))
        lines = ["uscc,probability,model"]
        for code, p, joint in zip(self._data.ids, probability.tolist(), self._steps.joint.tolist(), strict=True):
            known = "joint" if joint else ("none" if np.isnan(p) else "bank-only")
            lines.append(f"{code},{'' if np.isnan(p) else repr(p)},{known}")
        folder.write("scores.csv", ("\n".join(lines) + "\n").encode())
        folder.write("ledger.json", json.dumps(outcome.ledger.dump()).encode())
        joint = int(self._steps.joint.sum())
        return {"model": self._digest, "firms": len(lines) - 1, "joint": joint, **outcome.facts}

    def wipe(self) -> None:
        """A scoring job has no secret key."""


class OpenCardScoring:
    """With a scorecard."""

    def __init__(self, data: Dataset, spec: JobSpec, model: dict[str, Any]) -> None:
        part = CardPart.from_dict(model)
        fallback = None if model["fallback"] is None else CardPart.from_dict(model["fallback"])
        allowed = spec.scaling.reasons
        if allowed > int(model["reasons"]):
            raise ConfigError(
                "SCORE_REASONS",
                Text(en=f"the job asks for {allowed} reasons of a firm, the scorecard's contract allows "
                        f"{model['reasons']}",
                     zh=f"任务要求每家企业 {allowed} 个原因码，评分卡的合同只允许 {model['reasons']} 个"),
                cure=Text(en="lower scorecard.reasons", zh="请调低 scorecard.reasons"),
                place=Place(column="scorecard.reasons"),
            )
        for own in (part, fallback):
            if own is not None:
                own.points(data.take([]))  # a missing column is told before anything leaves
        self._data, self._model = data, model
        self._steps = BankCardScoringSteps(data, part, fallback, model["platforms"], allowed=allowed)
        self.roles: Roles = {BankCardScoring: self._steps}
        self.keys: dict[bytes, PublicKey] = {}

    def dump(self) -> dict[str, bytes]:
        if not len(self._steps.scores):
            return {}
        arrays = {"scores": self._steps.scores, "joint": self._steps.joint}
        return {"scores": freeze(arrays, {"reasons": self._steps.reasons})}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "scores" in parts:
            arrays, facts = thaw(parts["scores"])
            self._steps.scores, self._steps.joint = arrays["scores"], arrays["joint"]
            self._steps.reasons = facts["reasons"]

    def finish(self, folder: JobFolder, outcome: Outcome) -> dict[str, Any]:
        """Write ``scores.csv``: code, score, probability of the event, which model gave them, reasons."""
        steps = self._steps
        folder.write("scores.csv", _table(self._data.ids, steps).encode())
        folder.write("ledger.json", json.dumps(outcome.ledger.dump()).encode())
        return {
            "model": self._model["digest"],
            "firms": len(self._data.ids),
            "joint": int(steps.joint.sum()),
            "bank_only": int((steps.scored & ~steps.joint).sum()),
            "fallback_loss": self._model["fallback_loss"],
            **outcome.facts,
        }

    def wipe(self) -> None:
        """A scoring job has no secret key."""


def _table(codes: list[str], steps: BankCardScoringSteps) -> str:
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["uscc", "score", "probability", "model", "reasons"])
    probability: npt.NDArray[np.float64] = steps.scaling.probability(steps.scores)
    columns = (steps.scores.tolist(), probability.tolist(), steps.joint.tolist(), steps.scored.tolist(), steps.reasons)
    for code, score, p, joint, scored, told in zip(codes, *columns, strict=True):
        if scored:
            rows.writerow([code, score, repr(p), "joint" if joint else "bank-only", told])
        else:
            rows.writerow([code, "", "", "none", ""])
    return out.getvalue()
