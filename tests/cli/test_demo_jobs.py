"""The demo's jobs are ones that nodes take, whatever the machine and the tables."""

from __future__ import annotations

import datetime as dt

import pytest

from vfl.cli import demo_jobs
from vfl.cli.demo_jobs import KEY_BITS, DemoSizes, card_job, sizes_of, trees_job
from vfl.config.job import JobSpec
from vfl.config.policy import Policy
from vfl.service.plan_speed import encryption_time

DAY = dt.date(2026, 7, 1)


def at(monkeypatch: pytest.MonkeyPatch, microseconds: float) -> DemoSizes:
    monkeypatch.setattr(demo_jobs, "encryption_time", lambda _bits: microseconds)
    return sizes_of(None)


def test_a_slower_machine_trains_less(monkeypatch: pytest.MonkeyPatch) -> None:
    fast, slow, none = (at(monkeypatch, time) for time in (25.0, 300.0, 450.0))
    assert fast.trees > slow.trees >= none.trees >= 1
    assert fast.train_rows > slow.train_rows >= none.train_rows
    assert fast.standard_errors
    assert not slow.standard_errors


def test_given_trees_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_jobs, "encryption_time", lambda _bits: 450.0)
    assert sizes_of(7).trees == 7


@pytest.mark.parametrize("rows", [1_500, 12_000, 1_000_000])
@pytest.mark.parametrize("microseconds", [25.0, 90.0, 300.0, 450.0])
def test_jobs_parse_and_pass_the_default_policy(
    monkeypatch: pytest.MonkeyPatch, rows: int, microseconds: float
) -> None:
    sizes = at(monkeypatch, microseconds)
    for text in (trees_job(DAY, sizes, 0.2), card_job(DAY, sizes, rows, min_iv=0.1)):
        spec = JobSpec.parse(text, "demo")
        Policy().admit(spec)
        assert spec.key_bits == KEY_BITS
        assert not spec.test_keys
    assert spec.sample.counts(rows)[0] <= max(sizes.train_rows, 0.05 * rows) + 2


def test_this_machine_can_be_measured() -> None:
    assert 0 < encryption_time(512) < 1e6
