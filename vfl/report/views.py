"""What the page shows beside the model's own numbers: sums, shares, rates and the sentences of the summary.

Plain functions of report data, so that a reader can check each column of a table against its formula here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from vfl.errors import Text
from vfl.report.formats import (
    as_bits,
    as_bytes,
    as_count,
    as_interval,
    as_number,
    as_percent,
    as_range,
    as_seconds,
    ratio,
)
from vfl.report.model import Ledger, LedgerRow, ReportModel
from vfl.report.performance_model import (
    Band,
    Interval,
    ModelKind,
    ModelPerformance,
    Performance,
    RankPoint,
    SplitPerformance,
)
from vfl.report.scorecard_model import Bin, BinningTable, Feature, Scaling, StabilitySection
from vfl.report.strategy_model import StrategySection
from vfl.report.texts import LABELS, MODEL_NAMES, split_name

__all__ = [
    "BinRow",
    "LedgerEdge",
    "LiftView",
    "StabilityLine",
    "StabilityTable",
    "band_name",
    "bin_rows",
    "caught_at",
    "findings",
    "headline",
    "iv_strength",
    "job_seconds",
    "ledger_bits",
    "ledger_edges",
    "lift_rows",
    "scaling_sentence",
    "stability_table",
    "strategy_sentence",
    "thinned",
    "verdict",
]

T = TypeVar("T")


def band_name(band: Band) -> str:
    return as_range(band.lower, band.upper)


@dataclass(frozen=True, slots=True)
class LiftView:
    group: int
    rows: int
    events: int
    rate: float
    lift: float
    cumulative_lift: float
    caught: float


def lift_rows(performance: SplitPerformance) -> list[LiftView]:
    """The lift table with its cumulative columns."""
    base = ratio(performance.events, performance.rows)
    views = []
    rows = events = 0
    for row in performance.lift:
        rows += row.rows
        events += row.events
        rate = ratio(row.events, row.rows)
        views.append(
            LiftView(
                group=row.group,
                rows=row.rows,
                events=row.events,
                rate=rate,
                lift=ratio(rate, base),
                cumulative_lift=ratio(ratio(events, rows), base),
                caught=ratio(events, performance.events),
            )
        )
    return views


@dataclass(frozen=True, slots=True)
class BinRow:
    """A bin with its share of rows, its event rate and that rate over the table's (lift)."""

    bin: Bin
    share: float
    rate: float
    lift: float


def bin_rows(table: BinningTable) -> list[BinRow]:
    """NaN where the reader is not told the counts that a figure is made of, of all bins."""
    rows = None if any(b.rows is None for b in table.bins) else sum(b.rows or 0 for b in table.bins)
    events = None if any(b.events is None for b in table.bins) else sum(b.events or 0 for b in table.bins)
    base = ratio(events, rows)
    return [
        BinRow(bin=b, share=ratio(b.rows, rows), rate=rate, lift=ratio(rate, base))
        for b, rate in ((b, ratio(b.events, b.rows)) for b in table.bins)
    ]


def caught_at(ranking: Sequence[RankPoint], non_events: float) -> float:
    """Share of events caught where the curve flags this share of the non-events; NaN without a curve."""
    for left, right in pairwise(ranking):
        if left.non_events <= non_events <= right.non_events and left.non_events < right.non_events:
            way = (non_events - left.non_events) / (right.non_events - left.non_events)
            return left.events + way * (right.events - left.events)
    return math.nan


def ledger_bits(rows: Iterable[LedgerRow]) -> float:
    """Sum of the stated bounds; NaN where none is stated."""
    stated = [row.bits for row in rows if math.isfinite(row.bits)]
    return sum(stated) if stated else math.nan


@dataclass(frozen=True, slots=True)
class LedgerEdge:
    """All that one party sent another."""

    sender: str
    receiver: str
    messages: int
    bytes: int
    bits: float


def ledger_edges(ledger: Ledger) -> list[LedgerEdge]:
    """One row per direction, in order of first appearance."""
    edges: dict[tuple[str, str], list[LedgerRow]] = {}
    for row in ledger.rows:
        edges.setdefault((row.sender, row.receiver), []).append(row)
    return [
        LedgerEdge(*edge, sum(r.count for r in rows), sum(r.bytes for r in rows), ledger_bits(rows))
        for edge, rows in edges.items()
    ]


