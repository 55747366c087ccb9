from vfl.pb.v1 import carriers_pb2 as _carriers_pb2
from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FeatureShapes(_message.Message):
    __slots__ = ("categorical", "has_missing", "bins")
    CATEGORICAL_FIELD_NUMBER: _ClassVar[int]
    HAS_MISSING_FIELD_NUMBER: _ClassVar[int]
    BINS_FIELD_NUMBER: _ClassVar[int]
    categorical: _containers.RepeatedScalarFieldContainer[bool]
    has_missing: _containers.RepeatedScalarFieldContainer[bool]
    bins: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, categorical: _Optional[_Iterable[bool]] = ..., has_missing: _Optional[_Iterable[bool]] = ..., bins: _Optional[_Iterable[int]] = ...) -> None: ...

class TreeBegin(_message.Message):
    __slots__ = ("go_on", "federated")
    GO_ON_FIELD_NUMBER: _ClassVar[int]
    FEDERATED_FIELD_NUMBER: _ClassVar[int]
    go_on: bool
    federated: bool
    def __init__(self, go_on: bool = ..., federated: bool = ...) -> None: ...

class EncryptedGradients(_message.Message):
    __slots__ = ("gradients",)
    GRADIENTS_FIELD_NUMBER: _ClassVar[int]
    gradients: _carriers_pb2.Ciphertexts
    def __init__(self, gradients: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ...) -> None: ...

class LeafHistogram(_message.Message):
    __slots__ = ("sums",)
    SUMS_FIELD_NUMBER: _ClassVar[int]
    sums: _carriers_pb2.WindowedCiphertexts
    def __init__(self, sums: _Optional[_Union[_carriers_pb2.WindowedCiphertexts, _Mapping]] = ...) -> None: ...

class Growth(_message.Message):
    __slots__ = ("open", "owner")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    open: bool
    owner: str
    def __init__(self, open: bool = ..., owner: _Optional[str] = ...) -> None: ...

class SplitRequest(_message.Message):
    __slots__ = ("split", "feature", "threshold_bin", "default_left", "left_bins")
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_BIN_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_LEFT_FIELD_NUMBER: _ClassVar[int]
    LEFT_BINS_FIELD_NUMBER: _ClassVar[int]
    split: int
    feature: int
    threshold_bin: int
    default_left: bool
    left_bins: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, split: _Optional[int] = ..., feature: _Optional[int] = ..., threshold_bin: _Optional[int] = ..., default_left: bool = ..., left_bins: _Optional[_Iterable[int]] = ...) -> None: ...

class SplitSides(_message.Message):
    __slots__ = ("left",)
    LEFT_FIELD_NUMBER: _ClassVar[int]
    left: _carriers_pb2.Bitmap
    def __init__(self, left: _Optional[_Union[_carriers_pb2.Bitmap, _Mapping]] = ...) -> None: ...

class LeafRows(_message.Message):
    __slots__ = ("histogram", "leaf", "new_leaf", "left", "histogram_left")
    HISTOGRAM_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    NEW_LEAF_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    HISTOGRAM_LEFT_FIELD_NUMBER: _ClassVar[int]
    histogram: bool
    leaf: int
    new_leaf: int
    left: _carriers_pb2.Bitmap
    histogram_left: bool
    def __init__(self, histogram: bool = ..., leaf: _Optional[int] = ..., new_leaf: _Optional[int] = ..., left: _Optional[_Union[_carriers_pb2.Bitmap, _Mapping]] = ..., histogram_left: bool = ...) -> None: ...
