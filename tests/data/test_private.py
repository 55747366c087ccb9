"""Private values cannot be seen by accident, and are exposed where a reviewer looks for it only."""

from __future__ import annotations

import ast
import copy
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vfl.data.private import Private
from vfl.errors import LocalProtocolError

ROOT = Path(__file__).parents[2]
NODES = ("vfl", "party_bank", "party_platform", "coordinator")


def secret() -> Private[list[int]]:
    return Private([77_31], "labels")


def test_the_value_comes_out_through_expose_alone() -> None:
    assert secret().expose() == [7731]


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{:>40}".format, "%s".__mod__, lambda p: f"{p!r}"])
def test_showing_it_shows_its_name(show: Callable[[object], str]) -> None:
    shown = show(secret())
    assert "<private labels>" in shown
    assert "7731" not in shown


@pytest.mark.parametrize(
    "use",
    [
        bool,
        lambda p: p == p,
        lambda p: p != 1,
        lambda p: p in (1, 2),
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
    ],
)
def test_misuse_is_refused(use: Callable[[object], object]) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        use(secret())
    assert caught.value.code == "PRIVATE_MISUSE"


@pytest.mark.parametrize("use", [hash, iter, len, lambda p: p + 1, lambda p: p[0]])
def test_what_is_not_there_cannot_be_used(use: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        use(secret())


def test_numpy_does_not_look_inside() -> None:
    boxed = np.asarray(secret())
    assert boxed.dtype == object
    assert "7731" not in repr(boxed)


def is_exposure(node: ast.AST) -> bool:
    """Whether the node takes ``.expose`` of anything but a seed, whose method of that name gives its own key."""
    return isinstance(node, ast.Attribute) and node.attr == "expose" and "seed" not in ast.unparse(node.value).lower()


def exposures() -> Iterator[Path]:
    for package in NODES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if any(map(is_exposure, ast.walk(ast.parse(path.read_text(encoding="utf-8"))))):
                yield path.relative_to(ROOT)


def test_expose_is_called_in_steps_and_in_data_only() -> None:
    found = list(exposures())
    assert Path("vfl/data/table.py") in found  # the search finds what is there
    assert [p for p in found if p.parts[1] != "steps" and p.parts[:2] != ("vfl", "data")] == []
