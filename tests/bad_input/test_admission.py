"""Bad input is refused with a stable code, its place, a cure in both languages, and never its value."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from admission_cases import CASES as TABLE_CASES
from admission_cases import Case
from admission_spoilers import CODES_PREFIX, as_csv, load, sound_table
from sample_cases import SAMPLE_CASES

from vfl.data import catalogue, faults
from vfl.data.errors_table import all_faults, render
from vfl.errors import ConfigError, DataError, VflError

CASES = [*TABLE_CASES, *SAMPLE_CASES]
WARNINGS_ONLY = {faults.FEATURE_DATE_NUMBER.code}
TESTED_WITH_THE_CATALOGUE = {fault.code for fault in catalogue.FAULTS}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused_with_code_place_and_cure_but_not_the_value(case: Case, tmp_path: Path) -> None:
    with pytest.raises((DataError, ConfigError)) as caught:
        case.act(tmp_path)
    error = caught.value
    assert error.code == case.code
    _check_place(error, case)
    for language, label in (("en", "Cure: "), ("zh", "处理办法：")):
        message = error.in_(language)
        text, cure = error.text.in_(language), error.cure.in_(language)
        assert text.strip()
        assert cure.strip()
        assert label + cure in message
        assert "{" not in message
        for shown in (message, str(error), repr(error)):
            assert CODES_PREFIX not in shown
            assert case.secret is None or case.secret.strip('"') not in shown


def _check_place(error: VflError, case: Case) -> None:
    place = error.place
    if case.file is None:
        assert place is None or place.file is None
    else:
        assert place is not None
        assert place.file is not None
        assert Path(place.file).name == case.file
    assert place is None or (place.row, place.column) == (case.row, case.column)


def test_there_is_a_case_for_every_code() -> None:
    declared = {fault.code for fault in all_faults()}
    assert {case.code for case in CASES} == declared - WARNINGS_ONLY - TESTED_WITH_THE_CATALOGUE


def test_names_of_cases_are_distinct() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_sound_table_loads(tmp_path: Path) -> None:
    (tmp_path / "bank.csv").write_bytes(as_csv(sound_table()))
    assert len(load(tmp_path)) == 200  # type: ignore[arg-type]


def test_the_document_is_fresh() -> None:
    document = Path(__file__).parents[2] / "docs" / "errors.md"
    assert document.read_text(encoding="utf-8") == render()


def test_both_languages_fill_the_same_placeholders() -> None:
    for fault in all_faults():
        for text in (fault.text, fault.cure):
            for sentence in dataclasses.astuple(text):
                assert sentence.count("{") == sentence.count("}")
            assert bool("{" in text.en) == bool("{" in text.zh), fault.code
