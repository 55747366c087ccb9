"""A report of real models: boosted trees and a scorecard fitted here on a bank's and a platform's columns.

By default the firms are drawn from a known truth, small enough for the default suite. To look at the page with
public data::

    python tests/report/report_example.py OUT [FOLDER with bank.csv and platform.csv]
"""

from __future__ import annotations

import csv
import dataclasses
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from vfl.config.report_terms import ReportTerms
from vfl.errors import Text
from vfl.report.measure import Scored, bands_of, performance_of, stability_of, swap_set_of, uplift_of
from vfl.report.model import (
    Card,
    CategoryImportance,
    Costs,
    EdgeCost,
    FeatureImportance,
    Fingerprint,
    Header,
    Importance,
    IterationMetric,
    Ledger,
    LedgerRow,
    NodeCost,
    OperationCount,
    OwnerImportance,
    Parameter,
    Party,
    PartyRows,
    PeriodRows,
    PhaseCost,
    ReportModel,
    Sample,
    SplitRows,
    Trees,
)
from vfl.report.performance_model import Interval, ModelKind, Performance
from vfl.report.render import write_report
from vfl.report.scorecard_model import (
    Bin,
    BinKind,
    BinningTable,
    Coefficient,
    Correlation,
    Feature,
    ReasonCode,
    Removed,
    Scaling,
    ScorecardSection,
    StabilityRow,
    StabilitySection,
)
from vfl.report.strategy import Partition, ScoredRows, chosen_cut_off, match_of, segments_of, strategy_of
from vfl.report.strategy_model import SegmentSection, StrategySection
from vfl.roles import RoleName

Array = npt.NDArray[np.float64]
BANK, PLATFORM = "bank-a", "platform-a"
SEED = 7


@dataclass(frozen=True)
class Table:
    """Rows of both owners in one order: what only this example, knowing everything, can hold."""

    y: npt.NDArray[np.int64]
    bank: Array
    platform: Array
    bank_names: tuple[str, ...]
    platform_names: tuple[str, ...]
    period: npt.NDArray[np.int64]

    def split(self) -> dict[str, npt.NDArray[np.intp]]:
        order = np.random.default_rng(SEED).permutation(len(self.y))
        a, b = int(0.6 * len(order)), int(0.75 * len(order))
        return {"train": order[:a], "valid": order[a:b], "test": order[b:]}


def drawn(rows: int = 3000) -> Table:
    """Firms from a logistic truth with one missing-prone column."""
    rng = np.random.default_rng(SEED)
    bank, platform = rng.normal(size=(rows, 4)), rng.normal(size=(rows, 5))
    platform[:, 1] = 0.6 * bank[:, 0] + 0.8 * platform[:, 1]
    margin = -1.9 + bank @ [0.8, -0.5, 0.3, 0.0] + platform @ [0.6, 0.4, -0.4, 0.2, 0.0]
    y = (rng.random(rows) < 1 / (1 + np.exp(-margin))).astype(np.int64)
    bank[rng.random(rows) < 0.1, 2] = np.nan
    names = ("tax_arrears_days", "employees", "social_insurance_gap", "penalties", "court_cases")
    period = np.sort(rng.integers(0, 12, rows)) + 202501
    return Table(y, bank, platform, ("turnover", "balance", "overdraft", "years"), names, period)


def read(folder: Path) -> Table:
    """Join the two owners' public tables by code; categories become integers."""
    tables = []
    for name in ("bank.csv", "platform.csv"):
        with (folder / name).open(newline="") as file:
            tables.append({row["uscc"]: row for row in csv.DictReader(file)})
    codes = [code for code in tables[0] if code in tables[1]]
    bank_names = tuple(k for k in tables[0][codes[0]] if k not in ("uscc", "y"))
    platform_names = tuple(k for k in tables[1][codes[0]] if k != "uscc")

    def columns(table: dict[str, dict[str, str]], names: tuple[str, ...]) -> Array:
        return np.column_stack([_numbers([table[code][name] for code in codes]) for name in names])

    y = np.array([int(float(tables[0][code]["y"])) for code in codes])
    bank = columns(tables[0], bank_names)
    period = bank[:, bank_names.index("approval_year")] if "approval_year" in bank_names else np.full(len(y), 2024)
    return Table(y, bank, columns(tables[1], platform_names), bank_names, platform_names, period.astype(np.int64))


