"""The scorecard as an ONNX graph: one input per column, shape (rows, 1), double or string; whole points out.

Outputs: ``points`` int64 (rows, features), ``score`` int64 (rows, 1), and of a whole card ``probability`` double
(rows, 1). NaN is a missing number; the empty string is a missing category, so no level may be empty. Doubles are
compared as doubles: a single-precision graph would move values across cuts. Opset 17 and ai.onnx.ml 2.

Building needs the extra ``onnx``; running needs any ONNX runtime.
"""

from __future__ import annotations

import importlib
from typing import Any

from vfl.config.faults import config_fault, data_fault
from vfl.core.card_feature import CardFeature, CategoryRule, NumericRule
from vfl.core.scorecard import Scorecard

__all__ = ["FAULTS", "card_to_onnx"]

ONNX_MISSING = config_fault(
    "ONNX_MISSING",
    "The ONNX export needs the package onnx.",
    "导出 ONNX 需要 onnx 软件包。",
    "Install joint-credit-lab[onnx], or choose another form.",
    "请安装 joint-credit-lab[onnx]，或改用其他导出格式。",
)
ONNX_EMPTY_LEVEL = data_fault(
    "ONNX_EMPTY_LEVEL",
    "The empty text is a level of this category, and ONNX has no other way to say that a category is missing.",
    "该类别特征含有空字符串取值，而 ONNX 只能用空字符串表示缺失。",
    "Read empty fields as missing, or choose another form.",
    "请将空字段按缺失处理，或改用其他导出格式。",
)

FAULTS = (ONNX_MISSING, ONNX_EMPTY_LEVEL)

_OPSET, _ML_OPSET, _IR = 17, 2, 8


def card_to_onnx(card: Scorecard) -> bytes:
    """The serialised model.

    Raises
    ------
    ConfigError
        ``ONNX_MISSING``.
    DataError
        ``ONNX_EMPTY_LEVEL``.
    """
    try:
        onnx: Any = importlib.import_module("onnx")
    except ModuleNotFoundError:
        raise ONNX_MISSING.at() from None
    graph = _Graph(onnx)
    columns = [
        graph.numeric(column, feature, feature.rule)
        if isinstance(feature.rule, NumericRule)
        else graph.category(column, feature, feature.rule)
        for column, feature in zip(card.columns, card.known, strict=True)
    ]
    graph.outputs(card, columns)
    model: Any = onnx.helper.make_model(
        graph.made(),
        ir_version=_IR,
        producer_name="joint-credit-lab",
        opset_imports=[onnx.helper.make_opsetid("", _OPSET), onnx.helper.make_opsetid("ai.onnx.ml", _ML_OPSET)],
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


class _Graph:
    """Nodes and constants in the making, named ``#...``; every method that computes gives the name of its result."""

    def __init__(self, onnx: Any) -> None:
        self._helper, self._types = onnx.helper, onnx.TensorProto
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._results: list[Any] = []

    def numeric(self, column: str, feature: CardFeature, rule: NumericRule) -> str:
        x = self._input(column, self._types.DOUBLE)
        points = feature.points
        of_interval = self._ints([points[b] for b in rule.intervals])
        if rule.edges:
            above = self._node("GreaterOrEqual", x, self._doubles(list(rule.edges)))
            counted = self._node("Cast", above, to=self._types.INT64)
            interval = self._node("ReduceSum", counted, self._ints([1]), keepdims=1)
        else:
            interval = self._node("Cast", self._node("IsNaN", x), to=self._types.INT64)
            interval = self._node("Mul", interval, self._ints([0]))
        out = self._node("Gather", of_interval, interval, axis=0)
        for bin_ in dict.fromkeys(b for _, b in rule.specials):
            values = self._doubles([value for value, b in rule.specials if b == bin_])
            hits = self._node("Cast", self._node("Equal", x, values), to=self._types.INT64)
            hit = self._node("Cast", self._node("ReduceSum", hits, self._ints([1]), keepdims=1), to=self._types.BOOL)
            out = self._node("Where", hit, self._ints([points[bin_]]), out)
        return self._node("Where", self._node("IsNaN", x), self._ints([points[rule.missing]]), out)

    def category(self, column: str, feature: CardFeature, rule: CategoryRule) -> str:
        if any(not level for level, _ in rule.levels):
            raise ONNX_EMPTY_LEVEL.at()
        points = feature.points
        return self._node(
            "LabelEncoder",
            self._input(column, self._types.STRING),
            domain="ai.onnx.ml",
            keys_strings=[*(level for level, _ in rule.levels), ""],
            values_int64s=[*(points[b] for _, b in rule.levels), points[rule.missing]],
            default_int64=points[rule.other],
        )

    def outputs(self, card: Scorecard, columns: list[str]) -> None:
        points = self._node("Concat", *columns, to_name="points", axis=1)
        total = self._node("ReduceSum", points, self._ints([1]), keepdims=1)
        score = self._node("Add", total, self._ints([card.start]), to_name="score" if card.complete else "sum")
        self._results = [
            self._helper.make_tensor_value_info(points, self._types.INT64, ["rows", len(columns)]),
            self._helper.make_tensor_value_info(score, self._types.INT64, ["rows", 1]),
        ]
        if card.complete:
            # sigmoid((base_points - score) / factor - ln(base_odds))
            scaling = card.scaling
            slope = self._doubles([-1.0 / scaling.factor])
            margin = self._node("Mul", self._node("Cast", score, to=self._types.DOUBLE), slope)
            margin = self._node("Add", margin, self._doubles([float(scaling.margin(0.0))]))
            probability = self._node("Sigmoid", margin, to_name="probability")
            self._results.append(
                self._helper.make_tensor_value_info(probability, self._types.DOUBLE, ["rows", 1])
            )

    def made(self) -> Any:
        return self._helper.make_graph(self._nodes, "scorecard", self._inputs, self._results, self._constants)

    def _input(self, name: str, kind: int) -> str:
        self._inputs.append(self._helper.make_tensor_value_info(name, kind, ["rows", 1]))
        return name

    def _node(self, operator: str, *inputs: str, to_name: str = "", **attributes: Any) -> str:
        name = to_name or f"#{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def _ints(self, values: list[int]) -> str:
        return self._constant(self._types.INT64, values)

    def _doubles(self, values: list[float]) -> str:
        return self._constant(self._types.DOUBLE, values)

    def _constant(self, kind: int, values: list[Any]) -> str:
        name = f"#c{len(self._constants)}"
        self._constants.append(self._helper.make_tensor(name, kind, [len(values)], values))
        return name
