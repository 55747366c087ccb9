"""Exports as files: one form, or every owner's part for that owner to keep."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from vfl.core.scorecard import Scorecard
from vfl.report.exports.json_file import card_to_json
from vfl.report.exports.onnx_graph import card_to_onnx
from vfl.report.exports.pmml import card_to_pmml
from vfl.report.exports.script import card_to_script
from vfl.report.exports.sql import card_to_sql

__all__ = ["ExportFormat", "write_export", "write_parts"]


class ExportFormat(StrEnum):
    """A form of a scorecard; :attr:`file` is its file's name."""

    JSON = "json"
    PMML = "pmml"
    ONNX = "onnx"
    SQL = "sql"
    PYTHON = "python"

    @property
    def file(self) -> str:
        return _FILES[self]


_FILES = {
    ExportFormat.JSON: "scorecard.json",
    ExportFormat.PMML: "scorecard.pmml",
    ExportFormat.ONNX: "scorecard.onnx",
    ExportFormat.SQL: "scorecard.sql",
    ExportFormat.PYTHON: "score.py",
}


def write_export(card: Scorecard, form: ExportFormat, directory: Path) -> Path:
    """Write ``card`` into ``directory`` (made if absent) under the form's own name; gives the path."""
    match form:
        case ExportFormat.JSON:
            content = card_to_json(card).encode()
        case ExportFormat.PMML:
            content = card_to_pmml(card).encode()
        case ExportFormat.ONNX:
            content = card_to_onnx(card)
        case ExportFormat.SQL:
            content = card_to_sql(card).encode()
        case ExportFormat.PYTHON:
            content = card_to_script(card).encode()
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / form.file
    path.write_bytes(content)
    return path


def write_parts(card: Scorecard, directory: Path) -> dict[str, Path]:
    """``scorecard-OWNER.json`` for each owner whose features the holder knows."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = {}
    for owner in dict.fromkeys(f.owner for f in card.known):
        paths[owner] = directory / f"scorecard-{owner}.json"
        paths[owner].write_text(card_to_json(card.part(owner)), encoding="utf-8")
    return paths
