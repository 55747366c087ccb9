"""Writes a set of made-up enterprises: the tables, consents and views of a bank and its platforms.

::

    bank.csv             uscc, y, observed_on, as_of, bank features
    platform.csv         uscc, as_of, platform features       (platform-a.csv, platform-b.csv when several)
    consents.csv         uscc, grantee, purpose, valid_from, valid_until, revoked_on
    bank-views.toml      the view ``main`` of the bank
    platform-views.toml  the view ``main`` of the platform, and its consents
    truth.json           the known truth: terms, base rate, roles and gaps of the columns, best possible AUC

No row describes a real firm. The same arguments give the same files, byte for byte.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vfl.config.faults import config_fault
from vfl.core.metrics import auc
from vfl.core.uscc import make_uscc
from vfl.data.dictionary import Feature, features_of
from vfl.data.schema import FeatureKind
from vfl.data.synthetic_consents import ConsentTerms, consent_rows
from vfl.data.synthetic_firms import DIVISIONS, Draws, Firms, Floats, make_firms
from vfl.data.synthetic_flaws import GAPS, OUTLIERS, missing, with_flaws
from vfl.data.synthetic_truth import TERMS, intercept_for, log_odds
from vfl.errors import Place
from vfl.roles import RoleName

__all__ = ["FAULTS", "MONTHS", "VIEW", "SyntheticSet", "generate"]

SYNTHETIC_RANGE = config_fault(
    "SYNTHETIC_RANGE",
    "The value is outside the range {low} to {high}.",
    "取值超出范围 {low} 至 {high}。",
    "Choose a value in the range.",
    "请在范围内取值。",
)
SYNTHETIC_FOLDER = config_fault(
    "SYNTHETIC_FOLDER",
    "The folder holds {file}, which this program did not write.",
    "该目录中已有 {file}，且并非由本程序生成。",
    "Name a new or empty folder: made-up rows must not replace real ones.",
    "请指定新的或空的目录：合成数据不得覆盖真实数据。",
)

FAULTS = (SYNTHETIC_RANGE, SYNTHETIC_FOLDER)

VIEW: Final = "main"
MONTHS: Final = 18
"""Length of the window of observation; the last three months are meant as out-of-time sample."""
OUT_OF_TIME_MONTHS: Final = 3
_PERFORMANCE_MONTHS: Final = 12

Indices = npt.NDArray[np.intp]

_BANK_ONLY, _PLATFORM_ONLY = 0.08, 0.10
_TRUTH = "truth.json"
_CODE_PREFIX = "91"
_ORGANISATION_PREFIX = "QQ"
"""Marks made-up firms at a glance in files, logs and searches of a canary test."""

_PLATFORM_KINDS: Final[Sequence[frozenset[str]]] = (
    frozenset(("social", "utilities", "farms", "agriculture", "medical_providers")),
    frozenset(("innovation", "procurement", "qualification", "ip", "property", "marriage")),
)
"""What the second and the third platform hold (local services; registers and titles); the first has the rest."""


@dataclass(frozen=True, slots=True)
class SyntheticSet:
    """Paths of one set.

    Attributes
    ----------
    platforms, platform_views : tuple of Path
        One per platform, in the same order.
    as_of : date
        The day of the job: consents are to be judged, and all features are known, on it.
    """

    bank: Path
    platforms: tuple[Path, ...]
    consents: Path
    bank_views: Path
    platform_views: tuple[Path, ...]
    truth: Path
    as_of: dt.date
    grantee: str
    purpose: str


def generate(
    directory: str | Path,
    *,
    firms: int = 20_000,
    platforms: int = 1,
    seed: int = 20240328,
    base_rate: float = 0.06,
    as_of: dt.date = dt.date(2026, 7, 1),
    grantee: str = "bank-a",
    purpose: str = "credit-modelling",
) -> SyntheticSet:
    """Write a set into ``directory`` (made if absent; an earlier set in it is replaced).

    Parameters
    ----------
    firms : int
        Size of the whole population, 500 to 1,000,000. 8 % are known to the bank alone, 10 % to the platforms
        alone, the rest to both. Below 1,500 the bank may hold fewer events than training asks for.
    platforms : int
        1 to 3; several platforms share the columns between them by kind of information and know the same firms.
    seed : int
        0 to 2^63 − 1.
    base_rate : float
        Mean probability of the event, 0.005 to 0.5.
    as_of : date
        Day of the job. Observation ends 12 months before, so every label has had its time.
    grantee, purpose : str
        What the valid consents name.

    Raises
    ------
    ConfigError
        ``SYNTHETIC_RANGE``, ``SYNTHETIC_FOLDER``.
    """
    _require_range("firms", firms, 500, 1_000_000)
    _require_range("platforms", platforms, 1, len(_PLATFORM_KINDS) + 1)
    _require_range("seed", seed, 0, 2**63 - 1)
    _require_range("base_rate", base_rate, 0.005, 0.5)
    names = _platform_names(platforms)
    folder = Path(directory)
    paths = SyntheticSet(
        bank=folder / "bank.csv",
        platforms=tuple(folder / f"{name}.csv" for name in names),
        consents=folder / "consents.csv",
        bank_views=folder / "bank-views.toml",
        platform_views=tuple(folder / f"{name}-views.toml" for name in names),
        truth=folder / _TRUTH,
        as_of=as_of,
        grantee=grantee,
        purpose=purpose,
    )
    _claim(folder)
    population = _Population.drawn(Draws(seed, firms), base_rate, _month_ends(as_of))
    shares = _platform_features(platforms)
    _write_bank(paths, population)
    for table, views, features in zip(paths.platforms, paths.platform_views, shares, strict=True):
        _write_platform(table, views, features, population)
    permitted = _write_consents(paths, population)
    both = np.intersect1d(population.at_bank, population.at_platform)
    truth = {
        "about": "Made-up enterprises; no row describes a real firm. 合成数据，不对应任何真实企业。",
        "seed": seed,
        "as_of": as_of.isoformat(),
        "event": "90 or more days past due within 12 months",
        "rows": {
            "bank": len(population.at_bank),
            "platform": len(population.at_platform),
            "both": len(both),
            "both_with_consent": int(np.isin(both, permitted).sum()),
        },
        "base_rate": {"asked": base_rate, "bank": round(float(population.events[population.at_bank].mean()), 6)},
        "out_of_time_from": population.month_ends[MONTHS + 1 - OUT_OF_TIME_MONTHS].isoformat(),
        "best_auc": round(auc(population.events[both], population.probability[both]), 6),
        "intercept": round(population.intercept, 9),
        "terms": [
            {"coefficient": term.coefficient, "formula": term.formula(), "owners": term.owners()} for term in TERMS
        ],
        "columns": _column_notes(shares, names, population.flawed),
    }
    _write(paths.truth, json.dumps(truth, ensure_ascii=False, indent=1) + "\n")
    return paths


@dataclass(frozen=True, slots=True, repr=False)
class _Population:
    """All firms: clean and flawed columns, outcome, codes, and who knows whom (indices of firms)."""

    draws: Draws
    clean: Firms
    flawed: Firms
    intercept: float
    probability: Floats
    events: Floats
    codes: list[str]
    at_bank: Indices
    at_platform: Indices
    month_ends: list[dt.date]

    @classmethod
    def drawn(cls, draws: Draws, base_rate: float, month_ends: list[dt.date]) -> _Population:
        clean = make_firms(draws, months=MONTHS, first_month=month_ends[1].month)
        odds = log_odds(clean)
        intercept = intercept_for(odds, base_rate)
        probability = 1.0 / (1.0 + np.exp(-(odds + intercept)))
        owner = draws.uniform("overlap")
        return cls(
            draws=draws,
            clean=clean,
            flawed=with_flaws(clean, draws),
            intercept=intercept,
            probability=probability,
            events=(draws.uniform("event") < probability).astype(np.float64),
            codes=_codes(clean, draws),
            at_bank=np.flatnonzero(owner >= _PLATFORM_ONLY),
            at_platform=np.flatnonzero(owner < 1.0 - _BANK_ONLY),
            month_ends=month_ends,
        )

    def days(self, *, before: int) -> list[str]:
        """Last day of each firm's month of observation, or of the month ``before`` months earlier."""
        ends = [day.isoformat() for day in self.month_ends]
        return [ends[month + 1 - before] for month in self.clean["month"].tolist()]


