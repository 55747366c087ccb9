"""Proof that a Paillier modulus is sound: gcd(n, φ(n)) = 1, without a word from the verifier.

S. Goldberg, L. Reyzin, O. Sagga, F. Baldimtsi, "Efficient Noninteractive Certification of RSA Moduli and
Beyond", Asiacrypt 2019 (eprint 2018/057), section 3.2, protocol Paillier-N.

1. Both sides hash n and the context to numbers ρ_1 … ρ_m in Z_n.
2. The prover publishes their n-th roots σ_i = ρ_i^(1/n mod φ(n)) mod n.
3. The verifier checks that no prime below α divides n, that each ρ_i is a unit, and σ_i^n = ρ_i mod n.

Why it convinces: if a prime factor f of n divides φ(n), raising to n is at least f-to-one, so a random ρ has a
root with probability at most 1 / f < 1 / α. Here α = 2^20 (checked by :class:`~vfl.crypto.keys.PublicKey`) and
m = 10: one try at a false statement succeeds with probability 2^-200, so 2^72 tries at the hash still leave
2^-128. (The paper's own example for 2^-128 is α = 6370, m = 11.) Why it tells nothing of p and q: with the hash as
a random oracle, a simulator draws σ_i and programs ρ_i = σ_i^n.

The context is the job and the party's name: a proof serves no other job and no other party. A peer that echoes our
own key and proof, or one seen in an earlier job, is refused by :class:`KeyRegistry`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable

import gmpy2

from vfl.crypto.keys import PrivateKey, PublicKey
from vfl.errors import KeyMismatch, RemoteProtocolError, Text

__all__ = ["ROOTS", "KeyRegistry", "prove", "verify"]

ROOTS = 10
"""m of the paper; see the module's text."""

_DOMAIN = b"vfl paillier key proof 1"


def prove(private: PrivateKey, *, job: bytes, party: str) -> bytes:
    """The proof for one job and party: ``ROOTS`` numbers of ``key_bytes`` little-endian bytes each."""
    p, q, public = private.p, private.q, private.public
    exponent_p = gmpy2.invert(public.n, p - 1)
    exponent_q = gmpy2.invert(public.n, q - 1)
    q_inverse = gmpy2.invert(q, p)
    out = bytearray()
    for rho in _challenges(public, job, party):
        root_p = gmpy2.powmod_sec(rho % p, exponent_p, p)
        root_q = gmpy2.powmod_sec(rho % q, exponent_q, q)
        out += int(root_q + q * ((root_p - root_q) * q_inverse % p)).to_bytes(public.key_bytes, "little")
    return bytes(out)


def verify(public: PublicKey, proof: bytes, *, job: bytes, party: str) -> None:
    """Accept ``public`` as ``party``'s key in ``job``, or raise RemoteProtocolError ``KEY_PROOF_INVALID``."""
    size = public.key_bytes
    if len(proof) != ROOTS * size:
        raise _invalid()
    for i, rho in enumerate(_challenges(public, job, party)):
        root = int.from_bytes(proof[i * size : (i + 1) * size], "little")
        sound = 0 < root < public.n and math.gcd(rho, public.n) == 1
        if not sound or gmpy2.powmod(root, public.n, public.n) != rho:
            raise _invalid()


class KeyRegistry:
    """The keys this party has ever used or accepted.

    Security: a fresh key per job and party is what keeps a ciphertext of one conversation out of another. Without
    this check a peer could offer our own modulus back, with our own proof replayed where job and party allow it,
    and have us decrypt for it.
    """

    def __init__(self, known: Iterable[bytes] = ()) -> None:
        """Start from the key ids kept from earlier jobs."""
        self._known = set(known)

    @property
    def known(self) -> frozenset[bytes]:
        """All key ids so far, for the party's own store."""
        return frozenset(self._known)

    def admit(self, public: PublicKey) -> None:
        """Record a key, our own or a peer's, on its first use; KeyMismatch ``KEY_SEEN_BEFORE`` on any other."""
        if public.key_id in self._known:
            raise KeyMismatch(
                "KEY_SEEN_BEFORE",
                Text("the offered key is our own or was used before", "所提供的公钥是本方的密钥，或曾被使用过"),
                cure=Text("each party must make a fresh key for each job", "各方须为每个任务生成新的密钥"),
            )
        self._known.add(public.key_id)


def _challenges(public: PublicKey, job: bytes, party: str) -> list[int]:
    """ρ_1 … ρ_m by SHAKE-256, 128 surplus bits each, so within 2^-128 of uniform on Z_n."""
    name = party.encode()
    framed = b"".join(
        len(part).to_bytes(8, "big") + part for part in (_DOMAIN, public.to_bytes(), job, name)
    )
    size = public.key_bytes + 16
    raw = hashlib.shake_256(framed).digest(ROOTS * size)
    return [int.from_bytes(raw[i * size : (i + 1) * size], "little") % public.n for i in range(ROOTS)]


def _invalid() -> RemoteProtocolError:
    return RemoteProtocolError(
        "KEY_PROOF_INVALID",
        Text("the peer's proof that its key is sound does not hold", "对方密钥的合法性证明不成立"),
        cure=Text(
            "ask the peer to restart the job with a fresh key; report it if it happens again",
            "请对方用新密钥重新启动任务；若再次出现请上报",
        ),
    )
