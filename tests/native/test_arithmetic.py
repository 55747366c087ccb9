"""Every public operation on every path against Python integers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from native_helpers import PATHS, edge_plaintexts, edge_units, holder, ints, limbs, primes, raw, units, values

from vfl._native import histogram
from vfl.crypto.backends.native import NativeSecret

SIZES = (512, 1024)
every_path = pytest.mark.parametrize("path", PATHS)
every_size = pytest.mark.parametrize("bits", SIZES)


def key(path: str, bits: int) -> tuple[NativeSecret, int]:
    backend = holder(path, bits)
    p, q = primes(bits)
    return backend, p * q


@every_path
@every_size
def test_load_and_dump_are_inverse(path: str, bits: int) -> None:
    backend, n = key(path, bits)
    numbers = [*edge_units(n), *units(n, 9), 1, n * n - 1]
    assert values(backend.dump(backend.load(raw(numbers, n))), n) == numbers


@every_path
@every_size
def test_products_of_edge_values(path: str, bits: int) -> None:
    backend, n = key(path, bits)
    left = edge_units(n)
    right = left[::-1]
    product = backend.mul(backend.load(raw(left, n)), backend.load(raw(right, n)))
    assert values(backend.dump(product), n) == [x * y % (n * n) for x, y in zip(left, right, strict=True)]


@every_path
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 17])
def test_any_count_of_numbers(path: str, count: int) -> None:
    backend, n = key(path, 512)
    numbers = units(n, count, seed=count)
    a = backend.load(raw(numbers, n))
    assert backend.count(a) == count
    assert values(backend.dump(backend.mul(a, a)), n) == [x * x % (n * n) for x in numbers]
    assert values(backend.dump(backend.inverse(a)), n) == [pow(x, -1, n * n) for x in numbers]
    powers = backend.power(a, limbs([5] * count, 1))
    assert values(backend.dump(powers), n) == [pow(x, 5, n * n) for x in numbers]
    assert len(backend.decrypt(a)) == count
    assert backend.count(backend.pack(a, 3, 4)) == -(-count // 3)


@every_path
def test_long_chains_stay_in_bounds(path: str) -> None:
    """Products without a final subtraction must not creep beyond the slack, and limbs not beyond their bits."""
    backend, n = key(path, 512)
    numbers = [n * n - 1, n * n - 2, n - 1, 1 + n, *units(n, 5)]
    a = backend.load(raw(numbers, n))
    running, expected = a, numbers
    for step in range(200):
        other = a if step % 3 else running
        factors = numbers if step % 3 else expected
        running = backend.mul(running, other)
        expected = [x * y % (n * n) for x, y in zip(expected, factors, strict=True)]
    assert values(backend.dump(running), n) == expected
    ring = backend._ring
    for row in running:
        assert ring.integer(row[: ring.limbs]) < 2 * n
        assert ring.integer(row[ring.limbs :]) < 4 * n


@every_path
@every_size
def test_trivial(path: str, bits: int) -> None:
    backend, n = key(path, bits)
    plain = edge_plaintexts(n)
    a = backend.trivial(limbs(plain, bits // 64))
    assert values(backend.dump(a), n) == [(1 + m * n) % (n * n) for m in plain]
    assert ints(backend.decrypt(a)) == plain


@every_path
def test_inverse_and_take_and_concat(path: str) -> None:
    backend, n = key(path, 512)
    numbers = units(n, 21)
    a = backend.load(raw(numbers, n))
    index = np.array([20, 0, 0, 7, 8], dtype=np.int64)
    b = backend.concat([backend.take(a, index), a])
    expected = [pow(numbers[i], -1, n * n) for i in index.tolist()] + [pow(x, -1, n * n) for x in numbers]
    assert values(backend.dump(backend.inverse(b)), n) == expected


@every_path
@pytest.mark.parametrize("width", [1, 2, 5])
def test_powers_of_edge_exponents(path: str, width: int) -> None:
    backend, n = key(path, 512)
    top = (1 << 64 * width) - 1
    exponents = [0, 1, 2, 3, 15, 16, 17, 255, top, top - 1, top >> 1, 1 << (64 * width - 1)]
    numbers = units(n, len(exponents))
    negative = np.arange(len(exponents)) % 2 == 1
    a = backend.load(raw(numbers, n))
    result = backend.power(a, limbs(exponents, width), negative)
    expected = [
        pow(x, -e if minus else e, n * n) for x, e, minus in zip(numbers, exponents, negative, strict=True)
    ]
    assert values(backend.dump(result), n) == expected
    assert values(backend.dump(a), n) == numbers


@every_path
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_homomorphism(path: str, data: st.DataObject) -> None:
    """Decrypting a product gives the sum, a power the multiple: for all plaintexts and signs."""
    backend, n = key(path, 512)
    count = data.draw(st.integers(1, 10))
    plain = data.draw(st.lists(st.integers(0, n - 1), min_size=count, max_size=count))
    factor = data.draw(st.lists(st.integers(-(2**70), 2**70), min_size=count, max_size=count))
    a = backend.trivial(limbs(plain, 8))
    magnitude = limbs([abs(f) for f in factor], 2)
    scaled = backend.power(a, magnitude, np.array([f < 0 for f in factor]))
    total = backend.mul(scaled, a)
    expected = [(m * f + m) % n for m, f in zip(plain, factor, strict=True)]
    assert ints(backend.decrypt(total)) == expected


@every_path
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("groups", "outputs", "inputs", "steps"),
    [(1, 1, 1, [0, 0]), (1, 9, 3, [0, 4, 4, 0]), (3, 2, 5, [0, 7, 3]), (11, 1, 4, [0, 4, 30, 1]), (0, 2, 2, [0, 0])],
)
def test_multi_power(path: str, threads: int, groups: int, outputs: int, inputs: int, steps: list[int]) -> None:
    """Several sums per group share tables and lanes; one per group spreads lanes over groups."""
    backend, n = holder(path, 512, threads=threads), math.prod(primes(512))
    source = np.random.default_rng(inputs)
    numbers = units(n, groups * inputs)
    digits = source.integers(0, 16, (groups, outputs, len(steps) - 1, inputs), dtype=np.uint8)
    digits[..., 0] = np.resize([0, 15, 1], digits.shape[:3])
    a = backend.load(raw(numbers, n))
    result = backend.multi_power(a, digits, np.array(steps, dtype=np.int32))
    expected = []
    for g, o in np.ndindex(groups, outputs):
        total = 1
        for p in range(len(steps) - 1):
            total = pow(total, 1 << steps[p], n * n)
            for j in range(inputs):
                total = total * pow(numbers[g * inputs + j], int(digits[g, o, p, j]), n * n) % (n * n)
        expected.append(pow(total, 1 << steps[-1], n * n))
    assert values(backend.dump(result), n) == expected


@every_path
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("subset", [None, "some", "none"])
def test_bucket_products(path: str, dtype: type, subset: str | None) -> None:
    backend, n = key(path, 512)
    source = np.random.default_rng(7)
    numbers = units(n, 150)
    n_bins = np.array([1, 40, 3, 2], dtype=np.int32)
    tops = (1, 37, 3, 1)
    bins: Any = np.stack([source.integers(0, top, len(numbers)) for top in tops], axis=1).astype(dtype)
    rows = None
    if subset is not None:
        share = 0.5 if subset == "some" else 0.0
        rows = np.flatnonzero(source.random(len(numbers)) < share).astype(np.int32)
    result = backend.bucket_products(backend.load(raw(numbers, n)), bins, rows, n_bins)
    picked = range(len(numbers)) if rows is None else rows.tolist()
    expected = [
        math.prod(numbers[i] for i in picked if bins[i, f] == b) % (n * n)
        for f, top in enumerate(n_bins.tolist())
        for b in range(top)
    ]
    assert values(backend.dump(result), n) == expected


def test_bucket_products_in_blocks_of_features(monkeypatch: pytest.MonkeyPatch) -> None:
    backend, n = key(PATHS[0], 512)
    bins = np.random.default_rng(3).integers(0, 4, (60, 5), dtype=np.uint8)
    n_bins = np.full(5, 4, dtype=np.int32)
    a = backend.load(raw(units(n, 60), n))
    whole = backend.dump(backend.bucket_products(a, bins, None, n_bins))
    monkeypatch.setattr(histogram, "_ORDER_LIMIT", 130)
    assert backend.dump(backend.bucket_products(a, bins, None, n_bins)) == whole


@every_path
@pytest.mark.parametrize(("per", "width"), [(1, 9), (3, 1), (4, 20), (30, 2)])
def test_pack(path: str, per: int, width: int) -> None:
    backend, n = key(path, 512)
    numbers = units(n, 29)
    packed = backend.pack(backend.load(raw(numbers, n)), per, width)
    expected = [
        math.prod(pow(x, 1 << (width * j), n * n) for j, x in enumerate(numbers[i : i + per])) % (n * n)
        for i in range(0, len(numbers), per)
    ]
    assert values(backend.dump(packed), n) == expected


@every_path
@every_size
def test_nth_powers(path: str, bits: int) -> None:
    backend, n = key(path, bits)
    r = [1, 2, n - 1, n - 2, (1 << (bits - 1)) - 1, *(x % n for x in units(n, 4))]
    assert values(backend.dump(backend.nth_powers(limbs(r, bits // 64))), n) == [pow(x, n, n * n) for x in r]


@every_path
@pytest.mark.parametrize("exponent_bits", [1, 70, 256])
def test_fixed_base_powers(path: str, exponent_bits: int) -> None:
    backend, n = key(path, 512)
    base = pow(7, n, n * n)
    table = backend.fixed_base_table(base, exponent_bits)
    top = (1 << exponent_bits) - 1
    exponents = sorted({0, 1, top, top >> 1, top // 3, min(top, 127), min(top, 128)}) * 20
    result = backend.fixed_base_powers(table, limbs(exponents, -(-exponent_bits // 64)))
    assert values(backend.dump(result), n) == [pow(base, e, n * n) for e in exponents]


@every_path
def test_threads_change_nothing(path: str) -> None:
    one, two = holder(path, 512), holder(path, 512, threads=2)
    n = one._n
    numbers = units(n, 37)
    a, b = one.load(raw(numbers, n)), two.load(raw(numbers, n))
    bins = (np.arange(37) % 5).astype(np.uint8).reshape(-1, 1)
    n_bins = np.array([5], dtype=np.int32)
    exponents = limbs(list(range(1, 38)), 1)
    multipliers = np.full((1, 3, 1, 37), 7, dtype=np.uint8), np.zeros(2, dtype=np.int32)
    for left, right in (
        (a, b),
        (one.mul(a, a), two.mul(b, b)),
        (one.inverse(a), two.inverse(b)),
        (one.power(a, exponents), two.power(b, exponents)),
        (one.bucket_products(a, bins, None, n_bins), two.bucket_products(b, bins, None, n_bins)),
        (one.pack(a, 2, 10), two.pack(b, 2, 10)),
        (one.multi_power(a, *multipliers), two.multi_power(b, *multipliers)),
    ):
        assert one.dump(left) == two.dump(right)
    assert (one.decrypt(a) == two.decrypt(b)).all()


def test_misuse_is_refused() -> None:
    backend, n = key(PATHS[0], 512)
    a = backend.load(raw(units(n, 3), n))
    table = backend.fixed_base_table(5, 70)
    bins = np.full((3, 1), 4, dtype=np.uint8)
    with pytest.raises(ValueError, match="feature 0 has a bin"):
        backend.bucket_products(a, bins, None, np.array([4], dtype=np.int32))
    wide: Any = bins.astype(np.int64)
    with pytest.raises(ValueError, match="shape"):
        backend.bucket_products(a, wide, None, np.array([5], dtype=np.int32))
    with pytest.raises(ValueError, match="rows point outside"):
        backend.bucket_products(a, bins, np.array([3], dtype=np.int32), np.array([5], dtype=np.int32))
    with pytest.raises(ValueError, match="longer than the table"):
        backend.fixed_base_powers(table, limbs([1 << 70], 2))
    with pytest.raises(ValueError, match="differ in length"):
        backend.mul(a, a[:2])
    with pytest.raises(ValueError, match="one exponent"):
        backend.power(a, limbs([1], 1))
    with pytest.raises(ValueError, match="longer than the key"):
        backend.trivial(limbs([1], 9))
