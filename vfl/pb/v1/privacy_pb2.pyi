from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KIND_UNSPECIFIED: _ClassVar[Kind]
    PUBLIC: _ClassVar[Kind]
    CIPHERTEXT: _ClassVar[Kind]
    BLINDED: _ClassVar[Kind]
    MASKED: _ClassVar[Kind]
    AGGREGATE: _ClassVar[Kind]
    DISCLOSURE: _ClassVar[Kind]
KIND_UNSPECIFIED: Kind
PUBLIC: Kind
CIPHERTEXT: Kind
BLINDED: Kind
MASKED: Kind
AGGREGATE: Kind
DISCLOSURE: Kind
PRIVACY_FIELD_NUMBER: _ClassVar[int]
privacy: _descriptor.FieldDescriptor
CARRIER_FIELD_NUMBER: _ClassVar[int]
carrier: _descriptor.FieldDescriptor
FRAME_FIELD_NUMBER: _ClassVar[int]
frame: _descriptor.FieldDescriptor

class Privacy(_message.Message):
    __slots__ = ("kind", "sender", "receivers", "leaks", "leaks_zh", "bits")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVERS_FIELD_NUMBER: _ClassVar[int]
    LEAKS_FIELD_NUMBER: _ClassVar[int]
    LEAKS_ZH_FIELD_NUMBER: _ClassVar[int]
    BITS_FIELD_NUMBER: _ClassVar[int]
    kind: Kind
    sender: str
    receivers: _containers.RepeatedScalarFieldContainer[str]
    leaks: str
    leaks_zh: str
    bits: str
    def __init__(self, kind: _Optional[_Union[Kind, str]] = ..., sender: _Optional[str] = ..., receivers: _Optional[_Iterable[str]] = ..., leaks: _Optional[str] = ..., leaks_zh: _Optional[str] = ..., bits: _Optional[str] = ...) -> None: ...
