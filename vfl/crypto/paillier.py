"""Additively homomorphic encryption over whole batches (Paillier, Eurocrypt 1999, generator 1 + n).

Two types keep what stays apart from what leaves:

* :class:`Ciphertexts`: working values. They add, subtract, multiply by plain integers, sum by bucket and pack,
  and cannot be sent: their randomness tells how they were computed.
* :class:`SealedCiphertexts`: canonical bytes fit to leave, made by :meth:`AdditiveHE.seal`, which multiplies
  with a fresh full-size r^n, or by :meth:`AdditiveHE.encrypt_sealed`.

:class:`AdditiveHE` is what anyone with the public key can do; :class:`KeyHolder` adds decryption and encrypts
faster. Plaintexts are limb arrays of integers below n (:mod:`vfl.crypto.packing` makes and reads them). All
randomness comes from the caller's :class:`~vfl.crypto.randomness.RandomStream`: the same stream and inputs
give the same bytes, on every backend.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import Any, NoReturn, cast, final

import numpy as np
import numpy.typing as npt

from vfl.crypto import limbs
from vfl.crypto.backends import BackendFactory, choose, plaintext
from vfl.crypto.backends.base import Limbs, PublicBackend, SecretBackend
from vfl.crypto.keys import KeyPurpose, PrivateKey, PublicKey
from vfl.crypto.multipliers import Multipliers
from vfl.crypto.randomness import RandomStream
from vfl.errors import InvalidCiphertext, KeyMismatch, LocalProtocolError, PlaintextOverflow, Text

__all__ = [
    "AdditiveHE",
    "Ciphertexts",
    "KeyHolder",
    "KeyPurpose",
    "PrivateKey",
    "PublicKey",
    "SealedCiphertexts",
]

Bins = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_MAKER = object()
_POOL_SURPLUS = 128
"""Random bits of a subset beyond those of the group: its distance from uniform is below 2^-64."""


@final
class Ciphertexts:
    """Working values under one key. They stay: only :meth:`AdditiveHE.seal` makes something that may leave."""

    __slots__ = ("_array", "_count", "key_id")

    def __init__(self, key_id: bytes, array: Any, count: int) -> None:
        self.key_id = key_id
        self._array = array
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<Ciphertexts n={self._count}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("working ciphertexts do not pickle: seal them")


@final
@dataclass(frozen=True, slots=True, repr=False)
class SealedCiphertexts:
    """Ciphertexts fit to leave: fixed-width little-endian residues mod n², ``2 * key_bytes`` bytes each.

    Made by :meth:`AdditiveHE.seal` and :meth:`AdditiveHE.encrypt_sealed`; on the receiving side by
    :meth:`received`, for the codec alone.
    """

    key_id: bytes
    count: int
    data: bytes
    maker: InitVar[object]

    def __post_init__(self, maker: object) -> None:
        if maker is not _MAKER:
            raise TypeError("SealedCiphertexts are made by seal() and encrypt_sealed() only")

    def __len__(self) -> int:
        return self.count

    def __repr__(self) -> str:
        return f"<SealedCiphertexts n={self.count}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("sealed ciphertexts do not pickle: they travel through the codec")

    @classmethod
    def received(cls, key_id: bytes, count: int, data: bytes, public_key: PublicKey) -> SealedCiphertexts:
        """What the wire brought, checked for key, count, length and range.

        That every value is a unit is checked where the numbers are first parsed, in :meth:`AdditiveHE.open` and
        :meth:`KeyHolder.decrypt`; nothing else can be done with a sealed value.

        Raises
        ------
        KeyMismatch
            ``KEY_UNKNOWN`` if ``key_id`` is not that of ``public_key``.
        InvalidCiphertext
            ``CIPHERTEXT_COUNT`` or ``CIPHERTEXT_RANGE`` (zero, or not below n²).
        """
        _require_key(key_id, public_key)
        size = 2 * public_key.key_bytes
        if count < 0 or len(data) != count * size:
            raise InvalidCiphertext(
                "CIPHERTEXT_COUNT",
                Text(
                    f"{count} ciphertexts of {size} bytes were announced and {len(data)} bytes came",
                    f"对方声明 {count} 个密文（每个 {size} 字节），实收 {len(data)} 字节",
                ),
                cure=_ASK_PEER,
            )
        values = np.frombuffer(data, dtype="<u8").reshape(count, size // 8)
        wrong = limbs.at_least(values, public_key.n**2) | ~values.any(axis=1)
        if wrong.any():
            raise _invalid("CIPHERTEXT_RANGE", f"ciphertext {int(wrong.argmax())} is out of range",
                           f"第 {int(wrong.argmax())} 个密文超出范围")
        return cls(key_id, count, bytes(data), _MAKER)


class AdditiveHE:
    """Encryption and arithmetic under a public key.

    Parameters
    ----------
    public : PublicKey
    pool : RandomStream, optional
        Where thousands of replies are sealed under this key: :meth:`seal` then draws subset products from a pool that
        is made of this stream at the first seal (see :meth:`_pooled_randomisers`), as uniform as r^n and ten times
        cheaper. Making the pool costs as much as sealing ``public.bits`` + 128 values.
    own_base : RandomStream, optional
        Without it each encryption and each seal costs a full-size r^n. With it, *encryption* draws powers of
        h^n, h = -x², for this party's own random x, with exponents of half the key's length (Damgård, Jurik and
        Nielsen 2010, section 4.2): some 20 times cheaper. Security then also rests on their assumption that
        such powers look like random n-th residues. The base is never taken from a peer, which might know its
        order or its logarithms. :meth:`seal` never uses it: its randomisers are uniform.
    backend : str, optional
        ``"native"`` or ``"gmpy2"``; by default the fastest that runs here.
    threads : int, optional
        Default: as many as the process may use.
    """

    def __init__(
        self, public: PublicKey, *, own_base: RandomStream | None = None, pool: RandomStream | None = None,
        backend: str | None = None, threads: int | None = None,
    ) -> None:
        self.public = public
        self._key_id = public.key_id
        self._backend: PublicBackend = _arithmetic(public, backend).public(public.n, threads=threads)
        self._table: Any = None
        self._pool, self._pool_table = pool, None
        if own_base is not None:
            x = own_base.below(public.n - 1, 1)[0] + 1
            base = pow(-x * x, public.n, public.n**2)
            self._table = self._backend.fixed_base_table(base, public.bits // 2)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._backend.name} {self.public!r}>"

    @property
    def backend_name(self) -> str:
        """``"native"`` or ``"gmpy2"``, or ``"plaintext"`` under that label: who does the arithmetic here."""
        return self._backend.name

    # -- in and out ------------------------------------------------------------------------------------------

    def encrypt(self, plain: Limbs, stream: RandomStream) -> Ciphertexts:
        """Fresh working ciphertexts of ``plain``, shape (count, ``public.limbs``), values below n.

        Raises PlaintextOverflow ``PLAINTEXT_RANGE`` for a value >= n.
        """
        trivial = self._trivial(plain)
        return self._wrap(self._backend.mul(trivial, self._fresh_randomisers(len(plain), stream)))

    def encrypt_sealed(self, plain: Limbs, stream: RandomStream) -> SealedCiphertexts:
        """:meth:`encrypt` and :meth:`seal` with one randomisation instead of two.

        Sealing hides how a ciphertext was computed from others. A fresh encryption was computed from none: its
        only randomness is its own, so a second randomiser would hide nothing more.
        """
        return self._sealed(self.encrypt(plain, stream)._array, len(plain))

    def open(self, sealed: SealedCiphertexts) -> Ciphertexts:
        """Sealed ciphertexts as working values.

        Raises KeyMismatch ``KEY_UNKNOWN``; InvalidCiphertext ``CIPHERTEXT_UNIT`` for a value that shares a factor
        with n: such a value would survive every mask and mark the sums it enters.
        """
        return self._wrap(self._load(sealed))

    def seal(self, c: Ciphertexts, stream: RandomStream) -> SealedCiphertexts:
        """The same plaintexts under fresh uniform n-th residues: nothing of the computation's history is left."""
        fresh = self._randomisers if self._pool is None else self._pooled_randomisers
        return self._sealed(self._backend.mul(self._own(c), fresh(len(c), stream)), len(c))

    # -- arithmetic ------------------------------------------------------------------------------------------

    def add(self, a: Ciphertexts, b: Ciphertexts) -> Ciphertexts:
        self._require_equal(len(a), len(b))
        return self._wrap(self._backend.mul(self._own(a), self._own(b)))

    def sub(self, a: Ciphertexts, b: Ciphertexts) -> Ciphertexts:
        return self.add(a, self.neg(b))

    def neg(self, a: Ciphertexts) -> Ciphertexts:
        return self._wrap(self._backend.inverse(self._own(a)))

    def add_plain(self, a: Ciphertexts, plain: Limbs) -> Ciphertexts:
        """a + plain mod n, element by element; ``plain`` as for :meth:`encrypt`."""
        self._require_equal(len(a), len(plain))
        return self._wrap(self._backend.mul(self._own(a), self._trivial(plain)))

    def mul_plain(
        self, a: Ciphertexts, magnitudes: Limbs, negative: npt.NDArray[np.bool_] | None = None
    ) -> Ciphertexts:
        """a times ±magnitude, element by element; cost grows with the width of ``magnitudes``."""
        self._require_equal(len(a), len(magnitudes))
        return self._wrap(self._backend.power(self._own(a), np.ascontiguousarray(magnitudes), negative))

    def weighted_sums(self, c: Ciphertexts, multipliers: Multipliers) -> Ciphertexts:
        """∑_j m_goj c_gj for every group g and output o, group by group; ``c`` holds the groups one after another."""
        self._require_equal(len(c), multipliers.groups * multipliers.inputs)
        return self._wrap(self._backend.multi_power(self._own(c), multipliers.digits, multipliers.steps))

    def bucket_sums(
        self, c: Ciphertexts, bins: Bins, rows: npt.NDArray[np.int32] | None, n_bins: npt.NDArray[np.int32]
    ) -> Ciphertexts:
        """Sum of c over the rows of each bin of each feature, feature by feature: ``sum(n_bins)`` values.

        ``bins`` has shape (len(c), features) and bins[i, f] < n_bins[f]; ``rows`` selects rows (None: all). An
        empty bin holds a zero.
        """
        array = self._own(c)
        fits = bins.ndim == 2 and bins.shape == (len(c), len(n_bins)) and bins.dtype in (np.uint8, np.uint16)
        if not fits or (bins.size and (bins.max(axis=0) >= n_bins).any()):
            raise _misused("bins must be uint8 or uint16 of shape (ciphertexts, features), below n_bins",
                           "分箱数组须为 uint8 或 uint16、形状为（密文数, 特征数）且小于 n_bins")
        if rows is not None and len(rows) and not (rows.min() >= 0 and rows.max() < len(c)):
            raise _misused("rows must be positions of ciphertexts", "rows 必须是密文的下标")
        chosen = None if rows is None else np.ascontiguousarray(rows, dtype=np.int32)
        counts = np.ascontiguousarray(n_bins, dtype=np.int32)
        tidy = cast(Bins, np.ascontiguousarray(bins))
        return self._wrap(self._backend.bucket_products(array, tidy, chosen, counts))

    def sum(self, c: Ciphertexts) -> Ciphertexts:
        """One ciphertext: the sum of all."""
        one_bin = np.zeros((len(c), 1), dtype=np.uint8)
        return self.bucket_sums(c, one_bin, None, np.array([1], dtype=np.int32))

    def pack(self, c: Ciphertexts, per: int, width: int) -> Ciphertexts:
        """Every ``per`` consecutive values as one, the first lowest: ∑ c[i * per + j] * 2^(width * j).

        A last group that is not full is filled up with zeros. The values must lie in (-2^(width-1), 2^(width-1)).
        Raises PlaintextOverflow ``PACK_WIDTH`` if the slots exceed the plaintext.
        """
        if per < 1 or width < 1 or per * width >= self.public.bits:
            raise PlaintextOverflow(
                "PACK_WIDTH",
                Text(f"{per} slots of {width} bits do not fit a plaintext of {self.public.bits} bits",
                     f"{per} 个 {width} 位的槽放不进 {self.public.bits} 位的明文"),
                cure=Text("pack fewer or narrower slots", "请减少槽数或槽宽"),
            )
        missing = -len(c) % per
        array = self._own(c)
        if missing:
            zeros = self._backend.trivial(np.zeros((missing, self.public.limbs), dtype=np.uint64))
            array = self._backend.concat([array, zeros])
        return self._wrap(self._backend.pack(array, per, width))

    def take(self, c: Ciphertexts, index: npt.NDArray[np.int64]) -> Ciphertexts:
        """The values at ``index``; repeats allowed."""
        if len(index) and not (index.min() >= 0 and index.max() < len(c)):
            raise _misused("an index is out of range", "下标越界")
        return self._wrap(self._backend.take(self._own(c), np.ascontiguousarray(index, dtype=np.int64)))

    def concat(self, parts: list[Ciphertexts]) -> Ciphertexts:
        """All values of ``parts`` (at least one), in order."""
        return self._wrap(self._backend.concat([self._own(part) for part in parts]))

    # -- inside ----------------------------------------------------------------------------------------------

    def _randomisers(self, count: int, stream: RandomStream) -> Any:
        """Uniform n-th residues: r^n with r uniform on [1, n). (An r that shares a factor with n would factor
        the key; its probability is below 2^-1000.)"""
        r = [value + 1 for value in stream.below(self.public.n - 1, count)]
        return self._backend.nth_powers(limbs.from_ints(r, self.public.limbs))

    def _pooled_randomisers(self, count: int, stream: RandomStream) -> Any:
        """∏ x_i^n over the i of a random subset of a pool x_1, …, x_M, M = bits of n + 128: M fresh bits each.

        Security: for two different subsets and uniform x_i the products agree with probability 1 / |G|, G the group of
        n-th residues: whatever n is (a subset with an x_i that the other lacks multiplies by a uniform element). So
        subset products are a universal hash function (Impagliazzo and Naor, J. Cryptology 9, 1996), and by the
        leftover hash lemma (Impagliazzo, Levin and Luby, STOC 1989) each is within ½ sqrt(|G| 2^-M) < 2^-64 of uniform
        on G, even for one who knows the pool and the private key. Subsets of fewer than log2 |G| random bits would not
        be: no smaller M, and no subset serves twice.
        """
        bits = self.public.bits + _POOL_SURPLUS
        if self._pool_table is None:
            if self._pool is None:
                raise _misused("there is no pool", "没有可用的随机池")
            self._pool_table = self._backend.subset_table(self._randomisers(bits, self._pool))
        return self._backend.fixed_base_powers(self._pool_table, stream.bits(count, bits))

    def _fresh_randomisers(self, count: int, stream: RandomStream) -> Any:
        if self._table is None:
            return self._randomisers(count, stream)
        return self._backend.fixed_base_powers(self._table, stream.bits(count, self.public.bits // 2))

    def _trivial(self, plain: Limbs) -> Any:
        if plain.ndim != 2 or plain.shape[1] != self.public.limbs or plain.dtype != np.uint64:
            raise _misused(f"plaintexts are uint64 arrays of shape (count, {self.public.limbs})",
                           f"明文须为形状（个数, {self.public.limbs}）的 uint64 数组")
        too_large = limbs.at_least(plain, self.public.n)
        if too_large.any():
            raise PlaintextOverflow(
                "PLAINTEXT_RANGE",
                Text(f"plaintext {int(too_large.argmax())} is not below the modulus",
                     f"第 {int(too_large.argmax())} 个明文不小于模数"),
                cure=Text("encode through SlotLayout, which checks its bounds", "请通过 SlotLayout 编码，它会检查范围"),
            )
        return self._backend.trivial(np.ascontiguousarray(plain))

    def _load(self, sealed: SealedCiphertexts) -> Any:
        _require_key(sealed.key_id, self.public)
        try:
            return self._backend.load(sealed.data)
        except ValueError as error:
            raise _invalid("CIPHERTEXT_UNIT", f"a ciphertext cannot be used: {error}",
                           f"存在无效密文：{error}") from error

    def _sealed(self, array: Any, count: int) -> SealedCiphertexts:
        return SealedCiphertexts(self._key_id, count, self._backend.dump(array), _MAKER)

    def _wrap(self, array: Any) -> Ciphertexts:
        return Ciphertexts(self._key_id, array, self._backend.count(array))

    def _own(self, c: Ciphertexts) -> Any:
        _require_key(c.key_id, self.public)
        return c._array

    def _require_equal(self, a: int, b: int) -> None:
        if a != b:
            raise _misused(f"{a} ciphertexts cannot meet {b} operands", f"{a} 个密文无法与 {b} 个操作数逐一运算")


class KeyHolder(AdditiveHE):
    """The key holder's side: decryption, and randomisers made mod p² and q².

    Its randomisers are h_p^e mod p² and h_q^e' mod q², joined by CRT, where h_p and h_q generate *all* n-th
    residues (see :mod:`vfl.crypto.keys`) and e, e' are within 2^-128 of uniform below p - 1 and q - 1. That is
    the distribution of r^n itself, so encryption and sealing rest on Paillier's own assumption alone.

    Security: holds the private key and tables derived from it until :meth:`wipe`.
    """

    def __init__(self, private: PrivateKey, *, backend: str | None = None, threads: int | None = None) -> None:
        super().__init__(private.public, backend=backend, threads=threads)
        self._private = private
        self._secret: SecretBackend | None = _arithmetic(private.public, backend).secret(
            private.p, private.q, bases=private.bases, threads=threads
        )
        self._public_backend, self._backend = self._backend, self._secret

    def decrypt(self, sealed: SealedCiphertexts) -> Limbs:
        """Plaintexts in [0, n), shape (count, ``public.limbs``). Raises as :meth:`open` does."""
        return self._holder().decrypt(self._load(sealed))

    def wipe(self) -> None:
        """Wipe the private key and drop all tables; to decrypt, encrypt or seal then raises ``KEY_WIPED``."""
        self._private.wipe()
        self._secret = None
        self._backend = self._public_backend

    def _randomisers(self, count: int, stream: RandomStream) -> Any:
        backend, width = self._holder(), self.public.limbs // 2
        p, q = self._private.p, self._private.q
        return backend.holder_randomisers(
            limbs.from_ints(stream.below(p - 1, count), width), limbs.from_ints(stream.below(q - 1, count), width)
        )

    def _holder(self) -> SecretBackend:
        if self._secret is None:
            raise LocalProtocolError(
                "KEY_WIPED",
                Text("the private key has been wiped", "私钥已被清除"),
                cure=Text("finish decrypting before the job's keys are wiped", "请在清除任务密钥之前完成解密"),
            )
        return self._secret


def _arithmetic(key: PublicKey, preference: str | None) -> BackendFactory:
    """The key's label alone leads to arithmetic without encryption, never a setting of this machine."""
    return plaintext if key.purpose is KeyPurpose.PLAINTEXT_STUDY else choose(preference)


_ASK_PEER = Text("ask the peer to check its software version and run the job again",
                 "请对方核对软件版本后重新运行任务")


def _require_key(key_id: bytes, public: PublicKey) -> None:
    if key_id != public.key_id:
        raise KeyMismatch(
            "KEY_UNKNOWN",
            Text("the ciphertexts belong to another key", "密文属于另一把密钥"),
            cure=Text("use the key that both sides accepted for this job", "请使用双方在本任务中确认的密钥"),
        )


def _invalid(code: str, en: str, zh: str) -> InvalidCiphertext:
    return InvalidCiphertext(code, Text(en, zh), cure=_ASK_PEER)


def _misused(en: str, zh: str) -> LocalProtocolError:
    return LocalProtocolError(
        "HE_MISUSED", Text(en, zh), cure=Text("this is a fault of the calling code: report it", "调用代码有误，请报告")
    )
