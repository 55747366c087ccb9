"""The pictures of ranking, pricing, bands, weights and costs, each a pure function from report data to SVG.

Marks that are not defined are left out; a chart with none left is ``None`` and the page says so in words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from vfl.errors import Text
from vfl.report.formats import as_number, as_percent, ratio
from vfl.report.performance_model import ModelKind, SplitPerformance
from vfl.report.svg import (
    BLACK,
    BLUE,
    GREY,
    SKY,
    VERMILLION,
    Axes,
    Canvas,
    Scale,
    fitted,
    number_ticks,
    percent_ticks,
    text_width,
)
from vfl.report.texts import LABELS

__all__ = ["Bar", "ModelLine", "calibration", "horizontal_bars", "iterations", "ks", "lift", "rated_bars", "roc"]

_PERCENT_TICKS = [(i / 5, f"{i * 20}%") for i in range(6)]
_UNIT_TICKS = [(i / 5, f"{i / 5:.1f}") for i in range(6)]


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model in a picture: its name, its colour and dash, its numbers."""

    model: ModelKind
    label: Text
    colour: str
    dash: str
    performance: SplitPerformance


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: ``shown`` is its number as the table has it, ``low`` and ``high`` the ends of a whisker."""

    label: str | Text
    value: float
    shown: str
    colour: str
    low: float = math.nan
    high: float = math.nan


def roc(figure: str, lines: Sequence[ModelLine]) -> Markup | None:
    """ROC curves over the diagonal of no skill, with each model's AUC."""
    lines = [line for line in lines if line.performance.ranking]
    if not lines:
        return None
    axes = _axes(figure, "roc", 440, 400, 1.0, 1.0)
    axes.y_ticks(_UNIT_TICKS)
    axes.x_ticks(_UNIT_TICKS)
    axes.names(LABELS["axis_fpr"], LABELS["axis_tpr"])
    axes.curve([(0, 0), (1, 1)], colour=GREY, width=1, dash="2 4")
    for line in lines:
        points = [(p.non_events, p.events) for p in line.performance.ranking]
        axes.curve(points, colour=line.colour, dash=line.dash)
    top = axes.y.start - 12 - 18 * (len(lines) - 1)
    for i, line in enumerate(lines):
        auc = f" AUC {as_number(line.performance.auc.value, 3)}"
        name = _shortened(line.label, 200 - text_width(auc))
        label = Text(name.en + auc, name.zh + auc)
        _legend_entry(axes.canvas, (axes.x.end - 224, top + 18 * i), label, line.colour, line.dash)
    return axes.canvas.markup()


def ks(figure: str, performance: SplitPerformance) -> Markup | None:
    """Shares of events and of non-events caught against the share of rows, with the widest gap marked."""
    if not performance.ranking:
        return None
    axes = _axes(figure, "ks", 440, 400, 1.0, 1.0)
    axes.y_ticks(_PERCENT_TICKS)
    axes.x_ticks(_PERCENT_TICKS)
    axes.names(LABELS["axis_share_riskiest"], LABELS["axis_caught"])
    axes.curve([(p.share, p.events) for p in performance.ranking], colour=VERMILLION)
    axes.curve([(p.share, p.non_events) for p in performance.ranking], colour=BLUE)
    widest = max(performance.ranking, key=lambda p: abs(p.events - p.non_events))
    axes.curve([(widest.share, widest.non_events), (widest.share, widest.events)], colour=BLACK, dash="4 3")
    gap = f"KS {as_number(abs(widest.events - widest.non_events), 3)} @ {as_percent(widest.share, 1)}"
    legend = ((LABELS["events"], VERMILLION, ""), (LABELS["non_events"], BLUE, ""), (Text(gap, gap), BLACK, "4 3"))
    for i, (label, colour, dash) in enumerate(legend):
        _legend_entry(axes.canvas, (axes.x.end - 170, axes.y.start - 48 + 18 * i), label, colour, dash)
    return axes.canvas.markup()


def lift(figure: str, line: ModelLine, beside: ModelLine | None) -> Markup | None:
    """Lift of each tenth, riskiest first: bars for ``line``, dots for the model it is compared with."""
    bars = _lifts(line.performance)
    dots = _lifts(beside.performance) if beside is not None else {}
    if not bars:
        return None
    top = max([*bars.values(), *dots.values(), 1.0]) * 1.08
    axes = _axes(figure, "lift", 440, 320, max(bars) + 0.6, top, x_low=0.4)
    axes.y_ticks(number_ticks(axes.y))
    axes.x_ticks([(group, str(group)) for group in bars])
    axes.names(LABELS["axis_group_riskiest"], LABELS["lift"])
    _columns(axes, [(group, value, as_number(value, 2)) for group, value in bars.items()], line.colour)
    axes.curve([(axes.x.low, 1), (axes.x.high, 1)], colour=BLACK, width=1, dash="2 4")
    if beside is not None:
        for group, value in dots.items():
            axes.canvas.dot(axes.at(group, value), colour=beside.colour, hint=as_number(value, 2))
        _legend_entry(axes.canvas, (axes.x.end - 150, axes.y.end + 30), beside.label, beside.colour, mark="dot")
    _legend_entry(axes.canvas, (axes.x.end - 150, axes.y.end + 12), line.label, line.colour, mark="bar")
    return axes.canvas.markup()


