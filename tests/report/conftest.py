from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from report_example import example

from vfl.report.model import ReportModel


@pytest.fixture(scope="session")
def full_report() -> ReportModel:
    """A report with every section, of models fitted for it."""
    return example()