def _write_bank(paths: SyntheticSet, population: _Population) -> None:
    features = features_of(RoleName.BANK)
    special = {
        "uscc": population.codes,
        "y": [f"{event:.0f}" for event in population.events.tolist()],
        "observed_on": population.days(before=0),
        "as_of": population.days(before=1),
    }
    _write_table(paths.bank, special, features, population, population.at_bank)
    _write(paths.bank_views, _views(paths.bank.name, features, label=True))


def _write_platform(table: Path, views: Path, features: tuple[Feature, ...], population: _Population) -> None:
    special = {"uscc": population.codes, "as_of": population.days(before=1)}
    _write_table(table, special, features, population, population.at_platform)
    _write(views, _views(table.name, features, label=False))


def _write_consents(paths: SyntheticSet, population: _Population) -> Indices:
    """Write the records; the firms whose consent is valid on the day of the job."""
    terms = ConsentTerms(paths.grantee, paths.purpose, paths.as_of)
    rows, permitted = consent_rows(population.draws, population.at_platform, terms)
    lines = (f"{population.codes[firm]},{record}" for firm, record in rows)
    _write(paths.consents, "\n".join(("uscc,grantee,purpose,valid_from,valid_until,revoked_on", *lines)) + "\n")
    return permitted


def _require_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SYNTHETIC_RANGE.at(Place(column=name), low=low, high=high)


