"""What happens to clean columns on their way into a table: gaps by known mechanisms, and wrong amounts.

Gaps are *structural* (the firm has no such account), *random*, *by size* (micro firms file simplified
returns) or *informative* (firms in trouble stop reporting, so the gap itself tells something). Outliers are
mistakes of unit and placeholder values. The label never sees any of this: it was drawn from the clean columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vfl.data.dictionary import FEATURES
from vfl.data.synthetic_firms import Draws, Firms, Floats

__all__ = ["GAPS", "OUTLIERS", "Gap", "Outlier", "missing", "with_flaws"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Columns that go missing together, with the probability of each firm (or one for all)."""

    columns: tuple[str, ...]
    mechanism: str
    probability: Callable[[Firms], Floats]


@dataclass(frozen=True, slots=True)
class Outlier:
    """A share of the positive values multiplied by ``factor``."""

    column: str
    share: float
    factor: float
    reason: str


def _at_random(share: float) -> Callable[[Firms], Floats]:
    return lambda firms: np.full(len(firms["month"]), share)


def _by_size(micro: float, others: float) -> Callable[[Firms], Floats]:
    return lambda firms: np.where(firms["size_class"] == "micro", micro, others)


def _by_trouble(level: float) -> Callable[[Firms], Floats]:
    """Rises as health and discipline sink."""

    def probability(firms: Firms) -> Floats:
        strain = level - 0.8 * firms["discipline"] - 0.6 * firms["health"]
        return np.asarray(1.0 / (1.0 + np.exp(-strain)), dtype=np.float64)

    return probability


GAPS: Final = (
    Gap(("debt_ratio", "net_margin", "revenue_growth"), "by_size", _by_size(micro=0.16, others=0.05)),
    Gap(("pension_headcount_change_6m", "pension_payments_6m"), "informative", _by_trouble(-3.6)),
    Gap(("power_load",), "random", _at_random(0.04)),
    Gap(("firm_age",), "random", _at_random(0.01)),
    Gap(("turnover_monthly", "turnover_change_6m"), "random", _at_random(0.02)),
    Gap(("deposit_ratio",), "random", _at_random(0.015)),
    Gap(("enquiries_6m",), "informative", _by_trouble(-4.5)),
    Gap(("loan_purpose",), "random", _at_random(0.01)),
    Gap(("region",), "random", _at_random(0.004)),
)

OUTLIERS: Final = (
    Outlier("turnover_monthly", 0.004, 1e4, "written in CNY in place of 10,000 CNY"),
    Outlier("tax_arrears", 0.01, 1e2, "written in cents in place of CNY"),
    Outlier("customs_duty_12m", 0.003, 1e2, "written in cents in place of CNY"),
    Outlier("insured_headcount", 0.001, 1e3, "slip of the keyboard"),
    Outlier("credit_limit", 0.002, 1e1, "slip of the keyboard"),
)


def with_flaws(firms: Firms, draws: Draws) -> Firms:
    """The columns of the data dictionary as the owners' tables hold them; ``firms`` stays clean."""
    flawed = {feature.name: firms[feature.name].copy() for feature in FEATURES}
    for outlier in OUTLIERS:
        hit = draws.happens(f"outlier/{outlier.column}", outlier.share)
        flawed[outlier.column][hit] *= outlier.factor
    for gap in GAPS:
        gone = draws.happens(f"gap/{gap.columns[0]}", gap.probability(firms))
        for column in gap.columns:
            values = flawed[column]
            values[gone] = "" if values.dtype.kind == "U" else np.nan
    return flawed


def missing(values: npt.NDArray[np.float64] | npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """Which cells of a column are blank in the table."""
    absent: npt.NDArray[np.bool_] = values == "" if values.dtype.kind == "U" else np.isnan(values)
    return absent