def thinned(points: Sequence[T], count: int = 20) -> list[T]:
    """About ``count`` of ``points``, evenly spaced, first and last kept: enough for a table."""
    if len(points) <= count:
        return list(points)
    return [points[round(i * (len(points) - 1) / (count - 1))] for i in range(count)]


def verdict(gain: Interval) -> str:
    """Key of the words for a gain and its interval."""
    if not (math.isfinite(gain.low) and math.isfinite(gain.high)):
        return "gain_unknown"
    return "gain_sure" if gain.low > 0 else "gain_loss" if gain.high < 0 else "gain_unsure"


@dataclass(frozen=True, slots=True)
class StabilityLine:
    """Indices of the score (``feature`` None) or of a feature, one per period; NaN where there is none."""

    feature: Feature | None
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StabilityTable:
    """One line per score or feature, one column per split or period."""

    periods: tuple[str, ...]
    rows: tuple[StabilityLine, ...]
    reading: Text


def stability_table(section: StabilitySection) -> StabilityTable:
    """The rows of ``section`` side by side, and what their worst says."""
    periods = tuple(dict.fromkeys(row.period for row in section.rows))
    found = {(row.feature, row.period): row.value for row in section.rows}
    features = dict.fromkeys(row.feature for row in section.rows)
    lines = tuple(StabilityLine(f, tuple(found.get((f, p), math.nan) for p in periods)) for f in features)
    known = [row for row in section.rows if math.isfinite(row.value)]
    if not known:
        return StabilityTable(periods, lines, LABELS["stability_unknown"])
    worst = max(known, key=lambda row: row.value)
    what = LABELS["score"] if worst.feature is None else Text(worst.feature.label, worst.feature.label)
    where, words = split_name(worst.period), LABELS[_stability_verdict(worst.value)]
    value = as_number(worst.value, 3)
    reading = Text(
        f"The largest shift is {value} ({what.en}, {where.en}): {words.en}.",
        f"最大偏移为 {value}（{what.zh}，{where.zh}）：{words.zh}。",
    )
    return StabilityTable(periods, lines, reading)


def _stability_verdict(value: float) -> str:
    """Key of the words for a stability index."""
    return "stable" if value < 0.1 else "drifting" if value <= 0.25 else "shifted"


def iv_strength(iv: float) -> str:
    """Key of the words for an information value (Siddiqi's scale)."""
    if not math.isfinite(iv):
        return "stability_unknown"
    steps = ((0.02, "iv_none"), (0.1, "iv_weak"), (0.3, "iv_medium"), (0.5, "iv_strong"))
    return next((key for limit, key in steps if iv < limit), "iv_suspicious")


def scaling_sentence(scaling: Scaling) -> Text:
    """What base points, base odds and PDO mean, with this scorecard's numbers."""
    points, pdo = as_number(scaling.base_points, 0), as_number(scaling.pdo, 0)
    more = as_number(scaling.base_points + scaling.pdo, 0)
    odds, twice = (as_number(o, 2 if o % 1 else 0) for o in (scaling.base_odds, 2 * scaling.base_odds))
    return Text(
        f"A score of {points} means odds of {odds} good to 1 bad; each {pdo} points more double the odds, so "
        f"{more} means {twice} to 1.",
        f"{points} 分对应好坏比 {odds} : 1；每增加 {pdo} 分，好坏比翻倍，即 {more} 分对应 {twice} : 1。",
    )


def strategy_sentence(strategy: StrategySection) -> Text:
    """Where the cut-off comes from and what it does on the section's split."""
    cut_off, where = as_number(strategy.cut_off, 0), split_name(strategy.split)
    row = next((r for r in strategy.table if r.cut_off == strategy.cut_off), None)
    share = as_percent(strategy.approval_share, 1)
    origin = (
        Text("as the bank has set it", "由银行设定")
        if strategy.given
        else Text("set from the training rows by the approval rate asked for", "按要求的通过率由训练样本确定")
    )
    if row is None:
        return Text(f"Cut-off {cut_off}, {origin.en}.", f"分数线 {cut_off}，{origin.zh}。")
    approved, declined = as_percent(row.event_rate, 1), as_percent(row.declined_rate, 1)
    return Text(
        f"Cut-off {cut_off}, {origin.en}: on the {where.en} split {share} of the firms are approved, with a bad rate "
        f"of {approved}; of the declined {declined} are bad.",
        f"分数线 {cut_off}，{origin.zh}：{where.zh}上通过率为 {share}，通过者坏样本率 {approved}，"
        f"拒绝者坏样本率 {declined}。",
    )


