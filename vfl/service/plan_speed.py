"""How fast this machine does the four operations that jobs are made of: five seconds of measuring.

The key is two plain random primes: good for timing, never used to hide anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gmpy2
import numpy as np

from vfl.crypto import limbs
from vfl.crypto.backends import choose, describe
from vfl.crypto.backends.base import PublicBackend, SecretBackend
from vfl.crypto.psi_curve import PsiScalar
from vfl.crypto.randomness import JobSeed, RandomStream

__all__ = ["Speed", "encryption_time", "measure_speed"]

_SHARE_S = 0.7
"""Seconds for each of the operations."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Microseconds of wall time per operation, with all cores that this process may use.

    ``encrypt`` and ``decrypt`` at the key holder, ``add`` one row into one feature's bins, ``pack`` one sum into its
    slot, ``seal`` one full-size re-randomisation, ``blind`` one firm's code under one scalar.
    """

    key_bits: int
    threads: int
    backend: str
    encrypt: float
    decrypt: float
    add: float
    pack: float
    seal: float
    blind: float


def measure_speed(key_bits: int, *, slot_bits: int, per: int) -> Speed:
    """Measure at this key length; ``slot_bits`` and ``per`` are the job's layout of sums in ciphertexts."""
    stream = JobSeed.fresh().stream("calibration", key_bits)
    secret, public, encrypt = _key(stream, key_bits)
    words = key_bits // 64

    sample = public.load(secret.dump(encrypt(64)))
    few = public.take(sample, np.arange(per * (64 // per or 1), dtype=np.int64) % 64)
    own = secret.load(public.dump(sample))
    big = public.take(sample, np.zeros(2048, dtype=np.int64))
    bins = np.tile(np.arange(2048, dtype=np.uint8)[:, None] % 32, (1, 4))
    widths = np.full(4, 32, dtype=np.int32)
    randoms = limbs.from_ints([v + 1 for v in stream.below((1 << (key_bits - 1)) - 1, 32)], words)
    scalar = PsiScalar.derive(stream)
    firms = [f"91330100QQ{i:08d}" for i in range(512)]
    return Speed(
        key_bits=key_bits,
        threads=secret.threads,
        backend=describe().name,
        encrypt=_microseconds(lambda: encrypt(64), 64),
        decrypt=_microseconds(lambda: secret.decrypt(own), 64),
        add=_microseconds(lambda: public.bucket_products(big, bins, None, widths), 4 * 2048),
        pack=_microseconds(lambda: public.pack(few, per, slot_bits), public.count(few)),
        seal=_microseconds(lambda: public.nth_powers(randoms), 32),
        blind=_microseconds(lambda: scalar.blind_ids(firms, b"calibration"), 512),
    )


def encryption_time(key_bits: int) -> float:
    """Microseconds of one encryption by the key holder with all its threads, in a fraction of a second.

    Made of processor time, so that what else runs here for the moment does not make the machine look slow.
    """
    secret, _, encrypt = _key(JobSeed.fresh().stream("calibration", key_bits), key_bits)
    encrypt(64)
    times = []
    for _ in range(5):
        began = time.process_time()
        encrypt(64)
        times.append(time.process_time() - began)
    return 1e6 * min(times) / 64 / secret.threads


def _key(stream: RandomStream, key_bits: int) -> tuple[SecretBackend, PublicBackend, Callable[[int], Any]]:
    """(secret, public, encryption of so many small numbers) of a throw-away key."""
    p, q = (_prime(stream, key_bits // 2) for _ in range(2))
    n = p * q
    # Timing does not depend on which residues are raised; the holder's own bases are n-th powers as these are.
    secret = choose().secret(p, q, bases=(pow(3, n, p * p), pow(3, n, q * q)))
    words, half = key_bits // 64, key_bits // 128
    plain = np.zeros((64, words), dtype=np.uint64)
    plain[:, 0] = np.arange(64)

    def encrypt(count: int) -> Any:
        exponents = [limbs.from_ints(stream.below(m - 1, count), half) for m in (p, q)]
        return secret.mul(secret.trivial(np.resize(plain, (count, words))), secret.holder_randomisers(*exponents))

    return secret, choose().public(n), encrypt


def _prime(stream: RandomStream, bits: int) -> int:
    top = (1 << (bits - 1)) | (1 << (bits - 2))
    return int(gmpy2.next_prime(top | int.from_bytes(stream.bytes(bits // 8), "little") >> 2))


def _microseconds(work: Callable[[], object], units: int) -> float:
    """Best of repeated runs within this operation's share of the five seconds: others' load only ever adds."""
    work()
    best, deadline = float("inf"), time.perf_counter() + _SHARE_S
    while True:
        began = time.perf_counter()
        work()
        now = time.perf_counter()
        best = min(best, now - began)
        if now > deadline:
            return 1e6 * best / units
