"""The bank's model report: data first (:mod:`vfl.report.model`), then one self-contained HTML file.

A job fills a :class:`ReportModel` with what its reader may know and calls :func:`write_report`.
"""

from __future__ import annotations

from vfl.report.compare import compare
from vfl.report.model import ReportModel
from vfl.report.render import render, write_report

__all__ = ["ReportModel", "compare", "render", "write_report"]
