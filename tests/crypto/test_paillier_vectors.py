"""Known answers from textbook formulas (make_vectors.py), all key sizes, all backends, bad inputs included."""

from __future__ import annotations

import numpy as np
import pytest

from vfl.crypto import limbs
from vfl.crypto.backends import choose
from vfl.crypto.paillier import AdditiveHE, SealedCiphertexts
from vfl.crypto.randomness import RandomStream
from vfl.errors import InvalidCiphertext

SIZES = [512, 1024, 2048, *(pytest.param(bits, marks=pytest.mark.slow) for bits in (3072, 4096))]


def unhex(values):
    return [int(value, 16) for value in values]


def column(entries, name):
    return unhex(entry[name] for entry in entries)


@pytest.fixture(params=SIZES, ids=str)
def bits(request):
    return request.param


@pytest.fixture
def known(vectors, bits):
    return vectors["answers"][str(bits)]


@pytest.fixture
def arithmetic(backend, key_of, bits):
    """The bare backend under the public key, with load and dump on integers."""
    public = key_of(bits).public
    engine = choose(backend).public(public.n)
    size = 2 * public.key_bytes

    def load(values):
        return engine.load(b"".join(v.to_bytes(size, "little") for v in values))

    def dump(array):
        raw = engine.dump(array)
        return [int.from_bytes(raw[i : i + size], "little") for i in range(0, len(raw), size)]

    return engine, load, dump, public.limbs


def test_key_identity_and_bases(key_of, bits, known):
    private = key_of(bits)
    assert private.public.key_id.hex() == known["key_id"]
    assert list(private.bases) == [int(known["base_p"], 16), int(known["base_q"], 16)]


def test_encryption_with_given_randomness(arithmetic, known):
    engine, _, dump, words = arithmetic
    entries = known["encrypt"]
    trivial = engine.trivial(limbs.from_ints(column(entries, "m"), words))
    powers = engine.nth_powers(limbs.from_ints(column(entries, "r"), words))
    assert dump(engine.mul(trivial, powers)) == column(entries, "c")


def test_decryption(holder_of, bits, known, backend):
    holder = holder_of(bits)
    entries = known["encrypt"]
    raw = b"".join(c.to_bytes(2 * holder.public.key_bytes, "little") for c in column(entries, "c"))
    received = SealedCiphertexts.received(holder.public.key_id, len(entries), raw, holder.public)
    assert limbs.to_ints(holder.decrypt(received)) == column(entries, "m")


def test_holder_randomisers(backend, key_of, bits, known):
    private = key_of(bits)
    engine = choose(backend).secret(private.p, private.q, bases=private.bases)
    words = private.public.limbs // 2
    out = engine.holder_randomisers(
        limbs.from_ints(column(known["holder_randomisers"], "e_p"), words),
        limbs.from_ints(column(known["holder_randomisers"], "e_q"), words),
    )
    size = 2 * private.public.key_bytes
    raw = engine.dump(out)
    assert [int.from_bytes(raw[i : i + size], "little") for i in range(0, len(raw), size)] == column(
        known["holder_randomisers"], "out"
    )


def test_arithmetic(arithmetic, known):
    engine, load, dump, _ = arithmetic
    c = column(known["encrypt"], "c")
    for case in known["add"]:
        assert dump(engine.mul(load([c[case["a"]]]), load([c[case["b"]]]))) == unhex([case["out"]])
    for case in known["negate"]:
        assert dump(engine.inverse(load([c[case["a"]]]))) == unhex([case["out"]])
    scale = known["scale"]
    magnitudes = limbs.from_ints([abs(case["k"]) for case in scale], 1)
    negative = np.array([case["k"] < 0 for case in scale])
    scaled = engine.power(load([c[case["a"]] for case in scale]), magnitudes, negative)
    assert dump(scaled) == column(scale, "out")
    full, part = known["pack"]
    assert dump(engine.pack(load([c[i] for i in full["a"]]), full["per"], full["width"])) == unhex([full["out"]])
    zero = load([1])
    padded = engine.concat([load([c[i] for i in part["a"]]), zero])
    assert dump(engine.pack(padded, part["per"], part["width"])) == unhex([part["out"]])


def test_streams_fix_every_byte(backend, holder_of, bits, known):
    holder, streams = holder_of(bits), known["streams"]
    public = holder.public
    plain = limbs.from_ints(unhex(streams["m"]), public.limbs)
    key, base_key = bytes.fromhex(streams["key"]), bytes.fromhex(streams["base_key"])
    makers = {
        "full": AdditiveHE(public, backend=backend),
        "own_base": AdditiveHE(public, own_base=RandomStream(base_key), backend=backend),
        "holder": holder,
    }
    size = 2 * public.key_bytes
    for name, he in makers.items():
        expected = b"".join(c.to_bytes(size, "little") for c in unhex(streams[name]))
        assert he.encrypt_sealed(plain, RandomStream(key)).data == expected, name


def test_bad_ciphertexts_are_refused_by_name(holder_of, bits, known):
    holder = holder_of(bits)
    public = holder.public
    for bad in known["bad_ciphertexts"]:
        raw = int(bad["c"], 16).to_bytes(2 * public.key_bytes, "little")
        with pytest.raises(InvalidCiphertext) as caught:
            holder.open(SealedCiphertexts.received(public.key_id, 1, raw, public))
        assert caught.value.code == bad["code"], bad["why"]
