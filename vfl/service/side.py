"""What a node package (``party_bank``, ``party_platform``) gives to the common node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from vfl.config.job import JobSpec
from vfl.crypto.paillier import PublicKey
from vfl.crypto.randomness import JobSeed
from vfl.roles import RoleName
from vfl.runtime.agreement import Facts
from vfl.runtime.egress import Ledger
from vfl.runtime.noderun import Stateful
from vfl.runtime.steps import Roles
from vfl.service.folder import JobFolder

__all__ = ["JobContext", "Outcome", "PartyJob", "Side"]


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a side needs to open its part of a job."""

    party: str
    job: str
    spec: JobSpec
    seed: JobSeed
    keep: Callable[[str, bytes], bytes]
    """``keep(name, value)`` stores a secret in the sealed journal once and returns what is stored."""
    progress: Callable[[str, float], None]


@dataclass(slots=True)
class Outcome:
    """What the node knows of a finished run and the side may put in its report."""

    contract: bytes
    ledger: Ledger
    received: Ledger
    seconds: Mapping[str, float]
    facts: dict[str, Any] = field(default_factory=dict)


class PartyJob(Stateful, Protocol):
    """A party's part of one job, open."""

    @property
    def roles(self) -> Roles: ...

    @property
    def keys(self) -> dict[bytes, PublicKey]: ...

    def finish(self, folder: JobFolder, outcome: Outcome) -> dict[str, Any]:
        """Write model part and reports; return the facts that ``vfl status`` shows."""

    def wipe(self) -> None:
        """Forget the job's secret keys."""


class Side(Protocol):
    """A kind of party."""

    role: RoleName

    def facts(self, job: str, spec: JobSpec) -> Facts:
        """Load and check the job's view; padded rows and features, for the contract."""

    def open(self, context: JobContext) -> PartyJob: ...