def headline(performance: Performance, kind: ModelKind) -> tuple[ModelPerformance, SplitPerformance] | None:
    """The first model of ``kind`` on the split that the summary speaks of."""
    for model in performance.models:
        for split in model.splits:
            if model.model == kind and split.split == performance.headline_split:
                return model, split
    return None


def job_seconds(model: ReportModel) -> float:
    """Phases of one party follow each other, parties run side by side: the job took the longest sum."""
    sums: dict[str, float] = {}
    for phase in model.costs.phases if model.costs is not None else ():
        if math.isfinite(phase.seconds):
            sums[phase.party] = sums.get(phase.party, 0.0) + phase.seconds
    return max(sums.values(), default=math.nan)


def findings(model: ReportModel) -> list[Text]:
    """The summary in whole sentences; what is not defined is said in words."""
    sentences: list[Text] = []
    if model.performance is not None:
        sentences += _performance_findings(model.performance)
    if model.strategy is not None:
        sentences.append(strategy_sentence(model.strategy))
    if model.ledger is not None:
        sentences.append(_ledger_finding(model.ledger))
    if math.isfinite(job_seconds(model)):
        spent = as_seconds(job_seconds(model))
        sentences.append(Text(f"The job took {spent} in all.", f"作业总用时 {spent}。"))
    return sentences


def _performance_findings(performance: Performance) -> list[Text]:
    joint = headline(performance, ModelKind.JOINT)
    where = split_name(performance.headline_split)
    if joint is None:
        return [Text(f"There is no joint model on the {where.en} split.", f"{where.zh}上没有联合模型的结果。")]
    split = joint[1]
    rows, bad = as_count(split.rows), as_count(split.events)
    rate = as_percent(ratio(split.events, split.rows))
    if not math.isfinite(split.auc.value):
        return [
            Text(
                f"On the {where.en} split ({rows} rows, {bad} bad) AUC and KS are not defined: "
                "they need rows of both classes.",
                f"在{where.zh}（{rows} 个样本，坏样本 {bad} 个）上 AUC 与 KS 没有定义：需好、坏两类样本。",
            )
        ]
    auc, ks = as_interval(split.auc, 3), as_interval(split.ks, 3)
    sentences = [
        Text(
            f"On the {where.en} split ({rows} rows, {rate} bad) the joint model reaches AUC {auc} and KS {ks}.",
            f"在{where.zh}（{rows} 个样本，坏样本率 {rate}）上，联合模型 AUC 为 {auc}，KS 为 {ks}。",
        )
    ]
    for gain in performance.uplift:
        if gain.split == performance.headline_split and gain.over is not ModelKind.POOLED:
            over, change = MODEL_NAMES[gain.over], as_interval(gain.auc, 3, signed=True)
            party = f" ({gain.party})" if gain.party else ""
            sentences.append(
                Text(
                    f"Against {over.en}{party} the AUC changes by {change}: {_VERDICTS[verdict(gain.auc)].en}.",
                    f"与{over.zh}{party}相比，AUC 变化 {change}：{_VERDICTS[verdict(gain.auc)].zh}。",
                )
            )
    return sentences


_VERDICTS = {
    "gain_sure": Text("a gain beyond chance", "提升超出随机波动"),
    "gain_unsure": Text("it may be chance", "可能为随机波动"),
    "gain_loss": Text("a loss beyond chance", "下降超出随机波动"),
    "gain_unknown": Text("no interval was computed", "未计算区间"),
}


def _ledger_finding(ledger: Ledger) -> Text:
    count, size = as_count(sum(r.count for r in ledger.rows)), as_bytes(sum(r.bytes for r in ledger.rows))
    bits = as_bits(ledger_bits(ledger.rows))
    return Text(
        f"{count} messages ({size}) left their domains, none of a raw kind; where a bound is stated, they tell "
        f"their receivers at most {bits} bits in all.",
        f"共 {count} 条消息（{size}）出域，均非原始数据类；在已声明上限者中，合计最多向接收方透露 {bits} 比特。",
    )
