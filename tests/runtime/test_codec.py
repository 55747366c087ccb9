"""Messages to bytes and back: equal messages give equal bytes, and nothing malformed gets past."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.jobs import Shape, played

from vfl.errors import InvalidCiphertext, KeyMismatch, RemoteProtocolError, VflError
from vfl.protocols.messages.alignment import Answers, BankHello, Store
from vfl.protocols.messages.boosting import EncryptedGradients, FeatureShapes, LeafHistogram, SplitSides
from vfl.wire.carriers import Disclosed, disclose
from vfl.wire.codec import MAX_BODY, decode, encode
from vfl.wire.messages import WireMessage, all_messages

JOB = played(Shape())
KEYS = JOB.bank.work.keys
EXAMPLES = {h.sent.type_name: h.body for h in JOB.heard}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_round_trip_of_every_message_of_a_job(name: str) -> None:
    made = decode(all_messages()[name], EXAMPLES[name], KEYS)
    assert encode(made) == EXAMPLES[name]


def malformed(cls: type[WireMessage], body: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode(cls, body, KEYS)
    assert caught.value.code == "MESSAGE_MALFORMED"


def changed(name: str, change: Callable[[Any], None]) -> bytes:
    proto = all_messages()[name].proto.FromString(EXAMPLES[name])
    change(proto)
    return bytes(proto.SerializeToString(deterministic=True))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_unknown_fields_are_refused(name: str) -> None:
    """Field 999, three bytes: a place to hide things in."""
    malformed(all_messages()[name], EXAMPLES[name] + b"\xba\x3e\x03raw")


def test_unknown_fields_are_refused_inside_too() -> None:
    inner = all_messages()["LeafHistogram"].proto.FromString(EXAMPLES["LeafHistogram"]).sums
    hidden = inner.SerializeToString() + b"\xba\x3e\x03raw"
    length = bytearray()
    size = len(hidden)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    malformed(LeafHistogram, b"\x0a" + bytes([*length, size]) + hidden)


def test_one_form_only() -> None:
    malformed(BankHello, EXAMPLES["BankHello"] + EXAMPLES["BankHello"])  # merges to the same value
    malformed(SplitSides, b"\xff\xff")
    malformed(BankHello, bytes(MAX_BODY + 1))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("SplitSides", lambda p: setattr(p.left, "count", p.left.count + 8)),
        ("SplitSides", lambda p: setattr(p.left, "count", 1 << 31)),
        ("SplitSides", lambda p: setattr(p.left, "data", p.left.data + b"\0")),
        ("SplitSides", lambda p: setattr(p.left, "count", p.left.count - 7)),  # leaves bits past the end
        ("Answers", lambda p: setattr(p.points, "data", p.points.data[:-1])),
        ("Store", lambda p: setattr(p.words, "data", p.words.data[:-1])),
        ("LeafHistogram", lambda p: setattr(p.sums, "slots", 0)),
        ("LeafHistogram", lambda p: setattr(p.sums, "slot_bits", 0)),
        ("LeafHistogram", lambda p: setattr(p.sums, "values", p.sums.values * 2)),
        ("LeafHistogram", lambda p: setattr(p.sums.sealed, "count", p.sums.sealed.count + 1)),
    ],
)
def test_counts_that_do_not_fit_are_refused(name: str, change: Callable[[Any], None]) -> None:
    def spoil(proto: Any) -> None:
        if name == "SplitSides":  # a full last byte, so that a shorter count leaves bits behind
            proto.left.data = proto.left.data[:-1] + b"\xff"
            proto.left.count = len(proto.left.data) * 8
        change(proto)

    malformed(all_messages()[name], changed(name, spoil))


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        (lambda p: setattr(p.gradients, "key_id", b"other"), KeyMismatch, "KEY_UNKNOWN"),
        (lambda p: setattr(p.gradients, "count", p.gradients.count + 1), InvalidCiphertext, "CIPHERTEXT_COUNT"),
        (lambda p: setattr(p.gradients, "data", p.gradients.data[:-1]), InvalidCiphertext, "CIPHERTEXT_COUNT"),
        (lambda p: setattr(p.gradients, "data", bytes(len(p.gradients.data))), InvalidCiphertext, "CIPHERTEXT_RANGE"),
        (
            lambda p: setattr(p.gradients, "data", b"\xff" * len(p.gradients.data)),
            InvalidCiphertext,
            "CIPHERTEXT_RANGE",
        ),
    ],
)
def test_ciphertexts_that_cannot_be_are_refused(
    change: Callable[[Any], None], kind: type[VflError], code: str
) -> None:
    with pytest.raises(kind) as caught:
        decode(EncryptedGradients, changed("EncryptedGradients", change), KEYS)
    assert caught.value.code == code


@given(bits=st.lists(st.booleans(), max_size=70))
def test_bitmaps_keep_every_bit(bits: list[bool]) -> None:
    sent = SplitSides(disclose(np.array(bits, dtype=np.bool_), reason="test"))
    assert decode(SplitSides, encode(sent), {}).left.value.tolist() == bits


@given(
    flags=st.lists(st.booleans(), max_size=5),
    bins=st.lists(st.integers(0, 2**32 - 1), max_size=5),
)
def test_lists_keep_every_entry(flags: list[bool], bins: list[int]) -> None:
    def told(value: tuple[Any, ...]) -> Disclosed[Any]:
        return disclose(value, reason="test")

    sent = FeatureShapes(told(tuple(flags)), told(()), told(tuple(bins)))
    got = decode(FeatureShapes, encode(sent), {})
    assert (got.categorical.value, got.has_missing.value, got.bins.value) == (tuple(flags), (), tuple(bins))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_flipped_bytes_give_a_message_or_a_named_refusal(data: st.DataObject) -> None:
    """No numpy or protobuf error ever surfaces from what a peer sent."""
    name = data.draw(st.sampled_from(sorted(EXAMPLES)))
    body = bytearray(EXAMPLES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        if body:
            body[data.draw(st.integers(0, min(len(body), 40) - 1))] = data.draw(st.integers(0, 255))
    outcome = read(all_messages()[name], bytes(body))
    if isinstance(outcome, str):
        assert outcome in {"MESSAGE_MALFORMED", "KEY_UNKNOWN", "CIPHERTEXT_COUNT", "CIPHERTEXT_RANGE"}
    else:
        assert encode(outcome) == bytes(body)
        assert outcome.disclosed_bits() >= 0


def read(cls: type[WireMessage], body: bytes) -> WireMessage | str:
    """The message, or the code of its refusal; any other error surfaces."""
    try:
        return decode(cls, body, KEYS)
    except VflError as error:
        return error.code


@pytest.mark.parametrize("cls", [Answers, Store])
def test_what_is_received_is_bounded(cls: type[WireMessage]) -> None:
    assert len(EXAMPLES[cls.type_name]) <= MAX_BODY
    assert dataclasses.is_dataclass(cls)
