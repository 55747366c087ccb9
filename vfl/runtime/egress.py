"""The one exit. Nothing reaches a transport except through :meth:`Egress.release`.

A message leaves when, in this order: it is a classed message; its class allows this sender and these receivers;
the signed contract budgets its type; this node's policy does not refuse it; the budget covers it. It is then
serialised, entered in the ledger, and handed to whoever journals, audits and sends it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vfl.config.contract import Contract
from vfl.errors import BudgetSpent, EgressRefused, PolicyRefused, Text
from vfl.wire.codec import MAX_BODY, encode
from vfl.wire.messages import WireMessage, message_named

__all__ = ["Egress", "EgressPolicy", "Ledger", "LedgerLine", "Released"]


class EgressPolicy(Protocol):
    """The part of a node's policy that the egress asks. It can only refuse."""

    def refusal(self, type_name: str) -> str | None:
        """The rule that refuses this message type, or None."""


@dataclass(slots=True)
class LedgerLine:
    """What one receiver got of one message type."""

    messages: int = 0
    bytes: int = 0
    bits: int = 0


@dataclass(slots=True)
class Ledger:
    """Running totals of what left, by (message type, receiver)."""

    lines: dict[tuple[str, str], LedgerLine] = field(default_factory=dict)

    def line(self, type_name: str, receiver: str) -> LedgerLine:
        return self.lines.setdefault((type_name, receiver), LedgerLine())

    def dump(self) -> list[list[object]]:
        return [[t, r, x.messages, x.bytes, x.bits] for (t, r), x in sorted(self.lines.items())]

    @classmethod
    def load(cls, rows: Iterable[list[object]]) -> Ledger:
        out = cls()
        for t, r, messages, size, bits in rows:
            out.lines[str(t), str(r)] = LedgerLine(int(str(messages)), int(str(size)), int(str(bits)))
        return out


@dataclass(frozen=True, slots=True, repr=False)
class Released:
    """A message that may leave: its bytes, and what the audit records of it."""

    type_name: str
    body: bytes
    digest: str
    bits: int
    reasons: tuple[str, ...]


class Egress:
    """The exit of one party in one job."""

    def __init__(
        self, party: str, contract: Contract, policy: EgressPolicy, *, ledger: Ledger | None = None
    ) -> None:
        self._party = party
        self._role = contract.parties[party]
        self._contract = contract
        self._policy = policy
        self.ledger = ledger or Ledger()

    def release(self, message: WireMessage, receivers: Sequence[str]) -> Released:
        """Check ``message`` for each receiver and return its bytes.

        Raises
        ------
        EgressRefused
            Not a classed message, wrong direction, unknown receiver, too long, or not in the contract.
        PolicyRefused, BudgetSpent
        """
        if not isinstance(message, WireMessage) or message_named(type(message).__name__) is not type(message):
            raise _refused("EGRESS_UNCLASSED", "something that is not a classed message", "未分类的内容")
        name = message.type_name
        for receiver in receivers:
            self._check_direction(message, receiver)
        rule = self._policy.refusal(name)
        if rule is not None:
            raise PolicyRefused(
                "POLICY_REFUSES_MESSAGE",
                Text(en=f"this node's policy ({rule}) refuses {name}", zh=f"本节点策略（{rule}）拒绝发送 {name}"),
                cure=Text(en="ask the node's operator to change policy.toml", zh="请节点管理员修改 policy.toml"),
            )
        body = encode(message)
        if len(body) > MAX_BODY:
            raise _refused("EGRESS_TOO_LONG", f"{name} of more than {MAX_BODY} bytes", f"超过 {MAX_BODY} 字节的 {name}")
        bits = message.disclosed_bits()
        for receiver in receivers:
            self._charge(name, receiver, len(body), bits)
        return Released(name, body, hashlib.sha256(body).hexdigest(), bits, _reasons(message))

    def _check_direction(self, message: WireMessage, receiver: str) -> None:
        declared = message.privacy
        role = self._contract.parties.get(receiver)
        if role is None:
            raise _refused("EGRESS_UNKNOWN_PARTY", f"{message.type_name} to a party outside the contract",
                           f"向合同之外的一方发送 {message.type_name}")
        if declared.sender is not self._role or role not in declared.receivers:
            raise _refused("EGRESS_DIRECTION", f"{message.type_name} from {self._role} to {role}",
                           f"由 {self._role} 向 {role} 发送 {message.type_name}")

    def _charge(self, name: str, receiver: str, size: int, bits: int) -> None:
        budget = self._contract.budgets.get(name)
        if budget is None:
            raise _refused("EGRESS_NOT_IN_CONTRACT", f"{name}, which the contract does not list",
                           f"合同未列出的 {name}")
        line = self.ledger.line(name, receiver)
        if line.messages + 1 > budget.messages or line.bits + bits > budget.bits:
            raise BudgetSpent(
                "BUDGET_SPENT",
                Text(
                    en=f"the contract allows {budget.messages} {name} with {budget.bits} bits to {receiver}; "
                    "this one would exceed it",
                    zh=f"合同允许向 {receiver} 发送 {budget.messages} 条 {name}、共 {budget.bits} 比特，再发送将超限",
                ),
                cure=Text(en="agree a new contract with a larger budget", zh="重新签订额度更大的合同"),
            )
        line.messages += 1
        line.bytes += size
        line.bits += bits


def _reasons(message: WireMessage) -> tuple[str, ...]:
    values = [getattr(message, field.name) for field in dataclasses.fields(message)]  # type: ignore[arg-type]
    return tuple(sorted({r for v in values if (r := getattr(v, "reason", ""))}))


def _refused(code: str, en: str, zh: str) -> EgressRefused:
    return EgressRefused(
        code,
        Text(en=f"refused to send {en}", zh=f"拒绝{zh if zh.startswith(('由', '向')) else '发送' + zh}"),
        cure=Text(
            en="nothing was sent; report this to the maintainers of the protocol",
            zh="未发送任何内容；请将此情况报告给协议维护者",
        ),
    )


