"""What the exits counted is what the page shows, in the words that the message classes declare."""

from __future__ import annotations

import dataclasses

import pytest
from page_reader import Page

from vfl.errors import LocalProtocolError
from vfl.report.ledger import ledger_of
from vfl.report.model import ReportModel
from vfl.report.render import render
from vfl.report.sankey import KIND_COLOURS
from vfl.report.texts import LABELS
from vfl.runtime.egress import Ledger, LedgerLine
from vfl.wire.messages import all_messages
from vfl.wire.privacy import Kind


def test_every_kind_has_a_colour_and_words() -> None:
    for kind in Kind:
        assert kind.name.lower() in KIND_COLOURS
        assert f"kind_{kind.name.lower()}" in LABELS
        assert f"kind_{kind.name.lower()}_means" in LABELS


def test_counts_and_words_come_from_the_exit_and_the_class(full_report: ReportModel) -> None:
    names = list(all_messages())
    exits = {
        "bank-a": Ledger({(name, "platform-a"): LedgerLine(i + 1, 1000 * i, 8 * i) for i, name in enumerate(names)}),
        "platform-a": Ledger({(names[0], "bank-a"): LedgerLine(7, 70, 3)}),
    }
    ledger = ledger_of(exits)
    assert [row.message for row in ledger.rows] == [*names, names[0]]
    for row, name in zip(ledger.rows, names, strict=False):
        declared = all_messages()[name].privacy
        assert (row.learns.en, row.learns.zh) == (declared.leaks, declared.leaks_zh)
        assert row.kind == declared.kind.name.lower()
    assert sum(row.count for row in ledger.rows) == sum(range(1, len(names) + 1)) + 7
    page = Page(render(dataclasses.replace(full_report, ledger=ledger)))
    assert page.errors == []
    assert all_messages()[names[-1]].privacy.leaks_zh in page.texts["zh"]


def test_a_type_from_another_version_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="LEDGER_UNKNOWN_MESSAGE"):
        ledger_of({"bank-a": Ledger({("Gossip", "platform-a"): LedgerLine(1, 1, 1)})})
