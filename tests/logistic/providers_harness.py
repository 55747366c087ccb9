"""A bank and several platforms with aligned columns: :mod:`logistic_harness`, with providers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from logistic_harness import TYPES, AnyMessage, Floats

from party_bank.steps.keys import KeyHolderSteps
from party_bank.steps.logistic import BankLogisticSteps
from party_bank.steps.logistic_hub import BankHubSteps
from party_bank.steps.workspace import BankWorkspace
from party_platform.steps.keys import KeyCheckerSteps
from party_platform.steps.logistic import PlatformLogisticSteps
from party_platform.steps.logistic_hub import PlatformHubSteps
from party_platform.steps.logistic_provider import ProviderLogisticSteps
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
from vfl.protocols.logistic_provider import BankHub, PlatformHub, ProviderLogistic
from vfl.roles import RoleName
from vfl.runtime.choreography import Choreography
from vfl.runtime.egress import Egress
from vfl.runtime.reference import Party, ReferenceRun, Sent
from vfl.runtime.steps import Roles
from vfl.runtime.workspace import Workspace

BANK = "bank-a"


@dataclass
class Several:
    """One job between a bank and platforms in this process; the first platform computes with the bank."""

    bank_columns: Floats
    platform_columns: list[Floats]
    labels: npt.NDArray[np.uint8]
    spec: LogisticSpec
    key_bits: int = 1024
    keys: tuple[bytes, bytes] | None = None
    """Of the bank and of the first platform."""
    target: Floats | None = None
    """Of a linear regression, in place of labels."""
    plaintext: bool = False
    """Compute without encryption: the same numbers, in less time."""
    views: list[tuple[Sent, bytes]] = field(default_factory=list)
    keep_views: bool = False

    def __post_init__(self) -> None:
        test = self.key_bits < 2048 or self.plaintext
        label = {"test_keys": test, "plaintext": self.plaintext}
        self.names = [f"platform-{letter}" for letter in "abcdef"[: len(self.platform_columns)]]
        platforms = ", ".join(f'"{name}"' for name in self.names)
        self.job = JobSpec.parse(
            f'[job]\nname="t"\nbank="{BANK}"\nplatforms=[{platforms}]\nbank_view="v"\nplatform_view="v"\n'
            f"as_of=2026-06-01\n[privacy]\nkey_bits={self.key_bits}\ntest_keys={str(test).lower()}\n"
            f"plaintext={str(self.plaintext).lower()}\n"
            "[sample]\ntrain=1.0\nvalid=0.0\ntest=0.0\n"
        )
        self.keys = self.keys or (
            KeyHolderSteps.fresh(self.key_bits, **label),
            PlatformLogisticSteps.fresh(self.key_bits, **label),
        )
        rows = len(self.labels)
        ids = [str(i) for i in range(rows)]
        self.work = BankWorkspace(
            party=BANK, job="job", spec=self.job, seed=JobSeed(b"b" * 32), aligned=_aligned(rows),
            data=Dataset.from_arrays(ids, {"x": np.zeros(rows)}, labels=self.labels),
        )  # fmt: skip
        holder = KeyHolderSteps(self.work, self.keys[0])
        target = self.target
        self.bank = BankLogisticSteps(
            self.work, self.spec, lambda: self.bank_columns, KeyRegistry(),
            target=None if target is None else lambda: target,
        )  # fmt: skip
        roles: Roles = {KeyHolderRole: holder, BankLogistic: self.bank, BankHub: BankHubSteps(self.work, self.bank)}
        self.parties: dict[str, tuple[Roles, Workspace]] = {BANK: (roles, self.work)}
        self.platforms: list[PlatformLogisticSteps | ProviderLogisticSteps] = []
        self.checkers: list[KeyCheckerSteps] = []
        for number in range(len(self.names)):
            self._add(number, ids)
        types = (*TYPES, "BankRelay", "PlatformRelay")
        contract = Contract(
            "job", {BANK: RoleName.BANK} | dict.fromkeys(self.names, RoleName.PLATFORM),
            dict.fromkeys(types, Budget(10**9, 10**9)), "",
        )  # fmt: skip
        self.exits = {party: Egress(party, contract, AnyMessage()) for party in self.parties}

    def _add(self, number: int, ids: list[str]) -> None:
        name, rows = self.names[number], len(ids)
        always, never = np.full(rows, "2020-01-01", "M8[D]"), np.full(rows, "NaT", "M8[D]")
        book = ConsentBook(ids, [BANK] * rows, ["credit-modelling"] * rows, always, always + 36500, never)
        work = PlatformWorkspace(
            party=name, job="job", spec=self.job, seed=JobSeed(name.encode().ljust(32, b".")), consents=book,
            data=Dataset.from_arrays(ids, {"x": np.zeros(rows)}), aligned=_aligned(rows),
        )  # fmt: skip
        checker = KeyCheckerSteps(work, KeyRegistry())
        columns = self.platform_columns[number]
        roles: dict[type, object] = {KeyChecker: checker}
        if number == 0:
            assert self.keys is not None
            first = PlatformLogisticSteps(work, self.spec, lambda: columns, self.keys[1])
            roles |= {PlatformLogistic: first, PlatformHub: PlatformHubSteps(work, first)}
            self.platforms.append(first)
        else:
            provider = ProviderLogisticSteps(work, self.spec, lambda: columns, KeyRegistry())
            roles |= {ProviderLogistic: provider}
            self.platforms.append(provider)
        self.checkers.append(checker)
        self.parties[name] = (roles, work)

    async def choreography(self, c: Choreography) -> None:
        first, *rest = self.names
        checkers = [c.role(name, KeyChecker) for name in self.names]
        await c.phase("keys", key_exchange, c.role(BANK, KeyHolderRole), checkers)
        await logistic_regression(
            c, c.role(BANK, BankLogistic), c.role(first, PlatformLogistic), self.spec,
            [c.role(name, ProviderLogistic) for name in rest],
        )  # fmt: skip

    def interpreter(self) -> ReferenceRun:
        return ReferenceRun(
            {name: Party(roles, self.exits[name], work.keys) for name, (roles, work) in self.parties.items()},
            wiretap=(lambda sent, body: self.views.append((sent, body))) if self.keep_views else None,
        )

    def dump(self) -> list[dict[str, bytes]]:
        """What checkpoints of all nodes would hold."""
        pairs = zip(self.checkers, self.platforms, strict=True)
        return [self.bank.dump(), *(checker.dump() | logistic.dump() for checker, logistic in pairs)]

    def restore(self, parts: list[dict[str, bytes]]) -> None:
        self.bank.restore(parts[0])
        for checker, logistic, part in zip(self.checkers, self.platforms, parts[1:], strict=True):
            checker.restore(part)
            logistic.restore(part)

    @property
    def coefficients(self) -> Floats:
        """Intercept, the bank's weights, each platform's."""
        return np.concatenate([self.bank.coefficients, *(p.coefficients for p in self.platforms)])

    @property
    def standard_errors(self) -> Floats:
        return np.concatenate([self.bank.standard_errors, *(p.standard_errors for p in self.platforms)])


def _aligned(rows: int) -> Alignment:
    return Alignment(np.arange(rows), np.zeros((rows, 16), dtype=np.uint8), b"r" * 32)
