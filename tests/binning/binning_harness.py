"""Made-up tables with awkward features, and a run of the binning protocol over them in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from party_bank.steps.binning import BankBinningSteps
from party_bank.steps.workspace import BankWorkspace
from party_platform.steps.binning import PlatformBinningSteps
from party_platform.steps.workspace import PlatformWorkspace
from vfl.config.binning import BinningSpec
from vfl.config.contract import Contract
from vfl.config.job import JobSpec
from vfl.config.policy import Policy
from vfl.crypto.paillier import AdditiveHE, KeyHolder, KeyPurpose, PrivateKey
from vfl.crypto.psi import Alignment
from vfl.crypto.randomness import JobSeed
from vfl.data.consent import ConsentBook
from vfl.data.quality import Categories, QualityReport
from vfl.data.schema import FeatureKind, FeatureSpec
from vfl.data.table import Dataset
from vfl.protocols.binning import BankBinning, PlatformBinning, binning, screening
from vfl.protocols.binning_sums import binning_budgets
from vfl.roles import RoleName
from vfl.runtime.choreography import Choreography
from vfl.runtime.egress import Egress
from vfl.runtime.reference import Party, ReferenceRun, Sent

KEY_BITS = 512
PRIVATE = PrivateKey.generate(KEY_BITS, purpose=KeyPurpose.TEST_KEYS_ONLY)

Column = npt.NDArray[np.float64] | tuple[npt.NDArray[np.int32], list[str]]


def table(columns: Mapping[str, Column], labels: npt.NDArray[np.uint8] | None = None) -> Dataset:
    """A dataset as :func:`vfl.data.table.load_view` makes it, without its checks: features may be degenerate."""
    kinds = {n: FeatureKind.CATEGORICAL if isinstance(c, tuple) else FeatureKind.NUMERIC for n, c in columns.items()}
    stored: dict[str, Any] = {n: Categories(*c) if isinstance(c, tuple) else c for n, c in columns.items()}
    rows = len(next(iter(stored.values())).codes if isinstance(c := next(iter(columns.values())), tuple) else c)
    report = QualityReport("main", rows, {}, None if labels is None else int(labels.sum()), ())
    specs = tuple(FeatureSpec(name, kind) for name, kind in kinds.items())
    ids = [f"id-{i:06d}" for i in range(rows)]
    return Dataset(ids, specs, stored, labels=labels, as_of=None, observed_on=None, report=report)


def awkward_columns(risk: npt.NDArray[np.float64], rng: np.random.Generator, prefix: str) -> dict[str, Column]:
    """Useful, useless and degenerate features of firms with a hidden ``risk``."""
    rows = len(risk)
    noisy = risk + rng.normal(0, 1, rows)
    holes = noisy + rng.normal(0, 0.6, rows)
    holes[rng.random(rows) < 0.2] = np.nan
    few_holes = risk + rng.normal(0, 1.5, rows)
    few_holes[:7] = np.nan
    levels = [f"{prefix}-L{i}" for i in range(12)]
    codes = np.clip(np.rint(risk * 2 + 5 + rng.normal(0, 1, rows)), 0, 11).astype(np.int32)
    codes[rng.random(rows) < 0.08] = -1
    return {
        f"{prefix}_noisy": noisy,
        f"{prefix}_twin": noisy + rng.normal(0, 0.05, rows),
        f"{prefix}_holes": holes,
        f"{prefix}_few_holes": few_holes,
        f"{prefix}_peak": np.abs(risk + rng.normal(0, 0.3, rows)),
        f"{prefix}_level": (codes, levels),
        f"{prefix}_noise": rng.normal(0, 1, rows),
        f"{prefix}_constant": np.full(rows, 3.5),
        f"{prefix}_empty": np.full(rows, np.nan),
        f"{prefix}_one_level": (np.zeros(rows, dtype=np.int32), [f"{prefix}-only"]),
    }


@dataclass
class Scene:
    spec: BinningSpec
    bank: BankBinningSteps
    platforms: dict[str, PlatformBinningSteps]
    tables: dict[str, Dataset]
    labels: npt.NDArray[np.uint8]
    train: slice
    run: ReferenceRun
    heard: list[tuple[Sent, bytes]] = field(default_factory=list)

    async def play(self) -> None:
        c = Choreography(self.run)
        bank = c.role("bank-a", BankBinning)
        platforms = [c.role(p, PlatformBinning) for p in self.platforms]
        await c.phase("binning", binning, bank, platforms)
        await c.phase("screening", screening, bank, platforms)


def stage(
    *, rows: int = 1600, platforms: int = 1, spec: BinningSpec | None = None, bank_features: bool = True,
    columns: Mapping[str, Column] | None = None, seed: int = 7,
) -> Scene:
    """All parties, before the run; ``columns`` replaces the (first) platform's features."""
    spec = spec or BinningSpec(pre_bins=12)
    rng = np.random.default_rng(seed)
    risk = rng.normal(0, 1, rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(1.5 - 1.2 * risk))).astype(np.uint8)
    names = [f"platform-{chr(97 + i)}" for i in range(platforms)]
    job = _job(names, bank_features)
    order = rng.permutation(rows)
    tables = {"bank-a": table(awkward_columns(risk, rng, "own"), labels)}
    for i, name in enumerate(names):
        made = columns if columns is not None and i == 0 else awkward_columns(risk, rng, f"p{i}")
        tables[name] = table(made)
    contract = _contract(names, spec, tables)
    aligned = Alignment(order.astype(np.int64), np.zeros((rows, 16), dtype=np.uint8), b"root" * 8)
    holder = KeyHolder(PRIVATE)
    keys = {PRIVATE.public.key_id: PRIVATE.public}
    work = BankWorkspace(
        party="bank-a", job="job-1", spec=job, seed=JobSeed(b"b" * 32), data=tables["bank-a"], holder=holder,
        keys=keys, aligned=aligned,
    )  # fmt: skip
    bank = BankBinningSteps(work, spec)
    policy = Policy(allow_test_keys=True)
    parties = {"bank-a": Party({BankBinning: bank}, Egress("bank-a", contract, policy), keys)}
    steps = {}
    for i, name in enumerate(names):
        place = PlatformWorkspace(
            party=name, job="job-1", spec=job, seed=JobSeed(bytes([i + 1]) * 32), data=tables[name],
            consents=_consents(tables[name].ids), evaluator=AdditiveHE(PRIVATE.public), keys=keys, aligned=aligned,
        )  # fmt: skip
        steps[name] = PlatformBinningSteps(place, spec)
        parties[name] = Party({PlatformBinning: steps[name]}, Egress(name, contract, policy), keys)
    heard: list[tuple[Sent, bytes]] = []
    run = ReferenceRun(parties, wiretap=lambda sent, body: heard.append((sent, body)))
    ordered = {name: data.take(order) for name, data in tables.items()}
    return Scene(spec, bank, steps, ordered, labels[order], work.parts[0], run, heard)


