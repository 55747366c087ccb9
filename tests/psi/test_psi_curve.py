"""The group: published vectors on every path, equal bytes on all paths, refusal of what a peer may not send."""

from __future__ import annotations

import gmpy2
import numpy as np
import pytest
from psi_harness import P, multiple

from vfl._psi import native, portable
from vfl.crypto import psi_curve
from vfl.crypto.psi_curve import PsiScalar, check_points, hash_to_curve
from vfl.crypto.randomness import JobSeed
from vfl.errors import ConfigError, RemoteProtocolError

LOW_ORDER = [
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    P - 1,
]
PATHS = {"portable": portable, **{name: native.Kernel(name) for name in native.paths()}}

every_path = pytest.mark.parametrize("path", PATHS)


def points(*values: int) -> np.ndarray:
    return np.frombuffer(b"".join(v.to_bytes(32, "little") for v in values), dtype=np.uint8).reshape(-1, 32)


def clamped(scalar: bytes) -> bytes:
    return bytes([scalar[0] & 248]) + scalar[1:31] + bytes([scalar[31] & 127 | 64])


def patterned(rng: np.random.Generator, count: int) -> np.ndarray:
    """Numbers of long runs of ones and zeros: full limbs and carries that run far."""
    bits = np.zeros((count, 256), dtype=np.uint8)
    for row in bits:
        at, value = 0, int(rng.integers(2))
        while at < 256:
            run = int(rng.integers(1, 120))
            row[at : at + run] = value
            at, value = at + run, 1 - value
    return np.packbits(bits, axis=1, bitorder="little")


# -- published vectors -----------------------------------------------------------------------------------------

# RFC 9380, appendix J.4.2: curve25519_XMD:SHA-512_ELL2_NU_; Q is the map's output, P = 8 Q.
RFC_9380_DST = b"QUUX-V01-CS02-with-curve25519_XMD:SHA-512_ELL2_NU_"
RFC_9380 = [
    (b"", "51125222da5e763d97f3c10fcc92ea6860b9ccbbd2eb1285728f566721c1e65b",
     "1bb913f0c9daefa0b3375378ffa534bda5526c97391952a7789eb976edfe4d08"),
    (b"abc", "7d56d1e08cb0ccb92baf069c18c49bb5a0dcd927eff8dcf75ca921ef7f3e6eeb",
     "7c22950b7d900fa866334262fcaea47a441a578df43b894b4625c9b450f9a026"),
    (b"abcdef0123456789", "3fbe66b9c9883d79e8407150e7c2a1c8680bee496c62fabe4619a72b3cabe90f",
     "31ad08a8b0deeb2a4d8b0206ca25f567ab4e042746f792f4b7973f3ae2096c52"),
    (b"q128_" + b"q" * 128, "227e0bb89de700385d19ec40e857db6e6a3e634b1c32962f370d26f84ff19683",
     "027877759d155b1997d0d84683a313eb78bdb493271d935b622900459d52ceaa"),
    (b"a512_" + b"a" * 512, "3bcd651ee54d5f7b6013898aab251ee8ecc0688166fce6e9548d38472f6bd196",
     "5fd892c0958d1a75f54c3182a18d286efab784e774d1e017ba2fb252998b5dc1"),
]


@every_path
def test_hash_to_curve_gives_the_vectors_of_rfc_9380(path: str) -> None:
    mapped = PATHS[path].map_messages([message for message, _, _ in RFC_9380], RFC_9380_DST)
    assert [bytes(u)[::-1].hex() for u in mapped] == [q for _, q, _ in RFC_9380]


def test_the_cleared_points_of_rfc_9380_follow_by_eight() -> None:
    for _, q, p in RFC_9380:
        x, z = multiple(8, int(q, 16))
        assert x * pow(z, -1, P) % P == int(p, 16)


RFC_7748 = [
    ("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
     "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
     "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"),
    ("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
     "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a413",  # bit 255, which the RFC drops, is off
     "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"),
]


