"""Test keys, plain-integer arithmetic to compare with, and values that sit on limb boundaries."""

from __future__ import annotations

import random
from functools import cache

import gmpy2
import numpy as np
import numpy.typing as npt

from vfl._native import paths
from vfl.crypto.backends.native import NativeSecret

PATHS = list(paths())
Limbs = npt.NDArray[np.uint64]


@cache
def primes(bits: int) -> tuple[int, int]:
    """Two fixed primes of ``bits`` / 2 bits whose product has exactly ``bits`` bits."""
    source = random.Random(f"native tests {bits}")
    found: list[int] = []
    while len(found) < 2:
        candidate = int(gmpy2.next_prime(source.getrandbits(bits // 2) | 3 << (bits // 2 - 2)))
        if candidate.bit_length() == bits // 2:
            found.append(candidate)
    return found[0], found[1]


def residue_generators(p: int, q: int) -> tuple[int, int]:
    n = p * q
    return pow(3, n, p * p), pow(5, n, q * q)


@cache
def holder(path: str, bits: int, threads: int = 1) -> NativeSecret:
    p, q = primes(bits)
    return NativeSecret(p, q, bases=residue_generators(p, q), threads=threads, path=path)


def limbs(values: list[int], width: int) -> Limbs:
    raw = b"".join(value.to_bytes(8 * width, "little") for value in values)
    return np.frombuffer(raw, dtype="<u8").reshape(len(values), width).copy()


def ints(a: Limbs) -> list[int]:
    return [int.from_bytes(row.tobytes(), "little") for row in np.ascontiguousarray(a)]


def raw(values: list[int], n: int) -> bytes:
    """Canonical bytes of residues mod n²."""
    return b"".join(value.to_bytes(n.bit_length() // 4, "little") for value in values)


def values(data: bytes, n: int) -> list[int]:
    width = n.bit_length() // 4
    return [int.from_bytes(data[i : i + width], "little") for i in range(0, len(data), width)]


def edge_plaintexts(n: int) -> list[int]:
    """0, 1, n - 1, and both sides of every 32-, 52- and 64-bit limb boundary."""
    out = {0, 1, 2, n - 1, n - 2, n // 2, n // 2 + 1}
    for step in (32, 52, 64):
        for at in range(step, n.bit_length() - 1, step):
            out |= {1 << at, (1 << at) - 1}
    return sorted(out)


def edge_units(n: int) -> list[int]:
    """Units mod n² with long runs of zeros and ones in both base-n digits."""
    bits = n.bit_length()
    digits = [0, 1, n - 1, n - 2, (1 << (bits - 1)) - 1, 1 << (bits - 1) & ~1, (1 << 52) - 1, 1 << 52, 1 << 64]
    return [low + high * n for low in digits if gmpy2.gcd(low, n) == 1 for high in digits if high < n]


def units(n: int, count: int, seed: int = 0) -> list[int]:
    source = random.Random(seed)
    return [1 + source.randrange(n * n - 1) for _ in range(count)]
