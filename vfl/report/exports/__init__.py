"""A scorecard in the forms in which banks run it; every one gives the same whole points for the same row.

======  =========================================  ========================================================
json    :func:`~.json_file.card_to_json`           the card itself, versioned, read back by this software
pmml    :func:`~.pmml.card_to_pmml`                PMML 4.4 ``<Scorecard>`` with reason codes
onnx    :func:`~.onnx_graph.card_to_onnx`          a graph with one input per column (needs the extra ``onnx``)
sql     :func:`~.sql.card_to_sql`                  one SELECT of ``CASE WHEN``
python  :func:`~.script.card_to_script`            ``score.py`` that imports the standard library alone
======  =========================================  ========================================================

A missing category is NULL, None or an absent value; where a form can hold none of these (CSV, ONNX), the empty string
stands for it. A part of a card exports too: what it computes are that owner's points, not a score.
"""

from vfl.report.exports.json_file import card_from_json, card_to_json
from vfl.report.exports.onnx_graph import card_to_onnx
from vfl.report.exports.pmml import card_to_pmml
from vfl.report.exports.script import card_to_script
from vfl.report.exports.sql import card_to_sql
from vfl.report.exports.write import ExportFormat, write_export, write_parts

__all__ = [
    "ExportFormat",
    "card_from_json",
    "card_to_json",
    "card_to_onnx",
    "card_to_pmml",
    "card_to_script",
    "card_to_sql",
    "write_export",
    "write_parts",
]