def _lifts(performance: SplitPerformance) -> dict[int, float]:
    base = ratio(performance.events, performance.rows)
    values = {row.group: ratio(ratio(row.events, row.rows), base) for row in performance.lift}
    return {group: value for group, value in values.items() if math.isfinite(value)}


def calibration(figure: str, line: ModelLine) -> Markup | None:
    """Observed rate against mean prediction by tenths, with 95 % Wilson intervals, over the line of truth."""
    rows = [r for r in line.performance.calibration if r.rows > 0 and math.isfinite(r.predicted)]
    if not rows:
        return None
    whiskers = [_wilson(r.events, r.rows) for r in rows]
    top = min(1.0, max([r.predicted for r in rows] + [high for _, high in whiskers]) * 1.08) or 1.0
    axes = _axes(figure, "calibration", 440, 320, top, top)
    axes.y_ticks(percent_ticks(axes.y))
    axes.x_ticks(percent_ticks(axes.x))
    axes.names(LABELS["axis_predicted"], LABELS["axis_observed"])
    axes.curve([(0, 0), (top, top)], colour=GREY, width=1, dash="2 4")
    centres = [(r.predicted, ratio(r.events, r.rows)) for r in rows]
    for (x, y), (low, high) in zip(centres, whiskers, strict=True):
        axes.curve([(x, low), (x, high)], colour=line.colour, width=1)
        axes.canvas.dot(axes.at(x, y), colour=line.colour, hint=f"{as_percent(x)} → {as_percent(y)}")
    axes.curve(centres, colour=line.colour, width=1)
    return axes.canvas.markup()


