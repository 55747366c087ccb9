"""PMML: an evaluator written from the standard's text gives the card's score; the structure is the standard's.

``tests/exports/reference_engines.py`` holds the same document against two engines and the official schema.
"""

from __future__ import annotations

import math
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from support.scorecards import Fitted, Table, hard_rows

from vfl.core.reasons import Baseline, reasons
from vfl.report.exports import card_to_pmml

NS = "{http://www.dmg.org/PMML-4_4}"
CHILDREN = {
    # The schema's order, of the elements that we use.
    "PMML": ["Header", "DataDictionary", "Scorecard"],
    "Scorecard": ["MiningSchema", "Output", "Characteristics"],
}
REQUIRED = {
    "PMML": {"version"},
    "DataDictionary": set(),
    "DataField": {"name", "optype", "dataType"},
    "Scorecard": {"functionName"},
    "MiningField": {"name"},
    "OutputField": {"name", "dataType"},
    "Characteristic": {"name"},
    "Attribute": {"partialScore"},
    "SimplePredicate": {"field", "operator"},
    "CompoundPredicate": {"booleanOperator"},
    "Apply": {"function"},
    "FieldRef": {"field"},
}


def holds(predicate: ET.Element, row: dict[str, Any]) -> bool | None:
    """Three-valued, as the standard has it: None is UNKNOWN."""
    match predicate.tag.removeprefix(NS):
        case "True":
            return True
        case "CompoundPredicate":
            told = [holds(p, row) for p in predicate]
            assert predicate.get("booleanOperator") == "or"
            return True if True in told else None if None in told else False
    value, operator = row[predicate.attrib["field"]], predicate.get("operator")
    if operator == "isMissing":
        return value is None
    if value is None:
        return None
    bound = predicate.attrib["value"]
    if operator == "equal":
        return value == float(bound) if isinstance(value, float) else value == bound
    assert operator == "lessThan"
    return bool(value < float(bound))


def evaluated(root: ET.Element, row: dict[str, Any]) -> tuple[float, list[str]]:
    """Score and ranked reason codes."""
    card = root.find(f"{NS}Scorecard")
    assert card is not None
    total, below = float(card.attrib["initialScore"]), []
    for place, characteristic in enumerate(card.iter(f"{NS}Characteristic")):
        # The first attribute whose predicate is TRUE.
        points = next(float(a.attrib["partialScore"]) for a in characteristic if holds(a[0], row))
        total += points
        gap = float(characteristic.attrib["baselineScore"]) - points
        below += [(-gap, place, characteristic.attrib["reasonCode"])] if gap > 0 else []
    return total, [code for _, _, code in sorted(below)]


def applied(element: ET.Element, fields: dict[str, float]) -> float:
    match element.tag.removeprefix(NS):
        case "Constant":
            return float(element.text or "")
        case "FieldRef":
            return fields[element.attrib["field"]]
    given = [applied(e, fields) for e in element]
    match element.attrib["function"]:
        case "exp":
            return math.exp(given[0])
        case "+":
            return given[0] + given[1]
        case "-":
            return given[0] - given[1]
        case "*":
            return given[0] * given[1]
        case _:
            return given[0] / given[1]


def rows_of(table: Table) -> list[dict[str, Any]]:
    columns = [c.tolist() if hasattr(c, "tolist") else c for c in table.values()]
    return [
        {n: None if isinstance(v, float) and math.isnan(v) else v for n, v in zip(table, row, strict=True)}
        for row in zip(*columns, strict=True)
    ]


@pytest.mark.parametrize("baseline", list(Baseline))
def test_pmml_scores_and_reasons(fitted: Fitted, baseline: Baseline) -> None:
    root = ET.fromstring(card_to_pmml(fitted.card, baseline=baseline))
    table = hard_rows(fitted.card, 300, 9)
    told = [evaluated(root, row) for row in rows_of(table)]
    assert [score for score, _ in told] == fitted.card.score(table).tolist()
    expected = reasons(fitted.card.points(table), fitted.card.known, baseline=baseline, top=4)
    assert [codes for _, codes in told] == [[r.code for r in row] for row in expected]


def test_pmml_probability(fitted: Fitted) -> None:
    root = ET.fromstring(card_to_pmml(fitted.card))
    formula = next(f for f in root.iter(f"{NS}OutputField") if f.get("name") == "probability")[0]
    for score in (300.0, 600.0, 712.0):
        told = applied(formula, {"score": score})
        assert told == pytest.approx(float(fitted.card.probability(score)), abs=1e-12)


def test_pmml_has_the_structure_of_the_standard(fitted: Fitted) -> None:
    root = ET.fromstring(card_to_pmml(fitted.card))
    for element in root.iter():
        assert element.tag.startswith(NS)
        tag = element.tag.removeprefix(NS)
        assert REQUIRED.get(tag, set()) <= element.attrib.keys()
        if tag in CHILDREN:
            assert [child.tag.removeprefix(NS) for child in element] == CHILDREN[tag]
    declared = {f.attrib["name"] for f in root.iter(f"{NS}DataField")}
    assert declared == set(fitted.card.columns) == {f.attrib["name"] for f in root.iter(f"{NS}MiningField")}
    assert {p.attrib["field"] for p in root.iter(f"{NS}SimplePredicate")} <= declared
    for characteristic in root.iter(f"{NS}Characteristic"):
        assert characteristic[-1][0].tag == f"{NS}True"


def test_pmml_of_a_part_holds_nothing_of_others(fitted: Fitted) -> None:
    text = card_to_pmml(fitted.card.part("platform"))
    assert "debt" not in text
    assert "probability" not in text
    assert 'initialScore="0"' in text
