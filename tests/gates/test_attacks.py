"""What a party that deviates gets: nothing beyond the declared window, or a refusal by name.

Each attack has its positive control: the same attempt without the defence succeeds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from support.jobs import BANK, Job, Shape, assemble, played

from party_platform.steps.keys import KeyCheckerSteps
from vfl.crypto import limbs
from vfl.crypto.keyproof import KeyRegistry, prove
from vfl.crypto.paillier import AdditiveHE, Ciphertexts, KeyHolder, KeyPurpose, PrivateKey, SealedCiphertexts
from vfl.crypto.randomness import JobSeed
from vfl.errors import KeyMismatch, RemoteProtocolError, VflError
from vfl.protocols.alignment import BankAlignment, PlatformAlignment, alignment
from vfl.protocols.boosting import BankTrees, PlatformTrees, _owner, feature_shapes
from vfl.protocols.keys import KeyChecker, KeyHolderRole, key_exchange
from vfl.protocols.messages.alignment import Matches
from vfl.protocols.messages.boosting import (
    EncryptedGradients,
    FeatureShapes,
    Growth,
    LeafHistogram,
    LeafRows,
    SplitRequest,
    SplitSides,
)
from vfl.protocols.messages.evaluation import Quality
from vfl.protocols.messages.keys import KeyAck, KeyOffer
from vfl.runtime.choreography import Choreography
from vfl.runtime.reference import ReferenceRun
from vfl.wire.carriers import aggregate, disclose, public, window
from vfl.wire.codec import decode, encode

WHY = "an attack"


def told(value: object) -> object:
    return disclose(value, reason=WHY)


async def _up_to_gradients(run: ReferenceRun, job: Job) -> None:
    c = Choreography(run)
    names = list(job.platforms)
    await key_exchange(c, c.role(BANK, KeyHolderRole), [c.role(p, KeyChecker) for p in names])
    await alignment(c, c.role(BANK, BankAlignment), [c.role(p, PlatformAlignment) for p in names])
    await feature_shapes(c, c.role(BANK, BankTrees), [c.role(p, PlatformTrees) for p in names])


def ready(shape: Shape | None = None) -> Job:
    """A job that stands where its first tree begins, with honest gradients at the platforms."""
    job = assemble(shape or Shape())
    asyncio.run(_up_to_gradients(ReferenceRun(job.parties), job))
    job.bank.trees.tree_begin()
    platform = job.platforms["platform-a"]
    platform.trees.begin_tree()
    return job


def with_gradients(job: Job) -> Job:
    for chunk in job.bank.trees.encrypted_gradients():
        job.platforms["platform-a"].trees.take_gradients(chunk)
    return job


def request(split: int = 0, feature: int = 0, threshold: int = 0, bins: tuple[int, ...] = ()) -> SplitRequest:
    return SplitRequest(told(split), told(feature), told(threshold), told(False), told(bins))  # type: ignore[arg-type]


def refused(attack: Callable[[], object], code: str, kind: type[VflError] = RemoteProtocolError) -> None:
    with pytest.raises(kind) as caught:
        attack()
    assert caught.value.code == code
    assert caught.value.in_("zh") != caught.value.in_("en")


# --- crafted gradients ---------------------------------------------------------------------------------------------


def window_bits(job: Job) -> int:
    code = job.platforms["platform-a"].trees._code()
    return code.per_ciphertext * code.slots.width


def crafted(job: Job, wanted: int) -> EncryptedGradients:
    """Row i of ``wanted`` rows holds 2^(W + 5 i), W the window: a sum above its window spells its rows out."""
    he, low = job.bank.work.he, window_bits(job)
    rows = job.bank.work.parts[0].stop
    plain = limbs.from_ints([1 << (low + 5 * i) if i < wanted else 0 for i in range(rows)], he.public.limbs)
    return EncryptedGradients(he.encrypt_sealed(plain, JobSeed(b"a" * 32).stream("crafted")))


def test_crafted_gradients_do_not_read_rows_out_of_sums() -> None:
    """Magic numbers above the window: the control reads each row's bin, the masked reply is noise there."""
    job = ready()
    platform, n, low = job.platforms["platform-a"], job.bank.work.he.public.n, window_bits(job)
    wanted = (n.bit_length() - 2 - low) // 5
    assert wanted > 10
    platform.trees.take_gradients(crafted(job, wanted))

    # Control: the same sums, sealed but not masked, tell the bin of every one of these rows.
    he, order = AdditiveHE(job.bank.work.he.public), platform.trees._order
    sums = he.bucket_sums(
        platform.trees._all_gradients(), platform.trees._bins[: platform.trees._rows][:, order], None,
        platform.trees._widths[order],
    )  # fmt: skip
    bare = he.seal(he.take(sums, np.arange(platform.trees._widths[order[0]])), JobSeed(b"c" * 32).stream("control"))
    read = np.full(wanted, -1)
    for number, total in enumerate(limbs.to_ints(job.bank.work.he.decrypt(bare))):
        read[[i for i in range(wanted) if total >> (low + 5 * i) & 31]] = number
    np.testing.assert_array_equal(read, platform.trees._bins[:wanted, order[0]])

    # Two platforms with the same rows and other secrets: the same window (up to the one bit of a wrap), other noise.
    one, other = (list(_replies(job)), list(_replies(job, secret=b"another seed of the platform 32b")))
    size = 1 << low
    wraps = {0, n % size, -n % size}
    assert all((a - b) % size in wraps for a, b in zip(one, other, strict=True))
    assert all(a >> low != b >> low for a, b in zip(one, other, strict=True))
    # The noise above the window covers its whole range: no reply stands out by what it hides.
    heights = np.array([float(y >> low) / float(n >> low) for y in one + other])
    assert heights.min() < 0.1
    assert heights.max() > 0.9
    assert abs(heights.mean() - 0.5) < 0.1