def played(**shape: Any) -> Scene:
    scene = stage(**shape)
    asyncio.run(scene.play())
    return scene


def _job(platforms: list[str], bank_features: bool) -> JobSpec:
    listed = ", ".join(f'"{p}"' for p in platforms)
    return JobSpec.parse(f"""\
[job]
name = "t"
bank = "bank-a"
platforms = [{listed}]
bank_view = "main"
platform_view = "main"
as_of = 2026-06-01
bank_features = {str(bank_features).lower()}
[privacy]
key_bits = {KEY_BITS}
test_keys = true
""")


def _contract(platforms: list[str], spec: BinningSpec, tables: Mapping[str, Dataset]) -> Contract:
    budgets = binning_budgets(
        spec, rows=len(tables["bank-a"]), key_bits=KEY_BITS,
        features={p: len(tables[p].features) for p in platforms}, bank_features=len(tables["bank-a"].features),
    )  # fmt: skip
    roles = {"bank-a": RoleName.BANK} | dict.fromkeys(platforms, RoleName.PLATFORM)
    return Contract("job-1", roles, budgets, "")


def _consents(ids: list[str]) -> ConsentBook:
    def days(text: str) -> npt.NDArray[np.datetime64]:
        return np.full(len(ids), np.datetime64(text), dtype="datetime64[D]")

    same = len(ids)
    return ConsentBook(
        ids, ["bank-a"] * same, ["credit-modelling"] * same, days("2026-01-01"), days("2027-12-31"), days("NaT")
    )


