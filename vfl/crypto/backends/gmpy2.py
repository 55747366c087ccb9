"""Paillier arithmetic on GMP through gmpy2: the portable backend, and the yardstick for the native one.

Two savings over textbook code, both exact:

* *Split form.* A unit c mod N² is written c = a(1 + sN) with a = c mod N. Then the product of many c is
  (∏ a)(1 + (∑ s)N): each factor costs a product by a number of half the length and one plain addition, about
  0.6 of a full product. It pays where a number is used often: fixed-base tables and bucket products.
* *Fixed-base windows of one byte* (Brickell, Gordon, McCurley and Wilson, Eurocrypt 1992): base^e is the
  product of one table entry per byte of e.

Security: exponentiation by the secret p - 1 and q - 1 uses GMP's constant-time ``mpz_powm_sec``. The rest is not
constant time; its secrets are one-time random exponents, of which no two measurements share one. Whoever must
exclude timing inside one machine uses the native backend.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import gmpy2
import numpy as np
import numpy.typing as npt
from gmpy2 import mpz

from vfl.crypto.backends.base import Limbs, PublicBackend, SecretBackend
from vfl.crypto.multipliers import DIGIT_BITS

__all__ = ["available", "public", "secret"]

_In = TypeVar("_In")

_SPLIT_PAYS_FROM = 4
"""Uses of a ciphertext from which its split form is cheaper than plain products (its making costs about two)."""


def available() -> str | None:
    """None: gmpy2 is a hard dependency, so importing this module has shown it is there."""
    return None


def public(n: int, *, threads: int | None = None) -> PublicBackend:
    """Arithmetic under the public key n; ``threads`` None: as many as the process may use."""
    return _Public(n, threads)


def secret(p: int, q: int, *, bases: tuple[int, int], threads: int | None = None) -> SecretBackend:
    """Arithmetic for the key holder; ``bases`` = generators of the n-th residues mod p² and mod q²."""
    return _Secret(p, q, bases, threads)


def _inverses(values: Sequence[Any], modulus: Any) -> list[Any]:
    """Inverses of units by Montgomery's trick: one inversion and three products each."""
    running = mpz(1)
    before = []
    for value in values:
        before.append(running)
        running = running * value % modulus
    running = gmpy2.invert(running, modulus)
    out = [running] * len(values)
    for i in range(len(values) - 1, -1, -1):
        out[i] = running * before[i] % modulus
        running = running * values[i] % modulus
    return out


def _split(values: Sequence[Any], unit: Any) -> tuple[list[Any], list[Any]]:
    """Units mod unit² as (a, s) with value = a(1 + s unit)."""
    heads, tails = [], []
    for value in values:
        tail, head = gmpy2.f_divmod(value, unit)
        heads.append(head)
        tails.append(tail)
    return heads, [t * inverse % unit for t, inverse in zip(tails, _inverses(heads, unit), strict=True)]


def _integers(limbs: Limbs) -> list[Any]:
    size = limbs.shape[1] * 8
    raw = np.ascontiguousarray(limbs, dtype="<u8").tobytes()
    return [mpz.from_bytes(raw[start : start + size], "little") for start in range(0, len(raw), size)]


class _Batch:
    """A ciphertext array: residues mod n², and their split form once something has asked for it."""

    __slots__ = ("parts", "values")

    def __init__(self, values: list[Any], parts: tuple[list[Any], list[Any]] | None = None) -> None:
        self.values = values
        self.parts = parts


