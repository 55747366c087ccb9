"""Reads a rendered page with the standard library's parser, strictly enough to catch broken markup."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"meta", "input", "br", "link", "img", "hr", "wbr"})


class Page(HTMLParser):
    """Tags in order, text by language, ids and what refers to them; ``errors`` names what does not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {"zh": [], "en": [], "": []}
        self.errors: list[str] = []
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        self.errors += [f"<{tag}> is never closed" for tag, _ in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag in VOID:
            return
        classes = attributes.get("class", "").split()
        outer = self._open[-1][1] if self._open else ""
        language = next((name for name in ("zh", "en") if name in classes), outer)
        self._open.append((tag, language))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.errors.append(f"</{tag}> closes nothing at {self.getpos()}")
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ("", "")
        if inside[0] != "style" and data.strip():
            self.texts[inside[1]].append(data.strip())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def row_widths(self) -> list[list[int]]:
        """Cells of each row, by table."""
        tables: list[list[int]] = []
        for tag, _ in self.tags:
            if tag == "table":
                tables.append([])
            elif tag == "tr":
                tables[-1].append(0)
            elif tag in ("th", "td"):
                tables[-1][-1] += 1
        return tables

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]
