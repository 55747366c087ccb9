"""Fixed point, wide integers and slots: exact, bounded, correctly rounded."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vfl.crypto import limbs
from vfl.crypto.encoding import FixedPoint, WideInts
from vfl.crypto.packing import SlotLayout
from vfl.errors import LocalProtocolError, PlaintextOverflow

wide = st.one_of(
    st.integers(-(1 << 127), (1 << 127) - 1),
    st.builds(
        lambda sign, exponent, nudge: max(-(1 << 127), min((1 << 127) - 1, sign * (1 << exponent) + nudge)),
        st.sampled_from([-1, 1]), st.integers(0, 127), st.integers(-5000, 5000),
    ),
)


def wide_ints(values):
    return WideInts.from_limbs(limbs.from_ints([value % (1 << 128) for value in values], 2))


def code_of(make):
    with pytest.raises(PlaintextOverflow) as caught:
        make()
    return caught.value.code


class TestFixedPoint:
    @given(
        values=st.lists(st.floats(-3.5, 3.5), max_size=20), fraction_bits=st.integers(0, 55)
    )
    def test_within_half_a_unit_and_within_the_bound(self, values, fraction_bits):
        code = FixedPoint(3.5, fraction_bits, 20)
        encoded = code.encode(np.array(values, np.float64), name="g")
        for value, integer in zip(values, encoded.tolist(), strict=True):
            assert abs(Fraction(value) * 2**fraction_bits - integer) <= Fraction(1, 2)
            assert abs(integer) <= code.limit

    @given(st.floats(1e-6, 1e6), st.integers(0, 40), st.integers(1, 10**7))
    def test_the_widest_sum_just_fits(self, max_abs, fraction_bits, max_rows):
        if max_abs * 2.0**fraction_bits >= 2**62:
            return
        code = FixedPoint(max_abs, fraction_bits, max_rows)
        worst = code.limit * max_rows
        assert worst < 1 << (code.width - 1)
        assert worst >= 1 << (code.width - 2)

    def test_decode_inverts_sums(self):
        code = FixedPoint(1.0, 30, 1000)
        values = np.linspace(-1, 1, 1000)
        total = WideInts.from_int64(np.array([code.encode(values, name="g").sum()]))
        assert code.decode(total)[0] == pytest.approx(values.sum(), abs=1000 * 2**-31)

    def test_overflow_is_refused_before_anything_is_encrypted(self):
        code = FixedPoint(1.0, 20, 3)
        assert code_of(lambda: code.encode(np.zeros(4), name="g")) == "ENCODING_ROWS"
        for bad in (1.0000001, -2.0, np.inf, np.nan):
            assert code_of(lambda b=bad: code.encode(np.array([0.0, b]), name="g")) == "ENCODING_RANGE"
        assert code_of(lambda: FixedPoint(1.0, 63, 1)) == "ENCODING_WIDTH"
        assert code_of(lambda: FixedPoint(2.0**40, 22, 1 << 70)) == "ENCODING_WIDTH"
        assert code_of(lambda: FixedPoint(float("nan"), 10, 1)) == "ENCODING_WIDTH"

    def test_errors_name_the_place_and_never_the_value(self):
        with pytest.raises(PlaintextOverflow) as caught:
            FixedPoint(1.0, 20, 3).encode(np.array([0.5, 7.654321]), name="gradient")
        for language in ("en", "zh"):
            message = caught.value.in_(language)
            assert "gradient" in message
            assert "2" in message
            assert "7.65" not in message


class TestWideInts:
    @given(st.lists(wide, min_size=1, max_size=30), st.integers(0, 60))
    def test_to_float_rounds_once(self, values, fraction_bits):
        got = wide_ints(values).to_float64(fraction_bits).tolist()
        assert got == [float(Fraction(value, 1 << fraction_bits)) for value in values]

    def test_one_unit_beyond_a_tie_decides_the_rounding(self):
        """Half of the last float64 bit plus or minus a unit far below the 64 leading bits."""
        tie = (1 << 120) + (1 << 67)
        values = [tie - 1, tie, tie + 1, -tie - 1, tie + (1 << 68), tie + (1 << 68) - 1]
        assert wide_ints(values).to_float64().tolist() == [float(value) for value in values]

    @given(st.lists(st.tuples(wide, wide), min_size=1, max_size=30))
    def test_sums_and_differences_mod_two_to_the_128(self, pairs):
        a, b = wide_ints([x for x, _ in pairs]), wide_ints([y for _, y in pairs])

        def wrapped(value):
            return (value + (1 << 127)) % (1 << 128) - (1 << 127)

        assert (a + b).to_ints() == [wrapped(x + y) for x, y in pairs]
        assert (a - b).to_ints() == [wrapped(x - y) for x, y in pairs]

    def test_to_int64_or_refusal(self):
        edges = [-(1 << 63), (1 << 63) - 1, 0, -1]
        assert wide_ints(edges).to_int64().tolist() == edges
        for beyond in (1 << 63, -(1 << 63) - 1):
            assert code_of(lambda v=beyond: wide_ints([v]).to_int64()) == "SUM_TOO_WIDE"

    def test_shape_and_index_follow_numpy(self):
        table = WideInts.from_int64(np.arange(-3, 3)).reshape(2, 3)
        assert table[1].to_int64().tolist() == [0, 1, 2]
        assert table[:, 0].to_float64().tolist() == [-3.0, 0.0]
        assert repr(table) == "<WideInts (2, 3)>"


class TestSlotLayout:
    @settings(deadline=None)
    @given(data=st.data())
    def test_sums_of_rows_are_sums_of_slots(self, key_of, data):
        public = key_of(512).public
        widths = data.draw(st.lists(st.sampled_from([2, 7, 31, 63, 64, 65, 100, 128]), min_size=1, max_size=3))
        names = tuple(f"s{j}" for j in range(len(widths)))
        layout = SlotLayout(names, tuple(widths))
        per, count = layout.capacity(public), data.draw(st.integers(1, 7))
        columns = {}
        for name, width in zip(names, widths, strict=True):
            top = min(1 << (width - 1), 1 << 63) - 1
            columns[name] = np.array(
                data.draw(st.lists(st.sampled_from([-top, -1, 0, 1, top]), min_size=count, max_size=count)), np.int64
            )
        plain = layout.pack(columns, public)
        packed = []
        for start in range(0, count, per):
            group = limbs.to_ints(plain[start : start + per])
            packed.append(sum(v << (layout.width * j) for j, v in enumerate(group)) % public.n)
        masked = [(m + (12345 << per * layout.width)) % public.n for m in packed]
        sums = layout.unpack(limbs.from_ints(masked, public.limbs), per=per, count=count)
        assert {name: v.to_ints() for name, v in sums.items()} == {n: c.tolist() for n, c in columns.items()}

    def test_negative_rows_travel_as_n_minus(self, key_of):
        public = key_of(512).public
        layout = SlotLayout(("g", "h"), (40, 40))
        plain = layout.pack({"g": np.array([5, 5]), "h": np.array([1, -1])}, public)
        assert limbs.to_ints(plain) == [5 + (1 << 40), public.n - (1 << 40) + 5]

    def test_capacity_leaves_room_for_the_mask(self, key_of):
        layout = SlotLayout(("g", "h"), (46, 45))
        assert layout.width == 91
        assert layout.capacity(key_of(2048).public) == (2048 - 41) // 91
        assert code_of(lambda: SlotLayout(("w",) * 1 + ("x", "y", "z"), (128,) * 4).capacity(key_of(512).public)) == (
            "LAYOUT_TOO_WIDE"
        )

    def test_misfits_are_refused(self, key_of):
        public = key_of(512).public
        assert code_of(lambda: SlotLayout(("g",), (129,))) == "SLOT_WIDTH"
        assert code_of(lambda: SlotLayout(("g",), (1,))) == "SLOT_WIDTH"
        layout = SlotLayout(("g",), (8,))
        for value in (128, -128):
            assert code_of(lambda v=value: layout.pack({"g": np.array([v])}, public)) == "SLOT_OVERFLOW"
        with pytest.raises(LocalProtocolError):
            layout.pack({"h": np.array([1])}, public)
        with pytest.raises(LocalProtocolError):
            layout.unpack(np.zeros((2, 8), np.uint64), per=3, count=9)
