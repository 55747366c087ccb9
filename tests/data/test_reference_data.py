"""The public data sets beside the checkout load whole, fast, and with the consents their README counts."""

from __future__ import annotations

import csv
import datetime as dt
import time
from pathlib import Path

import pytest

from vfl.data import ConsentBook, Dataset, Views, load_view, load_views
from vfl.roles import RoleName

DATA = Path(__file__).parents[3] / "shared" / "data"
CATEGORIES = {"region", "urban", "revolving_line", "low_doc"}
DAY = dt.date(2026, 7, 1)

pytestmark = [
    pytest.mark.reference_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the public data sets are not at {DATA}"),
]


def views_of(folder: Path, data_set: str, party: str) -> Views:
    source = DATA / data_set / f"{party}.csv"
    with source.open() as stream:
        columns = [name for name in next(csv.reader(stream)) if name not in ("uscc", "y")]
    lines = ["[views.main]", f'source = "{source}"', 'id = "uscc"', 'label = "y"' if party == "bank" else ""]
    lines.append("[views.main.features]")
    lines += [f'{c} = {{ kind = "{"categorical" if c in CATEGORIES else "numeric"}" }}' for c in columns]
    lines += ["[consents]", f'source = "{DATA / data_set / "consents.csv"}"']
    path = folder / f"{party}.toml"
    path.write_text("\n".join(lines))
    return load_views(path, role=RoleName(party))


def loaded(folder: Path, data_set: str, party: str) -> Dataset:
    views = views_of(folder, data_set, party)
    start = time.process_time()
    data = load_view(views, "main", role=views.role)
    assert time.process_time() - start < 4  # processor time; 0.1 to 0.4 s alone
    return data


@pytest.mark.parametrize(
    ("data_set", "bank_rows", "platform_rows", "both", "permitted", "event_rate"),
    [
        ("sba_small_business", 20132, 20495, 18488, 17370, 0.210),
        ("uci_default_of_credit_card", 27043, 27599, 24890, 23332, 0.221),
        ("polish_companies_year5", 5330, 5459, 4931, 4666, 0.069),
    ],
)
def test_counts_are_those_of_the_readme(
    tmp_path: Path,
    data_set: str,
    bank_rows: int,
    platform_rows: int,
    both: int,
    permitted: int,
    event_rate: float,
) -> None:
    bank, platform = (loaded(tmp_path, data_set, party) for party in ("bank", "platform"))
    assert (len(bank), len(platform)) == (bank_rows, platform_rows)
    assert bank.report.events is not None
    assert bank.report.events / bank_rows == pytest.approx(event_rate, abs=0.01)
    book = ConsentBook.load(load_views(tmp_path / "platform.toml", role=RoleName.PLATFORM))
    mask = book.permitted(platform.ids, "bank-a", "credit-modelling", DAY)
    firms = set(bank.ids)
    assert len(firms.intersection(platform.ids)) == both
    assert len(firms.intersection(platform.take(mask).ids)) == permitted
