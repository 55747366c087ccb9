"""A whole job in one process, small enough for the default suite: made-up firms, 512-bit test keys, few trees.

``played(Shape(…))`` runs a job once per session and shape; ``assemble`` builds the parties of one without running
it, for tests that want to change something first.
"""

from __future__ import annotations

import asyncio
import functools
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from party_bank.roles import BankJob
from party_bank.steps.workspace import BankWorkspace
from party_platform.roles import PlatformJob
from party_platform.steps.workspace import PlatformWorkspace
from vfl.config.contract import Contract
from vfl.config.job import JobSpec
from vfl.config.policy import Policy
from vfl.crypto.keyproof import KeyRegistry
from vfl.crypto.psi_set import bucket
from vfl.crypto.randomness import JobSeed
from vfl.data.consent import ConsentBook
from vfl.data.synthetic import SyntheticSet, generate
from vfl.data.table import Dataset, load_view
from vfl.data.views import load_views
from vfl.protocols.job import trees_job
from vfl.protocols.plan import contract_of
from vfl.roles import RoleName
from vfl.runtime.choreography import Choreography
from vfl.runtime.egress import Egress
from vfl.runtime.reference import Party, ReferenceRun, Sent

__all__ = ["BANK", "JOB", "Heard", "Job", "Shape", "assemble", "played", "spec_of", "tables"]

BANK = "bank-a"
JOB = "job-1"
KEY_BITS = 512

_TERMS = """\
[job]
name = "small"
bank = "{bank}"
platforms = [{platforms}]
bank_view = "main"
platform_view = "main"
as_of = {as_of}
bank_features = {bank_features}

[privacy]
key_bits = {key_bits}
test_keys = true
minimum_intersection = 500

[sample]
train = 0.55
valid = 0.05
test = 0.40

[trees]
trees = {trees}
num_leaves = {leaves}
max_bin = 15
min_data_in_leaf = 30
{extra}
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """What may differ between small jobs. ``extra``: more lines of the job's ``[trees]`` section."""

    platforms: int = 1
    bank_features: bool = True
    trees: int = 2
    leaves: int = 5
    firms: int = 1_800
    seed: int = 7
    extra: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"platform-{letter}" for letter in "abc"[: self.platforms])


@dataclass(frozen=True, slots=True, repr=False)
class Heard:
    """One message as its receiver saw it."""

    sent: Sent
    body: bytes


@dataclass(slots=True, repr=False)
class Job:
    """The parties of one job, and after :meth:`run` what passed between them."""

    spec: JobSpec
    contract: Contract
    files: SyntheticSet
    bank: BankJob
    platforms: dict[str, PlatformJob]
    parties: dict[str, Party]
    heard: list[Heard] = field(default_factory=list)

    def run(self) -> Job:
        """Play the whole choreography."""
        run = ReferenceRun(self.parties, wiretap=lambda sent, body: self.heard.append(Heard(sent, body)))
        asyncio.run(trees_job(Choreography(run), self.spec))
        return self

    @property
    def trace(self) -> list[Sent]:
        return [h.sent for h in self.heard]

    def view(self, receiver: str) -> list[bytes]:
        """Every byte string that ``receiver`` was sent."""
        return [h.body for h in self.heard if h.sent.receiver == receiver]

    def bodies(self, type_name: str) -> list[bytes]:
        return [h.body for h in self.heard if h.sent.type_name == type_name]


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="vfl-tests-")


@functools.cache
def tables(firms: int, platforms: int, seed: int) -> SyntheticSet:
    """Files of made-up firms; the same ones for every test of the session, so none may change them."""
    return generate(
        Path(_folder().name) / f"{firms}-{platforms}-{seed}", firms=firms, platforms=platforms, seed=seed,
        base_rate=0.2, grantee=BANK,
    )  # fmt: skip


def spec_of(shape: Shape, as_of: object) -> JobSpec:
    names = ", ".join(f'"{name}"' for name in shape.names)
    text = _TERMS.format(
        bank=BANK, platforms=names, as_of=as_of, bank_features=str(shape.bank_features).lower(), key_bits=KEY_BITS,
        trees=shape.trees, leaves=shape.leaves, extra=shape.extra,
    )  # fmt: skip
    return JobSpec.parse(text, "small job")


def exported_key() -> bytes:
    """One 512-bit test key for all jobs. With fixed seeds, equal jobs then give equal bytes in every run."""
    return b"vfl paillier private key 1\0test-keys-only\0" + bytes.fromhex(
        "57bdfb53b42cfd176302aea779a131af9abd39a26f0cff257ef0f2cccbef15e7"
        "eb8169c2514eaf843fa7972525846aa6c5fd87b493fc17a98afb8a7a64d682e2"
    )


def assemble(
    shape: Shape,
    *,
    files: SyntheticSet | None = None,
    change: Callable[[str, Dataset], Dataset] = lambda _party, data: data,
    policies: Mapping[str, Policy] | None = None,
    seed: bytes = b"s",
) -> Job:
    """The parties of a job of this shape; ``change`` may give a party another table."""
    files = files or tables(shape.firms, shape.platforms, shape.seed)
    spec = spec_of(shape, files.as_of)
    data = load_view(load_views(files.bank_views, role=RoleName.BANK), "main", role=RoleName.BANK, cutoff=files.as_of)
    bank_work = BankWorkspace(
        party=BANK, job=JOB, spec=spec, seed=_seed(seed, BANK), data=change(BANK, data),
    )  # fmt: skip
    bank = BankJob(bank_work, exported_key())
    platforms: dict[str, PlatformJob] = {}
    for name, path in zip(shape.names, files.platform_views, strict=True):
        views = load_views(path, role=RoleName.PLATFORM)
        rows = load_view(views, "main", role=RoleName.PLATFORM, cutoff=files.as_of)
        work = PlatformWorkspace(
            party=name, job=JOB, spec=spec, seed=_seed(seed, name), data=change(name, rows),
            consents=ConsentBook.load(views),
        )  # fmt: skip
        platforms[name] = PlatformJob(work, KeyRegistry())
    contract = contract_of(
        JOB, spec, rows=bucket(len(bank_work.data.ids)),
        sizes={n: bucket(len(p.work.permitted)) for n, p in platforms.items()},
        features={n: len(p.work.data.features) for n, p in platforms.items()},
        bank_features=len(bank_work.data.features),
    )  # fmt: skip
    sides: dict[str, BankJob | PlatformJob] = {BANK: bank, **platforms}
    parties = {
        name: Party(side.roles, Egress(name, contract, (policies or {}).get(name, Policy())), side.work.keys)
        for name, side in sides.items()
    }
    return Job(spec, contract, files, bank, platforms, parties)


def _seed(seed: bytes, party: str) -> JobSeed:
    return JobSeed((seed + party.encode()).ljust(32, b".")[:32])


@functools.cache
def played(shape: Shape) -> Job:
    """A job that has run; shared by all tests, which only look."""
    return assemble(shape).run()
