"""ONNX: the graph, worked out by numpy from the operators' definitions, gives the card's points; and so do runtimes.

The first test needs no package: it hands the export a recorder in place of ``onnx``. The second runs the real model
where onnx and onnxruntime are installed.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.scorecards import Fitted, Table, hard_rows

from vfl.core.scorecard import Scorecard
from vfl.errors import DataError
from vfl.report.exports import card_from_json, card_to_json, card_to_onnx

DOUBLE, INT64, STRING, BOOL = range(4)
TYPES = {DOUBLE: np.float64, INT64: np.int64, BOOL: np.bool_}


@dataclass
class Recorded:
    """What the export asked ``onnx`` to make."""

    nodes: list[SimpleNamespace] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)

    def as_onnx(self) -> SimpleNamespace:
        helper = SimpleNamespace(
            make_tensor_value_info=lambda name, kind, shape: name,
            make_tensor=lambda name, kind, shape, values: (name, np.array(values, dtype=TYPES[kind]).reshape(shape)),
            make_node=lambda operator, inputs, outputs, **attributes: SimpleNamespace(
                operator=operator, inputs=inputs, output=outputs[0], **attributes
            ),
            make_graph=self._graph,
            make_opsetid=lambda domain, version: (domain, version),
            make_model=lambda graph, **_: SimpleNamespace(SerializeToString=lambda: b"recorded"),
        )
        types = SimpleNamespace(DOUBLE=DOUBLE, INT64=INT64, STRING=STRING, BOOL=BOOL)
        checker = SimpleNamespace(check_model=lambda model, full_check: None)
        return SimpleNamespace(helper=helper, TensorProto=types, checker=checker)

    def _graph(self, nodes: Any, name: str, inputs: Any, outputs: Any, constants: Any) -> None:
        self.nodes, self.inputs, self.outputs, self.constants = nodes, inputs, outputs, dict(constants)

    def run(self, table: Table) -> dict[str, Any]:
        known = {name: np.asarray(column).reshape(-1, 1) for name, column in fed(table).items()} | self.constants
        for node in self.nodes:
            known[node.output] = worked(node, [known[name] for name in node.inputs])
        return {name: known[name] for name in self.outputs}


def worked(node: Any, given: list[Any]) -> Any:
    """One operator of opset 17 or ai.onnx.ml 2."""
    match node.operator:
        case "GreaterOrEqual":
            return given[0] >= given[1]
        case "Equal":
            return given[0] == given[1]
        case "Cast":
            return given[0].astype(TYPES[node.to])
        case "ReduceSum":
            return given[0].sum(axis=tuple(given[1].tolist()), keepdims=bool(node.keepdims))
        case "Gather":
            return np.take(given[0], given[1], axis=node.axis)
        case "Where":
            return np.where(*given)
        case "IsNaN":
            return np.isnan(given[0])
        case "Mul":
            return given[0] * given[1]
        case "Add":
            return given[0] + given[1]
        case "Concat":
            return np.concatenate(given, axis=node.axis)
        case "Sigmoid":
            return 0.5 * (1 + np.tanh(given[0] / 2))
        case "LabelEncoder":
            codes = dict(zip(node.keys_strings, node.values_int64s, strict=True))
            return np.array([[codes.get(v, node.default_int64)] for v in given[0][:, 0]], dtype=np.int64)
    raise NotImplementedError(node.operator)


def fed(table: Table) -> dict[str, Any]:
    """Columns as the graph takes them: the empty string for a missing category."""
    return {
        name: column if isinstance(column, np.ndarray) else np.array([v or "" for v in column], dtype=object)
        for name, column in table.items()
    }


def recorded(card: Scorecard, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    record = Recorded()
    monkeypatch.setitem(sys.modules, "onnx", record.as_onnx())  # type: ignore[arg-type]
    assert card_to_onnx(card) == b"recorded"
    return record


def agrees(card: Scorecard, table: Table, told: dict[str, Any]) -> None:
    assert np.array_equal(told["points"], card.points(table))
    score = card.score(table)
    assert np.array_equal(told["score"][:, 0], score)
    assert told["probability"][:, 0] == pytest.approx(card.probability(score), abs=1e-12)


def test_graph_by_the_definitions(fitted: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = hard_rows(fitted.card, 500, 11)
    record = recorded(fitted.card, monkeypatch)
    assert record.inputs == list(fitted.card.columns)
    agrees(fitted.card, rows, record.run(rows))


def test_graph_of_a_part_has_no_score(fitted: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    part = fitted.card.part("platform")
    rows = hard_rows(part, 50, 11)
    told = recorded(part, monkeypatch).run(rows)
    assert list(told) == ["points", "sum"]
    assert np.array_equal(told["sum"][:, 0], part.points(rows).sum(axis=1))


def test_an_empty_level_is_refused(fitted: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    text = card_to_json(fitted.card).replace('"农业"', '""')
    with pytest.raises(DataError, match="ONNX_EMPTY_LEVEL"):
        recorded(card_from_json(text), monkeypatch)


_ABSENT = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]


@pytest.mark.skipif(bool(_ABSENT), reason=f"optional packages not installed here: {', '.join(_ABSENT)}")
def test_onnxruntime_gives_the_same_points(fitted: Fitted) -> None:
    import onnxruntime

    rows = hard_rows(fitted.card, 500, 12)
    session = onnxruntime.InferenceSession(card_to_onnx(fitted.card), providers=["CPUExecutionProvider"])
    given = {name: column.reshape(-1, 1) for name, column in fed(rows).items()}
    names = [output.name for output in session.get_outputs()]
    agrees(fitted.card, rows, dict(zip(names, session.run(None, given), strict=True)))
    none = session.run(["score"], {name: column[:0] for name, column in given.items()})[0]
    assert none.shape == (0, 1)
    assert math.prod(session.run(["score"], {n: c[:1] for n, c in given.items()})[0].shape) == 1
