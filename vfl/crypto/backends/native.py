"""Paillier arithmetic on the compiled kernel: the same integers as :mod:`vfl.crypto.backends.gmpy2`, faster.

A ciphertext array is a plain uint64 matrix, one row per ciphertext, in the kernel's base-n Montgomery form
(vfl/_native/kernel.h). This module holds what the kernel leaves out: constants, slicing among threads, the
plan of a histogram, the one modular inversion of a batch, and the wiping of secrets.

Security: everything that depends on a private key or on a randomiser's exponent runs in constant time in the
kernel (masked table scans, fixed sequences of products). Setting up a key is not: a few inversions mod p and q in
Python, once. The integers p and q themselves are immutable and live until the interpreter drops them; arrays derived
from them are overwritten when the backend dies. Multipliers in :meth:`NativePublic.power` are the caller's own plain
numbers; their longest bit length shows in the time.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vfl._native import active_path, kernel, paths, why_not
from vfl._native.histogram import cut, rows_by_bin
from vfl._native.ring import Ring, Words
from vfl.crypto.backends.base import Limbs, PublicBackend, SecretBackend
from vfl.crypto.multipliers import DIGIT_BITS

__all__ = ["FixedBase", "NativePublic", "NativeSecret", "available", "public", "secret"]

_T = TypeVar("_T")


def available() -> str | None:
    """None if the kernel runs on this machine, else the reason."""
    return why_not()


def public(n: int, *, threads: int | None = None, path: str | None = None) -> PublicBackend:
    """Arithmetic under the public key n; ``path`` forces a path of the kernel."""
    return NativePublic(n, threads=threads, path=path)


def secret(
    p: int, q: int, *, bases: tuple[int, int], threads: int | None = None, path: str | None = None
) -> SecretBackend:
    """Arithmetic of the key holder; ``bases`` generate the n-th residues mod p² and mod q²."""
    return NativeSecret(p, q, bases=bases, threads=threads, path=path)


class FixedBase:
    """Window table of one base in split form: ``table[i][word][d]`` is a word of base^(d * 2^(window * i))."""

    __slots__ = ("bits", "table", "window")

    def __init__(self, bits: int, window: int, table: Words) -> None:
        self.bits = bits
        self.window = window
        self.table = table

    def __repr__(self) -> str:
        return f"<FixedBase {self.bits} bits>"

    def require(self, exponents: Limbs) -> None:
        """ValueError if an exponent is longer than the table."""
        word, bit = divmod(self.bits, 64)
        above = exponents[:, word:].copy()
        if above.size:
            above[:, 0] >>= np.uint64(bit)
        if above.any():
            raise ValueError("an exponent is longer than the table")


class NativePublic:
    """Batch arithmetic mod n² for one public key."""

    def __init__(self, n: int, *, threads: int | None = None, path: str | None = None) -> None:
        self._path = paths()[path or active_path()]
        self.name = f"native ({self._path.name})"
        self.threads = threads or len(os.sched_getaffinity(0))
        self._n = n
        self._ring = Ring(self._path, n)
        self._words = n.bit_length() // 64
        self._width = 2 * (n.bit_length() // 8)
        if n.bit_length() % 64:
            raise ValueError("the key's length must be a multiple of 64 bits")
        self._square = (n * n).to_bytes(self._width, "little")
        self._pool = ThreadPoolExecutor(self.threads, "paillier") if self.threads > 1 else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._path.name} {self._n.bit_length()} bits, {self.threads} threads>"

    # -- in and out ------------------------------------------------------------------------------------------

    def load(self, raw: bytes | memoryview) -> Words:
        if len(raw) % self._width:
            raise ValueError("the length is not a whole number of ciphertexts")
        view = memoryview(raw).cast("B")
        out = self._empty(len(raw) // self._width)

        def piece(start: int, stop: int) -> int:
            units = np.empty((self._path.lanes, self._ring.limbs), dtype=np.uint64)
            part = view[start * self._width : stop * self._width]
            refused = kernel.load(self._ring.record, out[start:stop], part, self._square, units)
            if refused >= 0:
                raise ValueError(f"ciphertext {start + refused} is out of range")
            return math.prod(self._ring.integer(row) for row in units) % self._n

        products = self._spread(len(out), piece)
        # A number shares a factor with n exactly if their product does: one gcd for all of them.
        if math.gcd(math.prod(products), self._n) != 1:
            values = (int.from_bytes(view[i : i + self._width], "little") for i in range(0, len(raw), self._width))
            index = next(i for i, value in enumerate(values) if math.gcd(value, self._n) != 1)
            raise ValueError(f"ciphertext {index} is not a unit")
        return out

    def dump(self, a: Words) -> bytes:
        raw = bytearray(len(a) * self._width)
        view = memoryview(raw)

        def piece(start: int, stop: int) -> None:
            kernel.dump(self._ring.record, view[start * self._width : stop * self._width], a[start:stop])

        self._spread(len(a), piece)
        return bytes(raw)

    def count(self, a: Words) -> int:
        return len(a)

    def take(self, a: Words, index: npt.NDArray[np.int64]) -> Words:
        return a[index]

    def concat(self, parts: list[Words]) -> Words:
        return np.concatenate(parts)

    # -- arithmetic ------------------------------------------------------------------------------------------

    def trivial(self, m: Limbs) -> Words:
        m = _limbs(m)
        if m.shape[1] > self._words:
            raise ValueError("a plaintext is longer than the key")
        out = self._empty(len(m))
        self._spread(len(m), lambda i, j: kernel.trivial(self._ring.record, out[i:j], m[i:j], m.shape[1]))
        return out

    def mul(self, a: Words, b: Words) -> Words:
        out = self._empty(len(a))
        if len(a) != len(b):
            raise ValueError("the arrays differ in length")
        self._spread(len(a), lambda i, j: kernel.mul(self._ring.record, out[i:j], a[i:j], b[i:j]))
        return out

    def inverse(self, a: Words) -> Words:
        return self._inverse(self._ring, a)

    def power(self, a: Words, exponents: Limbs, negative: npt.NDArray[np.bool_] | None = None) -> Words:
        exponents = _limbs(exponents)
        if len(a) != len(exponents):
            raise ValueError("not one exponent per ciphertext")
        if negative is not None and negative.any():
            where = np.flatnonzero(negative)
            a = a.copy()
            a[where] = self.inverse(a[where])
        out, words = self._empty(len(a)), exponents.shape[1]
        self._spread(len(a), lambda i, j: kernel.power(self._ring.record, out[i:j], a[i:j], exponents[i:j], words))
        return out

    def multi_power(self, a: Words, digits: npt.NDArray[np.uint8], steps: npt.NDArray[np.int32]) -> Words:
        groups, outputs, positions, inputs = digits.shape
        out = np.empty((groups, outputs, self._ring.words), dtype=np.uint64)
        numbers = a.reshape(groups, inputs, self._ring.words)

        def piece(some: slice, sums: slice) -> None:
            """Sums ``sums`` of the groups ``some``; who shares a group makes its tables anew."""
            part = np.ascontiguousarray(digits[some, sums])
            products = np.empty((*part.shape[:2], self._ring.words), dtype=np.uint64)
            kernel.multi_power(
                self._ring.record, products, numbers[some], part, steps, len(part), inputs, part.shape[1], positions,
                DIGIT_BITS,
            )  # fmt: skip
            out[some, sums] = products

        every = slice(None)
        if outputs == 1:  # lanes run over groups
            self._spread(groups, lambda i, j: piece(slice(i, j), every))
        elif groups >= self.threads:
            self._spread(groups, lambda i, j: piece(slice(i, j), every), lanes=1)
        else:
            for g in range(groups):
                self._spread(outputs, functools.partial(lambda g, i, j: piece(slice(g, g + 1), slice(i, j)), g))
        return out.reshape(groups * outputs, self._ring.words)

    def bucket_products(
        self, a: Words, bins: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
        rows: npt.NDArray[np.int32] | None, n_bins: npt.NDArray[np.int32],
    ) -> Words:
        if bins.ndim != 2 or bins.dtype not in (np.uint8, np.uint16) or bins.shape != (len(a), len(n_bins)):
            raise ValueError("bins must be uint8 or uint16 of shape (ciphertexts, features)")
        parts = [self._empty(0)]
        parts += [self._segments(a, order, offsets) for order, offsets in rows_by_bin(bins, rows, n_bins)]
        return np.concatenate(parts)

    def pack(self, a: Words, per: int, width: int) -> Words:
        groups = -(-len(a) // per)
        out = self._empty(groups)
        self._spread(
            groups, lambda i, j: kernel.pack(self._ring.record, out[i:j], a[i * per : j * per], per, width)
        )
        return out

    def nth_powers(self, r: Limbs) -> Words:
        # r < n is its own residue mod n^2; loading it refuses one that shares a factor with n.
        raw = np.zeros((len(r), 2 * self._words), dtype="<u8")
        raw[:, : r.shape[1]] = r
        a, out = self.load(raw.tobytes()), self._empty(len(r))
        n = np.frombuffer(self._n.to_bytes(self._words * 8, "little"), dtype=np.uint64)
        self._spread(len(a), lambda i, j: kernel.power_shared(self._ring.record, out[i:j], a[i:j], n))
        return out

    def fixed_base_table(self, base: int, exponent_bits: int) -> FixedBase:
        return self._fixed_base(self._ring, base, exponent_bits)

    def subset_table(self, a: Words) -> FixedBase:
        window = self._path.window
        windows, words = -(-len(a) // window), self._ring.words
        one = self.trivial(np.zeros((1, self._words), dtype=np.uint64))
        each = np.concatenate([a, np.repeat(one, windows * window - len(a), axis=0)]).reshape(windows, window, words)
        rows = np.repeat(one, windows << window, axis=0).reshape(windows, 1 << window, words)
        for bit in range(window):
            half = 1 << bit
            factor = np.repeat(each[:, bit], half, axis=0)
            doubled = self.mul(np.ascontiguousarray(rows[:, :half]).reshape(-1, words), factor)
            rows[:, half : 2 * half] = doubled.reshape(windows, half, words)
        return self._split_table(self._ring, rows.reshape(-1, words), len(a))

    def fixed_base_powers(self, table: FixedBase, exponents: Limbs) -> Words:
        return self._table_powers(self._ring, table, exponents)

    # -- inside ----------------------------------------------------------------------------------------------

    def _empty(self, count: int) -> Words:
        return np.empty((count, self._ring.words), dtype=np.uint64)

    def _spread(self, count: int, work: Callable[[int, int], _T], lanes: int = 0) -> list[_T]:
        """work(start, stop) over slices of ``count`` numbers, whole groups of lanes each; results in order."""
        if count == 0:
            return []
        lanes = lanes or self._path.lanes
        groups = -(-count // lanes)
        slices = min(self.threads, groups)
        edges = [min(count, groups * i // slices * lanes) for i in range(slices + 1)]
        return self._each(slices, lambda i: work(edges[i], edges[i + 1]))

    def _each(self, count: int, work: Callable[[int], _T]) -> list[_T]:
        if self._pool is None or count == 1:
            return [work(i) for i in range(count)]
        return list(self._pool.map(work, range(count)))

    def _inverse(self, ring: Ring, a: Words) -> Words:
        """Montgomery's trick (1987): running products, one inversion for the whole batch, and back."""
        lanes = self._path.lanes
        prefix, out = np.empty_like(a), np.empty_like(a)
        if not len(a):
            return out

        def forward(start: int, stop: int) -> tuple[int, int, Words]:
            totals = np.empty((lanes, ring.words), dtype=np.uint64)
            kernel.running(ring.record, prefix[start:stop], totals, a[start:stop])
            return start, stop, totals

        pieces = self._spread(len(a), forward)
        inverted = ring.inverses([value for *_, totals in pieces for value in ring.integers(totals)])

        def back(index: int) -> None:
            start, stop, _ = pieces[index]
            totals = np.stack([ring.element(value) for value in inverted[index * lanes : (index + 1) * lanes]])
            kernel.unwind(ring.record, out[start:stop], prefix[start:stop], totals, a[start:stop])

        self._each(len(pieces), back)
        return out

    def _fixed_base(self, ring: Ring, base: int, bits: int) -> FixedBase:
        window = self._path.window
        rows = np.empty((-(-bits // window) << window, ring.words), dtype=np.uint64)
        kernel.table(ring.record, rows, ring.element(base), window)
        return self._split_table(ring, rows, bits)

    def _split_table(self, ring: Ring, rows: Words, bits: int) -> FixedBase:
        """The entries of all windows in split form, as the kernel reads them; ``rows`` is overwritten."""
        window = self._path.window
        windows, entries = -(-bits // window), 1 << window
        # The kernel adds one number below n per window in the slack above n, and at most 2^12 in a column.
        if bits < 1 or windows >> min(ring.slack_bits, 12):
            raise ValueError("a fixed-base table of this length cannot be made for this key")
        heads = rows.copy()
        heads[:, ring.limbs :] = 0
        inverse = self._inverse(ring, heads)
        self._spread(len(rows), lambda i, j: kernel.split(ring.record, rows[i:j], rows[i:j], inverse[i:j]))
        columns = rows.reshape(windows, entries, ring.words).transpose(0, 2, 1)
        table = np.ascontiguousarray(columns)
        if self._path.table_bytes:
            loose = table.astype("<u8", copy=False).view(np.uint8).reshape(windows, ring.words, entries, 8)
            table[:] = np.ascontiguousarray(loose.transpose(0, 1, 3, 2)).view("<u8").reshape(table.shape)
        for secret_words in (rows, heads, inverse):
            secret_words.fill(0)
        return FixedBase(bits, window, table)

    def _table_powers(self, ring: Ring, table: FixedBase, exponents: Limbs) -> Words:
        exponents = _limbs(exponents)
        table.require(exponents)
        out = np.empty((len(exponents), ring.words), dtype=np.uint64)
        words = exponents.shape[1]
        self._spread(
            len(out),
            lambda i, j: kernel.table_powers(
                ring.record, out[i:j], table.table, exponents[i:j], words, table.window
            ),
        )
        return out

    def _segments(self, a: Words, order: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64]) -> Words:
        """Products of a[order[offsets[s]:offsets[s + 1]]]."""
        pieces, joins = cut(offsets, self._path.lanes * self.threads)
        products = self._pieces(a, order, pieces)
        if len(joins) == len(pieces):
            return products
        return self._pieces(products, np.arange(len(pieces), dtype=np.int32), joins)

    def _pieces(self, a: Words, order: npt.NDArray[np.int32], bounds: npt.NDArray[np.int64]) -> Words:
        """One product per range of ``order``; long ranges first, dealt round the threads."""
        out = self._empty(len(bounds))
        ranked = np.argsort(bounds[:, 0] - bounds[:, 1], kind="stable")
        hands = min(self.threads, max(1, len(bounds) // self._path.lanes))

        def play(hand: int) -> None:
            mine = ranked[hand::hands]
            part = self._empty(len(mine))
            kernel.segments(self._ring.record, part, a, order, np.ascontiguousarray(bounds[mine]))
            out[mine] = part

        self._each(hands, play)
        return out


class NativeSecret(NativePublic):
    """The key holder's arithmetic: mod p² and q² apart, joined by Chinese remainders."""

    def __init__(
        self, p: int, q: int, *, bases: tuple[int, int], threads: int | None = None, path: str | None = None
    ) -> None:
        super().__init__(p * q, threads=threads, path=path)
        if p.bit_length() != q.bit_length() or p == q:
            raise ValueError("the primes must differ and have the same length")
        outer, self._exponents = self._ring, [self._exponent(p), self._exponent(q)]
        half = -(-outer.limbs // 2)
        self._ring_p, self._ring_q = (Ring(self._path, prime, min_limbs=half) for prime in (p, q))
        self._half_p = _half_constants(self._ring_p, outer, q)
        self._half_q = _half_constants(self._ring_q, outer, p)
        radix_p = self._ring_p.radix
        self._garner = np.concatenate([
            self._ring_p.digits(p * -(-q // p), self._ring_p.limbs),
            self._ring_p.residue(pow(q, -1, p) * radix_p),
            self._ring_p.digits(q, self._ring_p.limbs),
        ])
        scale = outer.radix * pow(radix_p, -1, self._n**2)
        self._crt = np.concatenate([
            outer.element(q * q * pow(q * q, -1, p * p) * scale),
            outer.element(p * p * pow(p * p, -1, q * q) * scale),
        ])
        self._table_p = self._fixed_base(self._ring_p, bases[0], p.bit_length())
        self._table_q = self._fixed_base(self._ring_q, bases[1], q.bit_length())

    def __del__(self) -> None:
        self.wipe()

    def wipe(self) -> None:
        """Overwrite every array derived from the primes; the backend is of no use afterwards."""
        held = self.__dict__
        for name in ("_half_p", "_half_q", "_garner", "_crt"):
            if name in held:
                held[name].fill(0)
        for name in ("_ring_p", "_ring_q"):
            if name in held:
                held[name].record.fill(0)
        for name in ("_table_p", "_table_q"):
            if name in held:
                held[name].table.fill(0)
        for words in held.get("_exponents", ()):
            words.fill(0)

    def holder_randomisers(self, exponents_p: Limbs, exponents_q: Limbs) -> Words:
        if len(exponents_p) != len(exponents_q):
            raise ValueError("the exponents differ in count")
        a_p = self._table_powers(self._ring_p, self._table_p, exponents_p)
        a_q = self._table_powers(self._ring_q, self._table_q, exponents_q)
        out, records = self._empty(len(a_p)), (self._ring.record, self._ring_p.record, self._ring_q.record)
        self._spread(
            len(out), lambda i, j: kernel.join_elements(*records, out[i:j], a_p[i:j], a_q[i:j], self._crt)
        )
        # A randomiser beside its residue mod p^2 would factor n.
        a_p.fill(0)
        a_q.fill(0)
        return out

    def decrypt(self, a: Words) -> Limbs:
        limbs = self._ring_p.limbs
        plain_p, plain_q = (np.empty((len(a), limbs), dtype=np.uint64) for _ in range(2))
        out = np.empty((len(a), self._words), dtype=np.uint64)

        def piece(i: int, j: int) -> None:
            for ring, plain, constants, exponent in (
                (self._ring_p, plain_p, self._half_p, self._exponents[0]),
                (self._ring_q, plain_q, self._half_q, self._exponents[1]),
            ):
                kernel.half_plain(ring.record, plain[i:j], a[i:j], constants, exponent, self._ring.limbs)
            kernel.join_plain(
                self._ring_p.record, out[i:j], plain_p[i:j], plain_q[i:j], self._garner, self._words
            )

        self._spread(len(a), piece)
        return out

    @staticmethod
    def _exponent(prime: int) -> Words:
        """The exponent prime - 1."""
        size = -(-prime.bit_length() // 64) * 8
        return np.frombuffer(bytearray((prime - 1).to_bytes(size, "little")), dtype=np.uint64)


def _limbs(a: Limbs) -> Limbs:
    if a.ndim != 2 or a.dtype != np.uint64 or a.shape[1] == 0:
        raise ValueError("numbers must be uint64 arrays of shape (count, limbs)")
    return np.ascontiguousarray(a)


def _half_constants(ring: Ring, outer: Ring, cofactor: int) -> Words:
    """What ``half_plain`` needs for one prime: two chunks' factors, their tails, and 1/L((1 + n)^(p - 1))."""
    prime, radix = ring.modulus, ring.radix
    undo = pow(outer.radix, -1, prime * prime)
    # (1 + n)^(p - 1) = 1 - n mod p^2 = 1 - cofactor*p, so L is -cofactor.
    return np.concatenate([
        ring.element(undo * radix),
        ring.element(undo * radix**2),
        ring.residue(cofactor * undo * radix**2),
        ring.residue(cofactor * undo * radix**3),
        ring.residue(pow(-cofactor, -1, prime) * radix),
    ])
