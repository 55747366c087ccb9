"""The key proof accepts sound keys and nothing else; echoed keys are refused."""

from __future__ import annotations

import gmpy2
import pytest

from vfl.crypto import keyproof
from vfl.crypto.keys import KeyPurpose, PublicKey
from vfl.errors import KeyMismatch, RemoteProtocolError

JOB = b"genesis hash of the contract"


def rejected(public, proof, job=JOB, party="bank"):
    with pytest.raises(RemoteProtocolError) as caught:
        keyproof.verify(public, proof, job=job, party=party)
    return caught.value.code == "KEY_PROOF_INVALID"


def forged(factors, n, party="bank"):
    """The best a cheat can do: true n-th roots where they exist, any number where they do not.

    ``factors`` maps each prime power of n to its group order; a residue has an n-th root modulo a cyclic group iff
    its n-th-power test passes.
    """
    public = PublicKey(n, KeyPurpose.TEST_KEYS_ONLY)
    out, rooted = bytearray(), 0
    for rho in keyproof._challenges(public, JOB, party):
        root, modulus, exists = 0, 1, True
        for power, order in factors.items():
            shared = gmpy2.gcd(n, order)
            exists &= gmpy2.powmod(rho, order // shared, power) == 1
            part = gmpy2.powmod(rho, gmpy2.invert(n // shared % order, order // shared), power) if exists else 1
            root += modulus * ((part - root) * gmpy2.invert(modulus, power) % power)
            modulus *= power
        rooted += exists
        out += int(root or 1).to_bytes(public.key_bytes, "little")
    return public, bytes(out), rooted


def test_honest_keys_pass(key_of):
    for bits in (512, 1024, 2048):
        private = key_of(bits)
        proof = keyproof.prove(private, job=JOB, party="bank")
        assert len(proof) == keyproof.ROOTS * private.public.key_bytes
        keyproof.verify(private.public, proof, job=JOB, party="bank")


def test_the_proof_serves_one_job_one_party_and_one_key(key_of):
    private = key_of(512)
    proof = keyproof.prove(private, job=JOB, party="bank")
    assert rejected(private.public, proof, job=JOB + b"x")
    assert rejected(private.public, proof, party="platform")
    assert rejected(key_of(1024).public, proof)
    # No way to shift the boundary between job and party.
    assert rejected(private.public, keyproof.prove(private, job=JOB + b"b", party="ank"))


def test_altered_proofs_fail(key_of):
    private = key_of(512)
    size = private.public.key_bytes
    proof = keyproof.prove(private, job=JOB, party="bank")
    for position in range(0, len(proof), size):
        altered = bytearray(proof)
        altered[position] ^= 1
        assert rejected(private.public, bytes(altered))
    assert rejected(private.public, proof[:-1])
    assert rejected(private.public, proof + b"\0")
    assert rejected(private.public, proof[size:] + proof[:size])
    assert rejected(private.public, bytes(len(proof)))
    root = int.from_bytes(proof[:size], "little")
    if root + private.public.n < 1 << (8 * size):
        wrapped = (root + private.public.n).to_bytes(size, "little")
        assert rejected(private.public, wrapped + proof[size:])


def test_n_that_is_not_square_free_fails():
    p = int(gmpy2.next_prime(1 << 170 | 98765 << 60))
    q = int(gmpy2.next_prime((1 << 511) // p**2 + (1 << 160)))
    n = p * p * q
    public, proof, rooted = forged({p * p: p * (p - 1), q: q - 1}, n)
    assert public.bits == 512
    assert rooted < keyproof.ROOTS
    assert rejected(public, proof)


def test_n_that_shares_a_factor_with_its_order_fails():
    p = int(gmpy2.next_prime(1 << 200))
    k = (3 << 310) // p // 2 * 2
    while not gmpy2.is_prime(k * p + 1):
        k += 2
    q = k * p + 1  # so p divides q - 1
    n = p * q
    public, proof, rooted = forged({p: p - 1, q: q - 1}, n)
    assert gmpy2.gcd(n, (p - 1) * (q - 1)) == p
    assert rooted < keyproof.ROOTS
    assert rejected(public, proof)


def test_the_forger_is_able(key_of):
    """Positive control: on a sound key the same forger makes a proof that holds."""
    private = key_of(512)
    n = private.public.n
    public, proof, rooted = forged({private.p: private.p - 1, private.q: private.q - 1}, n)
    assert rooted == keyproof.ROOTS
    keyproof.verify(public, proof, job=JOB, party="bank")


def test_echoed_and_reused_keys_are_refused(key_of):
    mine, theirs = key_of(512).public, key_of(1024).public
    registry = keyproof.KeyRegistry()
    registry.admit(mine)
    registry.admit(theirs)
    for seen in (mine, theirs):
        with pytest.raises(KeyMismatch) as caught:
            registry.admit(seen)
        assert caught.value.code == "KEY_SEEN_BEFORE"
    later = keyproof.KeyRegistry(registry.known)
    with pytest.raises(KeyMismatch):
        later.admit(theirs)
