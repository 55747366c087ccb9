"""An oblivious key-value store: a table that answers every key, and tells nobody which keys were stored.

Encode n pairs (key, value); decode any key: a stored one gives its value, any other a pseudorandom one. If
the values are uniform, so is the whole table, whatever the keys. The 3-hash garbled cuckoo table of Garimella,
Pinkas, Rosulek, Trieu, Yanai, "Oblivious Key-Value Stores and Amplification for Private Set Intersection"
(CRYPTO 2021): a key points to one slot in each of three segments and to a random subset of 64 *dense* slots,
and its value is the XOR of all of them. Keys that use a slot alone are removed with it, round by round
(peeling), and solved last, in reverse; the few that remain, the *core*, are solved first, by elimination over
GF(2) on the dense slots.

Keys are three pseudorandom words: two hold the three slots, one the dense subset. Values are single words.

Failure. The table has 1.35 n + 192 sparse words. Where peeling starts to leave a large core, loads (keys per
word) are distributed around 0.8185 - O(n^-2/3) with a width of order n^-1/2 (Dembo and Montanari, "Finite
size scaling for the core of large random hypergraphs", Annals of Applied Probability 2008); measured by
``benchmarks/psi.py`` at n = 1,024: 0.812 and 0.46/√n. Our load is 0.650 there, 0.714 at 4,096 and below 0.741
everywhere: ten widths away or more. Small cores do occur, mostly two keys with the same slots, once in n/5
tables; elimination then fails with 2^(c-64) for c keys. :func:`encode` raises if it fails; nothing has been
sent by then, and the run is repeated under another job.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vfl.crypto.randomness import RandomStream
from vfl.errors import CryptoError, Text

__all__ = ["Words", "decode", "encode", "table_words"]

Words = npt.NDArray[np.uint64]
Index = npt.NDArray[np.int64]

_DENSE = 64


def _segment(count: int) -> int:
    return -(-9 * count // 20) + 64


def table_words(count: int) -> int:
    """Length of the table for ``count`` pairs, in 8-byte words; it depends on nothing else."""
    return 3 * _segment(count) + _DENSE


def _slots(keys: Words, segment: int) -> Index:
    """The three slots of each key, shape (3, n): 32 bits scaled to the segment (bias below segment/2³²)."""
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    words = np.stack([keys[:, 0] & low, keys[:, 0] >> half, keys[:, 1] & low])
    return ((words * np.uint64(segment)) >> half).astype(np.int64) + np.arange(3)[:, None] * segment


def _dense_sums(dense: Words, subsets: Words) -> Words:
    """XOR of the dense slots in each subset (bit j: slot j), by eight tables of 256 partial sums."""
    out = np.zeros(len(subsets), dtype=np.uint64)
    for byte in range(_DENSE // 8):
        partial = np.zeros(256, dtype=np.uint64)
        for bit in range(8):
            partial[1 << bit : 2 << bit] = partial[: 1 << bit] ^ dense[8 * byte + bit]
        out ^= partial[((subsets >> np.uint64(8 * byte)) & np.uint64(255)).astype(np.intp)]
    return out


def _sparse_sums(table: Words, slots: Index) -> Words:
    out: Words = table[slots[0]] ^ table[slots[1]] ^ table[slots[2]]
    return out


def _peel(slots: Index, size: int) -> tuple[list[tuple[Index, Index]], Index]:
    """Rounds of (keys, the slot each uses alone) in order of removal, and the keys of the core.

    A slot keeps the number of its users and the sum of their indices: at one user, the sum is the user.
    """
    count = slots.shape[1]
    every = np.arange(count, dtype=np.int64)
    users = np.bincount(slots.ravel(), minlength=size)
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, slots.ravel(), np.tile(every, 3))
    left = np.ones(count, dtype=np.bool_)
    rounds = []
    alone = np.flatnonzero(users == 1)
    while len(alone):
        keys, first = np.unique(total[alone], return_index=True)
        rounds.append((keys, alone[first]))
        left[keys] = False
        touched = slots[:, keys]
        np.subtract.at(users, touched.ravel(), 1)
        np.subtract.at(total, touched.ravel(), np.tile(keys, 3))
        alone = np.unique(touched[users[touched] == 1])
    return rounds, every[left]


def _solve_core(dense: Words, subsets: Words, targets: Words) -> None:
    """Change ``dense`` in place so that ``_dense_sums(dense, subsets) == targets``; what is free stays."""
    rows: list[tuple[int, int, int]] = []  # (pivot bit, subset, value), every pivot in its own row only
    for subset, value in zip(subsets.tolist(), targets.tolist(), strict=True):
        for pivot, row_subset, row_value in rows:
            if subset >> pivot & 1:
                subset, value = subset ^ row_subset, value ^ row_value
        if not subset:
            raise CryptoError(
                "PSI_STORE_SINGULAR",
                Text("the key-value store has no solution (chance below 2^-40)",
                     "键值存储方程无解（概率低于 2^-40）"),
                cure=Text("run the alignment again as a new job", "请以新作业重新对齐"),
            )
        new = subset.bit_length() - 1
        rows = [
            (p, s ^ subset, v ^ value) if s >> new & 1 else (p, s, v) for p, s, v in rows
        ]
        rows.append((new, subset, value))
    for pivot, subset, value in rows:
        free = np.array([subset & ~(1 << pivot)], dtype=np.uint64)
        dense[pivot] = np.uint64(value) ^ _dense_sums(dense, free)[0]


def encode(keys: Words, values: Words, stream: RandomStream) -> Words:
    """The table for ``keys`` (n, 3), distinct and pseudorandom, and ``values`` (n,).

    ``stream`` fills what the pairs leave free. Length :func:`table_words` of n.

    Raises
    ------
    CryptoError
        ``PSI_STORE_SINGULAR``: the core has no solution (see the module; or two keys were equal).
    """
    segment = _segment(len(keys))
    table = stream.limbs(table_words(len(keys)), 1)[:, 0]
    dense = table[3 * segment :]
    slots = _slots(keys, segment)
    rounds, core = _peel(slots, 3 * segment)
    _solve_core(dense, keys[core, 2], values[core] ^ _sparse_sums(table, slots[:, core]))
    rest = values ^ _dense_sums(dense, keys[:, 2])
    for members, own in reversed(rounds):
        table[own] ^= rest[members] ^ _sparse_sums(table, slots[:, members])
    return table


def decode(table: Words, keys: Words, count: int) -> Words:
    """The values of ``keys`` (m, 3) in a table made for ``count`` pairs: shape (m,)."""
    segment = _segment(count)
    return _sparse_sums(table, _slots(keys, segment)) ^ _dense_sums(table[3 * segment :], keys[:, 2])
