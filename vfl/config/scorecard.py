"""The ``[logistic]`` and ``[scorecard]`` parts of a job."""

from __future__ import annotations

from dataclasses import dataclass

from vfl.config.logistic import SELECTIONS, LogisticSpec
from vfl.config.reading import Section

__all__ = ["ScalingSpec", "read_logistic", "read_scaling"]


@dataclass(frozen=True, slots=True)
class ScalingSpec:
    """A score of ``base_points`` means ``base_odds`` non-events to one event; ``pdo`` more points double the odds."""

    base_points: float = 600.0
    base_odds: float = 50.0
    pdo: float = 20.0
    reasons: int = 4
    """Reasons that each platform tells of a scored firm, at most: its features' numbers with their sign. 0: none."""


def read_scaling(s: Section) -> ScalingSpec:
    """Read and check the section; every failure is a ConfigError that names the key."""
    d = ScalingSpec()
    out = ScalingSpec(
        base_points=s.number("base_points", d.base_points, low=-1e6, high=1e6),
        base_odds=s.number("base_odds", d.base_odds, low=1e-6, high=1e6),
        pdo=s.number("pdo", d.pdo, low=1.0, high=1e4),
        reasons=s.integer("reasons", d.reasons, low=0, high=10),
    )
    s.done()
    return out


def read_logistic(s: Section) -> LogisticSpec:
    """Read and check the section; every failure is a ConfigError that names the key."""
    d = LogisticSpec()
    out = LogisticSpec(
        ridge=s.number("ridge", d.ridge, low=1e-6, high=1e8),
        steps=s.integer("steps", d.steps, low=1, high=100),
        curvatures=s.integer("curvatures", d.curvatures, low=1, high=100),
        curvature_rows=s.integer("curvature_rows", d.curvature_rows, low=1000, high=10**7),
        weight_limit=s.number("weight_limit", d.weight_limit, low=1e-6, high=1e6),
        standard_errors=s.flag("standard_errors", d.standard_errors),
        l1=s.number("l1", d.l1, low=0.0, high=1e8),
        signs=s.flag("signs", d.signs),
        selection=s.text("selection", d.selection, one_of=SELECTIONS),
        refits=s.integer("refits", d.refits, low=0, high=100),
        refit_steps=s.integer("refit_steps", d.refit_steps, low=1, high=100),
        warm_start=s.text("warm_start", d.warm_start),
    )
    s.done()
    return out
