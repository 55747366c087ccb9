"""Gate 3, not packable: carriers have one maker each, and messages hold carriers of the declared kind only."""

from __future__ import annotations

import ast
import copy
import dataclasses
import functools
import importlib
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FileDescriptor
from support.jobs import Shape, assemble, played

from vfl.crypto.paillier import AdditiveHE, Ciphertexts, SealedCiphertexts
from vfl.errors import CohortTooSmall
from vfl.pb.v1 import keys_pb2, privacy_pb2
from vfl.protocols.messages.boosting import EncryptedGradients, SplitSides
from vfl.protocols.messages.evaluation import Quality
from vfl.protocols.messages.keys import KeyAck
from vfl.wire.carriers import (
    Aggregate,
    BlindedPoints,
    Disclosed,
    PseudorandomWords,
    Public,
    WindowedCiphertexts,
    aggregate,
    blind,
    disclose,
    store_words,
    window,
)
from vfl.wire.codec import decode
from vfl.wire.messages import WireMessage, all_messages, message

ROOT = Path(__file__).parents[2]
PACKAGES = ("vfl", "party_bank", "party_platform", "coordinator")
FILES = tuple(
    importlib.import_module(f"vfl.pb.v1.{path.stem}") for path in sorted((ROOT / "vfl/pb/v1").glob("*_pb2.py"))
)
Secret = "a raw value"


# --- one maker each ------------------------------------------------------------------------------------------------


def made_carriers() -> Iterator[Any]:
    """One of each carrier as an honest run made it."""
    job = played(Shape())
    keys = job.bank.work.keys
    messages: dict[str, WireMessage] = {}
    for heard in job.heard:
        name = heard.sent.type_name
        messages.setdefault(name, decode(all_messages()[name], heard.body, keys))
    seen: dict[type, Any] = {}
    for m in messages.values():
        for field in dataclasses.fields(m):  # type: ignore[arg-type]
            carrier = getattr(m, field.name)
            seen.setdefault(type(carrier), carrier)
    yield from seen.values()


CARRIERS = list(made_carriers())


