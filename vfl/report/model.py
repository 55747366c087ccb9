"""The report of one job as data: what a job fills in, and all that the rendered page may depend on.

``report.html`` is a pure function of this model's JSON form. A section left ``None`` is not rendered. Numbers
that are not defined (the AUC of a split without events) are NaN here, ``null`` in JSON and words on the page.
Only what the reader may know is put in: counts the contract hides are ``None``, features it hides have
no name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from vfl.errors import DataError, Text
from vfl.report._json import from_plain, to_plain
from vfl.report.feedback_model import FeedbackSection
from vfl.report.performance_model import BandSection, Interval, Performance
from vfl.report.scorecard_model import Feature, ScorecardSection, StabilitySection
from vfl.report.strategy_model import SegmentSection, StrategySection
from vfl.roles import RoleName

__all__ = [
    "FORMAT",
    "Card",
    "CategoryImportance",
    "Costs",
    "EdgeCost",
    "FeatureImportance",
    "Fingerprint",
    "Header",
    "Importance",
    "IterationMetric",
    "Ledger",
    "LedgerRow",
    "NodeCost",
    "OperationCount",
    "OwnerImportance",
    "Parameter",
    "Party",
    "PartyRows",
    "PeriodRows",
    "PhaseCost",
    "ReportModel",
    "Sample",
    "SplitRows",
    "Trees",
]

FORMAT = "vfl-report/1"
"""Name and version of the JSON form; another version is refused."""


@dataclass(frozen=True, slots=True)
class Party:
    """An institution that took part."""

    name: str
    role: RoleName


@dataclass(frozen=True, slots=True)
class Header:
    """Whose report this is and what was agreed. Strings are as the parties wrote them in the contract."""

    job_id: str
    title: str
    parties: tuple[Party, ...]
    contract_hash: str
    started: str
    """ISO 8601, with zone."""
    finished: str
    software_version: str
    purpose: str
    event_definition: str
    """What makes a firm bad (y = 1)."""
    non_event_definition: str
    observation_window: str
    performance_window: str
    algorithm: str
    """``"scorecard"``, ``"logistic"`` or ``"trees"``."""
    backend: str
    """``"plaintext"`` puts a warning on every page: nothing was encrypted."""
    key_bits: int | None = None


@dataclass(frozen=True, slots=True)
class PartyRows:
    """Rows of one party; ``None`` where the reader may not know."""

    party: str
    rows: int | None = None
    consented: int | None = None


@dataclass(frozen=True, slots=True)
class SplitRows:
    split: str
    """``train``, ``valid``, ``test``, ``out_of_time`` or a name of the job's own."""
    rows: int
    events: int
    period: str = ""


@dataclass(frozen=True, slots=True)
class PeriodRows:
    """Rows and events of one month (or quarter, or year) of observation."""

    period: str
    rows: int
    events: int


