"""Arithmetic on ciphertexts: equal to plain integers and to phe, for every backend."""

from __future__ import annotations

import pickle

import numpy as np
import phe
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vfl.crypto import limbs
from vfl.crypto.keys import PrivateKey
from vfl.crypto.multipliers import Multipliers
from vfl.crypto.paillier import AdditiveHE, Ciphertexts, KeyHolder, SealedCiphertexts
from vfl.crypto.randomness import JobSeed
from vfl.errors import (
    InvalidCiphertext,
    KeyMismatch,
    LocalProtocolError,
    PlaintextOverflow,
)

SEED = JobSeed(bytes(32))
FEW = settings(max_examples=25, deadline=None)


def edge_integers(bits=512):
    """Residues that tend to break carries and wraps, given before reduction mod n."""
    top = 1 << bits
    named = st.sampled_from([0, 1, 2, -1, -2, (1 << 64) - 1, 1 << 64, 1 << 63, top - 1, top // 2, -(top // 2)])
    return st.one_of(named, st.integers(-top, top))


def integers(holder, sealed):
    return limbs.to_ints(holder.decrypt(sealed))


def residues(sealed):
    size = len(sealed.data) // max(1, sealed.count)
    return [int.from_bytes(sealed.data[i : i + size], "little") for i in range(0, len(sealed.data), size)]


def resealed(holder, c):
    return integers(holder, holder.seal(c, SEED.stream("reseal")))


class TestAgainstPlainIntegers:
    @FEW
    @given(
        a=st.lists(edge_integers(), min_size=1, max_size=5), b=edge_integers(),
        k=st.integers(-(1 << 64) + 1, (1 << 64) - 1),
    )
    def test_sums_differences_and_products(self, holder, public, plain, a, b, k):
        n = public.n
        x = holder.encrypt(plain(*a), SEED.stream("x"))
        y = holder.encrypt(plain(*[b] * len(a)), SEED.stream("y"))
        assert resealed(holder, holder.add(x, y)) == [(i + b) % n for i in a]
        assert resealed(holder, holder.sub(x, y)) == [(i - b) % n for i in a]
        assert resealed(holder, holder.neg(x)) == [-i % n for i in a]
        assert resealed(holder, holder.add_plain(x, plain(*[b] * len(a)))) == [(i + b) % n for i in a]
        sign = np.full(len(a), k < 0)
        assert resealed(holder, holder.mul_plain(x, limbs.from_ints([abs(k)] * len(a), 1), sign)) == [
            i * k % n for i in a
        ]
        assert resealed(holder, holder.sum(x)) == [sum(a) % n]

    def test_signs_differ_within_one_batch(self, holder, public, plain, stream):
        x = holder.encrypt(plain(5, 5, 5, 0), stream)
        factors = limbs.from_ints([3, 3, 0, 7], 2)
        scaled = holder.mul_plain(x, factors, np.array([False, True, True, True]))
        assert resealed(holder, scaled) == [15, public.n - 15, 0, 0]

    @pytest.mark.parametrize(
        ("groups", "outputs", "inputs", "parts", "bits", "spacing"),
        [(1, 1, 1, 1, 4, 0), (3, 2, 4, 1, 12, 0), (9, 1, 3, 3, 11, 40), (1, 10, 2, 2, 16, 16)],
    )
    def test_weighted_sums(self, holder, public, plain, groups, outputs, inputs, parts, bits, spacing):
        source = np.random.default_rng(parts)
        x = [int(v) for v in source.integers(0, 1 << 60, groups * inputs)]
        m = source.integers(0, 1 << bits, (groups, outputs, inputs, parts))
        m.flat[0], m.flat[-1] = 0, (1 << bits) - 1
        c = holder.encrypt(plain(*x), SEED.stream("weighted"))
        expected = [
            sum(int(m[g, o, j, p]) * x[g * inputs + j] << (spacing * p) for j, p in np.ndindex(inputs, parts))
            % public.n
            for g, o in np.ndindex(groups, outputs)
        ]
        assert resealed(holder, holder.weighted_sums(c, Multipliers.spaced(m, bits, spacing))) == expected

    def test_weighted_sums_by_a_matrix_of_long_numbers(self, holder, public, plain, stream):
        matrix = np.array([[0, 1 << 127], [(1 << 128) - 1, 3], [17, 0]], dtype=object)
        c = holder.encrypt(plain(5, 6, 7), stream)
        assert resealed(holder, holder.weighted_sums(c, Multipliers.matrix(matrix))) == [
            (6 * ((1 << 128) - 1) + 7 * 17) % public.n, ((5 << 127) + 18) % public.n
        ]

    def test_multipliers_out_of_range_are_refused(self):
        for values, bits, spacing in (([[[[16]]]], 4, 0), ([[[[-1]]]], 4, 0), ([[[[1, 1]]]], 8, 7)):
            with pytest.raises(LocalProtocolError, match="MULTIPLIER_RANGE"):
                Multipliers.spaced(np.array(values), bits, spacing)
        with pytest.raises(LocalProtocolError, match="MULTIPLIER_RANGE"):
            Multipliers.matrix(np.array([[1, -1]]))

    @FEW
    @given(data=st.data())
    def test_bucket_sums(self, holder, public, plain, data):
        rows, features = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 6))
        wide = data.draw(st.booleans())
        n_bins = np.array(data.draw(st.lists(st.integers(1, 5), min_size=features, max_size=features)), np.int32)
        bins = np.array(
            [[data.draw(st.integers(0, int(top) - 1)) for top in n_bins] for _ in range(rows)],
            np.uint16 if wide else np.uint8,
        )
        values = data.draw(st.lists(edge_integers(), min_size=rows, max_size=rows))
        chosen = data.draw(st.one_of(st.none(), st.lists(st.integers(0, rows - 1), unique=True)))
        c = holder.encrypt(plain(*values), SEED.stream("rows"))
        index = None if chosen is None else np.array(chosen, np.int32)
        sums = holder.bucket_sums(c, bins, index, n_bins)
        members = range(rows) if chosen is None else chosen
        expected = [
            sum(values[i] for i in members if bins[i, f] == b) % public.n
            for f in range(features)
            for b in range(n_bins[f])
        ]
        assert len(sums) == int(n_bins.sum())
        assert resealed(holder, sums) == expected

    @FEW
    @given(values=st.lists(st.integers(-(1 << 29) + 1, (1 << 29) - 1), min_size=1, max_size=9), per=st.integers(1, 5))
    def test_pack_fills_the_last_group_with_zeros(self, holder, public, plain, values, per):
        packed = holder.pack(holder.encrypt(plain(*values), SEED.stream("pack")), per, 30)
        groups = [values[i : i + per] for i in range(0, len(values), per)]
        expected = [sum(v << (30 * j) for j, v in enumerate(group)) % public.n for group in groups]
        assert resealed(holder, packed) == expected

    def test_take_and_concat(self, holder, plain, stream):
        c = holder.encrypt(plain(10, 11, 12), stream)
        again = holder.concat([holder.take(c, np.array([2, 0, 2])), c])
        assert len(again) == 6
        assert resealed(holder, again) == [12, 10, 12, 10, 11, 12]

    def test_empty_batches(self, holder, plain, stream):
        nothing = holder.open(holder.encrypt_sealed(plain(), stream))
        assert len(nothing) == 0
        sums = holder.bucket_sums(nothing, np.zeros((0, 2), np.uint8), None, np.array([2, 1], np.int32))
        assert resealed(holder, sums) == [0, 0, 0]

    def test_bucket_sums_after_reuse_stay_right(self, holder, plain, stream):
        """The second call may use a form of the ciphertexts cached by the first; taken rows carry it along."""
        c = holder.encrypt(plain(1, 2, 4, 8), stream)
        bins = np.tile(np.array([[0], [1], [0], [1]], np.uint8), (1, 6))
        many = np.full(6, 2, np.int32)
        assert resealed(holder, holder.bucket_sums(c, bins, None, many)) == [5, 10] * 6
        half = holder.take(c, np.array([3, 1]))
        assert resealed(holder, holder.bucket_sums(half, bins[:2], None, many)) == [8, 2] * 6


