"""All randomness of a job derives from one secret seed per job and party.

A stream is bound to its context: job, step, index and a hash of the plaintext it will hide. A replayed step
therefore emits identical bytes, and no randomness ever serves two plaintexts. HMAC-SHA-256 derives the key of
an AES-256-CTR key stream (a PRF in counter mode, NIST SP 800-108).

Security: the seed is as secret as the plaintexts; whoever holds it can undo every mask and randomiser.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

__all__ = ["JobSeed", "RandomStream"]

Context = bytes | str | int


def _framed(parts: tuple[Context, ...]) -> bytes:
    """Length-prefixed parts with a type tag: no two contexts share an encoding."""
    out = bytearray()
    for part in parts:
        if isinstance(part, bytes):
            tag, body = b"b", part
        elif isinstance(part, str):
            tag, body = b"s", part.encode()
        else:
            tag, body = b"i", str(part).encode()
        out += tag + len(body).to_bytes(8, "big") + body
    return bytes(out)


class RandomStream:
    """Deterministic key stream; each call continues where the last one ended."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()

    def __repr__(self) -> str:
        return "<RandomStream>"

    def bytes(self, count: int) -> bytes:
        return self._cipher.update(bytes(count))

    def limbs(self, count: int, width: int) -> npt.NDArray[np.uint64]:
        """``count`` uniform numbers of ``64 * width`` bits, shape (count, width)."""
        return np.frombuffer(self.bytes(count * width * 8), dtype="<u8").reshape(count, width).copy()

    def bits(self, count: int, bits: int) -> npt.NDArray[np.uint64]:
        """``count`` uniform numbers of exactly ``bits`` random bits, shape (count, ceil(bits / 64))."""
        width = max(1, -(-bits // 64))
        out = self.limbs(count, width)
        if bits % 64:
            out[:, bits // 64] &= np.uint64((1 << (bits % 64)) - 1)
        if bits == 0:
            out[:] = 0
        return out

    def below(self, bound: int, count: int) -> list[int]:
        """``count`` integers within 2^-128 of uniform on [0, bound) (128 surplus bits, then reduced)."""
        size = (bound.bit_length() + 128 + 7) // 8
        raw = self.bytes(count * size)
        return [int.from_bytes(raw[i * size : (i + 1) * size], "little") % bound for i in range(count)]

    def permutation(self, count: int) -> npt.NDArray[np.int64]:
        """A shuffle of range(count) by sorting 128-bit random keys."""
        keys = self.limbs(count, 2)
        return np.lexsort((keys[:, 0], keys[:, 1])).astype(np.int64)


class JobSeed:
    """The secret root of one party's randomness in one job."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("a job seed has 32 bytes")
        self._key = key

    @classmethod
    def fresh(cls) -> JobSeed:
        return cls(secrets.token_bytes(32))

    def __repr__(self) -> str:
        return "<JobSeed>"

    def expose(self) -> bytes:
        """The raw seed, for the party's own encrypted journal only."""
        return self._key

    def stream(self, *context: Context) -> RandomStream:
        """The key stream for one context."""
        return RandomStream(hmac.new(self._key, _framed(context), hashlib.sha256).digest())

    def child(self, *context: Context) -> JobSeed:
        return JobSeed(hmac.new(self._key, b"child" + _framed(context), hashlib.sha256).digest())
