"""Whole runs: what comes out, who refuses what, and what the messages tell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psi_harness import Run, firms, run_psi

from vfl.crypto import okvs
from vfl.crypto.merkle import MerkleTree
from vfl.crypto.psi import Hello, PsiReceiver, PsiSender
from vfl.crypto.psi_curve import hash_to_curve
from vfl.crypto.psi_set import PsiSet, Tokens, bucket, pair_prf
from vfl.crypto.randomness import JobSeed
from vfl.errors import (
    CohortTooSmall,
    DataError,
    LocalProtocolError,
    RemoteProtocolError,
    TranscriptMismatch,
    VflError,
)

SEEDS = {name: JobSeed(name.encode().ljust(32, b".")) for name in ("bank", "north", "south", "west")}


def seeds_of(sets: dict[str, list[str]]) -> dict[str, JobSeed]:
    return {name: SEEDS[name] for name in sets}


# -- what comes out --------------------------------------------------------------------------------------------

def check_result(run: Run, sets: dict[str, list[str]]) -> None:
    common = set.intersection(*(set(ids) for ids in sets.values()))
    found = run.ids(sets)
    first = next(iter(found.values()))
    assert set(first) == common
    assert len(first) == len(common)
    assert all(ids == first for ids in found.values())  # the same firm in the same row at every owner
    for alignment in run.alignments.values():
        leaves = [row.tobytes() for row in alignment.pseudonyms]
        assert leaves == sorted(set(leaves))
        assert alignment.root == MerkleTree(leaves).root


@pytest.mark.parametrize("owners", [2, 3, 4])
def test_all_owners_find_the_rows_that_all_have(owners: int) -> None:
    sets = {
        "bank": firms(range(1_500)),
        "north": firms(range(1_200, 4_000)),
        "south": firms([*range(1_000, 1_400), *range(9_000, 9_500)]),
        "west": firms(range(0, 3_000, 3)),
    }
    sets = dict(list(sets.items())[:owners])
    check_result(run_psi(sets), sets)


def test_a_small_receiver_asks_a_large_sender() -> None:
    sets = {"bank": firms(range(29_990, 31_090)), "north": firms(range(30_000))}
    run = run_psi(sets)
    check_result(run, sets)
    received = {step: size for step, _, target, size in run.transcript if target == "bank"}
    assert received["answers"] == 32 * bucket(1_100)  # nothing the receiver multiplies grows with the sender
    assert received["store"] == 8 * okvs.table_words(bucket(30_000)) < 11 * bucket(30_000)


def test_sets_without_a_common_row_and_equal_sets() -> None:
    apart = {"bank": firms(range(50)), "north": firms(range(50, 99))}
    run = run_psi(apart, floor=0)
    assert all(len(a.rows) == 0 for a in run.alignments.values())
    same = {name: firms(range(1_300)) for name in ("bank", "north", "south")}
    check_result(run_psi(same), same)


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.sets(st.text(min_size=1, max_size=6), min_size=1, max_size=30), min_size=2, max_size=4),
    st.sets(st.text(min_size=1, max_size=6), max_size=8),
)
def test_any_sets_of_any_text(parts: list[set[str]], shared: set[str]) -> None:
    sets = {name: sorted(part | shared) for name, part in zip(SEEDS, parts, strict=False)}
    check_result(run_psi(sets, floor=0), sets)


def test_a_run_replayed_from_its_seeds_says_the_same_bytes() -> None:
    sets = {"bank": firms(range(40)), "north": firms(range(20, 70)), "south": firms(range(10, 60))}
    first, second = (run_psi(sets, seeds=seeds_of(sets)) for _ in range(2))
    assert first.views == second.views


def test_no_randomness_serves_two_sets_or_two_jobs() -> None:
    sets = {"bank": firms(range(40)), "north": firms(range(20, 70))}
    other = {"bank": firms(range(41)), "north": sets["north"]}
    runs = [
        run_psi(sets, seeds=seeds_of(sets)),
        run_psi(other, seeds=seeds_of(sets)),
        run_psi(sets, seeds=seeds_of(sets), job=b"next"),
    ]
    queries = [
        {view[i : i + 32] for view in run.views["north"] if len(view) == 32 * 1_024 for i in range(0, len(view), 32)}
        for run in runs
    ]
    assert all(len(points) == 1_024 for points in queries)
    assert not queries[0] & queries[1]
    assert not queries[0] & queries[2]


# -- order -----------------------------------------------------------------------------------------------------

def test_queries_are_shuffled_and_the_common_order_is_nobody_s() -> None:
    sets = {"bank": firms(range(1_024)), "north": firms(range(1_024))}
    orders = [run_psi(sets, job=job).alignments["bank"].rows for job in (b"one", b"two")]
    for rows in orders:
        assert abs(np.corrcoef(rows, np.arange(1_024))[0, 1]) < 0.16  # five standard deviations
    assert np.mean(orders[0] == orders[1]) < 0.02

    table = PsiSet(sets["bank"], context=b"j", owner="bank", seed=SEEDS["bank"])
    receiver = PsiReceiver(table, owner="bank", others=["north"], job=b"j", seed=SEEDS["bank"])
    sent = np.concatenate(list(receiver.queries()))
    row_of = {point.tobytes(): row for row, point in enumerate(table.blinded)}
    rows_sent = np.array([row_of[point.tobytes()] for point in sent])
    assert sorted(rows_sent.tolist()) == list(range(1_024))
    assert abs(np.corrcoef(rows_sent, np.arange(1_024))[0, 1]) < 0.16


def test_the_order_depends_on_every_nonce() -> None:
    sets = {name: firms(range(60)) for name in ("bank", "north", "south")}
    base = run_psi(sets, seeds=seeds_of(sets)).alignments["bank"]
    for changed in sets:
        seeds = {**seeds_of(sets), changed: JobSeed(b"!" * 32)}
        other = run_psi(sets, seeds=seeds).alignments["bank"]
        assert other.root != base.root
        assert not np.array_equal(other.rows, base.rows)


# -- what the messages tell ------------------------------------------------------------------------------------

def test_sizes_of_messages_depend_on_the_buckets_only() -> None:
    """Non-interference: other firms, other sizes and another overlap within the buckets: the same transcript."""
    one = {"bank": firms(range(1_100)), "north": firms(range(600, 2_700)), "south": firms(range(500, 1_800))}
    two = {"bank": firms(range(1_270)), "north": firms(range(9, 2_500)), "south": firms(range(0, 3_200, 2))}
    assert [bucket(len(s)) for s in one.values()] == [bucket(len(s)) for s in two.values()]
    assert len(set.intersection(*map(set, one.values()))) != len(set.intersection(*map(set, two.values())))
    assert run_psi(one).transcript == run_psi(two).transcript
    larger = {**two, "bank": firms(range(1_281))}
    assert run_psi(one).transcript != run_psi(larger).transcript  # the comparison can fail


def test_buckets_grow_by_a_quarter() -> None:
    assert [bucket(n) for n in (0, 1, 1_024, 1_025, 1_280, 1_281, 1_601)] == [
        1_024, 1_024, 1_024, 1_280, 1_280, 1_600, 2_000,
    ]
    for size in (10**5, 10**6, 10**7):
        assert size <= bucket(size) <= 1.25 * size + 1
        assert bucket(bucket(size)) == bucket(size)


def test_no_view_holds_an_identifier_or_its_bare_point() -> None:
    sets = {"bank": firms(range(300)), "north": firms(range(200, 600))}
    run = run_psi(sets, job=b"canary")
    everything = b"".join(view for views in run.views.values() for view in views)
    for name, ids in sets.items():
        points = hash_to_curve([b"\x00" + i.encode() for i in ids], b"canary")
        for identifier, point in zip(ids, points, strict=True):
            assert identifier.encode() not in everything, name
            assert point.tobytes() not in everything, name


def shares_seen_by_the_bank(sets: dict[str, list[str]], sender: str) -> np.ndarray:
    """What the bank finds in ``sender``'s store for each of its rows, less the share of its own pair."""
    seeds = seeds_of(sets)
    tables = {n: PsiSet(ids, context=b"job", owner=n, seed=seeds[n]) for n, ids in sets.items()}
    run = run_psi(sets, seeds=seeds, tables=tables)
    store = np.frombuffer(
        b"".join(v for v, (step, source, _, _) in zip(
            run.views["bank"], [t for t in run.transcript if t[2] == "bank"], strict=True,
        ) if step == "store" and source == sender), dtype=np.uint64,
    )
    other = PsiSender(tables[sender], owner=sender, others=[n for n in sets if n != sender], receiver="bank",
                      job=b"job", seed=seeds[sender], floor=0)
    points = tables[sender].scalar.apply(tables["bank"].hashed)  # = the unblinded answers
    tokens = Tokens(points, job=b"job", sender=sender)
    found = okvs.decode(store, tokens.keys, tables[sender].size) ^ tokens.masks
    bank = PsiReceiver(tables["bank"], owner="bank", others=[sender], job=b"job", seed=seeds["bank"], floor=0)
    bank.meet({sender: other.hello()})
    return (found ^ bank._shares())[: len(sets["bank"])]


