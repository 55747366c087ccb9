"""The group of private set intersection: Curve25519 by u-coordinates, with a true hash-to-group.

::

    identifier ──RFC 9380 Elligator 2──▶ point of the curve ──X25519 ladder by 8k──▶ blinded point, 32 bytes

Hash. ``curve25519_XMD:SHA-512_ELL2_NU_`` of RFC 9380 with the domain tag
``"VFL-PSI-1-" ‖ SHA-256(job) ‖ "-curve25519_XMD:SHA-512_ELL2_NU_"``. Its last step, multiplication by the
cofactor 8, is left to the scalars below, all of which are multiples of 8: for a scalar 8k the result is
k·(8·map(id)), a point of the prime-order group, where no coset, twist or order can tell anything. (Taking a
raw SHA-256 as u-coordinate puts half of the identifiers on the twist, and every blinding preserves that bit:
one bit of each identifier leaks, and links the runs.) The encoding is the non-uniform one, which suffices for
blinding: given any group element Q, a preimage is found by drawing torsion T and testing whether Q/8 + T is
in the image (every second try), so a random oracle can be programmed to points of known relation, exactly as
the proofs of Diffie-Hellman set intersection do.

Scalars. With ℓ the prime order, a scalar is 2²⁵⁴ + 8k, k uniform below 2²⁵¹: X25519's own clamped form.
Because u(P) = u(-P), only the class ±a of a = scalar mod ℓ matters, and

    *almost every class has exactly one clamped representative.* Let m be the number in (0, 8ℓ) with m ≡ a
    (mod ℓ) and m ≡ 0 (mod 8); then 8ℓ - m represents -a in the same way. The larger of the two is at least
    4ℓ > 2²⁵⁴, hence clamped, unless it is 2²⁵⁵ or more, that is, unless the smaller one is at most
    8ℓ - 2²⁵⁵ < 2¹²⁸. The smaller one is clamped too only if it lies in [2²⁵⁴, 4ℓ], an interval shorter than
    2¹²⁷. No clamped number is a multiple of ℓ, being a multiple of 8 below 8ℓ.

So clamped scalars are uniform over the classes up to 2⁻¹²⁴, and the inverse of a class again has a clamped
representative: unblinding is the same constant-time ladder. :meth:`PsiScalar.derive` draws again in the
exceptional case, of probability 2⁻¹²⁴.

Received points are refused unless canonical, on the curve and of high order. A torsion component, which the
u-coordinate does not show, dies in the next multiplication by 8k and reveals nothing.

Paths, equal byte for byte: ``ifma`` (AVX-512 IFMA, eight points at a time), ``int64`` (C, 128-bit products),
``portable`` (``cryptography`` and gmpy2). The fastest that this machine has is taken; the environment
variable ``VFL_PSI_PATH`` overrules.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vfl._psi import native, portable
from vfl.crypto.randomness import RandomStream
from vfl.errors import ConfigError, RemoteProtocolError, Text

__all__ = ["Points", "PsiScalar", "check_points", "hash_points", "hash_to_curve", "path"]

Points = npt.NDArray[np.uint8]
"""u-coordinates, little-endian, shape (n, 32)."""

ORDER = 2**252 + 27742317777372353535851937790883648493
"""ℓ, the prime order of the group."""

_FAULTS = {
    1: ("PSI_POINT_NOT_CANONICAL", Text("not a canonical field element", "不是规范的域元素")),
    2: ("PSI_POINT_LOW_ORDER", Text("a point of low order", "是低阶点")),
    3: ("PSI_POINT_ON_TWIST", Text("not on the curve but on its twist", "不在曲线上而在其扭曲线上")),
}
_PEER_CURE = Text(
    "stop the run; the peer's software is faulty or its message was forged",
    "请中止本次对齐：对方软件有误，或消息被伪造",
)


class _Arithmetic(Protocol):
    """What each path offers; see :mod:`vfl._psi.portable`."""

    def map_messages(self, messages: list[bytes], dst: bytes) -> Points: ...

    def ladder(self, scalar: bytes, points: Points) -> Points: ...

    def classify(self, points: Points) -> npt.NDArray[np.uint8]: ...

    def hash_points(self, domain: bytes, points: Points) -> npt.NDArray[np.uint64]: ...


def path() -> str:
    """The arithmetic in use: ``"ifma"``, ``"int64"`` or ``"portable"``.

    Raises
    ------
    ConfigError
        ``PSI_PATH``: ``VFL_PSI_PATH`` names a path this machine or this build does not have.
    """
    have = [*native.paths(), "portable"]
    wanted = os.environ.get("VFL_PSI_PATH", have[0])
    if wanted not in have:
        raise ConfigError(
            "PSI_PATH",
            Text(f"VFL_PSI_PATH names no path of this machine; it has {', '.join(have)}",
                 f"VFL_PSI_PATH 指定的实现在本机不可用；可用：{'、'.join(have)}"),
            cure=Text("unset VFL_PSI_PATH, or build the extension: python vfl/_psi/build.py",
                      "请取消 VFL_PSI_PATH，或编译扩展：python vfl/_psi/build.py"),
        )
    return wanted


@cache
def _arithmetic(name: str) -> _Arithmetic:
    return portable if name == "portable" else native.Kernel(name)


def _domain(job: bytes) -> bytes:
    return b"VFL-PSI-1-" + hashlib.sha256(job).digest() + b"-curve25519_XMD:SHA-512_ELL2_NU_"


def hash_to_curve(ids: Sequence[str] | Sequence[bytes], job: bytes) -> Points:
    """The points of the curve for ``ids``, shape (n, 32), cofactor not yet cleared.

    Security: these are the identifiers themselves to anyone with a list of candidates; they never leave.
    """
    messages = [i.encode() if isinstance(i, str) else i for i in ids]
    return _arithmetic(path()).map_messages(messages, _domain(job))


def hash_points(points: Points, domain: bytes) -> npt.NDArray[np.uint64]:
    """SHA-512(domain ‖ point) of each point as eight little-endian words, shape (n, 8)."""
    return _arithmetic(path()).hash_points(domain, np.ascontiguousarray(points))


def check_points(points: Points) -> None:
    """Refuse what a peer may not send.

    Raises
    ------
    RemoteProtocolError
        ``PSI_POINT_LENGTH`` (not an array (n, 32) of bytes), ``PSI_POINT_NOT_CANONICAL``,
        ``PSI_POINT_LOW_ORDER`` or ``PSI_POINT_ON_TWIST``, with the index of the first such point.
    """
    if points.dtype != np.uint8 or points.ndim != 2 or points.shape[1] != 32:
        raise RemoteProtocolError(
            "PSI_POINT_LENGTH",
            Text("received points are not 32 bytes each", "收到的点不是每个 32 字节"),
            cure=_PEER_CURE,
        )
    found = _arithmetic(path()).classify(np.ascontiguousarray(points))
    bad = np.flatnonzero(found)
    if len(bad):
        code, what = _FAULTS[int(found[bad[0]])]
        raise RemoteProtocolError(
            code,
            Text(f"received point {bad[0]} is {what.en}", f"收到的第 {bad[0]} 个点{what.zh}"),
            cure=_PEER_CURE,
        )


def _clamped(a: int) -> int | None:
    """The clamped representative of ±a mod ℓ, or None in the exceptional case (see the module's proof)."""
    m = a * pow(8, -1, ORDER) % ORDER * 8
    larger = max(m, 8 * ORDER - m)
    return larger if larger < 2**255 else None


class PsiScalar:
    """A party's secret blinding scalar for one run, and its inverse.

    Security: whoever holds it can test guesses of the identifiers blinded by it. ``repr`` shows nothing.
    """

    __slots__ = ("_inverse", "_scalar")

    def __init__(self, scalar: int) -> None:
        inverse = _clamped(pow(scalar, -1, ORDER))
        if inverse is None or scalar % 8 or scalar >> 254 != 1:
            raise ValueError("not a clamped scalar with a clamped inverse")
        self._scalar = scalar.to_bytes(32, "little")
        self._inverse = inverse.to_bytes(32, "little")

    def __repr__(self) -> str:
        return "<PsiScalar>"

    @classmethod
    def derive(cls, stream: RandomStream) -> PsiScalar:
        """The next scalar of ``stream``: uniform over the clamped ones that have a clamped inverse."""
        while True:
            scalar = int.from_bytes(stream.bytes(32), "little") % 2**254 // 8 * 8 + 2**254
            if _clamped(pow(scalar, -1, ORDER)) is not None:
                return cls(scalar)

    def blind_ids(self, ids: Sequence[str] | Sequence[bytes], job: bytes) -> Points:
        """Hash each identifier to the group, bound to ``job``, and multiply by the scalar: shape (n, 32)."""
        return self.apply(hash_to_curve(ids, job))

    def apply(self, points: Points) -> Points:
        """Multiply each point by the scalar. Points from a peer pass :func:`check_points` first."""
        return _arithmetic(path()).ladder(self._scalar, np.ascontiguousarray(points))

    def unapply(self, points: Points) -> Points:
        """Divide each point by the scalar: ``unapply(apply(Q)) == Q`` for Q in the prime-order group."""
        return _arithmetic(path()).ladder(self._inverse, np.ascontiguousarray(points))
