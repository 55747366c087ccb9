"""From the report's data to one HTML file that needs nothing else: no network, no script, no font."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from vfl.errors import Text
from vfl.report import formats, sankey, views
from vfl.report.model import ReportModel
from vfl.report.performance_model import ModelKind, Performance
from vfl.report.pictures import model_colour, model_lines, pictures
from vfl.report.strategy_model import Segment
from vfl.report.texts import LABELS, model_name, split_name

__all__ = ["page", "render", "write_report"]

_SECTIONS = (
    "summary",
    "sample",
    "performance",
    "bands",
    "strategy",
    "segments",
    "feedback",
    "importance",
    "scorecard",
    "trees",
    "stability",
    "ledger",
    "costs",
    "card",
)
"""In reading order; each names its template, and all but the first its field of the model."""


def write_report(model: ReportModel, directory: Path, *, language: str = "zh") -> Path:
    """Write ``report.json`` and ``report.html`` into ``directory`` (made if absent).

    Parameters
    ----------
    model : ReportModel
        What the job found.
    directory : Path
        Folder of the job's results.
    language : {"zh", "en"}
        The language the page opens in; the other is one click away.

    Returns
    -------
    Path
        Of ``report.html``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    document = model.to_json()
    (directory / "report.json").write_text(document, encoding="utf-8")
    path = directory / "report.html"
    path.write_text(render(ReportModel.from_json(document), language=language), encoding="utf-8")
    return path


def render(model: ReportModel, *, language: str = "zh") -> str:
    """The whole page as text."""
    sections = [name for name in _SECTIONS if name == "summary" or getattr(model, name) is not None]
    context: dict[str, Any] = {"model": model, "findings": views.findings(model), "pictures": pictures(model)}
    if model.performance is not None:
        context |= _performance_context(model.performance)
    if model.bands is not None:
        context["band_rows"] = sum(band.rows for band in model.bands.bands)
    if model.strategy is not None:
        context["strategy_sentence"] = views.strategy_sentence(model.strategy)
    if model.importance is not None:
        context |= {
            "owner_total": sum(o.value for o in model.importance.owners),
            "feature_total": sum(f.value for f in model.importance.features),
        }
    if model.scorecard is not None and model.scorecard.scaling is not None:
        context["scaling_sentence"] = views.scaling_sentence(model.scorecard.scaling)
    if model.stability is not None:
        context["stability"] = views.stability_table(model.stability)
    if model.ledger is not None:
        context |= {
            "ledger_edges": views.ledger_edges(model.ledger),
            "ledger_bits": views.ledger_bits(model.ledger.rows),
        }
    kind = LABELS["report_kind"]
    title = f"{model.header.title} · {kind.zh} · {kind.en}"
    return page("report.html", title=title, sections=sections, language=language, context=context)


def page(template: str, *, title: str, sections: Sequence[str], language: str, context: Mapping[str, Any]) -> str:
    """Fill ``template``, which extends ``page.html``, with what every page shares and with ``context``."""
    shared = {"page_title": title, "sections": sections, "language": "zh" if language.startswith("zh") else "en"}
    return _ENVIRONMENT.get_template(template).render(shared | dict(context)) + "\n"


def both(text: Text) -> Markup:
    """``text`` in both languages, of which the page's style shows one."""
    return Markup('<span class="zh" lang="zh">{}</span><span class="en" lang="en">{}</span>').format(text.zh, text.en)


def label(key: str) -> Markup:
    """Our own words for ``key``."""
    return both(LABELS[key])


def label_or(key: str, given: str) -> Markup | str:
    """Our own words for ``key``, or what was given where the job uses a word of its own."""
    return label(key) if key in LABELS else given


def known(count: int | None) -> Markup | str:
    """A count, or words saying that the reader may not know it."""
    return label("not_disclosed") if count is None else formats.as_count(count)


def breakable(name: str) -> Markup:
    """A column's name, which may go on to the next line after an underscore rather than anywhere."""
    return Markup("_<wbr>").join(name.split("_"))


def segment_name(segment: Segment) -> Markup | str:
    """The value that makes the segment, or our words for the missing and the pooled ones."""
    if segment.pooled:
        return label("segment_pooled")
    return segment.value or label("segment_missing")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("vfl.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "amount": formats.as_amount,
        "bits": formats.as_bits,
        "breakable": breakable,
        "bytes": formats.as_bytes,
        "count": formats.as_count,
        "interval": formats.as_interval,
        "measure": formats.as_measure,
        "number": formats.as_number,
        "p_value": formats.as_p_value,
        "percent": formats.as_percent,
        "seconds": formats.as_seconds,
        "signed": formats.as_signed,
        "time": formats.as_time,
        "signed_interval": lambda interval: formats.as_interval(interval, signed=True),
    }
    environment.globals |= {
        "band_name": views.band_name,
        "bin_rows": views.bin_rows,
        "both": both,
        "caught_at": views.caught_at,
        "iv_strength": views.iv_strength,
        "kind_colours": sankey.KIND_COLOURS,
        "known": known,
        "lift_rows": views.lift_rows,
        "model_colour": model_colour,
        "model_name": model_name,
        "ratio": formats.ratio,
        "segment_name": segment_name,
        "split_name": split_name,
        "t": label,
        "t_or": label_or,
        "thinned": views.thinned,
        "verdict": views.verdict,
    }
    return environment


_ENVIRONMENT = _environment()


def _performance_context(performance: Performance) -> dict[str, Any]:
    splits = [split for model in performance.models for split in model.splits]
    joint = views.headline(performance, ModelKind.JOINT)
    return {
        "lines": model_lines(performance),
        "joint": joint[1] if joint is not None else None,
        "undefined_auc": any(math.isnan(split.auc.value) for split in splits),
    }
