"""The ledger as people read it: what left each domain, by whom, to whom, and what it tells."""

from __future__ import annotations

from collections.abc import Iterator

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
        _row(t, peer, party, line.messages, line.bytes, line.bits) for (t, peer), line in received.lines.items()
    ]
    return LedgerSection(tuple(rows), tuple(_statements(party, received)))


def _statements(party: str, received: Ledger) -> Iterator[Text]:
    """What this party learned, in sentences."""
    count = {t: sum(x.messages for (u, _), x in received.lines.items() if u == t) for t, _ in received.lines}
    yield Text(
        en=f"{party} received no feature value and no label of anyone.",
        zh=f"{party} 未收到任何一方的特征值或标签。",
    )
    if sums := count.get("LeafHistogram"):
        yield Text(
            en=f"It read {sums} replies with sums over whole leaves, per anonymous bin, and nothing beside.",
            zh=f"读取了 {sums} 条按匿名分箱、针对整个叶节点的汇总应答，窗口之外不可读。",
        )
    if sides := count.get("SplitSides"):
        yield Text(
            en=f"It learned each aligned row's side at {sides} splits of the platforms, not where they cut.",
            zh=f"得知每个对齐样本在平台 {sides} 个分裂处的左右方向，但不知分裂位置。",
        )


def _row(type_name: str, sender: str, receiver: str, count: int, size: int, bits: float) -> LedgerRow:
    made = message_named(type_name)
    if made is None:
        raise LookupError(f"the ledger names {type_name}, which is no message class")
    privacy = made.privacy
    learns = Text(en=privacy.leaks, zh=privacy.leaks_zh)
    return LedgerRow(type_name, privacy.kind.name.lower(), sender, receiver, count, size, learns, bits)
