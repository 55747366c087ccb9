"""The annotated starters parse, and hold every key that their readers know."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from coordinator.config import CoordinatorConfig
from tests.cli.calling import done, vfl
from vfl.cli.init import starter
from vfl.config.job import JobSpec, TreeSpec
from vfl.config.node import NodeConfig
from vfl.config.policy import Policy
from vfl.config.reading import Section
from vfl.data.views import load_views
from vfl.roles import RoleName

_WHERE_WRITTEN = {"time.observed_from", "time.observed_until", "sample.out_of_time_from"}
"""Days without a default: the reader asks for them where they are written only."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The keys that a reader asks for, as dotted paths."""
    keys: set[str] = set()
    original = Section._get

    def recording(self: Section, key: str, kind: type, default: object) -> Any:
        keys.add(f"{self._path}{key}")
        return original(self, key, kind, default)

    monkeypatch.setattr(Section, "_get", recording)
    return keys


def _keys(text: str) -> set[str]:
    """Keys of a starter, those commented out as examples included."""
    active = "\n".join(line.removeprefix("# ") if _is_example(line) else line for line in text.splitlines())
    return _dotted(tomllib.loads(active))


def _is_example(line: str) -> bool:
    body = line.removeprefix("# ")
    return line.startswith("# ") and (body.startswith("[") or " = " in body.partition("#")[0])


def _dotted(table: dict[str, Any], path: str = "") -> set[str]:
    out: set[str] = set()
    for key, value in table.items():
        out.add(path + key)
        if isinstance(value, dict):
            out |= _dotted(value, f"{path}{key}.")
    return out


def test_job_starter_parses_and_holds_every_key_of_the_reader(asked: set[str], tmp_path: Path) -> None:
    text = done("init", "job", "--bank", "bank-x", "--platform", "platform-y")
    (tmp_path / "job.toml").write_text(text, encoding="utf-8")
    spec = JobSpec.read(tmp_path / "job.toml")
    assert (spec.bank, spec.platforms) == ("bank-x", ("platform-y",))
    assert _keys(text) == asked | _WHERE_WRITTEN


def test_job_starter_shows_the_readers_own_defaults() -> None:
    text = starter("job", bank="bank-a", platform="platform-a", today="2026-01-01")
    assert JobSpec.parse(text).trees == TreeSpec()
    names = 'name="n"\nbank="bank-a"\nplatforms=["platform-a"]\nbank_view="main"\nplatform_view="main"\n'
    least = f"[job]\n{names}as_of=2026-01-01"
    full, short = JobSpec.parse(text), JobSpec.parse(least)
    for field in JobSpec.__dataclass_fields__:
        if field not in ("name", "text"):
            assert getattr(full, field) == getattr(short, field), field


def test_policy_starter_is_the_default_policy_and_holds_every_key(asked: set[str], tmp_path: Path) -> None:
    done("init", "policy", "--out", tmp_path / "policy.toml")
    assert Policy.read(tmp_path / "policy.toml") == Policy()
    assert _keys((tmp_path / "policy.toml").read_text(encoding="utf-8")) == asked


def test_node_starter_holds_every_key(asked: set[str], tmp_path: Path) -> None:
    done("init", "node", "--name", "p", "--role", "platform", "--out", tmp_path / "node.toml", lang="zh")
    config = NodeConfig.read(tmp_path / "node.toml")
    assert (config.name, config.role, config.language) == ("p", RoleName.PLATFORM, "zh")
    assert _keys((tmp_path / "node.toml").read_text(encoding="utf-8")) == asked


def test_coordinator_starter_holds_every_key(asked: set[str], tmp_path: Path) -> None:
    fields = {"listen": "a:1", "enrolment": "a:2", "address": "b:1", "enrolment_address": "b:2"}
    text = starter("coordinator", **fields)
    (tmp_path / "coordinator.toml").write_text(text, encoding="utf-8")
    assert CoordinatorConfig.read(tmp_path / "coordinator.toml").address == "b:1"
    assert _keys(text) == asked


@pytest.mark.parametrize("role", [RoleName.BANK, RoleName.PLATFORM])
def test_views_starters_load(role: RoleName, tmp_path: Path) -> None:
    done("init", "views", "--role", role, "--out", tmp_path / "views.toml")
    views = load_views(tmp_path / "views.toml", role=role)
    assert len(views.views["main"].features) == 2
    assert (views.consents is not None) == (role is RoleName.PLATFORM)


def test_views_of_a_table_declare_its_columns(tmp_path: Path) -> None:
    table = tmp_path / "p.csv"
    table.write_text("uscc,tax\n91440100QQ0000C35W,1.5\n91330100QQ0000A16P,2\n", encoding="utf-8")
    done("init", "views", table, "--role", "platform", "--out", tmp_path / "views.toml")
    views = load_views(tmp_path / "views.toml", role=RoleName.PLATFORM)
    assert [f.name for f in views.views["main"].features] == ["tax"]
    assert views.consents is not None


def test_an_edited_file_is_never_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "policy.toml"
    target.write_text("mine", encoding="utf-8")
    result = vfl("init", "policy", "--out", target)
    assert result.exit_code == 2
    assert "[FILE_EXISTS]" in result.stderr
    assert target.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("model", ["trees", "scorecard"])
def test_job_starter_is_of_the_kind_asked_for(model: str) -> None:
    text = done("init", "job", "--model", model)
    assert JobSpec.parse(text).model == model
    assert all(f"[{section}]" in text for section in ("binning", "logistic", "scorecard", "trees"))