def _numbers(values: list[str]) -> Array:
    try:
        return np.array([float(v) if v else np.nan for v in values])
    except ValueError:
        return np.unique(values, return_inverse=True)[1].astype(np.float64)


def example(table: Table | None = None) -> ReportModel:
    """Every section filled."""
    table = drawn() if table is None else table
    rows = table.split()
    features = _features(table)
    x = np.hstack([table.bank, table.platform])
    of_bank = np.array([f.owner == BANK for f in features])
    views = {
        ModelKind.PLATFORM_ALONE: ~of_bank,
        ModelKind.BANK_ALONE: of_bank,
        ModelKind.JOINT: np.ones(len(features), dtype=bool),
    }
    boosters: dict[ModelKind, lightgbm.Booster] = {}
    curve: dict[str, Any] = {}
    for kind, seen in views.items():
        data = lightgbm.Dataset(x[rows["train"]][:, seen], table.y[rows["train"]])
        valid = lightgbm.Dataset(x[rows["valid"]][:, seen], table.y[rows["valid"]], reference=data)
        parameters = {"objective": "binary", "num_leaves": 15, "learning_rate": 0.1, "verbose": -1, "num_threads": 1}
        record = lightgbm.record_evaluation(curve)
        boosters[kind] = lightgbm.train(
            parameters, data, 60, valid_sets=[data, valid], valid_names=["train", "valid"], callbacks=[record]
        )
    scores = {kind: boosters[kind].predict(x[:, seen]) for kind, seen in views.items()}
    scores[ModelKind.POOLED] = scores[ModelKind.JOINT]
    test = rows["test"]
    points = 600 + 20 / np.log(2) * (np.log(1 / scores[ModelKind.JOINT] - 1) - np.log(20))
    bands = bands_of("test", table.y[test], points[test])
    swaps = tuple(
        swap_set_of(table.y[test], scores[ModelKind.JOINT][test], scores[ModelKind.BANK_ALONE][test], share)
        for share in (0.5, 0.6, 0.7, 0.8, 0.9)
    )
    strategy, segments = _lending(table, rows, points, scores)
    return ReportModel(
        header=_header(),
        sample=_sample(table, rows),
        performance=_performance(table, rows, scores),
        bands=dataclasses.replace(bands, swaps=swaps),
        strategy=strategy,
        segments=segments,
        importance=_importance(boosters[ModelKind.JOINT], features),
        trees=_trees(boosters[ModelKind.JOINT], features, curve),
        scorecard=_scorecard(table, features, x, rows["train"]),
        stability=_stability(points, rows, features),
        ledger=_ledger(),
        costs=_costs(),
        card=_card(),
    )


def _lending(
    table: Table, rows: dict[str, npt.NDArray[np.intp]], points: Array, scores: dict[ModelKind, Array]
) -> tuple[StrategySection, SegmentSection]:
    terms = ReportTerms(segments=("size",), loss_given_default=0.45, margin=0.05)
    cut_off = chosen_cut_off(terms, points[rows["train"]])
    joint = scores[ModelKind.JOINT]
    scored = {name: ScoredRows(table.y[i].astype(float), points[i], joint[i]) for name, i in rows.items()}
    test = rows["test"]
    match = match_of(
        "test", table.y[test].astype(float), scores[ModelKind.BANK_ALONE][test], joint[test],
        names=("bank_alone", "joint"), approval_share=terms.approval_rate, seed=SEED,
    )  # fmt: skip
    size = np.searchsorted(np.array([-0.5, 0.5, 2.0]), table.bank[test, 0])
    size[:40] = -1
    partition = Partition(("micro 微型", "small 小型", "medium 中型", "large 大型"), size)
    segments = segments_of(
        "test", scored["test"], {"size": partition}, cut_off, modelled=frozenset(), seed=SEED, floor=50
    )
    return strategy_of("test", scored, terms, cut_off, match), segments


def _features(table: Table) -> list[Feature]:
    bank = [Feature(BANK, i, name) for i, name in enumerate(table.bank_names, 1)]
    # The last column's name is withheld, as a contract may ask.
    named = [*table.platform_names[:-1], None]
    return bank + [Feature(PLATFORM, i, name) for i, name in enumerate(named, 1)]


