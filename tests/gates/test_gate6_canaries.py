"""Gate 6, views: rare values planted in every column, code and label of a party are in nothing another party holds.

The views are every byte that each party received in a whole job, and the role state that its journal would keep. A
search that finds nothing proves nothing until it finds what is there: each form is planted in a real view and found.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from support.canaries import codes_in, forms_of_flags, forms_of_number, forms_of_text, found, plant
from support.jobs import BANK, Job, Shape, assemble

from vfl.data.table import Dataset

SHAPES = [Shape(trees=2), Shape(platforms=2, trees=2), Shape(bank_features=False, trees=2)]


class Planted:
    """A job that has run over tables with canaries."""

    def __init__(self, shape: Shape) -> None:
        self.numbers: dict[str, dict[str, float]] = {}
        self.levels: dict[str, dict[str, str]] = {}
        self.job: Job = assemble(shape, change=self._plant).run()

    def _plant(self, party: str, data: Dataset) -> Dataset:
        planted, self.numbers[party], self.levels[party] = plant(party, data)
        return planted

    @property
    def owners(self) -> list[str]:
        return [BANK, *self.job.platforms]

    def ids(self, party: str) -> set[str]:
        side = self.job.bank if party == BANK else self.job.platforms[party]
        return set(side.work.data.ids)

    def labels(self) -> Iterator[tuple[str, np.ndarray]]:
        work = self.job.bank.work
        raw = work.data.labels
        if raw is None:
            raise LookupError("labels")
        yield "table order", raw.expose().astype(bool)
        aligned = work.labels().astype(bool)
        yield "common order", aligned
        yield "validation", aligned[work.parts[1].start :]
        yield "test", aligned[work.parts[2]]

    def held_by(self, party: str) -> list[bytes]:
        """What a party received, and what it would keep of the job: state and model part."""
        side = self.job.bank if party == BANK else self.job.platforms[party]
        model = json.dumps(side.trees.model_part()).encode()
        return [*self.job.view(party), *side.dump().values(), model]


@functools.cache
def planted(shape: Shape) -> Planted:
    return Planted(shape)


def others(p: Planted, party: str) -> list[str]:
    return [o for o in p.owners if o != party]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_number_of_another_party(shape: Shape) -> None:
    p = planted(shape)
    for holder in p.owners:
        held = p.held_by(holder)
        for owner in others(p, holder):
            assert len(p.numbers[owner]) > 2
            for column, value in p.numbers[owner].items():
                assert found(forms_of_number(value), held) == set(), (holder, owner, column)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_level_and_no_column_name_of_another_party(shape: Shape) -> None:
    p = planted(shape)
    for holder in p.owners:
        held = p.held_by(holder)
        for owner in others(p, holder):
            data = (p.job.bank if owner == BANK else p.job.platforms[owner]).work.data
            for text in [*p.levels[owner].values(), *(f.name for f in data.features)]:
                forms = {n: f for n, f in forms_of_text(text).items() if len(f) >= 5}
                assert found(forms, held) == set(), (holder, owner, text)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_code_of_another_party_in_clear_or_hashed(shape: Shape) -> None:
    p = planted(shape)
    for holder in p.owners:
        held = p.held_by(holder)
        for owner in others(p, holder):
            ids = p.ids(owner)
            assert codes_in(held) & ids == set(), (holder, owner)
            for code in sorted(ids)[::40]:
                for text in (code, code.lower(), f"{p.job.spec.name}{code}", f"{p.job.contract.job}{code}"):
                    assert found(forms_of_text(text), held) == set(), (holder, owner)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_no_labels_at_any_platform(shape: Shape) -> None:
    p = planted(shape)
    for platform in p.job.platforms:
        held = p.held_by(platform)
        for order, labels in p.labels():
            assert found(forms_of_flags(labels), held) == set(), (platform, order)


# --- positive controls ------------------------------------------------------------------------------------------------


def hide(form: bytes, view: list[bytes]) -> list[bytes]:
    """``view`` with ``form`` written into the middle of its longest message, at an odd place."""
    longest = max(view, key=len)
    cut = int.from_bytes(hashlib.sha256(form).digest()[:4], "big") % len(longest)
    return [longest[:cut] + form + longest[cut:]]


VALUES: list[tuple[str, Callable[[], dict[str, bytes]]]] = [
    ("number", lambda: forms_of_number(next(iter(planted(SHAPES[0]).numbers["platform-a"].values())))),
    ("level", lambda: forms_of_text("Zyzzyva_platform-a_trader_status")),
    ("labels", lambda: forms_of_flags(next(planted(SHAPES[0]).labels())[1])),
]


@pytest.mark.parametrize(("what", "forms"), VALUES, ids=[name for name, _ in VALUES])
def test_each_form_is_found_where_it_is_planted(what: str, forms: Callable[[], dict[str, bytes]]) -> None:
    view = planted(SHAPES[0]).job.view(BANK)
    for name, form in forms().items():
        assert name in found({name: form}, hide(form, view)), name


def test_codes_are_found_where_they_are_planted() -> None:
    p = planted(SHAPES[0])
    code = min(p.ids("platform-a"))
    view = p.job.view(BANK)
    assert code in codes_in(hide(code.encode(), view))
    assert code in codes_in(hide(b"{" + code.encode("utf-16-le") + b"}", view))


def test_what_an_owner_holds_itself_is_found() -> None:
    """The canaries are really in the tables that were trained on: their owner's model part has cuts beside them."""
    p = planted(SHAPES[0])
    platform = p.job.platforms["platform-a"]
    level = p.levels["platform-a"]["trader_status"].encode()
    assert found({"level": level}, [json.dumps(platform.trees.model_part()).encode()])
    for name, value in p.numbers["platform-a"].items():
        assert (platform.work.data.numeric(name)[platform.work.table_rows] == value).sum() > 50


def test_disclosed_sides_are_found_so_a_disclosed_label_would_be() -> None:
    """The sides of a split are told on purpose; the search that finds no labels finds these."""
    p = planted(SHAPES[0])
    work, splits = p.job.platforms["platform-a"].work, p.job.platforms["platform-a"].trees.splits
    sides = splits.sides(work.data.take(work.table_rows))
    assert sides
    assert all("bits le 0" in found(forms_of_flags(left), p.job.view(BANK)) for left in sides.values())
