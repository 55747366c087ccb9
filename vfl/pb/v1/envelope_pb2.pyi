from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Envelope(_message.Message):
    __slots__ = ("header", "nonce", "body", "signature")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    header: bytes
    nonce: bytes
    body: bytes
    signature: bytes
    def __init__(self, header: _Optional[bytes] = ..., nonce: _Optional[bytes] = ..., body: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class EnvelopeHeader(_message.Message):
    __slots__ = ("version", "job", "epoch", "seq", "step", "sender", "receiver", "type", "prev_hash")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PREV_HASH_FIELD_NUMBER: _ClassVar[int]
    version: int
    job: str
    epoch: int
    seq: int
    step: str
    sender: str
    receiver: str
    type: str
    prev_hash: bytes
    def __init__(self, version: _Optional[int] = ..., job: _Optional[str] = ..., epoch: _Optional[int] = ..., seq: _Optional[int] = ..., step: _Optional[str] = ..., sender: _Optional[str] = ..., receiver: _Optional[str] = ..., type: _Optional[str] = ..., prev_hash: _Optional[bytes] = ...) -> None: ...

class PartyRecord(_message.Message):
    __slots__ = ("body", "certificate_signature", "signature")
    BODY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    certificate_signature: bytes
    signature: bytes
    def __init__(self, body: _Optional[bytes] = ..., certificate_signature: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class PartyRecordBody(_message.Message):
    __slots__ = ("version", "network", "role", "name", "job", "signing_key", "agreement_key", "certificate")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    SIGNING_KEY_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_KEY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    version: int
    network: str
    role: str
    name: str
    job: str
    signing_key: bytes
    agreement_key: bytes
    certificate: bytes
    def __init__(self, version: _Optional[int] = ..., network: _Optional[str] = ..., role: _Optional[str] = ..., name: _Optional[str] = ..., job: _Optional[str] = ..., signing_key: _Optional[bytes] = ..., agreement_key: _Optional[bytes] = ..., certificate: _Optional[bytes] = ...) -> None: ...