def _header() -> Header:
    return Header(
        job_id="2026-03-inclusive-sme-017",
        title="小微企业贷前联合模型 Inclusive SME pre-loan model",
        parties=(
            Party(BANK, RoleName.BANK),
            Party(PLATFORM, RoleName.PLATFORM),
            Party("coordinator", RoleName.COORDINATOR),
        ),
        contract_hash="9f2c1d7be0415a6688c7c1c0f7ba54e2d9b6a1f4c3e2d1b0a998877665544332",
        started="2026-03-14T09:02:11+08:00",
        finished="2026-03-14T09:31:48+08:00",
        software_version="0.1.0",
        purpose="credit-modelling",
        event_definition="12 个月内逾期 90 天以上或核销 (90+ days past due or written off within 12 months)",
        non_event_definition="12 个月内逾期不超过 30 天 (never more than 30 days past due)",
        observation_window="2024-01 … 2024-12",
        performance_window="12 个月 (12 months)",
        algorithm="trees",
        backend="paillier",
        key_bits=2048,
    )


def _sample(table: Table, rows: dict[str, npt.NDArray[np.intp]]) -> Sample:
    splits = tuple(SplitRows(name, len(r), int(table.y[r].sum()), "2024-01 … 2024-12") for name, r in rows.items())
    periods = []
    for period in np.unique(table.period):
        inside = table.period == period
        periods.append(PeriodRows(str(period), int(inside.sum()), int(table.y[inside].sum())))
    parties = (PartyRows(BANK, len(table.y) + 812, len(table.y) + 640), PartyRows(PLATFORM))
    return Sample(parties, splits, intersection=len(table.y), periods=tuple(periods))


def _performance(table: Table, rows: dict[str, npt.NDArray[np.intp]], scores: dict[ModelKind, Array]) -> Performance:
    scored = {
        kind: {name: Scored(table.y[r].astype(float), p[r]) for name, r in rows.items()} for kind, p in scores.items()
    }
    uplift = [
        uplift_of("test", scored[ModelKind.JOINT]["test"], scored[over]["test"], over=over, seed=SEED)
        for over in (ModelKind.PLATFORM_ALONE, ModelKind.BANK_ALONE)
    ]
    models = [performance_of(kind, splits, seed=SEED) for kind, splits in scored.items()]
    return Performance(tuple(models), tuple(uplift))


def _importance(booster: lightgbm.Booster, features: list[Feature]) -> Importance:
    gains = booster.feature_importance("gain")
    owners = tuple(
        OwnerImportance(owner, float(sum(g for g, f in zip(gains, features, strict=True) if f.owner == owner)))
        for owner in (BANK, PLATFORM)
    )
    ranked = sorted(zip(gains, features, strict=True), key=lambda pair: -pair[0])
    categories = (
        CategoryImportance("03", Text("Tax payment", "纳税信息"), PLATFORM, Interval(0.041, 0.03, 0.052)),
        CategoryImportance("05", Text("Social insurance", "社会保险缴纳"), PLATFORM, Interval(0.018, 0.009, 0.026)),
        CategoryImportance(
            "11", Text("Administrative penalties", "行政处罚"), PLATFORM, Interval(0.007, -0.001, 0.013)
        ),
    )
    return Importance("gain", owners, tuple(FeatureImportance(f, float(g)) for g, f in ranked), categories)


def _trees(booster: lightgbm.Booster, features: list[Feature], curve: dict[str, Any]) -> Trees:
    counts = booster.feature_importance("split")
    train, valid = (curve[name]["binary_logloss"] for name in ("train", "valid"))
    return Trees(
        trees=booster.num_trees(),
        best_iteration=int(np.argmin(valid)) + 1,
        parameters=(Parameter("num_leaves", "15"), Parameter("learning_rate", "0.1"), Parameter("gradient_bits", "30")),
        iterations=tuple(IterationMetric(i, t, v) for i, (t, v) in enumerate(zip(train, valid, strict=True), 1)),
        splits_by_owner=tuple(
            OwnerImportance(owner, float(sum(c for c, f in zip(counts, features, strict=True) if f.owner == owner)))
            for owner in (BANK, PLATFORM)
        ),
    )


