"""Made-up enterprises: latent health and discipline, and all that a bank and a platform can see of them.

Three latent numbers drive each firm. *Health* moves margins, headcount, arrears; *liquidity* moves what the
bank sees (utilisation, overdue, inflow); *discipline* moves how duties are met (late taxes, breaches). They
are only weakly related, so each owner sees another part of the same firm and neither part replaces the
other. Health sinks slowly over the window of observation and some columns breathe with the month of the year.

Everything here is clean: gaps and outliers come later (:mod:`vfl.data.synthetic_flaws`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["DIVISIONS", "Draws", "Firms", "Floats", "make_firms"]

Floats = npt.NDArray[np.float64]
Firms = dict[str, npt.NDArray[Any]]
"""Column name to values, shape (firms,): float64 (NaN where a firm has no such thing) or text."""

DIVISIONS: Final = {
    "ZJ": "330100", "JS": "320100", "GD": "440100", "SD": "370100", "SC": "510100", "HB": "420100",
    "FJ": "350100", "AH": "340100", "HE": "130100", "GZ": "520100", "NX": "640100", "QH": "630100",
}  # fmt: skip
"""Region (GB/T 2260 letters) to the division of its capital, as it stands in the firms' codes."""

_REGION_SHARES = (19, 16, 18, 12, 9, 8, 7, 5, 3, 1.6, 0.8, 0.6)
_INDUSTRIES: Final[Mapping[str, float]] = {
    "F": 29, "C": 23, "E": 10, "L": 8, "I": 7, "M": 6, "G": 5, "H": 4, "A": 3, "K": 2, "O": 1.5, "R": 0.7,
    "Q": 0.5, "P": 0.3,
}  # fmt: skip
_SIZES: Final[Mapping[str, float]] = {"micro": 60, "small": 31, "medium": 9}
_SEASON = np.array([0.4, -1.0, -0.6, 0.1, 0.2, 0.1, -0.1, 0.0, 0.2, 0.1, 0.2, 0.4])
"""January to December: staff leaves before the Spring Festival and returns after it."""
_APPLICATIONS = np.array([0.9, 0.5, 1.4, 1.0, 0.9, 1.3, 0.9, 0.9, 1.2, 0.8, 1.0, 1.2])
_HEALTH_DRIFT = -0.20


