"""The curvature round: XᵀWX/m + ridge on shares, W the rows' slopes σ', themselves shared.

A share of the slopes belongs to one party, its *source*: it sends, per row, [[ω]] and the products of ω with its own
whitened columns, many to a ciphertext. The other party sums them by its own bins:

* [[ω]] by pairs of own bins, times both raw values, whitened on both sides: its own block;
* [[ω x̃]] by own bin, times its own columns: the block across owners.

The source's own block is plain arithmetic at the source. Only additions are made per row.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.crypto.paillier import AdditiveHE, Ciphertexts, SealedCiphertexts
from vfl.crypto.shares import FRACTION, RING, Ring, linear_map, modular, to_fixed, twos_complement
from vfl.protocols.logistic_design import OwnDesign
from vfl.protocols.logistic_rounds import Round
from vfl.protocols.logistic_shares import Shares, wrong_count, zeros
from vfl.wire.carriers import MaskedCiphertexts

__all__ = ["CurvatureRound", "own_block", "pair_sums", "plus"]

Bins = npt.NDArray[np.uint16]

Ints = npt.NDArray[np.int64]
_FLUSH_ROWS = 1 << 14
_PAIRS_AT_ONCE = 64
_HALF_SLOPE = 1 << 31


class CurvatureRound(Round):
    """Both directions of one curvature, over the first ``rows`` rows.

    Parameters
    ----------
    peer_gives, gives : bool
        Whether the peer, this party hold shares of slopes. At the start the bank alone knows all slopes.
    residuals : array of shape (rows,), optional
        σ − y with 33 fractional bits, stretched, at the bank and at the start only: travels as one more column, so
        that the first gradient comes along.
    peer_residuals : bool
        Whether the peer's columns end with residuals.
    bound : bool
        Whether the slopes are those of the curvature's bound, ¼: each owner's own block is then the unit matrix, ridge
        included, because it works in columns whitened by just that, so only the blocks across are summed.
    """

    def __init__(
        self, shares: Shares, rows: int, *, gives: bool = True, peer_gives: bool = True,
        residuals: Ints | None = None, peer_residuals: bool = False, bound: bool = False,
    ) -> None:
        super().__init__(shares)
        self._rows, self._gives, self._peer_gives = rows, gives, peer_gives
        self._residuals, self._bound = residuals, bound
        self._width = shares.design.columns + (residuals is not None)
        self._peer_width = shares.peer_columns + peer_residuals
        self._pending: list[Ciphertexts] = []
        self._pending_rows = self._row = 0
        self._pairs: Ciphertexts | None = None
        self._cross: list[Ciphertexts | None] = []
        self._kept: list[Limbs] = []
        self._read: list[Limbs] = []
        self.peer_slopes: list[Ciphertexts] = []
        """[[peer's share of each slope]], kept where there are further platforms to relay its products to."""

    # --- as source --------------------------------------------------------------------------------------------

    def encrypted(self) -> Iterator[SealedCiphertexts]:
        s, public = self.s, self.s.own.public
        plan = s.code.cross_block(public)
        per_row = plan.groups(self._width) + (not self._bound)
        step = max(1, s.code.chunk // per_row)
        columns = s.design.curve_rows(self._rows, stretched=s.first)
        for start in range(0, self._rows, step):
            part = slice(start, min(start + step, self._rows))
            slopes = s.slopes[part]
            plain = np.zeros((len(slopes), per_row, public.limbs), dtype=np.uint64)
            if not self._bound:
                plain[:, 0, 0] = slopes
            # Slope × column in two halves of the slope, each of which fits a word.
            low, high = (
                columns[part] * half.astype(np.int64)[:, None]
                for half in (slopes & np.uint64(_HALF_SLOPE - 1), slopes // np.uint64(_HALF_SLOPE))
            )
            if self._residuals is not None:
                low = np.hstack([low, self._residuals[part, None]])
                high = np.hstack([high, np.zeros((len(high), 1), dtype=np.int64)])
            for group in range(plan.groups(self._width)):
                some = slice(group * plan.per, (group + 1) * plan.per)
                both = limbs.add(
                    twos_complement(low[:, some], plan.slot_bits, public.limbs),
                    twos_complement(high[:, some], plan.slot_bits, public.limbs, start=_HALF_SLOPE.bit_length() - 1),
                )
                plain[:, group - plan.groups(self._width)] = modular(both, public)
            yield s.encrypt(plain.reshape(-1, public.limbs), "curvature")

    # --- as summing party -------------------------------------------------------------------------------------

    def take_encrypted(self, sealed: SealedCiphertexts) -> None:
        per_row = self._per_row
        rows, rest = divmod(len(sealed), per_row)
        self._pending_rows += rows
        if rest or self._row + self._pending_rows > self._rows:
            raise wrong_count()
        self._pending.append(self._open(sealed))
        if self._pending_rows >= _FLUSH_ROWS:
            self._flush()

    @property
    def _per_row(self) -> int:
        """Ciphertexts of each of the peer's rows."""
        return self.s.code.cross_block(self.s.peer.public).groups(self._peer_width) + (not self._bound)

    def _flush(self) -> None:
        """Add the pending rows to the sums by bin and by pair of bins."""
        if not self._pending:
            return
        he, design, per_row = self.s.peer, self.s.design, self._per_row
        bins = design.bins[self._row : self._row + self._pending_rows]
        c = he.concat(self._pending)
        own = [he.take(c, np.arange(j, len(c), per_row, dtype=np.int64)) for j in range(per_row)]
        if not self._bound:
            slopes = own.pop(0)
            if self.s.others:
                self.peer_slopes.append(slopes)
            self._pairs = plus(he, self._pairs, pair_sums(he, design, slopes, bins))
        cross = self._cross or [None] * len(own)
        self._cross = [
            plus(he, old, he.bucket_sums(part, bins, None, design.counts))
            for old, part in zip(cross, own, strict=True)
        ]
        self._row += self._pending_rows
        self._pending, self._pending_rows = [], 0

    def masked(self) -> Iterator[MaskedCiphertexts]:
        s, he = self.s, self.s.peer
        plan = s.code.cross_block(he.public)
        self._flush()
        if self._row != self._rows or not self._cross:
            raise wrong_count()
        if self._pairs is not None:
            own_plan = s.code.own_block(he.public)
            block = own_block(he, s.design, self._pairs, self._rows)
            yield from self._reply(he.pack(block, own_plan.per, own_plan.slot_bits), own_plan, self._kept)
        back = s.design.curve_table(self._rows, stretched=s.first)
        parts = [linear_map(he, part, back) for part in self._cross if part is not None]
        order = np.arange(len(parts) * s.design.columns, dtype=np.int64).reshape(len(parts), -1).T.ravel()
        yield from self._reply(he.take(he.concat(parts), order), plan, self._kept)

    def take_masked(self, masked: MaskedCiphertexts) -> None:
        self._read.append(self.s.own.decrypt(masked.sealed))

    # --- shares -----------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Put all blocks together; the platform's slopes count negative."""
        s = self.s
        own_sign, peer_sign = (1, -1) if s.first else (-1, 1)
        own, cross = zeros(s.columns, s.columns), zeros(s.columns, s.columns)
        gradient = zeros(s.columns)
        if self._gives:
            theirs, across = self._blocks(self._read, s.own, s.peer_columns, self._width)
            if theirs is not None:
                own[s.mine, s.mine] = own[s.mine, s.mine] + own_sign * self._plain_block()
                own[s.theirs, s.theirs] = own[s.theirs, s.theirs] + own_sign * theirs
            block = own_sign * across[:, : s.design.columns]
            cross[s.theirs, s.mine] = cross[s.theirs, s.mine] + block
            cross[s.mine, s.theirs] = cross[s.mine, s.theirs] + block.T
            if self._residuals is not None:
                gradient[s.theirs] = across[:, -1]
        if self._peer_gives:
            mine, across = self._blocks(self._kept, s.peer, s.design.columns, self._peer_width)
            if mine is not None:
                own[s.mine, s.mine] = own[s.mine, s.mine] - peer_sign * mine
            block = -peer_sign * across[:, : s.peer_columns]
            cross[s.mine, s.theirs] = cross[s.mine, s.theirs] + block
            cross[s.theirs, s.mine] = cross[s.theirs, s.mine] + block.T
            if self._peer_width > s.peer_columns:
                gradient[s.mine] = -across[:, -1]
        s.curvature = s.cut(own, s.code.own_scale() - FRACTION) + s.cut(cross, s.code.cross_scale() - FRACTION)
        known = np.eye(s.design.columns) if self._bound else s.design.ridge
        s.curvature[s.mine, s.mine] = s.curvature[s.mine, s.mine] + to_fixed(known)
        s.curvature %= 1 << RING
        s.gradient = s.cut(gradient, s.code.cross_scale() - FRACTION)

    def _blocks(self, numbers: list[Limbs], he: AdditiveHE, summing: int, width: int) -> tuple[Ring | None, Ring]:
        """Shares of the summing party's own block (columns²), if summed, and of its block across (columns, width)."""
        own_plan, plan = self.s.code.own_block(he.public), self.s.code.cross_block(he.public)
        plain = np.vstack(numbers)
        if self._bound:
            return None, plan.read(plain, summing, width)
        split = own_plan.groups(summing * summing)
        own = own_plan.read(plain[:split], 1, summing * summing).reshape(summing, summing)
        return own, plan.read(plain[split:], summing, width)

    def _plain_block(self) -> Ring:
        """The source's own block of its own slopes, exact: sums by pairs of bins, then as the other party does."""
        design, slopes = self.s.design, self.s.slopes[: self._rows]
        low, high = (slopes & np.uint64((1 << 30) - 1)).astype(np.float64), (slopes >> np.uint64(30)).astype(np.float64)
        raw = zeros(design.columns, design.columns)
        for f, g in _pairs(design.columns):
            size = int(design.counts[f]) * int(design.counts[g])
            joint = design.bins[: self._rows, f].astype(np.int64) * int(design.counts[g]) + design.bins[: self._rows, g]
            # Parts of 30 and 32 bits: their sums stay below 2^53 for 2^21 rows, and float64 adds them exactly.
            lows, highs = np.bincount(joint, low, size), np.bincount(joint, high, size)
            products = np.outer(design.raw[f], design.raw[g]).ravel().tolist()
            total = sum(
                p * (int(h) * (1 << 30) + int(v)) for p, h, v in zip(products, highs, lows, strict=True)
            )
            raw[f, g] = raw[g, f] = total
        left, right = design.whiteners(self._rows)
        out: Ring = left.dot(raw).dot(right.T)
        return out


def pair_sums(he: AdditiveHE, design: OwnDesign, slopes: Ciphertexts, bins: Bins) -> Ciphertexts:
    """Sums of the slopes by pairs of own bins, pair of columns by pair of columns; ``bins`` are those of their rows."""
    blocks = []
    pairs = list(_pairs(design.columns))
    for first in range(0, len(pairs), _PAIRS_AT_ONCE):
        some = pairs[first : first + _PAIRS_AT_ONCE]
        joint = np.stack([bins[:, f] * design.counts[g] + bins[:, g] for f, g in some], axis=1)
        counts = np.array([design.counts[f] * design.counts[g] for f, g in some], dtype=np.int32)
        blocks.append(he.bucket_sums(slopes, joint.astype(np.uint16), None, counts))
    return he.concat(blocks)


def own_block(he: AdditiveHE, design: OwnDesign, pairs: Ciphertexts, rows: int) -> Ciphertexts:
    """[[T_left · X_ownᵀ Ω X_own · T_rightᵀ]], row by row, from :func:`pair_sums` over ``rows`` rows."""
    index = list(_pairs(design.columns))
    products = np.concatenate([np.outer(design.raw[f], design.raw[g]).ravel() for f, g in index])
    weighed = he.mul_plain(pairs, np.abs(products).astype(np.uint64)[:, None], products < 0)
    owner = np.concatenate(
        [np.full(int(design.counts[f]) * int(design.counts[g]), i) for i, (f, g) in enumerate(index)]
    )
    raw = _sum_by(he, weighed, owner, len(index))
    place = np.zeros((design.columns, design.columns), dtype=np.int64)
    for i, (f, g) in enumerate(index):
        place[f, g] = place[g, f] = i
    left, right = design.whiteners(rows)
    size = design.columns
    half = he.concat([linear_map(he, he.take(raw, place[:, k]), left.T) for k in range(size)])
    order = np.arange(size * size, dtype=np.int64).reshape(size, size).T
    return he.concat([linear_map(he, he.take(half, order[j]), right.T) for j in range(size)])


def _pairs(columns: int) -> Iterator[tuple[int, int]]:
    return combinations_with_replacement(range(columns), 2)


def plus(he: AdditiveHE, old: Ciphertexts | None, new: Ciphertexts) -> Ciphertexts:
    """``new``, added to what was summed before."""
    return new if old is None else he.add(old, new)


def _sum_by(he: AdditiveHE, c: Ciphertexts, owner: npt.NDArray[np.int64], count: int) -> Ciphertexts:
    return he.bucket_sums(c, owner.astype(np.uint16)[:, None], None, np.array([count], dtype=np.int32))
