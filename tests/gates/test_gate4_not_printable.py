"""Gate 4, not printable: secrets show their kind alone, and shipped code has no road for them to leave unseen.

That ``.expose()`` of private rows stays in steps and data is tested in ``tests/data/test_private.py``.
"""

from __future__ import annotations

import ast
import functools
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.jobs import BANK, KEY_BITS, Job, Shape, exported_key, played

from vfl.crypto.randomness import JobSeed

ROOT = Path(__file__).parents[2]
PACKAGES = ("vfl", "party_bank", "party_platform", "coordinator")
Fault = str


@functools.cache
def sources() -> tuple[tuple[str, ast.Module], ...]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    named = [(path.relative_to(ROOT).as_posix(), path) for path in paths]
    return tuple((n, ast.parse(p.read_text(encoding="utf-8"))) for n, p in named if not n.startswith("vfl/pb/"))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def names_called(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


# --- rules over the source: each a function of (file name, tree), each with a planted violation ----------------------

_OBJECT_STREAMS = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "copyreg"}
_GRPC_HOMES = re.compile(r"^(vfl/runtime/(grpc|client)\.py|(coordinator|party_bank|party_platform)/node\.py)$")
_PRINTS = re.compile(r"^(vfl/cli/.*|vfl/service/main\.py|coordinator/__main__\.py|.*/__main__\.py)$")
_PAGES = {
    "vfl/data/catalogue_page.py", "vfl/data/errors_table.py", "vfl/data/dictionary.py", "vfl/protocols/tables.py",
    "vfl/report/exports/standalone.py",
}  # fmt: skip
"""Modules that print a page of documentation when run as a program, and the text of an exported script."""


def object_streams(name: str, tree: ast.AST) -> list[Fault]:
    return [m for m in imports(tree) if m.partition(".")[0] in _OBJECT_STREAMS]


def dynamic_code(name: str, tree: ast.AST) -> list[Fault]:
    return [f for f, _ in names_called(tree) if f in ("eval", "exec", "compile", "__import__")]


def grpc_abroad(name: str, tree: ast.AST) -> list[Fault]:
    return [] if _GRPC_HOMES.match(name) else [m for m in imports(tree) if m.partition(".")[0] == "grpc"]


def assertions(name: str, tree: ast.AST) -> list[Fault]:
    return [ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Assert)]


def prints(name: str, tree: ast.AST) -> list[Fault]:
    if _PRINTS.match(name) or name in _PAGES:
        return []
    return [f for f, _ in names_called(tree) if f in ("print", "pprint.pprint", "sys.stdout.write", "breakpoint")]


def logs_content(name: str, tree: ast.AST) -> list[Fault]:
    """Logged arguments are names, codes and counts: no message body, no protobuf, no exposed value."""
    suspicious = re.compile(r"\b(body|proto|message|labels|expose|margins|values?|ids|data|raw|plain|payload)\b")
    out = []
    for called, node in names_called(tree):
        if re.fullmatch(r"(log|logger|logging)\.(debug|info|warning|error|exception|critical)", called):
            out += [ast.unparse(a) for a in node.args[1:] if suspicious.search(ast.unparse(a))]
            out += [ast.unparse(node.args[0])] if not isinstance(node.args[0], ast.Constant) else []
    return out


Rule = Callable[[str, ast.AST], list[Fault]]
PLANTED: list[tuple[Rule, str]] = [
    (object_streams, "import pickle"),
    (object_streams, "from joblib import dump"),
    (dynamic_code, "eval(text)"),
    (grpc_abroad, "import grpc"),
    (grpc_abroad, "from grpc import aio"),
    (assertions, "assert rows"),
    (prints, "print(rows)"),
    (logs_content, "log.info('got %s', message)"),
    (logs_content, "log.info(f'got {rows}')"),
    (logs_content, "logging.warning('%s', envelope.body)"),
]


@pytest.mark.parametrize("rule", list(dict.fromkeys(rule for rule, _ in PLANTED)), ids=lambda r: r.__name__)
def test_no_shipped_file_breaks_the_rule(rule: Rule) -> None:
    assert {name: faults for name, tree in sources() if (faults := rule(name, tree))} == {}


@pytest.mark.parametrize(("rule", "code"), PLANTED)
def test_the_rule_sees_a_planted_breach(rule: Rule, code: str) -> None:
    assert rule("party_bank/steps/boosting.py", ast.parse(code))


def test_the_rules_see_all_packages() -> None:
    seen = {name.partition("/")[0] for name, _ in sources()}
    assert seen == set(PACKAGES)


# --- what objects that hold secrets show -----------------------------------------------------------------------------


def secrets_of(job: Job) -> list[Any]:
    bank, platform = job.bank, job.platforms["platform-a"]
    return [
        bank.work, bank.work.data, bank.work.data.labels, bank.work.seed, bank.work.he, bank.work.he.public,
        bank.work.alignment, bank.trees.splits, bank.evaluation.scores(), platform.work, platform.work.data,
        platform.work.he, platform.trees.splits, platform.work.consents, bank.work.seed.stream("x"),
        *bank.trees.trees,
    ]  # fmt: skip


def tells(shown: str, job: Job) -> list[str]:
    """Identifiers, long numbers and key material in a string."""
    ids = set(job.bank.work.data.ids) | set(job.platforms["platform-a"].work.data.ids)
    found = [word for word in re.findall(r"[0-9A-Z]{18}", shown) if word in ids]
    found += re.findall(r"\d+\.\d{4,}", shown)
    found += re.findall(r"array\(.*", shown)
    found += [secret for secret in (str(job.bank.work.he.public.n), exported_key().hex()) if secret in shown]
    return found


@pytest.mark.parametrize("number", range(len(secrets_of(played(Shape())))))
def test_secrets_show_their_kind_alone(number: int) -> None:
    job = played(Shape())
    secret = secrets_of(job)[number]
    for shown in (repr(secret), str(secret), f"{secret}"):
        assert tells(shown, job) == []
        assert len(shown) < 200


def test_the_search_finds_what_a_careless_repr_would_show() -> None:
    job = played(Shape())
    assert tells(f"Dataset(ids=['{job.bank.work.data.ids[0]}'])", job)
    assert tells(repr(job.bank.trees.margins), job)
    assert tells(f"n={job.bank.work.he.public.n}", job)


def test_a_whole_job_logs_nothing_of_its_data(caplog: pytest.LogCaptureFixture) -> None:
    """At the lowest level, over a fresh job."""
    from support.jobs import assemble

    with caplog.at_level(logging.DEBUG):
        job = assemble(Shape(trees=1)).run()
    assert tells(caplog.text, job) == []
    assert job.spec.key_bits == KEY_BITS


def test_a_seed_shows_nothing_of_its_key() -> None:
    key = bytes(range(32))
    assert repr(JobSeed(key)) == "<JobSeed>"
    assert key.hex() not in f"{JobSeed(key).stream(BANK)!r}"
