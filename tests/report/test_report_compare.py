"""The comparison page."""

from __future__ import annotations

import dataclasses

import pytest
from page_reader import Page

from vfl.errors import ConfigError
from vfl.report import ReportModel, compare


def _another(report: ReportModel) -> ReportModel:
    header = dataclasses.replace(report.header, job_id="<b>second</b>", title="Second")
    return dataclasses.replace(report, header=header, performance=None, ledger=None, costs=None)


def test_two_jobs_side_by_side(full_report: ReportModel) -> None:
    html = compare([full_report, _another(full_report)], language="en")
    page = Page(html)
    assert page.errors == []
    assert len(page.ids) == len(set(page.ids))
    assert "<b>second</b>" not in html
    assert "2 <b>second</b>" in " ".join(page.texts[""])
    joint = next(m for m in full_report.performance.models if m.model == "joint")  # type: ignore[union-attr]
    test = next(s for s in joint.splits if s.split == "test")
    assert f"{test.auc.value:.4f}" in html
    assert len(page.texts["zh"]) == len(page.texts["en"])


def test_champion_and_challengers_stand_on_the_page(full_report: ReportModel) -> None:
    assert full_report.strategy is not None
    assert full_report.strategy.match is not None
    match = dataclasses.replace(full_report.strategy.match, champion="<i>old</i>", challenger="new")
    jobs = [full_report, _another(full_report)]
    html = compare(jobs, matches=[match])
    page = Page(html)
    assert page.errors == []
    assert "<i>old</i>" in " ".join(page.texts[""])
    assert f"{match.challenger_auc:.4f}" in html
    assert "未做对比" in compare(jobs)
    assert "未做对比" not in html


@pytest.mark.parametrize("count", [0, 1, 7])
def test_too_few_or_too_many_jobs_are_refused(full_report: ReportModel, count: int) -> None:
    with pytest.raises(ConfigError, match="COMPARE_JOBS"):
        compare([full_report] * count)
