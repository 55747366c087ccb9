"""The scorecard as PMML 4.4 ``<Scorecard>`` (https://dmg.org/pmml/v4-4-1/Scorecard.html).

Each feature is a Characteristic, each bin one or more Attributes in the order of the rule: missing, special values,
intervals or levels, and a last ``<True/>``. Outputs: the score, the probability of the event, and ranked reason codes
by the standard's "points below" from each feature's baseline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

import vfl
from vfl.config.faults import data_fault
from vfl.core.card_feature import CardFeature, CategoryRule, NumericRule
from vfl.core.reasons import Baseline
from vfl.core.scorecard import Scorecard

__all__ = ["FAULTS", "card_to_pmml"]

PMML_TEXT = data_fault(
    "PMML_TEXT",
    "A name, level or reason code holds a character that XML cannot carry.",
    "名称、类别取值或原因码含有 XML 不允许的字符。",
    "Remove control characters from the column names and levels.",
    "请去除列名与类别取值中的控制字符。",
)

FAULTS = (PMML_TEXT,)

_NAMESPACE = "http://www.dmg.org/PMML-4_4"
_ALLOWED = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def card_to_pmml(
    card: Scorecard, *, name: str = "scorecard", baseline: Baseline = Baseline.NEUTRAL, reasons: int = 4
) -> str:
    """The document's text. Fields are named as :attr:`Scorecard.columns`; of a part, the score is its points.

    Parameters
    ----------
    name : str
        Of the model.
    baseline : Baseline
        What a feature's points are held against.
    reasons : int
        Reason codes put out: ``reason_1`` ..., missing where fewer features fell below.

    Raises
    ------
    DataError
        ``PMML_TEXT``.
    """
    root = ET.Element("PMML", {"xmlns": _NAMESPACE, "version": "4.4"})
    header = _sub(root, "Header", description="Higher is safer; odds are non-event : event")
    _sub(header, "Application", name="joint-credit-lab", version=vfl.__version__)
    fields = list(zip(card.columns, card.known, strict=True))
    dictionary = _sub(root, "DataDictionary", numberOfFields=str(len(fields)))
    for column, feature in fields:
        numeric = isinstance(feature.rule, NumericRule)
        kinds = {"optype": "continuous", "dataType": "double"} if numeric else {
            "optype": "categorical", "dataType": "string"
        }  # fmt: skip
        _sub(dictionary, "DataField", name=column, **kinds)
    model = _sub(
        root,
        "Scorecard",
        modelName=name,
        functionName="regression",
        initialScore=str(card.start),
        useReasonCodes="true",
        reasonCodeAlgorithm="pointsBelow",
        baselineMethod="max" if baseline is Baseline.BEST else "neutral",
    )
    schema = _sub(model, "MiningSchema")
    for column, _ in fields:
        _sub(schema, "MiningField", name=column, usageType="active", invalidValueTreatment="asIs")
    _outputs(_sub(model, "Output"), card, min(reasons, len(fields)))
    characteristics = _sub(model, "Characteristics")
    for column, feature in fields:
        _characteristic(characteristics, column, feature, baseline)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _outputs(output: ET.Element, card: Scorecard, reasons: int) -> None:
    result = "score" if card.complete else "points"
    _sub(output, "OutputField", name=result, optype="continuous", dataType="double", feature="predictedValue")
    if card.complete:
        field = _sub(
            output, "OutputField", name="probability", optype="continuous", dataType="double",
            feature="transformedValue",
        )  # fmt: skip
        # 1 / (1 + base_odds · e^((score - base_points) / factor))
        scaling = card.scaling
        total = _apply(_apply(field, "/", 1.0), "+", 1.0)
        power = _apply(_apply(_apply(total, "*", scaling.base_odds), "exp"), "/")
        _sub(_apply(power, "-"), "FieldRef", field=result)
        _constant(power[0], scaling.base_points)
        _constant(power, scaling.factor)
    for rank in range(1, reasons + 1):
        _sub(
            output, "OutputField", name=f"reason_{rank}", optype="categorical", dataType="string",
            feature="reasonCode", rank=str(rank),
        )  # fmt: skip


def _characteristic(parent: ET.Element, column: str, feature: CardFeature, baseline: Baseline) -> None:
    element = _sub(
        parent, "Characteristic", name=f"{feature.owner}.{feature.index}", reasonCode=feature.reason.code,
        baselineScore=str(baseline.of(feature)),
    )  # fmt: skip
    points, rule = feature.points, feature.rule

    def attribute(bin_: int) -> ET.Element:
        return _sub(element, "Attribute", partialScore=str(points[bin_]))

    _sub(attribute(rule.missing), "SimplePredicate", field=column, operator="isMissing")
    match rule:
        case NumericRule():
            for bin_ in dict.fromkeys(b for _, b in rule.specials):
                _equal(attribute(bin_), column, [repr(v) for v, b in rule.specials if b == bin_])
            for edge, bin_ in zip(rule.edges, rule.intervals[:-1], strict=True):
                _sub(attribute(bin_), "SimplePredicate", field=column, operator="lessThan", value=repr(edge))
            _sub(attribute(rule.intervals[-1]), "True")
        case CategoryRule():
            for bin_ in dict.fromkeys(b for _, b in rule.levels):
                _equal(attribute(bin_), column, [level for level, b in rule.levels if b == bin_])
            _sub(attribute(rule.other), "True")


def _equal(parent: ET.Element, column: str, values: list[str]) -> None:
    """One of ``values``: predicates and not an Array, whose quoting of blanks and quotes differs between engines."""
    if len(values) > 1:
        parent = _sub(parent, "CompoundPredicate", booleanOperator="or")
    for value in values:
        _sub(parent, "SimplePredicate", field=column, operator="equal", value=value)


def _apply(parent: ET.Element, function: str, first: float | None = None) -> ET.Element:
    element = _sub(parent, "Apply", function=function)
    if first is not None:
        _constant(element, first)
    return element


def _constant(parent: ET.Element, value: float) -> None:
    _sub(parent, "Constant", dataType="double").text = repr(value)


def _sub(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    _check((tag, *attributes.values()))
    return ET.SubElement(parent, tag, attributes)


def _check(texts: Iterable[str]) -> None:
    if not all(_ALLOWED.fullmatch(text) for text in texts):
        raise PMML_TEXT.at()
