"""What a party of a federated logistic regression holds between rounds.

Nothing in it is a value: weights, gradient, curvature and its inverse are ring elements, margins are angles, all
uniform without the other party's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vfl.crypto.backends.base import Limbs
from vfl.crypto.keys import PublicKey
from vfl.crypto.paillier import AdditiveHE, Ciphertexts, KeyHolder, SealedCiphertexts
from vfl.crypto.randomness import JobSeed
from vfl.crypto.shares import RING, Ring, truncate
from vfl.errors import RemoteProtocolError
from vfl.protocols.logistic_code import LogisticCode
from vfl.protocols.logistic_design import OwnDesign
from vfl.runtime.workspace import malformed

__all__ = ["Shares", "replying", "wrong_count", "zeros"]

Words = npt.NDArray[np.uint64]
_MODULUS = 1 << RING


@dataclass(slots=True, repr=False)
class Shares:
    """One party's shares, and the numbers of its own that it computes with.

    Parameters
    ----------
    first : bool
        True at the bank: local truncation and signs tell the two parties apart.
    own, peer : KeyHolder, AdditiveHE
        The own key pair and the peer's public key.
    peer_columns : int
        Columns of the peer's part; the bank's come first in joint vectors.

    ``others`` are the columns of each further platform, which come last; neither party computes with them.
    """

    first: bool
    seed: JobSeed
    code: LogisticCode
    design: OwnDesign
    own: KeyHolder
    peer: AdditiveHE
    peer_columns: int
    weights: Ring = field(init=False)
    gradient: Ring = field(init=False)
    curvature: Ring = field(init=False)
    inverse: Ring = field(init=False)
    angles: Words = field(init=False)
    slopes: Words = field(init=False)
    """Shares of each row's slope over the integers: the bank's, less the platform's."""
    peer_weights: Ciphertexts | None = field(init=False, default=None)
    """[[peer's share of the own weights]] under its key: the ridge needs it."""
    clock: int = field(init=False, default=0)
    """Counts encryptions and replies: no randomness serves two of them."""
    others: tuple[int, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        self.admit(())

    def admit(self, others: tuple[int, ...]) -> None:
        """Shares of zero, for this party, its peer and further platforms of so many columns."""
        self.others = others
        total = self.columns
        self.weights = zeros(total)
        self.gradient = zeros(total)
        self.curvature = zeros(total, total)
        self.inverse = zeros(total, total)
        self.angles = np.zeros(len(self.design.bins), dtype=np.uint64)
        self.slopes = np.zeros(0, dtype=np.uint64)

    @property
    def columns(self) -> int:
        return self._computing + sum(self.others)

    @property
    def _computing(self) -> int:
        return self.design.columns + self.peer_columns

    @property
    def mine(self) -> slice:
        """Own columns in joint vectors."""
        return slice(0, self.design.columns) if self.first else slice(self.peer_columns, self._computing)

    @property
    def theirs(self) -> slice:
        return slice(self.design.columns, self._computing) if self.first else slice(0, self.peer_columns)

    def part(self, other: int) -> slice:
        """Columns of a further platform in joint vectors."""
        start = self._computing + sum(self.others[:other])
        return slice(start, start + self.others[other])

    @property
    def rows(self) -> int:
        return len(self.design.bins)

    def cut(self, share: Ring, bits: int) -> Ring:
        """Own share of value / 2^bits."""
        return truncate(share % _MODULUS, bits)

    def encrypt(self, plain: Limbs, what: str) -> SealedCiphertexts:
        """Fresh ciphertexts under the own key; randomness bound to place and plaintext."""
        self.clock += 1
        digest = hashlib.sha256(plain.tobytes()).digest()
        return self.own.encrypt_sealed(plain, self.seed.stream("logistic", what, self.clock, digest))

    def chunks(self, count: int) -> Iterator[slice]:
        """Slices of ``count`` things, one message each; at least one, perhaps empty."""
        step = self.code.chunk
        for start in range(0, max(count, 1), step):
            yield slice(start, min(start + step, count))


def replying(public: PublicKey, seed: JobSeed, *, rows: int, columns: int) -> AdditiveHE:
    """A peer's key as replies are made under it: with a pool of randomisers where so many are sealed that it pays.

    ``columns`` are those of both computing parties. What is decided here must follow from the contract and the widths
    alone, so that a party that goes on after a crash seals as before.
    """
    # About as many replies as rows, for margins and slopes, and those of matrices; a pool costs bits + 128 of them.
    pays = rows + 5 * columns**2 > 2 * public.bits
    return AdditiveHE(public, pool=seed.stream("logistic-pool", public.key_id) if pays else None)


def zeros(*shape: int) -> Ring:
    out = np.empty(shape, dtype=object)
    out[...] = 0
    return out


def wrong_count() -> RemoteProtocolError:
    return malformed("SHARE_COUNT", "another number of values than the job's rows and columns call for",
                     "数值个数与任务的行数、列数不符")
