"""Which backend serves: native where it runs, gmpy2 otherwise, and a reason for people either way."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from vfl.crypto.backends import choose, describe
from vfl.errors import ConfigError

NATIVE = "vfl.crypto.backends.native"


@pytest.fixture(autouse=True)
def no_forced_choice(monkeypatch):
    monkeypatch.delenv("VFL_PAILLIER_BACKEND", raising=False)


def offer(monkeypatch, reason):
    monkeypatch.setitem(sys.modules, NATIVE, SimpleNamespace(available=lambda: reason, __file__="/there/native.py"))


def test_native_is_first_choice_where_it_runs(monkeypatch):
    offer(monkeypatch, None)
    choice = describe()
    assert (choice.name, choice.path) == ("native", "/there/native.py")


def test_gmpy2_serves_where_native_is_absent_or_cannot_run(monkeypatch):
    monkeypatch.setitem(sys.modules, NATIVE, None)
    assert describe().name == "gmpy2"
    offer(monkeypatch, "no such processor")
    choice = describe()
    assert choice.name == "gmpy2"
    assert choice.path.endswith("gmpy2.py")
    assert "no such processor" in choice.reason.en
    assert "no such processor" in choice.reason.zh


def test_the_environment_forces_a_backend(monkeypatch):
    offer(monkeypatch, None)
    monkeypatch.setenv("VFL_PAILLIER_BACKEND", "gmpy2")
    assert describe().name == "gmpy2"
    assert choose("native").available() is None, "an argument goes before the environment"


def test_a_forced_backend_that_cannot_run_is_an_error(monkeypatch):
    offer(monkeypatch, "no such processor")
    monkeypatch.setenv("VFL_PAILLIER_BACKEND", "native")
    with pytest.raises(ConfigError) as caught:
        choose()
    assert caught.value.code == "BACKEND_UNAVAILABLE"
    monkeypatch.setenv("VFL_PAILLIER_BACKEND", "abacus")
    with pytest.raises(ConfigError) as caught:
        choose()
    assert caught.value.code == "BACKEND_UNKNOWN"


def test_no_setting_leads_to_plaintext_arithmetic(monkeypatch):
    monkeypatch.setenv("VFL_PAILLIER_BACKEND", "plaintext")
    with pytest.raises(ConfigError) as caught:
        choose()
    assert caught.value.code == "BACKEND_UNKNOWN"
    with pytest.raises(ConfigError):
        choose("plaintext")