class TestAgainstPhe:
    """phe 1.5 as an oracle: the same key, the same randomness, the same integers."""

    def test_encryption_with_the_same_randomiser(self, backend, holder_of, key_of):
        private = key_of(1024)
        public = private.public
        oracle = phe.PaillierPublicKey(public.n)
        he = AdditiveHE(public, backend=backend)
        values = [0, 1, 123_456_789, public.n - 1, public.n // 3]
        r = [value + 1 for value in SEED.stream("phe").below(public.n - 1, len(values))]
        ours = he.encrypt_sealed(limbs.from_ints(values, public.limbs), SEED.stream("phe"))
        assert residues(ours) == [oracle.raw_encrypt(m, r_value=x) for m, x in zip(values, r, strict=True)]

    def test_each_decrypts_the_other(self, backend, holder_of, key_of):
        private, holder = key_of(1024), holder_of(1024)
        public = private.public
        oracle_public = phe.PaillierPublicKey(public.n)
        oracle = phe.PaillierPrivateKey(oracle_public, private.p, private.q)
        values = [0, 7, public.n - 1]
        theirs = b"".join(
            oracle_public.raw_encrypt(m).to_bytes(2 * public.key_bytes, "little") for m in values
        )
        received = SealedCiphertexts.received(public.key_id, 3, theirs, public)
        assert integers(holder, received) == values
        ours = holder.encrypt_sealed(limbs.from_ints(values, public.limbs), SEED.stream("ours"))
        assert [oracle.raw_decrypt(c) for c in residues(ours)] == values

    def test_homomorphic_operations(self, backend, key_of):
        public = key_of(1024).public
        oracle = phe.PaillierPublicKey(public.n)
        he = AdditiveHE(public, backend=backend)
        raw = [oracle.raw_encrypt(m) for m in (41, 1)]
        a, b = (phe.EncryptedNumber(oracle, c) for c in raw)
        size = 2 * public.key_bytes
        data = b"".join(c.to_bytes(size, "little") for c in raw)
        c = he.open(SealedCiphertexts.received(public.key_id, 2, data, public))
        dump = he._backend.dump
        first, second = he.take(c, np.array([0])), he.take(c, np.array([1]))
        total = he.add(first, second)
        assert int.from_bytes(dump(total._array), "little") == (a + b).ciphertext(be_secure=False)
        scaled = he.mul_plain(first, limbs.from_ints([1234567], 1))
        assert int.from_bytes(dump(scaled._array), "little") == (a * 1234567).ciphertext(be_secure=False)


class TestSealing:
    def test_a_seal_changes_every_byte_string_and_no_plaintext(self, holder, plain, stream):
        c = holder.encrypt(plain(1, 2, 3), stream)
        once, twice = holder.seal(c, stream), holder.seal(c, stream)
        assert not set(residues(once)) & set(residues(twice))
        assert integers(holder, once) == integers(holder, twice) == [1, 2, 3]

    def test_a_sum_is_linkable_before_its_seal_and_not_after(self, backend, holder, public, plain, stream):
        """The key holder's test: which of its rows went in? (1 + n)^m = 1 mod n, so what is left of a ciphertext
        mod n is its randomiser alone, whatever mask was added to the plaintext."""
        sealed = holder.encrypt_sealed(plain(*range(8)), stream)
        rows = [value % public.n for value in residues(sealed)]
        he = AdditiveHE(public, backend=backend)
        c = he.open(sealed)
        total = he.add_plain(he.sum(he.take(c, np.array([1, 4, 6]))), plain(stream.below(public.n, 1)[0]))

        def linked(residue):
            found = []
            for subset in range(1 << 8):
                product = 1
                for i in range(8):
                    if subset >> i & 1:
                        product = product * rows[i] % public.n
                if product == residue % public.n:
                    found.append(subset)
            return found

        unsealed = int.from_bytes(he._backend.dump(total._array), "little")
        assert linked(unsealed) == [0b0101_0010]
        assert linked(residues(he.seal(total, stream))[0]) == []

    def test_equal_streams_give_equal_bytes_whatever_the_threads(self, backend, private, public, plain):
        one, two = (AdditiveHE(public, backend=backend, threads=t) for t in (1, 2))
        values = plain(*range(5))
        assert one.encrypt_sealed(values, SEED.stream("t")) == two.encrypt_sealed(values, SEED.stream("t"))
        one, two = (KeyHolder(private, backend=backend, threads=t) for t in (1, 2))
        assert one.encrypt_sealed(values, SEED.stream("t")) == two.encrypt_sealed(values, SEED.stream("t"))

    def test_an_own_base_encrypts_and_still_seals_in_full(self, backend, holder, public, plain):
        fast = AdditiveHE(public, own_base=SEED.stream("base"), backend=backend)
        slow = AdditiveHE(public, backend=backend)
        sealed = fast.encrypt_sealed(plain(9), SEED.stream("e"))
        assert integers(holder, sealed) == [9]
        assert sealed != slow.encrypt_sealed(plain(9), SEED.stream("e"))
        assert fast.seal(fast.open(sealed), SEED.stream("s")) == slow.seal(slow.open(sealed), SEED.stream("s"))


class TestRefusals:
    @pytest.fixture
    def sealed(self, holder, plain, stream):
        return holder.encrypt_sealed(plain(1, 2), stream)

    def test_sealed_values_have_one_maker(self, sealed):
        with pytest.raises(TypeError, match="seal"):
            SealedCiphertexts(sealed.key_id, sealed.count, sealed.data, object())
        for value in (sealed, Ciphertexts(sealed.key_id, None, 2)):
            with pytest.raises(TypeError, match="pickle"):
                pickle.dumps(value)

    def test_nothing_secret_or_bulky_is_printed(self, holder, private, sealed):
        shown = repr([holder, private, sealed, holder.open(sealed)])
        assert "<SealedCiphertexts n=2>" in shown
        assert "<Ciphertexts n=2>" in shown
        for secret in (private.p, private.q):
            assert str(secret) not in shown
            assert f"{secret:x}" not in shown

    def test_ciphertexts_out_of_range_or_no_units(self, holder, public, vectors, sealed):
        size = 2 * public.key_bytes
        for bad in vectors["answers"]["512"]["bad_ciphertexts"]:
            data = sealed.data[:size] + int(bad["c"], 16).to_bytes(size, "little")
            for use in (holder.open, holder.decrypt):
                with pytest.raises(InvalidCiphertext) as caught:
                    use(SealedCiphertexts.received(public.key_id, 2, data, public))
                assert caught.value.code == bad["code"], bad["why"]
                assert "1" in caught.value.text.en, "names the position"

    def test_one_is_a_unit_and_encrypts_zero(self, holder, public):
        size = 2 * public.key_bytes
        one = SealedCiphertexts.received(public.key_id, 1, (1).to_bytes(size, "little"), public)
        assert integers(holder, one) == [0]

    @pytest.mark.parametrize(("count", "cut"), [(3, 0), (1, 0), (2, 1), (-2, 0)])
    def test_wrong_count_or_length(self, public, sealed, count, cut):
        with pytest.raises(InvalidCiphertext) as caught:
            SealedCiphertexts.received(public.key_id, count, sealed.data[cut:], public)
        assert caught.value.code == "CIPHERTEXT_COUNT"

    def test_another_key(self, backend, holder, holder_of, public, sealed, plain, stream):
        other = holder_of(1024)
        for refuse in (
            lambda: SealedCiphertexts.received(other.public.key_id, 2, sealed.data, public),
            lambda: other.open(sealed),
            lambda: other.decrypt(sealed),
            lambda: other.seal(holder.open(sealed), stream),
            lambda: other.neg(holder.open(sealed)),
        ):
            with pytest.raises(KeyMismatch) as caught:
                refuse()
            assert caught.value.code == "KEY_UNKNOWN"

    def test_plaintexts_not_below_n(self, holder, public, stream):
        with pytest.raises(PlaintextOverflow) as caught:
            holder.encrypt(limbs.from_ints([0, public.n], public.limbs), stream)
        assert caught.value.code == "PLAINTEXT_RANGE"

    def test_slots_beyond_the_plaintext(self, holder, sealed):
        with pytest.raises(PlaintextOverflow) as caught:
            holder.pack(holder.open(sealed), 8, 64)
        assert caught.value.code == "PACK_WIDTH"

    def test_wrong_shapes_and_positions(self, holder, sealed, plain):
        c = holder.open(sealed)
        bins = np.zeros((2, 1), np.uint8)
        one = np.array([1], np.int32)
        for misuse in (
            lambda: holder.add_plain(c, plain(1)),
            lambda: holder.add(c, holder.take(c, np.array([0]))),
            lambda: holder.take(c, np.array([2])),
            lambda: holder.bucket_sums(c, bins + 1, None, one),
            lambda: holder.bucket_sums(c, bins[:1], None, one),
            lambda: holder.bucket_sums(c, bins, np.array([-1], np.int32), one),
            lambda: holder.encrypt(np.zeros((1, 3), np.uint64), SEED.stream("m")),
        ):
            with pytest.raises(LocalProtocolError) as caught:
                misuse()
            assert caught.value.code == "HE_MISUSED"

    def test_a_wiped_key_is_gone(self, backend, key_of, plain, stream):
        private = PrivateKey.restore(key_of(512).export())
        mine = KeyHolder(private, backend=backend)
        sealed = mine.encrypt_sealed(plain(1), stream)
        mine.wipe()
        for use in (
            lambda: mine.decrypt(sealed),
            lambda: mine.seal(mine.open(sealed), stream),
            lambda: private.p,
            private.export,
        ):
            with pytest.raises(LocalProtocolError) as caught:
                use()
            assert caught.value.code == "KEY_WIPED"
