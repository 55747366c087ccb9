from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class KeyOffer(_message.Message):
    __slots__ = ("modulus", "proof")
    MODULUS_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    modulus: bytes
    proof: bytes
    def __init__(self, modulus: _Optional[bytes] = ..., proof: _Optional[bytes] = ...) -> None: ...

class KeyAck(_message.Message):
    __slots__ = ("key_id",)
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    key_id: bytes
    def __init__(self, key_id: _Optional[bytes] = ...) -> None: ...
