"""The providers' rounds at the two computing parties: what they send, and what the answers add to their shares.

Both run the same code (:class:`Hub`). Values that a provider computed are what the bank reads less what the first
platform reads, so the platform's readings count negative, and what it sends of its own is sent negative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends.base import Limbs
from vfl.crypto.masking import slot_shares
from vfl.crypto.paillier import Ciphertexts, SealedCiphertexts
from vfl.crypto.shares import FRACTION, RING, Ring
from vfl.protocols.logistic import What
from vfl.protocols.logistic_code import ANGLE_SHIFT, WEIGHT_BITS, SeriesCode
from vfl.protocols.logistic_curvature import CurvatureRound
from vfl.protocols.logistic_matrix import start_plan, variance_plan
from vfl.protocols.logistic_party import LogisticParty
from vfl.protocols.logistic_provider import Ask
from vfl.protocols.logistic_relays import (
    Masks,
    packed_columns,
    relay_chunks,
    relay_plain,
    relay_products,
    relay_working,
    stretched_columns,
)
from vfl.protocols.logistic_rounds import Round, SumRound, clean_sums, with_top_bits
from vfl.protocols.logistic_shares import Shares, wrong_count, zeros
from vfl.runtime.workspace import too_early
from vfl.wire.carriers import MaskedCiphertexts

__all__ = ["Hub"]

R = TypeVar("R", bound=Round)
Words = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Relayed = tuple[SealedCiphertexts, SealedCiphertexts]
"""Under the own key, and under the peer's."""


