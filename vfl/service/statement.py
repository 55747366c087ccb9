"""The ledger as people read it: what left each domain, by whom, to whom, and what it tells."""

from __future__ import annotations

from vfl.errors import Text
from vfl.report.model import Ledger as LedgerSection
from vfl.report.model import LedgerRow
from vfl.runtime.egress import Ledger
from vfl.wire.messages import message_named

__all__ = ["ledger_section"]


def ledger_section(party: str, sent: Ledger, received: Ledger) -> LedgerSection:
    """Rows of what ``party`` sent and received; what each type tells is read from the message classes."""
    rows = [_row(t, party, peer, line.messages, line.bytes, line.bits) for (t, peer), line in sent.lines.items()]
    rows += [
        _row(t, peer, party, line.messages, line.bytes, float("nan")) for (t, peer), line in received.lines.items()
    ]
    histograms = sum(line.messages for (t, _), line in received.lines.items() if t == "LeafHistogram")
    statements = (
        Text(
            en=f"No row value and no label left any domain. The bank read {histograms} masked replies with sums per "
            "anonymous bin; the platforms read ciphertexts and row partitions.",
            zh=f"任何样本值与标签均未出域。银行读取了 {histograms} 条按匿名分箱汇总的掩码应答；平台仅得到密文与样本划分。",
        ),
    )
    return LedgerSection(tuple(rows), statements)


def _row(type_name: str, sender: str, receiver: str, count: int, size: int, bits: float) -> LedgerRow:
    made = message_named(type_name)
    if made is None:
        return LedgerRow(type_name, "public", sender, receiver, count, size, Text(type_name, type_name), bits)
    privacy = made.privacy
    learns = Text(en=privacy.leaks, zh=privacy.leaks_zh)
    return LedgerRow(type_name, privacy.kind.name.lower(), sender, receiver, count, size, learns, bits)
