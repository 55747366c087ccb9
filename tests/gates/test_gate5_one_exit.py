"""Gate 5, one exit: every refusal of :class:`Egress` by name, and no road to a transport beside it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vfl.config.contract import Budget, Contract
from vfl.config.policy import Policy
from vfl.errors import BudgetSpent, EgressRefused, PolicyRefused, PrivacyError
from vfl.protocols.messages.alignment import BankHello, Matches, PlatformHello
from vfl.protocols.messages.boosting import SplitSides, TreeBegin
from vfl.protocols.messages.keys import KeyAck
from vfl.roles import RoleName
from vfl.runtime.egress import Egress, Ledger
from vfl.wire.carriers import disclose, public
from vfl.wire.codec import MAX_BODY
from vfl.wire.messages import WireMessage

ROOT = Path(__file__).parents[2]
PARTIES = {
    "bank-a": RoleName.BANK, "platform-a": RoleName.PLATFORM, "platform-b": RoleName.PLATFORM,
    "hub": RoleName.COORDINATOR,
}  # fmt: skip


def contract(**budgets: Budget) -> Contract:
    types = ("TreeBegin", "BankHello", "PlatformHello", "SplitSides", "Matches")
    return Contract("job-1", PARTIES, dict.fromkeys(types, Budget(3, 100)) | budgets, "terms")


def begin() -> TreeBegin:
    return TreeBegin(disclose(True, reason="control flow"), disclose(True, reason="control flow"))


def sides(rows: int = 8) -> SplitSides:
    return SplitSides(disclose(np.ones(rows, dtype=np.bool_), reason="routing"))


def hello() -> PlatformHello:
    told = disclose(1024, reason="sizes")
    return PlatformHello(told, disclose(b"o", reason="order"), disclose(b"k", reason="shares"))


class Unregistered(WireMessage):
    """A message class that no proto stands behind."""


class TreeBeginTwin(TreeBegin):
    """Claims another class's name to pass under its declaration."""


TreeBeginTwin.__name__ = "TreeBegin"

Send = Callable[[], object]
BANK = Egress("bank-a", contract(), Policy())
PLATFORM = Egress("platform-a", contract(), Policy())


@pytest.mark.parametrize(
    ("send", "code"),
    [
        (lambda: BANK.release(b"raw", ["platform-a"]), "EGRESS_UNCLASSED"),  # type: ignore[arg-type]
        (lambda: BANK.release(Unregistered(), ["platform-a"]), "EGRESS_UNCLASSED"),
        (lambda: BANK.release(twin(), ["platform-a"]), "EGRESS_UNCLASSED"),
        (lambda: BANK.release(begin(), ["platform-z"]), "EGRESS_UNKNOWN_PARTY"),
        (lambda: BANK.release(begin(), ["hub"]), "EGRESS_DIRECTION"),
        (lambda: PLATFORM.release(begin(), ["bank-a"]), "EGRESS_DIRECTION"),
        (lambda: PLATFORM.release(sides(), ["platform-b"]), "EGRESS_DIRECTION"),
        (lambda: BANK.release(sides(), ["platform-a"]), "EGRESS_DIRECTION"),
        (lambda: PLATFORM.release(KeyAck(public(b"k")), ["bank-a"]), "EGRESS_NOT_IN_CONTRACT"),
        (lambda: BANK.release(Matches(disclose(bytes(MAX_BODY), reason="x")), ["platform-a"]), "EGRESS_TOO_LONG"),
    ],
)
def test_refusals_by_name(send: Send, code: str) -> None:
    with pytest.raises(EgressRefused) as caught:
        send()
    assert caught.value.code == code
    assert BANK.ledger.lines == {}
    assert PLATFORM.ledger.lines == {}


def twin() -> TreeBegin:
    return TreeBeginTwin(disclose(True, reason="x"), disclose(True, reason="x"))


def test_one_bad_receiver_of_several_stops_the_message() -> None:
    out = Egress("platform-a", contract(), Policy())
    with pytest.raises(EgressRefused):
        out.release(hello(), ["bank-a", "hub"])
    assert out.ledger.lines == {}


