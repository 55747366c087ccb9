from vfl.pb.v1 import carriers_pb2 as _carriers_pb2
from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlatformPoints(_message.Message):
    __slots__ = ("points",)
    POINTS_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, points: _Optional[_Iterable[int]] = ...) -> None: ...

class CardQuery(_message.Message):
    __slots__ = ("firms",)
    FIRMS_FIELD_NUMBER: _ClassVar[int]
    firms: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, firms: _Optional[_Iterable[str]] = ...) -> None: ...

class CardAnswers(_message.Message):
    __slots__ = ("known", "points", "reasons")
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    known: _carriers_pb2.Bitmap
    points: _containers.RepeatedScalarFieldContainer[int]
    reasons: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, known: _Optional[_Union[_carriers_pb2.Bitmap, _Mapping]] = ..., points: _Optional[_Iterable[int]] = ..., reasons: _Optional[_Iterable[int]] = ...) -> None: ...
