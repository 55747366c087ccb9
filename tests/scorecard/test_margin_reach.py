"""A card whose training margins left the range in which the sigmoid was fitted is refused before it is judged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from party_bank.steps.scorecard import BankCardSteps
from vfl.config.scorecard import ScalingSpec
from vfl.core.binned_table import BinnedTable
from vfl.core.scorecard import Scaling
from vfl.core.woe import WoeColumns
from vfl.errors import DataError
from vfl.protocols.logistic_code import MARGIN_REACH
from vfl.protocols.messages.scorecard import PlatformPoints
from vfl.wire.carriers import disclose

ROWS, TRAIN = 10, 6


def steps(rate: float = 0.5) -> BankCardSteps:
    """A bank that brings labels only: each score is its start and a platform's points."""
    labels = np.zeros(TRAIN)
    labels[: round(rate * TRAIN)] = 1.0
    spec = SimpleNamespace(scaling=ScalingSpec(), platforms=("platform-a",))
    alignment = SimpleNamespace(rows=np.arange(ROWS))
    work: Any = SimpleNamespace(
        spec=spec, party="bank-a", alignment=alignment, parts=(slice(0, TRAIN), slice(TRAIN, TRAIN), slice(TRAIN, ROWS))
    )
    columns = WoeColumns((), np.zeros((ROWS, 0), dtype=np.uint8), (), np.zeros(0))
    binning: Any = SimpleNamespace(
        features=[], screening=SimpleNamespace(kept=()), binned=lambda: BinnedTable(()), columns=lambda: columns
    )
    logistic: Any = SimpleNamespace(
        coefficients=np.array([0.0]), labels=lambda: labels, weights=lambda: np.ones(TRAIN)
    )
    return BankCardSteps(work, binning, logistic)


def points(margin: float, row: int) -> PlatformPoints:
    """All rows at the base odds but one, whose log odds are off by ``margin``."""
    off = [0] * ROWS
    off[row] = -round(Scaling().factor * margin)
    return PlatformPoints(disclose(tuple(off), reason="test"))


@pytest.mark.parametrize("margin", [MARGIN_REACH + 0.1, -MARGIN_REACH - 0.1])
def test_a_training_row_out_of_reach_refuses_the_card(margin: float) -> None:
    card = steps()
    card.take_points(points(margin, row=TRAIN - 1), "platform-a")
    with pytest.raises(DataError) as refused:
        card.add_up()
    assert refused.value.code == "CARD_MARGIN_REACH"
    assert "1 training rows" in str(refused.value)
    assert not len(card.scores), "and no score of it is kept"


@pytest.mark.parametrize(("margin", "row"), [(MARGIN_REACH - 0.1, 0), (-MARGIN_REACH + 0.1, 0), (40.0, TRAIN)])
def test_rows_within_reach_and_held_out_ones_do_not(margin: float, row: int) -> None:
    card = steps()
    card.take_points(points(margin, row), "platform-a")
    card.add_up()
    assert len(card.scores) == ROWS


def test_the_range_lies_about_the_base_rate() -> None:
    card = steps(rate=1 / 6)
    card.take_points(points(MARGIN_REACH - 0.5, row=0), "platform-a")
    with pytest.raises(DataError, match="CARD_MARGIN_REACH"):
        card.add_up()
