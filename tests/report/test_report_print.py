"""What keeps the page whole on paper, checked without a browser; test_report_browser.py looks with one."""

from __future__ import annotations

import re

import pytest
from page_reader import Page

from vfl.report.model import ReportModel
from vfl.report.render import render


@pytest.fixture(scope="module")
def html(full_report: ReportModel) -> str:
    return render(full_report)


@pytest.fixture(scope="module")
def paper(html: str) -> str:
    """The rules for print."""
    style = html[html.index("<style>") : html.index("</style>")]
    assert "@page { size: A4;" in style
    return style[style.index("@media print") :]


def test_pictures_are_not_cut_and_headings_stay_with_what_they_head(paper: str) -> None:
    whole = next(rule for rule in paper.split("}") if "figure" in rule and "break-inside: avoid" in rule)
    assert {"article", "tr", ".warning"} <= set(re.findall(r"[.\w]+", whole))
    assert re.search(r"h2, h3, h4[^{]*\{ break-after: avoid", paper)


def test_tables_behind_pictures_are_printed_open_with_their_heads_on_every_page(html: str, paper: str) -> None:
    assert "details::details-content { content-visibility: visible" in paper
    assert "thead { display: table-header-group" in paper
    assert "nav, summary { display: none" in paper
    # Outside the figure: a table of many rows may go on overleaf, its picture may not.
    for figure in re.findall(r"<figure.*?</figure>", html, re.DOTALL):
        assert "<figcaption>" in figure
        assert "<table" not in figure
        assert "<details" not in figure


def test_what_grows_with_the_job_gets_letters_that_fit(html: str, paper: str) -> None:
    assert "table.matrix { font-size: min(" in paper
    matrices = [int(n) for n in re.findall(r'<table class="matrix" style="--n:(\d+)">', html)]
    assert matrices
    assert max(max(row) for row in Page(html).row_widths()) == max(11, max(matrices) + 1)
    # Any other table has at most as many columns as the widest that is laid out by hand.
    plain = re.sub(r'<table class="matrix".*?</table>', "", html, flags=re.DOTALL)
    assert max(max(row) for row in Page(plain).row_widths()) <= 11


def test_either_language_hides_the_other_on_paper_too(html: str) -> None:
    style = html[: html.index("</style>")]
    rule = "#lang-zh:checked ~ .page .en, #lang-en:checked ~ .page .zh { display: none; }"
    assert rule in style[: style.index("@media")]