def test_the_examples_are_all_carriers() -> None:
    assert {type(c) for c in CARRIERS} == {
        Aggregate, BlindedPoints, Disclosed, PseudorandomWords, Public, SealedCiphertexts, WindowedCiphertexts,
    }  # fmt: skip


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: Public(Secret, token=token),
        lambda token: Disclosed(Secret, token=token, reason="because"),
        lambda token: Aggregate(Secret, token=token),
        lambda token: BlindedPoints(b"0" * 32, token=token),
        lambda token: PseudorandomWords(np.zeros(1, dtype=np.uint64), token=token),
        lambda token: SealedCiphertexts(b"key", 1, b"raw", token),
        lambda token: WindowedCiphertexts(CARRIERS[0], 1, 1, 1, token),
    ],
)
@pytest.mark.parametrize("token", [None, object(), "maker"])
def test_nobody_else_makes_a_carrier(forge: Callable[[object], object], token: object) -> None:
    with pytest.raises(TypeError, match="made by"):
        forge(token)


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda c: type(c).__name__)
def test_a_carrier_cannot_be_changed_copied_or_read_by_accident(carrier: Any) -> None:
    for name in ("_value", "data", "words", "sealed", "values", "reason"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(carrier, name, Secret)
    for use in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            use(carrier)
    if dataclasses.is_dataclass(carrier):
        with pytest.raises((TypeError, ValueError)):
            dataclasses.replace(carrier)  # type: ignore[type-var]
    assert not hasattr(carrier, "token")
    assert not hasattr(carrier, "maker")
    assert repr(carrier).startswith(f"<{type(carrier).__name__}")
    assert len(repr(carrier)) < 60


def test_makers_check_what_they_promise() -> None:
    with pytest.raises(CohortTooSmall):
        aggregate(0.5, cohort=49, floor=50)
    with pytest.raises(ValueError, match="reason"):
        disclose(1, reason="  ")
    for wrong in (np.zeros((2, 31), dtype=np.uint8), np.zeros(32, dtype=np.uint8), np.zeros((2, 32))):
        with pytest.raises(TypeError):
            blind(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store_words(np.zeros((2, 2), dtype=np.uint64))
    assert aggregate(0.5, cohort=50, floor=50).value == 0.5


def test_a_window_is_masked_and_sealed_and_a_working_value_is_not_sendable() -> None:
    job = assemble(Shape())
    he = AdditiveHE(job.bank.work.he.public)
    seed = job.bank.work.seed
    plain = np.zeros((4, he.public.limbs), dtype=np.uint64)
    plain[:, 0] = [1, 2, 3, 4]
    working = he.encrypt(plain, seed.stream("test"))
    assert isinstance(working, Ciphertexts)
    with pytest.raises(TypeError, match="SealedCiphertexts"):
        EncryptedGradients(working)  # type: ignore[arg-type]
    one = window(he, working, slots=2, slot_bits=16, masks=seed.stream("m"), seals=seed.stream("s"))
    other = window(he, working, slots=2, slot_bits=16, masks=seed.stream("m2"), seals=seed.stream("s2"))
    read = [job.bank.work.he.decrypt(w.sealed) for w in (one, other)]
    assert [r[:, 0].astype(np.uint32).tolist() for r in read] == [[0x20001, 0x40003]] * 2
    assert (read[0][:, 1:] != read[1][:, 1:]).any(), "the bits above the window are random"
    assert one.sealed.data != other.sealed.data


# --- makers are called where steps are, received() where bytes are ----------------------------------------------------

MAKERS = {"blind", "store_words", "window", "aggregate", "disclose", "public"}
# Announced messages rehearse with disclosed constants in a dry run; nothing of a rehearsal is sent.
MAKER_HOMES = ("party_bank/steps/", "party_platform/steps/", "vfl/wire/carriers.py", "vfl/protocols/messages/")
# Beside the codec, a checkpoint restores ciphertexts that a peer had sent, from the party's own sealed journal.
RECEIVED_HOMES = ("vfl/wire/", "vfl/crypto/", "vfl/protocols/logistic_party.py")
CARRIER_NAMES = (
    "Aggregate", "BlindedPoints", "Disclosed", "MaskedVector", "PseudorandomWords", "Public", "SealedCiphertexts",
    "WindowedCiphertexts", "carrier",
)  # fmt: skip


def calls(tree: ast.AST, names: set[str]) -> bool:
    return any(
        isinstance(n, ast.Call)
        and ((isinstance(n.func, ast.Name) and n.func.id in names)
             or (isinstance(n.func, ast.Attribute) and n.func.attr in names))
        for n in ast.walk(tree)
    )  # fmt: skip


@functools.cache
def sources() -> tuple[tuple[str, ast.Module], ...]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return tuple((p.relative_to(ROOT).as_posix(), ast.parse(p.read_text(encoding="utf-8"))) for p in paths)


def files_calling(names: set[str]) -> list[str]:
    return [name for name, tree in sources() if calls(tree, names)]


def receives(tree: ast.AST) -> bool:
    """Whether a carrier is made from what is said to have been received."""
    return any(
        isinstance(n, ast.Attribute) and n.attr == "received" and ast.unparse(n.value).split(".")[-1] in CARRIER_NAMES
        for n in ast.walk(tree)
    )


def test_makers_are_called_in_steps_only() -> None:
    found = files_calling({"store_words", "disclose", "window", "aggregate"})
    assert "party_platform/steps/boosting.py" in found
    assert [f for f in found if not f.startswith(MAKER_HOMES)] == []


def test_received_is_called_where_bytes_are_read_only() -> None:
    found = [name for name, tree in sources() if receives(tree)]
    assert "vfl/wire/codec.py" in found
    assert [f for f in found if not f.startswith(RECEIVED_HOMES)] == []


def test_the_search_finds_a_planted_call() -> None:
    assert calls(ast.parse("x = carriers.disclose(rows, reason='debug')"), MAKERS)
    assert receives(ast.parse("carriers.Public.received(rows)"))


# --- messages hold carriers of their kind -----------------------------------------------------------------------------


def test_a_message_takes_no_raw_value_and_no_other_carrier() -> None:
    with pytest.raises(TypeError, match="Public and takes nothing else"):
        KeyAck(b"raw")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Disclosed and takes nothing else"):
        SplitSides(np.ones(3, dtype=np.bool_))  # type: ignore[arg-type]
    told = disclose(1, reason="evading the cohort floor")
    with pytest.raises(TypeError, match="Aggregate and takes nothing else"):
        Quality(told, told, told, told)  # type: ignore[arg-type]


def planted_proto(kind: int | None, *, bits: str = "1", leaks: str = "x") -> Any:
    """A protobuf class ``Planted { bytes rows = 1; }`` with the given privacy option."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"planted_{kind}_{bits}_{leaks}.proto", package="planted", syntax="proto3"
    )
    made = file.message_type.add(name="Planted")
    made.field.add(
        name="rows", number=1, type=descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
        label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
    )  # fmt: skip
    if kind is not None:
        option = made.options.Extensions[privacy_pb2.privacy]
        option.kind, option.sender, option.leaks, option.leaks_zh, option.bits = kind, "bank", leaks, leaks, bits
        option.receivers.append("platform")
    pool = descriptor_pool.DescriptorPool()
    for needed in ("google/protobuf/descriptor.proto", "vfl/v1/privacy.proto"):
        found = descriptor_pb2.FileDescriptorProto()
        descriptor_pool.Default().FindFileByName(needed).CopyToProto(found)
        pool.Add(found)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("planted.Planted"))


def bind(proto: Any, annotation: Any, name: str = "rows") -> type:
    cls = type("Planted", (WireMessage,), {"__annotations__": {name: annotation}, "__module__": __name__})
    return message(proto)(cls)


@pytest.mark.parametrize(
    ("kind", "annotation", "says"),
    [
        (None, Disclosed[bytes], "no .privacy. option"),
        (privacy_pb2.KIND_UNSPECIFIED, Disclosed[bytes], "wants kind"),
        (privacy_pb2.DISCLOSURE, bytes, "is not a carrier"),
        (privacy_pb2.DISCLOSURE, np.ndarray, "is not a carrier"),
        (privacy_pb2.DISCLOSURE, list[Disclosed[bytes]], "is not a carrier"),
        (privacy_pb2.CIPHERTEXT, Disclosed[bytes], "cannot ride in CIPHERTEXT"),
        (privacy_pb2.DISCLOSURE, Aggregate[bytes], "cannot ride in DISCLOSURE"),
        (privacy_pb2.BLINDED, SealedCiphertexts, "cannot ride in BLINDED"),
        (privacy_pb2.PUBLIC, WindowedCiphertexts, "cannot ride in PUBLIC"),
    ],
)
def test_a_wrong_message_class_does_not_come_into_being(kind: int | None, annotation: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        bind(planted_proto(kind), annotation)
    assert "Planted" not in all_messages()


def test_a_message_class_has_the_fields_of_its_proto_and_words_for_its_leaks() -> None:
    with pytest.raises(TypeError, match="differ from the proto"):
        bind(planted_proto(privacy_pb2.DISCLOSURE), Disclosed[bytes], name="other")
    with pytest.raises(TypeError, match="number of bits"):
        bind(planted_proto(privacy_pb2.DISCLOSURE, bits=""), Disclosed[bytes])
    with pytest.raises(TypeError, match="leaks in words"):
        bind(planted_proto(privacy_pb2.DISCLOSURE, leaks=""), Disclosed[bytes])


def test_no_two_classes_speak_for_one_message() -> None:
    again = type("KeyAck", (WireMessage,), {"__annotations__": {"key_id": Public[bytes]}, "__module__": __name__})
    with pytest.raises(TypeError, match="two message classes"):
        message(keys_pb2.KeyAck)(again)


# --- every protobuf message is classed --------------------------------------------------------------------------------


def classes_of(descriptor: Descriptor) -> list[str]:
    options = descriptor.GetOptions()
    marks = {
        "privacy": options.HasExtension(privacy_pb2.privacy),
        "carrier": options.Extensions[privacy_pb2.carrier],
        "frame": options.Extensions[privacy_pb2.frame],
    }
    return [name for name, marked in marks.items() if marked]


def every_message(files: tuple[Any, ...]) -> Iterator[Descriptor]:
    def walk(descriptor: Descriptor) -> Iterator[Descriptor]:
        yield descriptor
        for nested in descriptor.nested_types:
            yield from walk(nested)

    for module in files:
        file: FileDescriptor = module.DESCRIPTOR
        for descriptor in file.message_types_by_name.values():
            yield from walk(descriptor)


def test_every_file_of_protos_is_walked() -> None:
    made = {p.name.removesuffix("_pb2.py") for p in (ROOT / "vfl/pb/v1").glob("*_pb2.py")}
    written = {p.stem for p in (ROOT / "protos/vfl/v1").glob("*.proto")}
    assert made == written
    assert len(FILES) == len(made)


@pytest.mark.parametrize("descriptor", list(every_message(FILES)), ids=lambda d: d.full_name)
def test_every_message_is_of_exactly_one_class(descriptor: Descriptor) -> None:
    if descriptor.full_name.startswith("grpc.health."):
        return  # another project's service, which carries a name and a state
    assert len(classes_of(descriptor)) == 1


def test_every_classed_message_has_a_message_class_and_none_is_raw() -> None:
    classed = {d.name for d in every_message(FILES) if classes_of(d) == ["privacy"]}
    assert classed == set(all_messages())
    assert "RAW" not in privacy_pb2.Kind.keys()  # noqa: SIM118 a protobuf enum is no dict


def test_an_unclassed_message_is_seen() -> None:
    assert classes_of(planted_proto(None).DESCRIPTOR) == []
