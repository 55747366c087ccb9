"""Messages to bytes and back. Everything received is checked here before any step sees it.

Deterministic serialisation: equal messages give equal bytes, so a replayed step re-emits the same envelope.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, get_type_hints

import numpy as np
from google.protobuf.message import DecodeError

from vfl.crypto.paillier import PublicKey
from vfl.errors import KeyMismatch, RemoteProtocolError, Text
from vfl.wire.carriers import (
    BlindedPoints,
    MaskedCiphertexts,
    PseudorandomWords,
    SealedCiphertexts,
    WindowedCiphertexts,
)
from vfl.wire.messages import WireMessage, carrier_of

__all__ = ["MAX_BODY", "decode", "encode"]

MAX_BODY = 1 << 20
"""Bytes of one message at most; bulk goes as a stream of chunks."""

M = TypeVar("M", bound=WireMessage)


def encode(message: WireMessage) -> bytes:
    """Serialise deterministically."""
    out = message.proto()
    for field in dataclasses.fields(message):  # type: ignore[arg-type]
        _put(out, field.name, getattr(message, field.name))
    return bytes(out.SerializeToString(deterministic=True))


def decode(cls: type[M], body: bytes, keys: Mapping[bytes, PublicKey]) -> M:
    """Parse and validate; ``keys`` are the public keys this job knows, by key id.

    Raises
    ------
    RemoteProtocolError
        The body does not parse, is too long, or carries unknown fields.
    InvalidCiphertext, KeyMismatch
        A ciphertext is out of range, not a unit, or under a key this job does not know.
    """
    if len(body) > MAX_BODY:
        raise _malformed(cls, "longer than the limit", "超出长度上限")
    proto = cls.proto()
    try:
        proto.ParseFromString(body)
    except DecodeError:
        raise _malformed(cls, "not a valid message", "无法解析") from None
    proto.DiscardUnknownFields()
    if proto.SerializeToString(deterministic=True) != body:
        raise _malformed(cls, "not in canonical form", "不是规范编码")
    hints = get_type_hints(cls)
    values = {f.name: _get(proto, f.name, hints[f.name], keys, cls) for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    return cls(**values)


def _malformed(cls: type[WireMessage], en: str, zh: str) -> RemoteProtocolError:
    return RemoteProtocolError(
        "MESSAGE_MALFORMED",
        Text(en=f"a {cls.__name__} from the peer is {en}", zh=f"对方发来的 {cls.__name__} {zh}"),
        cure=Text(en="check that both nodes run the same version", zh="请核对双方节点的版本是否一致"),
    )


def _put(out: Any, name: str, carrier: Any) -> None:
    if isinstance(carrier, SealedCiphertexts):
        _put_ciphertexts(getattr(out, name), carrier)
    elif isinstance(carrier, MaskedCiphertexts):
        _put_ciphertexts(getattr(out, name), carrier.sealed)
    elif isinstance(carrier, WindowedCiphertexts):
        target = getattr(out, name)
        _put_ciphertexts(target.sealed, carrier.sealed)
        target.slots, target.slot_bits, target.values = carrier.slots, carrier.slot_bits, carrier.values
    elif isinstance(carrier, BlindedPoints):
        getattr(out, name).data = carrier.data
    elif isinstance(carrier, PseudorandomWords):
        getattr(out, name).data = carrier.words.astype("<u8").tobytes()
    else:
        _put_plain(out, name, carrier.value)


def _put_ciphertexts(out: Any, c: SealedCiphertexts) -> None:
    out.key_id, out.count, out.data = c.key_id, c.count, bytes(c.data)


def _put_plain(out: Any, name: str, value: Any) -> None:
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        bitmap = getattr(out, name)
        bitmap.count = value.shape[0]
        bitmap.data = np.packbits(value, bitorder="little").tobytes()
    elif isinstance(value, np.ndarray | tuple | list):
        getattr(out, name).extend(value.tolist() if isinstance(value, np.ndarray) else value)
    else:
        setattr(out, name, value)


def _get(proto: Any, name: str, annotation: Any, keys: Mapping[bytes, PublicKey], cls: type[WireMessage]) -> Any:
    carrier, inner = carrier_of(annotation)
    raw = getattr(proto, name)
    if carrier is SealedCiphertexts:
        return _get_ciphertexts(raw, keys)
    if carrier is MaskedCiphertexts:
        return MaskedCiphertexts.received(_get_ciphertexts(raw, keys))
    if carrier is WindowedCiphertexts:
        fits = raw.slots >= 1 and raw.slot_bits >= 1 and -(-raw.values // raw.slots) == raw.sealed.count
        if not fits:
            raise _malformed(cls, "inconsistent in its slots", "的槽位数不一致")
        sealed = _get_ciphertexts(raw.sealed, keys)
        return WindowedCiphertexts.received(sealed, raw.slots, raw.slot_bits, raw.values)
    if carrier is BlindedPoints:
        if len(raw.data) % 32:
            raise _malformed(cls, "not whole points of 32 bytes", "不是 32 字节的整数倍")
        return BlindedPoints.received(raw.data)
    if carrier is PseudorandomWords:
        if len(raw.data) % 8:
            raise _malformed(cls, "not whole words of 8 bytes", "不是 8 字节的整数倍")
        return PseudorandomWords.received(raw.data)
    return carrier.received(_plain(raw, inner, cls))  # type: ignore[attr-defined]


def _plain(raw: Any, inner: Any, cls: type[WireMessage]) -> Any:
    if hasattr(raw, "DESCRIPTOR") and raw.DESCRIPTOR.name == "Bitmap":
        if len(raw.data) != -(-raw.count // 8):
            raise _malformed(cls, "a bitmap of the wrong length", "的位图长度不符")
        bits = np.unpackbits(np.frombuffer(raw.data, dtype=np.uint8), bitorder="little")
        if bits[raw.count :].any():
            raise _malformed(cls, "a bitmap with bits past its end", "的位图末尾有多余的位")
        return bits[: raw.count].astype(np.bool_)
    if isinstance(raw, bool | int | float | str | bytes):
        return raw
    return tuple(raw)


def _get_ciphertexts(raw: Any, keys: Mapping[bytes, PublicKey]) -> SealedCiphertexts:
    key = keys.get(raw.key_id)
    if key is None:
        raise KeyMismatch(
            "KEY_UNKNOWN",
            Text(en="ciphertexts under a key this job does not know", zh="密文所用的密钥不属于本任务"),
            cure=Text(en="ask the peer to restart the job", zh="请对方重新启动任务"),
        )
    return SealedCiphertexts.received(raw.key_id, raw.count, raw.data, key)
