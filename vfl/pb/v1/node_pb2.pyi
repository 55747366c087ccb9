from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Frame(_message.Message):
    __slots__ = ("hello", "welcome", "version_refused", "refused", "deliver", "ack", "resume", "presence", "ping", "pong", "goodbye")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    VERSION_REFUSED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    DELIVER_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    welcome: Welcome
    version_refused: VersionRefused
    refused: Refused
    deliver: bytes
    ack: Position
    resume: Position
    presence: Presence
    ping: Ping
    pong: Pong
    goodbye: Goodbye
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., version_refused: _Optional[_Union[VersionRefused, _Mapping]] = ..., refused: _Optional[_Union[Refused, _Mapping]] = ..., deliver: _Optional[bytes] = ..., ack: _Optional[_Union[Position, _Mapping]] = ..., resume: _Optional[_Union[Position, _Mapping]] = ..., presence: _Optional[_Union[Presence, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("versions", "party", "digest", "record")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    versions: Versions
    party: str
    digest: bytes
    record: bytes
    def __init__(self, versions: _Optional[_Union[Versions, _Mapping]] = ..., party: _Optional[str] = ..., digest: _Optional[bytes] = ..., record: _Optional[bytes] = ...) -> None: ...

class Versions(_message.Message):
    __slots__ = ("min", "max", "software")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_FIELD_NUMBER: _ClassVar[int]
    min: int
    max: int
    software: str
    def __init__(self, min: _Optional[int] = ..., max: _Optional[int] = ..., software: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("version", "software", "heartbeat_ms", "window_bytes", "record")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SOFTWARE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_MS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_BYTES_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    version: int
    software: str
    heartbeat_ms: int
    window_bytes: int
    record: bytes
    def __init__(self, version: _Optional[int] = ..., software: _Optional[str] = ..., heartbeat_ms: _Optional[int] = ..., window_bytes: _Optional[int] = ..., record: _Optional[bytes] = ...) -> None: ...

class VersionRefused(_message.Message):
    __slots__ = ("coordinator", "party")
    COORDINATOR_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    coordinator: Versions
    party: Versions
    def __init__(self, coordinator: _Optional[_Union[Versions, _Mapping]] = ..., party: _Optional[_Union[Versions, _Mapping]] = ...) -> None: ...

class Refused(_message.Message):
    __slots__ = ("code",)
    CODE_FIELD_NUMBER: _ClassVar[int]
    code: str
    def __init__(self, code: _Optional[str] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("code", "reconnect")
    CODE_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_FIELD_NUMBER: _ClassVar[int]
    code: str
    reconnect: bool
    def __init__(self, code: _Optional[str] = ..., reconnect: bool = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("job", "epoch", "sender", "receiver", "next_seq")
    JOB_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    job: str
    epoch: int
    sender: str
    receiver: str
    next_seq: int
    def __init__(self, job: _Optional[str] = ..., epoch: _Optional[int] = ..., sender: _Optional[str] = ..., receiver: _Optional[str] = ..., next_seq: _Optional[int] = ...) -> None: ...

class Presence(_message.Message):
    __slots__ = ("party", "up")
    PARTY_FIELD_NUMBER: _ClassVar[int]
    UP_FIELD_NUMBER: _ClassVar[int]
    party: str
    up: bool
    def __init__(self, party: _Optional[str] = ..., up: bool = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class JoinRequest(_message.Message):
    __slots__ = ("token", "request")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    token: bytes
    request: bytes
    def __init__(self, token: _Optional[bytes] = ..., request: _Optional[bytes] = ...) -> None: ...

class Certificates(_message.Message):
    __slots__ = ("party", "authority")
    PARTY_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    party: bytes
    authority: bytes
    def __init__(self, party: _Optional[bytes] = ..., authority: _Optional[bytes] = ...) -> None: ...

class RenewRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: bytes
    def __init__(self, request: _Optional[bytes] = ...) -> None: ...

class Document(_message.Message):
    __slots__ = ("job", "kind", "party", "body", "signature")
    JOB_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    job: str
    kind: str
    party: str
    body: bytes
    signature: bytes
    def __init__(self, job: _Optional[str] = ..., kind: _Optional[str] = ..., party: _Optional[str] = ..., body: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("number", "id")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    number: int
    id: bytes
    def __init__(self, number: _Optional[int] = ..., id: _Optional[bytes] = ...) -> None: ...

class PartiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PartyStatus(_message.Message):
    __slots__ = ("name", "role", "state", "online", "record")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    name: str
    role: str
    state: str
    online: bool
    record: bytes
    def __init__(self, name: _Optional[str] = ..., role: _Optional[str] = ..., state: _Optional[str] = ..., online: bool = ..., record: _Optional[bytes] = ...) -> None: ...

class PartyList(_message.Message):
    __slots__ = ("parties", "revocations")
    PARTIES_FIELD_NUMBER: _ClassVar[int]
    REVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    parties: _containers.RepeatedCompositeFieldContainer[PartyStatus]
    revocations: bytes
    def __init__(self, parties: _Optional[_Iterable[_Union[PartyStatus, _Mapping]]] = ..., revocations: _Optional[bytes] = ...) -> None: ...

class ListRequest(_message.Message):
    __slots__ = ("job", "after")
    JOB_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    job: str
    after: int
    def __init__(self, job: _Optional[str] = ..., after: _Optional[int] = ...) -> None: ...

class DocumentEntry(_message.Message):
    __slots__ = ("number", "id", "job", "kind", "party", "size")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PARTY_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    number: int
    id: bytes
    job: str
    kind: str
    party: str
    size: int
    def __init__(self, number: _Optional[int] = ..., id: _Optional[bytes] = ..., job: _Optional[str] = ..., kind: _Optional[str] = ..., party: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class DocumentList(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[DocumentEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[DocumentEntry, _Mapping]]] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    def __init__(self, id: _Optional[bytes] = ...) -> None: ...

class WitnessRequest(_message.Message):
    __slots__ = ("job", "after")
    JOB_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    job: str
    after: int
    def __init__(self, job: _Optional[str] = ..., after: _Optional[int] = ...) -> None: ...

class WitnessEntry(_message.Message):
    __slots__ = ("number", "header", "nonce", "body_size", "body_hash", "signature", "chain")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    BODY_SIZE_FIELD_NUMBER: _ClassVar[int]
    BODY_HASH_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    CHAIN_FIELD_NUMBER: _ClassVar[int]
    number: int
    header: bytes
    nonce: bytes
    body_size: int
    body_hash: bytes
    signature: bytes
    chain: bytes
    def __init__(self, number: _Optional[int] = ..., header: _Optional[bytes] = ..., nonce: _Optional[bytes] = ..., body_size: _Optional[int] = ..., body_hash: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., chain: _Optional[bytes] = ...) -> None: ...

class WitnessReply(_message.Message):
    __slots__ = ("entries", "count", "head", "signature")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[WitnessEntry]
    count: int
    head: bytes
    signature: bytes
    def __init__(self, entries: _Optional[_Iterable[_Union[WitnessEntry, _Mapping]]] = ..., count: _Optional[int] = ..., head: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class ErrorDetail(_message.Message):
    __slots__ = ("code", "text_en", "text_zh", "cure_en", "cure_zh")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TEXT_EN_FIELD_NUMBER: _ClassVar[int]
    TEXT_ZH_FIELD_NUMBER: _ClassVar[int]
    CURE_EN_FIELD_NUMBER: _ClassVar[int]
    CURE_ZH_FIELD_NUMBER: _ClassVar[int]
    code: str
    text_en: str
    text_zh: str
    cure_en: str
    cure_zh: str
    def __init__(self, code: _Optional[str] = ..., text_en: _Optional[str] = ..., text_zh: _Optional[str] = ..., cure_en: _Optional[str] = ..., cure_zh: _Optional[str] = ...) -> None: ...
