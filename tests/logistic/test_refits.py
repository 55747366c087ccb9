"""Elastic net, sign constraints, elimination and warm start: what owners decide alone between passes.

Without encryption and with keys of full length: the numbers are those of Paillier (test_logistic shows it), in seconds.
"""

from __future__ import annotations

import asyncio
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from logistic_harness import Joint
from sklearn.linear_model import LogisticRegression
from test_logistic import _CutError, _CutRun, pooled, relative, table

from party_bank.steps.keys import KeyHolderSteps
from vfl.config.logistic import LogisticSpec
from vfl.core.logistic import fit_logistic
from vfl.errors import ConfigError
from vfl.protocols.logistic_plan import logistic_budgets
from vfl.protocols.logistic_weights import OwnWeights
from vfl.runtime.choreography import Choreography

Floats = npt.NDArray[np.float64]


@cache
def _keys() -> tuple[bytes, bytes]:
    return tuple(KeyHolderSteps.fresh(2048, test_keys=True, plaintext=True) for _ in range(2))  # type: ignore[return-value]


def study(bank: Floats, platform: Floats, y: npt.NDArray[np.uint8], spec: LogisticSpec, **more: object) -> Joint:
    return Joint(bank, platform, y, spec, key_bits=2048, keys=_keys(), plaintext=True, **more)  # type: ignore[arg-type]


def noisy(rows: int = 700, seed: int = 3) -> tuple[Floats, Floats, npt.NDArray[np.uint8]]:
    """Four telling columns and six of noise, two of them copies with a twist."""
    bank, platform, y = table(rows, seed)
    rng = np.random.default_rng(seed)
    noise = np.round(rng.normal(0, 0.7, 5), 3)[rng.integers(0, 5, (rows, 4))]
    twist = np.where(rng.random((rows, 2)) < 0.5, platform, noise[:, :2])
    return np.hstack([bank, noise[:, :2]]), np.hstack([platform, noise[:, 2:], twist]), y


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_elastic_net_is_scikit_learns() -> None:
    bank, platform, y = noisy()
    l1, ridge = 12.0, 2.0
    spec = LogisticSpec(ridge=ridge, l1=l1, steps=4, curvatures=2, standard_errors=False)
    joint = study(bank, platform, y, spec)
    joint.run()
    total = l1 + ridge
    theirs = LogisticRegression(
        penalty="elasticnet", solver="saga", C=1 / total, l1_ratio=l1 / total, tol=1e-9, max_iter=20_000
    ).fit(np.hstack([bank, platform]), y)
    expected = np.r_[theirs.intercept_, theirs.coef_[0]]
    assert 3 <= (expected == 0).sum() <= 8
    assert relative(joint, expected) < 1e-3
    np.testing.assert_array_equal(joint.coefficients == 0, expected == 0)
    assert set(joint.platform.reasons) == {"", "penalty"}


def test_wrong_signs_are_held_at_the_constrained_optimum() -> None:
    bank, platform, y = noisy(seed=8)
    spec = LogisticSpec(ridge=1.0, signs=True, steps=4, curvatures=2)
    free = pooled(bank, platform, y, spec).coefficients
    assert (free[1:] > 0).sum() >= 2, "the example has wrong signs"
    joint = study(bank, platform, y, spec)
    joint.run()
    held = np.array([r == "sign" for r in ("", *joint.bank.reasons, *joint.platform.reasons)])
    assert held.any()
    assert (joint.coefficients[1:] <= 0).all()
    x = np.hstack([np.ones((len(y), 1)), bank, platform])
    ridge = np.r_[0.0, np.ones(x.shape[1] - 1)]
    among = fit_logistic(x[:, ~held], y.astype(np.float64), ridge[~held])
    assert np.abs(joint.coefficients[~held] - among.coefficients).max() < 1e-3 * np.abs(among.coefficients).max()
    np.testing.assert_allclose(joint.standard_errors[~held], among.standard_errors, rtol=0.02)
    assert np.isnan(joint.standard_errors[held]).all()
    # Optimal: each held column is pulled towards the wrong side.
    p = 1 / (1 + np.exp(-x @ joint.coefficients))
    assert (x.T @ (p - y))[held].max() < 0


