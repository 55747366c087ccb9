"""Paillier keys: what a public key must satisfy before anything is encrypted under it, and how ours are made.

Shape of our primes. p = k p' + 1 with p' a random prime 32 bits shorter than p and k = 2 (mod 4) without a prime
factor above 2^16. Then p - 1 is factored in full, so a number can be *shown* to generate Z_p^*, and its n-th
power to generate all n-th residues mod p²: h^e with e uniform below p - 1 is then exactly as random as r^n, and
fixed-base encryption by the key holder needs no assumption beyond Paillier's own (Eurocrypt 1999). Safe primes
would do the same and cost minutes to find instead of seconds. A large prime p' | p - 1 is what FIPS 186-4,
appendix B.3 asks of strong primes anyway.

p = q = 3 (mod 4) and gcd(p - 1, q - 1) = 2 are the setting of Damgård, Jurik and Nielsen (Int. J. Inf. Secur. 9,
2010), whose short exponents a holder of the public key alone may choose to use.
"""

from __future__ import annotations

import enum
import hashlib
import math
import secrets
from dataclasses import dataclass
from functools import cache
from typing import NoReturn

import gmpy2

from vfl.errors import CryptoError, LocalProtocolError, Text

__all__ = ["KeyPurpose", "PrivateKey", "PublicKey"]

_REAL_SIZES = (2048, 3072, 4096)
_SHORTEST_TEST_KEY = 512
_SMALL_FACTOR_BOUND = 1 << 20
_COFACTOR_PRIMES_BELOW = 1 << 16
_COFACTOR_BITS = 32
_PRIME_TESTS = 40
_EXPORT_TAG = b"vfl paillier private key 1\0"


class KeyPurpose(enum.Enum):
    """What a key may protect. A node's policy refuses test keys for real data."""

    REAL_DATA = "real-data"
    TEST_KEYS_ONLY = "test-keys-only"
    PLAINTEXT_STUDY = "plaintext-study"
    """Nothing is encrypted (:mod:`vfl.crypto.backends.plaintext`): for the study of results on made-up data."""

    @classmethod
    def of_job(cls, *, test_keys: bool, plaintext: bool = False) -> KeyPurpose:
        """The label that a job's ``[privacy]`` section asks for."""
        if plaintext:
            return cls.PLAINTEXT_STUDY
        return cls.TEST_KEYS_ONLY if test_keys else cls.REAL_DATA


@dataclass(frozen=True, repr=False)
class PublicKey:
    """A Paillier modulus that has passed every check that needs no secret.

    Parameters
    ----------
    n : int
        2,048, 3,072 or 4,096 bits; other multiples of 128 from 512 on under the other labels.
    purpose : KeyPurpose
        The label of keys too short for real data; it is set here, never guessed from the length.

    Raises
    ------
    CryptoError
        ``KEY_BITS``, ``KEY_EVEN``, ``KEY_SMALL_FACTOR`` (a prime below 2^20), ``KEY_PRIME``,
        ``KEY_PERFECT_POWER``. That gcd(n, φ(n)) = 1 is shown by :mod:`vfl.crypto.keyproof`.
    """

    n: int
    purpose: KeyPurpose = KeyPurpose.REAL_DATA

    def __post_init__(self) -> None:
        bits = self.n.bit_length()
        if self.purpose is KeyPurpose.REAL_DATA and bits not in _REAL_SIZES:
            raise _refused(
                "KEY_BITS", f"a key of {bits} bits may not protect real data", f"{bits} 位的密钥不得用于真实数据"
            )
        if bits < _SHORTEST_TEST_KEY or bits % 128:
            raise _refused("KEY_BITS", f"a key cannot have {bits} bits", f"密钥长度不能为 {bits} 位")
        if self.n % 2 == 0:
            raise _refused("KEY_EVEN", "the modulus is even", "模数为偶数")
        if math.gcd(self.n, _small_primes_product(_SMALL_FACTOR_BOUND) % self.n) != 1:
            raise _refused("KEY_SMALL_FACTOR", "the modulus has a factor below 2^20", "模数含有小于 2^20 的因子")
        if gmpy2.is_prime(self.n, _PRIME_TESTS):
            raise _refused("KEY_PRIME", "the modulus is prime", "模数为素数")
        if gmpy2.is_power(self.n):
            raise _refused("KEY_PERFECT_POWER", "the modulus is a perfect power", "模数为完全幂")

    def __repr__(self) -> str:
        label = "" if self.purpose is KeyPurpose.REAL_DATA else f", {self.purpose.value}"
        return f"<PublicKey {self.bits} bits, id {self.key_id.hex()}{label}>"

    @classmethod
    def received(cls, modulus: bytes, *, bits: int, purpose: KeyPurpose = KeyPurpose.REAL_DATA) -> PublicKey:
        """A peer's key from the wire (little-endian), of exactly the ``bits`` the contract names."""
        key_bits = int.from_bytes(modulus, "little").bit_length()
        if key_bits != bits or len(modulus) * 8 != bits:
            raise _refused(
                "KEY_BITS",
                f"the key has {key_bits} bits in {len(modulus)} bytes where the contract says {bits} bits",
                f"密钥为 {key_bits} 位、{len(modulus)} 字节，而合约规定为 {bits} 位",
            )
        return cls(int.from_bytes(modulus, "little"), purpose)

    @property
    def bits(self) -> int:
        return self.n.bit_length()

    @property
    def key_bytes(self) -> int:
        """Bytes of a plaintext; a ciphertext has twice as many."""
        return self.bits // 8

    @property
    def limbs(self) -> int:
        """64-bit words of a plaintext."""
        return self.bits // 64

    @property
    def key_id(self) -> bytes:
        """First 16 bytes of SHA-256 over a domain tag and the modulus."""
        return hashlib.sha256(b"vfl paillier key id 1\0" + self.to_bytes()).digest()[:16]

    def to_bytes(self) -> bytes:
        """The modulus, little-endian, ``key_bytes`` long."""
        return self.n.to_bytes(self.key_bytes, "little")


