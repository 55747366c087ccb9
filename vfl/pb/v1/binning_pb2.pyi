from vfl.pb.v1 import carriers_pb2 as _carriers_pb2
from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LabelCommitment(_message.Message):
    __slots__ = ("root",)
    ROOT_FIELD_NUMBER: _ClassVar[int]
    root: bytes
    def __init__(self, root: _Optional[bytes] = ...) -> None: ...

class EncryptedLabels(_message.Message):
    __slots__ = ("labels",)
    LABELS_FIELD_NUMBER: _ClassVar[int]
    labels: _carriers_pb2.Ciphertexts
    def __init__(self, labels: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ...) -> None: ...

class PreBinRows(_message.Message):
    __slots__ = ("ordered", "bins", "apart", "rows", "wishes")
    ORDERED_FIELD_NUMBER: _ClassVar[int]
    BINS_FIELD_NUMBER: _ClassVar[int]
    APART_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    WISHES_FIELD_NUMBER: _ClassVar[int]
    ordered: _containers.RepeatedScalarFieldContainer[bool]
    bins: _containers.RepeatedScalarFieldContainer[int]
    apart: _containers.RepeatedScalarFieldContainer[int]
    rows: _containers.RepeatedScalarFieldContainer[int]
    wishes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, ordered: _Optional[_Iterable[bool]] = ..., bins: _Optional[_Iterable[int]] = ..., apart: _Optional[_Iterable[int]] = ..., rows: _Optional[_Iterable[int]] = ..., wishes: _Optional[_Iterable[int]] = ...) -> None: ...

class EventSums(_message.Message):
    __slots__ = ("sums",)
    SUMS_FIELD_NUMBER: _ClassVar[int]
    sums: _carriers_pb2.WindowedCiphertexts
    def __init__(self, sums: _Optional[_Union[_carriers_pb2.WindowedCiphertexts, _Mapping]] = ...) -> None: ...

class BinMerges(_message.Message):
    __slots__ = ("groups", "bins", "woe", "iv", "candidate")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    BINS_FIELD_NUMBER: _ClassVar[int]
    WOE_FIELD_NUMBER: _ClassVar[int]
    IV_FIELD_NUMBER: _ClassVar[int]
    CANDIDATE_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedScalarFieldContainer[int]
    bins: _containers.RepeatedScalarFieldContainer[int]
    woe: _containers.RepeatedScalarFieldContainer[int]
    iv: _containers.RepeatedScalarFieldContainer[int]
    candidate: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, groups: _Optional[_Iterable[int]] = ..., bins: _Optional[_Iterable[int]] = ..., woe: _Optional[_Iterable[int]] = ..., iv: _Optional[_Iterable[int]] = ..., candidate: _Optional[_Iterable[bool]] = ...) -> None: ...

class OwnChoices(_message.Message):
    __slots__ = ("choices",)
    CHOICES_FIELD_NUMBER: _ClassVar[int]
    choices: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, choices: _Optional[_Iterable[int]] = ...) -> None: ...

class BankColumns(_message.Message):
    __slots__ = ("count",)
    COUNT_FIELD_NUMBER: _ClassVar[int]
    count: int
    def __init__(self, count: _Optional[int] = ...) -> None: ...

class EncryptedWoe(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _carriers_pb2.Ciphertexts
    def __init__(self, columns: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ...) -> None: ...

class OwnCorrelations(_message.Message):
    __slots__ = ("pairs",)
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    pairs: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, pairs: _Optional[_Iterable[int]] = ...) -> None: ...

class CrossSums(_message.Message):
    __slots__ = ("group", "sums")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    SUMS_FIELD_NUMBER: _ClassVar[int]
    group: int
    sums: _carriers_pb2.WindowedCiphertexts
    def __init__(self, group: _Optional[int] = ..., sums: _Optional[_Union[_carriers_pb2.WindowedCiphertexts, _Mapping]] = ...) -> None: ...

class Verdicts(_message.Message):
    __slots__ = ("verdicts",)
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    verdicts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, verdicts: _Optional[_Iterable[int]] = ...) -> None: ...
