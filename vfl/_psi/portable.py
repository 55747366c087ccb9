"""The portable path: Curve25519 by ``cryptography`` (ladder) and gmpy2 (Elligator 2), one point at a time.

Same functions and same bytes as the C extension ``_curve``, for machines without a compiler: about six
times slower on one core. It doubles as the readable reference the extension is tested against.

Security: the ladder (OpenSSL) is constant-time in the scalar. The Elligator map is *not* constant-time in
the identifier here (gmpy2); the extension's is. The identifiers are this party's own, so only somebody who
can time processes on this very machine could make use of it.
"""

from __future__ import annotations

import hashlib

import gmpy2
import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

__all__ = ["classify", "hash_points", "ladder", "map_messages"]

Points = npt.NDArray[np.uint8]

P = gmpy2.mpz(2**255 - 19)
A = gmpy2.mpz(486662)
_FIELD_BYTES = 48
_LOW_ORDER = frozenset(
    {
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
        2**255 - 20,
    }
)


def _hash_to_field(messages: list[bytes], dst: bytes) -> list[gmpy2.mpz]:
    """RFC 9380 §5.2 with expand_message_xmd(SHA-512), one element of 48 bytes per message."""
    tail = _FIELD_BYTES.to_bytes(2, "big") + b"\x00" + dst + bytes([len(dst)])
    last = b"\x01" + dst + bytes([len(dst)])
    start = hashlib.sha512(bytes(128))
    out = []
    for message in messages:
        first = start.copy()
        first.update(message + tail)
        uniform = hashlib.sha512(first.digest() + last).digest()[:_FIELD_BYTES]
        out.append(gmpy2.mpz(int.from_bytes(uniform, "big")) % P)
    return out


def _inverses(values: list[gmpy2.mpz]) -> list[gmpy2.mpz]:
    """All inverses mod p for one inversion (Montgomery's trick); no value may be zero."""
    running = [gmpy2.mpz(1)]
    for value in values:
        running.append(running[-1] * value % P)
    inverse = gmpy2.invert(running[-1], P)
    out = [inverse] * len(values)
    for i in range(len(values) - 1, -1, -1):
        out[i] = running[i] * inverse % P
        inverse = inverse * values[i] % P
    return out


def map_messages(messages: list[bytes], dst: bytes) -> Points:
    """RFC 9380 ``curve25519_XMD:SHA-512_ELL2_NU_`` up to, not including, ``clear_cofactor``: u only.

    Elligator 2 with Z = 2 and J = A: x1 = -A/(1 + 2t²); u = x1 where x1³ + A·x1² + x1 is a square, else
    -A - x1. As 2 is no square and -1 is one, 1 + 2t² is never zero.
    """
    denominators = [(1 + 2 * t * t) % P for t in _hash_to_field(messages, dst)]
    out = bytearray()
    for inverse in _inverses(denominators):
        x1 = -A * inverse % P
        u = x1 if gmpy2.jacobi((x1 * x1 + A * x1 + 1) * x1 % P, P) >= 0 else (-A - x1) % P
        out += int(u).to_bytes(32, "little")
    return np.frombuffer(bytes(out), dtype=np.uint8).reshape(len(messages), 32)


def ladder(scalar: bytes, points: Points) -> Points:
    """X25519 (RFC 7748) of each point; ``scalar`` is clamped already, so clamping changes nothing."""
    key = X25519PrivateKey.from_private_bytes(scalar)
    raw = points.tobytes()
    out = bytearray()
    for start in range(0, len(raw), 32):
        out += key.exchange(X25519PublicKey.from_public_bytes(raw[start : start + 32]))
    return np.frombuffer(bytes(out), dtype=np.uint8).reshape(points.shape)


def classify(points: Points) -> npt.NDArray[np.uint8]:
    """0: on the curve; 1: not canonical (≥ p); 2: low order; 3: on the twist."""
    raw = points.tobytes()
    out = np.zeros(len(points), dtype=np.uint8)
    for i in range(len(points)):
        u = gmpy2.mpz(int.from_bytes(raw[32 * i : 32 * i + 32], "little"))
        if u >= P:
            out[i] = 1
        elif int(u) in _LOW_ORDER:
            out[i] = 2
        elif gmpy2.jacobi((u * u + A * u + 1) * u % P, P) < 0:
            out[i] = 3
    return out


def hash_points(domain: bytes, points: Points) -> npt.NDArray[np.uint64]:
    """SHA-512(domain ‖ point) of each point as eight little-endian words, shape (n, 8)."""
    start = hashlib.sha512(domain)
    raw = points.tobytes()
    out = bytearray()
    for i in range(0, len(raw), 32):
        digest = start.copy()
        digest.update(raw[i : i + 32])
        out += digest.digest()
    return np.frombuffer(bytes(out), dtype="<u8").reshape(len(points), 8)
