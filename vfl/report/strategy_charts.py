"""The pictures of the lending side: bad rate against approval rate, approval rate by segment."""

from __future__ import annotations

import math

from markupsafe import Markup

from vfl.errors import Text
from vfl.report.charts import Bar, horizontal_bars
from vfl.report.formats import as_number, as_percent, ratio
from vfl.report.strategy_model import SegmentColumn, StrategySection
from vfl.report.svg import BLACK, BLUE, GREY, SKY, VERMILLION, Axes, Canvas, Scale, percent_ticks
from vfl.report.texts import LABELS

__all__ = ["segments", "strategy"]

_FOUR_FIFTHS = 0.8


def strategy(figure: str, section: StrategySection) -> Markup | None:
    """Bad rate of the approved over the approval rate, the cut-off marked, the bad rate of all as a dotted line."""
    rows = sorted((r for r in section.table if math.isfinite(r.event_rate)), key=lambda r: r.share)
    if not rows:
        return None
    canvas = Canvas(figure, 480, 300, title=LABELS["strategy"], desc=LABELS["strategy_caption"])
    top = max(r.event_rate for r in rows) * 1.15 or 1.0
    axes = Axes(canvas, Scale(0.0, 1.0, 52, 456), Scale(0.0, top, 256, 28))
    axes.base()
    axes.y_ticks(percent_ticks(axes.y))
    axes.x_ticks(percent_ticks(axes.x))
    axes.names(LABELS["strategy_x"], LABELS["strategy_y"])
    overall = rows[-1].event_rate
    axes.curve([(0, overall), (1, overall)], colour=GREY, width=1, dash="2 4")
    axes.curve([(r.share, r.event_rate) for r in rows], colour=BLUE)
    for row in rows:
        here = row.cut_off == section.cut_off
        hint = f"≥ {as_number(row.cut_off, 0)}: {as_percent(row.share, 1)} → {as_percent(row.event_rate, 1)}"
        x, y = axes.at(row.share, row.event_rate)
        axes.canvas.dot((x, y), colour=VERMILLION if here else BLUE, radius=6 if here else 2.5, hint=hint)
        if here:
            axes.canvas.line((x, y + 6), (x, axes.y.start), colour=BLACK, width=1, dash="4 3")
            words = f"≥ {as_number(row.cut_off, 0)}"
            axes.canvas.text((x - 8, y - 10), Text(words, words), anchor="end", css="label")
    return canvas.markup()


def segments(figure: str, column: SegmentColumn) -> Markup | None:
    """A bar of the approval rate of each segment large enough to have one; short of four fifths: vermillion."""
    bars = []
    for group in column.segments:
        if group.pooled:
            continue
        share = ratio(group.approved, group.rows)
        name: str | Text = group.value or LABELS["segment_missing"]
        colour = VERMILLION if group.approval_ratio < _FOUR_FIFTHS else SKY
        bars.append(Bar(name, share, as_percent(share, 1), colour))
    return horizontal_bars(figure, "segment_bars", bars)