class _FixedBase:
    """Tables of 256 units in split form, one for each byte of an exponent of at most ``8 len(entries)`` bits."""

    __slots__ = ("_modulus", "_rows", "_unit")

    def __init__(self, entries: Iterable[list[Any]], unit: Any) -> None:
        self._unit, self._modulus = unit, unit * unit
        self._rows = [list(zip(*_split(row, unit), strict=True)) for row in entries]

    @classmethod
    def of_powers(cls, base: Any, unit: Any, exponent_bits: int) -> _FixedBase:
        """base^(digit * 256^row)."""

        def entries() -> Iterator[list[Any]]:
            start, modulus = mpz(base), unit * unit
            for _ in range(-(-exponent_bits // 8)):
                powers = [mpz(1)]
                for _ in range(255):
                    powers.append(powers[-1] * start % modulus)
                start = powers[-1] * start % modulus
                yield powers

        return cls(entries(), unit)

    @classmethod
    def of_subsets(cls, values: Sequence[Any], unit: Any) -> _FixedBase:
        """Products of the subsets of eight neighbours."""

        def entries() -> Iterator[list[Any]]:
            for first in range(0, len(values), 8):
                products = [mpz(1)]
                for value in values[first : first + 8]:
                    products += [p * value % (unit * unit) for p in products]
                yield products

        return cls(entries(), unit)

    def powers(self, exponents: Limbs) -> list[Any]:
        """base^e mod unit² for each row of ``exponents``; ValueError if one is longer than the table."""
        digits = np.ascontiguousarray(exponents, dtype="<u8").view(np.uint8)
        if digits[:, len(self._rows) :].any():
            raise ValueError("an exponent is longer than the table")
        modulus, unit = self._modulus, self._unit
        out = []
        for row_digits in digits:
            head, tail = mpz(1), mpz(0)
            # tolist: indexing a list by a Python int is far quicker than by a numpy scalar.
            for row, digit in zip(self._rows, row_digits.tolist(), strict=False):
                a, s = row[digit]
                head = head * a % modulus
                tail += s
            out.append(head * (1 + tail % unit * unit) % modulus)
        return out


class _Public:
    name = "gmpy2"

    def __init__(self, n: int, threads: int | None) -> None:
        self._n = mpz(n)
        self._n2 = self._n * self._n
        self._limbs = n.bit_length() // 64
        self._bytes = 2 * (n.bit_length() // 8)
        self.threads = threads or len(os.sched_getaffinity(0))

    def _spread(self, work: Callable[[Sequence[_In]], list[Any]], items: Sequence[_In]) -> list[Any]:
        """work over ``items``, cut into one piece per thread; GMP calls in it let other threads run."""

        def piece(part: Sequence[_In]) -> list[Any]:
            with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):
                return work(part)

        if self.threads == 1 or len(items) < 2:
            return work(items)
        step = -(-len(items) // self.threads)
        parts = [items[start : start + step] for start in range(0, len(items), step)]
        with ThreadPoolExecutor(len(parts)) as pool:
            return [value for values in pool.map(piece, parts) for value in values]

    def _parts(self, a: _Batch) -> tuple[list[Any], list[Any]]:
        if a.parts is None:
            a.parts = _split(a.values, self._n)
        return a.parts

    def load(self, raw: bytes | memoryview) -> _Batch:
        if len(raw) % self._bytes:
            raise ValueError("the length is not a whole number of ciphertexts")
        view = bytes(raw)
        values = [
            mpz.from_bytes(view[start : start + self._bytes], "little")
            for start in range(0, len(view), self._bytes)
        ]
        product = mpz(1)
        for index, value in enumerate(values):
            if not 0 < value < self._n2:
                raise ValueError(f"ciphertext {index} is out of range")
            product = product * (value % self._n) % self._n
        if gmpy2.gcd(product, self._n) != 1:
            index = next(i for i, value in enumerate(values) if gmpy2.gcd(value, self._n) != 1)
            raise ValueError(f"ciphertext {index} is not a unit")
        return _Batch(values)

    def dump(self, a: _Batch) -> bytes:
        return b"".join(value.to_bytes(self._bytes, "little") for value in a.values)

    def count(self, a: _Batch) -> int:
        return len(a.values)

    def take(self, a: _Batch, index: npt.NDArray[np.int64]) -> _Batch:
        chosen = index.tolist()
        parts = None
        if a.parts is not None:
            heads, tails = a.parts
            parts = [heads[i] for i in chosen], [tails[i] for i in chosen]
        return _Batch([a.values[i] for i in chosen], parts)

    def concat(self, parts: list[_Batch]) -> _Batch:
        return _Batch([value for part in parts for value in part.values])

    def trivial(self, m: Limbs) -> _Batch:
        return _Batch([(1 + value * self._n) % self._n2 for value in _integers(m)])

    def mul(self, a: _Batch, b: _Batch) -> _Batch:
        return _Batch([x * y % self._n2 for x, y in zip(a.values, b.values, strict=True)])

    def inverse(self, a: _Batch) -> _Batch:
        return _Batch(_inverses(a.values, self._n2))

    def power(self, a: _Batch, exponents: Limbs, negative: npt.NDArray[np.bool_] | None = None) -> _Batch:
        values = a.values
        if negative is not None and negative.any():
            where = np.flatnonzero(negative).tolist()
            values = list(values)
            for i, inverse in zip(where, _inverses([values[i] for i in where], self._n2), strict=True):
                values[i] = inverse
        pairs = list(zip(values, _integers(exponents), strict=True))
        return _Batch(self._spread(lambda part: [gmpy2.powmod(x, e, self._n2) for x, e in part], pairs))

    def multi_power(
        self, a: _Batch, digits: npt.NDArray[np.uint8], steps: npt.NDArray[np.int32]
    ) -> _Batch:
        groups, inputs = digits.shape[0], digits.shape[3]
        shifts, n2 = [1 << step for step in steps.tolist()], self._n2

        def tables(g: int) -> list[list[Any]]:
            out = []
            for x in a.values[g * inputs : (g + 1) * inputs]:
                powers = [mpz(1), x]
                for _ in range(2, 1 << DIGIT_BITS):
                    powers.append(powers[-1] * x % n2)
                out.append(powers)
            return out

        def straus(part: Sequence[int]) -> list[Any]:
            done = []
            for g in part:
                table = tables(g)
                for sums in digits[g].tolist():
                    total = mpz(1)
                    for shift, row in zip(shifts, sums, strict=False):
                        total = gmpy2.powmod(total, shift, n2) if shift > 1 else total
                        for powers, digit in zip(table, row, strict=True):
                            total = total * powers[digit] % n2
                    done.append(gmpy2.powmod(total, shifts[-1], n2) if shifts[-1] > 1 else total)
            return done

        return _Batch(self._spread(straus, range(groups)))

    def bucket_products(
        self, a: _Batch, bins: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
        rows: npt.NDArray[np.int32] | None, n_bins: npt.NDArray[np.int32],
    ) -> _Batch:
        n, n2 = self._n, self._n2
        chosen = bins if rows is None else bins[rows]
        index = np.arange(len(bins), dtype=np.int64) if rows is None else rows.astype(np.int64)
        split = a.parts is not None or len(index) * bins.shape[1] >= _SPLIT_PAYS_FROM * len(a.values)
        heads, tails = self._parts(a) if split else (a.values, [])
        out = []
        for feature, bins_here in enumerate(n_bins.tolist()):
            column = chosen[:, feature]
            order = np.argsort(column, kind="stable")
            edges = np.searchsorted(column[order], np.arange(bins_here + 1))
            members = index[order].tolist()
            for first, last in pairwise(edges.tolist()):
                product = mpz(1)
                for i in members[first:last]:
                    product = product * heads[i] % n2
                if split:
                    tail = sum((tails[i] for i in members[first:last]), mpz(0))
                    product = product * (1 + tail % n * n) % n2
                out.append(product)
        return _Batch(out)

    def pack(self, a: _Batch, per: int, width: int) -> _Batch:
        shift = mpz(1) << width

        def horner(groups: Sequence[list[Any]]) -> list[Any]:
            packed = []
            for group in groups:
                total = group[-1]
                for value in group[-2::-1]:
                    total = gmpy2.powmod(total, shift, self._n2) * value % self._n2
                packed.append(total)
            return packed

        return _Batch(self._spread(horner, [a.values[i : i + per] for i in range(0, len(a.values), per)]))

    def nth_powers(self, r: Limbs) -> _Batch:
        return _Batch(self._spread(lambda part: gmpy2.powmod_base_list(part, self._n, self._n2), _integers(r)))

    def fixed_base_table(self, base: int, exponent_bits: int) -> _FixedBase:
        return _FixedBase.of_powers(base, self._n, exponent_bits)

    def subset_table(self, a: _Batch) -> _FixedBase:
        return _FixedBase.of_subsets(a.values, self._n)

    def fixed_base_powers(self, table: _FixedBase, exponents: Limbs) -> _Batch:
        return _Batch(table.powers(exponents))


class _Secret(_Public):
    def __init__(self, p: int, q: int, bases: tuple[int, int], threads: int | None) -> None:
        super().__init__(p * q, threads)
        self._p, self._q = mpz(p), mpz(q)
        self._p2, self._q2 = self._p * self._p, self._q * self._q
        self._table_p = _FixedBase.of_powers(bases[0], self._p, p.bit_length())
        self._table_q = _FixedBase.of_powers(bases[1], self._q, q.bit_length())
        # (1 + n)^(p - 1) = 1 - n mod p², so the quotient to divide by is -q; the same for q.
        self._factor_p = gmpy2.invert(-self._q, self._p)
        self._factor_q = gmpy2.invert(-self._p, self._q)
        self._q_inverse = gmpy2.invert(self._q, self._p)
        self._q2_inverse = gmpy2.invert(self._q2, self._p2)

    def holder_randomisers(self, exponents_p: Limbs, exponents_q: Limbs) -> _Batch:
        return _Batch([
            y + self._q2 * ((x - y) * self._q2_inverse % self._p2)
            for x, y in zip(self._table_p.powers(exponents_p), self._table_q.powers(exponents_q), strict=True)
        ])

    def decrypt(self, a: _Batch) -> Limbs:
        def halves(part: Sequence[Any]) -> list[Any]:
            return [
                (
                    (gmpy2.powmod_sec(c % self._p2, self._p - 1, self._p2) - 1) // self._p * self._factor_p % self._p,
                    (gmpy2.powmod_sec(c % self._q2, self._q - 1, self._q2) - 1) // self._q * self._factor_q % self._q,
                )
                for c in part
            ]

        size = self._limbs * 8
        raw = b"".join(
            (m_q + self._q * ((m_p - m_q) * self._q_inverse % self._p)).to_bytes(size, "little")
            for m_p, m_q in self._spread(halves, a.values)
        )
        return np.frombuffer(raw, dtype="<u8").reshape(-1, self._limbs).astype(np.uint64)
