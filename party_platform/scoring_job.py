"""A platform's open scoring jobs, with its splits or its part of a scorecard: no keys, no state."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from party_platform.steps.card_scoring import PlatformCardScoringSteps
from party_platform.steps.scoring import PlatformScoringSteps, permitted_rows
from vfl.config.contract import Contract
from vfl.config.job import JobSpec
from vfl.crypto.paillier import PublicKey
from vfl.data.card_part import CardPart
from vfl.data.consent import ConsentBook
from vfl.data.owned_splits import OwnedSplits
from vfl.data.table import Dataset
from vfl.errors import Place, PolicyRefused, Text
from vfl.protocols.card_scoring import PlatformCardScoring
from vfl.protocols.scoring import PlatformScoring
from vfl.runtime.steps import Roles
from vfl.service.folder import JobFolder, model_unknown
from vfl.service.side import Outcome

__all__ = ["OpenScoring", "held_part", "size_of"]

Part = OwnedSplits | CardPart


def held_part(spec: JobSpec, jobs: Path) -> Part:
    """This platform's part of the model to score with.

    Raises
    ------
    ConfigError
        ``MODEL_UNKNOWN``: also for a model that was made with another bank.
    PolicyRefused
        ``SCORE_REASONS``: more reasons than the scorecard's contract allows.
    """
    card = spec.model == "scorecard"
    folder = JobFolder(jobs, spec.score_model)
    file, agreed = folder.file("scorecard.json" if card else "model.json"), folder.file("contract.json")
    if not file.exists() or spec.bank not in Contract.parse(agreed.read_bytes()).parties:
        raise model_unknown(spec.score_model)
    state: dict[str, Any] = json.loads(file.read_text())
    if not card:
        return OwnedSplits.from_dict(state["splits"])
    if spec.scaling.reasons > int(state["reasons"]):
        raise PolicyRefused(
            "SCORE_REASONS",
            Text(en=f"the job asks for {spec.scaling.reasons} reasons of a firm, the scorecard's contract allows "
                    f"{state['reasons']}",
                 zh=f"任务要求每家企业 {spec.scaling.reasons} 个原因码，评分卡的合同只允许 {state['reasons']} 个"),
            cure=Text(en="the bank lowers scorecard.reasons", zh="请银行调低 scorecard.reasons"),
            place=Place(column="scorecard.reasons"),
        )
    return CardPart.from_dict(state)


def size_of(part: Part) -> int:
    """What the contract's budgets count: splits of trees, features of a scorecard."""
    return len(part.rules) if isinstance(part, OwnedSplits) else len(part.card.known)


class OpenScoring:
    """A platform's open scoring job."""

    def __init__(self, spec: JobSpec, data: Dataset, consents: ConsentBook, part: Part, today: dt.date) -> None:
        # Consent is asked as of the day of scoring, not of the job's text: a revocation counts at once.
        rows = permitted_rows(data, consents, bank=spec.bank, purpose=spec.purpose, on=max(today, spec.as_of))
        self.roles: Roles
        if isinstance(part, OwnedSplits):
            self.roles = {PlatformScoring: PlatformScoringSteps(data, part, rows)}
        else:
            steps = PlatformCardScoringSteps(data, part, rows, allowed=spec.scaling.reasons)
            self.roles = {PlatformCardScoring: steps}
        self.keys: dict[bytes, PublicKey] = {}

    def dump(self) -> dict[str, bytes]:
        return {}

    def restore(self, parts: dict[str, bytes]) -> None:
        """Nothing is kept between phases: there is one."""

    def finish(self, folder: JobFolder, outcome: Outcome) -> dict[str, Any]:
        folder.write("ledger.json", json.dumps(outcome.ledger.dump()).encode())
        return dict(outcome.facts)

    def wipe(self) -> None:
        """A scoring job has no secret key."""
