"""The ``[binning]`` part of a job: how features are binned and which go on."""

from __future__ import annotations

from dataclasses import dataclass

from vfl.config.reading import Section

__all__ = ["TRENDS", "BinningSpec", "read_binning"]

TRENDS = ("auto", "ascending", "descending", "peak", "valley", "none")
"""Words for the course of the event rate over a feature's bins."""


@dataclass(frozen=True, slots=True)
class BinningSpec:
    """Parameters of binning and selection; the words are those of ``vfl.core``.

    ``row_floor`` and ``class_floor`` are privacy floors as well: no statistic of fewer rows leaves a platform, no WOE
    of a bin with fewer events or non-events leaves the bank.
    """

    cuts: str = "quantile"
    """Pre-bins of numeric features: ``quantile`` or ``equal-width``."""
    pre_bins: int = 50
    merging: str = "optimal"
    """``optimal``, ``chi-merge`` or ``keep``."""
    trend: str = "auto"
    """Of the event rate, one of :data:`TRENDS`; owners may state another for a feature of theirs."""
    max_bins: int = 8
    min_bins: int = 2
    min_share: float = 0.05
    max_p_value: float = 1.0
    """Of the test that neighbouring bins have equal event rates; 1: no test."""
    row_floor: int = 50
    class_floor: int = 5
    min_iv: float = 0.02
    max_iv: float = 1000.0
    """Above it a feature is suspected of knowing the outcome."""
    max_missing: float = 0.95
    max_shift: float = 0.25
    """Stability index of a feature's bins between the training rows and later or held-out ones, at most."""
    max_correlation: float = 0.8
    max_vif: float = 10.0


def read_binning(s: Section) -> BinningSpec:
    """Read and check the section; every failure is a ConfigError that names the key."""
    d = BinningSpec()
    out = BinningSpec(
        cuts=s.text("cuts", d.cuts, one_of=("quantile", "equal-width")),
        pre_bins=s.integer("pre_bins", d.pre_bins, low=2, high=50),
        merging=s.text("merging", d.merging, one_of=("optimal", "chi-merge", "keep")),
        trend=s.text("trend", d.trend, one_of=TRENDS),
        max_bins=s.integer("max_bins", d.max_bins, low=2, high=50),
        min_bins=s.integer("min_bins", d.min_bins, low=1, high=50),
        min_share=s.number("min_share", d.min_share, low=0.0, high=0.5),
        max_p_value=s.number("max_p_value", d.max_p_value, low=1e-12, high=1.0),
        row_floor=s.integer("row_floor", d.row_floor, low=1, high=10**6),
        class_floor=s.integer("class_floor", d.class_floor, low=1, high=10**6),
        min_iv=s.number("min_iv", d.min_iv, low=0.0, high=1000.0),
        max_iv=s.number("max_iv", d.max_iv, low=0.0, high=1000.0),
        max_missing=s.number("max_missing", d.max_missing, low=0.0, high=1.0),
        max_shift=s.number("max_shift", d.max_shift, low=0.0, high=1000.0),
        max_correlation=s.number("max_correlation", d.max_correlation, low=0.0, high=1.0),
        max_vif=s.number("max_vif", d.max_vif, low=1.0, high=1e6),
    )
    s.done()
    return out
