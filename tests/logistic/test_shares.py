"""Share algebra against plain integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vfl.crypto import limbs
from vfl.crypto.paillier import AdditiveHE, KeyHolder, KeyPurpose, PrivateKey
from vfl.crypto.randomness import JobSeed
from vfl.crypto.shares import (
    RING,
    SharedMatrix,
    SlotPlan,
    angle_product,
    linear_map,
    product_plan,
    ring_bytes,
    ring_from_bytes,
    signed_plaintexts,
    to_fixed,
    to_floats,
    truncate,
    twos_complement,
)
from vfl.errors import PlaintextOverflow, RemoteProtocolError

SEED = JobSeed(b"s" * 32)
MODULUS = 1 << RING


@pytest.fixture(scope="module")
def holder() -> KeyHolder:
    return KeyHolder(PrivateKey.generate(1024, purpose=KeyPurpose.TEST_KEYS_ONLY))


def _ring(*shape: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    out = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        out[index] = int.from_bytes(rng.bytes(16), "little")
    return out


def test_fixed_point_there_and_back() -> None:
    values = np.array([0.0, -1.5, 2.0**-32, -(2.0**-32), 12345.678])
    np.testing.assert_allclose(to_floats(to_fixed(values)), values, atol=2.0**-33)
    assert np.array_equal(ring_from_bytes(ring_bytes(_ring(2, 3))), _ring(2, 3))


@settings(max_examples=200, deadline=None)
@given(st.integers(-(2**85), 2**85), st.integers(0, MODULUS - 1), st.integers(1, 70))
def test_truncated_shares_are_off_by_one_unit_at_most(value: int, share: int, bits: int) -> None:
    near_edge = abs(share - (MODULUS >> 1)) <= 1 << 85
    if near_edge:  # probability 2^-41: the documented failure
        return
    both = [truncate(np.array([s % MODULUS], dtype=object), bits)[0] for s in (value - share, share)]
    error = (both[0] + both[1] - (value >> bits)) % MODULUS
    assert error in (0, MODULUS - 1)


def test_truncation_is_exact_where_one_share_is_zero() -> None:
    values = np.array([-5, 7], dtype=object) * (1 << 20)
    assert (truncate(values % MODULUS, 20) == np.array([-5, 7], dtype=object) % MODULUS).all()
    assert (truncate(np.array([0], dtype=object), 20) == 0).all()


def test_angles_wrap_as_the_ring_does() -> None:
    design = np.array([[3, -4], [1 << 27, 5]], dtype=np.int64)
    weights = _ring(2)
    expected = [((int(r[0]) * weights[0] + int(r[1]) * weights[1]) << 11) % (1 << 64) for r in design]
    assert angle_product(design, weights, 11).tolist() == expected


def test_signed_digits_are_the_polynomial(holder: KeyHolder) -> None:
    rng = np.random.default_rng(4)
    values = rng.integers(-(2**20), 2**20, (30, 7))
    expected = [sum(int(v) << (40 * m) for m, v in enumerate(row)) for row in values]
    got = limbs.to_ints(twos_complement(values, 40, 5, room=40))
    assert got == [e % (1 << 320) for e in expected]
    apart = limbs.to_ints(twos_complement(values << 40, 70, 9, start=31))
    assert apart == [sum(int(v) << (71 + 70 * m) for m, v in enumerate(row)) % (1 << 576) for row in values]
    plain = limbs.to_ints(signed_plaintexts(values, 40, holder.public))
    assert plain == [e % holder.public.n for e in expected]
    with pytest.raises(PlaintextOverflow, match="DIGIT_WIDTH"):
        twos_complement(np.array([[1 << 38]]), 40, 2, room=40)


def test_linear_map_equals_integers(holder: KeyHolder) -> None:
    rng = np.random.default_rng(5)
    he = AdditiveHE(holder.public)
    x = [int(v) for v in rng.integers(0, 2**40, 6)]
    c = he.open(holder.encrypt_sealed(limbs.from_ints(x, he.public.limbs), SEED.stream("x")))
    for matrix in (rng.integers(-(2**27), 2**27, (6, 5)), _ring(6, 3), np.zeros((6, 2), dtype=np.int64)):
        out = holder.decrypt(he.seal(linear_map(he, c, matrix), SEED.stream("o")))
        expected = [sum(int(m) * v for m, v in zip(column, x, strict=True)) for column in matrix.T.tolist()]
        assert limbs.to_ints(out) == [e % he.public.n for e in expected]
    with pytest.raises(RemoteProtocolError, match="REPLY_COUNT"):
        linear_map(he, c, _ring(5, 2))


def test_shared_matrix_product(holder: KeyHolder) -> None:
    he, size = AdditiveHE(holder.public), 5
    left, right = _ring(size, size, seed=1), _ring(size, 2, seed=2)
    plan = product_plan(he.public, size)
    sealed = holder.encrypt_sealed(plan.plaintexts(left.T, he.public), SEED.stream("l"))
    product = SharedMatrix(he, [sealed], plan, size, size).times(right)
    masked, mask = plan.mask(he, product, SEED.stream("m"))
    plain = holder.decrypt(he.seal(masked, SEED.stream("s")))
    shares = plan.read(plain, 2, size) - plan.read(mask, 2, size)
    assert (left.dot(right) % MODULUS == shares.T % MODULUS).all()
    with pytest.raises(RemoteProtocolError, match="REPLY_COUNT"):
        SharedMatrix(he, [sealed], plan, size, size + 1)


def test_slots_that_cannot_be_masked_are_refused(holder: KeyHolder) -> None:
    assert SlotPlan(900, holder.public).per == 1
    with pytest.raises(PlaintextOverflow, match="SLOT_PLAN"):
        SlotPlan(950, holder.public)
