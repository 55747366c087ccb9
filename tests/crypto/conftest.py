"""Shared keys and backends: every test that takes ``backend`` runs once on each backend this machine can run."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from vfl.crypto import limbs
from vfl.crypto.backends import choose
from vfl.crypto.backends.base import Limbs
from vfl.crypto.paillier import KeyHolder, KeyPurpose, PrivateKey, PublicKey
from vfl.crypto.randomness import JobSeed, RandomStream
from vfl.errors import ConfigError

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "vectors" / "paillier.json").read_text())


def _can_run(name: str) -> bool:
    try:
        choose(name)
    except ConfigError:
        return False
    return True


BACKENDS = [name for name in ("gmpy2", "native") if _can_run(name)]


@cache
def _key(bits: int) -> PrivateKey:
    primes = VECTORS["keys"][str(bits)]
    return PrivateKey(int(primes["p"], 16), int(primes["q"], 16), purpose=KeyPurpose.TEST_KEYS_ONLY)


@cache
def _holder(bits: int, backend: str) -> KeyHolder:
    return KeyHolder(_key(bits), backend=backend)


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def private() -> PrivateKey:
    return _key(512)


@pytest.fixture(scope="session")
def public(private: PrivateKey) -> PublicKey:
    return private.public


@pytest.fixture(scope="session")
def holder(backend: str) -> KeyHolder:
    return _holder(512, backend)


@pytest.fixture(scope="session")
def key_of() -> Callable[[int], PrivateKey]:
    return _key


@pytest.fixture(scope="session")
def holder_of(backend: str) -> Callable[[int], KeyHolder]:
    return lambda bits: _holder(bits, backend)


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    return VECTORS


@pytest.fixture
def stream() -> RandomStream:
    return JobSeed(bytes(range(32))).stream("tests")


@pytest.fixture(scope="session")
def plain(public: PublicKey) -> Callable[..., Limbs]:
    """Integers, reduced mod n, as plaintexts of the 512-bit key."""
    return lambda *values: limbs.from_ints([value % public.n for value in values], public.limbs)
