"""The catalogue against the words of the annex (``annex.tsv``, as published, damage and all), and its extension."""

from __future__ import annotations

from pathlib import Path

import pytest

from vfl.data.catalogue import Catalogue, Item, Level, Mode
from vfl.errors import ConfigError, Place

ANNEX = Path(__file__).with_name("annex.tsv")

SHARING = {
    "国家层面接口调用（经信息主体授权）": (Level.NATIONAL, Mode.INTERFACE, True),
    "国家层面以物理归集方式共享至全国融资信用服务平台": (Level.NATIONAL, Mode.PHYSICAL, False),
    "地方层面物理归集": (Level.LOCAL, Mode.PHYSICAL, False),
    "数据核验（经信息主体授权）": (Level.UNSTATED, Mode.VERIFICATION, True),
}
DEPARTMENTS = {
    "地方政府": (("local",), ()),
    "地方人民政府": (("local",), ()),
    "国家发展改革委指导，地方政府负责": (("local",), ("ndrc",)),
    "国家卫生健康委指导，地方人民政府负责": (("local",), ("nhc",)),
    "教育部、市场监管总局": (("moe", "samr"), ()),
}
DAMAGED = {
    ("企业创新评价信息",): "the name of the row above it",
    ("婚姻状况信息", "企业法定代表人婚姻状况信息"): "stands again, whole, in the next row",
}
NAMES_LOST = {"environment.carbon", "ip.pledge", "innovation.evaluation"}
SHARING_LOST = {"social.medical.basic", "social.medical.arrears"}
DEPARTMENT_LOST = {"social.medical.changes"}


def annex_rows() -> list[list[str]]:
    """Cells of each row without its number; page headers and the two damaged repeats left out."""
    rows = []
    for line in ANNEX.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("\t") if cell.strip()]
        if cells[0] == "序号":
            continue
        words = [cell for cell in cells if not cell.isdecimal()]
        if tuple(words) not in DAMAGED:
            rows.append(words)
    return rows


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.fixture(scope="module")
def paired(catalogue: Catalogue) -> list[tuple[Item, list[str]]]:
    """Items and rows of the annex, which have the same order."""
    return list(zip(catalogue.items(), annex_rows(), strict=True))


def test_seventeen_kinds_in_order(catalogue: Catalogue) -> None:
    assert [kind.number for kind in catalogue.kinds] == list(range(1, 18))
    assert all(items for _, items in catalogue.by_kind())


def test_fields_are_the_annexs_words(paired: list[tuple[Item, list[str]]]) -> None:
    for item, cells in paired:
        assert "、".join(field.zh for field in item.content) in cells, item.id


def test_names_are_the_annexs_words_unless_lost(paired: list[tuple[Item, list[str]]]) -> None:
    assert {item.id for item, cells in paired if item.name.zh not in cells} == NAMES_LOST


def test_sharing_and_consent_follow_the_annex(paired: list[tuple[Item, list[str]]]) -> None:
    lost = set()
    for item, cells in paired:
        stated = [SHARING[cell] for cell in cells if cell in SHARING]
        if stated:
            assert (item.level, item.mode, item.consent) == stated[0], item.id
        else:
            lost.add(item.id)
    assert lost == SHARING_LOST


def test_departments_follow_the_annex(paired: list[tuple[Item, list[str]]]) -> None:
    lost = set()
    for item, cells in paired:
        words = cells[-1]
        if words in SHARING:
            lost.add(item.id)
        elif words in DEPARTMENTS:
            ids = tuple(department.id for department in item.departments)
            assert (ids, tuple(department.id for department in item.guided_by)) == DEPARTMENTS[words]
        else:
            assert tuple(department.name.zh for department in item.departments) == (words,)
    assert lost == DEPARTMENT_LOST


def test_every_guess_is_noted(catalogue: Catalogue) -> None:
    for id in NAMES_LOST | SHARING_LOST | DEPARTMENT_LOST | {"social.pension"}:
        assert catalogue.item(id).note is not None, id
    noted = {kind.number for kind in catalogue.kinds if kind.note is not None}
    assert noted == {2, 3, 11, 14, 15, 16, 17}


def test_both_languages_everywhere(catalogue: Catalogue) -> None:
    for item in catalogue.items():
        for text in (item.name, *item.content, item.level.label, item.mode.label):
            assert text.zh
            assert text.en.isascii() or "“" in text.en
        assert all(department.name.en and department.name.zh for department in item.departments)


def test_lookup(catalogue: Catalogue) -> None:
    assert catalogue.needs_consent("tax.arrears")
    assert not catalogue.needs_consent("utilities.water")
    assert catalogue.mode("property.title") is Mode.VERIFICATION
    assert catalogue.kind_of("social.medical.arrears").number == 7