@dataclass(frozen=True, slots=True)
class Sample:
    parties: tuple[PartyRows, ...]
    splits: tuple[SplitRows, ...]
    intersection: int | None = None
    periods: tuple[PeriodRows, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnerImportance:
    owner: str
    value: float


@dataclass(frozen=True, slots=True)
class FeatureImportance:
    feature: Feature
    value: float


@dataclass(frozen=True, slots=True)
class CategoryImportance:
    """Shapley share of the joint AUC of one catalogue category, with its bootstrap interval."""

    code: str
    name: Text
    owner: str
    share: Interval


@dataclass(frozen=True, slots=True)
class Importance:
    """``measure`` is ``"gain"``, ``"shapley"``, ``"iv"`` or ``"coefficient"``; values are in its unit."""

    measure: str
    owners: tuple[OwnerImportance, ...]
    features: tuple[FeatureImportance, ...]
    categories: tuple[CategoryImportance, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the job and its value, as the job file has them."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class IterationMetric:
    """Log loss after so many trees."""

    trees: int
    train: float
    valid: float = float("nan")


@dataclass(frozen=True, slots=True)
class Trees:
    trees: int
    best_iteration: int | None
    parameters: tuple[Parameter, ...]
    iterations: tuple[IterationMetric, ...] = ()
    splits_by_owner: tuple[OwnerImportance, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """All messages of one type that went from one party to another."""

    message: str
    kind: str
    """``public``, ``ciphertext``, ``blinded``, ``masked``, ``aggregate`` or ``disclosure``."""
    sender: str
    receiver: str
    count: int
    bytes: int
    learns: Text
    bits: float = float("nan")
    """At most so many bits told in all; NaN where the class states no bound."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What left each domain, as counted at the one exit of each node that shares its ledger."""

    rows: tuple[LedgerRow, ...]
    statements: tuple[Text, ...] = ()
    """Whole sentences: "the bank learned 412 node histograms of 50 rows or more, and 0 row values"."""
    budget_bits: float = float("nan")


@dataclass(frozen=True, slots=True)
class PhaseCost:
    """Wall-clock seconds of one phase at one party (``party`` empty: the whole job)."""

    phase: str
    seconds: float
    party: str = ""


@dataclass(frozen=True, slots=True)
class EdgeCost:
    sender: str
    receiver: str
    messages: int
    bytes: int


@dataclass(frozen=True, slots=True)
class NodeCost:
    party: str
    peak_memory_bytes: int
    cpu_seconds: float = float("nan")
    cores: int | None = None


@dataclass(frozen=True, slots=True)
class OperationCount:
    """Key operations: ``encrypt``, ``decrypt``, ``add``, ``multiply``, ``seal`` and the like."""

    party: str
    operation: str
    count: int


@dataclass(frozen=True, slots=True)
class Costs:
    phases: tuple[PhaseCost, ...]
    edges: tuple[EdgeCost, ...] = ()
    nodes: tuple[NodeCost, ...] = ()
    operations: tuple[OperationCount, ...] = ()
    seconds_per_tree: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A hash, commitment or audit head to check the run by; ``party`` empty: the job's own."""

    kind: str
    value: str
    party: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """What the model is for, where it must not be trusted, and how to check that this is that run."""

    uses: tuple[Text, ...] = ()
    limits: tuple[Text, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportModel:
    """The whole report."""

    header: Header
    sample: Sample
    performance: Performance | None = None
    bands: BandSection | None = None
    strategy: StrategySection | None = None
    segments: SegmentSection | None = None
    feedback: FeedbackSection | None = None
    importance: Importance | None = None
    trees: Trees | None = None
    scorecard: ScorecardSection | None = None
    stability: StabilitySection | None = None
    ledger: Ledger | None = None
    costs: Costs | None = None
    card: Card | None = None

    def to_json(self) -> str:
        """The JSON form: keys in field order, UTF-8, two spaces of indent, a final newline."""
        plain = {"format": FORMAT, **to_plain(self)}
        return json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> ReportModel:
        """Read :meth:`to_json`'s form.

        Raises
        ------
        DataError
            ``REPORT_FORMAT``: not JSON, of another version, or a key unknown, missing or of a wrong type.
        """
        plain = _parse(text)
        return from_plain(cls, {key: value for key, value in plain.items() if key != "format"})


def _parse(text: str) -> dict[str, Any]:
    try:
        plain = json.loads(text)
    except ValueError as error:
        raise _unreadable("it is not JSON", "不是 JSON") from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise _unreadable(f'its "format" is not {FORMAT}', f'"format" 不是 {FORMAT}')
    return plain


def _unreadable(why_en: str, why_zh: str) -> DataError:
    return DataError(
        "REPORT_FORMAT",
        Text(
            f"This is not a report document of this version: {why_en}.",
            f"不是本版本的报告文件：{why_zh}。",
        ),
        cure=Text(
            "Give the report.json of a finished job made with the same version of the software.",
            "请提供由同一版本软件完成的作业所生成的 report.json。",
        ),
    )