def _replies(job: Job, secret: bytes | None = None) -> Iterator[int]:
    """What the bank decrypts of the root's sums; ``secret``: of a platform with another seed."""
    work, trees = job.platforms["platform-a"].work, job.platforms["platform-a"].trees
    kept = work.seed
    if secret is not None:
        work.seed = JobSeed(secret)
    for chunk in trees.leaf_histogram():
        yield from _plain(job, chunk)
    work.seed, trees._sums_sent = kept, 0


def _plain(job: Job, chunk: LeafHistogram) -> list[int]:
    return limbs.to_ints(job.bank.work.he.decrypt(chunk.sums.sealed))


def test_masks_are_bound_to_the_ciphertexts_they_hide() -> None:
    """Other gradients for the same leaf, tree and position meet fresh masks: differences of replies tell nothing."""
    job = ready()
    platform = job.platforms["platform-a"]
    bits = window_bits(job)
    platform.trees.take_gradients(crafted(job, 10))
    first = [r >> bits for chunk in platform.trees.leaf_histogram() for r in _plain(job, chunk)]
    platform.trees._tree -= 1
    platform.trees.begin_tree()
    platform.trees.take_gradients(crafted(job, 11))
    second = [r >> bits for chunk in platform.trees.leaf_histogram() for r in _plain(job, chunk)]
    assert all(a != b for a, b in zip(first, second, strict=True))


def test_a_replay_of_the_same_ciphertexts_makes_the_same_bytes() -> None:
    bodies = []
    for _ in range(2):
        job = with_gradients(ready())
        bodies.append([encode(chunk) for chunk in job.platforms["platform-a"].trees.leaf_histogram()])
    assert bodies[0] == bodies[1]


