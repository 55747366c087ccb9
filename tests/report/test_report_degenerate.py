"""Reports of jobs that found little or nothing: they render, and say so in words."""

from __future__ import annotations

import dataclasses
import math

import pytest
from page_reader import Page

from vfl.errors import Text
from vfl.report.model import (
    Card,
    Costs,
    FeatureImportance,
    Importance,
    Ledger,
    LedgerRow,
    OwnerImportance,
    PartyRows,
    PeriodRows,
    PhaseCost,
    ReportModel,
    Sample,
    SplitRows,
    Trees,
)
from vfl.report.performance_model import (
    Band,
    BandSection,
    CalibrationRow,
    Interval,
    LiftRow,
    ModelKind,
    ModelPerformance,
    Performance,
    RankPoint,
    SplitPerformance,
    SwapSet,
    Uplift,
)
from vfl.report.render import render
from vfl.report.scorecard_model import (
    Bin,
    BinKind,
    BinningTable,
    Coefficient,
    Correlation,
    Feature,
    Scaling,
    ScorecardSection,
    StabilityRow,
    StabilitySection,
)

NAN = math.nan
NOTHING = SplitPerformance("test", 0, 0, Interval(NAN), Interval(NAN))


def _page(report: ReportModel) -> Page:
    parsed = Page(render(ReportModel.from_json(report.to_json()), language="en"))
    assert parsed.errors == []
    assert all(len(set(rows)) == 1 for rows in parsed.row_widths())
    return parsed


def _words(page: Page) -> str:
    return " ".join(page.texts["en"])


@pytest.fixture
def bare(full_report: ReportModel) -> ReportModel:
    sample = Sample((PartyRows("bank-a"),), (SplitRows("test", 0, 0),), periods=(PeriodRows("2025-01", 0, 0),))
    return ReportModel(header=full_report.header, sample=sample)


def test_everything_empty(bare: ReportModel) -> None:
    hollow = dataclasses.replace(
        bare,
        sample=Sample((), ()),
        performance=Performance(()),
        bands=BandSection("test", ()),
        importance=Importance("gain", (), ()),
        trees=Trees(0, None, ()),
        scorecard=ScorecardSection(()),
        stability=StabilitySection("train", ()),
        ledger=Ledger(()),
        costs=Costs(()),
        card=Card(),
    )
    words = _words(_page(hollow))
    assert "There is no joint model on the test split." in words
    assert words.count("Nothing to draw") >= 8


def test_no_rows_and_no_numbers(bare: ReportModel) -> None:
    feature = Feature("bank-a", 1, "x")
    report = dataclasses.replace(
        bare,
        performance=Performance(
            (ModelPerformance(ModelKind.JOINT, (NOTHING,)),),
            (Uplift("test", ModelKind.BANK_ALONE, Interval(NAN), Interval(NAN)),),
        ),
        bands=BandSection("test", (Band(-math.inf, math.inf, 0, 0),), (SwapSet(0.5, 0, 0, 0, 0, 0, 0),)),
        importance=Importance("gain", (OwnerImportance("bank-a", NAN),), (FeatureImportance(feature, NAN),)),
        scorecard=ScorecardSection(
            (BinningTable(feature, NAN, (Bin(BinKind.MISSING, NAN),)),),
            (Coefficient(feature, NAN),),
            Correlation(("x",), ((NAN,),)),
            Scaling(600, 20, 20),
        ),
        stability=StabilitySection("train", (StabilityRow("test", NAN),)),
        costs=Costs((PhaseCost("keys", NAN),), seconds_per_tree=(NAN,)),
    )
    page = _page(report)
    words = _words(page)
    assert "AUC and KS are not defined: they need rows of both classes." in words
    assert "A dash stands where a number is not defined" in words
    assert "not defined" in words
    assert "nan" not in " ".join(page.texts[""]).lower()


def test_a_split_without_events_says_so(bare: ReportModel) -> None:
    sample = dataclasses.replace(bare.sample, splits=(SplitRows("test", 50, 0), SplitRows("train", 50, 50)))
    words = _words(_page(dataclasses.replace(bare, sample=sample)))
    assert words.count("only one class among these rows") == 2


def test_one_row_of_everything(bare: ReportModel) -> None:
    feature = Feature("platform-a", 1)
    split = SplitPerformance(
        "test",
        1,
        1,
        Interval(0.5),
        Interval(0.0),
        0.0,
        0.0,
        (RankPoint(0.0, 0.0, 0.0), RankPoint(1.0, 1.0, 1.0)),
        (LiftRow(1, 1, 1),),
        (CalibrationRow(1, 1, 1, 0.0),),
    )
    report = dataclasses.replace(
        bare,
        sample=Sample((), (SplitRows("test", 1, 1),), periods=(PeriodRows("2025-01", 1, 1),)),
        performance=Performance((ModelPerformance(ModelKind.JOINT, (split,)),)),
        bands=BandSection("test", (Band(600.0, 600.0, 1, 0),)),
        importance=Importance("iv", (OwnerImportance("?", 0.0),), (FeatureImportance(feature, 0.0),)),
        scorecard=ScorecardSection((BinningTable(feature, 0.0, (Bin(BinKind.ANONYMOUS, 0.0, 0.0, "", 1, 0),)),)),
        ledger=Ledger((LedgerRow("M", "no-such-kind", "a", "b", 1, 1, Text("one", "一")),)),
        costs=Costs((PhaseCost("a phase of the job's own", 0.0),), seconds_per_tree=(0.0,)),
    )
    page = _page(report)
    assert "platform-a #1" in " ".join(page.texts[""])
    assert "name withheld by contract" in _words(page)


def test_counts_the_reader_may_not_know(bare: ReportModel) -> None:
    table = BinningTable(
        Feature("platform-a", 2), 0.2, (Bin(BinKind.ANONYMOUS, 0.3, 0.1), Bin(BinKind.ANONYMOUS, -0.3, 0.1))
    )
    words = _words(_page(dataclasses.replace(bare, scorecard=ScorecardSection((table,)))))
    assert words.count("not disclosed") >= 4
    assert "edges withheld" in words
