"""The picture of what left each domain: sender → message type → receiver, as thick as the bytes.

Colour says what kind of thing left, because that is the question a reviewer asks first; thickness says how much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from vfl.report.formats import as_bytes, as_count
from vfl.report.model import LedgerRow
from vfl.report.svg import BLUE, GREEN, GREY, ORANGE, SKY, VERMILLION, Canvas, fitted
from vfl.report.texts import LABELS

__all__ = ["KIND_COLOURS", "sankey"]

KIND_COLOURS: Mapping[str, str] = {
    "public": GREY,
    "ciphertext": BLUE,
    "blinded": GREEN,
    "masked": SKY,
    "aggregate": ORANGE,
    "disclosure": VERMILLION,
}

_WIDTH = 760.0
_COLUMNS = (118.0, 330.0, 630.0)
"""Left edges of senders, message types and receivers."""
_NODE = 12.0
_HEIGHT = 260.0
"""Shared out by bytes; each flow also gets the floor below, so that ten bytes are as findable as ten gigabytes."""
_FLOOR = 3.0
_GAP = 13.0
_TOP = 34.0


@dataclass(slots=True)
class _Node:
    """A block of one column and how much of each of its sides is taken."""

    top: float
    height: float
    left_used: float = 0.0
    right_used: float = 0.0

    def take_left(self, height: float) -> tuple[float, float]:
        start = self.top + self.left_used
        self.left_used += height
        return start, start + height

    def take_right(self, height: float) -> tuple[float, float]:
        start = self.top + self.right_used
        self.right_used += height
        return start, start + height


def sankey(figure: str, rows: Sequence[LedgerRow]) -> Markup | None:
    """Draw the ledger's ``rows``; ``None`` where nothing left."""
    rows = [row for row in rows if row.bytes > 0]
    if not rows:
        return None
    total = sum(row.bytes for row in rows)
    thickness = [_FLOOR + _HEIGHT * row.bytes / total for row in rows]
    senders = _column([row.sender for row in rows], thickness)
    messages = _column([row.message for row in rows], thickness)
    receivers = _column([row.receiver for row in rows], thickness)
    bottom = max(node.top + node.height for column in (senders, messages, receivers) for node in column.values())
    canvas = Canvas(figure, _WIDTH, bottom + 12, title=LABELS["sankey"], desc=LABELS["sankey_caption"])
    for x, key in zip(_COLUMNS, ("sender", "message", "receiver"), strict=True):
        canvas.text((x, 16), LABELS[key], css="axis")
    for row, height in zip(rows, thickness, strict=True):
        colour = KIND_COLOURS.get(row.kind, GREY)
        hint = f"{row.sender} → {row.receiver}: {row.message}, {as_count(row.count)} × , {as_bytes(row.bytes)}"
        here = senders[row.sender].take_right(height), messages[row.message].take_left(height)
        there = messages[row.message].take_right(height), receivers[row.receiver].take_left(height)
        canvas.ribbon(*here, (_COLUMNS[0] + _NODE, _COLUMNS[1]), colour=colour, hint=hint)
        canvas.ribbon(*there, (_COLUMNS[1] + _NODE, _COLUMNS[2]), colour=colour, hint=hint)
    kinds = {row.message: row.kind for row in rows}
    for name, node in senders.items():
        _block(canvas, _COLUMNS[0], node, "#444444")
        canvas.text((_COLUMNS[0] - 8, _middle(node)), fitted(name, 106), anchor="end", css="label")
    for name, node in messages.items():
        _block(canvas, _COLUMNS[1], node, KIND_COLOURS.get(kinds[name], GREY))
        size = as_bytes(sum(row.bytes for row in rows if row.message == name))
        canvas.text((_COLUMNS[1] + _NODE + 6, _middle(node)), f"{fitted(name, 190)} · {size}", css="label")
    for name, node in receivers.items():
        _block(canvas, _COLUMNS[2], node, "#444444")
        canvas.text((_COLUMNS[2] + _NODE + 6, _middle(node)), fitted(name, 106), css="label")
    return canvas.markup()


def _column(names: Sequence[str], thickness: Sequence[float]) -> dict[str, _Node]:
    """Blocks from the top in order of first appearance, each as thick as its flows together."""
    heights: dict[str, float] = {}
    for name, height in zip(names, thickness, strict=True):
        heights[name] = heights.get(name, 0.0) + height
    nodes = {}
    top = _TOP
    for name, height in heights.items():
        nodes[name] = _Node(top, height)
        top += height + _GAP
    return nodes


def _block(canvas: Canvas, x: float, node: _Node, colour: str) -> None:
    canvas.rect((x, node.top), _NODE, node.height, colour=colour)


def _middle(node: _Node) -> float:
    return node.top + node.height / 2 + 4
