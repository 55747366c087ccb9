"""From the running totals of each node's one exit to the report's page on what left."""

from __future__ import annotations

import math
from collections.abc import Mapping

import vfl.protocols.messages  # noqa: F401 (registers every message class; else no type would be known)
from vfl.errors import LocalProtocolError, Text
from vfl.report import model
from vfl.runtime.egress import Ledger
from vfl.wire.messages import WireMessage, all_messages

__all__ = ["ledger_of"]


def ledger_of(
    exits: Mapping[str, Ledger], *, statements: tuple[Text, ...] = (), budget_bits: float = math.nan
) -> model.Ledger:
    """The ledgers of the parties that share theirs with the reader, as one.

    Parameters
    ----------
    exits : mapping of str to Ledger
        By party, in the order the report names them.
    statements : tuple of Text
        Whole sentences to head the page.
    budget_bits : float
        What the contract allows in all; NaN where it names no such sum.

    Raises
    ------
    LocalProtocolError
        ``LEDGER_UNKNOWN_MESSAGE``: a type that this version of the software does not know.
    """
    known = all_messages()
    places = {name: place for place, name in enumerate(known)}
    rows = []
    for sender, ledger in exits.items():
        lines = sorted(ledger.lines.items(), key=lambda item: (places.get(item[0][0], -1), item[0][1]))
        for (type_name, receiver), line in lines:
            declared = _declared(known, type_name)
            rows.append(
                model.LedgerRow(
                    message=type_name,
                    kind=declared.privacy.kind.name.lower(),
                    sender=sender,
                    receiver=receiver,
                    count=line.messages,
                    bytes=line.bytes,
                    learns=Text(en=declared.privacy.leaks, zh=declared.privacy.leaks_zh),
                    bits=float(line.bits),
                )
            )
    return model.Ledger(tuple(rows), statements, budget_bits)


def _declared(known: Mapping[str, type[WireMessage]], type_name: str) -> type[WireMessage]:
    if type_name not in known:
        raise LocalProtocolError(
            "LEDGER_UNKNOWN_MESSAGE",
            Text(f"The ledger names {type_name}, which is no message here.", f"台账中的 {type_name} 不是已知消息。"),
            cure=Text(
                "Make the report with the version of the software that ran the job.",
                "请用运行该作业的软件版本生成报告。",
            ),
        )
    return known[type_name]
