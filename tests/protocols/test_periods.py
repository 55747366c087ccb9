"""Out-of-time samples and monthly snapshots: who is told what, which rows train, what their features are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from party_platform.steps.periods import PlatformPeriodsSteps
from vfl.config.job import JobSpec
from vfl.core.periods import latest_share
from vfl.data.consent import ConsentBook
from vfl.data.synthetic import SyntheticSet, generate
from vfl.data.table import load_view
from vfl.data.views import load_views
from vfl.errors import ConfigError, DataError, RemoteProtocolError
from vfl.lab.assembly import PlatformTable, assemble
from vfl.lab.simulation import Result, Simulation
from vfl.protocols.alignment import BankAlignment, PlatformAlignment, alignment
from vfl.protocols.binning import BankBinning, PlatformBinning, binning, screening
from vfl.protocols.keys import KeyChecker, KeyHolderRole, key_exchange
from vfl.protocols.messages.periods import ObservationPeriods, period_bits
from vfl.protocols.periods import BankPeriods, PlatformPeriods, periods
from vfl.protocols.plan import budgets
from vfl.roles import RoleName
from vfl.runtime.choreography import Choreography
from vfl.wire.carriers import disclose, public
from vfl.wire.codec import decode

TERMS = """\
[job]
name = "t"
bank = "bank-a"
platforms = ["platform-a"]
bank_view = "main"
platform_view = "main"
as_of = 2026-07-01
model = "{model}"
[privacy]
key_bits = 512
test_keys = true
minimum_intersection = 500
[trees]
trees = 2
num_leaves = 4
[binning]
pre_bins = 8
[sample]
train = 0.6
valid = 0.1
test = 0.3
{sample}
{time}
"""
MONTHLY = '[time]\nobserved_from = 2024-01-01\nobserved_until = 2025-06-30\nsnapshots = "monthly"\n'
LATE = "out_of_time_from = 2025-04-01"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SyntheticSet:
    return generate(tmp_path_factory.mktemp("made"), firms=1_800, platforms=1, seed=7)


def spec_of(sample: str = LATE, time: str = "", model: str = "trees") -> JobSpec:
    return JobSpec.parse(TERMS.format(sample=sample, time=time, model=model))


def run(made: SyntheticSet, spec: JobSpec, wiretap: Callable[..., None] | None = None) -> Result:
    sim = Simulation(made.bank_views, {"platform-a": made.platform_views[0]}, bank="bank-a")
    return sim.run(spec, wiretap=wiretap, seed=bytes(32))


@pytest.fixture(scope="module")
def late(made: SyntheticSet) -> tuple[Result, list[ObservationPeriods]]:
    heard: list[ObservationPeriods] = []

    def tap(sent: object, body: bytes) -> None:
        if sent.type_name == "ObservationPeriods":  # type: ignore[attr-defined]
            heard.append(decode(ObservationPeriods, body, {}))

    return run(made, spec_of(), tap), heard


def test_rows_observed_from_the_day_on_come_last_and_never_train(
    late: tuple[Result, list[ObservationPeriods]]
) -> None:
    result, _ = late
    bank, platform = result.job.bank.work, result.job.platforms["platform-a"].work
    assert bank.split_names == ("train", "valid", "test", "out_of_time")
    days = bank.days_observed()
    train, valid, test, oot = bank.parts
    assert (days[oot] >= np.datetime64("2025-04-01")).all()
    assert (days[: oot.start] < np.datetime64("2025-04-01")).all()
    assert (train.start, train.stop, valid.stop, test.stop, oot.stop) == (
        0, valid.start, test.start, oot.start, len(days)
    )  # fmt: skip
    assert 0.1 < (oot.stop - oot.start) / len(days) < 0.3  # three of eighteen months
    assert (train.stop, valid.stop - valid.start) == (
        oot.start - int(oot.start * 0.1) - int(oot.start * 0.3), int(oot.start * 0.1)
    )  # fmt: skip
    assert platform.parts == bank.parts
    assert platform.alignment.root == bank.alignment.root
    ids = [bank.data.ids[i] for i in bank.alignment.rows]
    assert ids == [platform.data.ids[i] for i in platform.table_rows]


def test_one_bit_a_row_is_told_and_no_more(late: tuple[Result, list[ObservationPeriods]]) -> None:
    result, heard = late
    rows = len(result.job.bank.work.alignment.rows)
    (told,) = heard
    assert told.count.value == 2
    assert set(told.periods.value) == {0, 1}
    assert told.disclosed_bits() == rows == len(told.periods.value)
    assert sum(told.periods.value) == rows - result.job.bank.work.parts[3].start
    (line,) = [row for row in result.ledger if row.message == "ObservationPeriods"]
    assert (line.sender, line.receiver, line.bits) == ("bank-a", "platform-a", rows)
    allowed = budgets(spec_of(), rows=2_000, sizes={"platform-a": 2_000}, features={"platform-a": 5}, bank_features=5)
    assert allowed["ObservationPeriods"].bits == 2_000
    assert "ObservationPeriods" not in budgets(
        spec_of(sample=""), rows=2_000, sizes={"platform-a": 2_000}, features={"platform-a": 5}, bank_features=5
    )


def test_a_share_of_the_latest_months() -> None:
    months = np.repeat([3, 5, 4, 9], [40, 30, 20, 10])
    for share, kept in ((0.05, {9}), (0.1, {9}), (0.11, {9, 5}), (0.4, {9, 5}), (0.41, {9, 5, 4}), (0.9, {9, 5, 4, 3})):
        assert set(months[latest_share(months, share)].tolist()) == kept
    assert not latest_share(np.zeros(0, dtype=np.int64), 0.2).size


@pytest.mark.parametrize("time", ["", MONTHLY])
def test_a_share_gives_whole_months(made: SyntheticSet, time: str) -> None:
    result = run(made, spec_of("out_of_time = 0.2", time))
    work = result.job.bank.work
    months = work.days_observed().astype("datetime64[M]")
    oot = work.parts[3]
    assert months[: oot.start].max() < months[oot].min()
    shares = [np.mean(months >= m) for m in np.unique(months)]
    assert (oot.stop - oot.start) / len(months) == min(s for s in shares if s >= 0.2)
    assert result.job.platforms["platform-a"].work.parts == work.parts


def test_features_by_month_are_those_of_the_firms_own_snapshot(made: SyntheticSet) -> None:
    result = run(made, spec_of(LATE, MONTHLY))
    bank, platform = result.job.bank.work, result.job.platforms["platform-a"].work
    assert platform.periods is not None
    months = bank.days_observed().astype("datetime64[M]")
    assert (np.datetime64("2024-01") + platform.periods.astype(np.int64) == months).all()
    table = platform.table()
    assert table.as_of is not None
    assert (table.as_of < months.astype("datetime64[D]")).all()
    assert table.ids == [bank.data.ids[i] for i in bank.alignment.rows]
    (line,) = [row for row in result.ledger if row.message == "ObservationPeriods"]
    assert line.bits == 5 * len(months) == period_bits(18) * len(months)


def test_a_snapshot_from_after_its_firms_month_is_refused_or_missing(made: SyntheticSet, tmp_path: Path) -> None:
    """One firm's row is dated to the end of the window; the platform alone can see it, and alone says where."""
    for file in made.platforms[0].parent.iterdir():
        if file.suffix in (".csv", ".toml", ".json"):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    head, *rows = (tmp_path / made.platforms[0].name).read_text().splitlines()
    day = head.split(",").index("as_of")
    aligned = run(made, spec_of(LATE, MONTHLY)).job.platforms["platform-a"].work
    row = min(aligned.table_rows[aligned.periods < 12])
    cells = rows[row].split(",")
    cells[day] = "2025-05-31"
    rows[row] = ",".join(cells)
    (tmp_path / made.platforms[0].name).write_text("\n".join([head, *rows]) + "\n")
    sim = Simulation(made.bank_views, {"platform-a": tmp_path / made.platform_views[0].name}, bank="bank-a")
    sent: list[str] = []
    with pytest.raises(DataError, match="SNAPSHOT_LOOKAHEAD") as caught:
        sim.run(spec_of(LATE, MONTHLY), wiretap=lambda s, _: sent.append(s.type_name))
    assert (caught.value.place.row, caught.value.place.column) == (row + 2, "as_of")  # type: ignore[union-attr]
    assert sent[-1] == "ObservationPeriods"  # nothing made of features has left
    lenient = run_in(sim, spec_of(LATE, MONTHLY + 'look_ahead = "leave-out"\n'))
    table = lenient.job.platforms["platform-a"].work.table()
    (place,) = np.flatnonzero(np.isnat(table.as_of))
    assert table.ids[place] == cells[head.split(",").index("uscc")]
    numeric = [f.name for f in table.features if f.kind == "numeric"]
    assert all(np.isnan(table.numeric(name)[place]) for name in numeric)


