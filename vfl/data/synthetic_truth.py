"""The known truth: the log odds of the bad event as a sum of declared terms.

A term is a coefficient times a product of one-column factors. It is data: the same declaration computes the
probability and writes the formula into ``truth.json``, so the two cannot differ. Steps, hinges and products
of columns (some across the two owners) are there so that trees have something to find that a linear model
has not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from vfl.data.dictionary import FEATURES
from vfl.data.synthetic_firms import Firms, Floats

__all__ = ["TERMS", "Factor", "Term", "intercept_for", "log_odds"]


class Shape(Enum):
    """How a factor looks at its column; ``{x}`` and ``{a}`` stand for the column and the knot."""

    VALUE = "{x}"
    LOG = "ln(1 + {x})"
    RISE = "max({x} - {a}, 0)"
    FALL = "max({a} - {x}, 0)"
    ABOVE = "[{x} > {a}]"
    BELOW = "[{x} < {a}]"
    IS = "[{x} in {a}]"


@dataclass(frozen=True, slots=True)
class Factor:
    """A function of one column; ``at`` is the knot, ``levels`` the categories of ``IS``."""

    column: str
    shape: Shape
    at: float = 0.0
    levels: tuple[str, ...] = ()

    def formula(self) -> str:
        knot = "{" + ", ".join(self.levels) + "}" if self.levels else f"{self.at:g}"
        return self.shape.value.format(x=self.column, a=knot)

    def values(self, firms: Firms) -> Floats:
        x = firms[self.column]
        match self.shape:
            case Shape.VALUE:
                return x.astype(np.float64)
            case Shape.LOG:
                return np.log1p(x)
            case Shape.RISE:
                return np.maximum(x - self.at, 0.0)
            case Shape.FALL:
                return np.maximum(self.at - x, 0.0)
            case Shape.ABOVE:
                return (x > self.at).astype(np.float64)
            case Shape.BELOW:
                return (x < self.at).astype(np.float64)
            case Shape.IS:
                return np.isin(x, self.levels).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Term:
    """``coefficient`` × the product of ``factors``, added to the log odds of the event."""

    coefficient: float
    factors: tuple[Factor, ...]

    def formula(self) -> str:
        return " * ".join(factor.formula() for factor in self.factors)

    def columns(self) -> tuple[str, ...]:
        return tuple(factor.column for factor in self.factors)

    def owners(self) -> tuple[str, ...]:
        """Who sees the columns: ``bank``, ``platform``; ``nobody`` for what is latent."""
        return tuple(sorted({_OWNERS.get(column, "nobody") for column in self.columns()}))

    def values(self, firms: Firms) -> Floats:
        product = self.factors[0].values(firms)
        for factor in self.factors[1:]:
            product = product * factor.values(firms)
        return self.coefficient * product


_OWNERS: Final = {feature.name: feature.owner.value for feature in FEATURES}


def _term(coefficient: float, *factors: Factor) -> Term:
    return Term(coefficient, factors)


def _value(column: str) -> Factor:
    return Factor(column, Shape.VALUE)


def _log(column: str) -> Factor:
    return Factor(column, Shape.LOG)


def _rise(column: str, at: float) -> Factor:
    return Factor(column, Shape.RISE, at)


def _fall(column: str, at: float) -> Factor:
    return Factor(column, Shape.FALL, at)


def _above(column: str, at: float) -> Factor:
    return Factor(column, Shape.ABOVE, at)


def _below(column: str, at: float) -> Factor:
    return Factor(column, Shape.BELOW, at)


def _is(column: str, *levels: str) -> Factor:
    return Factor(column, Shape.IS, levels=levels)


TERMS: Final[Sequence[Term]] = (
    # the bank's books
    _term(2.0, _rise("utilisation", 0.65)),
    _term(0.4, _log("overdue_times_24m")),
    _term(0.4, _above("overdue_days_24m", 15)),
    _term(1.5, _fall("turnover_change_6m", -0.15)),
    _term(3.0, _rise("turnover_change_6m", 0.30)),
    _term(0.5, _below("relationship_months", 8)),
    _term(0.10, _rise("enquiries_6m", 2)),
    _term(0.6, _is("loan_purpose", "refinancing", "other")),
    _term(0.25, _is("industry", "E", "H", "R")),
    _term(-0.2, _is("region", "ZJ", "JS")),
    _term(-0.3, _is("guarantee", "mortgage", "fund")),
    _term(1.4, _is("guarantee", "unsecured"), _above("credit_limit", 80)),
    _term(-0.8, _is("guarantee", "unsecured")),
    _term(1.2, _above("loan_term", 12), _below("deposit_ratio", 0.12)),
    _term(-0.6, _above("loan_term", 12)),
    # the platform's records
    _term(0.2, _above("tax_arrears", 0)),
    _term(0.15, _log("tax_late_payments_12m")),
    _term(0.5, _above("dishonest_records", 0)),
    _term(0.3, _above("medical_arrears_24m", 0)),
    _term(0.2, _log("power_breaches_24m")),
    _term(0.2, _above("power_arrears", 0)),
    _term(0.8, _fall("pension_headcount_change_6m", -0.08)),
    _term(1.5, _rise("pension_headcount_change_6m", 0.25)),
    _term(0.8, _rise("debt_ratio", 0.75)),
    _term(6.0, _rise("power_load", 0.82)),
    _term(3.0, _fall("power_load", 0.5)),
    _term(1.5, _above("revenue_growth", 0.15), _below("net_margin", 0.01)),
    _term(-0.4, _below("net_margin", 0.01)),
    _term(0.4, _below("firm_age", 2.5)),
    _term(-0.4, _is("innovation_title", "specialised", "little_giant", "high_tech")),
    _term(-0.15, _log("public_bids_24m")),
    _term(0.7, _is("power_status", "suspended", "cut_off")),
    _term(0.06, _value("eia_penalty_points")),
    # between the two
    _term(1.4, _above("utilisation", 0.72), _above("tax_arrears", 0)),
    _term(1.5, _below("turnover_change_6m", -0.05), _below("pension_headcount_change_6m", -0.06)),
    _term(0.8, _is("guarantee", "unsecured"), _above("dishonest_records", 0)),
    _term(0.8, _above("loan_term", 12), _above("power_arrears", 0)),
    # what nobody sees, and the drift of the base rate over the window
    _term(-0.05, _value("health")),
    _term(-0.05, _value("discipline")),
    _term(0.30, _value("elapsed")),
)


def log_odds(firms: Firms) -> Floats:
    """Sum of all terms, shape (firms,), without the intercept."""
    total = np.zeros(len(firms["month"]))
    for term in TERMS:
        total += term.values(firms)
    return total


def intercept_for(odds: Floats, base_rate: float) -> float:
    """The intercept at which the mean probability is ``base_rate``, by bisection."""
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        if float(np.mean(1.0 / (1.0 + np.exp(-(odds + middle))))) < base_rate:
            low = middle
        else:
            high = middle
    return (low + high) / 2