def test_unknown_item_names_the_nearest(catalogue: Catalogue) -> None:
    place = Place(file="views.toml", column="views.main.features.x.item")
    with pytest.raises(ConfigError) as caught:
        catalogue.item("tax.arears", place=place)
    assert caught.value.code == "CATALOGUE_ITEM_UNKNOWN"
    assert caught.value.place == place
    assert "tax.arrears" in caught.value.cure.en
    assert "tax.arrears" in caught.value.cure.zh
    with pytest.raises(ConfigError, match="CATALOGUE_ITEM_UNKNOWN"):
        catalogue.needs_consent("zzzzzzzz")


HEAD = """[extension]
extends = "guobanfa-2024-15"
region = "330000"
version = "2025.1"
zh = "浙江省"
en = "Zhejiang"
"""
HEATING = """
[items."utilities.heating"]
zh = "供热信息"
en = "Heating bills"
content = ["企业名称", "供热欠费金额"]
level = "local"
mode = "physical"
departments = ["local"]
consent = false
[terms]
"供热欠费金额" = "Heating in arrears"
"""


def written(folder: Path, text: str, name: str = "zhejiang.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_extension_adds(tmp_path: Path, catalogue: Catalogue) -> None:
    kind = '[kinds.credit_evaluation]\nnumber = 101\nzh = "公共信用综合评价"\nen = "Public credit evaluation"\n'
    merged = Catalogue.load(extensions=[written(tmp_path, HEAD + HEATING + kind)])
    heating = merged.item("utilities.heating")
    assert (heating.region, heating.content[1].en, heating.consent) == ("330000", "Heating in arrears", False)
    assert merged.kinds[-1].id == "credit_evaluation"
    assert merged.version == "2024.1+330000@2025.1"
    assert set(catalogue.items()) < set(merged.items())


def test_consent_is_needed_unless_the_extension_says_otherwise(tmp_path: Path) -> None:
    text = HEAD + HEATING.replace("consent = false\n", "")
    assert Catalogue.load(extensions=[written(tmp_path, text)]).needs_consent("utilities.heating")


@pytest.mark.parametrize(
    ("addition", "code", "column"),
    [
        (HEATING.replace("utilities.heating", "utilities.water"), "CATALOGUE_CONFLICT", "items.utilities.water"),
        ('[terms]\n"企业名称" = "x"\n', "CATALOGUE_CONFLICT", "terms.企业名称"),
        ('[departments]\nsta = { zh = "x", en = "x" }\n', "CATALOGUE_CONFLICT", "departments.sta"),
        ('[kinds.tax]\nnumber = 99\nzh = "x"\nen = "x"\n', "CATALOGUE_CONFLICT", "kinds.tax"),
        ('[kinds.levies]\nnumber = 3\nzh = "x"\nen = "x"\n', "CATALOGUE_CONFLICT", "kinds.levies.number"),
        (HEATING.replace("utilities.heating", "heat.bills"), "CATALOGUE_ID", "items.heat.bills"),
        (HEATING.replace("utilities.heating", "utilities.Heat"), "CATALOGUE_ID", "items.utilities.Heat"),
        (HEATING.partition("[terms]")[0], "CATALOGUE_REFERENCE", "items.utilities.heating"),
        (HEATING.replace('["local"]', '["nobody"]'), "CATALOGUE_REFERENCE", "items.utilities.heating"),
        (HEATING.replace('"physical"', '"fysical"'), "CONFIG_CHOICE", "items.utilities.heating.mode"),
        (HEATING.replace("consent", "konsent"), "CONFIG_UNKNOWN_KEY", "items.utilities.heating.konsent"),
    ],
)
def test_extension_refused(tmp_path: Path, addition: str, code: str, column: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Catalogue.load(extensions=[written(tmp_path, HEAD + addition)])
    assert caught.value.code == code
    assert caught.value.place is not None
    assert caught.value.place.column == column
    assert caught.value.cure.zh
    assert "{" not in caught.value.in_("zh") + caught.value.in_("en")


def test_two_regions_may_not_define_the_same(tmp_path: Path) -> None:
    first = written(tmp_path, HEAD + HEATING)
    second = written(tmp_path, HEAD + HEATING, "other.toml")
    with pytest.raises(ConfigError, match="CATALOGUE_CONFLICT") as caught:
        Catalogue.load(extensions=[first, second])
    assert "zhejiang.toml" in caught.value.text.en


def test_extension_of_another_list_refused(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD.replace("guobanfa-2024-15", "guobanfa-2021-52") + HEATING)
    with pytest.raises(ConfigError, match="CATALOGUE_BASE"):
        Catalogue.load(extensions=[path])
