"""``vfl compare``: jobs side by side on one page; on rows that all of them held out, champion against challengers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from vfl.cli.bilingual import Command
from vfl.cli.nodes import job_named, node_option
from vfl.cli.report import give, language_option, open_option, report_model
from vfl.cli.screen import language
from vfl.config.node import NodeConfig
from vfl.report import compare as compare_page
from vfl.report.strategy import match_of
from vfl.report.strategy_model import Match
from vfl.service.sample_scores import HELD_OUT, SampleScores

__all__ = ["compare", "matches_of"]

_SEED = 20240328
_LEAST_ROWS, _LEAST_OF_CLASS = 200, 20
_APPROVALS = 0.7
"""Share that each model approves, where the champion's report names no cut-off."""


@click.command(cls=Command, help="Jobs side by side on one page / 在一页中对比多个任务")
@click.argument("jobs", nargs=-1, required=True, metavar="JOB JOB…")
@node_option
@click.option("--out", type=click.Path(path_type=Path), help="default: compare.html among the jobs / 默认写在任务目录")
@language_option
@open_option
def compare(jobs: tuple[str, ...], node: NodeConfig, out: Path | None, lang: str | None, show: bool) -> None:
    folders = [job_named(node, job) for job in jobs]
    models = [report_model(folder) for folder in folders]
    strategy = models[0].strategy
    matches = matches_of(
        jobs, [SampleScores.read(folder) for folder in folders],
        approval_share=_APPROVALS if strategy is None else strategy.approval_share,
    )  # fmt: skip
    page = compare_page(models, matches=matches, language=lang or language())
    target = out or node.jobs.parent / "compare.html"
    target.write_text(page, encoding="utf-8")
    give(target, show)


def matches_of(names: Sequence[str], scores: Sequence[SampleScores], *, approval_share: float) -> tuple[Match, ...]:
    """The first job against each other one, and the bank alone, as the first job fitted it, against all.

    All on the rows that every job held out; none where these are too few to tell models apart.
    """
    places = [
        {code: row for row, (code, split) in enumerate(zip(s.ids, s.split, strict=True)) if split in HELD_OUT}
        for s in scores
    ]
    shared = sorted(set(places[0]).intersection(*places[1:]))
    rows = [np.array([place[code] for code in shared], dtype=np.intp) for place in places]
    label = scores[0].label[rows[0]]
    same = [label == s.label[r] for s, r in zip(scores, rows, strict=True)]
    # A firm whose label changed between the jobs says nothing of either model.
    kept: npt.NDArray[np.bool_] = np.logical_and.reduce(same)
    label, events = label[kept], int(label[kept].sum())
    if len(label) < _LEAST_ROWS or min(events, len(label) - events) < _LEAST_OF_CLASS:
        return ()
    models = {name: s.probability[r][kept] for name, s, r in zip(names, scores, rows, strict=True)}
    alone = scores[0].bank_alone[rows[0]][kept]
    pairs = [(names[0], name) for name in names[1:]]
    if not np.isnan(alone).any():
        pairs += [("bank_alone", name) for name in names]
        models["bank_alone"] = alone
    found = (
        match_of(
            "test", label, models[first], models[second], names=(first, second), approval_share=approval_share,
            seed=_SEED,
        )
        for first, second in pairs
    )  # fmt: skip
    return tuple(match for match in found if match is not None)
