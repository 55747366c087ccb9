from vfl.pb.v1 import carriers_pb2 as _carriers_pb2
from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BankHello(_message.Message):
    __slots__ = ("size", "order", "share_key")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    SHARE_KEY_FIELD_NUMBER: _ClassVar[int]
    size: int
    order: bytes
    share_key: bytes
    def __init__(self, size: _Optional[int] = ..., order: _Optional[bytes] = ..., share_key: _Optional[bytes] = ...) -> None: ...

class PlatformHello(_message.Message):
    __slots__ = ("size", "order", "share_key")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    SHARE_KEY_FIELD_NUMBER: _ClassVar[int]
    size: int
    order: bytes
    share_key: bytes
    def __init__(self, size: _Optional[int] = ..., order: _Optional[bytes] = ..., share_key: _Optional[bytes] = ...) -> None: ...

class Queries(_message.Message):
    __slots__ = ("points",)
    POINTS_FIELD_NUMBER: _ClassVar[int]
    points: _carriers_pb2.Points
    def __init__(self, points: _Optional[_Union[_carriers_pb2.Points, _Mapping]] = ...) -> None: ...

class Answers(_message.Message):
    __slots__ = ("points",)
    POINTS_FIELD_NUMBER: _ClassVar[int]
    points: _carriers_pb2.Points
    def __init__(self, points: _Optional[_Union[_carriers_pb2.Points, _Mapping]] = ...) -> None: ...

class Store(_message.Message):
    __slots__ = ("words",)
    WORDS_FIELD_NUMBER: _ClassVar[int]
    words: _carriers_pb2.PseudorandomWords
    def __init__(self, words: _Optional[_Union[_carriers_pb2.PseudorandomWords, _Mapping]] = ...) -> None: ...

class Matches(_message.Message):
    __slots__ = ("tags",)
    TAGS_FIELD_NUMBER: _ClassVar[int]
    tags: bytes
    def __init__(self, tags: _Optional[bytes] = ...) -> None: ...

class BankOpening(_message.Message):
    __slots__ = ("nonce",)
    NONCE_FIELD_NUMBER: _ClassVar[int]
    nonce: bytes
    def __init__(self, nonce: _Optional[bytes] = ...) -> None: ...

class PlatformOpening(_message.Message):
    __slots__ = ("nonce",)
    NONCE_FIELD_NUMBER: _ClassVar[int]
    nonce: bytes
    def __init__(self, nonce: _Optional[bytes] = ...) -> None: ...

class BankRoot(_message.Message):
    __slots__ = ("root",)
    ROOT_FIELD_NUMBER: _ClassVar[int]
    root: bytes
    def __init__(self, root: _Optional[bytes] = ...) -> None: ...

class PlatformRoot(_message.Message):
    __slots__ = ("root",)
    ROOT_FIELD_NUMBER: _ClassVar[int]
    root: bytes
    def __init__(self, root: _Optional[bytes] = ...) -> None: ...
