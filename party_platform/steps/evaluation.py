"""A platform keeps the figures it is told, for its feedback to the departments that supplied the data."""

from __future__ import annotations

import json

from vfl.protocols.evaluation import PlatformEvaluation
from vfl.protocols.messages.evaluation import Quality
from vfl.runtime.workspace import malformed

__all__ = ["PlatformEvaluationSteps"]


class PlatformEvaluationSteps(PlatformEvaluation):
    """Keeps the last :class:`Quality`."""

    def __init__(self) -> None:
        self.quality: dict[str, float] = {}

    def take_quality(self, quality: Quality) -> None:
        shares = {
            "auc_joint": quality.auc_joint.value,
            "auc_bank_alone": quality.auc_bank_alone.value,
            "ks_joint": quality.ks_joint.value,
        }
        if not all(0.0 <= share <= 1.0 for share in shares.values()):
            raise malformed("QUALITY_RANGE", "figures that are no shares", "指标不在 0 至 1 之间")
        # No rows: too few were held out for any figure to be told.
        self.quality = {"rows": float(quality.rows.value)} | shares if quality.rows.value else {}

    def dump(self) -> dict[str, bytes]:
        return {"quality": json.dumps(self.quality, sort_keys=True).encode()} if self.quality else {}

    def restore(self, parts: dict[str, bytes]) -> None:
        if "quality" in parts:
            self.quality = json.loads(parts["quality"])