def run_in(sim: Simulation, spec: JobSpec) -> Result:
    return sim.run(spec, seed=bytes(32))


def test_a_day_with_all_firms_on_one_side_is_refused_before_it_is_told(made: SyntheticSet) -> None:
    sent: list[str] = []
    with pytest.raises(DataError, match="OUT_OF_TIME_EMPTY"):
        run(made, spec_of("out_of_time_from = 2026-06-30"), lambda s, _: sent.append(s.type_name))
    assert "ObservationPeriods" not in sent


def test_a_bank_without_days_of_observation_is_refused_at_once(made: SyntheticSet, tmp_path: Path) -> None:
    views = made.bank_views.read_text().replace('observed_on = "observed_on"', "")
    (tmp_path / "bank-views.toml").write_text(views)
    (tmp_path / made.bank.name).write_bytes(made.bank.read_bytes())
    sim = Simulation(tmp_path / "bank-views.toml", {"platform-a": made.platform_views[0]}, bank="bank-a")
    with pytest.raises(ConfigError, match="OBSERVED_UNDECLARED"):
        sim.run(spec_of())


@pytest.mark.parametrize(("count", "change"), [(3, 0), (2, -1), (2, 1), (2, 2)])
def test_a_platform_refuses_periods_that_do_not_fit(
    late: tuple[Result, list[ObservationPeriods]], count: int, change: int
) -> None:
    result, (told,) = late
    steps = PlatformPeriodsSteps(result.job.platforms["platform-a"].work)
    said = told.periods.value[:change] if change < 0 else told.periods.value + (change,) * (change > 0)
    chunk = ObservationPeriods(public(count), disclose(said, reason="test"))

    def heard() -> None:
        steps.take_periods(chunk)
        steps.arrange()

    with pytest.raises(RemoteProtocolError, match="PERIODS"):
        heard()


