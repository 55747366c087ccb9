"""Write vectors.json: inputs and results of every operation at 2,048 bits, by Python integers alone.

Run ``python tests/native/make_vectors.py`` only when an operation is added; the file is committed and must never
change for an operation that exists.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from native_helpers import primes, residue_generators, units

COUNT = 9
BITS = 2048


def vectors() -> dict[str, object]:
    p, q = primes(BITS)
    n = p * q
    n2 = n * n
    h_p, h_q = residue_generators(p, q)
    plain = [x % n for x in units(n, COUNT, seed=1)]
    r = [x % n for x in units(n, COUNT, seed=2)]
    cipher = [(1 + m * n) * pow(x, n, n2) % n2 for m, x in zip(plain, r, strict=True)]
    exponents = [x % (1 << 90) for x in units(n, COUNT, seed=3)]
    e_p = [x % (p - 1) for x in units(n, COUNT, seed=4)]
    e_q = [x % (q - 1) for x in units(n, COUNT, seed=5)]
    base = pow(7, n, n2)
    p2_part, q2_part = q * q * pow(q * q, -1, p * p), p * p * pow(p * p, -1, q * q)
    results = {
        "trivial": [(1 + m * n) % n2 for m in plain],
        "mul": [x * y % n2 for x, y in zip(cipher, cipher[::-1], strict=True)],
        "inverse": [pow(x, -1, n2) for x in cipher],
        "power": [pow(x, -e if i % 2 else e, n2) for i, (x, e) in enumerate(zip(cipher, exponents, strict=True))],
        "buckets": [math.prod(cipher[b::4]) % n2 for b in range(5)],
        "pack": [
            math.prod(pow(x, 1 << (30 * j), n2) for j, x in enumerate(cipher[i : i + 4])) % n2
            for i in range(0, COUNT, 4)
        ],
        "nth_powers": [pow(x, n, n2) for x in r],
        "fixed_base_powers": [pow(base, e, n2) for e in e_p],
        "holder_randomisers": [
            (pow(h_p, a, p * p) * p2_part + pow(h_q, b, q * q) * q2_part) % n2 for a, b in zip(e_p, e_q, strict=True)
        ],
    }
    inputs = {"plain": plain, "r": r, "cipher": cipher, "exponents": exponents, "e_p": e_p, "e_q": e_q}
    # Buckets beyond the last remainder stay empty: a product of nothing is 1.
    results["buckets"][4] = 1
    as_text = {"p": hex(p), "q": hex(q), "base": hex(base)}
    return as_text | {name: [hex(v) for v in group] for name, group in (inputs | results).items()}


if __name__ == "__main__":
    target = Path(__file__).with_name("vectors.json")
    target.write_text(json.dumps(vectors(), indent=0) + "\n")
    print(f"wrote {target.name}")
