"""The JSON form: a round trip that loses nothing, and a reader that takes nothing on trust."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from vfl.errors import DataError
from vfl.report._json import from_plain, to_plain
from vfl.report.model import ReportModel
from vfl.report.performance_model import Band, Interval


def test_round_trip_is_exact(full_report: ReportModel) -> None:
    text = full_report.to_json()
    again = ReportModel.from_json(text)
    assert again.to_json() == text
    assert again.header == full_report.header
    assert again.sample == full_report.sample
    assert again.bands == full_report.bands


def test_json_is_standard(full_report: ReportModel) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    json.loads(full_report.to_json(), parse_constant=refuse)


def test_what_is_not_defined_survives() -> None:
    interval = from_plain(Interval, to_plain(Interval(0.5)))
    assert interval.value == 0.5
    assert math.isnan(interval.low)
    band = from_plain(Band, to_plain(Band(-math.inf, math.inf, 3, 1)))
    assert band == Band(-math.inf, math.inf, 3, 1)


def _edit(report: ReportModel, path: tuple[str | int, ...], value: object) -> str:
    plain: Any = json.loads(report.to_json())
    inner = plain
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(plain)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("header", "title"), 5, "$.header.title"),
        (("header", "parties", 0, "role"), "auditor", "$.header.parties[0].role"),
        (("header", "key_bits"), True, "$.header.key_bits"),
        (("header", "titel"), "x", "did you mean title"),
        (("sample", "splits", 1, "rows"), "many", "$.sample.splits[1].rows"),
        (("sample", "splits"), {}, "$.sample.splits"),
        (("bands", "bands", 0, "lower"), "low", "$.bands.bands[0].lower"),
        (("performance",), 3, "$.performance"),
        (("format",), "vfl-report/99", "format"),
    ],
)
def test_an_edited_document_is_refused_by_its_path(
    full_report: ReportModel, path: tuple[str | int, ...], value: object, named: str
) -> None:
    with pytest.raises(DataError) as caught:
        ReportModel.from_json(_edit(full_report, path, value))
    assert caught.value.code == "REPORT_FORMAT"
    assert named in caught.value.text.en
    assert caught.value.text.zh


def test_a_missing_key_is_named(full_report: ReportModel) -> None:
    plain = json.loads(full_report.to_json())
    del plain["header"]["contract_hash"]
    with pytest.raises(DataError, match="contract_hash: this key is missing"):
        ReportModel.from_json(json.dumps(plain))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"format": 1}'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="REPORT_FORMAT"):
        ReportModel.from_json(text)


def test_numpy_numbers_become_plain_ones() -> None:
    band = to_plain(Band(np.float64(1), 2, np.int64(3), 1))  # type: ignore[arg-type]
    assert band == {"lower": 1.0, "upper": 2.0, "rows": 3, "events": 1}
    assert [type(value) for value in band.values()] == [float, float, int, int]


@pytest.mark.parametrize("value", [[1], Band(1.0, 2.0, 1.5, 0)])  # type: ignore[arg-type]
def test_values_a_report_cannot_hold_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        to_plain(value)
