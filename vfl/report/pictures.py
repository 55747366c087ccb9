"""Which pictures a report has, and the data that goes into each; how they are drawn is the charts' own affair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from markupsafe import Markup

from vfl.errors import Text
from vfl.report import charts, formats, scorecard_charts, strategy_charts, views
from vfl.report.charts import Bar, ModelLine
from vfl.report.model import Costs, Importance, ReportModel, Trees
from vfl.report.performance_model import ModelKind, ModelPerformance, Performance
from vfl.report.sankey import sankey
from vfl.report.scorecard_model import ScorecardSection
from vfl.report.svg import BLACK, BLUE, GREEN, OWNER_COLOURS, SKY, VERMILLION
from vfl.report.texts import LABELS, model_name

__all__ = ["Picture", "model_colour", "model_lines", "pictures"]

Picture: TypeAlias = Markup | None
"""``None``: there is nothing to draw, and the page says so."""

_FEATURES_DRAWN = 30
_RATE_ROWS = 30
"""Rows of a period below which its bad rate is in the table alone."""

_STYLES: Mapping[ModelKind, tuple[str, str]] = {
    ModelKind.PLATFORM_ALONE: (GREEN, "6 3"),
    ModelKind.BANK_ALONE: (BLUE, "2 2"),
    ModelKind.JOINT: (VERMILLION, ""),
    ModelKind.POOLED: (BLACK, "1 3"),
}


def pictures(model: ReportModel) -> dict[str, Picture | list[Picture]]:
    """All pictures of the sections that ``model`` has, by name; ``woe`` and ``segments`` are lists,
    one picture per binning table and per column."""
    owners = {party.name: OWNER_COLOURS[i % len(OWNER_COLOURS)] for i, party in enumerate(model.header.parties)}
    drawn: dict[str, Picture | list[Picture]] = {}
    if model.sample.periods:
        periods = [(p.period, p.rows, p.events) for p in model.sample.periods]
        drawn["periods"] = charts.rated_bars("svg-periods", "periods", periods, least=_RATE_ROWS)
    if model.performance is not None:
        drawn |= _performance(model.performance)
    if model.bands is not None:
        bands = [(views.band_name(b), b.rows, b.events) for b in model.bands.bands]
        drawn["bands"] = charts.rated_bars("svg-bands", "bands", bands)
    if model.strategy is not None:
        drawn["strategy"] = strategy_charts.strategy("svg-strategy", model.strategy)
    if model.segments is not None:
        drawn["segments"] = [
            strategy_charts.segments(f"svg-segment-{i}", column) for i, column in enumerate(model.segments.columns, 1)
        ]
    if model.feedback is not None:
        bars = [Bar(d.department, d.iv, formats.as_number(d.iv, 3), GREEN) for d in model.feedback.departments]
        drawn["departments"] = charts.horizontal_bars("svg-departments", "departments", bars)
    if model.importance is not None:
        drawn |= _importance(model.importance, owners)
    if model.scorecard is not None:
        drawn |= _scorecard(model.scorecard)
    if model.trees is not None:
        drawn |= _trees(model.trees, owners)
    if model.stability is not None:
        drawn["stability"] = scorecard_charts.stability("svg-stability", model.stability.rows)
    if model.ledger is not None:
        drawn["sankey"] = sankey("svg-sankey", model.ledger.rows)
    if model.costs is not None:
        drawn |= _costs(model.costs, owners)
    return drawn


def model_colour(model: ModelPerformance) -> str:
    """The colour of the model's kind, in the table as in the pictures."""
    return _STYLES[model.model][0]


def model_lines(performance: Performance) -> list[ModelLine]:
    """Each model on the split that the pictures speak of."""
    return [
        ModelLine(model.model, model_name(model), *_STYLES[model.model], split)
        for model in performance.models
        for split in model.splits
        if split.split == performance.headline_split
    ]


def _performance(performance: Performance) -> dict[str, Picture | list[Picture]]:
    lines = model_lines(performance)
    by_kind = {line.model: line for line in reversed(lines)}
    joint, bank = by_kind.get(ModelKind.JOINT), by_kind.get(ModelKind.BANK_ALONE)
    return {
        "roc": charts.roc("svg-roc", lines),
        "ks": charts.ks("svg-ks", joint.performance) if joint else None,
        "lift": charts.lift("svg-lift", joint, bank) if joint else None,
        "calibration": charts.calibration("svg-calibration", joint) if joint else None,
    }


def _importance(importance: Importance, owners: Mapping[str, str]) -> dict[str, Picture | list[Picture]]:
    total = sum(o.value for o in importance.owners)
    by_owner = [
        Bar(o.owner, o.value, formats.as_percent(formats.ratio(o.value, total), 1), owners.get(o.owner, SKY))
        for o in importance.owners
    ]
    strongest = sorted(importance.features, key=lambda f: -f.value)[:_FEATURES_DRAWN]
    by_feature = [
        Bar(f.feature.label, f.value, formats.as_measure(f.value), owners.get(f.feature.owner, SKY)) for f in strongest
    ]
    by_category = []
    for c in importance.categories:
        shown, colour = formats.as_number(c.share.value), owners.get(c.owner, SKY)
        by_category.append(Bar(c.name, c.share.value, shown, colour, c.share.low, c.share.high))
    return {
        "owners": charts.horizontal_bars("svg-owners", "owners", by_owner),
        "features": charts.horizontal_bars("svg-features", "features", by_feature),
        "categories": charts.horizontal_bars("svg-categories", "categories", by_category),
    }


def _scorecard(scorecard: ScorecardSection) -> dict[str, Picture | list[Picture]]:
    matrix = scorecard.correlation
    return {
        "correlation": scorecard_charts.correlation("svg-correlation", matrix) if matrix is not None else None,
        "woe": [scorecard_charts.woe(f"svg-woe-{i}", table) for i, table in enumerate(scorecard.tables, 1)],
    }


def _trees(trees: Trees, owners: Mapping[str, str]) -> dict[str, Picture | list[Picture]]:
    curves = [
        (LABELS["loss_train"], BLUE, "4 2", [(float(i.trees), i.train) for i in trees.iterations]),
        (LABELS["loss_valid"], VERMILLION, "", [(float(i.trees), i.valid) for i in trees.iterations]),
    ]
    splits = [Bar(s.owner, s.value, formats.as_count(s.value), owners.get(s.owner, SKY)) for s in trees.splits_by_owner]
    return {
        "iterations": charts.iterations("svg-iterations", "iterations", curves, trees.best_iteration),
        "splits": charts.horizontal_bars("svg-splits", "splits", splits),
    }


def _costs(costs: Costs, owners: Mapping[str, str]) -> dict[str, Picture | list[Picture]]:
    phases = []
    for phase in costs.phases:
        known = LABELS.get(f"phase_{phase.phase}", Text(phase.phase, phase.phase))
        party = f" · {phase.party}" if phase.party else ""
        label = Text(known.en + party, known.zh + party)
        phases.append(Bar(label, phase.seconds, formats.as_seconds(phase.seconds), owners.get(phase.party, SKY)))
    points = [(float(tree), seconds) for tree, seconds in enumerate(costs.seconds_per_tree, 1)]
    return {
        "phases": charts.horizontal_bars("svg-phases", "phases", phases),
        "tree_seconds": charts.iterations(
            "svg-tree-seconds", "tree_seconds", [(LABELS["seconds"], BLUE, "", points)], from_zero=True
        ),
    }
