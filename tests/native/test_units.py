"""What comes from a peer is checked as it is loaded: range and unit, with the index of the first offender."""

from __future__ import annotations

import pytest
from native_helpers import PATHS, holder, limbs, primes, raw, units

every_path = pytest.mark.parametrize("path", PATHS)


@every_path
@pytest.mark.parametrize("position", [0, 7, 8, 18])
def test_non_units_are_refused_by_index(path: str, position: int) -> None:
    backend = holder(path, 512)
    p, q = primes(512)
    n = p * q
    for offender in (0, n, p, q * q, 5 * p, n * n - n, p * (n + 1) % (n * n)):
        numbers = units(n, 19)
        numbers[position] = offender
        with pytest.raises(ValueError, match=rf"ciphertext {position} is not a unit"):
            backend.load(raw(numbers, n))


@every_path
def test_two_offenders_that_complete_each_other(path: str) -> None:
    """p in one lane and q in another: the product is 0 mod n, and the first is named."""
    backend = holder(path, 512)
    p, q = primes(512)
    numbers = units(p * q, 16)
    numbers[5], numbers[11] = p, q
    with pytest.raises(ValueError, match="ciphertext 5 is not a unit"):
        backend.load(raw(numbers, p * q))


@every_path
@pytest.mark.parametrize("excess", [0, 1, "all ones"])
def test_numbers_beyond_the_square_are_refused(path: str, excess: int | str) -> None:
    backend = holder(path, 512, threads=2)
    p, q = primes(512)
    n = p * q
    numbers = units(n, 30)
    numbers[21] = (1 << 1024) - 1 if excess == "all ones" else n * n + int(excess)
    with pytest.raises(ValueError, match="ciphertext 21 is out of range"):
        backend.load(raw(numbers, n))


def test_broken_length_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number of ciphertexts"):
        holder(PATHS[0], 512).load(bytes(129))


@every_path
def test_randomiser_sharing_a_factor_is_refused(path: str) -> None:
    p, _ = primes(512)
    with pytest.raises(ValueError, match="ciphertext 1 is not a unit"):
        holder(path, 512).nth_powers(limbs([3, p], 8))