class Draws:
    """Random columns, each from a stream of its own name: a new column leaves all others as they were."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed = seed
        self._count = count

    def stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self._seed, *name.encode()])

    def normal(self, name: str) -> Floats:
        return self.stream(name).standard_normal(self._count)

    def uniform(self, name: str) -> Floats:
        return self.stream(name).random(self._count)

    def happens(self, name: str, probability: Floats | float) -> npt.NDArray[np.bool_]:
        return self.uniform(name) < probability

    def counts(self, name: str, rate: Floats | float) -> Floats:
        return self.stream(name).poisson(rate, self._count).astype(np.float64)

    def level(self, name: str, shares: Mapping[str, float]) -> npt.NDArray[np.str_]:
        weights = np.array(list(shares.values()), dtype=np.float64)
        edges = np.cumsum(weights) / weights.sum()
        return np.array(list(shares))[np.searchsorted(edges[:-1], self.uniform(name), side="right")]


def make_firms(draws: Draws, *, months: int, first_month: int) -> Firms:
    """All columns of all firms, without gaps or outliers.

    Parameters
    ----------
    months : int
        Length of the window of observation.
    first_month : int
        Calendar month (1-12) of its first month.

    Returns
    -------
    Firms
        Also holds what nobody sees: ``health``, ``liquidity``, ``discipline``, ``elapsed`` (0 to 1 over the
        window) and ``month`` (0-based month of observation).
    """
    firms: Firms = {}
    _observation(firms, draws, months, first_month)
    _identity(firms, draws)
    _bank_books(firms, draws)
    _tax_and_courts(firms, draws)
    _trade_and_environment(firms, draws)
    _social_insurance(firms, draws)
    _assets_and_titles(firms, draws)
    _utilities(firms, draws)
    return firms


def _sigmoid(x: Floats) -> Floats:
    out: Floats = 1.0 / (1.0 + np.exp(-x))
    return out


def _amount(present: npt.NDArray[np.bool_], logarithm: Floats) -> Floats:
    """exp(logarithm) where present, else 0."""
    return np.where(present, np.exp(logarithm), 0.0)


def _observation(firms: Firms, draws: Draws, months: int, first_month: int) -> None:
    calendar = (first_month - 1 + np.arange(months)) % 12
    shares = {str(month): float(_APPLICATIONS[calendar[month]]) for month in range(months)}
    month = draws.level("month", shares).astype(np.int64)
    firms["month"] = month
    firms["elapsed"] = month / max(months - 1, 1)
    firms["season"] = _SEASON[calendar[month]]
    health = draws.normal("health") + _HEALTH_DRIFT * firms["elapsed"]
    firms["health"] = health
    firms["liquidity"] = 0.30 * health + 0.95 * draws.normal("liquidity")
    firms["discipline"] = 0.20 * health + 0.98 * draws.normal("discipline")


def _identity(firms: Firms, draws: Draws) -> None:
    firms["industry"] = draws.level("industry", _INDUSTRIES)
    firms["region"] = draws.level("region", dict(zip(DIVISIONS, _REGION_SHARES, strict=True)))
    firms["size_class"] = draws.level("size_class", _SIZES)
    scale = np.select([firms["size_class"] == "micro", firms["size_class"] == "small"], [0.0, 1.4], 2.9)
    firms["scale"] = scale + 0.45 * draws.normal("scale")
    age = np.exp(1.75 + 0.12 * firms["scale"] + 0.75 * draws.normal("firm_age"))
    firms["firm_age"] = np.clip(age, 0.3, 45.0)
    firms["insured_headcount"] = np.floor(np.exp(1.6 + firms["scale"] + 0.5 * draws.normal("insured_headcount")))


def _bank_books(firms: Firms, draws: Draws) -> None:
    liquidity, discipline, scale = firms["liquidity"], firms["discipline"], firms["scale"]
    firms["loan_purpose"] = draws.level(
        "loan_purpose",
        {"working_capital": 58, "equipment": 15, "trade": 13, "renovation": 7, "refinancing": 5.5, "other": 1.5},
    )
    firms["guarantee"] = draws.level(
        "guarantee", {"unsecured": 38, "guarantor": 30, "mortgage": 22, "pledge": 7, "fund": 3}
    )
    firms["loan_term"] = draws.level("loan_term", {"3": 6, "6": 18, "12": 46, "24": 17, "36": 13}).astype(np.float64)
    firms["credit_limit"] = np.exp(3.6 + 0.75 * scale + 0.5 * draws.normal("credit_limit"))
    drawn = _sigmoid(0.35 - 0.75 * liquidity + 0.15 * firms["elapsed"] + 0.9 * draws.normal("utilisation"))
    idle = draws.happens("utilisation/idle", 0.07)
    firms["utilisation"] = np.where(idle, 0.0, np.where(drawn > 0.93, 1.0, drawn))
    times = draws.counts("overdue_times_24m", np.exp(-1.35 - 0.55 * liquidity - 0.35 * discipline))
    firms["overdue_times_24m"] = times
    days = np.ceil(np.exp(1.6 - 0.30 * liquidity + 0.25 * np.log1p(times) + draws.normal("overdue_days_24m")))
    firms["overdue_days_24m"] = np.where(times > 0, np.minimum(days, 89.0), 0.0)
    months = np.floor(np.exp(3.0 + 0.9 * draws.normal("relationship_months")))
    firms["relationship_months"] = np.minimum(months, np.floor(firms["firm_age"] * 12))
    firms["turnover_monthly"] = np.exp(2.6 + 0.95 * scale + 0.15 * liquidity + 0.6 * draws.normal("turnover"))
    firms["turnover_change_6m"] = np.clip(
        0.02 + 0.05 * firms["season"] + 0.14 * liquidity + 0.05 * firms["health"] + 0.24 * draws.normal("inflow"),
        -0.98, 4.0,
    )  # fmt: skip
    firms["deposit_ratio"] = np.exp(-1.9 + 0.45 * liquidity + 0.8 * draws.normal("deposit_ratio"))
    firms["enquiries_6m"] = draws.counts("enquiries_6m", np.exp(0.35 - 0.30 * liquidity))
    firms["payroll_accounts"] = draws.counts("payroll_accounts", 0.3 * firms["insured_headcount"])


def _tax_and_courts(firms: Firms, draws: Draws) -> None:
    health, discipline, scale = firms["health"], firms["discipline"], firms["scale"]
    owes = draws.happens("tax_arrears", _sigmoid(-2.5 - 0.75 * discipline - 0.60 * health))
    firms["tax_arrears"] = _amount(owes, 8.3 + 0.8 * scale - 0.2 * health + 1.1 * draws.normal("tax_arrears/ln"))
    late = np.exp(-0.75 - 0.55 * discipline - 0.25 * health)
    firms["tax_late_payments_12m"] = np.minimum(draws.counts("tax_late_payments_12m", late), 12.0)
    defers = draws.happens("tax_deferred", np.where(firms["industry"] == "C", 0.22, 0.04))
    firms["tax_deferred"] = _amount(defers, 9.5 + 0.9 * scale + draws.normal("tax_deferred/ln"))
    firms["debt_ratio"] = np.clip(0.56 - 0.10 * health + 0.19 * draws.normal("debt_ratio"), 0.01, 1.6)
    firms["net_margin"] = np.clip(0.04 + 0.05 * health + 0.06 * draws.normal("net_margin"), -0.9, 0.6)
    growth = 0.06 + 0.10 * health - 0.08 * firms["elapsed"] + 0.28 * draws.normal("revenue_growth")
    firms["revenue_growth"] = np.clip(growth, -0.95, 5.0)
    firms["dishonest_records"] = draws.counts(
        "dishonest_records", np.exp(-3.4 - 0.65 * discipline - 0.55 * health)
    )
    firms["representative_changes_2y"] = draws.counts("representative_changes_2y", np.exp(-2.0 - 0.35 * discipline))
    firms["shareholders"] = 1.0 + draws.counts("shareholders", np.exp(0.1 + 0.25 * scale))


def _trade_and_environment(firms: Firms, draws: Draws) -> None:
    industry, scale = firms["industry"], firms["scale"]
    trades = draws.happens("trader_status", np.select([industry == "C", industry == "F"], [0.30, 0.16], 0.02))
    kind = draws.level("trader_status/kind", {"consignee": 90, "both": 7, "declarant": 3})
    firms["trader_status"] = np.where(trades, kind, "none")
    since = np.floor(np.exp(0.6 - 0.35 * firms["health"] + 0.8 * draws.normal("months_since_duty")))
    firms["months_since_duty"] = np.where(trades, np.minimum(since, 60.0), np.nan)
    paid = trades & (since <= 12)
    firms["customs_duty_12m"] = _amount(paid, 9.8 + scale + 0.15 * firms["health"] + draws.normal("customs_duty/ln"))
    public = draws.happens("carbon", np.where((industry == "C") & (firms["size_class"] == "medium"), 0.5, 0.02))
    tonnes = np.exp(5.0 + scale + draws.normal("carbon/ln"))
    firms["carbon_tonnes"] = np.where(public, tonnes, np.nan)
    assessed = draws.happens("eia_penalty_points", np.where(np.isin(industry, ("C", "E")), 0.08, 0.005))
    points = 1.0 + draws.counts("eia_penalty_points/n", np.exp(0.8 - 0.4 * firms["discipline"]))
    firms["eia_penalty_points"] = np.where(assessed, np.minimum(points, 20.0), 0.0)


def _social_insurance(firms: Firms, draws: Draws) -> None:
    health, discipline = firms["health"], firms["discipline"]
    # Small staffs change by large shares.
    noise = 0.16 * draws.normal("pension_headcount_change_6m") / np.sqrt(1.0 + firms["insured_headcount"] / 8.0)
    change = 0.01 + 0.05 * health + 0.06 * firms["season"] + noise
    shock = draws.happens("pension_headcount_change_6m/shock", 0.08)
    jump = 0.45 * draws.normal("pension_headcount_change_6m/jump")
    firms["pension_headcount_change_6m"] = np.clip(np.where(shock, change + jump, change), -1.0, 3.0)
    paid = _sigmoid(3.0 + 0.60 * discipline + 0.40 * health)
    firms["pension_payments_6m"] = draws.stream("pension_payments_6m").binomial(6, paid).astype(np.float64)
    owes = draws.happens("medical_arrears_24m", _sigmoid(-2.3 - 0.55 * discipline - 0.45 * health))
    logarithm = 6.9 + 0.9 * np.log1p(firms["insured_headcount"]) + 0.8 * draws.normal("medical_arrears_24m/ln")
    firms["medical_arrears_24m"] = _amount(owes, logarithm - 0.8)
    pay = 0.5 * firms["pension_headcount_change_6m"] + 0.10 * draws.normal("medical_pay_change_3m")
    firms["medical_pay_change_3m"] = np.clip(pay, -1.0, 3.0)


def _assets_and_titles(firms: Firms, draws: Draws) -> None:
    health, scale, industry = firms["health"], firms["scale"], firms["industry"]
    firms["ip_pledges"] = draws.counts("ip_pledges", np.exp(-4.2 + 0.5 * scale))
    owns = draws.happens("owns_property", _sigmoid(-1.6 + 0.7 * scale))
    firms["owns_property"] = owns.astype(np.float64)
    mortgaged = draws.happens("property_mortgaged", _sigmoid(0.2 - 0.4 * health))
    firms["property_mortgaged"] = np.where(owns, mortgaged.astype(np.float64), np.nan)
    titled = draws.happens(
        "innovation_title", _sigmoid(-2.7 + 0.5 * scale + 0.35 * health + 0.9 * np.isin(industry, ("C", "I", "M")))
    )
    title = draws.level(
        "innovation_title/kind",
        {"tech_sme": 46, "innovative": 24, "high_tech": 20, "specialised": 8.5, "little_giant": 1.5},
    )
    firms["innovation_title"] = np.where(titled, title, "none")
    farming = industry == "A"
    insured = draws.level("farm_insurance", {"none": 35, "crop": 45, "livestock": 20})
    firms["farm_insurance"] = np.where(farming, insured, "none")
    firms["large_grower"] = (farming & draws.happens("large_grower", 0.3)).astype(np.float64)
    bidding = np.select([industry == "E", np.isin(industry, ("I", "M", "L"))], [0.9, 0.2], -0.9)
    bids = draws.counts("public_bids_24m", np.exp(-1.6 + bidding + 0.35 * scale + 0.30 * health))
    firms["public_bids_24m"] = bids
    value = np.log1p(bids) + 3.2 + 0.7 * scale + 0.8 * draws.normal("public_bid_amount/ln")
    firms["public_bid_amount_24m"] = _amount(bids > 0, value)
    grade = draws.level("construction_grade", {"third": 58, "second": 30, "first": 11, "special": 1})
    graded = (industry == "E") & draws.happens("construction_grade/has", 0.75)
    firms["construction_grade"] = np.where(graded, grade, "none")
    designated = draws.happens("insurance_designated", np.select([industry == "Q", industry == "F"], [0.7, 0.03], 0.0))
    firms["insurance_designated"] = designated.astype(np.float64)
    firms["representative_marriage"] = draws.level(
        "representative_marriage", {"married": 74, "single": 15, "divorced": 9, "widowed": 2}
    )


def _utilities(firms: Firms, draws: Draws) -> None:
    health, discipline, scale = firms["health"], firms["discipline"], firms["scale"]
    strain = -0.55 * health - 0.45 * discipline
    for name, usual, amount in (("water_arrears", -2.6, 5.2), ("power_arrears", -2.0, 7.0), ("gas_arrears", -2.8, 5.8)):
        owes = draws.happens(name, _sigmoid(usual + strain))
        firms[name] = _amount(owes, amount + 0.7 * scale + 0.9 * draws.normal(f"{name}/ln"))
    piped = draws.happens("gas_account", np.where(np.isin(firms["industry"], ("C", "H")), 0.8, 0.35))
    firms["gas_arrears"] = np.where(piped, firms["gas_arrears"], np.nan)
    firms["power_breaches_24m"] = draws.counts("power_breaches_24m", np.exp(-1.5 - 0.55 * discipline - 0.30 * health))
    load = _sigmoid(0.9 + 0.35 * health + 0.25 * firms["season"] + 0.8 * draws.normal("power_load"))
    firms["power_load"] = load
    stopped = draws.happens("power_status", _sigmoid(-3.3 - 0.8 * health))
    reason = draws.level("power_status/kind", {"reduced": 62, "suspended": 31, "cut_off": 7})
    firms["power_status"] = np.where(stopped, reason, "normal")
