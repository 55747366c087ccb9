"""What a protocol sends and who learns what, read from the code that runs.

A dry run of the choreography lists its messages; the message classes say what they are. ``vfl protocol show`` and
``vfl protocol leaks`` print from here, and ``python -m vfl.protocols.tables PAGE`` prints the page
``docs/protocols/PAGE.md``, ``boosted-trees`` or ``scorecards``, which a test keeps equal to the code.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vfl.config.job import JobSpec
from vfl.protocols.job import run_choreography
from vfl.runtime.choreography import Choreography
from vfl.runtime.dry import DryRun, Line

__all__ = [
    "PAGES",
    "MessageRow",
    "document",
    "dry_job",
    "leaks_table",
    "message_rows",
    "message_table",
    "sequence_diagram",
]

_TERMS = """\
[job]
name = "example"
bank = "bank"
platforms = [{platforms}]
bank_view = "main"
platform_view = "main"
as_of = 2026-01-01
model = "{model}"

[trees]
trees = 1
{more}
"""
_REPEATED = ("tree-", "logistic-step-")


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One line of the choreography; ``numbers`` has several where a loop repeats it."""

    numbers: tuple[int, ...]
    phase: str
    sender: str
    receivers: tuple[str, ...]
    message: str
    kind: str
    stream: bool
    announced: bool
    bits: str
    leaks: str
    leaks_zh: str


def dry_job(
    *, platforms: int = 1, scoring: bool = False, model: str = "trees", out_of_time: bool = False
) -> list[Line]:
    """The sends of an example job of ``"trees"`` or a ``"scorecard"``, or of a scoring job, in order.

    The one tree makes a split of the bank and a split of the first platform, so every line is passed.
    """
    names = ("platform-a", *(f"platform-{chr(ord('b') + i)}" for i in range(platforms - 1)))
    more = '[score]\nmodel = "earlier-job"\n' if scoring else ""
    more += "[sample]\nout_of_time = 0.2\n" if out_of_time else ""
    terms = _TERMS.format(platforms=", ".join(f'"{name}"' for name in names), model=model, more=more)
    run = DryRun()
    asyncio.run(run_choreography(Choreography(run), JobSpec.parse(terms, "example job")))
    return run.lines


def message_rows(lines: Sequence[Line]) -> list[MessageRow]:
    """One row per line of the choreography, in the order of first use."""
    numbers: dict[tuple[str, str, tuple[str, ...], str], list[int]] = {}
    first: dict[tuple[str, str, tuple[str, ...], str], Line] = {}
    for number, line in enumerate(lines, start=1):
        key = (_phase(line), line.sender, line.receivers, line.message.type_name)
        numbers.setdefault(key, []).append(number)
        first.setdefault(key, line)
    return [_row(tuple(numbers[key]), line) for key, line in first.items()]


def _row(numbers: tuple[int, ...], line: Line) -> MessageRow:
    privacy = line.message.privacy
    return MessageRow(
        numbers=numbers,
        phase=_phase(line),
        sender=line.sender,
        receivers=line.receivers,
        message=line.message.type_name,
        kind=privacy.kind.name,
        stream=line.stream,
        announced=line.announced,
        bits=privacy.bits,
        leaks=privacy.leaks,
        leaks_zh=privacy.leaks_zh,
    )


def _phase(line: Line) -> str:
    """``tree-0``, ``tree-1``, … are one phase to a reader; so are the steps of a regression."""
    stem = next((stem for stem in _REPEATED if line.phase.startswith(stem)), None)
    return line.phase if stem is None else stem.removesuffix("-")


def message_table(lines: Sequence[Line]) -> str:
    """Markdown: every message with its class and what it tells, per line of the choreography."""
    head = ("Line 行", "Phase 阶段", "From → to 方向", "Message 消息", "Kind 类别", "Bits at most 比特上限",
            "The receiver learns", "接收方得知")
    rows = (
        (
            _numbers(r.numbers),
            r.phase,
            f"{r.sender} → {', '.join(r.receivers)}",
            f"`{r.message}`{' (stream)' if r.stream else ''}{' (announced)' if r.announced else ''}",
            r.kind,
            r.bits,
            r.leaks,
            r.leaks_zh,
        )
        for r in message_rows(lines)
    )
    return _markdown(head, rows)


def _numbers(lines: tuple[int, ...]) -> str:
    """All of a few, the first ones and the last of many."""
    told = [*map(str, lines)]
    return ", ".join(told if len(told) <= 6 else [*told[:4], "…", told[-1]])