@pytest.mark.slow
def test_elimination_by_bic_leaves_what_tells() -> None:
    bank, platform, y = noisy(seed=5)
    joint = study(bank, platform, y, LogisticSpec(ridge=1e-3, selection="bic", steps=4, curvatures=2))
    joint.run()
    out = [bool(r) for r in (*joint.bank.reasons, *joint.platform.reasons)]
    assert out[:2] == [False, False]
    assert out[2:4] == [True, True]
    assert sum(out) >= 4
    wald = (joint.coefficients / joint.standard_errors)[1:][~np.array(out)] ** 2
    assert wald.min() > np.log(len(y))


def test_nothing_to_hold_costs_one_bit_each() -> None:
    bank, platform, y = table(400, seed=21)
    spec = LogisticSpec(ridge=1.0, signs=True, steps=3, curvatures=1, standard_errors=False)
    run = study(bank, platform, y, spec).run()
    assert sum(s.type_name == "PlatformRefit" for s in run.trace) == 1
    assert sum(s.type_name == "BankShare" for s in run.trace) == 1
    budgets = logistic_budgets(spec, rows=len(y), columns=3, key_bits=2048)
    assert all(sum(s.type_name == name for s in run.trace) <= budget.messages for name, budget in budgets.items())


def test_warm_start_reaches_the_optimum_in_two_steps() -> None:
    bank, platform, y = table(1200, seed=13)
    spec = LogisticSpec(ridge=1.0, steps=2, curvatures=1, standard_errors=False, warm_start="earlier")
    optimum = pooled(bank, platform, y, spec).coefficients
    near = optimum + np.random.default_rng(0).normal(0, 0.1, len(optimum))
    joint = study(bank, platform, y, spec, start=(near[:3], near[3:]))
    joint.run()
    assert relative(joint, optimum) < 2e-3


@pytest.mark.slow
@pytest.mark.parametrize("extra", [{"signs": True, "standard_errors": True}, {"l1": 6.0, "standard_errors": False}])
def test_cut_after_every_phase_it_ends_in_the_same_model(extra: dict[str, object]) -> None:
    bank, platform, y = noisy(150, seed=8)
    spec = LogisticSpec(ridge=1.0, steps=3, curvatures=1, refits=5, **extra)  # type: ignore[arg-type]
    whole = study(bank, platform, y, spec)
    whole.run()
    ended: dict[str, object] = {}
    parts: list[object] = [None]
    for _ in range(60):
        joint = study(bank, platform, y, spec)
        if parts[-1] is not None:
            joint.restore(parts[-1])  # type: ignore[arg-type]
        try:
            asyncio.run(joint.choreography(Choreography(_CutRun(joint, ended, parts))))
        except _CutError:
            continue
        break
    else:
        pytest.fail("it does not end")
    assert len(ended) > 6
    assert joint.bank.model_part() == whole.bank.model_part()
    assert joint.platform.model_part() == whole.platform.model_part()


def test_decisions_of_an_owner_survive_their_state() -> None:
    spec = LogisticSpec(l1=3.0, signs=True)
    columns = np.random.default_rng(1).normal(size=(50, 3))
    one, other = OwnWeights(spec, columns), OwnWeights(spec, columns)
    for k in range(5):
        one.take(np.array([0.3, -0.2, -0.01]) / (k + 1), np.zeros(0))
        one.replan()
    other.restore(one.state())
    assert other.replan() == one.replan()
    np.testing.assert_array_equal(other.ridge, one.ridge)
    np.testing.assert_array_equal(other.held, one.held)


def test_bad_parameters_are_refused() -> None:
    for wrong in ({"l1": -1.0}, {"selection": "best"}, {"refit_steps": 0}, {"refits": -1}):
        with pytest.raises(ConfigError):
            LogisticSpec(**wrong)  # type: ignore[arg-type]
