"""The key holder's side: decryption, randomisers by Chinese remainders, wiping."""

from __future__ import annotations

from functools import cache

import gmpy2
import numpy as np
import pytest
from native_helpers import PATHS, edge_plaintexts, holder, ints, limbs, primes, raw, residue_generators, units, values

from vfl.crypto.backends.native import NativeSecret

every_path = pytest.mark.parametrize("path", PATHS)


@every_path
@pytest.mark.parametrize("bits", [512, 768, 1024])
def test_randomisers_are_the_residues_of_their_exponents(path: str, bits: int) -> None:
    backend = holder(path, bits)
    p, q = primes(bits)
    n = p * q
    h_p, h_q = residue_generators(p, q)
    e_p = [0, 1, p - 2, p // 2, 127, 128, 1 << (bits // 2 - 1)]
    e_q = [0, q - 2, 1, q // 3, 1 << 52, (1 << 64) - 1, 5]
    got = values(backend.dump(backend.holder_randomisers(limbs(e_p, bits // 128), limbs(e_q, bits // 128))), n)
    assert [x % (p * p) for x in got] == [pow(h_p, e, p * p) for e in e_p]
    assert [x % (q * q) for x in got] == [pow(h_q, e, q * q) for e in e_q]


@cache
def encrypted_edges(bits: int) -> tuple[list[int], list[int]]:
    """Edge plaintexts and ciphertexts of them."""
    p, q = primes(bits)
    n = p * q
    plain = edge_plaintexts(n)
    r = units(n, len(plain))
    return plain, [(1 + m * n) * int(gmpy2.powmod(x, n, n * n)) % (n * n) for m, x in zip(plain, r, strict=True)]


@every_path
@pytest.mark.parametrize("bits", [512, 1024])
def test_decryption(path: str, bits: int) -> None:
    backend = holder(path, bits)
    plain, cipher = encrypted_edges(bits)
    assert ints(backend.decrypt(backend.load(raw(cipher, backend._n)))) == plain


@every_path
def test_every_unit_decrypts_as_the_definition_says(path: str) -> None:
    backend = holder(path, 512)
    p, q = primes(512)
    n, order = p * q, (p - 1) * (q - 1)
    numbers = [1, n * n - 1, 1 + n, *units(n, 20)]
    expected = [(pow(x, order, n * n) - 1) // n * pow(order, -1, n) % n for x in numbers]
    assert ints(backend.decrypt(backend.load(raw(numbers, n)))) == expected


@every_path
def test_the_order_of_the_primes_does_not_matter(path: str) -> None:
    p, q = primes(512)
    n = p * q
    h_p, h_q = residue_generators(p, q)
    swapped = NativeSecret(q, p, bases=(h_q, h_p), threads=1, path=path)
    numbers = units(n, 5)
    a, b = holder(path, 512).load(raw(numbers, n)), swapped.load(raw(numbers, n))
    assert (holder(path, 512).decrypt(a) == swapped.decrypt(b)).all()


def test_too_long_exponents_are_refused() -> None:
    with pytest.raises(ValueError, match="longer than the table"):
        holder(PATHS[0], 512).holder_randomisers(limbs([1 << 256], 5), limbs([1], 5))


def test_wiping_overwrites_all_that_comes_from_the_primes() -> None:
    p, q = primes(512)
    backend = NativeSecret(p, q, bases=residue_generators(p, q), threads=1, path=PATHS[0])
    derived = [
        backend._ring_p.record, backend._ring_q.record, backend._half_p, backend._half_q, backend._garner,
        backend._crt, backend._table_p.table, backend._table_q.table, *backend._exponents,
    ]
    assert all(array.any() for array in derived)
    backend.wipe()
    assert not any(array.any() for array in derived)
    with pytest.raises(ValueError, match="ring record"):
        backend.decrypt(np.zeros((1, backend._ring.words), dtype=np.uint64))


@pytest.mark.parametrize(("p", "q"), [(17, 17), (257, 17)])
def test_unusable_primes_are_refused(p: int, q: int) -> None:
    with pytest.raises(ValueError, match=r"primes|length"):
        NativeSecret(p, q, bases=(3, 3), threads=1, path=PATHS[0])