def _claim(folder: Path) -> None:
    """Make the folder and clear an earlier set; refuse tables without the truth that every set of ours has."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = ["bank.csv", "bank-views.toml", "consents.csv"]
    for names in map(_platform_names, range(1, len(_PLATFORM_KINDS) + 2)):
        ours += [f"{name}{ending}" for name in names for ending in (".csv", "-views.toml")]
    for file in ours:
        if (folder / file).exists() and not (folder / _TRUTH).exists():
            raise SYNTHETIC_FOLDER.at(Place(file=folder.name), file=file)
    for file in ours:
        (folder / file).unlink(missing_ok=True)


def _platform_names(platforms: int) -> tuple[str, ...]:
    return ("platform",) if platforms == 1 else tuple(f"platform-{letter}" for letter in "abc"[:platforms])


def _month_ends(as_of: dt.date) -> list[dt.date]:
    """The last days of MONTHS + 1 months: the month before the window, then the window."""
    last = as_of.year * 12 + as_of.month - 1 - _PERFORMANCE_MONTHS  # the first month after the window
    firsts = [dt.date(index // 12, index % 12 + 1, 1) for index in range(last - MONTHS, last + 1)]
    return [first - dt.timedelta(days=1) for first in firsts]


def _codes(firms: Firms, draws: Draws) -> list[str]:
    """One valid code per firm, all different; the division is that of the firm's region."""
    regions = firms["region"].tolist()
    numbers = draws.stream("uscc").choice(16**6, size=len(regions), replace=False)
    return [
        make_uscc(f"{_CODE_PREFIX}{DIVISIONS[region]}{_ORGANISATION_PREFIX}{number:06X}")
        for region, number in zip(regions, numbers.tolist(), strict=True)
    ]


