from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Ciphertexts(_message.Message):
    __slots__ = ("key_id", "count", "data")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    key_id: bytes
    count: int
    data: bytes
    def __init__(self, key_id: _Optional[bytes] = ..., count: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class WindowedCiphertexts(_message.Message):
    __slots__ = ("sealed", "slots", "slot_bits", "values")
    SEALED_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    SLOT_BITS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    sealed: Ciphertexts
    slots: int
    slot_bits: int
    values: int
    def __init__(self, sealed: _Optional[_Union[Ciphertexts, _Mapping]] = ..., slots: _Optional[int] = ..., slot_bits: _Optional[int] = ..., values: _Optional[int] = ...) -> None: ...

class Points(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class MaskedShares(_message.Message):
    __slots__ = ("count", "bits", "data")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    BITS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    count: int
    bits: int
    data: bytes
    def __init__(self, count: _Optional[int] = ..., bits: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class Bitmap(_message.Message):
    __slots__ = ("count", "data")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    count: int
    data: bytes
    def __init__(self, count: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class PseudorandomWords(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...
