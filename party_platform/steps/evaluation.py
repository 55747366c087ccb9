"""A platform keeps the figures it is told, for its feedback to the departments that supplied the data."""

from __future__ import annotations

import json

from vfl.protocols.evaluation import PlatformEvaluation
from vfl.protocols.messages.evaluation import Quality

__all__ = ["PlatformEvaluationSteps"]


class PlatformEvaluationSteps(PlatformEvaluation):
    """Keeps the last :class:`Quality`."""

    def __init__(self) -> None:
        self.quality: dict[str, float] = {}

    def take_quality(self, quality: Quality) -> None:
        self.quality = {
            "rows": float(quality.rows.value),
            "auc_joint": quality.auc_joint.value,
            "auc_bank_alone": quality.auc_bank_alone.value,
            "ks_joint": quality.ks_joint.value,
        }

    def dump(self) -> dict[str, bytes]:
        return {"quality": json.dumps(self.quality, sort_keys=True).encode()} if self.quality else {}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "quality" in parts:
            self.quality = json.loads(parts["quality"])