def _scorecard(table: Table, features: list[Feature], x: Array, train: npt.NDArray[np.intp]) -> ScorecardSection:
    y = table.y[train]
    tables, columns = [], []
    for feature, column in zip(features, x[train].T, strict=True):
        binning, woe = _binning(feature, column, y)
        tables.append(binning)
        columns.append(woe)
    z = np.column_stack(columns)
    fitted = LogisticRegression(C=np.inf, max_iter=500).fit(z, y)
    p = fitted.predict_proba(z)[:, 1]
    design = np.column_stack([np.ones(len(z)), z])
    covariance = np.linalg.pinv((design * (p * (1 - p))[:, None]).T @ design)
    errors = np.sqrt(np.diag(covariance))
    correlation = np.corrcoef(z.T)
    vif = np.diag(np.linalg.pinv(correlation))
    weights = np.append(fitted.intercept_, fitted.coef_[0])
    coefficients = []
    for i, feature in enumerate([None, *features]):
        p_value = math.erfc(abs(weights[i] / errors[i]) / math.sqrt(2))
        inflation = float(vif[i - 1]) if i else float("nan")
        coefficients.append(Coefficient(feature, float(weights[i]), float(errors[i]), p_value, inflation))
    factor = 20 / np.log(2)
    pointed = []
    for binning, weight in zip(tables, fitted.coef_[0], strict=True):
        bins = tuple(dataclasses.replace(b, points=float(round(-weight * b.woe * factor))) for b in binning.bins)
        pointed.append(dataclasses.replace(binning, bins=bins))
    start = 600 - factor * np.log(20) - factor * float(fitted.intercept_[0])
    return ScorecardSection(
        tables=tuple(pointed),
        coefficients=tuple(coefficients),
        correlation=Correlation(
            tuple(f.label for f in features), tuple(tuple(float(v) for v in r) for r in correlation)
        ),
        scaling=Scaling(600, 20, 20, start),
        reasons=(
            ReasonCode("R03", PLATFORM, Text("Taxes paid late in the last 12 months", "近 12 个月存在逾期缴税")),
            ReasonCode("R11", BANK, Text("Credit line used up", "授信额度使用率偏高")),
        ),
        removed=(
            Removed(Feature(BANK, 9, "branch"), "one-bin", Text("all rows fall into one bin", "全部样本落入同一分箱")),
            Removed(Feature(PLATFORM, 7), "low-iv", Text("below 0.02", "低于 0.02"), 0.0041),
        ),
    )


def _binning(feature: Feature, column: Array, y: npt.NDArray[np.int64]) -> tuple[BinningTable, Array]:
    known = np.isfinite(column)
    edges = np.unique(np.quantile(column[known], [0.2, 0.4, 0.6, 0.8]))
    place = np.where(known, np.searchsorted(edges, column, side="left"), len(edges) + 1)
    bins, woe, total = [], np.zeros(len(y)), 0.0
    limits = [-np.inf, *edges, np.inf]
    for i in range(len(edges) + 2):
        inside = place == i
        if not inside.any():
            continue
        events, others = y[inside].sum() + 0.5, (1 - y[inside]).sum() + 0.5
        bad, good = events / y.sum(), others / (len(y) - y.sum())
        value = float(np.log(good / bad))
        woe[inside] = value
        iv = float((good - bad) * value)
        total += iv
        kind = BinKind.MISSING if i > len(edges) else BinKind.INTERVAL if feature.name else BinKind.ANONYMOUS
        shown = f"({limits[i]:,.6g}, {limits[i + 1]:,.6g}]" if kind is BinKind.INTERVAL else ""
        bins.append(Bin(kind, value, iv, shown, int(inside.sum()), int(y[inside].sum())))
    return BinningTable(feature, total, tuple(bins), "none"), woe


def _stability(points: Array, rows: dict[str, npt.NDArray[np.intp]], features: list[Feature]) -> StabilitySection:
    result = list(stability_of(points[rows["train"]], {name: points[rows[name]] for name in ("valid", "test")}))
    for i, feature in enumerate(features[:7]):
        result += [StabilityRow(name, 0.02 * (i + 1) * (k + 1), feature) for k, name in enumerate(("valid", "test"))]
    return StabilitySection("train", tuple(result))


