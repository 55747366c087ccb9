"""Unified social credit codes against published examples and against the standards' own formulas."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vfl.core.uscc import UsccFault, check_uscc, check_usccs, make_uscc, normalise_uscc
from vfl.errors import DataError

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

# 91350100M000100Y43 is the worked example of GB 32100-2015; the others are codes that firms publish.
PUBLISHED = ["91350100M000100Y43", "91440300708461136T", "91110108551385082Q"]

bodies = st.builds(
    lambda kind, division, organisation: kind + division + organisation,
    st.text(ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(ALPHABET, min_size=8, max_size=8),
)


def whole_check(seventeen: str) -> str:
    """GB 32100-2015, annex A, term by term."""
    total = sum(ALPHABET.index(c) * 3**i for i, c in enumerate(seventeen))
    return ALPHABET[(31 - total % 31) % 31]


def organisation_check(eight: str) -> str:
    """GB 11714, term by term; letters count from A = 10."""
    total = sum(int(c, 36) * w for c, w in zip(eight, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    value = 11 - total % 11
    return {10: "X", 11: "0"}.get(value, str(value))


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_codes_pass_and_are_remade(code: str) -> None:
    assert check_uscc(code) == code
    assert make_uscc(code[:16]) == code


@given(bodies)
def test_made_codes_follow_both_standards(body: str) -> None:
    code = make_uscc(body)
    assert code[:16] == body
    assert code[16] == organisation_check(body[8:])
    assert code[17] == whole_check(code[:17])
    assert check_uscc(code) == code


@given(bodies, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_any_single_wrong_character_is_caught(body: str, position: int, character: str) -> None:
    code = make_uscc(body)
    spoiled = code[:position] + character + code[position + 1 :]
    fault = check_usccs([spoiled]).faults[0]
    assert (fault == UsccFault.NONE) == (spoiled == code)


@given(st.lists(st.one_of(st.text(max_size=24), bodies.map(make_uscc), bodies.map(str.lower)), max_size=12))
def test_many_at_once_agree_with_one_by_one(raw: list[str]) -> None:
    together = check_usccs(raw)
    alone = [check_usccs([code]) for code in raw]
    assert together.codes == [one.codes[0] for one in alone]
    assert together.faults.tolist() == [int(one.faults[0]) for one in alone]
    good = np.flatnonzero(together.faults == 0).tolist()
    assert all(normalise_uscc(together.codes[i]) == together.codes[i] for i in good)


@pytest.mark.parametrize(
    "spelling",
    [
        "91350100m000100y43",
        " 91350100M000100Y43\t",
        "91350100 M000100Y4 3",
        "\u3000９１３５０１００Ｍ０００１００ｙ４３",
        "91350100M000100Y43\r\n",
    ],
)
def test_spellings_of_one_code_become_one(spelling: str) -> None:
    assert check_uscc(spelling) == "91350100M000100Y43"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "USCC_BLANK"),
        ("\u3000 ", "USCC_BLANK"),
        ("9.1E+17", "USCC_SCIENTIFIC"),
        ("9.1101E17", "USCC_SCIENTIFIC"),
        ("911101087109434000.0", "USCC_SCIENTIFIC"),
        ("350100100012345", "USCC_OLD_NUMBER"),
        ("91350100M000100Y4", "USCC_LENGTH"),
        ("91350100M000100Y433", "USCC_LENGTH"),
        ("9135O100M000100Y43", "USCC_LETTER"),
        ("91350100M000100YS3", "USCC_LETTER"),
        ("91350100M00010_Y43", "USCC_CHARACTER"),
        ("91350100M00010企Y43", "USCC_CHARACTER"),
        ("91350100M000100Y43\u200b", "USCC_LENGTH"),
        ("9135A100M000100Y43", "USCC_DIVISION"),
        ("91350100M000100Y53", "USCC_ORGANISATION_CHECK"),
        ("91350100M000100Y44", "USCC_CHECK"),
    ],
)
def test_each_fault_has_its_code(raw: str, code: str) -> None:
    with pytest.raises(DataError) as caught:
        check_uscc(raw)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("body", "code"),
    [("913501", "USCC_LENGTH"), ("9135A100M000100Y", "USCC_DIVISION"), ("91350100MO00100Y", "USCC_LETTER")],
)
def test_no_code_is_made_of_a_bad_body(body: str, code: str) -> None:
    with pytest.raises(DataError) as caught:
        make_uscc(body)
    assert caught.value.code == code


def test_a_code_that_looks_like_scientific_notation_is_still_a_code() -> None:
    rng = np.random.default_rng(0)
    digits = rng.integers(0, 10, size=(4000, 15))
    made = [make_uscc("91350100" + "".join(map(str, row[:7])) + "E") for row in digits]
    assert not check_usccs(made).faults.any()
    assert any(code[15] == "E" and code[16:].isdigit() and code[:15].isdigit() for code in made)


def test_a_million_codes_take_seconds() -> None:
    codes = [make_uscc(f"91350100{n:08d}") for n in range(1000)] * 1000
    start = time.process_time()
    checked = check_usccs(codes)
    assert time.process_time() - start < 10  # processor time; 0.5 s alone
    assert not checked.faults.any()