def test_policy_refuses_by_message_type() -> None:
    out = Egress("platform-a", contract(), Policy(refused_messages=("SplitSides",)))
    with pytest.raises(PolicyRefused) as caught:
        out.release(sides(), ["bank-a"])
    assert caught.value.code == "POLICY_REFUSES_MESSAGE"
    assert out.release(hello(), ["bank-a"]).type_name == "PlatformHello"


@pytest.mark.parametrize(
    ("budget", "passed"), [(Budget(2, 10_000), 2), (Budget(100, 24), 3), (Budget(0, 0), 0), (Budget(100, 7), 0)]
)
def test_budgets_count_messages_and_bits_per_receiver(budget: Budget, passed: int) -> None:
    out = Egress("platform-a", contract(SplitSides=budget), Policy())
    for _ in range(passed):
        out.release(sides(8), ["bank-a"])
    with pytest.raises(BudgetSpent) as caught:
        out.release(sides(8), ["bank-a"])
    assert caught.value.code == "BUDGET_SPENT"
    line = out.ledger.line("SplitSides", "bank-a")
    assert (line.messages, line.bits) == (passed, 8 * passed)


def test_each_receiver_has_its_own_budget() -> None:
    out = Egress("bank-a", contract(TreeBegin=Budget(1, 2)), Policy())
    out.release(begin(), ["platform-a"])
    out.release(begin(), ["platform-b"])
    with pytest.raises(BudgetSpent):
        out.release(begin(), ["platform-b"])


def test_a_restored_ledger_goes_on_counting() -> None:
    first = Egress("platform-a", contract(SplitSides=Budget(1, 8)), Policy())
    first.release(sides(8), ["bank-a"])
    rows = first.ledger.dump()
    again = Egress("platform-a", contract(SplitSides=Budget(1, 8)), Policy(), ledger=Ledger.load(rows))
    assert again.ledger.dump() == rows == [["SplitSides", "bank-a", 1, rows[0][3], 8]]
    with pytest.raises(BudgetSpent):
        again.release(sides(8), ["bank-a"])


def test_what_is_released_says_why_and_shows_nothing() -> None:
    released = Egress("platform-a", contract(), Policy()).release(sides(), ["bank-a"])
    assert released.reasons == ("routing",)
    assert "body" not in repr(released)
    assert released.body.hex() not in repr(released)


def test_refusals_name_no_value() -> None:
    out = Egress("bank-a", contract(BankHello=Budget(0, 0)), Policy())
    message = BankHello(disclose(1280, reason="x"), disclose(b"secret", reason="x"), disclose(b"key", reason="x"))
    with pytest.raises(PrivacyError) as caught:
        out.release(message, ["platform-a"])
    assert "secret" not in caught.value.in_("en") + caught.value.in_("zh")
    assert "1280" not in caught.value.in_("en")


# --- no road beside it ------------------------------------------------------------------------------------------------


def makes_released(tree: ast.AST) -> bool:
    return any(isinstance(n, ast.Call) and ast.unparse(n.func).endswith("Released") for n in ast.walk(tree))


def test_only_the_exit_makes_what_a_channel_takes() -> None:
    """Channel and session take ``Released`` only (mypy), and nobody else makes one."""
    makers = [
        path.relative_to(ROOT).as_posix()
        for package in ("vfl", "party_bank", "party_platform", "coordinator")
        for path in sorted((ROOT / package).rglob("*.py"))
        if makes_released(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert makers == ["vfl/runtime/egress.py"]
    assert makes_released(ast.parse("send(egress.Released('T', rows, '', 0, ()))"))


def test_nodes_and_protocols_hold_no_transport() -> None:
    """Steps and choreographies import nothing that reaches a network."""
    banned = ("vfl.runtime.transport", "vfl.runtime.session", "vfl.runtime.grpc", "vfl.runtime.client", "socket",
              "vfl.runtime.memory", "vfl.runtime.switchboard", "http", "urllib", "asyncio", "subprocess")  # fmt: skip
    found = {}
    for folder in ("party_bank/steps", "party_platform/steps", "vfl/protocols", "vfl/core", "vfl/wire"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                module = node.module if isinstance(node, ast.ImportFrom) else None
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else [module or ""]
                bad = [n for n in names if n.startswith(banned)]
                if bad and path.name != "tables.py":  # runs a dry choreography, which sends nothing
                    found[path.name] = bad
    assert found == {}