def _wilson(events: int, rows: int) -> tuple[float, float]:
    """Wilson's score interval at 95 % (Wilson 1927)."""
    z = 1.959964
    p = events / rows
    centre = (p + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z * math.sqrt(p * (1 - p) / rows + z * z / (4 * rows * rows)) / (1 + z * z / rows)
    return max(0.0, centre - half), min(1.0, centre + half)


def rated_bars(
    figure: str, key: str, groups: Sequence[tuple[str, int, int]], *, least: int = 1
) -> Markup | None:
    """Bars of row shares and a line of event rates over groups of (label, rows, events).

    The rate of fewer than ``least`` rows is left to the table: it would draw the eye to chance.
    """
    total = sum(rows for _, rows, _ in groups)
    if not total:
        return None
    bars = [(float(i), rows / total, as_percent(rows / total)) for i, (_, rows, _) in enumerate(groups, 1)]
    rates = [(float(i), events / rows, label) for i, (label, rows, events) in enumerate(groups, 1) if rows >= least]
    highest_bar = max(share for _, share, _ in bars)
    axes = _axes(figure, key, 480, 300, len(groups) + 0.5, highest_bar * 1.1, x_low=0.5, right=56)
    axes.y_ticks(percent_ticks(axes.y))
    _columns(axes, bars, SKY)
    widest = max(text_width(label, 11.5) for label, _, _ in groups) + 2
    every = math.ceil(len(groups) * widest / (axes.x.end - axes.x.start))
    axes.x_ticks([(i + 1, label) for i, (label, _, _) in enumerate(groups) if i % every == 0])
    axes.names(LABELS[f"{key}_x"], LABELS["row_share"], y_right=LABELS["event_rate"])
    highest = max((rate for _, rate, _ in rates), default=0.0)
    second = Axes(axes.canvas, axes.x, Scale(0.0, highest * 1.15 or 1.0, axes.y.start, axes.y.end))
    if rates:
        second.y_ticks(percent_ticks(second.y), right=True)
        second.curve([(i, rate) for i, rate, _ in rates], colour=VERMILLION)
    for i, rate, label in rates:
        axes.canvas.dot(second.at(i, rate), colour=VERMILLION, hint=f"{label}: {as_percent(rate)}")
    return axes.canvas.markup()


def horizontal_bars(figure: str, key: str, bars: Sequence[Bar]) -> Markup | None:
    """One bar per row with its number beside it and, where known, a whisker; ``key`` names the chart."""
    bars = [bar for bar in bars if math.isfinite(bar.value)]
    if not bars:
        return None
    row, left = 24.0, 168.0
    canvas = Canvas(figure, 480, row * len(bars) + 8, title=LABELS[key], desc=LABELS[f"{key}_caption"])
    ends = [end for bar in bars for end in (bar.value, bar.low, bar.high) if math.isfinite(end)]
    scale = Scale(min(0.0, *ends), max(0.0, *ends) or 1.0, left, 480 - 76)
    for i, bar in enumerate(bars):
        y = 4 + row * i
        start, end = sorted((scale(0.0), scale(bar.value)))
        label = bar.label if isinstance(bar.label, Text) else Text(bar.label, bar.label)
        canvas.text((left - 8, y + 16), _shortened(label, left - 12), anchor="end", css="label")
        canvas.rect((start, y + 4), max(end - start, 1.0), row - 8, colour=bar.colour, hint=bar.shown)
        if math.isfinite(bar.low) and math.isfinite(bar.high):
            middle = y + row / 2
            canvas.line((scale(bar.low), middle), (scale(bar.high), middle), colour=BLACK, width=1.5)
            end = max(end, scale(bar.high))
        canvas.text((end + 6, y + 16), bar.shown, css="tick")
    return canvas.markup()


def _shortened(label: Text, width: float) -> Text:
    return Text(fitted(label.en, width), fitted(label.zh, width))


def iterations(
    figure: str,
    key: str,
    curves: Sequence[tuple[Text, str, str, Sequence[tuple[float, float]]]],
    best: int | None = None,
    from_zero: bool = False,
) -> Markup | None:
    """Lines of (label, colour, dash, points) against the number of trees, the chosen number marked."""
    curves = [(t, c, d, [p for p in points if math.isfinite(p[1])]) for t, c, d, points in curves]
    curves = [curve for curve in curves if curve[3]]
    if not curves:
        return None
    xs = [x for *_, points in curves for x, _ in points]
    ys = [y for *_, points in curves for _, y in points]
    room = (max(ys) - min(ys)) * 0.08 or max(abs(max(ys)) * 0.1, 0.1)
    low = 0.0 if from_zero else min(ys) - room
    axes = _axes(figure, key, 480, 260, max(*xs, 1.0), max(ys) + room, y_low=low)
    axes.y_ticks(number_ticks(axes.y))
    axes.x_ticks([(v, text) for v, text in number_ticks(axes.x) if v == int(v)])
    axes.names(LABELS[f"{key}_x"], LABELS[f"{key}_y"])
    for i, (label, colour, dash, points) in enumerate(curves):
        axes.curve(points, colour=colour, dash=dash)
        # Above the frame, so that no curve and no mark crosses the words.
        _legend_entry(axes.canvas, (axes.x.end - 110 * (len(curves) - i), 16), label, colour, dash)
    if best is not None and axes.x.low <= best <= axes.x.high:
        axes.curve([(best, axes.y.low), (best, axes.y.high)], colour=BLACK, width=1, dash="4 3")
    return axes.canvas.markup()


def _axes(
    figure: str,
    key: str,
    width: float,
    height: float,
    x_high: float,
    y_high: float,
    *,
    x_low: float = 0.0,
    y_low: float = 0.0,
    right: float = 24.0,
) -> Axes:
    canvas = Canvas(figure, width, height, title=LABELS[key], desc=LABELS[f"{key}_caption"])
    axes = Axes(canvas, Scale(x_low, x_high, 52, width - right), Scale(y_low, y_high, height - 44, 28))
    axes.base()
    return axes


def _columns(axes: Axes, columns: Sequence[tuple[float, float, str]], colour: str) -> None:
    """Bars of 0.7 of a unit round each (x, y, hint)."""
    for x, y, hint in columns:
        left, top = axes.at(x - 0.35, y)
        axes.canvas.rect((left, top), axes.x(x + 0.35) - left, axes.y.start - top, colour=colour, hint=hint)


def _legend_entry(
    canvas: Canvas,
    at: tuple[float, float],
    label: Text,
    colour: str,
    dash: str = "",
    *,
    mark: Literal["line", "dot", "bar"] = "line",
) -> None:
    x, y = at
    if mark == "dot":
        canvas.dot((x + 9, y - 4), colour=colour)
    elif mark == "bar":
        canvas.rect((x + 4, y - 9), 10, 10, colour=colour)
    else:
        canvas.line((x, y - 4), (x + 18, y - 4), colour=colour, width=3, dash=dash)
    canvas.text((x + 24, y), label, css="label")
