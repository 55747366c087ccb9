"""Which path is taken, and how that is forced."""

from __future__ import annotations

import pytest
from native_helpers import PATHS, primes

from vfl import _native
from vfl._native import active_path, paths
from vfl.crypto.backends import describe, native


def test_the_fastest_path_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VFL_NATIVE_PATH", raising=False)
    assert active_path() == PATHS[0]
    assert PATHS[-1] == "portable"
    assert native.available() is None


@pytest.mark.parametrize("path", PATHS)
def test_the_environment_forces_a_path(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("VFL_NATIVE_PATH", path)
    p, q = primes(512)
    assert active_path() == path
    assert native.public(p * q).name == f"native ({path})"


def test_an_unknown_path_makes_the_backend_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VFL_NATIVE_PATH", "abacus")
    assert "abacus" in (native.available() or "")
    with pytest.raises(RuntimeError, match="abacus"):
        active_path()


def test_without_the_kernel_the_other_backend_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native, "kernel", None)
    monkeypatch.delenv("VFL_PAILLIER_BACKEND", raising=False)
    assert paths() == {}
    assert "without its compiled kernel" in (native.available() or "")
    assert describe().name == "gmpy2"


def test_paths_describe_themselves() -> None:
    for name, path in paths().items():
        assert path.name == name
        assert path.limb_bits in (32, 52, 64)
        assert path.limbs_max * path.limb_bits >= 4096 + 8
