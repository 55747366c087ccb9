from vfl.pb.v1 import carriers_pb2 as _carriers_pb2
from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScoreQuery(_message.Message):
    __slots__ = ("firms", "splits")
    FIRMS_FIELD_NUMBER: _ClassVar[int]
    SPLITS_FIELD_NUMBER: _ClassVar[int]
    firms: _containers.RepeatedScalarFieldContainer[str]
    splits: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, firms: _Optional[_Iterable[str]] = ..., splits: _Optional[_Iterable[int]] = ...) -> None: ...

class ScoreSides(_message.Message):
    __slots__ = ("known", "left")
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    known: _carriers_pb2.Bitmap
    left: _carriers_pb2.Bitmap
    def __init__(self, known: _Optional[_Union[_carriers_pb2.Bitmap, _Mapping]] = ..., left: _Optional[_Union[_carriers_pb2.Bitmap, _Mapping]] = ...) -> None: ...
