"""A real browser for the report: measures a page at a width, prints it. Wants Chromium and poppler's pdftotext."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files")

# The page itself runs no script: the frame around it measures it.
_FRAME = """<!doctype html><meta charset="utf-8">
<iframe id="page" style="border:0;width:{width}px;height:900px" src="{source}"></iframe>
<script>
addEventListener("load", () => {{
  const page = document.getElementById("page").contentDocument, root = page.documentElement;
  const shown = e => e.getClientRects().length > 0;
  const pictures = [...page.querySelectorAll("svg.chart")].filter(shown).map(svg => {{
    const frame = svg.getBoundingClientRect(), size = frame.width / svg.viewBox.baseVal.width;
    const words = [...svg.querySelectorAll("text")].filter(shown).map(t => {{
      const r = t.getBoundingClientRect();
      return [t.textContent, ...[r.left, r.top, r.right, r.bottom].map((v, i) =>
        (v - (i % 2 ? frame.top : frame.left)) / size)];
    }});
    const box = svg.viewBox.baseVal;
    return {{name: svg.getAttribute("aria-labelledby"), width: box.width, height: box.height, words}};
  }});
  const out = {{scroll: root.scrollWidth, client: root.clientWidth, text: page.body.innerText, pictures}};
  document.body.innerHTML = "<pre id=out></pre>";
  document.getElementById("out").textContent = JSON.stringify(out);
}});
</script>
"""


@dataclass(frozen=True)
class Word:
    """A word of a picture with its box in the picture's units."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: Word, slack: float = 1.5) -> bool:
        """Whether the boxes overlap by more than ``slack`` both ways."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        # Line boxes are higher than the letters in them.
        return across > slack and down > slack + 0.3 * (self.bottom - self.top)


def missing_tools() -> list[str]:
    """What this machine lacks, by package."""
    lacking = [] if any(map(shutil.which, _BROWSERS)) else ["chromium"]
    return lacking + ([] if shutil.which("pdftotext") else ["poppler-utils"])


def _run(folder: Path, *arguments: str) -> str:
    browser = next(path for name in _BROWSERS if (path := shutil.which(name)))
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [browser, *_FLAGS, profile, *arguments], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


def measured(folder: Path, page: Path, width: int) -> dict[str, Any]:
    """``scroll`` and ``client`` width of the page in a frame of ``width``, its visible text, the words of pictures."""
    frame = folder / f"frame-{width}.html"
    frame.write_text(_FRAME.format(width=width, source=page.resolve().as_uri()), encoding="utf-8")
    dom = _run(
        folder, f"--window-size={max(width, 800)},1000", "--virtual-time-budget=20000", "--dump-dom", frame.as_uri()
    )
    found = re.search(r'<pre id="out">(.*)</pre>', dom, re.DOTALL)
    assert found, dom[:500]
    out: dict[str, Any] = json.loads(html.unescape(found[1]))
    return out


def printed(folder: Path, page: Path) -> Path:
    """The page as a PDF, as a person would print it."""
    pdf = folder / f"{page.stem}.pdf"
    _run(folder, f"--print-to-pdf={pdf}", "--no-pdf-header-footer", page.resolve().as_uri())
    return pdf


def pdf_words(pdf: Path) -> tuple[list[tuple[float, float]], list[tuple[int, Word]]]:
    """Sizes of the pages in points; each word with its page."""
    boxes = subprocess.run(["pdftotext", "-bbox", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    sizes: list[tuple[float, float]] = []
    words: list[tuple[int, Word]] = []
    number = r'="([\d.]+)"'
    for line in boxes.splitlines():
        if size := re.search(rf"<page width{number} height{number}", line):
            sizes.append((float(size[1]), float(size[2])))
        elif box := re.search(rf"<word xMin{number} yMin{number} xMax{number} yMax{number}>(.*)</word>", line):
            left, top, right, bottom = (float(box[i]) for i in range(1, 5))
            words.append((len(sizes) - 1, Word(html.unescape(box[5]), left, top, right, bottom)))
    return sizes, words
