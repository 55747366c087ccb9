"""Rows leave with a valid consent for this bank, purpose and day, and not otherwise."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from vfl.core.uscc import make_uscc
from vfl.data.consent import ConsentBook
from vfl.data.schema import ConsentSpec

FIRMS = [make_uscc(f"91350100{n:08d}") for n in range(12)]
A, B, C = FIRMS[:3]
DAY = dt.date(2026, 7, 1)
HEADER = "uscc,grantee,purpose,valid_from,valid_until,revoked_on\n"


def book(folder: Path, *records: str) -> ConsentBook:
    path = folder / "consents.csv"
    path.write_text(HEADER + "".join(f"{record}\n" for record in records))
    return ConsentBook.load(ConsentSpec(path))


def permits(folder: Path, *records: str, on: dt.date = DAY) -> bool:
    return bool(book(folder, *records).permitted([A], "bank-a", "credit", on)[0])


GOOD = f"{A},bank-a,credit,2026-01-01,2026-12-31,"


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("2025-12-31", False),
        ("2026-01-01", True),
        ("2026-07-01", True),
        ("2026-12-31", True),
        ("2027-01-01", False),
    ],
)
def test_both_days_of_the_term_are_in_it(tmp_path: Path, on: str, expected: bool) -> None:
    assert permits(tmp_path, GOOD, on=dt.date.fromisoformat(on)) is expected


@pytest.mark.parametrize(("revoked", "expected"), [("2026-06-30", False), ("2026-07-01", False), ("2026-07-02", True)])
def test_consent_ends_on_the_day_of_its_revocation(tmp_path: Path, revoked: str, expected: bool) -> None:
    assert permits(tmp_path, GOOD + revoked) is expected


def test_a_copy_does_not_outlive_a_revocation(tmp_path: Path) -> None:
    assert not permits(tmp_path, GOOD, GOOD + "2026-03-01")


def test_a_consent_given_after_a_revocation_stands(tmp_path: Path) -> None:
    assert permits(tmp_path, GOOD + "2026-03-01", f"{A},bank-a,credit,2026-03-02,2026-12-31,")


def test_a_revocation_for_another_bank_or_purpose_changes_nothing(tmp_path: Path) -> None:
    others = (GOOD.replace("bank-a", "bank-b") + "2026-03-01", GOOD.replace("credit", "audit") + "2026-03-01")
    assert permits(tmp_path, GOOD, *others)


@pytest.mark.parametrize(
    "record", [GOOD.replace("bank-a", "bank-b"), GOOD.replace("credit", "marketing"), GOOD.replace(A, B)]
)
def test_a_consent_to_others_is_none(tmp_path: Path, record: str) -> None:
    assert not permits(tmp_path, record)


def test_codes_meet_in_their_normal_form(tmp_path: Path) -> None:
    assert permits(tmp_path, GOOD.replace(A, f" {A.lower()}"))


def test_each_row_counts_once_under_its_nearest_miss(tmp_path: Path) -> None:
    n = iter(FIRMS)
    records = [
        f"{next(n)},bank-a,credit,2026-01-01,2026-12-31,",
        f"{next(n)},bank-a,credit,2026-01-01,2026-12-31,2026-02-01",
        f"{next(n)},bank-a,credit,2025-01-01,2025-12-31,",
        f"{next(n)},bank-a,credit,2026-08-01,2026-12-31,",
        f"{next(n)},bank-a,audit,2026-01-01,2026-12-31,",
        f"{next(n)},bank-b,credit,2026-01-01,2026-12-31,",
    ]
    records.append(records[5].replace("bank-b", "bank-c"))
    counts = book(tmp_path, *records).counts(FIRMS[:8], "bank-a", "credit", DAY)
    assert (counts.permitted, counts.revoked, counts.expired, counts.not_yet_valid) == (1, 1, 1, 1)
    assert (counts.other_purpose, counts.other_grantee, counts.none) == (1, 1, 2)


def test_the_root_holds_the_used_records_and_no_order(tmp_path: Path) -> None:
    records = [GOOD.replace(A, firm) for firm in FIRMS[:5]]
    expired = f"{FIRMS[6]},bank-a,credit,2025-01-01,2025-12-31,"

    def root(*lines: str, ids: list[str] = FIRMS) -> bytes:
        return book(tmp_path, *lines).root(ids, "bank-a", "credit", DAY)

    whole = root(*records)
    assert len(whole) == 32
    assert root(*reversed(records)) == whole
    assert root(*records, expired) == whole
    assert root(*records, ids=FIRMS[:5][::-1]) == whole
    assert root(*records[:4]) != whole
    assert root(*records, ids=FIRMS[:4]) == root(*records[:4])
    assert root(*records[:4], records[4].replace("2026-12-31", "2027-12-31")) != whole


def test_a_book_shows_its_size_alone(tmp_path: Path) -> None:
    assert repr(book(tmp_path, GOOD)) == "<consent book of 1 records>"
