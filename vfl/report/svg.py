"""A small SVG vocabulary: a canvas that refuses non-finite coordinates, scales with round ticks, axes, colours.

The charts are ours rather than a plotting library's because a report must open in ten years without fonts, scripts
or network, switch its language by CSS, and stay readable on paper and on a telephone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from vfl.errors import Text
from vfl.report.formats import as_number, as_percent

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "OWNER_COLOURS",
    "PURPLE",
    "SKY",
    "VERMILLION",
    "Axes",
    "Canvas",
    "Scale",
    "fitted",
    "number_ticks",
    "percent_ticks",
    "text_width",
]

# Okabe and Ito's palette: told apart with every common colour vision deficiency.
BLACK = "#222222"
BLUE = "#0072B2"
GREEN = "#009E73"
ORANGE = "#E69F00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
VERMILLION = "#D55E00"
GREY = "#8C8C8C"

OWNER_COLOURS = (BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION)
"""By place in the job's list of parties, the bank first."""

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]

_FONT_SIZE = 12.0
_WIDE = 0x2E80
"""Code points from here on (CJK and full width) are one em wide."""
_NARROW = " .,:;'|!()[]fijlt"


def text_width(text: str, size: float = _FONT_SIZE) -> float:
    """Width of ``text`` in user units, near enough to lay out by."""
    return sum(size * (1.0 if ord(letter) >= _WIDE else 0.38 if letter in _NARROW else 0.6) for letter in text)