@every_path
def test_ladder_gives_the_vectors_of_rfc_7748(path: str) -> None:
    for scalar, u, product in RFC_7748:
        one = np.frombuffer(bytes.fromhex(u), dtype=np.uint8).reshape(1, 32)
        assert PATHS[path].ladder(clamped(bytes.fromhex(scalar)), one).tobytes().hex() == product


@every_path
def test_ladder_gives_the_iterated_vectors_of_rfc_7748(path: str) -> None:
    k = u = (9).to_bytes(32, "little")
    for i in range(1, 1001):
        one = np.frombuffer(u[:31] + bytes([u[31] & 127]), dtype=np.uint8).reshape(1, 32)
        k, u = PATHS[path].ladder(clamped(k), one).tobytes(), k
        if i == 1:
            assert k.hex() == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
    assert k.hex() == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"


# -- one result on all paths -----------------------------------------------------------------------------------

@every_path
def test_every_path_maps_messages_of_any_length_alike(path: str) -> None:
    stream = JobSeed(bytes(32)).stream("messages")
    for count in (1, 7, 8, 9, 130):
        messages = [stream.bytes(length) for length in np.random.default_rng(count).integers(0, 400, count)]
        assert np.array_equal(PATHS[path].map_messages(messages, b"tag"), portable.map_messages(messages, b"tag"))


@every_path
def test_every_path_multiplies_and_judges_awkward_numbers_alike(path: str) -> None:
    rng = np.random.default_rng(4)
    numbers = patterned(rng, 1_500)
    kinds = portable.classify(numbers)
    assert np.array_equal(PATHS[path].classify(numbers), kinds)
    usable = numbers[(kinds == 0) | (kinds == 3)]
    for _ in range(3):
        scalar = clamped(patterned(rng, 1)[0].tobytes())
        some = usable[rng.integers(0, len(usable), 203)]
        assert np.array_equal(PATHS[path].ladder(scalar, some), portable.ladder(scalar, some))


@every_path
def test_every_path_hashes_points_alike(path: str) -> None:
    some = patterned(np.random.default_rng(5), 77)
    for domain in (b"", b"x" * 45, b"y" * 79, b"z" * 80, b"w" * 300):
        assert np.array_equal(PATHS[path].hash_points(domain, some), portable.hash_points(domain, some))


def test_a_path_that_is_not_there_is_refused_with_the_list_of_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VFL_PSI_PATH", "abacus")
    with pytest.raises(ConfigError, match=r"PSI_PATH.*portable") as refused:
        psi_curve.path()
    assert "portable" in refused.value.in_("zh")
    monkeypatch.setenv("VFL_PSI_PATH", "portable")
    assert psi_curve.path() == "portable"


# -- scalars ---------------------------------------------------------------------------------------------------

def test_scalars_commute_and_undo_each_other() -> None:
    seed = JobSeed(b"s" * 32)
    ids = [f"firm {i}" for i in range(40)]
    for turn in range(5):
        a, b = (PsiScalar.derive(seed.stream(turn, name)) for name in "ab")
        once, other = a.blind_ids(ids, b"job"), b.blind_ids(ids, b"job")
        both = b.apply(once)
        assert np.array_equal(both, a.apply(other))
        assert np.array_equal(a.unapply(both), other)
        assert np.array_equal(b.unapply(both), once)