def leaks_table(lines: Sequence[Line]) -> str:
    """Markdown: by receiver, everything it learns; messages that tell nothing are left out."""
    rows = message_rows(lines)
    receivers = list(dict.fromkeys(name for row in rows for name in row.receivers))
    told = (
        (receiver, row.sender, row.leaks, row.leaks_zh, row.bits, f"`{row.message}`")
        for receiver in receivers
        for row in rows
        if receiver in row.receivers and row.bits != "0"
    )
    head = ("Who 得知方", "From 来源", "Learns", "得知内容", "Bits a message at most 每条消息比特上限",
            "Message 消息")
    return _markdown(head, told)


def sequence_diagram(lines: Sequence[Line]) -> str:
    """Mermaid source of the conversation."""
    names = list(dict.fromkeys(name for line in lines for name in (line.sender, *line.receivers)))
    out = ["sequenceDiagram", *(f"    participant p{i} as {name}" for i, name in enumerate(names))]
    phase = ""
    for line in lines:
        if line.phase != phase:
            phase = line.phase
            out.append(f"    Note over p0,p{len(names) - 1}: {phase}")
        arrow = "-)" if line.stream else "->>"
        for receiver in line.receivers:
            what = f"{line.message.type_name} ({line.message.privacy.kind.name})"
            out.append(f"    p{names.index(line.sender)}{arrow}p{names.index(receiver)}: {what}")
    return "\n".join(out)


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


@dataclass(frozen=True, slots=True)
class _Page:
    """What a page says of its own model."""

    model: str
    title: str
    example: str
    once: bool
    """Whether the conversation shows a repeated line where it is first passed, and not again."""
    platforms: int = 1


PAGES = {
    "boosted-trees": _Page(
        "trees",
        "Boosted trees: messages and what they tell 提升树：消息与信息披露",
        """\
The lines are those of a job with one bank and one platform whose only tree makes one split of the bank and one of the
platform; further trees and splits repeat them. *Stream*: sent in chunks. *Announced*: all follow the decision. The
coordinator relays sealed bodies: it learns who sends to whom, when, which type, and how many bytes.
各行对应一家银行与一个平台、一棵含两个分裂的树；更多的树与分裂只是重复这些行。协调节点仅转发密封内容，可见收发双方、时间、消息类型与字节数。""",
        once=False,
    ),
    "scorecards": _Page(
        "scorecard",
        "Scorecards: messages and what they tell 评分卡：消息与信息披露",
        """\
The lines are those of a job with one bank and one platform in which no owner wants a second pass of the regression.
*Stream*: sent in chunks. *Announced*: all follow the decision. The coordinator relays sealed bodies: it learns who
sends to whom, when, which type, and how many bytes.
各行对应一家银行与一个平台、逻辑回归一遍；更多的步数只是重复这些行。协调节点仅转发密封内容，可见收发双方、时间、消息类型与字节数。""",
        once=True,
    ),
    "scorecards-of-several-platforms": _Page(
        "scorecard",
        "Scorecards of several platforms: messages and what they tell 多平台评分卡：消息与信息披露",
        """\
The lines are those of a job with one bank and three platforms. The first platform computes with the bank, as in a job
with one platform; the others provide columns and hold neither key nor share. *Stream*: sent in chunks. *Announced*: all
follow the decision.
各行对应一家银行与三个平台。首个平台与银行共同计算（与单平台任务相同），其余平台只提供列，不持有密钥与份额。""",
        once=True,
        platforms=3,
    ),
}  # fmt: skip


def document(name: str) -> str:
    """``docs/protocols/NAME.md``, one of :data:`PAGES`."""
    page = PAGES[name]
    lines = dry_job(model=page.model, platforms=page.platforms)
    passed = [lines[row.numbers[0] - 1] for row in message_rows(lines)] if page.once else lines
    scoring = dry_job(scoring=True, model=page.model, platforms=page.platforms)
    return f"""# {page.title}

Made from the code by `python -m vfl.protocols.tables {name}`; a test keeps it so. Do not edit.
本页由代码生成，请勿手工修改。

{page.example}

## Messages 消息

{message_table(lines)}

## Who learns what 各方得知的信息

{leaks_table(lines)}

## Conversation 消息时序

```mermaid
{sequence_diagram(passed)}
```

## Scoring a batch 批量评分

{message_table(scoring)}
"""


if __name__ == "__main__":
    print(document(sys.argv[1]), end="")
