"""Regression with further platforms: the pooled optimum, resumption, and no more messages where there are none."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from providers_harness import Several
from sklearn.linear_model import ElasticNet

from vfl.config.logistic import LogisticSpec
from vfl.core.logistic import fit_logistic, sigmoid
from vfl.protocols.logistic_code import PRECISION, LogisticCode
from vfl.protocols.logistic_plan import logistic_budgets
from vfl.runtime.choreography import Choreography
from vfl.service.plan_scorecard import CardCost, card_bytes

Floats = npt.NDArray[np.float64]


def several(rows: int = 200, seed: int = 1, platforms: int = 3) -> tuple[Floats, list[Floats], npt.NDArray[np.uint8]]:
    """Two columns of the bank, two of each platform; every owner's first columns go together."""
    rng = np.random.default_rng(seed)
    count = 2 + 2 * platforms
    levels = np.round(rng.normal(0, 0.7, (4, count)), 3)
    bins = rng.integers(0, 4, (rows, count))
    for f in range(2, count, 2):
        bins[:, f] = np.where(rng.random(rows) < 0.5, bins[:, f - 2], bins[:, f])
    x = np.stack([levels[bins[:, f], f] for f in range(count)], axis=1)
    y = rng.random(rows) < sigmoid(-1.0 + x @ np.linspace(1.1, 0.5, count))
    return x[:, :2], [x[:, f : f + 2] for f in range(2, count, 2)], y.astype(np.uint8)


def pooled(bank: Floats, platforms: list[Floats], y: npt.NDArray[np.uint8], spec: LogisticSpec) -> Any:
    x = np.hstack([np.ones((len(y), 1)), bank, *platforms])
    return fit_logistic(x, y.astype(np.float64), np.r_[0.0, np.full(x.shape[1] - 1, spec.ridge)])


def relative(found: Floats, expected: Floats) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def played(job: Several) -> Any:
    run = job.interpreter()
    asyncio.run(job.choreography(Choreography(run)))
    return run


def test_three_platforms_reach_the_pooled_optimum_with_its_standard_errors() -> None:
    bank, platforms, y = several()
    spec = LogisticSpec(ridge=1.0, steps=5, curvatures=3)
    job = Several(bank, platforms, y, spec, key_bits=2048, plaintext=True)
    run = played(job)
    expected = pooled(bank, platforms, y, spec)
    assert relative(job.coefficients, expected.coefficients) < 1e-3
    np.testing.assert_allclose(job.standard_errors, expected.standard_errors, rtol=0.01)
    assert [len(p.model_part()["p_values"]) for p in job.platforms] == [2, 2, 2]
    budgets = logistic_budgets(spec, rows=len(y), columns=3, key_bits=2048, providers=2)
    sent = collections.Counter((s.type_name, s.sender, s.receiver) for s in run.trace)
    for (name, _, _), count in sent.items():
        assert name in ("KeyOffer", "KeyAck") or count <= budgets[name].messages
    bounds = card_bytes(CardCost(dataclasses.replace(job.job, logistic=spec), len(y), bank=2, platform=2))
    for name in ("BankRelay", "PlatformRelay", "BankEncrypted", "PlatformMasked"):
        for receiver in job.names[1:]:
            sizes = [s.size for s in run.trace if (s.type_name, s.receiver) == (name, receiver)]
            senders = {s.sender for s in run.trace if (s.type_name, s.receiver) == (name, receiver)}
            assert sum(sizes) <= len(senders) * bounds[name] + 100 * len(sizes)


@pytest.mark.slow
def test_with_encryption_and_the_curvature_of_a_sample() -> None:
    """Keys of 1,024 bits hold six harmonics beside the relays' masks, good for about 1 %."""
    bank, platforms, y = several(100, seed=3, platforms=2)
    spec = LogisticSpec(ridge=1.0, steps=4, curvatures=2, curvature_rows=64, standard_errors=False)
    job = Several(bank, platforms, y, spec)
    played(job)
    assert relative(job.coefficients, pooled(bank, platforms, y, spec).coefficients) < 0.02


