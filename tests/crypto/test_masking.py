"""Masks: the honest reply stays readable, the crafted one does not."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vfl.crypto import limbs
from vfl.crypto.masking import MaskedVector, mask, mask_all, mask_slots, mask_window, slot_shares
from vfl.crypto.paillier import AdditiveHE
from vfl.crypto.randomness import JobSeed
from vfl.errors import PlaintextOverflow, RemoteProtocolError

SEED = JobSeed(bytes(range(32)))
WINDOW = 100
FEW = settings(max_examples=30, deadline=None)


def opened(holder, c, label="seal"):
    return limbs.to_ints(holder.decrypt(holder.seal(c, SEED.stream(label))))


def low_signed(value, bits):
    low = value % (1 << bits)
    return low - (1 << bits) if low >> (bits - 1) else low


class _EdgeStream:
    """Random draws at the end of their range, where a value could carry into the next slot."""

    def __init__(self, ones):
        self._ones = ones

    def bits(self, count, bits):
        value = (1 << bits) - 1 if self._ones else 0
        return limbs.from_ints([value] * count, max(1, -(-bits // 64)))

    def below(self, bound, count):
        return [bound - 1 if self._ones else 0] * count


class TestWindow:
    @FEW
    @given(values=st.lists(st.integers(-(1 << (WINDOW - 1)) + 1, (1 << (WINDOW - 1)) - 1), min_size=1, max_size=6))
    def test_the_window_shows_honest_sums_and_the_rest_is_the_mask(self, holder, plain, values):
        c = holder.encrypt(plain(*values), SEED.stream("c"))
        for stream in (_EdgeStream(ones=False), _EdgeStream(ones=True), SEED.stream("w")):
            seen = opened(holder, mask_window(holder, c, window_bits=WINDOW, stream=stream))
            assert [low_signed(y, WINDOW) for y in seen] == values
        assert len({y >> WINDOW for y in seen} | {0}) == len(values) + 1, "each plaintext has its own mask"

    def test_no_room_no_mask(self, holder, plain, stream):
        c = holder.encrypt(plain(1), stream)
        mask_window(holder, c, window_bits=512 - 41, stream=stream)
        with pytest.raises(PlaintextOverflow) as caught:
            mask_window(holder, c, window_bits=512 - 40, stream=stream)
        assert caught.value.code == "MASK_ROOM"


class TestMagicNumbers:
    """A covert key holder gives row i the plaintext 2^(WINDOW + 8 i), far above any declared sum, and tries to read
    from the sums of anonymous bins which rows fell into them."""

    ROWS = 40

    @pytest.fixture
    def truth(self):
        return np.random.default_rng(7).integers(0, 4, self.ROWS).astype(np.uint8)

    @pytest.fixture
    def sums(self, backend, holder, public, plain, truth, stream):
        crafted = holder.encrypt_sealed(plain(*[1 << (WINDOW + 8 * i) for i in range(self.ROWS)]), stream)
        platform = AdditiveHE(public, backend=backend)
        sums = platform.bucket_sums(platform.open(crafted), truth[:, None], None, np.array([4], np.int32))
        return platform, sums

    def attack(self, values):
        """The rows that each sum seems to hold, read one by one from its bits above the window."""
        return [[i for i in range(self.ROWS) if y >> (WINDOW + 8 * i) & 0xFF == 1] for y in values]

    def members(self, truth):
        return [np.flatnonzero(truth == b).tolist() for b in range(4)]

    def test_without_the_mask_every_row_is_read(self, holder, sums, truth):
        _, unmasked = sums
        assert self.attack(opened(holder, unmasked)) == self.members(truth)

    def test_with_the_window_mask_none_is(self, holder, sums, truth):
        platform, unmasked = sums
        hits = false_alarms = 0
        for attempt in range(20):
            masked = mask_window(platform, unmasked, window_bits=WINDOW, stream=SEED.stream("m", attempt))
            for seen, rows in zip(self.attack(opened(holder, masked)), self.members(truth), strict=True):
                hits += len(set(seen) & set(rows))
                false_alarms += len(set(seen) - set(rows))
        # Blind guessing says 'present' for 1 byte in 256: 20 x 40 rows in their bins, 20 x 120 not.
        assert hits <= 15
        assert false_alarms <= 30

    def test_with_the_slot_mask_none_is(self, holder, sums, truth):
        platform, unmasked = sums
        hits = 0
        for attempt in range(20):
            masked, _ = mask_slots(
                platform, unmasked, slots=1, slot_bits=WINDOW, value_bits=50, stream=SEED.stream("s", attempt)
            )
            seen = self.attack(opened(holder, masked))
            hits += sum(len(set(a) & set(b)) for a, b in zip(seen, self.members(truth), strict=True))
        assert hits <= 15

    def test_a_wrap_tells_one_bit_at_most(self, holder, public, plain, stream):
        """The bound of mask_window's docstring: the window shows T0 or T0 - n, and nothing else."""
        value = 3 * public.n // 4 + 987_654_321
        c = holder.encrypt(plain(*[value] * 60), stream)
        seen = opened(holder, mask_window(holder, c, window_bits=WINDOW, stream=stream))
        windows = {y % (1 << WINDOW) for y in seen}
        assert windows == {value % (1 << WINDOW), (value - public.n) % (1 << WINDOW)}
        tops = [y / public.n for y in seen]
        assert min(tops) < 0.15, "the bits above the window cover the whole range"
        assert max(tops) > 0.85


