"""Two parties with aligned columns, made without alignment and binning: what the tests and benchmarks run on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from party_bank.steps.keys import KeyHolderSteps
from party_bank.steps.logistic import BankLogisticSteps
from party_bank.steps.workspace import BankWorkspace
from party_platform.steps.keys import KeyCheckerSteps
from party_platform.steps.logistic import PlatformLogisticSteps
from party_platform.steps.workspace import PlatformWorkspace
from vfl.config.contract import Budget, Contract
from vfl.config.job import JobSpec
from vfl.config.logistic import LogisticSpec
from vfl.crypto.keyproof import KeyRegistry
from vfl.crypto.psi import Alignment
from vfl.crypto.randomness import JobSeed
from vfl.data.consent import ConsentBook
from vfl.data.table import Dataset
from vfl.protocols.keys import KeyChecker, KeyHolderRole, key_exchange
from vfl.protocols.logistic import BankLogistic, PlatformLogistic, logistic_regression
from vfl.roles import RoleName
from vfl.runtime.choreography import Choreography
from vfl.runtime.egress import Egress
from vfl.runtime.reference import Party, ReferenceRun, Sent
from vfl.runtime.steps import Roles

Floats = npt.NDArray[np.float64]

TYPES = (
    "KeyOffer", "KeyAck", "PlatformKeyOffer", "BankKeyAck", "BankWidth", "PlatformWidth", "BankEncrypted",
    "PlatformEncrypted", "BankMasked", "PlatformMasked", "BankShare", "PlatformShare", "PlatformRefit", "RefitBegin",
)  # fmt: skip


class AnyMessage:
    """A node policy that refuses nothing."""

    def refusal(self, type_name: str) -> str | None:
        return None


@dataclass
class Joint:
    """One job between a bank and a platform in this process."""

    bank_columns: Floats
    platform_columns: Floats
    labels: npt.NDArray[np.uint8]
    spec: LogisticSpec
    key_bits: int = 1024
    weights: Floats | None = None
    views: list[tuple[Sent, bytes]] = field(default_factory=list)
    keep_views: bool = False
    keys: tuple[bytes, bytes] | None = None
    plaintext: bool = False
    start: tuple[Floats, Floats] | None = None
    target: Floats | None = None

    def __post_init__(self) -> None:
        rows = len(self.labels)
        short = str(self.key_bits < 2048 or self.plaintext).lower()
        job = JobSpec.parse(
            '[job]\nname="t"\nbank="bank-a"\nplatforms=["platform-a"]\nbank_view="v"\nplatform_view="v"\n'
            f'as_of=2026-06-01\n[privacy]\nkey_bits={self.key_bits}\ntest_keys={short}\nplaintext={str(self.plaintext).lower()}\n'
            "[sample]\ntrain=1.0\nvalid=0.0\ntest=0.0\n"
        )
        ids = [str(i) for i in range(rows)]
        aligned = Alignment(np.arange(rows), np.zeros((rows, 16), dtype=np.uint8), b"r" * 32)
        always, never = np.full(rows, "2020-01-01", "M8[D]"), np.full(rows, "NaT", "M8[D]")
        book = ConsentBook(ids, ["bank-a"] * rows, ["credit-modelling"] * rows, always, always + 36500, never)
        data = Dataset.from_arrays(ids, {"x": np.zeros(rows)}, labels=self.labels)
        self.bank_work = BankWorkspace(
            party="bank-a", job="job", spec=job, seed=JobSeed(b"b" * 32), data=data, aligned=aligned
        )
        self.platform_work = PlatformWorkspace(
            party="platform-a", job="job", spec=job, seed=JobSeed(b"p" * 32),
            data=Dataset.from_arrays(ids, {"x": np.zeros(rows)}), consents=book, aligned=aligned,
        )  # fmt: skip
        labels = {"test_keys": self.key_bits < 2048, "plaintext": self.plaintext}
        self.keys = self.keys or (
            KeyHolderSteps.fresh(self.key_bits, **labels),
            PlatformLogisticSteps.fresh(self.key_bits, **labels),
        )
        holder = KeyHolderSteps(self.bank_work, self.keys[0])
        checker = KeyCheckerSteps(self.platform_work, KeyRegistry())
        weights, start, target = self.weights, self.start, self.target
        self.bank = BankLogisticSteps(
            self.bank_work, self.spec, lambda: self.bank_columns, KeyRegistry(),
            weights=None if weights is None else lambda: weights, start=None if start is None else lambda: start[0],
            target=None if target is None else lambda: target,
        )  # fmt: skip
        self.platform = PlatformLogisticSteps(
            self.platform_work, self.spec, lambda: self.platform_columns, self.keys[1],
            start=None if start is None else lambda: start[1],
        )  # fmt: skip
        self.roles: tuple[Roles, Roles] = (
            {KeyHolderRole: holder, BankLogistic: self.bank},
            {KeyChecker: checker, PlatformLogistic: self.platform},
        )
        contract = Contract(
            "job", {"bank-a": RoleName.BANK, "platform-a": RoleName.PLATFORM},
            dict.fromkeys(TYPES, Budget(10**9, 10**9)), "",
        )  # fmt: skip
        self.egress = tuple(Egress(p, contract, AnyMessage()) for p in ("bank-a", "platform-a"))

    def dump(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """What checkpoints of both nodes would hold."""
        checker = self.roles[1][KeyChecker]
        if not isinstance(checker, KeyCheckerSteps):
            raise TypeError("the harness made another checker")
        return self.bank.dump(), checker.dump() | self.platform.dump()

    def restore(self, parts: tuple[dict[str, bytes], dict[str, bytes]]) -> None:
        checker = self.roles[1][KeyChecker]
        if not isinstance(checker, KeyCheckerSteps):
            raise TypeError("the harness made another checker")
        self.bank.restore(parts[0])
        checker.restore(parts[1])
        self.platform.restore(parts[1])

    async def choreography(self, c: Choreography) -> None:
        bank, platform = "bank-a", "platform-a"
        await c.phase("keys", key_exchange, c.role(bank, KeyHolderRole), [c.role(platform, KeyChecker)])
        await logistic_regression(c, c.role(bank, BankLogistic), c.role(platform, PlatformLogistic), self.spec)

    def interpreter(self) -> ReferenceRun:
        return ReferenceRun(
            {
                "bank-a": Party(self.roles[0], self.egress[0], self.bank_work.keys),
                "platform-a": Party(self.roles[1], self.egress[1], self.platform_work.keys),
            },
            wiretap=(lambda sent, body: self.views.append((sent, body))) if self.keep_views else None,
        )

    def run(self) -> ReferenceRun:
        run = self.interpreter()
        self.run_on(run)
        return run

    def run_on(self, run: ReferenceRun) -> None:
        asyncio.run(self.choreography(Choreography(run)))

    @property
    def coefficients(self) -> Floats:
        """Intercept, the bank's weights, the platform's."""
        return np.concatenate([self.bank.coefficients, self.platform.coefficients])

    @property
    def standard_errors(self) -> Floats:
        return np.concatenate([self.bank.standard_errors, self.platform.standard_errors])
