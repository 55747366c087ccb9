"""Bounds of a scorecard job hold against a job that has run, and are no idle ones."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from pathlib import Path

import pytest

from party_bank.steps.keys import KeyHolderSteps
from tests.cli.calling import done
from tests.support.jobs import BANK, tables
from vfl.config.job import JobSpec
from vfl.crypto.psi_set import bucket
from vfl.data.consent import ConsentBook
from vfl.data.schema import FeatureKind
from vfl.data.synthetic import generate
from vfl.data.table import Dataset, load_view
from vfl.data.views import load_views
from vfl.lab.assembly import LabJob, PlatformTable, assemble
from vfl.roles import RoleName
from vfl.service.plan import Plan, Sizes, plan_job
from vfl.service.plan_speed import Speed

JOB = """\
[job]
name = "card"
model = "scorecard"
bank = "{bank}"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = {as_of}

[privacy]
key_bits = 2048
{study}
minimum_intersection = 500

[binning]
min_iv = 0.0
max_correlation = 1.0
max_vif = 100000.0

[logistic]
steps = 2
curvatures = 1
"""


@functools.cache
def played() -> LabJob:
    """A job in which every feature goes on, three of each owner's; without encryption its messages are as many and as
    long."""
    files = tables(1_800, 1, 7)
    spec = JobSpec.parse(JOB.format(bank=BANK, as_of=files.as_of, study="test_keys = true\nplaintext = true"), "card")
    own = load_views(files.bank_views, role=RoleName.BANK)
    views = load_views(files.platform_views[0], role=RoleName.PLATFORM)
    data = load_view(views, "main", role=RoleName.PLATFORM, cutoff=spec.as_of)
    keys = {p: KeyHolderSteps.fresh(2048, test_keys=True, plaintext=True) for p in (BANK, "platform-a")}
    job = assemble(
        "card", spec, _few(load_view(own, "main", role=RoleName.BANK, cutoff=spec.as_of)),
        {"platform-a": PlatformTable(_few(data), ConsentBook.load(views))}, seed=bytes(32), keys=keys,
    )  # fmt: skip
    job.run()
    return job


def _few(data: Dataset) -> Dataset:
    names = [f.name for f in data.features if f.kind is FeatureKind.NUMERIC][:3]
    labels = None if data.labels is None else data.labels.expose()
    return Dataset.from_arrays(data.ids, {name: data.numeric(name) for name in names}, labels=labels)


def planned() -> Plan:
    job = played()
    platform = job.platforms["platform-a"].work
    sizes = Sizes(
        bucket(len(job.bank.work.data)), len(job.bank.work.data.features),
        {"platform-a": bucket(len(platform.permitted))}, {"platform-a": len(platform.data.features)},
    )  # fmt: skip
    return plan_job(job.spec, sizes)


def sent() -> tuple[Counter[str], Counter[str]]:
    """Messages and bytes by type."""
    count, size = Counter[str](), Counter[str]()
    for one in played().trace:
        count[one.type_name] += 1
        size[one.type_name] += one.size
    return count, size


def test_a_real_job_stays_within_messages_bytes_and_bits() -> None:
    bounds, (count, size) = {m.name: m for m in planned().messages}, sent()
    assert set(count) <= set(bounds)
    for name in count:
        assert count[name] <= bounds[name].messages, name
        assert size[name] <= bounds[name].bytes, name
    for exit_ in played().exits.values():
        for (name, _), line in exit_.ledger.lines.items():
            assert line.bits <= bounds[name].bits, name


def test_bounds_of_bulk_are_at_most_three_times_what_is_sent() -> None:
    plan, (_, size) = planned(), sent()
    assert plan.bytes < 3 * size.total()
    bounds = {m.name: m.bytes for m in plan.messages}
    for name in ("BankEncrypted", "PlatformEncrypted", "BankMasked", "PlatformMasked", "EncryptedLabels"):
        assert bounds[name] < 3 * size[name], name


def test_turns_bound_the_changes_of_sender() -> None:
    trace = played().trace
    changes = sum(a.sender != b.sender for a, b in itertools.pairwise(trace))
    assert changes <= planned().turns < 3 * changes


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bank")
    made = generate(root / "made", firms=1800, base_rate=0.2)
    (root / "node.toml").write_text(
        f'name = "{BANK}"\nrole = "bank"\ncoordinator = "127.0.0.1:1"\nviews = "made/bank-views.toml"\n'
    )
    (root / "policy.toml").write_text("minimum_intersection = 500\n")
    (root / "job.toml").write_text(JOB.format(bank=BANK, as_of=made.as_of, study=""))
    return root


@pytest.mark.parametrize(("lang", "word"), [("en", "whole points"), ("zh", "整数分")])
def test_the_command_tells_what_a_scorecard_costs_and_leaks(
    bank: Path, lang: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vfl.service.plan_speed._SHARE_S", 0.01)
    said = done("plan", bank / "job.toml", "--node", bank / "node.toml", lang=lang)
    for name in ("EventSums", "BankEncrypted", "PlatformPoints", "CrossSums"):
        assert name in said, name
    assert word.replace(" ", "") in said.replace(" ", "").replace("\n", "").replace("│", "")
    assert ("inversions" if lang == "en" else "矩阵求逆") in said
    assert ("with 10 of each owner" if lang == "en" else "若每方 10 个特征入模") in said


def test_more_rows_features_and_steps_cost_more() -> None:
    spec = played().spec
    speed = Speed(2048, 2, "native", encrypt=25, decrypt=170, add=0.6, pack=47, seal=530, blind=30)

    def seconds(rows: int, features: int) -> float:
        sizes = Sizes(rows, features, {"platform-a": rows}, {"platform-a": features})
        return plan_job(spec, sizes, speed).total_seconds

    assert seconds(2_000, 10) < seconds(20_000, 10) < seconds(20_000, 30)
