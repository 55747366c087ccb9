"""What ``vfl plan`` calls a bound holds against a job that has run; what it measures is measured."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.cli.calling import done, vfl
from tests.support.jobs import BANK, Shape, played
from vfl.cli.init import starter
from vfl.crypto.psi_set import bucket
from vfl.data.synthetic import generate
from vfl.service.plan import Sizes, layout_of, plan_job
from vfl.service.plan_speed import measure_speed

SHAPE = Shape()


@pytest.fixture(autouse=True)
def short_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vfl.service.plan_speed._SHARE_S", 0.01)


def _sizes() -> Sizes:
    job = played(SHAPE)
    return Sizes(
        bucket(len(job.bank.work.data)),
        len(job.bank.work.data.features),
        {n: bucket(len(p.work.permitted)) for n, p in job.platforms.items()},
        {n: len(p.work.data.features) for n, p in job.platforms.items()},
    )


def test_messages_and_bytes_of_a_real_job_stay_within_the_bounds() -> None:
    job = played(SHAPE)
    planned = {m.name: m for m in plan_job(job.spec, _sizes()).messages}
    count, size = Counter[str](), Counter[str]()
    for sent in job.trace:
        count[sent.type_name] += 1
        size[sent.type_name] += sent.size
    for name in count:
        assert count[name] <= planned[name].messages, name
        assert size[name] <= planned[name].bytes, name


def test_bounds_of_bulk_are_no_idle_ones() -> None:
    """A bound ten times too high would frighten for nothing."""
    job = played(SHAPE)
    planned = {m.name: m for m in plan_job(job.spec, _sizes()).messages}
    for name in ("EncryptedGradients", "LeafHistogram", "Queries", "Store"):
        sent = sum(s.size for s in job.trace if s.type_name == name)
        assert sent > planned[name].bytes / 10, name


def test_turns_bound_the_changes_of_sender() -> None:
    job = played(SHAPE)
    changes = sum(a.sender != b.sender for a, b in zip(job.trace, job.trace[1:], strict=False))
    assert changes <= plan_job(job.spec, _sizes()).turns


def test_time_grows_with_trees_and_with_keys() -> None:
    spec = played(SHAPE).spec
    slot_bits, per = layout_of(spec, _sizes().bank_rows)
    speed = measure_speed(spec.key_bits, slot_bits=slot_bits, per=per)
    plan = plan_job(spec, _sizes(), speed)
    assert 0 < plan.total_seconds < 60
    assert set(plan.seconds) == {"alignment", "encryption", "addition", "packing and sealing", "decryption"}
    assert min(speed.encrypt, speed.decrypt, speed.add, speed.pack, speed.seal, speed.blind) > 0
    assert speed.encrypt > speed.add


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank's folder with made-up rows, and a job."""
    root = tmp_path_factory.mktemp("bank")
    made = generate(root / "made", firms=1800, base_rate=0.2)
    (root / "node.toml").write_text(
        f'name = "{BANK}"\nrole = "bank"\ncoordinator = "127.0.0.1:1"\nviews = "made/bank-views.toml"\n'
    )
    (root / "policy.toml").write_text("")
    (root / "job.toml").write_text(starter("job", bank=BANK, platform="platform-a", today=made.as_of.isoformat()))
    return root


@pytest.mark.parametrize(
    ("lang", "words"), [("en", ("Bound", "Estimate", "assumed")), ("zh", ("上限", "估计", "假定"))]
)
def test_the_command_tells_bounds_from_estimates(bank: Path, lang: str, words: tuple[str, ...]) -> None:
    said = done("plan", bank / "job.toml", "--node", bank / "node.toml", "--fast", lang=lang)
    for word in (*words, "EncryptedGradients", "LeafHistogram", "MiB"):
        assert word.lower() in said.lower(), word
    assert not list(bank.glob("jobs/*")), "nothing runs"


def test_the_command_measures_this_machine(bank: Path) -> None:
    said = done("plan", bank / "job.toml", "--node", bank / "node.toml")
    assert "Measured here, 2048 bits" in said
    assert "minutes if all firms are common" in said


def test_given_sizes_count(bank: Path) -> None:
    said = done("plan", bank / "job.toml", "--node", bank / "node.toml", "--fast", "--rows", 50_000, "--features", 7)
    assert "Given of the other side" in said
    assert f"{bucket(50_000)} rows, 7 features" in said


def test_a_job_without_this_party_is_refused(bank: Path, tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    job.write_text(starter("job", bank="bank-z", platform="platform-a", today="2026-07-01"))
    result = vfl("plan", job, "--node", bank / "node.toml")
    assert result.exit_code == 2
    assert "[JOB_WITHOUT_US]" in result.stderr


def test_a_job_outside_the_nodes_policy_is_refused(bank: Path, tmp_path: Path) -> None:
    job = tmp_path / "job.toml"
    job.write_text((bank / "job.toml").read_text().replace("leaf_floor = 20", "leaf_floor = 2"))
    assert vfl("plan", job, "--node", bank / "node.toml").exit_code == 4
