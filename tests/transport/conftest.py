from __future__ import annotations

from pathlib import Path

import pytest
from transport_harness import Network


@pytest.fixture
def network(tmp_path: Path) -> Network:
    """An authority and a coordinator that can be stopped and started on the same port."""
    return Network(tmp_path)
