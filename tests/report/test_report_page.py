"""The rendered page: whole, bilingual, self-contained, and harmless whatever the parties wrote."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import pytest
from page_reader import Page

from vfl.report.model import Party, ReportModel
from vfl.report.render import render, write_report
from vfl.report.scorecard_model import Bin, BinKind, BinningTable, Feature, ScorecardSection
from vfl.roles import RoleName

HOSTILE = "<script>alert('x')</script>\"'&{{ 7*7 }}"


@pytest.fixture(scope="module")
def page(full_report: ReportModel) -> Page:
    return Page(render(full_report))


def test_markup_nests_and_ids_are_unique(page: Page) -> None:
    assert page.errors == []
    assert len(page.ids) == len(set(page.ids))


def test_every_reference_has_its_target(page: Page) -> None:
    wanted = [a["href"].removeprefix("#") for a in page.all("a")]
    wanted += [a["for"] for a in page.all("label")]
    for _, attributes in page.tags:
        wanted += attributes.get("aria-labelledby", "").split()
    assert wanted
    assert set(wanted) <= set(page.ids)


def test_all_sections_and_pictures_are_there(page: Page) -> None:
    sections = [attributes["id"] for attributes in page.all("section")]
    assert sections == [
        "summary",
        "sample",
        "performance",
        "bands",
        "strategy",
        "segments",
        "importance",
        "scorecard",
        "trees",
        "stability",
        "ledger",
        "costs",
        "card",
    ]
    for figure in ("roc", "ks", "lift", "calibration", "bands", "owners", "features", "categories", "correlation"):
        assert f"svg-{figure}-title" in page.ids
    for figure in ("strategy", "segment-1"):
        assert f"svg-{figure}-title" in page.ids
    for figure in ("periods", "iterations", "splits", "stability", "sankey", "phases", "tree-seconds", "woe-1"):
        assert f"svg-{figure}-title" in page.ids


def test_nothing_is_fetched_and_nothing_runs(full_report: ReportModel) -> None:
    html = render(full_report)
    assert "http://" not in html
    assert "https://" not in html
    assert "url(" not in html
    assert "@import" not in html
    parsed = Page(html)
    forbidden = {"script", "link", "iframe", "object", "embed", "img", "form", "base"}
    assert not forbidden & {tag for tag, _ in parsed.tags}
    for _, attributes in parsed.tags:
        assert "src" not in attributes
        assert not [name for name in attributes if name.startswith("on")]


def test_each_language_says_as_much_as_the_other(page: Page) -> None:
    spans = [a.get("class", "").split() for tag, a in page.tags if tag in ("span", "text")]
    zh, en = (sum(language in classes for classes in spans) for language in ("zh", "en"))
    assert zh == en > 200
    assert len(page.texts["zh"]) == len(page.texts["en"])


def test_the_language_given_is_the_one_it_opens_in(full_report: ReportModel) -> None:
    for language, lang in (("zh", "zh-CN"), ("en", "en")):
        parsed = Page(render(full_report, language=language))
        checked = [a["id"] for a in parsed.all("input") if "checked" in a]
        assert checked == [f"lang-{language}"]
        assert parsed.all("html")[0]["lang"] == lang


def test_every_table_has_scoped_headers_and_even_rows(page: Page) -> None:
    assert all(a.get("scope") in ("col", "row") for a in page.all("th"))
    assert len(page.row_widths()) > 20
    for rows in page.row_widths():
        assert len(set(rows)) == 1, rows


def test_every_coordinate_is_a_finite_number(page: Page) -> None:
    numeric = {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"}
    seen = 0
    for tag, attributes in page.tags:
        if tag in ("rect", "line", "circle", "text"):
            for name in numeric & attributes.keys():
                assert math.isfinite(float(attributes[name]))
                seen += 1
        if tag == "path":
            numbers = re.findall(r"-?\d+(?:\.\d+)?", attributes["d"])
            assert re.fullmatch(r"[MLCZ\d.,\- ]+", attributes["d"])
            assert numbers
    assert seen > 1000


def test_marks_stay_inside_their_picture(page: Page) -> None:
    width = height = 0.0
    for tag, a in page.tags:
        if tag == "svg":
            width, height = (float(v) for v in a["viewbox"].split()[2:])
        if tag == "rect":
            assert -0.2 <= float(a["x"]) <= float(a["x"]) + float(a["width"]) <= width + 0.2
            assert -0.2 <= float(a["y"]) <= float(a["y"]) + float(a["height"]) <= height + 0.2
        if tag == "circle":
            assert 0 <= float(a["cx"]) <= width
            assert 0 <= float(a["cy"]) <= height


def test_what_the_parties_wrote_is_never_markup(full_report: ReportModel) -> None:
    header = dataclasses.replace(
        full_report.header,
        title=HOSTILE,
        purpose=HOSTILE,
        job_id=HOSTILE,
        parties=(Party(HOSTILE, RoleName.BANK),),
    )
    tables = (BinningTable(Feature(HOSTILE, 1, HOSTILE), 0.1, (Bin(BinKind.INTERVAL, 0.4, 0.1, HOSTILE, 10, 1),)),)
    assert full_report.ledger is not None
    rows = tuple(dataclasses.replace(r, message=HOSTILE, sender=HOSTILE) for r in full_report.ledger.rows)
    hostile = dataclasses.replace(
        full_report,
        header=header,
        scorecard=ScorecardSection(tables),
        ledger=dataclasses.replace(full_report.ledger, rows=rows),
    )
    html = render(hostile)
    parsed = Page(html)
    assert "<script" not in html
    assert parsed.errors == []
    assert HOSTILE in " ".join(parsed.texts[""])
    assert not parsed.all("script")


def test_a_name_withheld_shows_as_owner_and_place(page: Page) -> None:
    words = " ".join(page.texts[""])
    assert "platform-a #5" in words
    assert "court_cases" not in words  # the example's contract withholds it


def test_the_page_is_a_function_of_the_json(full_report: ReportModel) -> None:
    assert render(ReportModel.from_json(full_report.to_json())) == render(full_report)


def test_both_files_are_written(full_report: ReportModel, tmp_path: Path) -> None:
    path = write_report(full_report, tmp_path / "job" / "out", language="en")
    assert path.name == "report.html"
    again = ReportModel.from_json((path.parent / "report.json").read_text(encoding="utf-8"))
    assert path.read_text(encoding="utf-8") == render(again, language="en")


def test_plaintext_runs_carry_a_warning(full_report: ReportModel) -> None:
    study = dataclasses.replace(full_report, header=dataclasses.replace(full_report.header, backend="plaintext"))
    assert 'class="warning"' in render(study)
    assert 'class="warning"' not in render(full_report)


def test_absent_sections_are_not_rendered(full_report: ReportModel) -> None:
    bare = ReportModel(header=full_report.header, sample=full_report.sample)
    parsed = Page(render(bare))
    assert [a["id"] for a in parsed.all("section")] == ["summary", "sample"]
    assert parsed.errors == []
