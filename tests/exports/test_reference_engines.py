"""The PMML document under the schema of PMML 4.4 and in two engines that others wrote.

Needs Java and ``pip install lxml jpmml_evaluator jpype1 pypmml`` (the engines are no dependency of this project); the
schema comes with JPMML. Where they are not installed, ``test_pmml.py`` still checks structure and scores.
"""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.scorecards import Fitted, hard_rows
from test_pmml import rows_of

from vfl.core.reasons import Baseline, reasons
from vfl.report.exports import card_to_pmml

_NEEDED = ("lxml", "jpmml_evaluator", "jpype", "pypmml")
_ABSENT = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(_ABSENT), reason=f"optional packages not installed here: {', '.join(_ABSENT)}")


def test_valid_under_the_schema(fitted: Fitted) -> None:
    import jpmml_evaluator
    from lxml import etree

    jars = Path(jpmml_evaluator.__file__).parent / "dependencies"
    jar = next(p for p in sorted(jars.glob("pmml-model-*.jar")) if "pmml.xsd" in zipfile.ZipFile(p).namelist())
    schema = etree.XMLSchema(etree.fromstring(zipfile.ZipFile(jar).read("pmml.xsd")))
    for card in (fitted.card, fitted.card.part("platform")):
        document = etree.fromstring(card_to_pmml(card).encode())
        schema.assertValid(document)
    broken = etree.fromstring(card_to_pmml(fitted.card).replace("initialScore", "initial").encode())
    assert not schema.validate(broken)


@pytest.mark.parametrize("baseline", list(Baseline))
def test_jpmml_gives_the_same_scores_and_reasons(fitted: Fitted, tmp_path: Path, baseline: Baseline) -> None:
    from jpmml_evaluator import make_evaluator

    path = tmp_path / "card.pmml"
    path.write_text(card_to_pmml(fitted.card, baseline=baseline), encoding="utf-8")
    evaluator = make_evaluator(str(path), backend="jpype").verify()
    table = hard_rows(fitted.card, 100, 13)
    told = [evaluator.evaluate(row) for row in rows_of(table)]
    score = fitted.card.score(table)
    assert [t["score"] for t in told] == score.tolist()
    assert [t["probability"] for t in told] == pytest.approx(fitted.card.probability(score), abs=1e-12)
    expected_reasons = reasons(fitted.card.points(table), fitted.card.known, baseline=baseline)
    for row, expected in zip(told, expected_reasons, strict=True):
        assert {row[f"reason_{rank}"] for rank in range(1, len(expected) + 1)} == {r.code for r in expected}


def test_pmml4s_gives_the_same_scores(fitted: Fitted) -> None:
    from pypmml import Model

    model: Any = Model.fromString(card_to_pmml(fitted.card))
    table = hard_rows(fitted.card, 100, 14)
    told = [model.predict(row) for row in rows_of(table)]
    assert [t["score"] for t in told] == fitted.card.score(table).tolist()
