"""A simulation: all parties' tables on this machine, whole jobs in this process.

It answers what a joint model is worth and what it tells before institutions sign anything, on data that one person
may hold: made-up, public, or one's own split in two.
"""

from __future__ import annotations

import datetime as dt
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vfl.config.job import JobSpec
from vfl.core.metrics import auc, ks
from vfl.data.consent import ConsentBook
from vfl.data.synthetic import generate
from vfl.data.table import load_view
from vfl.data.views import load_views
from vfl.errors import ConfigError, DataError, Text
from vfl.lab.assembly import LabJob, PlatformTable, assemble
from vfl.lab.model import JointCard, JointModel
from vfl.lab.packages import node_package
from vfl.report import ReportModel, render
from vfl.roles import RoleName
from vfl.runtime.reference import Sent
from vfl.service.side import Outcome

__all__ = ["LedgerRow", "Result", "Simulation"]

_JOB = """\
[job]
name = "simulation"
bank = "{bank}"
platforms = [{platforms}]
bank_view = "main"
platform_view = "main"
as_of = {as_of}
model = "{model}"

[privacy]
key_bits = {key_bits}
test_keys = {test_keys}
minimum_intersection = 100

[trees]
trees = {trees}
"""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What one party sent another of one message type."""

    message: str
    sender: str
    receiver: str
    messages: int
    bytes: int
    bits: int


@dataclass(slots=True, repr=False)
class Result:
    """A finished job and everything that passed in it.

    ``job`` holds the role objects themselves: a simulation has no secrets from whoever runs it.
    """

    job: LabJob
    model: JointModel | JointCard
    measures: dict[str, dict[str, float]] = field(default_factory=dict)
    """AUC and KS on the test rows, of ``joint`` and, where the bank has features, ``bank_alone``."""

    def __repr__(self) -> str:
        return f"<Result {self.job.spec.name}: AUC {self.auc:.4f}, {len(self.trace)} messages>"

    @property
    def auc(self) -> float:
        """Of the joint model on the test rows."""
        return self.measures["joint"]["auc"]

    @property
    def rows(self) -> int:
        """Firms that all owners hold."""
        return len(self.job.bank.work.alignment.rows)

    @property
    def trace(self) -> list[Sent]:
        """Every message in order, without its body."""
        return self.job.trace

    @property
    def seconds(self) -> Mapping[str, float]:
        """By phase."""
        return self.job.seconds

    @property
    def ledger(self) -> list[LedgerRow]:
        """What left each domain, the most bytes first."""
        rows = [
            LedgerRow(type_name, sender, receiver, line.messages, line.bytes, line.bits)
            for sender, egress in self.job.exits.items()
            for (type_name, receiver), line in egress.ledger.lines.items()
        ]
        return sorted(rows, key=lambda row: -row.bytes)

    @property
    def digest(self) -> str:
        """Of the bank's part of the model."""
        bank = self.job.bank
        part = bank.logistic.model_part() if isinstance(self.model, JointCard) else bank.trees.model_part()
        made: str = node_package("party_bank.reporting").model_digest(part)
        return made

    def report_model(self) -> ReportModel:
        """The data of the bank's model report."""
        bank, ledger = self.job.bank, self.job.exits[self.job.spec.bank].ledger
        outcome = Outcome(self.job.contract.digest, ledger, self.job.received(), self.seconds)
        made: ReportModel
        if isinstance(self.model, JointCard):
            made = node_package("party_bank.card_report").card_report_of(bank, outcome, self.digest)
        else:
            made = node_package("party_bank.reporting").report_of(bank, outcome, self.digest)
        return made

    def report(self, path: Path | str, *, language: str = "zh") -> Path:
        """Write the bank's model report as one HTML file."""
        out = Path(path)
        out.write_text(render(self.report_model(), language=language), encoding="utf-8")
        return out


