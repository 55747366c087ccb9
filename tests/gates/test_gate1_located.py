"""Gate 1, not nameable: what a choreography can hold is a place, never a value."""

from __future__ import annotations

import ast
import asyncio
import copy
import operator
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.jobs import BANK, Shape, assemble

from vfl.protocols.keys import KeyHolderRole
from vfl.protocols.messages.keys import KeyOffer
from vfl.runtime.choreography import At, Choreography
from vfl.runtime.reference import ReferenceRun

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def located() -> At[KeyHolderRole, KeyOffer]:
    """A real located message of a real job."""
    run = ReferenceRun(assemble(Shape()).parties)
    return Choreography(run).role(BANK, KeyHolderRole).do(KeyHolderRole.key_offer)


@pytest.mark.parametrize(
    "use",
    [
        bool, int, float, len, iter, hash, abs, list,
        lambda x: x + 1, lambda x: x * 2, lambda x: x @ x, lambda x: -x, lambda x: x < 1, lambda x: x[0],
        lambda x: x == x, lambda x: x != 1, lambda x: x in (1, 2), lambda x: x(), operator.index,
        pickle.dumps, copy.copy, copy.deepcopy,
    ],
)  # fmt: skip
def test_a_located_message_has_no_use_but_its_place(
    located: At[KeyHolderRole, KeyOffer], use: Callable[[Any], object]
) -> None:
    with pytest.raises(TypeError):
        use(located)


def test_an_if_on_a_located_message_says_what_to_do(located: At[KeyHolderRole, KeyOffer]) -> None:
    with pytest.raises(TypeError, match="announce the decision"):
        asyncio.run(_decides(located))


async def _decides(message: At[KeyHolderRole, KeyOffer]) -> None:
    if message:
        raise NotImplementedError


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda x: f"{x}"])
def test_it_shows_its_step_and_place_alone(
    located: At[KeyHolderRole, KeyOffer], show: Callable[[Any], str]
) -> None:
    assert show(located) == f"<key_offer at {BANK}>"


@pytest.mark.parametrize("name", ["value", "modulus", "proof", "__dict__", "_value"])
def test_it_has_no_content_to_name(located: At[KeyHolderRole, KeyOffer], name: str) -> None:
    with pytest.raises(AttributeError):
        getattr(located, name)


def foreign_privates(tree: ast.AST) -> list[str]:
    """``x._name`` of anything but ``self``: the only way for a choreography to reach behind a place."""
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    ]


def imported(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


CHOREOGRAPHIES = sorted(p for p in (ROOT / "vfl" / "protocols").glob("*.py") if "async def" in p.read_text("utf-8"))


@pytest.mark.parametrize("path", CHOREOGRAPHIES, ids=lambda p: p.stem)
def test_choreographies_reach_behind_no_place_and_import_no_data(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert foreign_privates(tree) == []
    outside = {m for m in imported(tree) if m.startswith(("numpy", "vfl.data", "vfl.crypto", "vfl.core", "vfl.wire"))}
    assert outside == set()


def test_choreographies_are_looked_at() -> None:
    assert {"alignment", "boosting", "evaluation", "job", "keys", "scoring"} <= {p.stem for p in CHOREOGRAPHIES}


def test_the_search_finds_a_planted_reach() -> None:
    planted = "async def f(c, bank):\n    m = bank.do(S.step)\n    if m._cell.labels[0]:\n        return m\n"
    assert foreign_privates(ast.parse(planted)) == ["m._cell"]
    assert imported(ast.parse("from vfl.data.table import Dataset")) == {"vfl.data.table"}
