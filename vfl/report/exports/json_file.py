"""The scorecard file: ``{"format": "vfl-scorecard/1", "scaling": ..., "home": ..., "start": ..., "features": [...]}``.

Keys are those of :class:`vfl.core.scorecard.Scorecard`; a feature of another owner is ``{"owner": ..., "index": ...}``.
Numbers are the shortest decimals that give the same double back.
"""

from __future__ import annotations

import json

from vfl.config.faults import data_fault
from vfl.core.scorecard import Scorecard
from vfl.errors import VflError

__all__ = ["FAULTS", "FORMAT", "card_from_json", "card_to_json"]

FORMAT = "vfl-scorecard/1"
"""Name and version; another version is refused."""

SCORECARD_FILE = data_fault(
    "SCORECARD_FILE",
    "This is no scorecard file of format {format}.",
    "这不是 {format} 格式的评分卡文件。",
    "Export the scorecard again with this version.",
    "请用本版本重新导出评分卡。",
)

FAULTS = (SCORECARD_FILE,)


def card_to_json(card: Scorecard) -> str:
    """The file's text, the same for the same card."""
    return json.dumps({"format": FORMAT} | card.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def card_from_json(text: str) -> Scorecard:
    """The inverse; DataError ``SCORECARD_FILE``."""
    try:
        state = json.loads(text)
        if state["format"] != FORMAT:
            raise ValueError
        return Scorecard.from_dict(state)
    except (ValueError, KeyError, TypeError, AttributeError, VflError):
        raise SCORECARD_FILE.at(format=FORMAT) from None
