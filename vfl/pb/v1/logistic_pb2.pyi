from vfl.pb.v1 import carriers_pb2 as _carriers_pb2
from vfl.pb.v1 import privacy_pb2 as _privacy_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlatformKeyOffer(_message.Message):
    __slots__ = ("modulus", "proof")
    MODULUS_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    modulus: bytes
    proof: bytes
    def __init__(self, modulus: _Optional[bytes] = ..., proof: _Optional[bytes] = ...) -> None: ...

class BankKeyAck(_message.Message):
    __slots__ = ("key_id",)
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    key_id: bytes
    def __init__(self, key_id: _Optional[bytes] = ...) -> None: ...

class BankWidth(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: int
    def __init__(self, columns: _Optional[int] = ...) -> None: ...

class PlatformWidth(_message.Message):
    __slots__ = ("columns",)
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: int
    def __init__(self, columns: _Optional[int] = ...) -> None: ...

class BankEncrypted(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _carriers_pb2.Ciphertexts
    def __init__(self, values: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ...) -> None: ...

class PlatformEncrypted(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _carriers_pb2.Ciphertexts
    def __init__(self, values: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ...) -> None: ...

class BankMasked(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _carriers_pb2.Ciphertexts
    def __init__(self, values: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ...) -> None: ...

class PlatformMasked(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _carriers_pb2.Ciphertexts
    def __init__(self, values: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ...) -> None: ...

class PlatformRefit(_message.Message):
    __slots__ = ("changed",)
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    changed: bool
    def __init__(self, changed: bool = ...) -> None: ...

class RefitBegin(_message.Message):
    __slots__ = ("go_on",)
    GO_ON_FIELD_NUMBER: _ClassVar[int]
    go_on: bool
    def __init__(self, go_on: bool = ...) -> None: ...

class BankShare(_message.Message):
    __slots__ = ("share",)
    SHARE_FIELD_NUMBER: _ClassVar[int]
    share: bytes
    def __init__(self, share: _Optional[bytes] = ...) -> None: ...

class PlatformShare(_message.Message):
    __slots__ = ("share",)
    SHARE_FIELD_NUMBER: _ClassVar[int]
    share: bytes
    def __init__(self, share: _Optional[bytes] = ...) -> None: ...

class BankRelay(_message.Message):
    __slots__ = ("under_bank", "under_platform")
    UNDER_BANK_FIELD_NUMBER: _ClassVar[int]
    UNDER_PLATFORM_FIELD_NUMBER: _ClassVar[int]
    under_bank: _carriers_pb2.Ciphertexts
    under_platform: _carriers_pb2.Ciphertexts
    def __init__(self, under_bank: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ..., under_platform: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ...) -> None: ...

class PlatformRelay(_message.Message):
    __slots__ = ("under_bank", "under_platform")
    UNDER_BANK_FIELD_NUMBER: _ClassVar[int]
    UNDER_PLATFORM_FIELD_NUMBER: _ClassVar[int]
    under_bank: _carriers_pb2.Ciphertexts
    under_platform: _carriers_pb2.Ciphertexts
    def __init__(self, under_bank: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ..., under_platform: _Optional[_Union[_carriers_pb2.Ciphertexts, _Mapping]] = ...) -> None: ...