# --- the bank deviates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        (lambda t, job: t.split_sides(request(feature=10_000)), "SPLIT_FEATURE"),
        (lambda t, job: t.split_sides(request(feature=numeric(t), threshold=10_000)), "SPLIT_BIN"),
        (lambda t, job: t.split_sides(request(feature=numeric(t), bins=(1,))), "SPLIT_BIN"),
        (lambda t, job: t.split_sides(request(feature=categorical(t), bins=(10_000,))), "SPLIT_BIN"),
        (lambda t, job: t.split_sides(request(feature=categorical(t))), "SPLIT_BIN"),
        (lambda t, job: [t.split_sides(request(split=7, feature=numeric(t))) for _ in range(2)], "SPLIT_TWICE"),
        (lambda t, job: t.take_leaf_rows(leaf_rows(job, [0] * 5)), "LEAF_TOO_SMALL"),
        (lambda t, job: t.take_leaf_rows(leaf_rows(job, range(job.spec.leaf_floor - 1))), "LEAF_TOO_SMALL"),
        (lambda t, job: t.take_leaf_rows(leaf_rows(job, range(100), leaf=3)), "LEAF_ROWS"),
        (lambda t, job: t.take_leaf_rows(leaf_rows(job, range(100), new_leaf=0)), "LEAF_ROWS"),
        (lambda t, job: t.take_leaf_rows(leaf_rows(job, range(100), rows=101)), "LEAF_ROWS"),
        (lambda t, job: list(t.leaf_histogram()), "GRADIENT_COUNT"),
        (lambda t, job: [t.take_gradients(crafted(job, 1)) for _ in range(2)], "GRADIENT_COUNT"),
    ],
)
def test_a_bank_that_deviates_is_refused(attack: Callable[[object, Job], object], code: str) -> None:
    job = ready()
    trees = job.platforms["platform-a"].trees
    if code == "GRADIENT_COUNT":
        he, rows = job.bank.work.he, job.bank.work.parts[0].stop
        short = np.zeros((rows - 1, he.public.limbs), dtype=np.uint64)
        trees.take_gradients(EncryptedGradients(he.encrypt_sealed(short, JobSeed(b"d" * 32).stream("x"))))
    else:
        with_gradients(job)
    refused(lambda: attack(trees, job), code)


def numeric(trees: object) -> int:
    return _position(trees, categorical=False)


def categorical(trees: object) -> int:
    return _position(trees, categorical=True)


def _position(trees: object, *, categorical: bool) -> int:
    """Position, in this tree's order, of a feature of the kind."""
    order = trees._order.tolist()  # type: ignore[attr-defined]
    kinds = [trees._features[f].mapper.is_categorical for f in order]  # type: ignore[attr-defined]
    return kinds.index(categorical)


def leaf_rows(
    job: Job, left: Iterable[int], *, leaf: int = 0, new_leaf: int = 1, rows: int | None = None
) -> LeafRows:
    bits: npt.NDArray[np.bool_] = np.zeros(rows or job.bank.work.parts[0].stop, dtype=np.bool_)
    bits[list(left)] = True
    return LeafRows(told(True), told(leaf), told(new_leaf), told(bits), told(True))  # type: ignore[arg-type]


def test_honest_requests_pass_the_same_checks() -> None:
    job = with_gradients(ready())
    trees = job.platforms["platform-a"].trees
    assert len(trees.split_sides(request(split=0, feature=numeric(trees))).left.value) == len(job.bank.trees.margins)
    assert len(trees.split_sides(request(split=1, feature=categorical(trees), bins=(1,))).left.value)
    trees.take_leaf_rows(leaf_rows(job, range(job.spec.leaf_floor)))
    assert list(trees.leaf_histogram())


def test_a_bank_that_names_a_stranger_as_owner_is_refused() -> None:
    job = assemble(Shape())
    c = Choreography(ReferenceRun(job.parties))
    stranger = Growth(told(True), told("platform-z"))  # type: ignore[arg-type]
    refused(lambda: _owner(stranger, c.role(BANK, BankTrees), [c.role("platform-a", PlatformTrees)]), "SPLIT_OWNER")


# --- a platform deviates ---------------------------------------------------------------------------------------------


