"""The page of messages and leaks is the code's own; the dry run passes every line that a real run passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.jobs import BANK, Shape, played

from vfl.protocols.tables import PAGES, document, dry_job, leaks_table, message_rows, message_table, sequence_diagram
from vfl.wire.messages import all_messages
from vfl.wire.privacy import Kind

DOCS = Path(__file__).parents[2] / "docs" / "protocols"


@pytest.mark.parametrize("name", PAGES)
def test_page_is_fresh(name: str) -> None:
    """Make it anew with ``python -m vfl.protocols.tables NAME > docs/protocols/NAME.md``."""
    assert (DOCS / f"{name}.md").read_text(encoding="utf-8") == document(name)


def test_every_message_of_scorecards_is_on_their_page() -> None:
    """Those that only a contract with more steps or periods sends are in the modules of the others."""
    lines = dry_job(model="scorecard") + dry_job(model="scorecard", scoring=True)
    told = {line.message.type_name for line in lines}
    assert {"PreBinRows", "EventSums", "BankEncrypted", "PlatformShare", "PlatformPoints", "CardAnswers"} <= told
    cards = {n for n, made in all_messages().items() if made.__module__.endswith((".scorecard", ".binning"))}
    assert cards <= told


@pytest.mark.parametrize("platforms", [1, 2, 3])
def test_dry_run_lists_what_a_real_run_sends(platforms: int) -> None:
    names = {"bank": BANK}
    dry = {
        (names.get(line.sender, line.sender), names.get(receiver, receiver), line.message.type_name)
        for line in dry_job(platforms=platforms)
        for receiver in line.receivers
    }
    real = {(s.sender, s.receiver, s.type_name) for s in played(Shape(platforms=platforms)).trace}
    # The dry tree splits at the first platform only; a real one may split at any.
    splits = {"SplitRequest", "SplitSides"}
    assert {s for s in real if s[2] not in splits} == {s for s in dry if s[2] not in splits}
    assert {s[2] for s in real} == {s[2] for s in dry}


def test_dry_run_keeps_the_order_of_a_real_run() -> None:
    """Of each type, its first message comes where the dry run has it."""
    dry = list(dict.fromkeys(line.message.type_name for line in dry_job()))
    real = list(dict.fromkeys(s.type_name for s in played(Shape()).trace))
    assert dry[: dry.index("Growth")] == real[: real.index("Growth")]


def test_every_message_class_of_these_protocols_is_on_the_page() -> None:
    lines = dry_job() + dry_job(scoring=True)
    homes = {line.message.__module__ for line in lines}
    of_these = {name for name, made in all_messages().items() if made.__module__ in homes}
    assert {line.message.type_name for line in lines} == of_these


def test_decisions_that_steer_are_told_in_the_open() -> None:
    announced = [line for line in dry_job(platforms=2) if line.announced]
    assert {line.message.type_name for line in announced} == {"TreeBegin", "Growth", "LeafRows"}
    assert all(line.message.privacy.kind is Kind.DISCLOSURE for line in announced)
    assert all(len(line.receivers) == 2 for line in announced)


def test_tables_name_what_is_told_and_leave_out_nothing() -> None:
    lines = dry_job()
    table, leaks, diagram = message_table(lines), leaks_table(lines), sequence_diagram(lines)
    for row in message_rows(lines):
        assert f"`{row.message}`" in table
        assert row.leaks in table
        assert row.leaks_zh in table
        assert (f"`{row.message}`" in leaks) == (row.bits != "0")
        assert f": {row.message} ({row.kind})" in diagram
    assert next(line.numbers for line in message_rows(lines) if line.message == "TreeBegin")[1:], "a loop has two lines"
