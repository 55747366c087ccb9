"""Messages of the key exchange (protos/vfl/v1/keys.proto)."""

from __future__ import annotations

from vfl.pb.v1 import keys_pb2
from vfl.wire.carriers import Public
from vfl.wire.messages import WireMessage, message

__all__ = ["KeyAck", "KeyOffer"]


@message(keys_pb2.KeyOffer)
class KeyOffer(WireMessage):
    """A fresh public key with its proof."""

    modulus: Public[bytes]
    proof: Public[bytes]


@message(keys_pb2.KeyAck)
class KeyAck(WireMessage):
    """The receiver has verified the key."""

    key_id: Public[bytes]
