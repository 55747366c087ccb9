"""Known answers at 2,048 bits (vectors.json, made by make_vectors.py), and the integers of phe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import phe
import pytest
from native_helpers import PATHS, ints, limbs, raw, residue_generators, values

from vfl.crypto.backends.native import NativeSecret

TEXT: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_text())
P, Q, BASE = (int(TEXT[name], 16) for name in ("p", "q", "base"))
N = P * Q
KNOWN = {name: [int(v, 16) for v in group] for name, group in TEXT.items() if isinstance(group, list)}


@pytest.mark.parametrize("path", PATHS)
def test_known_answers(path: str) -> None:
    backend = NativeSecret(P, Q, bases=residue_generators(P, Q), threads=1, path=path)
    cipher = backend.load(raw(KNOWN["cipher"], N))
    count = len(cipher)
    plain, r, e_p, e_q = (limbs(KNOWN[name], width) for name, width in
                          (("plain", 32), ("r", 32), ("e_p", 16), ("e_q", 16)))
    exponents = limbs(KNOWN["exponents"], 2)
    bins = (np.arange(count) % 4).astype(np.uint8).reshape(-1, 1)
    table = backend.fixed_base_table(BASE, 1024)
    got = {
        "trivial": backend.trivial(plain),
        "mul": backend.mul(cipher, np.ascontiguousarray(cipher[::-1])),
        "inverse": backend.inverse(cipher),
        "power": backend.power(cipher, exponents, np.arange(count) % 2 == 1),
        "buckets": backend.bucket_products(cipher, bins, None, np.array([5], dtype=np.int32)),
        "pack": backend.pack(cipher, 4, 30),
        "nth_powers": backend.nth_powers(r),
        "fixed_base_powers": backend.fixed_base_powers(table, e_p),
        "holder_randomisers": backend.holder_randomisers(e_p, e_q),
    }
    for name, a in got.items():
        assert values(backend.dump(a), N) == KNOWN[name], name
    assert ints(backend.decrypt(cipher)) == KNOWN["plain"]
    # Encryption with an injected r: a product of the two parts.
    assert values(backend.dump(backend.mul(got["trivial"], got["nth_powers"])), N) == KNOWN["cipher"]


def test_phe_makes_the_same_integers() -> None:
    key = phe.PaillierPublicKey(N)
    made = [key.raw_encrypt(m, r_value=r) for m, r in zip(KNOWN["plain"][:3], KNOWN["r"][:3], strict=True)]
    assert made == KNOWN["cipher"][:3]
