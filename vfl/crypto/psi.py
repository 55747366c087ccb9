"""Private set intersection of N owners: the rows all of them have, in an order none of them chose.

Owners are one *receiver* R, best the owner of the smallest set, and *senders* S, one or more. H is the hash to
the group of :mod:`vfl.crypto.psi_curve`; every set is padded with dummies to a bucket (:mod:`.psi_set`)::

      message    from → to       made by → read by                                               bytes
    1 hello      each → all      hello → meet            bucket, order commitment, share key        72
    2 queries    R → every S     queries → answer        H(y)^r of R's padded set, shuffled     32 |Y|
    3 answers    S → R           answer → read_answers   the same points ^s, same order         32 |Y|
    4 store      S → R           store → read_store      token_s(x) ↦ share_S(x) XOR mask_s(x) 10.8 |X|
        R     divides the answers by r, which gives token_s(y), mask_s(y) = SHA-512(H(y)^s) for each S, and
              looks y up in every store: y is in all sets where the shares, R's own among them, XOR to zero
              (intersect)
    5 matches    R → each S      matches → read_matches  tag_s(y) of the intersection, padded
                                                         with random tags, sorted             16 |Y∩X|
    6 opening    each → all      opening → align         the committed nonce                        32
        all   key K from all nonces; pseudonym = HMAC(K, id); rows sorted by pseudonym
    7 root       each → all      align → check_roots     Merkle root of the sorted pseudonyms       32

Queries are one stream for all senders; 2 to 4 go on at the same time with every sender; each owner sends 6 only
when it has read or sent 5.

Sources: zero sharing and programmable PRFs make the intersection of N sets out of pairwise steps
(Kolesnikov, Matania, Pinkas, Rosulek, Trieu, "Practical Multi-party Private Set Intersection from
Symmetric-Key Techniques", CCS 2017, §5, augmented semi-honest model). The PRF is the Diffie-Hellman one with
hashed output (Jarecki, Kiayias, Krawczyk, "Round-Optimal Password-Protected Secret Sharing", ASIACRYPT 2014),
which costs R no curve operation per row of X; the store is :mod:`vfl.crypto.okvs`. One row in 2⁶⁴ ÷ |Y| runs
enters by chance; its sender then misses the tag, and the roots differ.

Who learns what, if all follow the protocol:

    R           the intersection and all buckets. Not which other rows a sender has, nor the size of
                any pairwise intersection: a share is the XOR, over all other owners, of a PRF under the
                pair's key, so where one sender lacks y the other senders' shares look random.
    S           the intersection and all buckets. Queries are points blinded by r; tags are of its own rows.
    colluding   what the colluders would learn by running with sets of their choice.
    relay       buckets, also that of the intersection, and whether the floor was reached.

Pseudonyms come from the identifiers, which all owners of an intersection row have in any case; so equal roots
prove that row i is the same firm at every owner. K depends on every nonce and is known to no one until the
intersection is fixed.

``context`` binds H. If it is the job, nothing links two runs. A contract may name a longer period instead: a
sender then keeps its :class:`PsiSet` and spends no curve operation on its rows in repeat runs. The price is
that within the period R can look its earlier queries up in later stores, so quotas must count the runs of a
period together. (Blinding a kept set once more would cost as much as a new one.) Masks, shares, tags and
order are fresh in every job.

Deviations: wrong queries, answers or stores do what a chosen input set would do, within the announced
bucket; a wrong intersection shows in the roots.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from vfl.crypto import okvs
from vfl.crypto.merkle import MerkleTree
from vfl.crypto.okvs import Words
from vfl.crypto.psi_curve import Points, check_points
from vfl.crypto.psi_set import PsiSet, Tokens, bucket, pair_prf
from vfl.crypto.randomness import JobSeed
from vfl.errors import CohortTooSmall, LocalProtocolError, RemoteProtocolError, Text, TranscriptMismatch

__all__ = [
    "CHUNK_POINTS",
    "CHUNK_WORDS",
    "Alignment",
    "Hello",
    "PsiOwner",
    "PsiReceiver",
    "PsiSender",
]

CHUNK_POINTS = 32_768
"""Points per chunk: 1 MiB."""
CHUNK_WORDS = 131_072
"""Words of a store, or half tags, per chunk: 1 MiB."""


def _refused(code: str, en: str, zh: str) -> RemoteProtocolError:
    cure = Text(
        "stop the run; the peer's software is faulty or its message was forged",
        "请中止本次对齐：对方软件有误，或消息被伪造",
    )
    return RemoteProtocolError(code, Text(en, zh), cure=cure)


def _wrong_length() -> RemoteProtocolError:
    return _refused("PSI_STREAM", "a stream has another length than announced", "收到的数据流长度与声明不符")


def _collected(chunks: Iterable[Words], shape: tuple[int, ...], most: int) -> Words:
    """A received stream as one array of rows of ``shape``, refused as soon as it has more than ``most``."""
    parts: list[Words] = [np.empty((0, *shape), dtype=np.uint64)]
    for chunk in chunks:
        most -= len(chunk)
        if chunk.dtype != np.uint64 or chunk.shape[1:] != shape or most < 0:
            raise _wrong_length()
        parts.append(chunk)
    return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class Hello:
    """What each owner says first.

    ``size``: its bucket; ``order``: commitment to its order nonce; ``share_key``: X25519 public key.
    """

    size: int
    order: bytes
    share_key: bytes


@dataclass(frozen=True, slots=True)
class Alignment:
    """The result at one owner: m common rows.

    ``rows[i]`` is the index, among this owner's ids, of common row i, and ``pseudonyms[i]`` (16 bytes) its
    name, the same at all owners, as is ``root``, the Merkle root over the names.
    """

    rows: npt.NDArray[np.int64]
    pseudonyms: npt.NDArray[np.uint8]
    root: bytes

    def __repr__(self) -> str:
        return f"<Alignment of {len(self.rows)} rows>"


class PsiOwner:
    """What receiver and senders share: the hello, the pair keys, the order, the root.

    Parameters
    ----------
    table : PsiSet
        This owner's set.
    owner, others : str, sequence of str
        Names of this owner and of all others in the run.
    job : bytes
        Unique name of the run.
    seed : JobSeed
        This owner's, for this job.
    floor : int
        Fewest rows a set or the intersection may have.

    Raises
    ------
    CohortTooSmall
        ``PSI_SET_TOO_SMALL``: this owner's set is below the floor.
    """

    def __init__(
        self, table: PsiSet, *, owner: str, others: Sequence[str], job: bytes, seed: JobSeed, floor: int = 1_000
    ) -> None:
        if table.own < floor:
            raise CohortTooSmall(
                "PSI_SET_TOO_SMALL",
                Text(f"the set has fewer than the {floor} rows the contract asks for",
                     f"集合少于合同要求的 {floor} 行"),
                cure=Text("bring more rows with valid consent", "请补充已获授权的样本"),
            )
        self._table = table
        self._owner = owner
        self._others = sorted(others)
        self._job = job
        self._floor = floor
        self._seed = seed.child("psi", job, owner, table.digest)
        self._share_key = X25519PrivateKey.from_private_bytes(self._seed.stream("share key").bytes(32))
        self._nonce = self._seed.stream("order nonce").bytes(32)
        self._hellos: dict[str, Hello] = {}
        self._matched: npt.NDArray[np.int64] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._owner}>"

    # -- 1 hello ---------------------------------------------------------------------------------------

    def hello(self) -> Hello:
        """Bucket, commitment to the order nonce, share key; to all. Learns: they learn the bucket."""
        return Hello(
            size=self._table.size,
            order=self._commitment(self._owner, self._nonce),
            share_key=self._share_key.public_key().public_bytes_raw(),
        )

    def meet(self, hellos: Mapping[str, Hello]) -> None:
        """Take the others' hellos.

        Raises
        ------
        RemoteProtocolError
            ``PSI_HELLO``: a field has the wrong form, or a share key is a point of low order.
        """
        for name in self._others:
            hello = hellos[name]
            if bucket(hello.size) != hello.size or len(hello.order) != 32 or len(hello.share_key) != 32:
                raise _refused("PSI_HELLO", "a hello has the wrong form", "握手消息格式有误")
            self._hellos[name] = hello

    def _commitment(self, owner: str, nonce: bytes) -> bytes:
        return JobSeed(nonce).child("psi order commitment", self._job, owner).expose()

    def _shares(self) -> Words:
        """This owner's share for each row of its set; over all owners the shares of a row XOR to zero."""
        out = np.zeros(self._table.size, dtype=np.uint64)
        mine = self._share_key.public_key().public_bytes_raw()
        for name in self._others:
            theirs = self._hellos[name].share_key
            try:
                secret = self._share_key.exchange(X25519PublicKey.from_public_bytes(theirs))
            except ValueError as error:
                raise _refused("PSI_HELLO", "a share key is of low order", "份额公钥为低阶点") from error
            pair = sorted([(self._owner, mine), (name, theirs)])
            key = JobSeed(secret).stream("psi share", self._job, *pair[0], *pair[1]).bytes(32)
            out ^= pair_prf(key, self._table.hashed)
        return out

    # -- 6 opening, 7 root -----------------------------------------------------------------------------

    def opening(self) -> bytes:
        """The order nonce; to all, once the intersection is fixed here."""
        self._rows()
        return self._nonce

    def align(self, openings: Mapping[str, bytes]) -> Alignment:
        """Sort the intersection by pseudonyms under the key that all nonces make.

        Raises
        ------
        RemoteProtocolError
            ``PSI_OPENING``: a nonce differs from the commitment made before the intersection was known.
        """
        nonces = {self._owner: self._nonce}
        for name in self._others:
            nonces[name] = openings[name]
            if self._commitment(name, nonces[name]) != self._hellos[name].order:
                raise _refused("PSI_OPENING", "an order nonce differs from its commitment", "排序随机数与承诺不符")
        joint = hashlib.sha256(b"".join(nonces[name] for name in sorted(nonces))).digest()
        key = JobSeed(joint).child("psi order", self._job, *sorted(nonces)).expose()
        rows = self._rows()
        names = [hmac.digest(key, self._table.messages[row], "sha256")[:16] for row in rows.tolist()]
        order = sorted(range(len(names)), key=names.__getitem__)
        leaves = [names[i] for i in order]
        return Alignment(
            rows=rows[np.array(order, dtype=np.int64)],
            pseudonyms=np.frombuffer(b"".join(leaves), dtype=np.uint8).reshape(len(leaves), 16),
            root=MerkleTree(leaves).root,
        )

    def check_roots(self, alignment: Alignment, roots: Mapping[str, bytes]) -> None:
        """All owners must hold the same rows in the same order.

        Raises
        ------
        TranscriptMismatch
            ``PSI_ROOT``: they do not.
        """
        if any(roots[name] != alignment.root for name in self._others):
            raise TranscriptMismatch(
                "PSI_ROOT",
                Text("the owners do not hold the same aligned rows", "各方对齐后的样本不一致"),
                cure=Text("nothing was used yet: run the alignment again as a new job; if it happens twice, "
                          "compare the audit logs",
                          "数据尚未使用：请以新作业重新对齐；若再次发生，请核对各方审计日志"),
            )

    def _fix(self, rows: npt.NDArray[np.int64]) -> None:
        if len(rows) < self._floor:
            raise CohortTooSmall(
                "PSI_INTERSECTION_TOO_SMALL",
                Text(f"the intersection has fewer than the {self._floor} rows the contract asks for",
                     f"交集少于合同要求的 {self._floor} 行"),
                cure=Text("widen the sample or add consents, then align again",
                          "请扩大样本或补充授权后重新对齐"),
            )
        self._matched = rows

    def _rows(self) -> npt.NDArray[np.int64]:
        if self._matched is None:
            raise LocalProtocolError(
                "PSI_ORDER_OF_STEPS",
                Text("the intersection is not known yet", "交集尚未求出"),
                cure=Text("finish the matches first; this is a fault of the program", "请先完成匹配步骤（程序错误）"),
            )
        return self._matched


