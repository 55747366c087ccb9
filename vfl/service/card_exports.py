"""Every form of a party's own part of a scorecard, written into the job's folder when the job ends.

A part's exports give that owner's points; the fallback card is the bank's alone and so gives a score. Nobody gets a
merged model: no contract lets one owner's cuts and points go to another.
"""

from __future__ import annotations

from pathlib import Path

from vfl.core.scorecard import Scorecard
from vfl.errors import VflError
from vfl.report.exports import ExportFormat, write_export
from vfl.service.folder import JobFolder

__all__ = ["EXPORTS", "FALLBACK", "write_forms", "write_job_exports"]

EXPORTS = "exports"
"""Folder of the exports in the job's folder."""
FALLBACK = "fallback"
"""Folder of the bank's own card among them."""


def write_forms(card: Scorecard, directory: Path) -> dict[str, str]:
    """Write ``card`` in all forms that can hold it; why the others were left out, error code by form."""
    left_out = {}
    for form in ExportFormat:
        try:
            write_export(card, form, directory)
        except VflError as error:
            left_out[str(form)] = error.code
    return left_out


def write_job_exports(folder: JobFolder, card: Scorecard, fallback: Scorecard | None = None) -> dict[str, str]:
    """Exports of a finished job; what was left out of the part's forms and why.

    A part without features of its owner (a bank that brings labels only) has nothing to export.
    """
    with folder.writing(EXPORTS):
        left_out = write_forms(card, folder.file(EXPORTS)) if card.known else {}
        if fallback is not None:
            write_forms(fallback, folder.file(EXPORTS) / FALLBACK)
    return left_out
