from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ObservationPeriods(_message.Message):
    __slots__ = ("count", "periods")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    count: int
    periods: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, count: _Optional[int] = ..., periods: _Optional[_Iterable[int]] = ...) -> None: ...