class Hub:
    """One computing party and its providers.

    Parameters
    ----------
    side : LogisticParty
    providers : sequence of str
        The platforms after the first, in the order of the job.
    residuals : callable, optional
        At the bank: its own model's residuals, which go with its columns in the first curvature.
    """

    def __init__(
        self, side: LogisticParty, providers: tuple[str, ...], *, residuals: Callable[[], Ints] | None = None
    ) -> None:
        self._side, self._providers, self._residuals = side, providers, residuals
        self._ask = Ask.MARGINS
        self._read: dict[str, list[Limbs]] = {}
        self._sums: dict[str, Words] = {}
        """Own shares mod 2^S of sums of residuals by each provider's bins."""
        self._tops: list[Ciphertexts] = []
        self._variances: dict[str, Ring] = {}

    @property
    def s(self) -> Shares:
        return self._side.shares

    def take_width(self, columns: int, provider: str) -> None:
        """Widths come in the order of the job."""
        if len(self._side.others) != self._providers.index(provider):
            raise wrong_count()
        self._side.others.append(columns)

    def begin(self, ask: Ask) -> None:
        self._ask = ask
        self._read = {provider: [] for provider in self._providers}
        self._tops = []
        if ask is Ask.START:
            self._variances = {}

    # --- what is sent -----------------------------------------------------------------------------------------

    def encrypted(self, provider: str) -> Iterator[SealedCiphertexts]:
        """Own shares of the provider's weights (low bits, then all), or of its block of the inverse."""
        s, part = self.s, self._part(provider)
        if self._ask is Ask.MARGINS:
            values = self._signed(s.weights[part]).tolist()
            values = [w % (1 << WEIGHT_BITS) for w in values] + values
        else:
            values = self._signed(s.inverse[part, part]).ravel().tolist()
        plain = limbs.from_ints(values, s.own.public.limbs)
        for chunk in s.chunks(len(values)):
            yield s.encrypt(plain[chunk], f"provided {self._ask}")

    def slopes(self) -> Iterator[SealedCiphertexts]:
        """Own share of each row's slope."""
        s = self.s
        plain = np.zeros((self._side.curvature_rows, s.own.public.limbs), dtype=np.uint64)
        plain[:, 0] = s.slopes[: len(plain)]
        for chunk in s.chunks(len(plain)):
            yield s.encrypt(plain[chunk], "provided slopes")

    def relay(self) -> Iterator[Relayed]:
        """Of each row: the peer's encrypted value, masked, and the mask; of slopes, times own columns."""
        if self._ask is Ask.SUMS:
            yield from self._relay_residuals()
        else:
            yield from self._relay_slopes()

    def _relay_residuals(self) -> Iterator[Relayed]:
        s, sums = self.s, self._sum_round
        bits = s.code.relayed_row_bits(sums.series)
        products = s.peer.concat(sums.products)
        s.clock += 1
        for part in relay_chunks(s.code, len(products)):
            masks = Masks(s.seed, ("residuals", s.clock, part.start, sums.heard.digest()), bits)
            some = s.peer.take(products, np.arange(part.start, part.stop, dtype=np.int64))
            yield relay_plain(s.own, [0] * len(some), masks), relay_working(s.peer, some, masks)
        sums.products.clear()

    def _relay_slopes(self) -> Iterator[Relayed]:
        s, given = self.s, self._curvature_round
        rows = self._side.curvature_rows
        plan = s.code.relayed_block(s.own.public)
        packed, own = self._own_products(rows)
        peers = s.peer.concat(given.peer_slopes) if given.peer_slopes else None
        s.clock += 1
        for part in relay_chunks(s.code, rows, own.shape[1]):
            masks = Masks(
                s.seed, ("slopes", s.clock, part.start, given.heard.digest()), s.code.relayed_column_bits(),
                plan.per, plan.slot_bits,
            )  # fmt: skip
            yield relay_plain(s.own, own[part].ravel().tolist(), masks), relay_products(
                s.peer, peers, packed, part, masks
            )
        given.peer_slopes.clear()

    def _own_products(self, rows: int) -> tuple[Ring, Ring]:
        """Packed columns of each row, and the own share of its slope times them (and the bank's first residuals)."""
        s = self.s
        plan = s.code.relayed_block(s.own.public)
        packed = stretched_columns(s.design, plan, rows)
        slopes = s.slopes[:rows].astype(object) if len(s.slopes) else zeros(rows)
        if self._residuals is None or not self._side.from_own_model:
            return packed, packed * slopes[:, None]
        columns = s.design.curve_rows(rows, stretched=True).astype(object)
        values = np.hstack([columns * slopes[:, None], self._residuals()[:rows].astype(object)[:, None]])
        own = packed_columns(values, plan)
        return zeros(*own.shape), own

    def sums(self) -> Iterator[SealedCiphertexts]:
        """The bank's shares of all providers' sums, and their top bits."""
        s = self.s
        y = np.concatenate([self._sums[p] for p in self._providers])
        plain = with_top_bits(y, self._sum_round.series.slot, s.own.public)
        for chunk in s.chunks(len(plain)):
            yield s.encrypt(plain[chunk], "provided sums")

    def take_sums(self, sealed: SealedCiphertexts) -> None:
        self._tops.append(self.s.peer.open(sealed))

    def relay_sums(self, provider: str) -> Iterator[Relayed]:
        """At the first platform: the provider's sums over the integers, masked."""
        s, series = self.s, self._sum_round.series
        both = s.peer.concat(self._tops)
        counts = [len(self._sums[p]) for p in self._providers]
        place = self._providers.index(provider)
        start, total = sum(counts[:place]), sum(counts)
        if len(both) != 2 * total:
            raise wrong_count()
        index = np.arange(start, start + counts[place], dtype=np.int64)
        mine = s.peer.take(both, np.concatenate([index, total + index]))
        clean = clean_sums(s.peer, mine, self._sums[provider], series.slot)
        s.clock += 1
        for part in relay_chunks(s.code, len(clean)):
            some = s.peer.take(clean, np.arange(part.start, part.stop, dtype=np.int64))
            masks = Masks(
                s.seed, ("sums", s.clock, part.start, self._sum_round.heard.digest()),
                s.code.relayed_bin_bits(series),
            )  # fmt: skip
            yield relay_plain(s.own, [0] * len(some), masks), relay_working(s.peer, some, masks)

    # --- what comes back --------------------------------------------------------------------------------------

    def take_masked(self, masked: MaskedCiphertexts, provider: str) -> None:
        self._read[provider].append(self.s.own.decrypt(masked.sealed))

    def finish(self) -> None:
        """Add every provider's answers to the own shares."""
        for provider in self._providers:
            numbers = np.vstack(self._read[provider])
            if self._ask is Ask.START:
                part = self._part(provider)
                read = start_plan(self.s.own.public).read(numbers, 1, part.stop - part.start)[0]
                self.s.weights[part] = self._signed(read)
            elif self._ask is Ask.MARGINS:
                self._add_margins(numbers)
            elif self._ask is Ask.SUMS:
                self._sums[provider] = self._slots(numbers, self._sum_round.series)
            elif self._ask is Ask.GRADIENT:
                self._add_gradient(numbers, provider)
            elif self._ask is Ask.CURVATURE:
                self._add_blocks(numbers, provider)
            else:
                part = self._part(provider)
                plan = variance_plan(self.s.own.public)
                self._variances[provider] = self._signed(plan.read(numbers, 1, part.stop - part.start)[0])
        self._read = {}

    def _add_margins(self, numbers: Limbs) -> None:
        s = self.s
        plan = s.code.margins(s.own.public)
        if len(numbers) != plan.groups(s.rows):
            raise wrong_count()
        slots = slot_shares(numbers, slots=plan.per, slot_bits=plan.slot_bits).ravel()[: s.rows]
        turned = slots << np.uint64(ANGLE_SHIFT)
        s.angles += turned if s.first else np.uint64(0) - turned

    def _slots(self, numbers: Limbs, series: SeriesCode) -> Words:
        plan = self.s.code.relayed_sums(self.s.own.public, series)
        parts = [
            limbs.extract(numbers, j * plan.slot_bits + series.middle, series.slot)[:, 0] for j in range(plan.per)
        ]
        return np.stack(parts, axis=1).ravel()

    def _add_gradient(self, numbers: Limbs, provider: str) -> None:
        s, part = self.s, self._part(provider)
        series = self._sum_round.series
        read = s.code.relayed_gradient(s.own.public, series).read(numbers, 1, part.stop - part.start)[0]
        s.gradient[part] = s.cut(self._signed(read), s.code.gradient_scale(series) - FRACTION)

    def _add_blocks(self, numbers: Limbs, provider: str) -> None:
        """Own block first, then those across, from the bank, the first platform and earlier providers."""
        s, part = self.s, self._part(provider)
        size, number = part.stop - part.start, self._providers.index(provider)
        plan, across = s.code.own_block(s.own.public), s.code.relayed_block(s.own.public)
        end = plan.groups(size * size)
        block = self._signed(plan.read(numbers[:end], 1, size * size).reshape(size, size))
        s.curvature[part, part] = s.cut(block, s.code.own_scale() - FRACTION)
        bank, platform = (s.mine, s.theirs) if s.first else (s.theirs, s.mine)
        for owner in (bank, platform, *(s.part(earlier) for earlier in range(number))):
            residuals = owner == bank and self._side.from_own_model
            width = owner.stop - owner.start + residuals
            start, end = end, end + size * across.groups(width)
            values = s.cut(self._signed(across.read(numbers[start:end], size, width)), s.code.cross_scale() - FRACTION)
            s.curvature[part, owner] = values[:, : width - residuals]
            s.curvature[owner, part] = values[:, : width - residuals].T
            if residuals:
                s.gradient[part] = values[:, -1]
        if end != len(numbers):
            raise wrong_count()

    # --- opening ----------------------------------------------------------------------------------------------

    def share(self, provider: str) -> bytes:
        """Own shares of the provider's weights and, where wanted, of its variances."""
        values = self.s.weights[self._part(provider)].tolist()
        if provider in self._variances:
            values += self._variances[provider].tolist()
        return b"".join(v.to_bytes(RING // 8, "little") for v in values)

    # --- inside -----------------------------------------------------------------------------------------------

    def _part(self, provider: str) -> slice:
        return self.s.part(self._providers.index(provider))

    def _signed(self, values: Ring) -> Ring:
        """The own part of a difference: the bank's less the platform's."""
        out: Ring = values % (1 << RING) if self.s.first else -values % (1 << RING)
        return out

    @property
    def _sum_round(self) -> SumRound:
        return _kind(self._side.round_of(What.SUMS), SumRound)

    @property
    def _curvature_round(self) -> CurvatureRound:
        return _kind(self._side.round_of(What.CURVATURE), CurvatureRound)


def _kind(found: Round, kind: type[R]) -> R:
    if not isinstance(found, kind):
        raise too_early(kind.__name__)
    return found
