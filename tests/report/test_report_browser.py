"""The page as a browser shows and prints it: nothing cut, nothing over another thing, one language at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Word, measured, missing_tools, pdf_words, printed

from vfl.report.model import ReportModel
from vfl.report.render import render
from vfl.report.texts import LABELS

pytestmark = pytest.mark.slow

A4 = (595.0, 842.0)
LANGUAGES = ("zh", "en")


@pytest.fixture(scope="module")
def pages(full_report: ReportModel, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    if lacking := missing_tools():
        pytest.fail(f"looking at a report wants {' and '.join(lacking)}: `make browser` installs them")
    folder = tmp_path_factory.mktemp("pages")
    out = {}
    for language in LANGUAGES:
        out[language] = folder / f"report-{language}.html"
        out[language].write_text(render(full_report, language=language), encoding="utf-8")
    return out


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(pages: dict[str, Path], tmp_path: Path, language: str, width: int) -> None:
    found = measured(tmp_path, pages[language], width)
    assert found["client"] == width
    assert found["scroll"] <= width


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_language_is_seen_at_a_time(pages: dict[str, Path], tmp_path: Path, language: str) -> None:
    text = measured(tmp_path, pages[language], 1280)["text"]
    for key in ("section_strategy", "section_segments", "section_scorecard", "reject_inference"):
        shown = {name: LABELS[key].in_(name) in text for name in LANGUAGES}
        assert shown == {name: name == language for name in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_of_pictures_stay_inside_and_apart(pages: dict[str, Path], tmp_path: Path, language: str) -> None:
    pictures = measured(tmp_path, pages[language], 1280)["pictures"]
    assert len(pictures) > 20
    for picture in pictures:
        words = [Word(*word) for word in picture["words"]]
        for i, word in enumerate(words):
            inside = word.left >= -3 and word.right <= picture["width"] + 3
            assert inside, (picture["name"], word)
            assert word.bottom <= picture["height"] + 4, (picture["name"], word)
            assert not [other for other in words[:i] if word.covers(other)], (picture["name"], word)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_prints_whole_at_full_size(pages: dict[str, Path], tmp_path: Path, language: str) -> None:
    sizes, words = pdf_words(printed(tmp_path, pages[language]))
    assert 8 < len(sizes) < 40
    assert all(abs(w - A4[0]) < 3 and abs(h - A4[1]) < 3 for w, h in sizes)
    for number, word in words:
        assert word.right <= sizes[number][0] - 20, word
        assert word.left >= 20, word
    # A table that is too wide makes the browser shrink all pages: the title's letters (30 px) tell.
    title = [word for number, word in words if number == 0 and "model" in word.text.lower() and word.top < 120]
    assert max(word.bottom - word.top for word in title) > 22
    text = " ".join(word.text for _, word in words)
    assert LABELS["section_strategy"].in_(language).split()[0] in text
    # The tables behind the pictures are printed too.
    assert LABELS["table_behind"].in_(language) not in text
    assert LABELS["cumulative_lift"].in_(language).split()[0] in text