class TestShares:
    SLOTS, SLOT_BITS, VALUE_BITS = 3, 110, 60

    @FEW
    @given(data=st.data(), shift=st.integers(0, 30))
    def test_slot_shares_add_up_without_carry(self, holder, plain, data, shift):
        top = (1 << self.VALUE_BITS) - 1
        each = st.one_of(st.sampled_from([-top, top, 0, -1]), st.integers(-top, top))
        values = data.draw(st.lists(each, min_size=6, max_size=6))
        packed = holder.pack(holder.encrypt(plain(*values), SEED.stream("p")), self.SLOTS, self.SLOT_BITS)
        for stream in (SEED.stream("k"), _EdgeStream(ones=False), _EdgeStream(ones=True)):
            masked, kept = mask_slots(
                holder, packed, slots=self.SLOTS, slot_bits=self.SLOT_BITS, value_bits=self.VALUE_BITS, stream=stream
            )
            sealed = holder.seal(masked, SEED.stream("q"))
            theirs = slot_shares(holder.decrypt(sealed), slots=self.SLOTS, slot_bits=self.SLOT_BITS, shift=shift)
            mine = slot_shares(kept, slots=self.SLOTS, slot_bits=self.SLOT_BITS, shift=shift)
            total = (theirs - mine).astype(np.int64).ravel().tolist()
            assert all(got - (value >> shift) in (0, 1) for got, value in zip(total, values, strict=True))
            if shift == 0:
                assert total == values

    def test_the_full_mask_is_additive_over_the_integers(self, holder, public, plain, stream):
        values = [0, 5, -5, (1 << 300) - 1, -(1 << 300) + 1]
        for draws in (stream, _EdgeStream(ones=False), _EdgeStream(ones=True)):
            masked, kept = mask_all(holder, holder.encrypt(plain(*values), stream), value_bits=300, stream=draws)
            seen = opened(holder, masked)
            assert [y - r for y, r in zip(seen, limbs.to_ints(kept), strict=True)] == values

    def test_a_middle_slot_of_a_product_is_shared_up_to_a_carry(self, holder, plain, stream):
        """Inner product by polynomials: (∑ a_i X^i)(∑ b_i X^(2 - i)) has ∑ a_i b_i at X^2; all of it is masked."""
        a, b, width = [3, 70, 11], [9, 2, 1000], 50
        left = sum(v << (width * i) for i, v in enumerate(a))
        right = sum(v << (width * (2 - i)) for i, v in enumerate(b))
        c = holder.mul_plain(holder.encrypt(plain(left), stream), limbs.from_ints([right], 3))
        masked, kept = mask_all(holder, c, value_bits=5 * width, stream=stream)
        y, r = opened(holder, masked)[0], limbs.to_ints(kept)[0]
        shared = ((y >> 2 * width) - (r >> 2 * width)) % (1 << width)
        assert shared - (3 * 9 + 70 * 2 + 11 * 1000) in (0, 1)

    def test_masked_slots_look_uniform(self, holder, plain, stream):
        packed = holder.pack(holder.encrypt(plain(*[0] * 300), stream), self.SLOTS, self.SLOT_BITS)
        masked, _ = mask_slots(holder, packed, slots=self.SLOTS, slot_bits=self.SLOT_BITS, value_bits=60, stream=stream)
        seen = opened(holder, masked)
        for bit in (0, 59, 109, 110, 219, 329, 330, 400, 500):
            ones = sum(y >> bit & 1 for y in seen)
            assert 25 <= ones <= 75, f"bit {bit} of 100 masked plaintexts"

    def test_no_room_no_mask(self, holder, plain, stream):
        c = holder.encrypt(plain(1), stream)
        for make in (
            lambda: mask_slots(holder, c, slots=1, slot_bits=100, value_bits=60, stream=stream),
            lambda: mask_slots(holder, c, slots=5, slot_bits=100, value_bits=59, stream=stream),
            lambda: mask_all(holder, c, value_bits=471, stream=stream),
        ):
            with pytest.raises(PlaintextOverflow) as caught:
                make()
            assert caught.value.code == "MASK_ROOM"


