"""One owner's set as private set intersection sees it: padded, hashed to the group, blinded; and what a
blinded row turns into: a place in the store, a mask, a tag, a share.

Security: everything here is as secret as the identifiers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from vfl.crypto.okvs import Words
from vfl.crypto.psi_curve import Points, PsiScalar, hash_points, hash_to_curve
from vfl.crypto.randomness import JobSeed
from vfl.errors import DataError, Text

__all__ = ["PsiSet", "Tokens", "bucket", "pair_prf"]

_SMALLEST_BUCKET = 1_024


def bucket(size: int) -> int:
    """The padded size: the least of 1,024, 1,280, 1,600, … (each 5/4 of the last, rounded up) ≥ ``size``."""
    padded = _SMALLEST_BUCKET
    while padded < size:
        padded = -(-padded * 5 // 4)
    return padded


class PsiSet:
    """Identifiers and dummies, hashed to the group and blinded under this owner's scalar for one ``context``.

    Parameters
    ----------
    ids : sequence of str
        Normalised and distinct.
    context : bytes
        What binds the hash: the job, or the period of the contract (see :mod:`vfl.crypto.psi`).
    owner : str
        Name of the owner.
    seed : JobSeed
        The owner's; dummies and scalar derive from it and from the ids.

    Attributes
    ----------
    own, size : int
        Rows of the owner, which come first, and rows with dummies (:func:`bucket` of ``own``).
    hashed, blinded : (size, 32) bytes
        Points of the curve, and of the group.

    Raises
    ------
    DataError
        ``PSI_DUPLICATE_ID``, with the position of the second occurrence.

    Security: a receiver makes a new one for each job; a sender may keep its own, encrypted, for a context.
    """

    def __init__(self, ids: Sequence[str], *, context: bytes, owner: str, seed: JobSeed) -> None:
        self.messages = [b"\x00" + i.encode() for i in ids]
        _refuse_duplicates(self.messages)
        self.own = len(self.messages)
        self.size = bucket(self.own)
        lengths = np.array([len(m) for m in self.messages], dtype="<u8").tobytes()
        self.digest = hashlib.sha256(lengths + b"".join(self.messages)).digest()
        secret = seed.child("psi set", context, owner, self.digest)
        filler = secret.stream("dummies")
        dummies = [b"\x01" + filler.bytes(32) for _ in range(self.size - self.own)]
        self.hashed = hash_to_curve(self.messages + dummies, context)
        self.scalar = PsiScalar.derive(secret.stream("scalar"))
        self.blinded = self.scalar.apply(self.hashed)

    def __repr__(self) -> str:
        return f"<PsiSet of {self.size}>"


def _refuse_duplicates(messages: list[bytes]) -> None:
    seen: set[bytes] = set()
    for position, message in enumerate(messages, start=1):
        if message in seen:
            raise DataError(
                "PSI_DUPLICATE_ID",
                Text(f"identifier {position} of the set was there before", f"集合中第 {position} 个标识此前已出现"),
                cure=Text("keep one row per firm", "请为每个企业只保留一行"),
            )
        seen.add(message)


class Tokens:
    """What the PRF of one sender gives for each row: SHA-512(job, sender ‖ H(x)^s), cut in words.

    Attributes
    ----------
    keys : (n, 3) words
        Places in the store (:mod:`vfl.crypto.okvs`).
    masks : (n,) words
        Hide the shares in the store.
    tags : (n, 2) words
        Name a row of the intersection to the sender. Two of n rows share one with chance n² ÷ 2¹²⁹.
    """

    __slots__ = ("keys", "masks", "tags")

    def __init__(self, points: Points, *, job: bytes, sender: str) -> None:
        domain = b"VFL-PSI-token" + hashlib.sha256(hashlib.sha256(job).digest() + sender.encode()).digest()
        words = hash_points(points, domain)
        self.keys: Words = words[:, 0:3].copy()
        self.masks: Words = words[:, 3].copy()
        self.tags: Words = words[:, 4:6].copy()


def pair_prf(key: bytes, points: Points) -> Words:
    """AES-256-CBC-MAC of each 32-byte point (all messages have one length: a PRF), first word, shape (n,)."""
    blocks = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 ECB: the bare block cipher
    halves = points.reshape(len(points), 2, 16)
    first = np.frombuffer(blocks.update(halves[:, 0].tobytes()), dtype=np.uint8).reshape(-1, 16)
    mac = blocks.update((first ^ halves[:, 1]).tobytes())
    out: npt.NDArray[np.uint64] = np.frombuffer(mac, dtype="<u8").reshape(-1, 2)[:, 0]
    return out