def _platform_features(platforms: int) -> tuple[tuple[Feature, ...], ...]:
    """Columns of each platform; kinds of a platform that is not there fall to the first."""
    held = _PLATFORM_KINDS[: platforms - 1]
    shares: list[list[Feature]] = [[] for _ in range(platforms)]
    for feature in features_of(RoleName.PLATFORM):
        kind = (feature.item or "").partition(".")[0]
        index = next((i for i, kinds in enumerate(held, start=1) if kind in kinds), 0)
        shares[index].append(feature)
    return tuple(map(tuple, shares))


def _cells(feature: Feature, firms: Firms) -> list[str]:
    """Cells as written; blank where missing."""
    values = firms[feature.name]
    if feature.kind is FeatureKind.CATEGORICAL:
        texts: list[str] = values.tolist()
        return texts
    rounded = np.round(values, feature.decimals) + 0.0  # + 0.0: no "-0"
    form = f".{feature.decimals}f"
    return ["" if value != value else format(value, form) for value in rounded.tolist()]


def _write_table(
    path: Path,
    special: dict[str, list[str]],
    features: tuple[Feature, ...],
    population: _Population,
    firms: Indices,
) -> None:
    """The rows of ``firms`` in an order of this table's own."""
    columns = special | {feature.name: _cells(feature, population.flawed) for feature in features}
    rows = list(zip(*columns.values(), strict=True))
    order = population.draws.stream(f"order/{path.stem}").permutation(firms)
    _write(path, "\n".join((",".join(columns), *(",".join(rows[firm]) for firm in order.tolist()))) + "\n")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _views(source: str, features: tuple[Feature, ...], *, label: bool) -> str:
    lines = [
        "# Made-up enterprises. A column that is not named here is never loaded.",
        "# 合成数据。未在此声明的列不会被读取。",
        "",
        f"[views.{VIEW}]",
        f'source = "{source}"',
        'id = "uscc"',
    ]
    if label:
        lines.append('label = "y"                    # 1 = 90 or more days past due within 12 months')
    lines.append('as_of = "as_of"                # last day of the month before the observation')
    if label:
        lines.append('observed_on = "observed_on"    # last day of the month of observation')
    lines += ["", f"[views.{VIEW}.features]"]
    lines += [_view_line(feature) for feature in features if feature.declared]
    if not label:
        lines += ["", "[consents]", 'source = "consents.csv"']
    return "\n".join(lines) + "\n"


def _view_line(feature: Feature) -> str:
    item = f', item = "{feature.item}"' if feature.item is not None else ""
    entry = f'{feature.name} = {{ kind = "{feature.kind}", sensitivity = {feature.sensitivity}{item} }}'
    return f"{entry}  # {feature.label.en} / {feature.label.zh}"


def _column_notes(
    shares: tuple[tuple[Feature, ...], ...], names: tuple[str, ...], firms: Firms
) -> dict[str, dict[str, Any]]:
    """Per column: holder, part in the truth, gaps and outliers."""
    in_terms = {column for term in TERMS for column in term.columns()}
    mechanism = {column: gap.mechanism for gap in GAPS for column in gap.columns}
    outliers = {outlier.column: outlier for outlier in OUTLIERS}
    notes: dict[str, dict[str, Any]] = {}
    for holder, features in (("bank", features_of(RoleName.BANK)), *zip(names, shares, strict=True)):
        for feature in features:
            note: dict[str, Any] = {
                "holder": holder,
                "role": "signal" if feature.name in in_terms else "proxy_or_noise" if feature.declared else "withheld",
            }
            share = float(missing(firms[feature.name]).mean())
            if share > 0:
                note["missing"] = {"mechanism": mechanism.get(feature.name, "structural"), "share": round(share, 4)}
            if feature.name in outliers:
                outlier = outliers[feature.name]
                note["outliers"] = {"share": outlier.share, "factor": outlier.factor, "reason": outlier.reason}
            notes[feature.name] = note
    return notes