def test_the_receiver_cannot_tell_the_rows_of_one_sender_when_there_are_two() -> None:
    """Attack: test each row against one sender's store alone. With one sender that is the intersection (the
    control); with two, members and strangers of the store look alike."""
    bank, north = firms(range(100)), firms(range(50, 300))
    alone = shares_seen_by_the_bank({"bank": bank, "north": north}, "north")
    assert np.array_equal(alone == 0, np.arange(100) >= 50)

    with_south = {"bank": bank, "north": north, "south": firms(range(90, 400))}
    seen = shares_seen_by_the_bank(with_south, "north")
    assert not np.any(seen == 0)
    for part in (seen[:50], seen[50:90], seen[90:]):
        assert abs(np.unpackbits(part.view(np.uint8)).mean() - 0.5) < 0.12
    assert len(np.unique(seen)) == 100


def test_a_kept_set_serves_two_jobs_and_the_tags_do_not_link_them() -> None:
    sets = {"bank": firms(range(1_000)), "north": firms(range(500, 1_500))}
    kept = PsiSet(sets["north"], context=b"2025-Q1", owner="north", seed=SEEDS["north"])
    views = []
    for job in (b"one", b"two"):
        bank = PsiSet(sets["bank"], context=b"2025-Q1", owner="bank", seed=JobSeed.fresh())
        run = run_psi(sets, job=job, tables={"bank": bank, "north": kept}, context=b"2025-Q1")
        check_result(run, sets)
        views.append(b"".join(run.views["bank"] + run.views["north"]))
    words = [set(np.frombuffer(view[: len(view) // 8 * 8], dtype=np.uint64).tolist()) for view in views]
    common = words[0] & words[1]
    assert len(common) < 10  # the hellos repeat the buckets; points, stores and tags repeat nothing


# -- refusals --------------------------------------------------------------------------------------------------

class Pair:
    """A bank and a platform up to the hellos."""

    def __init__(self, floor: int = 1) -> None:
        self.sets = {"bank": firms(range(100)), "north": firms(range(50, 150))}
        tables = {n: PsiSet(i, context=b"j", owner=n, seed=SEEDS[n]) for n, i in self.sets.items()}
        self.bank = PsiReceiver(tables["bank"], owner="bank", others=["north"], job=b"j", seed=SEEDS["bank"],
                                floor=floor)
        self.north = PsiSender(tables["north"], owner="north", others=["bank"], receiver="bank", job=b"j",
                               seed=SEEDS["north"], floor=floor)
        self.bank.meet({"north": self.north.hello()})
        self.north.meet({"bank": self.bank.hello()})

    def to_the_sums(self) -> None:
        self.bank.read_answers("north", [self.north.answer(chunk) for chunk in self.bank.queries()])
        self.bank.read_store("north", self.north.store())


@pytest.fixture
def pair() -> Pair:
    return Pair()


def refused(code: str, kind: type[VflError], work: Callable[[], object]) -> None:
    with pytest.raises(kind, match=code) as error:
        work()
    assert error.value.text.zh
    assert error.value.cure.zh


def test_duplicates_are_refused_by_position_without_the_value() -> None:
    ids = [*firms(range(30)), firms([7])[0], firms([8])[0]]
    with pytest.raises(DataError, match=r"PSI_DUPLICATE_ID.*identifier 31 ") as error:
        PsiSet(ids, context=b"j", owner="bank", seed=SEEDS["bank"])
    assert ids[30] not in error.value.in_("en") + error.value.in_("zh")


def test_hellos_of_another_form_are_refused(pair: Pair) -> None:
    good = pair.north.hello()
    for bad in (
        Hello(1_000, good.order, good.share_key),
        Hello(1_024, good.order[:31], good.share_key),
        Hello(1_024, good.order, good.share_key + b"!"),
    ):
        refused("PSI_HELLO", RemoteProtocolError, lambda bad=bad: pair.bank.meet({"north": bad}))
    pair.bank.meet({"north": Hello(1_024, good.order, bytes(32))})  # a share key of low order
    pair.bank.read_answers("north", [pair.north.answer(chunk) for chunk in pair.bank.queries()])
    refused("PSI_HELLO", RemoteProtocolError, lambda: pair.bank.read_store("north", pair.north.store()))


def test_queries_beyond_the_bucket_and_bad_queries_are_refused(pair: Pair) -> None:
    (chunk,) = pair.bank.queries()
    twist = chunk.copy()
    twist[5] = 0
    twist[5, 0] = 2
    refused("PSI_POINT_ON_TWIST", RemoteProtocolError, lambda: pair.north.answer(twist))
    pair.north.answer(chunk)
    refused("PSI_STREAM", RemoteProtocolError, lambda: pair.north.answer(chunk[:1]))


def test_answers_too_few_too_many_or_bad_are_refused(pair: Pair) -> None:
    answers = [pair.north.answer(chunk) for chunk in pair.bank.queries()]
    low = answers[0].copy()
    low[3] = 0
    refused("PSI_POINT_LOW_ORDER", RemoteProtocolError, lambda: pair.bank.read_answers("north", [low]))
    for wrong in ([], [answers[0][:-1]], [answers[0], answers[0][:1]]):
        refused("PSI_STREAM", RemoteProtocolError, lambda wrong=wrong: pair.bank.read_answers("north", wrong))


def test_stores_and_matches_of_another_length_are_refused(pair: Pair) -> None:
    pair.bank.read_answers("north", [pair.north.answer(chunk) for chunk in pair.bank.queries()])
    (store,) = pair.north.store()
    for wrong in ([store[:-1]], [store, store[:1]], [store[:-1].reshape(-1, 1)], [store.astype(np.int64)]):
        refused("PSI_STREAM", RemoteProtocolError, lambda wrong=wrong: pair.bank.read_store("north", wrong))
    pair.bank.read_store("north", [store[:500], store[500:]])
    pair.bank.intersect()
    (tags,) = pair.bank.matches("north")
    for wrong in ([tags[:-1]], [tags, tags]):
        refused("PSI_STREAM", RemoteProtocolError, lambda wrong=wrong: pair.north.read_matches(wrong))


def test_an_opening_that_was_not_committed_is_refused(pair: Pair) -> None:
    pair.to_the_sums()
    pair.bank.intersect()
    pair.north.read_matches(pair.bank.matches("north"))
    refused("PSI_OPENING", RemoteProtocolError, lambda: pair.north.align({"bank": bytes(32)}))
    pair.north.align({"bank": pair.bank.opening()})


def test_a_receiver_that_hides_a_match_is_found_by_the_roots(pair: Pair) -> None:
    pair.to_the_sums()
    pair.bank.intersect()
    (tags,) = pair.bank.matches("north")
    own = {tag.tobytes() for tag in pair.north._tokens.tags[:100]}
    hidden = next(i for i, tag in enumerate(tags) if tag.tobytes() in own)
    tags[hidden, 0] ^= np.uint64(1)
    pair.north.read_matches([tags])
    openings = {"bank": pair.bank.opening(), "north": pair.north.opening()}
    at_bank, at_north = pair.bank.align(openings), pair.north.align(openings)
    assert len(at_north.rows) == len(at_bank.rows) - 1
    refused("PSI_ROOT", TranscriptMismatch, lambda: pair.bank.check_roots(at_bank, {"north": at_north.root}))
    refused("PSI_ROOT", TranscriptMismatch, lambda: pair.north.check_roots(at_north, {"bank": at_bank.root}))


def test_nothing_opens_before_the_intersection_is_fixed(pair: Pair) -> None:
    for owner in (pair.bank, pair.north):
        refused("PSI_ORDER_OF_STEPS", LocalProtocolError, owner.opening)


def test_small_sets_and_small_intersections_are_refused_before_anybody_is_told() -> None:
    refused("PSI_SET_TOO_SMALL", CohortTooSmall, lambda: Pair(floor=101))
    narrow = Pair(floor=51)
    narrow.to_the_sums()
    refused("PSI_INTERSECTION_TOO_SMALL", CohortTooSmall, narrow.bank.intersect)
    refused("PSI_ORDER_OF_STEPS", LocalProtocolError, lambda: list(narrow.bank.matches("north")))
    exact = Pair(floor=50)
    exact.to_the_sums()
    exact.bank.intersect()
    with pytest.raises(CohortTooSmall, match="PSI_INTERSECTION_TOO_SMALL"):
        narrow.north.read_matches(exact.bank.matches("north"))


def test_pair_prf_is_cbc_mac() -> None:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key = bytes(range(32))
    point = np.arange(64, dtype=np.uint8).reshape(2, 32)
    for row, found in zip(point, pair_prf(key, point), strict=True):
        encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
        mac = encryptor.update(row.tobytes())[16:24]
        assert int(found) == int.from_bytes(mac, "little")


def test_secrets_do_not_print_themselves(pair: Pair) -> None:
    assert repr(pair.bank) == "<PsiReceiver bank>"
    assert repr(pair.north._table) == "<PsiSet of 1024>"