def replies(job: Job) -> list[LeafHistogram]:
    return list(job.platforms["platform-a"].trees.leaf_histogram())


def register(job: Job, chunks: list[LeafHistogram]) -> None:
    for chunk in chunks:
        job.bank.trees.take_histogram(chunk, "platform-a")
    job.bank.trees.growth()


def rewindowed(job: Job, *, slots: int = 0, values: int = 0) -> LeafHistogram:
    """A well-formed reply over zeros (or a wrong layout) made by a platform that did not add the leaf up."""
    platform = job.platforms["platform-a"]
    code = platform.trees._code()
    he = platform.work.he
    plain = np.zeros((values or job.bank.trees._shapes["platform-a"].total_bins, he.public.limbs), dtype=np.uint64)
    sums = he.encrypt(plain, JobSeed(b"e" * 32).stream("zeros"))
    seed = JobSeed(b"f" * 32)
    return LeafHistogram(
        window(he, sums, slots=slots or code.per_ciphertext, slot_bits=code.slots.width, masks=seed.stream("m"),
               seals=seed.stream("s"))
    )  # fmt: skip


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        (lambda job: register(job, replies(job)[:-1]), "HISTOGRAM_SUMS"),
        (lambda job: register(job, replies(job) * 2), "HISTOGRAM_SUMS"),
        (lambda job: register(job, [rewindowed(job)]), "HISTOGRAM_SUMS"),
        (lambda job: register(job, [rewindowed(job, slots=1)]), "HISTOGRAM_LAYOUT"),
        (lambda job: register(job, [rewindowed(job, values=100_000 // 64)]), "HISTOGRAM_SUMS"),
        (lambda job: take_shapes(job, (True,), (False, True), (16, 16)), "SHAPES_MALFORMED"),
        (lambda job: take_shapes(job, (), (), ()), "SHAPES_MALFORMED"),
        (lambda job: take_shapes(job, (True,), (True,), (15,)), "SHAPES_MALFORMED"),
        (lambda job: take_shapes(job, (True,), (True,), (1 << 31,)), "SHAPES_MALFORMED"),
    ],
)
def test_a_platform_that_deviates_is_refused(attack: Callable[[Job], object], code: str) -> None:
    job = with_gradients(ready())
    refused(lambda: attack(job), code)


def take_shapes(job: Job, categorical: tuple[bool, ...], missing: tuple[bool, ...], bins: tuple[int, ...]) -> None:
    shapes = FeatureShapes(told(categorical), told(missing), told(bins))  # type: ignore[arg-type]
    job.bank.trees.take_shapes(shapes, "platform-a")


def at_a_platforms_split() -> Job:
    """A bank that waits for the sides of a platform's split."""
    job = with_gradients(ready(Shape(bank_features=False)))
    register(job, replies(job))
    job.bank.trees.split_request()
    return job


@pytest.mark.parametrize(
    ("sides", "code"),
    [
        (lambda n: np.ones(n - 1, dtype=np.bool_), "SIDES_COUNT"),
        (lambda n: np.ones(0, dtype=np.bool_), "SIDES_COUNT"),
        (lambda n: np.ones(n, dtype=np.bool_), "SIDES_EMPTY"),
        (lambda n: np.zeros(n, dtype=np.bool_), "SIDES_EMPTY"),
    ],
)
def test_wrong_sides_are_refused(sides: Callable[[int], npt.NDArray[np.bool_]], code: str) -> None:
    job = at_a_platforms_split()
    wrong = SplitSides(told(sides(len(job.bank.trees.margins))))  # type: ignore[arg-type]
    refused(lambda: job.bank.trees.take_sides(wrong), code)


def test_sums_under_another_key_are_refused() -> None:
    """A platform cannot answer with ciphertexts of its own key, nor unsealed ones, nor with what is no unit."""
    job = with_gradients(ready())
    body = encode(replies(job)[0])
    foreign = KeyHolder(PrivateKey.generate(512, purpose=KeyPurpose.TEST_KEYS_ONLY))
    seed = JobSeed(b"g" * 32)
    zeros = np.zeros((4, foreign.public.limbs), dtype=np.uint64)
    other = window(foreign, foreign.encrypt(zeros, seed.stream("x")), slots=1, slot_bits=100,
                   masks=seed.stream("m"), seals=seed.stream("s"))  # fmt: skip
    refused(lambda: decode(LeafHistogram, encode(LeafHistogram(other)), job.bank.work.keys), "KEY_UNKNOWN", KeyMismatch)
    working = foreign.encrypt(zeros, seed.stream("y"))
    assert isinstance(working, Ciphertexts)
    with pytest.raises(TypeError):
        LeafHistogram(working)  # type: ignore[arg-type]
    good = decode(LeafHistogram, body, job.bank.work.keys)
    assert isinstance(good.sums.sealed, SealedCiphertexts)


# --- keys, alignment, evaluation -------------------------------------------------------------------------------------


def test_a_platform_does_not_take_a_key_twice_nor_a_key_without_proof() -> None:
    job = assemble(Shape())
    work = job.platforms["platform-a"].work
    registry = KeyRegistry()
    first = KeyCheckerSteps(work, registry)
    offer = job.bank.roles[KeyHolderRole].key_offer()  # type: ignore[attr-defined]
    first.key_ack(offer)
    with pytest.raises(VflError):
        KeyCheckerSteps(work, registry).key_ack(offer)
    other = PrivateKey.generate(512, purpose=KeyPurpose.TEST_KEYS_ONLY)
    for_another_job = KeyOffer(public(other.public.to_bytes()), public(prove(other, job=b"job-2", party=BANK)))
    by_another_party = KeyOffer(public(other.public.to_bytes()), public(prove(other, job=b"job-1", party="platform-a")))
    for offered in (for_another_job, by_another_party, KeyOffer(public(other.public.to_bytes()), public(b""))):
        with pytest.raises(VflError):
            KeyCheckerSteps(work, KeyRegistry()).key_ack(offered)
    KeyCheckerSteps(work, KeyRegistry()).key_ack(
        KeyOffer(public(other.public.to_bytes()), public(prove(other, job=b"job-1", party=BANK)))
    )


def test_an_ack_of_another_key_stops_the_job() -> None:
    job = assemble(Shape())
    holder = job.bank.roles[KeyHolderRole]
    refused(lambda: holder.take_ack(KeyAck(public(b"other"))), "KEY_ACK_OTHER", KeyMismatch)  # type: ignore[attr-defined]


def test_malformed_tags_and_figures_are_refused_by_name() -> None:
    job = assemble(Shape())
    platform = job.platforms["platform-a"]
    steps = platform.roles[PlatformAlignment]
    refused(lambda: steps.take_matches(Matches(told(b"short"))), "TAGS_MALFORMED")  # type: ignore[attr-defined, arg-type]
    for wrong in (float("nan"), -0.1, 1.5, float("inf")):
        figures = [aggregate(v, cohort=500, floor=500) for v in (wrong, 0.5, 0.5)]
        quality = Quality(aggregate(500, cohort=500, floor=500), *figures)
        refused(lambda q=quality: platform.evaluation.take_quality(q), "QUALITY_RANGE")  # type: ignore[misc]


def test_too_few_held_out_rows_tell_no_figure() -> None:
    """And the job still ends: nothing is told, the message says so."""
    job = assemble(Shape(firms=1_000)).run()
    quality = decode(Quality, job.bodies("Quality")[0], {})
    figures = (quality.rows, quality.auc_joint, quality.auc_bank_alone, quality.ks_joint)
    assert [f.value for f in figures] == [0, 0, 0, 0]
    assert job.platforms["platform-a"].evaluation.quality == {}
    assert played(Shape()).platforms["platform-a"].evaluation.quality["rows"] >= 500