_LEARNS = {
    "KeyOffer": Text("the public key and its proof", "公钥及其证明"),
    "BlindedIds": Text("padded number of firms", "填充后的企业数"),
    "IntersectionBits": Text("which firms both know", "双方共有哪些企业"),
    "EncryptedGradients": Text("nothing beyond sizes", "除大小外无"),
    "MaskedHistogram": Text("sums over at least 50 rows per anonymous bin", "每个匿名分箱（不少于 50 行）的汇总"),
    "NextNode": Text("which node is opened, and by whom", "打开哪个节点、由谁切分"),
    "SideBits": Text("side of each row at the platform's splits", "每行在平台切分点的左右侧"),
    "EvaluationCounts": Text("AUC and KS on at least 500 rows", "不少于 500 行的 AUC 与 KS"),
}
_SENT = (
    ("KeyOffer", "public", BANK, PLATFORM, 1, 1_412, 0.0),
    ("BlindedIds", "blinded", BANK, PLATFORM, 19, 1_218_000, 0.0),
    ("BlindedIds", "blinded", PLATFORM, BANK, 20, 1_280_000, 0.0),
    ("IntersectionBits", "disclosure", PLATFORM, BANK, 1, 2_400, 18_488.0),
    ("EncryptedGradients", "ciphertext", BANK, PLATFORM, 2_160, 564_000_000, 0.0),
    ("MaskedHistogram", "masked", PLATFORM, BANK, 412, 38_400_000, 412 * 9 * 32.0),
    ("NextNode", "disclosure", BANK, PLATFORM, 840, 41_000, 840 * 6.0),
    ("SideBits", "disclosure", PLATFORM, BANK, 388, 512_000, math.nan),
    ("EvaluationCounts", "aggregate", BANK, PLATFORM, 3, 900, 96.0),
)


def _ledger() -> Ledger:
    return Ledger(
        rows=tuple(
            LedgerRow(message, kind, sender, receiver, count, size, _LEARNS[message], bits)
            for message, kind, sender, receiver, count, size, bits in _SENT
        ),
        statements=(
            Text(
                "The bank learned 412 node histograms of 50 rows or more, and 0 row values.",
                "银行获知 412 个不少于 50 行的节点直方图，行级取值 0 个。",
            ),
            Text("The platform learned no label and no score.", "平台未获知任何标签与分数。"),
        ),
        budget_bits=400_000,
    )


def _costs() -> Costs:
    rng = np.random.default_rng(SEED)
    return Costs(
        phases=(
            PhaseCost("keys", 1.9, BANK),
            PhaseCost("alignment", 14.2, BANK),
            PhaseCost("boosting", 1532.0, BANK),
            PhaseCost("evaluation", 6.1, BANK),
            PhaseCost("alignment", 15.0, PLATFORM),
            PhaseCost("boosting", 1490.0, PLATFORM),
        ),
        edges=(EdgeCost(BANK, PLATFORM, 3_023, 565_261_312), EdgeCost(PLATFORM, BANK, 821, 40_194_400)),
        nodes=(NodeCost(BANK, 912_000_000, 2801.0, 2), NodeCost(PLATFORM, 640_000_000, 2400.5, 2)),
        operations=(
            OperationCount(BANK, "encrypt", 663_000),
            OperationCount(BANK, "decrypt", 51_200),
            OperationCount(PLATFORM, "add", 41_800_000),
            OperationCount(PLATFORM, "seal", 51_200),
        ),
        seconds_per_tree=tuple(float(v) for v in 25 + rng.random(60) * 3),
    )


def _card() -> Card:
    return Card(
        uses=(Text("Pre-loan assessment of small firms in the province.", "本省小微企业贷前评估。"),),
        limits=(
            Text(
                "Not for firms younger than one year: none were in the sample.",
                "不适用于成立不足一年的企业：样本中没有。",
            ),
            Text(
                "Firms without consent are absent, so the sample may differ from all applicants.",
                "未授权企业不在样本内，样本与全部申请人可能有差异。",
            ),
        ),
        fingerprints=(
            Fingerprint("model", "b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184"),
            Fingerprint("seed", "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592", BANK),
            Fingerprint("audit", "7d793037a0760186574b0282f2f435e77d793037a0760186574b0282f2f435e7", PLATFORM),
        ),
    )


if __name__ == "__main__":
    source = read(Path(sys.argv[2])) if len(sys.argv) > 2 else None
    sys.stdout.write(f"{write_report(example(source), Path(sys.argv[1]))}\n")
