from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.scorecards import Fitted, fitted


@pytest.fixture(scope="session", name="fitted")
def fitted_card() -> Fitted:
    return fitted()
