"""The kernel's product below the key: hand-made moduli and limbs that force the longest carries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from native_helpers import PATHS

from vfl._native import kernel, paths
from vfl._native.ring import Ring, Words

every_path = pytest.mark.parametrize("path", PATHS)


def moduli(bits: int) -> list[int]:
    """All ones, a lone top bit, alternating limbs of zeros and ones: carries run through the whole number."""
    ones = (1 << bits) - 1
    stripes = sum(((1 << 52) - 1) << at for at in range(0, bits, 104)) & ones
    return [ones, 1 << (bits - 1) | 1, stripes | 1 << (bits - 1) | 1, ones - (1 << (bits // 2))]


def element(ring: Ring, low: int, high: int) -> Words:
    return np.concatenate([ring.digits(low, ring.limbs), ring.digits(high, ring.limbs)])


def value(ring: Ring, row: Words) -> int:
    """What an element stands for, times R."""
    return ring.integer(row[: ring.limbs]) + ring.integer(row[ring.limbs :]) * ring.modulus


def check_products(ring: Ring, pairs: list[tuple[int, int]]) -> None:
    n, back = ring.modulus, pow(ring.radix, -1, ring.modulus**2)
    a = np.stack([element(ring, low, high) for low, high in pairs])
    b = np.ascontiguousarray(a[::-1])
    out = np.empty_like(a)
    kernel.mul(ring.record, out, a, b)
    for x, y, z in zip(a, b, out, strict=True):
        assert value(ring, z) % n**2 == value(ring, x) * value(ring, y) * back % n**2
        assert ring.integer(z[: ring.limbs]) < 2 * n
        assert int(z.max()) >> ring.limb_bits == 0
    # The exponent 5 takes a square of a square and a product.
    kernel.power(ring.record, out, a, np.full((len(a), 1), 5, dtype=np.uint64), 1)
    for x, z in zip(a, out, strict=True):
        assert value(ring, z) % n**2 == pow(value(ring, x), 5, n**2) * back**4 % n**2
        assert ring.integer(z[: ring.limbs]) < 2 * n


@every_path
@pytest.mark.parametrize("bits", [256, 512, 1024, 2048, 3072, 4096])
def test_extreme_limbs(path: str, bits: int) -> None:
    for modulus in moduli(bits):
        ring = Ring(paths()[path], modulus)
        edges = [0, 1, modulus - 1, modulus, 2 * modulus - 1, (1 << bits) - 1, 1 << (bits - 1), (1 << 52) - 1]
        check_products(ring, [(low, high) for low in edges for high in (0, modulus - 1, 2 * modulus - 1)])


@every_path
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_random_limbs(path: str, data: st.DataObject) -> None:
    bits = data.draw(st.sampled_from([128, 250, 512, 600]))
    modulus = data.draw(st.integers(1 << (bits - 1), (1 << bits) - 1)) | 1
    number = st.integers(0, 2 * modulus - 1)
    ring = Ring(paths()[path], modulus)
    check_products(ring, data.draw(st.lists(st.tuples(number, number), min_size=1, max_size=10)))


@every_path
def test_moduli_out_of_reach_are_refused(path: str) -> None:
    for modulus in (1, 10, (1 << 4160) + 1):
        with pytest.raises(ValueError, match=r"odd|not supported"):
            Ring(paths()[path], modulus)