class PsiReceiver(PsiOwner):
    """The owner that asks; best the one with the smallest set. Its :class:`PsiSet` is of this job only."""

    def __init__(
        self, table: PsiSet, *, owner: str, others: Sequence[str], job: bytes, seed: JobSeed, floor: int = 1_000
    ) -> None:
        super().__init__(table, owner=owner, others=others, job=job, seed=seed, floor=floor)
        self._shuffle = self._seed.stream("shuffle").permutation(table.size)
        self._sums: Words | None = None
        self._tokens: dict[str, Tokens] = {}

    def queries(self) -> Iterator[Points]:
        """2. Own rows and dummies, blinded and shuffled; the same stream to all senders."""
        for start in range(0, self._table.size, CHUNK_POINTS):
            yield self._table.blinded[self._shuffle[start : start + CHUNK_POINTS]]

    def read_answers(self, sender: str, chunks: Iterable[Points]) -> None:
        """3. Unblind ``sender``'s answers, which come in the order of the queries.

        Raises
        ------
        RemoteProtocolError
            ``PSI_STREAM``: more or fewer than asked; ``PSI_POINT_…``: see ``check_points``.
        """
        unblinded = np.empty((self._table.size, 32), dtype=np.uint8)
        done = 0
        for chunk in chunks:
            check_points(chunk)
            if done + len(chunk) > self._table.size:
                raise _wrong_length()
            unblinded[self._shuffle[done : done + len(chunk)]] = self._table.scalar.unapply(chunk)
            done += len(chunk)
        if done != self._table.size:
            raise _wrong_length()
        self._tokens[sender] = Tokens(unblinded, job=self._job, sender=sender)

    def read_store(self, sender: str, chunks: Iterable[Words]) -> None:
        """4. Look every row up in ``sender``'s store and add what is found to the sums of shares.

        Raises
        ------
        RemoteProtocolError
            ``PSI_STREAM``: the store has not the length that belongs to the sender's bucket.
        """
        size = self._hellos[sender].size
        words = okvs.table_words(size)
        store = _collected(chunks, (), words)
        if len(store) != words:
            raise _wrong_length()
        tokens = self._tokens[sender]
        if self._sums is None:
            self._sums = self._shares()
        self._sums ^= okvs.decode(store, tokens.keys, size) ^ tokens.masks

    def intersect(self) -> None:
        """The rows whose shares sum to zero are in all sets.

        Raises
        ------
        CohortTooSmall
            ``PSI_INTERSECTION_TOO_SMALL``: fewer than the floor; nothing has been told to the senders.
        """
        if self._sums is None:
            self._sums = self._shares()
        self._fix(np.flatnonzero(self._sums[: self._table.own] == 0))

    def matches(self, sender: str) -> Iterator[Words]:
        """5. The tags of the intersection for ``sender``, padded to a bucket with random ones, sorted.

        Learns: ``sender`` learns which of its rows are in the intersection.
        """
        rows = self._rows()
        filler = self._seed.stream("tags", sender).limbs(bucket(len(rows)) - len(rows), 2)
        tags = np.concatenate([self._tokens[sender].tags[rows], filler])
        tags = tags[np.lexsort((tags[:, 1], tags[:, 0]))]
        for start in range(0, len(tags), CHUNK_WORDS // 2):
            yield tags[start : start + CHUNK_WORDS // 2]


class PsiSender(PsiOwner):
    """An owner that answers. ``receiver`` is the name of the one that asks."""

    def __init__(
        self, table: PsiSet, *, owner: str, others: Sequence[str], receiver: str, job: bytes, seed: JobSeed,
        floor: int = 1_000,
    ) -> None:
        super().__init__(table, owner=owner, others=others, job=job, seed=seed, floor=floor)
        self._receiver = receiver
        self._answered = 0
        self._tokens = Tokens(table.blinded, job=job, sender=owner)

    def answer(self, chunk: Points) -> Points:
        """3. One chunk of queries, each multiplied by this owner's scalar.

        Raises
        ------
        RemoteProtocolError
            ``PSI_STREAM``: more queries than the receiver's bucket; ``PSI_POINT_…``: see ``check_points``.
        """
        check_points(chunk)
        self._answered += len(chunk)
        if self._answered > self._hellos[self._receiver].size:
            raise _wrong_length()
        return self._table.scalar.apply(chunk)

    def store(self) -> Iterator[Words]:
        """4. The store of masked shares. Learns: the receiver learns the sum of all shares of its own rows."""
        words = okvs.encode(
            self._tokens.keys, self._shares() ^ self._tokens.masks, self._seed.stream("store")
        )
        for start in range(0, len(words), CHUNK_WORDS):
            yield words[start : start + CHUNK_WORDS]

    def read_matches(self, chunks: Iterable[Words]) -> None:
        """5. Find the own rows that the receiver's tags name; tags that name none are padding.

        Raises
        ------
        RemoteProtocolError
            ``PSI_STREAM``: not a bucket of tags, or more than there are rows.
        CohortTooSmall
            ``PSI_INTERSECTION_TOO_SMALL``
        """
        own = self._table.own
        tags = _collected(chunks, (2,), min(self._table.size, self._hellos[self._receiver].size))
        if bucket(len(tags)) != len(tags):
            raise _wrong_length()
        both = np.concatenate([self._tokens.tags[:own], tags])
        order = np.lexsort((both[:, 1], both[:, 0]))  # stable: an own tag comes before its equal
        in_order = both[order]
        pairs = np.all(in_order[1:] == in_order[:-1], axis=1)
        rows = order[:-1][pairs]
        self._fix(np.sort(rows[rows < own]).astype(np.int64))