def test_a_wrong_sign_of_a_provider_is_held_in_another_pass() -> None:
    """Weights that each owner knows become shares again, the providers' too."""
    bank, platforms, y = several(160, seed=8)
    bank, platforms = -bank, [-platforms[0], -platforms[1], np.stack([-platforms[2][:, 0], platforms[2][:, 1]], axis=1)]
    spec = LogisticSpec(ridge=1.0, signs=True, steps=4, curvatures=3, standard_errors=True)
    free = pooled(bank, platforms, y, spec).coefficients
    assert (free[1:] > 0).tolist() == [False] * 7 + [True], "the example has one wrong sign"
    job = Several(bank, platforms, y, spec, key_bits=2048, plaintext=True)
    run = played(job)
    assert sum(s.type_name == "RefitBegin" for s in run.trace if s.receiver == "platform-c") >= 1
    assert [p.reasons for p in job.platforms] == [("", ""), ("", ""), ("", "sign")]
    among = pooled(bank, [*platforms[:2], platforms[2][:, :1]], y, spec)
    assert relative(job.coefficients[:-1], among.coefficients) < 5e-3
    np.testing.assert_allclose(job.standard_errors[:-1], among.standard_errors, rtol=0.02)
    assert job.coefficients[-1] == 0


@pytest.mark.slow
def test_a_linear_elastic_net_over_three_platforms() -> None:
    bank, platforms, y = several(200, seed=4)
    x = np.hstack([bank, *platforms])
    target = 2.0 + x @ np.r_[0.9, -0.6, 0.5, 0, 0, 0.8, 0.7, 0] + np.random.default_rng(0).normal(0, 0.5, len(y))
    spec = LogisticSpec(family="linear", ridge=5.0, l1=20.0, target_limit=10.0, standard_errors=False)
    job = Several(bank, platforms, y, spec, key_bits=2048, plaintext=True, target=target)
    played(job)
    theirs = ElasticNet(alpha=25 / len(y), l1_ratio=20 / 25, tol=1e-10, max_iter=100_000).fit(x, target)
    expected = np.r_[theirs.intercept_, theirs.coef_]
    assert (expected == 0).sum() >= 2
    np.testing.assert_array_equal(job.coefficients == 0, expected == 0)
    assert relative(job.coefficients, expected) < 1e-3


def test_a_run_cut_between_any_two_phases_sends_the_same_bytes() -> None:
    bank, platforms, y = several(60, seed=7)
    spec = LogisticSpec(ridge=1.0, steps=3, curvatures=2, standard_errors=True)

    keys = Several(bank, platforms, y, spec, plaintext=True).keys

    def made() -> Several:
        return Several(bank, platforms, y, spec, keys=keys, plaintext=True)

    whole = made()
    expected = [s.digest for s in played(whole).trace if s.phase != "keys"]
    ended: list[str] = []
    parts: Any = None
    digests: list[str] = []
    while "logistic-end" not in ended:
        job = made()
        if parts is not None:
            job.restore(parts)
        run = job.interpreter()
        with contextlib.suppress(_Cut):
            asyncio.run(job.choreography(Choreography(_cut_after_one(run, ended))))
        digests += [s.digest for s in run.trace if s.phase == ended[-1] != "keys"]
        parts = job.dump()
    assert len(ended) == 5
    assert digests == expected
    np.testing.assert_array_equal(job.coefficients, whole.coefficients)


class _Cut(Exception):
    pass


def _cut_after_one(run: Any, ended: list[str]) -> Any:
    """The run, skipping phases that have ended and dying after the next one."""
    inner = run.phase

    async def phase(name: str, body: Callable[[], Awaitable[Any]]) -> Any:
        if name in ended:
            return None
        result = await inner(name, body)
        ended.append(name)
        if name != "logistic-end":
            raise _Cut
        return result

    run.phase = phase
    return run


@pytest.mark.parametrize("rows", [1000, 25_000, 200_000])
@pytest.mark.parametrize("bits", [2048, 3072])
def test_no_relayed_sum_can_leave_its_slot(rows: int, bits: int) -> None:
    """The widths, recomputed from the bounds of their factors."""
    code = LogisticCode(rows, bits, relayed=True)
    for precision in PRECISION:
        s = code.gradient_series(precision)
        assert s.terms == precision.terms
        one = s.values * 4 * 2 ** (s.own_bits + s.turn_bits) * 2 ** (s.slot * (s.per - 1)) * 2
        assert one * 2**40 <= 2 ** code.relayed_row_bits(s)
        whole = s.product_bits + 40 + 2
        assert rows * (one + 2 ** code.relayed_row_bits(s)) * 2**s.middle < 2**whole
        assert whole + 1 + 40 + 40 < bits  # the mask of the reply, and what is kept apart above it
        assert 2 ** (s.slot - 2) * 2**40 < 2 ** code.relayed_bin_bits(s)
    assert 2 ** code.relayed_column_bits() >= 2 ** (62 + 28) * 2**40
    assert rows * 2 * 2 ** code.relayed_column_bits() * 2 ** (28 + 13) < 2 ** code.relayed_block_bits() * 2
