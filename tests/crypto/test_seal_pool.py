"""Seals from a pool: the same plaintexts, replayable bytes, and randomisers that are uniform whatever was sealed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from vfl.crypto import limbs
from vfl.crypto.keys import KeyPurpose, PrivateKey
from vfl.crypto.paillier import AdditiveHE, Ciphertexts, KeyHolder
from vfl.crypto.randomness import JobSeed

SEED = JobSeed(b"p" * 32)
BACKENDS = ["native", "gmpy2"]


@pytest.fixture(scope="module")
def private() -> PrivateKey:
    return PrivateKey.generate(512, purpose=KeyPurpose.TEST_KEYS_ONLY)


def pooled(private: PrivateKey, backend: str) -> AdditiveHE:
    return AdditiveHE(private.public, pool=SEED.stream("pool"), backend=backend)


def some(private: PrivateKey, he: AdditiveHE) -> Ciphertexts:
    plain = limbs.from_ints([0, 1, 7, private.public.n - 1], private.public.limbs)
    return he.encrypt(plain, SEED.stream("plain"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_plaintexts_stay_and_streams_decide_the_bytes(private: PrivateKey, backend: str) -> None:
    he = pooled(private, backend)
    c = some(private, he)
    sealed = [he.seal(c, SEED.stream("seal", i)).data for i in (0, 1, 0)]
    assert sealed[0] == sealed[2]
    size = len(sealed[0]) // 4
    pieces = [data[i : i + size] for data in sealed[:2] for i in range(0, 4 * size, size)]
    assert len(set(pieces)) == 8
    holder = KeyHolder(private)
    assert limbs.to_ints(holder.decrypt(he.seal(c, SEED.stream("seal", 2)))) == [0, 1, 7, private.public.n - 1]
    # A party that goes on after a crash makes its pool anew.
    assert pooled(private, backend).seal(c, SEED.stream("seal", 0)).data == sealed[0]


def test_backends_agree(private: PrivateKey) -> None:
    data = []
    for backend in BACKENDS:
        he = pooled(private, backend)
        data.append(he.seal(some(private, he), SEED.stream("seal")).data)
    assert data[0] == data[1]


def test_a_randomiser_is_the_product_of_the_subset_that_the_stream_chose(private: PrivateKey) -> None:
    he, n = pooled(private, "gmpy2"), private.public.n
    bits = private.public.bits + 128
    zero = he.encrypt(np.zeros((1, private.public.limbs), dtype=np.uint64), SEED.stream("zero"))
    before = KeyHolder(private, backend="gmpy2").seal(zero, SEED.stream("other"))
    randomiser = int.from_bytes(he.seal(he.open(before), SEED.stream("seal")).data, "little") * pow(
        int.from_bytes(before.data, "little"), -1, n * n
    ) % (n * n)
    pool = [r + 1 for r in SEED.stream("pool").below(n - 1, bits)]
    subset = limbs.to_ints(SEED.stream("seal").bits(1, bits))[0]
    chosen = [r for i, r in enumerate(pool) if subset >> i & 1]
    assert abs(len(chosen) - bits / 2) < 6 * math.sqrt(bits) / 2
    assert randomiser == pow(math.prod(chosen) % n, n, n * n)


def _distance(size: int, seed: int) -> float:
    """Statistical distance from uniform of all subset products of ``size`` random units mod 13 · 17."""
    n, source = 13 * 17, np.random.default_rng(seed)
    units = [u for u in range(1, n) if math.gcd(u, n) == 1]
    products: Any = np.ones(1, dtype=np.int64)
    for x in source.choice(units, size).tolist():
        products = np.concatenate([products, products * x % n])
    shares = np.bincount(products, minlength=n)[units] / len(products)
    return float(np.abs(shares - 1 / len(units)).sum() / 2)


def test_subset_products_are_uniform_only_with_more_bits_than_the_group_has() -> None:
    """The leftover hash lemma at a size where it can be counted, and the control: a pool that is too small."""
    enough, few = (np.mean([_distance(size, seed) for seed in range(20)]) for size in (18, 6))
    assert enough < 0.5 * math.sqrt(192 / 2**18) * 1.2
    assert few > 0.3
