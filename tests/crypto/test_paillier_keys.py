"""Keys: made sound, refused by name when not, and silent about themselves."""

from __future__ import annotations

import math
import pickle

import gmpy2
import pytest

from vfl.crypto.keys import KeyPurpose, PrivateKey, PublicKey
from vfl.errors import CryptoError, LocalProtocolError

TEST = KeyPurpose.TEST_KEYS_ONLY


def code_of(make):
    with pytest.raises(CryptoError) as caught:
        make()
    return caught.value.code


def odd_prime_factors(value):
    found, factor = [], 3
    while factor < 1 << 16:
        if value % factor == 0:
            found.append(factor)
            while value % factor == 0:
                value //= factor
        factor += 2
    return found, value


@pytest.mark.parametrize("bits", [512, 640, 1024])
def test_generated_keys_have_the_stated_shape(bits):
    key = PrivateKey.generate(bits, purpose=TEST)
    p, q, n = key.p, key.q, key.public.n
    assert n.bit_length() == key.public.bits == bits
    assert p.bit_length() == q.bit_length() == bits // 2
    assert gmpy2.is_prime(p)
    assert gmpy2.is_prime(q)
    assert math.gcd(n, (p - 1) * (q - 1)) == 1
    assert math.gcd(p - 1, q - 1) == 2
    assert p % 4 == q % 4 == 3
    for prime in (p, q):
        small, large = odd_prime_factors((prime - 1) // 2)
        assert gmpy2.is_prime(large)
        assert large.bit_length() >= bits // 2 - 33
        assert (prime - 1) // 2 % math.prod(small or [1]) == 0


def test_bases_generate_all_nth_residues(key_of):
    key = key_of(512)
    for base, prime in zip(key.bases, (key.p, key.q), strict=True):
        modulus, order = prime**2, prime - 1
        assert pow(base, order, modulus) == 1
        small, large = odd_prime_factors(order // 2)
        for factor in [2, *small, large]:
            assert pow(base, order // factor, modulus) != 1


def test_real_data_wants_2048_bits_and_nothing_guesses_the_label(key_of, vectors):
    short = key_of(1024)
    assert short.public.purpose is TEST
    assert code_of(lambda: PublicKey(short.public.n)) == "KEY_BITS"
    assert code_of(lambda: PrivateKey(short.p, short.q)) == "KEY_BITS"
    assert code_of(lambda: PrivateKey.generate(1024)) == "KEY_BITS"
    assert code_of(lambda: PrivateKey.generate(256, purpose=TEST)) == "KEY_BITS"
    assert code_of(lambda: PrivateKey.generate(1000, purpose=TEST)) == "KEY_BITS"
    assert PublicKey(key_of(2048).public.n).purpose is KeyPurpose.REAL_DATA


def test_bad_moduli_are_refused_by_name(vectors):
    for bad in vectors["bad_keys"]:
        purpose = TEST if bad["test_keys"] else KeyPurpose.REAL_DATA
        assert code_of(lambda b=bad, u=purpose: PublicKey(int(b["n"], 16), u)) == bad["code"], bad["why"]


def test_a_received_key_has_the_bits_of_the_contract(key_of):
    public = key_of(1024).public
    raw = public.to_bytes()
    assert PublicKey.received(raw, bits=1024, purpose=TEST) == public
    assert code_of(lambda: PublicKey.received(raw, bits=2048, purpose=TEST)) == "KEY_BITS"
    assert code_of(lambda: PublicKey.received(raw + b"\0", bits=1024, purpose=TEST)) == "KEY_BITS"
    assert code_of(lambda: PublicKey.received(raw, bits=1024)) == "KEY_BITS"


def test_private_keys_refuse_unsound_factors(key_of):
    p, q = key_of(512).p, key_of(512).q
    uncertified = int(gmpy2.next_prime(3 << 254))
    assert code_of(lambda: PrivateKey(p, p, purpose=TEST)) == "KEY_PERFECT_POWER"
    assert code_of(lambda: PrivateKey(p * q, 1, purpose=TEST)) == "KEY_PRIMES"
    assert (p * uncertified).bit_length() == 512
    assert code_of(lambda: PrivateKey(p, uncertified, purpose=TEST)) == "KEY_PRIMES"


def test_export_and_restore(key_of):
    key = key_of(512)
    again = PrivateKey.restore(key.export())
    assert (again.p, again.q, again.public) == (key.p, key.q, key.public)
    damaged = key.export()
    for broken in (b"", damaged[:-1], b"x" + damaged[1:], damaged.replace(b"test", b"best")):
        assert code_of(lambda b=broken: PrivateKey.restore(b)) == "KEY_EXPORT"


def test_wipe_overwrites_the_stored_primes(key_of):
    key = PrivateKey.restore(key_of(512).export())
    store = key._primes
    key.wipe()
    assert not any(store)
    with pytest.raises(LocalProtocolError) as caught:
        _ = key.bases
    assert caught.value.code == "KEY_WIPED"


def test_private_keys_do_not_print_or_pickle(key_of):
    key = key_of(512)
    assert f"{key.p:x}"[:8] not in repr(key)
    assert "test-keys-only" in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
