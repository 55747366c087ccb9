"""Arithmetic without encryption: the same numbers, readable by anybody, and only under its own label."""

from __future__ import annotations

import numpy as np
import pytest

from vfl.config.job import JobSpec
from vfl.crypto import limbs
from vfl.crypto.multipliers import Multipliers
from vfl.crypto.paillier import AdditiveHE, KeyHolder, KeyPurpose, PrivateKey
from vfl.crypto.randomness import JobSeed
from vfl.errors import ConfigError, InvalidCiphertext

SEED = JobSeed(b"s" * 32)


@pytest.fixture(scope="module")
def pair():
    real = PrivateKey.generate(512, purpose=KeyPurpose.TEST_KEYS_ONLY)
    return real, PrivateKey(real.p, real.q, purpose=KeyPurpose.PLAINTEXT_STUDY)


def _work(private):
    """One of every operation; the decrypted results."""
    holder, he = KeyHolder(private), AdditiveHE(private.public)
    plain = limbs.from_ints([3, 5, 7, 11], private.public.limbs)
    c = he.open(holder.encrypt_sealed(plain, SEED.stream("e")))
    weights = np.arange(8).reshape(1, 2, 4, 1)
    weighed = he.weighted_sums(c, Multipliers.spaced(weights, 3))
    tripled = he.mul_plain(c, np.full((4, 1), 3, dtype=np.uint64), np.array([False, True, False, True]))
    sums = he.bucket_sums(c, np.array([[0], [1], [0], [2]], dtype=np.uint8), None, np.array([4], dtype=np.int32))
    packed = he.pack(he.take(c, np.array([3, 1, 0])), 2, 40)
    shifted = he.add_plain(he.sub(c, he.neg(c)), plain)
    return [
        limbs.to_ints(holder.decrypt(he.seal(x, SEED.stream("s", i))))
        for i, x in enumerate((c, weighed, tripled, sums, packed, shifted, he.concat([c, packed])))
    ]


def test_results_are_those_of_paillier(pair):
    assert _work(pair[0]) == _work(pair[1])


def test_anybody_can_read_it(pair):
    sealed = KeyHolder(pair[1]).encrypt_sealed(limbs.from_ints([42], pair[1].public.limbs), SEED.stream("e"))
    assert (int.from_bytes(sealed.data, "little") - 1) // pair[1].public.n == 42
    assert "plaintext-study" in repr(pair[1])
    assert AdditiveHE(pair[1].public).backend_name == "plaintext"


def test_what_is_encrypted_is_not_taken_for_plaintext(pair):
    sealed = KeyHolder(pair[0]).encrypt_sealed(limbs.from_ints([42], pair[0].public.limbs), SEED.stream("e"))
    with pytest.raises(InvalidCiphertext) as caught:
        AdditiveHE(pair[1].public).open(sealed)
    assert caught.value.code == "CIPHERTEXT_UNIT"


def test_the_label_survives_export(pair):
    assert PrivateKey.restore(pair[1].export()).public.purpose is KeyPurpose.PLAINTEXT_STUDY


def test_a_job_must_carry_the_test_label_too():
    head = (
        '[job]\nname="t"\nbank="b"\nplatforms=["p"]\nbank_view="v"\nplatform_view="v"\nas_of=2026-06-01\n[privacy]\n'
        "plaintext=true\n"
    )
    with pytest.raises(ConfigError) as caught:
        JobSpec.parse(head)
    assert caught.value.code == "JOB_PLAINTEXT"
    assert JobSpec.parse(head + "test_keys=true\n").plaintext
