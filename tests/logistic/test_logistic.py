"""The protocol against the pooled optimum, and its resumption; short keys on made-up data."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from math import erfc, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from logistic_harness import Joint
from sklearn.linear_model import LogisticRegression

from vfl.config.logistic import LogisticSpec
from vfl.core.logistic import fit_logistic, sigmoid
from vfl.crypto.keys import KeyPurpose, PrivateKey
from vfl.errors import ConfigError, DataError, PlaintextOverflow
from vfl.protocols.logistic_code import PRECISION, LogisticCode
from vfl.protocols.logistic_design import OwnDesign
from vfl.protocols.logistic_inverse import inversion_intervals
from vfl.protocols.logistic_plan import logistic_budgets
from vfl.protocols.logistic_rounds import Round
from vfl.runtime.choreography import Choreography

Floats = npt.NDArray[np.float64]
QUICK = LogisticSpec(ridge=1.0, steps=4, curvatures=1, standard_errors=False)


@cache
def _keys() -> tuple[bytes, bytes]:
    """One pair of test keys for all runs of this file."""
    keys = Joint(np.zeros((4, 1)), np.zeros((4, 1)), np.array([0, 1, 0, 1], dtype=np.uint8), QUICK).keys
    assert keys is not None
    return keys


def table(rows: int = 300, seed: int = 1) -> tuple[Floats, Floats, npt.NDArray[np.uint8]]:
    """WOE-like columns of five values each; the platform's first goes with the bank's first."""
    rng = np.random.default_rng(seed)
    levels = np.round(rng.normal(0, 0.7, (5, 4)), 3)
    bins = rng.integers(0, 5, (rows, 4))
    bins[:, 2] = np.where(rng.random(rows) < 0.6, bins[:, 0], bins[:, 2])
    x = np.stack([levels[bins[:, f], f] for f in range(4)], axis=1)
    y = rng.random(rows) < sigmoid(-1.0 - x @ np.array([1.0, 0.7, 0.8, 1.2]))
    return x[:, :2], x[:, 2:], y.astype(np.uint8)


def pooled(bank: Floats, platform: Floats, y: npt.NDArray[np.uint8], spec: LogisticSpec, **more: Any) -> Any:
    x = np.hstack([np.ones((len(y), 1)), bank, platform])
    ridge = np.r_[0.0, np.full(x.shape[1] - 1, spec.ridge)]
    return fit_logistic(x, y.astype(np.float64), ridge, **more)


def relative(joint: Joint, expected: Floats) -> float:
    return float(np.abs(joint.coefficients - expected).max() / np.abs(expected).max())


def test_reaches_scikit_learns_pooled_optimum_with_its_standard_errors() -> None:
    bank, platform, y = table(150)
    spec = LogisticSpec(ridge=1.0, steps=4, curvatures=2)
    joint = Joint(bank, platform, y, spec, key_bits=2048)
    run = joint.run()
    budgets = logistic_budgets(spec, rows=len(y), columns=3, key_bits=2048)
    for name, budget in budgets.items():
        sent = sum(s.type_name == name for s in run.trace)
        assert (sent > 0) == (budget.messages > 0)
        assert sent <= budget.messages
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(np.hstack([bank, platform]), y)
    assert relative(joint, np.r_[theirs.intercept_, theirs.coef_[0]]) < 1e-3
    expected = pooled(bank, platform, y, spec)
    np.testing.assert_allclose(joint.standard_errors, expected.standard_errors, rtol=0.01)
    z = abs(joint.coefficients[0] / joint.standard_errors[0])
    assert joint.bank.model_part()["p_values"][0] == pytest.approx(erfc(z / sqrt(2)))


def test_plaintext_study_gives_the_very_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    # Masks are drawn anew for whatever was heard; the same masks show that all else is equal to the last bit.
    def streams(self: Round, what: str) -> Any:
        self.s.clock += 1
        return self.s.seed, (what, self.s.clock, b"")

    monkeypatch.setattr(Round, "_streams", streams)
    bank, platform, y = table(120, seed=9)
    spec = LogisticSpec(ridge=1.0, steps=2, curvatures=2)
    real = Joint(bank, platform, y, spec, keys=_keys())
    study = Joint(bank, platform, y, spec, keys=_relabelled(), plaintext=True)
    real.run()
    study.run()
    np.testing.assert_array_equal(study.coefficients, real.coefficients)
    np.testing.assert_array_equal(study.standard_errors, real.standard_errors)


def _relabelled() -> tuple[bytes, bytes]:
    """The same primes under the label of plaintext study."""
    bank, platform = (
        PrivateKey(k.p, k.q, purpose=KeyPurpose.PLAINTEXT_STUDY).export() for k in map(PrivateKey.restore, _keys())
    )
    return bank, platform


def test_sample_weights_and_a_new_curvature() -> None:
    bank, platform, y = table(seed=2)
    weights = np.random.default_rng(5).uniform(0.1, 2.0, len(y))
    spec = LogisticSpec(ridge=2.0, steps=4, curvatures=2, curvature_rows=128, weight_limit=2.0, standard_errors=False)
    joint = Joint(bank, platform, y, spec, keys=_keys(), weights=weights)
    joint.run()
    assert relative(joint, pooled(bank, platform, y, spec, weights=weights).coefficients) < 6e-3


def test_bank_with_labels_only() -> None:
    # Keys of 1,024 bits hold 7 harmonics of the sigmoid, good for 1 %; 2,048 bits hold 12.
    _, platform, y = table(seed=3)
    joint = Joint(np.zeros((len(y), 0)), platform, y, QUICK, keys=_keys())
    joint.run()
    assert relative(joint, pooled(np.zeros((len(y), 0)), platform, y, QUICK).coefficients) < 1e-2


def test_separable_and_collinear_columns_stay_finite() -> None:
    bank, platform, _ = table(seed=4)
    platform = np.hstack([platform, platform[:, :1]])
    y = (bank[:, 0] > np.median(bank[:, 0])).astype(np.uint8)
    spec = LogisticSpec(ridge=5.0, steps=5, curvatures=2, standard_errors=False)
    joint = Joint(bank, platform, y, spec, keys=_keys())
    joint.run()
    assert np.abs(joint.coefficients).max() < 10
    assert relative(joint, pooled(bank, platform, y, spec).coefficients) < 0.05
    assert abs(joint.coefficients[-1] - joint.coefficients[-3]) < 0.02


def test_a_run_cut_after_every_phase_ends_in_the_same_model() -> None:
    # Steps with a curvature of their own, with that of the step before, and the last.
    bank, platform, y = table(120, seed=7)
    spec = LogisticSpec(ridge=1.0, steps=4, curvatures=2, standard_errors=False)
    whole = Joint(bank, platform, y, spec, keys=_keys())
    whole.run()
    parts: list[Any] = [None]
    ended: dict[str, Any] = {}
    while "logistic-end" not in ended:
        joint = Joint(bank, platform, y, spec, keys=_keys())
        if parts[-1] is not None:
            joint.restore(parts[-1])
        with pytest.raises(_CutError):
            asyncio.run(joint.choreography(Choreography(_CutRun(joint, ended, parts))))
    assert len(ended) == 6
    # The weights outlive the phase that opened them: what comes after the regression reads them.
    last = Joint(bank, platform, y, spec, keys=_keys())
    last.restore(parts[-1])
    np.testing.assert_array_equal(last.coefficients, whole.coefficients)


class _CutError(Exception):
    pass


def _CutRun(joint: Joint, ended: dict[str, Any], parts: list[Any]) -> Any:
    """A reference run that skips phases which have ended, with their results, and dies after the next one."""
    run = joint.interpreter()
    inner = run.phase

    async def phase(name: str, body: Callable[[], Awaitable[Any]]) -> Any:
        if name in ended:
            return ended[name]
        ended[name] = await inner(name, body)
        parts.append(joint.dump())
        raise _CutError

    run.phase = phase  # type: ignore[method-assign]
    return run


# --- refusals and bounds ------------------------------------------------------------------------------------------


def test_columns_that_are_not_coded_are_refused() -> None:
    many = np.random.default_rng(0).normal(0, 1, (2000, 1))
    for columns in (many, np.full((10, 1), np.nan), np.full((10, 1), 40.0)):
        with pytest.raises(DataError, match="LOGISTIC_COLUMNS"):
            OwnDesign(columns, np.ones(1), len(columns))


def test_one_class_and_wild_weights_are_refused() -> None:
    bank, platform, y = table(60)
    with pytest.raises(DataError, match="LOGISTIC_ONE_CLASS"):
        Joint(bank, platform, np.zeros_like(y), QUICK, keys=_keys()).run()
    with pytest.raises(DataError, match="LOGISTIC_WEIGHTS"):
        Joint(bank, platform, y, QUICK, keys=_keys(), weights=np.full(len(y), 1.5)).run()


def test_spec_is_checked() -> None:
    for wrong in ({"ridge": 0.0}, {"steps": 2, "curvatures": 3}, {"curvature_rows": 0}):
        with pytest.raises(ConfigError, match="LOGISTIC_SPEC"):
            LogisticSpec(**wrong)


@pytest.mark.parametrize("rows", [1000, 25_000, 200_000])
@pytest.mark.parametrize("bits", [2048, 3072])
def test_no_declared_sum_can_leave_its_slot(rows: int, bits: int) -> None:
    """The widths, recomputed from the bounds of their factors."""
    code = LogisticCode(rows, bits)
    for precision in PRECISION:
        s = code.gradient_series(precision)
        scale = 2 ** (s.own_bits + s.turn_bits)
        assert rows * 2 * scale <= 2 ** (s.slot - 2)
        # Unlike rows, in the slots below: what runs over into the wanted one is of the size of its rounding.
        mixed = s.values * 4 * scale * rows
        assert mixed <= 2 ** (s.slot + 6)
        assert mixed // 2**s.slot * 100 < scale
        assert mixed * 2 ** (s.slot * 2 * (s.per - 1)) * 2 < 2**s.product_bits
        assert s.product_bits + 42 <= bits
        assert s.middle + s.slot < s.product_bits
    assert all(p.own_bits + p.turn_bits >= 20 for p in PRECISION[:2])
    w = code.slope_series(8)
    # A slope below 2 and the sum of the bank's values, below 4, which the platform's raised values add.
    assert (2 + 4) * 2 ** (w.own_bits + w.turn_bits) * 2**40 <= 2**w.slot
    assert 4 * 4 * w.values * 2 ** (w.own_bits + w.turn_bits) < 2**w.slot
    assert w.product_bits + 42 <= bits
    assert w.middle(w.per - 1) + w.slot < w.product_bits
    assert code.own_scale() + 2 + 40 <= 128


def test_a_key_too_short_is_refused_before_the_job() -> None:
    with pytest.raises(PlaintextOverflow, match="LOGISTIC_KEY_SHORT"):
        LogisticCode(25_000, 256).slope_series(8)
    with pytest.raises(PlaintextOverflow, match="LOGISTIC_KEY_SHORT"):
        LogisticCode(25_000, 64).gradient_series(PRECISION[0])


def test_inversion_reaches_its_interval() -> None:
    for owners in (2, 3):
        low = np.geomspace(2.0**-10 / owners, 1, 50)
        for end in inversion_intervals(owners):
            low = low * (1 + end - low) * 4 / (1 + end) ** 2
        assert np.abs(low - 1).max() < 1e-3
