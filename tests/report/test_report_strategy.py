"""Cut-offs, rejects, champion and challenger, segments: figures against their definitions, on rows and on the page."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from page_reader import Page

from vfl.cli.compare import matches_of
from vfl.config.report_terms import ReportTerms
from vfl.errors import ConfigError
from vfl.report.model import ReportModel
from vfl.report.periods import periods_of
from vfl.report.render import render
from vfl.report.strategy import Partition, ScoredRows, chosen_cut_off, match_of, segments_of, strategy_of
from vfl.service.folder import JobFolder
from vfl.service.sample_scores import SampleScores

Floats = npt.NDArray[np.float64]


def drawn(rows: int = 2000, seed: int = 3) -> ScoredRows:
    rng = np.random.default_rng(seed)
    margin = rng.normal(-1.4, 1.0, rows)
    p = 1 / (1 + np.exp(-margin))
    label = (rng.random(rows) < p).astype(np.float64)
    exposure = rng.lognormal(3, 1, rows)
    return ScoredRows(label, np.round(600 - 20 / np.log(2) * (margin + np.log(50))), p, exposure)


def test_the_cut_off_is_the_banks_or_follows_from_its_approval_rate() -> None:
    rows = drawn()
    assert chosen_cut_off(ReportTerms(cut_off=555.0), rows.points) == 555.0
    cut_off = chosen_cut_off(ReportTerms(approval_rate=0.7), rows.points)
    assert np.mean(rows.points >= cut_off) >= 0.7
    assert np.mean(rows.points >= cut_off + 1) < 0.7


def test_every_row_of_the_table_is_what_approving_from_there_would_do() -> None:
    rows = drawn()
    terms = ReportTerms(exposure="loan", loss_given_default=0.4, margin=0.05)
    cut_off = chosen_cut_off(terms, rows.points)
    section = strategy_of("test", {"test": rows}, terms, cut_off)
    assert cut_off in [row.cut_off for row in section.table]
    assert section.table[-1].approved == len(rows)
    assert rows.exposure is not None
    for row in section.table:
        approved = rows.points >= row.cut_off
        bad = rows.label == 1
        assert row.approved == approved.sum()
        assert row.event_rate == pytest.approx(rows.label[approved].mean())
        lost = 0.4 * rows.exposure[approved & bad].sum()
        assert row.observed_loss == pytest.approx(lost)
        assert row.profit == pytest.approx(0.05 * rows.exposure[approved & ~bad].sum() - lost)
        assert row.expected_loss == pytest.approx(0.4 * (rows.exposure * rows.probability)[approved].sum())


def test_no_loss_is_told_without_a_loss_given_default() -> None:
    section = strategy_of("test", {"test": drawn()}, ReportTerms(), 540.0)
    assert section.economics is None
    assert all(math.isnan(r.expected_loss) and math.isnan(r.profit) for r in section.table)


def test_the_rejected_of_every_split_are_those_below_the_cut_off() -> None:
    splits = {"train": drawn(seed=1), "test": drawn(seed=2)}
    section = strategy_of("test", splits, ReportTerms(), 540.0)
    for decided in section.decided:
        below = splits[decided.split].points < 540.0
        assert decided.declined_rows == below.sum()
        assert decided.declined_events == splits[decided.split].label[below].sum()
        assert decided.approved_rows + decided.declined_rows == len(below)


def test_champion_and_challenger_approve_the_same_share() -> None:
    rows = drawn()
    noisy = 1 / (1 + np.exp(-np.log(rows.probability / (1 - rows.probability)) + np.linspace(-2, 2, len(rows))))
    match = match_of(
        "test", rows.label, noisy, rows.probability, names=("old", "new"), approval_share=0.6, seed=1
    )  # fmt: skip
    assert match is not None
    assert match.in_rows == match.out_rows > 0
    assert match.challenger_auc - match.champion_auc == pytest.approx(match.auc_gain.value)
    assert match.p_value < 0.01
    assert match.auc_gain.low > 0
    saved = (match.champion_rate - match.challenger_rate) * round(0.6 * len(rows))
    assert saved == pytest.approx(match.out_events - match.in_events)
    assert match_of("test", np.zeros(9), noisy[:9], noisy[:9], names=("a", "b"), approval_share=0.5, seed=1) is None


def test_segments_below_the_floor_are_pooled_and_judged_no_further() -> None:
    rows = drawn()
    place = np.repeat([0, 1, 2, -1], [1200, 700, 40, 60])
    section = segments_of(
        "test", rows, {"size": Partition(("micro", "small", "large"), place)}, 540.0, modelled=frozenset(), seed=1
    )
    found = {s.value: s for s in section.columns[0].segments if not s.pooled}
    assert set(found) == {"micro", "small", ""}
    pooled = [s for s in section.columns[0].segments if s.pooled]
    assert [s.rows for s in pooled] == [40]
    assert math.isnan(pooled[0].approval_ratio)
    rates = {name: s.approved / s.rows for name, s in found.items()}
    for name, segment in found.items():
        assert segment.approval_ratio == pytest.approx(rates[name] / max(rates.values()))
    assert sum(s.rows for s in section.columns[0].segments) == len(rows)


def test_a_segment_short_of_four_fifths_is_marked_on_the_page(full_report: ReportModel) -> None:
    assert full_report.segments is not None
    column = full_report.segments.columns[0]
    low = dataclasses.replace(column.segments[0], approval_ratio=0.5)
    changed = dataclasses.replace(
        full_report.segments, columns=(dataclasses.replace(column, segments=(low, *column.segments[1:])),)
    )
    html = render(dataclasses.replace(full_report, segments=changed))
    assert '<td class="alarm">0.50</td>' in html
    assert Page(html).errors == []


def test_small_segments_show_their_rows_and_nothing_else(full_report: ReportModel) -> None:
    html = render(full_report)
    assert full_report.segments is not None
    few = [s for s in full_report.segments.columns[0].segments if s.rows < full_report.segments.row_floor]
    assert few
    assert html.count("<td>—</td>" * 7) == len(few)


def test_terms_are_read_from_the_file_beside_the_views(tmp_path: Path) -> None:
    views = tmp_path / "views.toml"
    assert ReportTerms.beside(views) == ReportTerms()
    (tmp_path / "report.toml").write_text('cut_off = 560\nsegments = ["region"]\nloss_given_default = 0.4\n')
    assert ReportTerms.beside(views) == ReportTerms(cut_off=560.0, segments=("region",), loss_given_default=0.4)
    for text, code in (
        ("cut_off = 560\napproval_rate = 0.5", "REPORT_TERMS_CUT_OFF"),
        ("margin = 0.1", "REPORT_TERMS_MARGIN"),
        ("aproval_rate = 0.5", "CONFIG_UNKNOWN_KEY"),
        ("loss_given_default = 45", "CONFIG_RANGE"),
    ):
        (tmp_path / "report.toml").write_text(text)
        with pytest.raises(ConfigError, match=code):
            ReportTerms.beside(views)


def test_periods_are_as_fine_as_fit_beside_each_other() -> None:
    def named(*days: str) -> list[str]:
        return list(map(str, periods_of(np.array(days, dtype="datetime64[D]"))))

    assert named("2024-01-31", "2024-03-01", "NaT") == ["2024-01", "2024-03", ""]
    months = np.arange("2023-01", "2024-07", dtype="datetime64[M]").astype("datetime64[D]")
    assert periods_of(months).tolist()[::3] == [f"{y} Q{q}" for y in (2023, 2024) for q in (1, 2, 3, 4)][:6]
    years = np.array([f"{y}-05-01" for y in range(1990, 2020)], dtype="datetime64[D]")
    assert periods_of(years).tolist()[0] == "1990"


def scores(seed: int, splits: int = 3) -> SampleScores:
    """The rows of ``drawn``, split anew and scored with noise of its own."""
    rows, rng = drawn(), np.random.default_rng(seed)
    split = np.array(["train", "valid", "test"])[rng.integers(0, splits, len(rows))]
    noise = rng.normal(0, 0.3, len(rows))
    p = 1 / (1 + np.exp(-np.log(rows.probability / (1 - rows.probability)) + noise))
    alone = np.where(split == "test", rows.probability**0.5, np.nan)
    ids = tuple(f"firm-{i}" for i in range(len(rows)))
    return SampleScores(ids, tuple(split.tolist()), rows.label, p, rows.points, alone, cut_off=540.0)


def test_sample_scores_are_read_back_to_the_last_digit_and_carry_the_mark(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path, "job-1")
    folder.make()
    made = scores(1)
    made.write(folder)
    again = SampleScores.read(folder)
    assert (again.ids, again.split) == (made.ids, made.split)
    for name in ("label", "probability", "points", "bank_alone"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
    text = folder.file("sample_scores.csv").read_text()
    assert text.count(",reject,") == (made.points < 540).sum()
    assert "firm-7" not in repr(made)


def test_jobs_are_compared_on_rows_that_both_held_out() -> None:
    first, second = scores(1), scores(2)
    held = [{c for c, s in zip(x.ids, x.split, strict=True) if s == "test"} for x in (first, second)]
    matches = matches_of(("a", "b"), (first, second), approval_share=0.7)
    assert [(m.champion, m.challenger) for m in matches] == [("a", "b"), ("bank_alone", "a"), ("bank_alone", "b")]
    assert {m.rows for m in matches} == {len(held[0] & held[1])}
    assert matches_of(("a", "b"), (first, scores(3, splits=2)), approval_share=0.7) == ()
