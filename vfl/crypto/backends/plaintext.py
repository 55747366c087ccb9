"""Paillier without its randomness: each "ciphertext" is (1 + n)^m, which anybody can read. For study alone.

Everything above this file runs as it would: the same messages, sizes, masks and packing, and for the same masks the
same coefficients and trees to the last bit, in a small part of the time. Nothing is protected.
:mod:`vfl.crypto.paillier` comes here for keys under the label ``PLAINTEXT_STUDY`` and for no others; no setting of a
machine leads here, and a node's policy refuses the label for real data as it refuses short keys.

Only m mod n is kept: the product of ciphertexts is a sum, a power is a product, randomisers are 1.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt
from gmpy2 import mpz

from vfl.crypto.backends.base import Limbs, PublicBackend, SecretBackend

__all__ = ["available", "public", "secret"]


def available() -> str | None:
    """None: it runs wherever gmpy2 does."""
    return None


def public(n: int, *, threads: int | None = None) -> PublicBackend:
    """Arithmetic on plaintexts mod n."""
    return _Plain(n)


def secret(p: int, q: int, *, bases: tuple[int, int], threads: int | None = None) -> SecretBackend:
    """The same: there is nothing that only the key holder could do."""
    return _Plain(p * q)


def _integers(numbers: Limbs) -> list[Any]:
    size = numbers.shape[1] * 8
    raw = np.ascontiguousarray(numbers, dtype="<u8").tobytes()
    return [mpz.from_bytes(raw[start : start + size], "little") for start in range(0, len(raw), size)]


class _Plain:
    name = "plaintext"
    threads = 1

    def __init__(self, n: int) -> None:
        self._n = mpz(n)
        self._limbs = n.bit_length() // 64
        self._bytes = 2 * (n.bit_length() // 8)

    def load(self, raw: bytes | memoryview) -> list[Any]:
        if len(raw) % self._bytes:
            raise ValueError("the length is not a whole number of ciphertexts")
        view, out = bytes(raw), []
        for start in range(0, len(view), self._bytes):
            m, rest = divmod(mpz.from_bytes(view[start : start + self._bytes], "little") - 1, self._n)
            if rest or not 0 <= m < self._n:
                raise ValueError(f"ciphertext {start // self._bytes} is not (1 + n)^m")
            out.append(m)
        return out

    def dump(self, a: list[Any]) -> bytes:
        return b"".join((1 + m * self._n).to_bytes(self._bytes, "little") for m in a)

    def count(self, a: list[Any]) -> int:
        return len(a)

    def take(self, a: list[Any], index: npt.NDArray[np.int64]) -> list[Any]:
        return [a[i] for i in index.tolist()]

    def concat(self, parts: list[list[Any]]) -> list[Any]:
        return [m for part in parts for m in part]

    def trivial(self, m: Limbs) -> list[Any]:
        return _integers(m)

    def mul(self, a: list[Any], b: list[Any]) -> list[Any]:
        return [(x + y) % self._n for x, y in zip(a, b, strict=True)]

    def inverse(self, a: list[Any]) -> list[Any]:
        return [-m % self._n for m in a]

    def power(self, a: list[Any], exponents: Limbs, negative: npt.NDArray[np.bool_] | None = None) -> list[Any]:
        out = [m * e % self._n for m, e in zip(a, _integers(exponents), strict=True)]
        for i in () if negative is None else np.flatnonzero(negative).tolist():
            out[i] = -out[i] % self._n
        return out

    def multi_power(
        self, a: list[Any], digits: npt.NDArray[np.uint8], steps: npt.NDArray[np.int32]
    ) -> list[Any]:
        groups, positions, inputs = digits.shape[0], *digits.shape[2:]
        after = [0] * positions  # bits that stand behind each position
        for p in range(positions - 1, -1, -1):
            after[p] = int(steps[p + 1]) + (after[p + 1] if p + 1 < positions else 0)
        out = []
        for g in range(groups):
            numbers = a[g * inputs : (g + 1) * inputs]
            # A digit and a number of k bits: sums of few words, exact in Python's integers.
            for sums in digits[g].tolist():
                total = sum(sum(map(operator.mul, row, numbers)) << bits for row, bits in zip(sums, after, strict=True))
                out.append(total % self._n)
        return out

    def bucket_products(
        self, a: list[Any], bins: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
        rows: npt.NDArray[np.int32] | None, n_bins: npt.NDArray[np.int32],
    ) -> list[Any]:
        index = range(len(bins)) if rows is None else rows.tolist()
        out: list[Any] = []
        for feature, size in enumerate(n_bins.tolist()):
            sums = [mpz(0)] * size
            column = bins[:, feature].tolist()
            for i in index:
                sums[column[i]] += a[i]
            out += [m % self._n for m in sums]
        return out

    def pack(self, a: list[Any], per: int, width: int) -> list[Any]:
        return [
            sum((m << (width * j) for j, m in enumerate(a[i : i + per])), mpz(0)) % self._n
            for i in range(0, len(a), per)
        ]

    def nth_powers(self, r: Limbs) -> list[Any]:
        return [mpz(0)] * len(r)

    def fixed_base_table(self, base: int, exponent_bits: int) -> None:
        return None

    def subset_table(self, a: list[Any]) -> None:
        return None

    def fixed_base_powers(self, table: None, exponents: Limbs) -> list[Any]:
        return [mpz(0)] * len(exponents)

    def holder_randomisers(self, exponents_p: Limbs, exponents_q: Limbs) -> list[Any]:
        return [mpz(0)] * len(exponents_p)

    def decrypt(self, a: list[Any]) -> Limbs:
        raw = b"".join(m.to_bytes(self._limbs * 8, "little") for m in a)
        return np.frombuffer(raw, dtype="<u8").reshape(-1, self._limbs).astype(np.uint64)
