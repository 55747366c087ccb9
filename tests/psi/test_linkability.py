"""Does a blinded token keep anything of its identifier? An attack, on a leaky hash first, then on ours.

Multiplication by a scalar moves a point within its curve (or twist) and within its coset of the group of
order 8: both are invariants that an attacker who sees tokens of two runs, or holds a list of candidates, can
compare without any key.
"""

from __future__ import annotations

import hashlib

import gmpy2
import numpy as np
from psi_harness import P, multiple

from vfl._psi import portable
from vfl.crypto.psi_curve import ORDER, PsiScalar, hash_to_curve
from vfl.crypto.randomness import JobSeed

IDS = [f"91{i:016d}" for i in range(400)]


def values(points: np.ndarray) -> list[int]:
    return [int.from_bytes(row.tobytes(), "little") for row in points]


def twist_bits(points: np.ndarray) -> np.ndarray:
    return np.array([gmpy2.jacobi((u * u + 486662 * u + 1) * u % P, P) < 0 for u in values(points)])


def in_prime_order_group(u: int) -> bool:
    """ℓ·P is the neutral element."""
    return multiple(ORDER, u)[1] == 0


def two_runs(base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seed = JobSeed(b"l" * 32)
    first, second = (PsiScalar.derive(seed.stream(n)) for n in (1, 2))
    return first.apply(base), second.apply(base)


def raw_sha256(ids: list[str]) -> np.ndarray:
    """The leaky way: the digest itself as u-coordinate, bit 255 off as X25519 does."""
    digests = [hashlib.sha256(i.encode()).digest() for i in ids]
    out = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32).copy()
    out[:, 31] &= 127
    return out


def test_the_attack_links_runs_and_tests_guesses_on_a_raw_hash() -> None:
    base = raw_sha256(IDS)
    first, second = two_runs(base)
    bits = twist_bits(first)
    assert 0.4 < bits.mean() < 0.6  # half of the identifiers are on the twist
    assert np.array_equal(bits, twist_bits(second))  # the same half in every run, whatever the scalar
    assert np.array_equal(bits, twist_bits(base))  # and the half is known from the identifier alone


def test_the_attack_finds_nothing_on_our_tokens() -> None:
    first, second = two_runs(hash_to_curve(IDS, b"job"))
    assert not twist_bits(first).any()
    assert not twist_bits(second).any()


def test_our_tokens_have_no_torsion_but_the_uncleared_map_has() -> None:
    base = hash_to_curve(IDS[:40], b"job")
    cleared = [in_prime_order_group(u) for u in values(base)]
    assert sum(cleared) < 20  # one in eight by chance: the attack would see the coset
    assert all(in_prime_order_group(u) for u in values(two_runs(base)[0]))


def test_every_clamped_scalar_clears_the_torsion_of_a_received_point() -> None:
    """A peer that adds torsion to a point to read bits of our scalar gets the same answer as without."""
    scalar = PsiScalar.derive(JobSeed(b"t" * 32).stream("x"))
    u = values(two_runs(hash_to_curve(["a"], b"job"))[0])[0]
    shifted = pow(u, -1, P)  # adding the point (0, 0) of order 2 takes u to 1/u
    both = np.frombuffer(u.to_bytes(32, "little") + shifted.to_bytes(32, "little"), dtype=np.uint8).reshape(2, 32)
    assert portable.classify(both).tolist() == [0, 0]
    out = scalar.apply(both)
    assert np.array_equal(out[0], out[1])