class Simulation:
    """Tables of one bank and its platforms.

    Parameters
    ----------
    bank_views : Path or str
        The bank's ``views.toml``.
    platform_views : mapping of platform to Path or str
        Each platform's ``views.toml``, with its consents.
    bank : str
        Name of the bank; consents must name it.

    Examples
    --------
    >>> from vfl.lab import Simulation
    >>> simulation = Simulation.from_synthetic(firms=3000)
    >>> result = simulation.run(simulation.job(trees=2))
    >>> 0.5 < result.auc < 1.0
    True
    """

    def __init__(
        self, bank_views: Path | str, platform_views: Mapping[str, Path | str], *, bank: str = "bank-a"
    ) -> None:
        self.bank = bank
        self._bank_views = Path(bank_views)
        self._platform_views = {name: Path(path) for name, path in platform_views.items()}
        self._as_of = dt.date.today()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __repr__(self) -> str:
        return f"<Simulation of {self.bank} and {', '.join(self._platform_views)}>"

    @classmethod
    def from_synthetic(
        cls, firms: int = 6_000, *, platforms: int = 1, seed: int = 20240328, base_rate: float = 0.1
    ) -> Simulation:
        """On made-up enterprises (:func:`vfl.data.synthetic.generate`), in a folder that goes with the object."""
        folder = tempfile.TemporaryDirectory(prefix="vfl-lab-")
        made = generate(folder.name, firms=firms, platforms=platforms, seed=seed, base_rate=base_rate)
        names = [f"platform-{letter}" for letter in "abc"[:platforms]]
        out = cls(made.bank_views, dict(zip(names, made.platform_views, strict=True)), bank=made.grantee)
        out._as_of, out._folder = made.as_of, folder
        return out

    def job(self, *, model: str = "trees", trees: int = 10, key_bits: int | None = None) -> JobSpec:
        """A job for these tables.

        Parameters
        ----------
        model : {"trees", "scorecard"}
            The first platform of a scorecard computes with the bank; see :mod:`vfl.protocols.logistic_provider`.
        trees : int
        key_bits : int, optional
            Shorter than 2,048 bits they are labelled as test keys. By default 512, and 1,024 for a scorecard, whose
            regression then keeps about two digits: 2,048 bits keep four.
        """
        key_bits = key_bits or (1024 if model == "scorecard" else 512)
        platforms = ", ".join(f'"{name}"' for name in self._platform_views)
        test_keys = "true" if key_bits < 2048 else "false"
        text = _JOB.format(
            bank=self.bank, platforms=platforms, as_of=self._as_of, model=model, trees=trees,
            key_bits=key_bits, test_keys=test_keys,
        )  # fmt: skip
        return JobSpec.parse(text, "simulation")

    def run(
        self,
        job: JobSpec | Path | str,
        *,
        wiretap: Callable[[Sent, bytes], None] | None = None,
        seed: bytes | None = None,
    ) -> Result:
        """Run a whole training job.

        Parameters
        ----------
        job : JobSpec, or path of a job file
        wiretap : callable, optional
            Sees each message; see :class:`vfl.lab.wiretap.Wiretap`.
        seed : bytes, optional
            32 bytes: the same seed and key give the same messages, bit for bit.

        Raises
        ------
        ConfigError
            ``SIM_PARTIES``, ``SIM_SCORING``, ``PACKAGE_MISSING``, and those of the files.
        """
        spec = job if isinstance(job, JobSpec) else JobSpec.read(Path(job))
        self._require_parties(spec)
        bank = load_view(
            load_views(self._bank_views, role=RoleName.BANK), spec.bank_view, role=RoleName.BANK, cutoff=spec.as_of,
            time=spec.time, weight_limit=spec.weight_limit,
        )  # fmt: skip
        platforms = {name: self._platform(name, spec) for name in spec.platforms}
        made = assemble("simulation", spec, bank, platforms, seed=seed or secrets.token_bytes(32))
        made.run(wiretap=wiretap)
        model = JointCard.of(made) if spec.model == "scorecard" else JointModel.of(made)
        return Result(made, model, _measures(made))

    def _platform(self, name: str, spec: JobSpec) -> PlatformTable:
        views = load_views(self._platform_views[name], role=RoleName.PLATFORM)
        data = load_view(views, spec.platform_view, role=RoleName.PLATFORM, cutoff=spec.as_of, time=spec.time)
        return PlatformTable(data, ConsentBook.load(views))

    def _require_parties(self, spec: JobSpec) -> None:
        known = {self.bank, *self._platform_views}
        missing = [p for p in (spec.bank, *spec.platforms) if p not in known]
        if missing or spec.bank != self.bank:
            names = ", ".join(missing or [spec.bank])
            raise ConfigError(
                "SIM_PARTIES",
                Text(en=f"the simulation has no tables of {names}", zh=f"模拟中没有 {names} 的数据表"),
                cure=Text(en="give each party of the job its views", zh="请为任务的每个参与方指定视图文件"),
            )
        if spec.score_model:
            raise ConfigError(
                "SIM_SCORING",
                Text(en="a simulation runs training jobs", zh="模拟仅支持训练任务"),
                cure=Text(en="use `Result.model` for scores in a simulation", zh="模拟中请用 `Result.model` 计算评分"),
            )


def _measures(job: LabJob) -> dict[str, dict[str, float]]:
    scores: Any = job.bank.evaluation.scores()
    labels = scores.labels
    if not 0 < labels.sum() < len(labels):
        raise DataError(
            "SIM_TEST_ROWS",
            Text(en="the test rows hold one class only", zh="测试集只含一类样本"),
            cure=Text(en="give the job more rows or a larger sample.test", zh="请增加样本，或调大 sample.test"),
        )
    out = {"joint": {"auc": auc(labels, scores.joint), "ks": ks(labels, scores.joint)}}
    if scores.bank_alone is not None:
        out["bank_alone"] = {"auc": auc(labels, scores.bank_alone), "ks": ks(labels, scores.bank_alone)}
    return out