class PrivateKey:
    """The two primes of a key made by :meth:`generate`; ``public`` is its public part.

    Security: never leaves the party; :meth:`export` is for the party's own encrypted journal. ``repr`` is
    redacted, pickling and copying are refused. :meth:`wipe` overwrites the stored primes, but Python may hold
    copies it made in passing until their memory is used again.
    """

    __slots__ = ("_primes", "public")

    def __init__(self, p: int, q: int, *, purpose: KeyPurpose = KeyPurpose.REAL_DATA) -> None:
        """The key of the primes ``p`` and ``q``.

        Raises
        ------
        CryptoError
            ``KEY_PRIMES`` if they are not distinct primes of one length in the shape of this module.
        """
        self.public = PublicKey(p * q, purpose)
        sound = (
            p != q
            and p.bit_length() == q.bit_length() == self.public.bits // 2
            and gmpy2.is_prime(p, _PRIME_TESTS)
            and gmpy2.is_prime(q, _PRIME_TESTS)
            and math.gcd(p - 1, q - 1) == 2
            and math.gcd(p * q, (p - 1) * (q - 1)) == 1
        )
        if not sound:
            raise _refused("KEY_PRIMES", "the two factors do not make a sound key", "两个因子不能构成合格的密钥")
        for prime in (p, q):
            _prime_factors_of_order(prime)
        size = self.public.key_bytes // 2
        self._primes = bytearray(p.to_bytes(size, "little") + q.to_bytes(size, "little"))

    def __repr__(self) -> str:
        return f"<PrivateKey of {self.public!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key does not pickle")

    @classmethod
    def generate(cls, bits: int = 2048, *, purpose: KeyPurpose = KeyPurpose.REAL_DATA) -> PrivateKey:
        """A fresh key of exactly ``bits`` bits from the operating system's randomness (seconds)."""
        allowed = bits in _REAL_SIZES if purpose is KeyPurpose.REAL_DATA else bits >= _SHORTEST_TEST_KEY
        if not allowed or bits % 128:
            raise _refused("KEY_BITS", f"a key of {bits} bits may not be made for {purpose.value}",
                           f"不得为 {purpose.value} 生成 {bits} 位的密钥")
        p = _random_prime(bits // 2)
        while True:
            q = _random_prime(bits // 2)
            # FIPS 186-4, B.3.3: primes too close are found by Fermat's method.
            if abs(p - q) > 1 << (bits // 2 - 100) and math.gcd(p - 1, q - 1) == 2:
                return cls(p, q, purpose=purpose)

    @property
    def p(self) -> int:
        return self._prime(0)

    @property
    def q(self) -> int:
        return self._prime(1)

    @property
    def bases(self) -> tuple[int, int]:
        """Generators of the n-th residues mod p² and mod q²: n-th powers of certified generators."""
        n = self.public.n
        return (
            int(gmpy2.powmod(_generator(self.p), n, self.p**2)),
            int(gmpy2.powmod(_generator(self.q), n, self.q**2)),
        )

    def export(self) -> bytes:
        """The key as bytes, for the party's own encrypted journal only."""
        self._require_alive()
        return _EXPORT_TAG + self.public.purpose.value.encode() + b"\0" + bytes(self._primes)

    @classmethod
    def restore(cls, exported: bytes) -> PrivateKey:
        """The key that :meth:`export` wrote, checked again; CryptoError ``KEY_EXPORT`` if it is damaged."""
        label, separator, primes = exported[len(_EXPORT_TAG) :].partition(b"\0")
        known = [purpose for purpose in KeyPurpose if purpose.value.encode() == label]
        if not exported.startswith(_EXPORT_TAG) or not separator or not known or len(primes) % 2:
            raise _refused("KEY_EXPORT", "the stored private key is damaged", "所保存的私钥已损坏")
        half = len(primes) // 2
        return cls(
            int.from_bytes(primes[:half], "little"), int.from_bytes(primes[half:], "little"), purpose=known[0]
        )

    def wipe(self) -> None:
        """Overwrite the primes; any later use raises LocalProtocolError ``KEY_WIPED``."""
        self._primes[:] = bytes(len(self._primes))

    def _prime(self, which: int) -> int:
        self._require_alive()
        half = len(self._primes) // 2
        return int.from_bytes(self._primes[which * half : (which + 1) * half], "little")

    def _require_alive(self) -> None:
        if not any(self._primes):
            raise LocalProtocolError(
                "KEY_WIPED",
                Text("the private key has been wiped", "私钥已被清除"),
                cure=Text("finish decrypting before the job's keys are wiped", "请在清除任务密钥之前完成解密"),
            )


def _refused(code: str, en: str, zh: str) -> CryptoError:
    return CryptoError(
        code,
        Text(en, zh),
        cure=Text(
            "make a fresh key of 2048, 3072 or 4096 bits with this software; shorter keys are for tests only",
            "请用本软件重新生成 2048、3072 或 4096 位的密钥；更短的密钥仅供测试",
        ),
    )


@cache
def _small_primes_product(bound: int) -> int:
    return int(gmpy2.primorial(bound - 1))


@cache
def _small_primes(bound: int) -> tuple[int, ...]:
    sieve = bytearray([1]) * bound
    sieve[:2] = b"\0\0"
    for candidate in range(2, math.isqrt(bound) + 1):
        if sieve[candidate]:
            sieve[candidate * candidate :: candidate] = bytes(len(range(candidate * candidate, bound, candidate)))
    return tuple(i for i, is_prime in enumerate(sieve) if is_prime)


def _without_small_primes(value: int) -> tuple[int, list[int]]:
    """What is left of ``value`` after all primes below 2^16, and those that divide it."""
    found = []
    rest = gmpy2.mpz(value)
    for prime in _small_primes(_COFACTOR_PRIMES_BELOW):
        if rest % prime == 0:
            found.append(prime)
            rest, _ = gmpy2.remove(rest, prime)
    return int(rest), found


def _random_prime(bits: int) -> int:
    """A random prime k p' + 1 of ``bits`` bits, at least sqrt(2) * 2^(bits - 1) so that n has 2 * bits bits."""
    lowest = math.isqrt(1 << (2 * bits - 1)) + 1
    inner_bits = bits - _COFACTOR_BITS
    while True:
        inner = secrets.randbits(inner_bits) | 1 << (inner_bits - 1) | 1
        if gmpy2.is_prime(inner, _PRIME_TESTS):
            break
    # k = 4j + 2 with lowest <= k * inner + 1 < 2^bits.
    first = -(-(lowest - 3) // (4 * inner))
    last = ((1 << bits) - 2 - 2 * inner) // (4 * inner)
    while True:
        cofactor = 4 * (first + secrets.randbelow(last - first + 1)) + 2
        prime = cofactor * inner + 1
        if _without_small_primes(cofactor)[0] == 1 and gmpy2.is_prime(prime, _PRIME_TESTS):
            return prime


def _prime_factors_of_order(prime: int) -> list[int]:
    """All prime factors of prime - 1, which has the shape described above."""
    rest, factors = _without_small_primes(prime - 1)
    if rest == 1 or not gmpy2.is_prime(rest, _PRIME_TESTS):
        raise _refused("KEY_PRIMES", "p - 1 cannot be factored, so no base can be certified",
                       "无法分解 p - 1，因而无法验证生成元")
    return [*factors, rest]


def _generator(prime: int) -> int:
    """The smallest generator of Z_prime^*: g^((prime - 1) / f) != 1 for every prime factor f of prime - 1."""
    factors = _prime_factors_of_order(prime)
    candidate = 2
    while any(gmpy2.powmod(candidate, (prime - 1) // factor, prime) == 1 for factor in factors):
        candidate += 1
    return candidate
