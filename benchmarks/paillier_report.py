"""Table and drawing of one run of paillier.py."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["markdown", "svg"]

Result = dict[str, Any]


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"


def _least(result: Result, part: str, name: str, op: str) -> float | None:
    cell = result[part].get(name, {}).get(op)
    return None if cell is None else cell["least"]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] + ["---:"] * (len(head) - 1), *rows]]


def markdown(result: Result) -> str:
    """The run as Markdown: one core, all cores, and the share of the machine's bound."""
    names, operations = list(result["titles"]), result["operations"]
    titles = [result["titles"][name] for name in names]
    lines = [
        f"# Paillier, {result['bits']:,} bits: µs per operation",
        "",
        f"`{result['command']}` on {result['processor']}, {result['cores']} cores, Python {result['python']}; load "
        f"average at the end {result['load_average_at_end']}. Least of {result['rounds']} interleaved rounds; the "
        "machine may be shared, so read ratios, not absolute times.",
        "",
        "## One core",
        "",
        *_table(
            ["", *titles],
            [[label, *(_number(_least(result, "one_core", name, op)) for name in names)]
             for op, label in operations.items()],
        ),
        "",
        "– : the contender has no such operation. HEU encrypts with cached fixed-base randomisers, ours and HEU's "
        "public-key encryption with exponents of half the key's length; phe, FATE and the hand-made code with "
        "full-size r^n.",
    ]
    if result["left_out"]:
        lines += ["", f"Left out, not installed here: {', '.join(result['left_out'])}."]
    shared = [name for name in names if name in result["all_cores"]]
    lines += ["", f"## All {result['cores']} cores (and the speed-up over one)", ""]
    lines += _table(
        ["", *(result["titles"][name] for name in shared)],
        [[label, *(_with_gain(result, name, op) for name in shared)] for op, label in operations.items()],
    )
    lines += ["", "Where all columns of a row show about 1.0×, other work held the second core while it was timed."]
    for path, key, each, text in _RATES:
        rate = result.get(key)
        if not rate:
            continue
        lines += [
            "",
            f"## Against the machine's bound: {path}",
            "",
            text.format(rate=rate),
            "",
            *_table(
                ["", "limb products", "bound, µs", "measured, µs", "share of the bound"],
                [
                    _bound(result, op, label, path, rate * each)
                    for op, label in operations.items() if op in result["limb_products"]
                ],
            ),
        ]
    return "\n".join(lines) + "\n"


def _with_gain(result: Result, name: str, op: str) -> str:
    one, many = _least(result, "one_core", name, op), _least(result, "all_cores", name, op)
    if one is None or many is None:
        return "–"
    return f"{_number(many)} ({one / many:.1f}×)"


_RATES = (
    ("ifma", "ifma_per_ns", 8 / 2,
     "This machine issues {rate:.2f} IFMA instructions per ns and core (timed alone, before or after the rest). A limb "
     "product takes two, eight numbers at a time."),
    ("fma", "fma_products_per_ns", 1,
     "This machine makes {rate:.2f} limb products per ns and core out of fused multiplications and additions (timed "
     "alone, before or after the rest): five instructions, four numbers at a time."),
)  # fmt: skip


def _bound(result: Result, op: str, label: str, path: str, products_per_ns: float) -> list[str]:
    products = result["limb_products"][op]
    bound = products / products_per_ns / 1000
    measured = _least(result, "one_core", f"native:{path}", op)
    share = "–" if measured is None else f"{bound / measured:.0%}"
    return [label, f"{products:,.0f}", _number(bound), _number(measured), share]


_COLOURS = ["#0b6e4f", "#2f9e76", "#7cc6a4", "#b9e0cf", "#5b6c8f", "#8f9bb3", "#c98b2b", "#b5532e", "#7d3c5d",
            "#4a4a4a"]


def svg(result: Result) -> str:
    """Bars per operation on a logarithmic axis, one core."""
    names = list(result["titles"])
    rows = [(op, label) for op, label in result["operations"].items() if op not in ("load", "dump")]
    bar, gap, left, width = 9, 16, 240, 560
    low, high = -1, 5
    group = bar * len(names) + gap
    top = 60 + 18 * math.ceil(len(names) / 3)
    height = top + group * len(rows) + 40

    def x(value: float) -> float:
        return left + width * (math.log10(max(value, 10**low)) - low) / (high - low)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="12" y="24" font-size="15">Paillier, {result["bits"]:,} bits, one core: µs per operation</text>',
    ]
    for i, name in enumerate(names):
        lx, ly = 12 + 280 * (i % 3), 44 + 18 * (i // 3)
        out.append(f'<rect x="{lx}" y="{ly}" width="11" height="11" fill="{_COLOURS[i % len(_COLOURS)]}"/>')
        out.append(f'<text x="{lx + 16}" y="{ly + 10}">{result["titles"][name]}</text>')
    for power in range(low, high + 1):
        at = x(10**power)
        out.append(f'<line x1="{at:.1f}" y1="{top}" x2="{at:.1f}" y2="{height - 26}" stroke="#ddd"/>')
        label = f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
        out.append(f'<text x="{at:.1f}" y="{height - 10}" text-anchor="middle">{label}</text>')
    for r, (op, label) in enumerate(rows):
        y = top + 8 + r * group
        out.append(f'<text x="{left - 8}" y="{y + group / 2 - 4}" text-anchor="end">{label}</text>')
        for i, name in enumerate(names):
            value = _least(result, "one_core", name, op)
            if value is None:
                continue
            end = x(value)
            colour = _COLOURS[i % len(_COLOURS)]
            out.append(
                f'<rect x="{left}" y="{y + i * bar}" width="{end - left:.1f}" height="{bar - 1}" fill="{colour}"/>'
            )
            out.append(f'<text x="{end + 4:.1f}" y="{y + i * bar + bar - 1}" font-size="9">{_number(value)}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"
