"""Our own words: each in both languages, each used, none missing."""

from __future__ import annotations

import re
from pathlib import Path

import vfl.report
from vfl.report.model import FORMAT
from vfl.report.performance_model import ModelKind
from vfl.report.sankey import KIND_COLOURS
from vfl.report.texts import LABELS, MODEL_NAMES, split_name
from vfl.roles import RoleName
from vfl.wire.privacy import Kind

PACKAGE = Path(vfl.report.__file__).parent
# Names of measures that are written the same in both languages.
SAME = {"auc", "ks", "gini", "fpr", "tpr", "wald_z", "vif", "iv", "woe_column"}
CJK = re.compile(r"[\u4e00-\u9fff]")
LOOKED_UP = re.compile(r"""(?:\bt|note|t_or|figure)\(\s*"([a-z_]+)"\s*[,)]|LABELS\["([a-z_]+)"\]""")
# Families: the rest of the key comes from the data, with a fallback or from a closed list.
FAMILIES = (
    "section_",
    "role_",
    "algorithm_",
    "backend_",
    "measure_",
    "trend_",
    "bin_",
    "kind_",
    "phase_",
    "operation_",
    "fingerprint_",
)


def _sources() -> str:
    files = [*PACKAGE.rglob("*.html"), *(p for p in PACKAGE.glob("*.py") if p.name != "texts.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_every_label_is_written_in_both_languages() -> None:
    for key, text in LABELS.items():
        assert text.en.strip(), key
        assert text.zh.strip(), key
        assert not CJK.search(text.en), key
        assert (key in SAME) == (text.en == text.zh), key
        assert key in SAME or CJK.search(text.zh), key


def test_every_label_looked_up_exists() -> None:
    source = _sources()
    wanted = {a or b for a, b in LOOKED_UP.findall(source)}
    for headers in re.findall(r"call table\(\[([^\]]*)\]", source):
        wanted |= set(re.findall(r'"([a-z_]+)"', headers))
    assert len(wanted) > 100
    assert wanted <= LABELS.keys()


def test_every_label_is_used() -> None:
    source = _sources()
    for key in LABELS:
        stem = key.removesuffix("_caption").removesuffix("_x").removesuffix("_y")
        used = f'"{key}"' in source or f'"{stem}"' in source or key.startswith(FAMILIES)
        assert used, f"{key} is never shown"


def test_closed_lists_have_all_their_words() -> None:
    assert set(MODEL_NAMES) == set(ModelKind)
    for role in RoleName:
        assert f"role_{role}" in LABELS
    for template in (PACKAGE / "templates" / "sections").glob("*.html"):
        assert f"section_{template.stem}" in LABELS
        assert f"section_{template.stem}_lead" in LABELS


def test_every_kind_of_message_has_a_colour_and_words() -> None:
    assert set(KIND_COLOURS) == {kind.name.lower() for kind in Kind}
    for kind in KIND_COLOURS:
        assert f"kind_{kind}" in LABELS
        assert f"kind_{kind}_means" in LABELS


def test_a_split_of_the_jobs_own_keeps_its_name() -> None:
    assert split_name("test").zh == "测试集"
    assert split_name("2025Q3").en == split_name("2025Q3").zh == "2025Q3"


def test_the_format_is_named() -> None:
    assert re.fullmatch(r"vfl-report/\d+", FORMAT)