class TestMaskedVector:
    @given(
        bits=st.integers(1, 64), numbers=st.lists(st.integers(0, (1 << 64) - 1), max_size=10), label=st.integers()
    )
    def test_shares_add_up_and_survive_the_wire(self, bits, numbers, label):
        values = np.array([v % (1 << bits) for v in numbers], np.uint64)
        sent, kept = mask(values, bits=bits, stream=SEED.stream(label))
        arrived = MaskedVector.received(sent.to_bytes(), len(sent), bits)
        total = [(int(a) + int(b)) % (1 << bits) for a, b in zip(arrived.values, kept, strict=True)]
        assert total == values.tolist()

    def test_the_sent_share_says_nothing_of_the_value(self):
        """One stream, two values: the sent shares differ by exactly the values' difference; across streams the
        bits of a constant are balanced."""
        zeros = np.zeros(4000, np.uint64)
        sent, _ = mask(zeros, bits=8, stream=SEED.stream("u"))
        counts = np.bincount(sent.values.astype(np.int64), minlength=256)
        assert ((counts - 4000 / 256) ** 2 / (4000 / 256)).sum() < 340  # chi-square, 255 degrees, p about 2e-4

    def test_one_maker(self):
        sent, _ = mask(np.array([7], np.uint64), bits=64, stream=SEED.stream("one"))
        with pytest.raises(TypeError, match="mask"):
            MaskedVector(np.array([7], np.uint64), 64, object())
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(sent)
        assert repr(sent) == "<MaskedVector n=1>"

    @pytest.mark.parametrize(
        ("data", "count", "bits"),
        [(b"\x01", 2, 8), (b"\x01\x02", 1, 8), (b"\x10", 1, 4), (b"", 0, 0), (b"", 0, 65), (b"", -1, 8)],
    )
    def test_malformed_shares_are_refused(self, data, count, bits):
        with pytest.raises(RemoteProtocolError) as caught:
            MaskedVector.received(data, count, bits)
        assert caught.value.code == "SHARES_MALFORMED"
