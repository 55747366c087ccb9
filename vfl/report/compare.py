"""Several jobs side by side on one page: the joint models, what left the domains, what it took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vfl.errors import ConfigError, Text
from vfl.report import charts, views
from vfl.report.charts import ModelLine
from vfl.report.model import ReportModel
from vfl.report.performance_model import ModelKind, SplitPerformance
from vfl.report.render import page
from vfl.report.strategy_model import Match
from vfl.report.svg import OWNER_COLOURS
from vfl.report.texts import LABELS

__all__ = ["compare"]


@dataclass(frozen=True, slots=True)
class _Job:
    """One row of every table on the page."""

    number: int
    colour: str
    model: ReportModel
    joint: SplitPerformance | None
    seconds: float
    messages: int
    bytes: int
    bits: float
    peak_memory: float


def compare(models: Sequence[ReportModel], *, matches: Sequence[Match] = (), language: str = "zh") -> str:
    """The comparison page of up to six jobs, as text.

    Parameters
    ----------
    matches : sequence of Match
        Champions and challengers on rows held out in both jobs; without any, the page says that there are too few.

    Raises
    ------
    ConfigError
        ``COMPARE_JOBS``: fewer than two jobs, or more than there are colours that can be told apart.
    """
    if not 2 <= len(models) <= len(OWNER_COLOURS):
        raise ConfigError(
            "COMPARE_JOBS",
            Text(
                f"{len(models)} jobs cannot be compared on one page.",
                f"无法在一页中对比 {len(models)} 个作业。",
            ),
            cure=Text(f"Name 2 to {len(OWNER_COLOURS)} jobs.", f"请指定 2 至 {len(OWNER_COLOURS)} 个作业。"),
        )
    jobs = [_job(number, model) for number, model in enumerate(models, 1)]
    lines = []
    for job in jobs:
        if job.joint is not None:
            name = f"{job.number} {job.model.header.job_id}"
            lines.append(ModelLine(ModelKind.JOINT, Text(name, name), job.colour, "", job.joint))
    kind = LABELS["compare_kind"]
    return page(
        "compare.html",
        title=f"{kind.zh} · {kind.en}",
        sections=["jobs", "match", "joint", "price"],
        language=language,
        context={"jobs": jobs, "lines": lines, "roc": charts.roc("svg-roc", lines), "matches": matches},
    )


def _job(number: int, model: ReportModel) -> _Job:
    joint = views.headline(model.performance, ModelKind.JOINT) if model.performance is not None else None
    rows = model.ledger.rows if model.ledger is not None else ()
    nodes = model.costs.nodes if model.costs is not None else ()
    return _Job(
        number=number,
        colour=OWNER_COLOURS[number - 1],
        model=model,
        joint=joint[1] if joint is not None else None,
        seconds=views.job_seconds(model),
        messages=sum(row.count for row in rows),
        bytes=sum(row.bytes for row in rows),
        bits=views.ledger_bits(rows),
        peak_memory=max((float(node.peak_memory_bytes) for node in nodes), default=math.nan),
    )
