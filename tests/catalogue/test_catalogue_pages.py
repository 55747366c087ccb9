"""The generated pages are those in ``docs/``."""

from __future__ import annotations

from pathlib import Path

from vfl.data import catalogue_page, dictionary
from vfl.data.catalogue import Catalogue

DOCS = Path(__file__).parents[2] / "docs"


def test_catalogue_page_is_fresh() -> None:
    """Else run ``python -m vfl.data.catalogue_page > docs/catalogue.md``."""
    assert (DOCS / "catalogue.md").read_text(encoding="utf-8") == catalogue_page.render(Catalogue.load())


def test_data_dictionary_is_fresh() -> None:
    """Else run ``python -m vfl.data.dictionary > docs/data-dictionary.md``."""
    assert (DOCS / "data-dictionary.md").read_text(encoding="utf-8") == dictionary.documentation()


def test_catalogue_page_shows_every_item() -> None:
    page = (DOCS / "catalogue.md").read_text(encoding="utf-8")
    for item in Catalogue.load().items():
        assert f"| `{item.id}` | {item.name.zh} | {item.name.en} |" in page
