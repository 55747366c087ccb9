"""Rounds on shared matrices: products of two, and variances, the diagonal of an inverse in its owner's own units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.crypto.keys import PublicKey
from vfl.crypto.paillier import Ciphertexts, SealedCiphertexts
from vfl.crypto.shares import (
    FRACTION,
    RING,
    Ring,
    SharedMatrix,
    SlotPlan,
    linear_map,
    to_floats,
)
from vfl.protocols.logistic_rounds import Round
from vfl.protocols.logistic_shares import Shares, zeros
from vfl.wire.carriers import MaskedCiphertexts

__all__ = [
    "MIX_BITS",
    "MatrixRound",
    "VarianceRound",
    "open_variances",
    "start_plan",
    "variance_factors",
    "variance_plan",
]

Floats = npt.NDArray[np.float64]

MIX_BITS = 20
"""Fractional bits of the public factors of the inversion and of the whitening of variances."""


class MatrixRound(Round):
    """One matrix product of two shared matrices: each party encrypts its share of the left one.

    ``encrypted`` and ``take_encrypted`` bring the left share over; ``masked`` may then be run for several right
    operands (:meth:`times`) without encrypting again.
    """

    def __init__(self, shares: Shares, left: Ring) -> None:
        super().__init__(shares)
        self._left = left
        self.sealed: list[SealedCiphertexts] = []
        self._peers: SharedMatrix | None = None
        self._right: Ring = zeros(0, 0)
        self._kept: list[Limbs] = []
        self._read: list[Limbs] = []

    def encrypted(self) -> Iterator[SealedCiphertexts]:
        s = self.s
        plan = s.code.product(s.own.public, s.columns)
        plain = plan.plaintexts(self._left.T, s.own.public)
        for part in s.chunks(len(plain)):
            yield s.encrypt(plain[part], "matrix")

    def take_encrypted(self, sealed: SealedCiphertexts) -> None:
        self.heard.update(sealed.data)
        self.sealed.append(sealed)

    def times(self, right: Ring) -> None:
        """Set the own share of the right operand, shape (columns, m)."""
        self._right, self._kept, self._read = right % (1 << RING), [], []

    def masked(self) -> Iterator[MaskedCiphertexts]:
        s = self.s
        plan = s.code.product(s.peer.public, s.columns)
        if self._peers is None:
            self._peers = SharedMatrix(s.peer, self.sealed, plan, s.columns, s.columns)
        yield from self._reply(self._peers.times(self._right), plan, self._kept)

    def take_masked(self, masked: MaskedCiphertexts) -> None:
        self._read.append(self.s.own.decrypt(masked.sealed))

    def product(self) -> Ring:
        """The own share of left · right, truncated back to 32 fractional bits."""
        s, outputs = self.s, self._right.shape[1]
        kept = s.code.product(s.peer.public, s.columns).read(np.vstack(self._kept), outputs, s.columns)
        read = s.code.product(s.own.public, s.columns).read(np.vstack(self._read), outputs, s.columns)
        return s.cut(self._left.dot(self._right) + (read - kept).T, FRACTION)


def variance_factors(whiten: Floats) -> Ring:
    """(columns², columns): T_jf T_kf."""
    fixed = np.rint(np.ldexp(whiten, MIX_BITS)).astype(np.int64).astype(object)
    size = len(fixed)
    out: Ring = (fixed[:, None, :] * fixed[None, :, :]).reshape(size * size, size)
    return out


def variance_plan(public: PublicKey) -> SlotPlan:
    """Slots of variances, which have 32 + 2 · 20 fractional bits."""
    return SlotPlan(RING + 2 * (MIX_BITS + 12) + 18, public)


def start_plan(public: PublicKey) -> SlotPlan:
    """Slots of a provider's own weights in the fixed-point ring."""
    return SlotPlan(RING, public)


def open_variances(ring: Ring) -> Floats:
    """Variances before division by rows, of the sum of all shares."""
    return to_floats(ring % (1 << RING), FRACTION + 2 * MIX_BITS)


class VarianceRound(Round):
    """The diagonal of T X Tᵀ of each owner's own block, X the shared inverse: variances, before division by rows."""

    def __init__(self, shares: Shares) -> None:
        super().__init__(shares)
        self._received: list[Ciphertexts] = []
        self._kept: list[Limbs] = []
        self._read: list[Limbs] = []
        self.of_mine: Ring = zeros(0)
        self.of_theirs: Ring = zeros(0)

    def encrypted(self) -> Iterator[SealedCiphertexts]:
        s = self.s
        block = s.inverse[s.theirs, s.theirs].ravel().tolist()
        plain = limbs.from_ints(block, s.own.public.limbs)
        for part in s.chunks(len(block)):
            yield s.encrypt(plain[part], "inverse block")

    def take_encrypted(self, sealed: SealedCiphertexts) -> None:
        self._received.append(self._open(sealed))

    def masked(self) -> Iterator[MaskedCiphertexts]:
        he = self.s.peer
        plan = variance_plan(he.public)
        block = he.concat(self._received)
        factors = variance_factors(self.s.design.whiten)
        packed = he.pack(linear_map(he, block, factors), plan.per, plan.slot_bits)
        yield from self._reply(packed, plan, self._kept)

    def take_masked(self, masked: MaskedCiphertexts) -> None:
        self._read.append(self.s.own.decrypt(masked.sealed))

    def finish(self) -> None:
        s = self.s
        kept = variance_plan(s.peer.public).read(np.vstack(self._kept), 1, s.design.columns)[0]
        local = s.inverse[s.mine, s.mine].ravel().dot(variance_factors(s.design.whiten))
        self.of_mine = (local - kept) % (1 << RING)
        self.of_theirs = variance_plan(s.own.public).read(np.vstack(self._read), 1, s.peer_columns)[0]
