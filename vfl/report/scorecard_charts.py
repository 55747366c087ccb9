"""The pictures of a scorecard: WOE and event rate per bin, correlation of the WOE columns, stability over time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from vfl.errors import Text
from vfl.report.formats import as_number, as_percent, ratio
from vfl.report.scorecard_model import BinKind, BinningTable, Correlation, StabilityRow
from vfl.report.svg import (
    BLACK,
    BLUE,
    GREY,
    OWNER_COLOURS,
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
from vfl.report.texts import LABELS, is_split, split_name

__all__ = ["correlation", "stability", "woe"]

STABLE, SHIFTED = 0.1, 0.25
"""The customary limits of the stability index."""


def woe(figure: str, table: BinningTable) -> Markup | None:
    """Bars of WOE (up: safer) with the event rate as a line where counts are known."""
    bins = [(i, b) for i, b in enumerate(table.bins, 1) if math.isfinite(b.woe)]
    if not bins:
        return None
    name = table.feature.label
    title = Text(f"{name}: WOE and event rate", f"{name}：WOE 与坏账率")
    canvas = Canvas(figure, 340, 210, title=title, desc=LABELS["woe_caption"])
    reach = max(max(abs(b.woe) for _, b in bins) * 1.15, 0.1)
    axes = Axes(canvas, Scale(0.5, len(table.bins) + 0.5, 44, 300), Scale(-reach, reach, 182, 28))
    axes.y_ticks(number_ticks(axes.y, 4))
    for i, b in bins:
        left, right = axes.x(i - 0.35), axes.x(i + 0.35)
        top, bottom = sorted((axes.y(0.0), axes.y(b.woe)))
        ordered = b.kind in (BinKind.INTERVAL, BinKind.CATEGORIES, BinKind.ANONYMOUS)
        canvas.rect(
            (left, top),
            right - left,
            max(bottom - top, 1.0),
            colour=SKY if ordered else GREY,
            hint=f"{b.label}  WOE {as_number(b.woe, 3)}",
        )
    axes.curve([(axes.x.low, 0), (axes.x.high, 0)], colour="#666666", width=1)
    axes.x_ticks([(i, str(i)) for i in range(1, len(table.bins) + 1)])
    rates = [(i, ratio(b.events, b.rows)) for i, b in enumerate(table.bins, 1)]
    rates = [(i, rate) for i, rate in rates if math.isfinite(rate)]
    if rates:
        top_rate = max(rate for _, rate in rates) * 1.15 or 1.0
        second = Axes(canvas, axes.x, Scale(0.0, top_rate, 182, 28))
        second.y_ticks(percent_ticks(second.y, 4), right=True)
        second.curve(rates, colour=VERMILLION, width=1.5)
        for i, rate in rates:
            canvas.dot(second.at(i, rate), colour=VERMILLION, radius=3, hint=as_percent(rate))
    axes.names(None, Text("WOE", "WOE"), y_right=LABELS["event_rate"] if rates else None)
    return canvas.markup()


def correlation(figure: str, matrix: Correlation) -> Markup | None:
    """A heat map: blue for negative, vermillion for positive, the number in each cell where there is room."""
    count = len(matrix.labels)
    if not count:
        return None
    cell = max(min(52.0, 520 / count), 12.0)
    left, top = 170.0, 12.0
    canvas = Canvas(
        figure,
        left + cell * count + 12,
        top + cell * count + 30,
        title=LABELS["correlation"],
        desc=LABELS["correlation_caption"],
    )
    for i, label in enumerate(matrix.labels):
        canvas.text(
            (left - 8, top + cell * (i + 0.5) + 4), fitted(f"{label} ({i + 1})", left - 12), anchor="end", css="label"
        )
        canvas.text((left + cell * (i + 0.5), top + cell * count + 16), str(i + 1), anchor="middle", css="tick")
        for j, value in enumerate(matrix.matrix[i]):
            if not math.isfinite(value):
                continue
            x, y = left + cell * j, top + cell * i
            canvas.rect(
                (x, y),
                cell - 1,
                cell - 1,
                colour=VERMILLION if value > 0 else BLUE,
                opacity=min(abs(value), 1.0),
                hint=f"{label} × {matrix.labels[j]}: {as_number(value, 2)}",
            )
            if cell >= 30:
                dark = abs(value) > 0.75
                canvas.text(
                    (x + cell / 2, y + cell / 2 + 4),
                    as_number(value, 2),
                    anchor="middle",
                    css="cell",
                    colour="#fff" if dark else "",
                )
    return canvas.markup()


def stability(figure: str, rows: Sequence[StabilityRow]) -> Markup | None:
    """One line per score or feature over the periods, with the customary limits."""
    series: dict[str, dict[str, float]] = {}
    for row in rows:
        if math.isfinite(row.value):
            name = row.feature.label if row.feature is not None else ""
            series.setdefault(name, {})[row.period] = row.value
    if not series:
        return None
    periods = list(dict.fromkeys(row.period for row in rows))
    top = max(SHIFTED * 1.2, *(v * 1.1 for values in series.values() for v in values.values()))
    canvas = Canvas(figure, 480, 270, title=LABELS["stability"], desc=LABELS["stability_caption"])
    axes = Axes(canvas, Scale(0.5, len(periods) + 0.5, 52, 330), Scale(0.0, top, 226, 28))
    axes.base()
    axes.y_ticks(number_ticks(axes.y))
    widest = max(text_width(split_name(p).en, 11.5) for p in periods) + 8
    every = math.ceil(len(periods) * widest / (axes.x.end - axes.x.start))
    axes.x_ticks([(i, split_name(p)) for i, p in enumerate(periods, 1) if (i - 1) % every == 0])
    for limit, colour in ((STABLE, GREY), (SHIFTED, BLACK)):
        axes.curve([(axes.x.low, limit), (axes.x.high, limit)], colour=colour, width=1, dash="4 3")
    # The worst feature first, so that the lines a reader must see keep their colours when there are many.
    ranked = sorted((name for name in series if name), key=lambda name: -max(series[name].values()))
    shown = ([""] if "" in series else []) + ranked[: len(OWNER_COLOURS) - 1]
    for place, name in enumerate(shown):
        colour = BLACK if not name else OWNER_COLOURS[place % len(OWNER_COLOURS)]
        points = [(i, series[name][p]) for i, p in enumerate(periods, 1) if p in series[name]]
        for run in _runs(points, periods):
            axes.curve(run, colour=colour, width=2.5 if not name else 1.5)
        for i, value in points:
            canvas.dot(axes.at(i, value), colour=colour, radius=3, hint=as_number(value, 3))
        y = 40.0 + 18 * place
        canvas.line((340, y - 4), (354, y - 4), colour=colour, width=3)
        canvas.text((360, y), LABELS["score"] if not name else fitted(name, 118), css="label")
    return canvas.markup()


def _runs(points: Sequence[tuple[int, float]], periods: Sequence[str]) -> list[list[tuple[float, float]]]:
    """Points to join by a line: splits and periods of time follow each other on the axis, not in time."""
    runs: dict[bool, list[tuple[float, float]]] = {}
    for i, value in points:
        runs.setdefault(is_split(periods[i - 1]), []).append((float(i), value))
    return [run for run in runs.values() if len(run) > 1]
