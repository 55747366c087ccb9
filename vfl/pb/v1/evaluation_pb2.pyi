from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Quality(_message.Message):
    __slots__ = ("rows", "auc_joint", "auc_bank_alone", "ks_joint")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    AUC_JOINT_FIELD_NUMBER: _ClassVar[int]
    AUC_BANK_ALONE_FIELD_NUMBER: _ClassVar[int]
    KS_JOINT_FIELD_NUMBER: _ClassVar[int]
    rows: int
    auc_joint: float
    auc_bank_alone: float
    ks_joint: float
    def __init__(self, rows: _Optional[int] = ..., auc_joint: _Optional[float] = ..., auc_bank_alone: _Optional[float] = ..., ks_joint: _Optional[float] = ...) -> None: ...
