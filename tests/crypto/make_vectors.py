"""Writes vectors/paillier.json: answers from textbook formulas on Python integers, for every backend to meet.

The keys are inputs and stay; the rest is computed afresh. Nothing here uses the code under test except the random
streams, whose output is what an answer starts from. Run: ``python tests/crypto/make_vectors.py``.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import gmpy2

from vfl.crypto.randomness import RandomStream

FILE = Path(__file__).parent / "vectors" / "paillier.json"


def generator(p: int) -> int:
    """Smallest generator of Z_p^*, p - 1 = small primes times one large prime."""
    rest, factors = p - 1, []
    for f in range(2, 1 << 16):
        if rest % f == 0:
            factors.append(f)
            while rest % f == 0:
                rest //= f
    factors.append(rest)
    return next(g for g in range(2, 1000) if all(pow(g, (p - 1) // f, p) != 1 for f in factors))


def crt(x: int, m: int, y: int, k: int) -> int:
    return (x + m * ((y - x) * pow(m, -1, k) % k)) % (m * k)


def answers(p: int, q: int) -> dict[str, Any]:
    n = p * q
    n2, limbs = n * n, n.bit_length() // 64
    h_p, h_q = pow(generator(p), n, p * p), pow(generator(q), n, q * q)
    draw = RandomStream(hashlib.sha256(n.to_bytes(limbs * 8, "little")).digest())

    def enc(m: int, randomiser: int) -> int:
        return (1 + m * n) * randomiser % n2

    plain = [0, 1, n - 1, n // 2, draw.below(n, 1)[0]]
    r = [1 + value for value in draw.below(n - 1, len(plain))]
    c = [enc(m, pow(x, n, n2)) for m, x in zip(plain, r, strict=True)]
    e_p, e_q = draw.below(p - 1, 2), draw.below(q - 1, 2)
    residues = [crt(pow(h_p, a, p * p), p * p, pow(h_q, b, q * q), q * q) for a, b in zip(e_p, e_q, strict=True)]
    scalars = [3, -1, -(1 << 40) - 7, (1 << 63) + 5, 0]

    base_key, key = hashlib.sha256(b"base").digest(), hashlib.sha256(b"stream").digest()
    x = RandomStream(base_key).below(n - 1, 1)[0] + 1
    h = pow(-x * x % n, n, n2)
    base = pow(-x * x, n, n2)
    if h != base:
        raise RuntimeError("an n-th power mod n² depends on the root mod n only")
    exponents = RandomStream(key).bits(2, n.bit_length() // 2)
    short = [int.from_bytes(row.tobytes(), "little") for row in exponents]
    full = [1 + value for value in RandomStream(key).below(n - 1, 2)]
    stream = RandomStream(key)
    s_p, s_q = stream.below(p - 1, 2), stream.below(q - 1, 2)
    holder = [crt(pow(h_p, a, p * p), p * p, pow(h_q, b, q * q), q * q) for a, b in zip(s_p, s_q, strict=True)]
    width = 40
    return {
        "key_id": hashlib.sha256(b"vfl paillier key id 1\0" + n.to_bytes(limbs * 8, "little")).hexdigest()[:32],
        "base_p": hex(h_p),
        "base_q": hex(h_q),
        "encrypt": [{"m": hex(m), "r": hex(y), "c": hex(z)} for m, y, z in zip(plain, r, c, strict=True)],
        "holder_randomisers": [
            {"e_p": hex(a), "e_q": hex(b), "out": hex(out)} for a, b, out in zip(e_p, e_q, residues, strict=True)
        ],
        "add": [{"a": 1, "b": 4, "out": hex(c[1] * c[4] % n2)}, {"a": 2, "b": 2, "out": hex(c[2] ** 2 % n2)}],
        "negate": [{"a": 4, "out": hex(pow(c[4], -1, n2))}],
        "scale": [{"a": i, "k": k, "out": hex(pow(c[i], k, n2))} for i, k in enumerate(scalars)],
        "pack": [
            {"a": [0, 1], "per": 2, "width": width, "out": hex(c[0] * pow(c[1], 1 << width, n2) % n2)},
            {"a": [4], "per": 2, "width": width, "out": hex(c[4])},
        ],
        "streams": {
            "key": key.hex(),
            "base_key": base_key.hex(),
            "m": [hex(plain[3]), hex(plain[4])],
            "full": [hex(enc(plain[3 + i], pow(full[i], n, n2))) for i in range(2)],
            "own_base": [hex(enc(plain[3 + i], pow(base, short[i], n2))) for i in range(2)],
            "holder": [hex(enc(plain[3 + i], holder[i])) for i in range(2)],
        },
        "bad_ciphertexts": [
            {"why": "zero", "c": hex(0), "code": "CIPHERTEXT_RANGE"},
            {"why": "n², congruent to zero", "c": hex(n2), "code": "CIPHERTEXT_RANGE"},
            {"why": "one more than n²", "c": hex(n2 + 1), "code": "CIPHERTEXT_RANGE"},
            {"why": "all bits set", "c": hex((1 << (128 * limbs)) - 1), "code": "CIPHERTEXT_RANGE"},
            {"why": "n: no unit", "c": hex(n), "code": "CIPHERTEXT_UNIT"},
            {"why": "p: no unit", "c": hex(p), "code": "CIPHERTEXT_UNIT"},
            {"why": "q² times a unit", "c": hex(q * q * 12345 % n2), "code": "CIPHERTEXT_UNIT"},
        ],
    }


def bad_keys(keys: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    p, q = (int(keys["1024"][name], 16) for name in "pq")
    big_p, big_q = (int(keys["2048"][name], 16) for name in "pq")
    n = p * q
    even = big_p * big_q + 1
    root = int(gmpy2.next_prime(math.isqrt(1 << 1023) + 1))
    small = 1_048_573
    with_small_factor = small * ((1 << 1023) // small + 2 | 1)
    return [
        {"why": "short key without the label", "n": hex(n), "test_keys": False, "code": "KEY_BITS"},
        {"why": "length no multiple of 128", "n": hex(n >> 1 | 1), "test_keys": True, "code": "KEY_BITS"},
        {"why": "too short even for tests", "n": hex((1 << 383) + 1), "test_keys": True, "code": "KEY_BITS"},
        {"why": "even", "n": hex(even), "test_keys": False, "code": "KEY_EVEN"},
        {"why": "prime", "n": keys["2048"]["p"], "test_keys": True, "code": "KEY_PRIME"},
        {"why": "square", "n": hex(root * root), "test_keys": True, "code": "KEY_PERFECT_POWER"},
        {"why": "factor just below 2^20", "n": hex(with_small_factor), "test_keys": True, "code": "KEY_SMALL_FACTOR"},
    ]


def main() -> None:
    keys = json.loads(FILE.read_text())["keys"]
    out = {
        "keys": keys,
        "answers": {bits: answers(int(k["p"], 16), int(k["q"], 16)) for bits, k in keys.items()},
        "bad_keys": bad_keys(keys),
    }
    FILE.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
