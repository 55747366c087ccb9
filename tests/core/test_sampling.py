"""Draws: which rows and features. That they are LightGBM's own is shown by whole trees in test_boosting."""

from __future__ import annotations

import numpy as np
import pytest

from vfl.core.sampling import Bagging, FeatureFraction, Goss, Random
from vfl.errors import ConfigError


def test_generator_is_the_classic_one() -> None:
    """The same recurrence as Microsoft's C rand(): seed 1 begins 41, 18467, 6334, 26500."""
    random = Random(1)
    assert [round(random.uniform() * 32768) for _ in range(4)] == [41, 18467, 6334, 26500]


@pytest.mark.parametrize(("n", "k"), [(10, 0), (10, 11), (10, 10), (10, 1), (1000, 3), (1000, 900)])
def test_sample_is_a_sorted_subset(n: int, k: int) -> None:
    sample = Random(5).sample(n, k)
    assert sample.size == (k if k <= n else 0)
    assert (np.diff(sample) > 0).all()
    assert ((sample >= 0) & (sample < n)).all()


@pytest.mark.parametrize("n_rows", [1, 1024, 1025, 5000])
def test_bagging_is_one_generator_per_block(n_rows: int) -> None:
    bagging = Bagging(n_rows, 0.6, seed=9)
    generators = [Random(9 + block) for block in range(-(-n_rows // 1024))]
    for _ in range(3):
        expected = [row for row in range(n_rows) if generators[row // 1024].uniform() < 0.6]
        assert bagging.draw().tolist() == expected


def test_goss_keeps_the_great_and_amplifies_the_drawn() -> None:
    random = np.random.default_rng(0)
    gradient, hessian = random.normal(size=4000), random.uniform(0.1, 0.2, 4000)
    rows, g, h = Goss(4000, 0.2, 0.1).draw(gradient, hessian)
    size = np.abs(gradient.astype(np.float32) * hessian.astype(np.float32))
    great = np.flatnonzero(size >= np.sort(size)[-800])
    assert np.isin(great, rows).all()
    drawn = np.setdiff1d(rows, great)
    assert drawn.size == 400
    np.testing.assert_allclose(g[drawn], gradient[drawn] * 8, rtol=1e-6)
    np.testing.assert_allclose(h[drawn], hessian[drawn] * 8, rtol=1e-6)
    np.testing.assert_allclose(g[great], gradient[great], rtol=1e-6)
    assert h[rows].sum() == pytest.approx(hessian.sum(), rel=0.05)


def test_features_drawn() -> None:
    half = FeatureFraction(9, 0.5)
    masks = [half.draw() for _ in range(5)]
    assert {int(mask.sum()) for mask in masks} == {5}
    assert len({mask.tobytes() for mask in masks}) > 1
    assert FeatureFraction(9, 0.01).draw().sum() == 1
    assert FeatureFraction(9, 1.0).draw().all()


def test_parameters_out_of_range_are_refused() -> None:
    for wrong in (
        lambda: Bagging(10, 0.0),
        lambda: FeatureFraction(10, 1.5),
        lambda: Goss(100, 0.7, 0.5),
        lambda: Goss(100, 0.5, 0.0),
        lambda: Goss(5, 0.5, 0.1),
    ):
        with pytest.raises(ConfigError, match="SAMPLING_PARAMETER"):
            wrong()