def fitted(text: str, width: float, size: float = _FONT_SIZE) -> str:
    """``text``, cut with an ellipsis where it would be wider than ``width``."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map from data [low, high] to user units [start, end]; a range of no width maps to ``start``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        width = self.high - self.low
        return self.start if width == 0 else self.start + (value - self.low) / width * (self.end - self.start)

    def ticks(self, count: int = 5) -> tuple[float, ...]:
        """About ``count`` round values within [low, high]."""
        width = self.high - self.low
        if width <= 0:
            return (self.low,)
        raw = width / count
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return tuple(i * step for i in range(first, last + 1))


def percent_ticks(scale: Scale, count: int = 5) -> list[tuple[float, str]]:
    """Ticks of a scale of shares, with as many decimals as tell them apart exactly."""
    ticks = scale.ticks(count)
    return [(tick, as_percent(tick, _digits([100 * t for t in ticks]))) for tick in ticks]


def number_ticks(scale: Scale, count: int = 5) -> list[tuple[float, str]]:
    """Ticks of a scale of plain numbers, with as many decimals as tell them apart exactly."""
    ticks = scale.ticks(count)
    return [(tick, as_number(tick, _digits(ticks))) for tick in ticks]


def _digits(ticks: Sequence[float]) -> int:
    return next((d for d in range(6) if all(abs(t - round(t, d)) < 1e-9 for t in ticks)), 6)


class Canvas:
    """One picture under construction; ``figure`` is its id and the root of the ids inside it."""

    def __init__(self, figure: str, width: float, height: float, *, title: Text, desc: Text) -> None:
        self.figure = figure
        self.width = width
        self.height = height
        self._title = title
        self._desc = desc
        self._parts: list[Markup] = []

    def line(self, a: Point, b: Point, *, colour: str = GREY, width: float = 1.0, dash: str = "") -> None:
        style = {"stroke": colour, "stroke-width": _number(width), "stroke-dasharray": dash}
        ends = {"x1": a[0], "y1": a[1], "x2": b[0], "y2": b[1]}
        self._add("line", {k: _number(v) for k, v in ends.items()} | style)

    def polyline(self, points: Sequence[Point], *, colour: str, width: float = 2.0, dash: str = "") -> None:
        d = "M" + "L".join(f"{_number(x)},{_number(y)}" for x, y in points)
        style = {"fill": "none", "stroke": colour, "stroke-width": _number(width), "stroke-dasharray": dash}
        self._add("path", {"d": d, "stroke-linejoin": "round"} | style)

    def ribbon(
        self, left: tuple[float, float], right: tuple[float, float], x: tuple[float, float], *, colour: str, hint: str
    ) -> None:
        """A band that bends from the span ``left`` (top, bottom) at x[0] to ``right`` at x[1]."""
        middle = (x[0] + x[1]) / 2
        n = _number
        d = (
            f"M{n(x[0])},{n(left[0])}C{n(middle)},{n(left[0])} {n(middle)},{n(right[0])} {n(x[1])},{n(right[0])}"
            f"L{n(x[1])},{n(right[1])}C{n(middle)},{n(right[1])} {n(middle)},{n(left[1])} {n(x[0])},{n(left[1])}Z"
        )
        self._add("path", {"d": d, "fill": colour, "fill-opacity": "0.35"}, hint)

    def rect(
        self, corner: Point, width: float, height: float, *, colour: str, hint: str = "", opacity: float = 1.0
    ) -> None:
        """A filled rectangle; ``hint`` is what a mouse resting on it shows."""
        box = {"x": corner[0], "y": corner[1], "width": max(width, 0.0), "height": max(height, 0.0)}
        style = {"fill": colour, "fill-opacity": "" if opacity == 1.0 else _number(opacity)}
        self._add("rect", {k: _number(v) for k, v in box.items()} | style, hint)

    def dot(self, centre: Point, *, colour: str, radius: float = 3.5, hint: str = "") -> None:
        place = {"cx": _number(centre[0]), "cy": _number(centre[1]), "r": _number(radius)}
        self._add("circle", place | {"fill": colour, "stroke": "#fff", "stroke-width": "1"}, hint)

    def text(
        self,
        at: Point,
        text: str | Text,
        *,
        anchor: Anchor = "start",
        css: str = "",
        turn: float = 0.0,
        colour: str = "",
    ) -> None:
        """Write ``text`` with its baseline at ``at``; a :class:`Text` is written once per language."""
        x, y = _number(at[0]), _number(at[1])
        if isinstance(text, Text) and text.zh == text.en:
            text = text.en
        versions = (("", text),) if isinstance(text, str) else (("zh", text.zh), ("en", text.en))
        for language, words in versions:
            attributes = {
                "x": x,
                "y": y,
                "text-anchor": "" if anchor == "start" else anchor,
                "class": f"{language} {css}".strip(),
                "lang": language,
                "transform": f"rotate({_number(turn)} {x} {y})" if turn else "",
                "fill": colour,
            }
            self._parts.append(_element("text", attributes, escape(words)))

    def markup(self) -> Markup:
        """The finished ``<svg>``, with a title and a description for readers who hear it."""
        head = _element("title", {"id": f"{self.figure}-title"}, escape(f"{self._title.zh} · {self._title.en}"))
        head += _element("desc", {"id": f"{self.figure}-desc"}, escape(f"{self._desc.zh} {self._desc.en}"))
        attributes = {
            "class": "chart",
            "viewBox": f"0 0 {_number(self.width)} {_number(self.height)}",
            "role": "img",
            "aria-labelledby": f"{self.figure}-title {self.figure}-desc",
            "style": f"--w:{_number(self.width)}",
        }
        return _element("svg", attributes, head + Markup("").join(self._parts))

    def _add(self, tag: str, attributes: dict[str, str], hint: str = "") -> None:
        content = _element("title", {}, escape(hint)) if hint else Markup("")
        self._parts.append(_element(tag, attributes, content))


@dataclass(frozen=True, slots=True)
class Axes:
    """The frame of a chart: a canvas, an x and a y scale, and the marks along them."""

    canvas: Canvas
    x: Scale
    y: Scale

    def at(self, x: float, y: float) -> Point:
        return self.x(x), self.y(y)

    def curve(self, points: Sequence[Point], *, colour: str, width: float = 2.0, dash: str = "") -> None:
        self.canvas.polyline([self.at(x, y) for x, y in points], colour=colour, width=width, dash=dash)

    def y_ticks(self, labels: Sequence[tuple[float, str]], *, right: bool = False) -> None:
        """Grid lines with labels on the left, or labels alone on the right for a second scale."""
        for value, label in labels:
            y = self.y(value)
            if right:
                self.canvas.text((self.x.end + 6, y + 4), label, css="tick")
            else:
                self.canvas.line((self.x.start, y), (self.x.end, y), colour="#E4E4E4")
                self.canvas.text((self.x.start - 6, y + 4), label, anchor="end", css="tick")

    def x_ticks(self, labels: Sequence[tuple[float, str | Text]]) -> None:
        for value, label in labels:
            self.canvas.text((self.x(value), self.y.start + 16), label, anchor="middle", css="tick")

    def base(self) -> None:
        self.canvas.line((self.x.start, self.y.start), (self.x.end, self.y.start), colour="#666666")

    def names(self, x: Text | None = None, y: Text | None = None, *, y_right: Text | None = None) -> None:
        """Names of the axes: x below, y above the left end, a second y above the right end."""
        if x is not None:
            middle = (self.x.start + self.x.end) / 2
            self.canvas.text((middle, self.y.start + 34), x, anchor="middle", css="axis")
        if y is not None:
            self.canvas.text((4, self.y.end - 12), y, css="axis")
        if y_right is not None:
            self.canvas.text((self.canvas.width - 4, self.y.end - 12), y_right, anchor="end", css="axis")


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("a coordinate is not finite: leave the mark out and say so in words")
    return f"{value:.1f}".removesuffix(".0")


def _element(tag: str, attributes: dict[str, str], content: Markup) -> Markup:
    pair = Markup(' {}="{}"')  # format() escapes what it fills in
    listed = Markup("").join(pair.format(name, value) for name, value in attributes.items() if value != "")
    return Markup("<{0}{1}>{2}</{0}>").format(tag, listed, content)