def test_the_representative_of_a_class_is_clamped_and_right() -> None:
    rng = np.random.default_rng(6)
    order = psi_curve.ORDER
    for raw in [1, 2, order - 1, order // 2, *(int.from_bytes(rng.bytes(31), "little") for _ in range(200))]:
        found = psi_curve._clamped(raw)
        if found is None:  # only classes that a multiple of 8 below 2^128 represents
            assert min(8 * raw * pow(8, -1, order) % order, 8 * (-raw * pow(8, -1, order) % order)) < 2**128
            continue
        assert found % 8 == 0
        assert found >> 254 == 1
        assert found % order in (raw % order, -raw % order)


def test_exceptional_classes_have_no_clamped_representative_and_are_refused() -> None:
    # 8 represents its class from below; the representative of the opposite class is 8ℓ - 8 > 2^255.
    assert psi_curve._clamped(8) is None
    inverse_of_eight = pow(8, -1, psi_curve.ORDER)
    scalar = psi_curve._clamped(inverse_of_eight)
    assert scalar is not None
    with pytest.raises(ValueError, match="clamped"):
        PsiScalar(scalar)


def test_a_scalar_does_not_print_itself() -> None:
    scalar = PsiScalar.derive(JobSeed(bytes(32)).stream("x"))
    assert repr(scalar) == "<PsiScalar>"


def test_points_depend_on_the_job() -> None:
    assert not np.any(np.all(hash_to_curve(["a", "b"], b"one") == hash_to_curve(["a", "b"], b"two"), axis=1))


# -- what a peer may not send ----------------------------------------------------------------------------------

def square_side(u: int) -> bool:
    return int(gmpy2.jacobi((u * u + 486662 * u + 1) * u % P, P)) == 1


TWIST = [u for u in range(2, 40) if not square_side(u)]
BAD_POINTS = [
    *((u, "PSI_POINT_LOW_ORDER") for u in LOW_ORDER),
    *((P + k, "PSI_POINT_NOT_CANONICAL") for k in range(19)),  # every number from p to 2^255 - 1
    *((u + 2**255, "PSI_POINT_NOT_CANONICAL") for u in (*LOW_ORDER, 9)),
    (2**256 - 1, "PSI_POINT_NOT_CANONICAL"),
    *((u, "PSI_POINT_ON_TWIST") for u in TWIST),
]


@every_path
def test_bad_points_are_refused_by_name_and_place(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VFL_PSI_PATH", path)
    good = hash_to_curve([f"{i}" for i in range(11)], b"job")
    check_points(good)
    for value, code in BAD_POINTS:
        mixed = good.copy()
        mixed[9] = points(value)[0]
        with pytest.raises(RemoteProtocolError, match=f"{code}.*point 9 ") as refused:
            check_points(mixed)
        assert "第 9 个点" in refused.value.in_("zh")
        assert str(value) not in refused.value.in_("en")


def test_points_of_another_length_are_refused() -> None:
    for wrong in (np.zeros((3, 31), np.uint8), np.zeros(32, np.uint8), np.zeros((3, 32), np.uint16)):
        with pytest.raises(RemoteProtocolError, match="PSI_POINT_LENGTH"):
            check_points(wrong)


@pytest.mark.parametrize("name", native.paths())
def test_the_extension_refuses_buffers_that_do_not_fit(name: str) -> None:
    from vfl._psi import _curve

    lanes = {"ifma": 8, "int64": 1}[name]
    out, three = np.zeros((2, 32), np.uint8), np.zeros((3, 32), np.uint8)
    good = clamped(bytes(32))
    for call in (
        lambda: _curve.ladder(good, three, out, lanes),
        lambda: _curve.ladder(bytes(32), three, three.copy(), lanes),
        lambda: _curve.ladder(good, three, three.copy(), 3),
        lambda: _curve.classify(three, np.zeros(2, np.uint8), lanes),
        lambda: _curve.hash_points(b"", three, out, lanes),
        lambda: _curve.map_messages(b"abc", np.array([0, 2, 4], np.uint64), b"tag", out, lanes),
        lambda: _curve.map_messages(b"abc", np.array([0, 2, 1], np.uint64), b"tag", out, lanes),
        lambda: _curve.map_messages(b"abc", np.array([0, 2], np.uint64), b"tag", out, lanes),
        lambda: _curve.map_messages(b"abc", np.array([0, 2, 3], np.uint64), b"t" * 256, out, lanes),
    ):
        with pytest.raises(ValueError, match=r"path|clamped|match|ascend|255"):
            call()
