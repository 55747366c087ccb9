"""Selection against the definitions: Pearson, variance inflation by regression, reasons in two languages."""

from __future__ import annotations

import numpy as np
import pytest

from vfl.core.selection import (
    Reason,
    Removal,
    by_correlation,
    by_iv,
    by_missing,
    by_sign,
    by_vif,
    correlation_from_sums,
    keep,
    pearson,
    variance_inflation,
)


@pytest.fixture
def columns() -> np.ndarray:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(500, 5))
    x[:, 3] = x[:, 0] + 0.1 * rng.normal(size=500)
    x[:, 4] = x[:, 1] + x[:, 2] + 0.2 * rng.normal(size=500)
    return x


def regressed_vif(x: np.ndarray, j: int) -> float:
    others = np.column_stack([np.ones(len(x)), np.delete(x, j, axis=1)])
    residual = x[:, j] - others @ np.linalg.lstsq(others, x[:, j], rcond=None)[0]
    return float(((x[:, j] - x[:, j].mean()) ** 2).sum() / (residual**2).sum())


def test_pearson_is_numpys_and_from_sums_too(columns: np.ndarray) -> None:
    expected = np.corrcoef(columns.T)
    np.testing.assert_allclose(pearson(columns), expected, atol=1e-12)
    sums = correlation_from_sums(columns.T @ columns, columns.sum(axis=0), len(columns))
    np.testing.assert_allclose(sums, expected, atol=1e-12)


def test_constant_columns_correlate_with_nothing() -> None:
    x = np.column_stack([np.ones(10), np.arange(10.0)])
    assert pearson(x).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_variance_inflation_is_that_of_the_regression(columns: np.ndarray) -> None:
    got = variance_inflation(pearson(columns))
    assert got == pytest.approx([regressed_vif(columns, j) for j in range(5)])


def test_exact_dependence_is_infinite(columns: np.ndarray) -> None:
    x = np.column_stack([columns[:, :3], columns[:, 0] - columns[:, 1]])
    got = variance_inflation(pearson(x))
    assert np.isinf(got[[0, 1, 3]]).all()
    assert got[2] < 2


def test_unknown_pairs_give_the_largest_known_factor(columns: np.ndarray) -> None:
    matrix = pearson(columns)
    matrix[2, 4] = matrix[4, 2] = np.nan  # owners of 2 and 4 never met
    got = variance_inflation(matrix)
    known = [[0, 1, 2, 3], [0, 1, 3, 4]]
    expected = np.ones(5)
    for members in known:
        for place, j in enumerate(members):
            expected[j] = max(expected[j], regressed_vif(columns[:, members], place))
    assert got == pytest.approx(expected)


def test_the_smaller_iv_of_a_close_pair_goes(columns: np.ndarray) -> None:
    matrix, iv = pearson(columns), np.array([0.1, 0.3, 0.3, 0.5, 0.2])
    gone = by_correlation(matrix, iv, range(5), limit=0.9)
    assert [(r.feature, r.other, r.reason) for r in gone] == [(0, 3, Reason.CORRELATION)]
    assert gone[0].value == pytest.approx(matrix[0, 3])
    unknown = matrix.copy()
    unknown[0, 3] = unknown[3, 0] = np.nan
    assert by_correlation(unknown, iv, range(5), limit=0.9) == []


def test_vif_drops_the_worst_until_all_are_below(columns: np.ndarray) -> None:
    matrix = pearson(columns)
    kept, gone = keep(range(5), by_vif(matrix, range(5), limit=5.0))
    assert max(variance_inflation(matrix[np.ix_(kept, kept)])) <= 5.0
    assert gone[0].value == pytest.approx(max(regressed_vif(columns, j) for j in range(5)))


def test_chain_and_words() -> None:
    kept, first = keep(range(4), by_iv(np.array([0.01, 0.1, 0.2, 3.0]), range(4), low=0.02, high=2.0))
    assert kept == [1, 2]
    assert [r.reason for r in first] == [Reason.LOW_IV, Reason.HIGH_IV]
    removals = [
        *first, *by_missing(np.array([0, 0.99, 0, 0]), kept, limit=0.95),
        *by_sign(np.array([0, 0.2, -0.7, 0]), kept), Removal(1, Reason.STABILITY, 0.3, 0.25),
    ]  # fmt: skip
    assert [(r.feature, r.reason) for r in removals[2:4]] == [(1, Reason.MISSING), (1, Reason.SIGN)]
    for removal in removals:
        text = removal.text(["a", "b", "c", "d"])
        assert text.en
        assert text.zh
        assert "{" not in text.en + text.zh
