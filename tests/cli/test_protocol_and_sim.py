"""``vfl protocol`` prints what the code sends; ``vfl sim`` runs a job in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import done, vfl
from tests.support.jobs import BANK, Shape, spec_of, tables
from vfl.protocols.tables import dry_job


@pytest.mark.parametrize("arguments", [(), ("--scoring",), ("--platforms", "2")])
def test_show_lists_every_message_of_the_dry_run(arguments: tuple[str, ...]) -> None:
    said = done("protocol", "show", *arguments)
    lines = dry_job(platforms=2 if "--platforms" in arguments else 1, scoring="--scoring" in arguments)
    for name in {line.message.type_name for line in lines}:
        assert name in said


@pytest.mark.parametrize("model", ["trees", "scorecard"])
def test_leaks_of_each_model_with_rows_held_out_of_time(model: str) -> None:
    plain, late = (done("protocol", "leaks", "--model", model, *more) for more in ((), ("--out-of-time",)))
    assert "ObservationPeriods" in late
    assert "ObservationPeriods" not in plain
    for name in ("PreBinRows", "OwnChoices", "Verdicts"):
        assert (name in late) is (model == "scorecard")


def test_show_draws_a_diagram() -> None:
    assert done("protocol", "show", "--mermaid").startswith("sequenceDiagram")


def test_leaks_leaves_out_what_tells_nothing_and_speaks_both_languages() -> None:
    en, zh = done("protocol", "leaks"), done("protocol", "leaks", lang="zh")
    assert "SplitSides" in en
    assert "EncryptedGradients" not in en
    assert "各方得知的信息" in zh


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """(job file, bank's views, platform's views) of a small simulation."""
    shape = Shape()
    files = tables(shape.firms, shape.platforms, shape.seed)
    path = tmp_path_factory.mktemp("sim") / "job.toml"
    path.write_text(spec_of(shape, files.as_of).text)
    return path, files.bank_views, files.platform_views[0]


def test_sim_prints_measures_and_ledger_and_writes_the_report(job: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path, bank, platform = job
    report = tmp_path / "report.html"
    said = done("sim", path, "--bank-views", bank, "--platform-views", f"platform-a={platform}", "--report", report)
    assert "joint" in said
    assert "LeafHistogram" in said
    assert "<html" in report.read_text()


def test_sim_wants_the_tables_of_every_party(job: tuple[Path, Path, Path]) -> None:
    path, bank, platform = job
    other = vfl("sim", path, "--bank-views", bank, "--platform-views", f"platform-z={platform}")
    assert other.exit_code == 2
    assert "platform-a" in other.stderr
    assert "[SIM_VIEWS]" in vfl("sim", path, "--bank-views", bank, "--platform-views", platform, lang="zh").stderr
    assert BANK == "bank-a"