def test_state_survives_a_restart(late: tuple[Result, list[ObservationPeriods]]) -> None:
    work = late[0].job.bank.work
    parts = work.dump()
    before, work.periods, work.aligned = (work.parts, work.periods, work.alignment.root), None, None
    work.restore(parts)
    assert (work.parts, work.alignment.root) == (before[0], before[2])
    np.testing.assert_array_equal(work.periods, before[1])


async def until_screened(c: Choreography, spec: JobSpec) -> None:
    """A scorecard job as far as its bins."""
    bank, platforms = spec.bank, spec.platforms
    await key_exchange(c, c.role(bank, KeyHolderRole), [c.role(p, KeyChecker) for p in platforms])
    await alignment(c, c.role(bank, BankAlignment), [c.role(p, PlatformAlignment) for p in platforms])
    await periods(c, c.role(bank, BankPeriods), [c.role(p, PlatformPeriods) for p in platforms])
    cutters = c.role(bank, BankBinning), [c.role(p, PlatformBinning) for p in platforms]
    await binning(c, *cutters)
    await screening(c, *cutters)


def test_labels_of_rows_out_of_time_enter_nothing_that_is_fitted(made: SyntheticSet) -> None:
    spec = spec_of(model="scorecard")
    views = load_views(made.platform_views[0], role=RoleName.PLATFORM)
    table = load_view(views, "main", role=RoleName.PLATFORM, cutoff=made.as_of)
    platform = PlatformTable(table, ConsentBook.load(views))
    bins, labels = [], []
    for turned in (False, True):
        bank = load_view(load_views(made.bank_views, role=RoleName.BANK), "main", role=RoleName.BANK)
        assert bank.labels is not None
        assert bank.observed_on is not None
        if turned:
            bank.labels.expose()[bank.observed_on >= np.datetime64("2025-04-01")] ^= 1
        job = assemble("simulation", spec, bank, {"platform-a": platform}, seed=bytes(32))
        job.run(body=until_screened)
        bins.append([f.to_dict() for f in job.bank.binning.features])
        labels.append(job.bank.logistic.labels())
        assert len(job.bank.binning.columns()) == len(job.bank.work.alignment.rows)  # late rows are coded, though
    assert bins[0] == bins[1]
    np.testing.assert_array_equal(labels[0], labels[1])


def test_the_report_shows_the_split(late: tuple[Result, list[ObservationPeriods]]) -> None:
    splits = late[0].report_model().sample.splits
    assert [s.split for s in splits] == ["train", "valid", "test", "out_of_time"]
    assert [s.rows for s in splits] == [p.stop - p.start for p in late[0].job.bank.work.parts]
