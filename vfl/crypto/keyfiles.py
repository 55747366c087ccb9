"""How a private key lies on disk: mode 0600 or it is refused, encrypted when there is a passphrase.

Without a passphrase a key is standard PKCS #8 PEM. With one it is PKCS #8 DER under AES-256-GCM, the key from
scrypt (RFC 7914) with N = 2^17, r = 8, p = 1: 128 MiB and about half a second per guess. (PKCS #8's own
encryption offers PBKDF2 at best in the ``cryptography`` package.)
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from vfl.config.files import require_private_file
from vfl.errors import ConfigError, Place, Text

__all__ = ["PrivateKey", "read_key", "write_file", "write_key", "write_secret"]

PrivateKey = EllipticCurvePrivateKey | Ed25519PrivateKey | X25519PrivateKey

_FORMAT = "vfl-key/1"
_SCRYPT_N = 1 << 17
_SCRYPT_N_LIMIT = 1 << 20  # an edited file must not make us allocate more than 1 GiB


def write_secret(path: Path, content: bytes) -> None:
    """Write a secret, mode 0600 from its first byte; replaces the file in one step."""
    write_file(path, content, mode=0o600)


def write_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file durably and in one step: readers see the old content or the new."""
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def write_key(path: Path, key: PrivateKey, passphrase: bytes | None) -> None:
    """Write a private key, encrypted when a passphrase is given."""
    if passphrase is None:
        write_secret(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    sealed = AESGCM(_stretch(passphrase, salt, _SCRYPT_N)).encrypt(nonce, plain, path.name.encode())
    parts = {"salt": salt, "nonce": nonce, "sealed": sealed}
    body: dict[str, object] = {"format": _FORMAT, "kdf": "scrypt", "n": _SCRYPT_N, "r": 8, "p": 1}
    body |= {name: base64.b64encode(raw).decode() for name, raw in parts.items()}
    write_secret(path, json.dumps(body, indent=1).encode() + b"\n")


def read_key(path: Path, passphrase: bytes | None) -> PrivateKey:
    """Read a private key that :func:`write_key` wrote.

    Raises
    ------
    ConfigError
        ``KEY_NEEDS_PASSPHRASE``, ``KEY_WRONG_PASSPHRASE``, ``KEY_UNREADABLE``, and, like DataError, those of
        :func:`~vfl.config.files.require_private_file` (others may read it, missing, a link).
    """
    require_private_file(path)
    raw = path.read_bytes()
    place = Place(file=str(path))
    try:
        if not raw.lstrip().startswith(b"{"):
            key = load_pem_private_key(raw, None)
        elif passphrase is None:
            raise ConfigError(
                "KEY_NEEDS_PASSPHRASE",
                Text(en="this key is encrypted and no passphrase was given", zh="该密钥已加密，但未提供口令"),
                cure=Text(en="name the passphrase file in the node's configuration", zh="在节点配置中指定口令文件"),
                place=place,
            )
        else:
            key = load_der_private_key(_unseal(raw, passphrase, path.name), None)
    except InvalidTag:
        raise ConfigError(
            "KEY_WRONG_PASSPHRASE",
            Text(
                en="the passphrase does not open this key, or the file was changed or renamed",
                zh="口令无法解开该密钥，或文件被改动、改名",
            ),
            cure=Text(en="check the passphrase; restore the file from backup", zh="核对口令；从备份恢复该文件"),
            place=place,
        ) from None
    except (ValueError, TypeError, KeyError):
        raise _unreadable(place) from None
    if not isinstance(key, PrivateKey):
        raise _unreadable(place)
    return key


def _unreadable(place: Place) -> ConfigError:
    return ConfigError(
        "KEY_UNREADABLE",
        Text(en="this is no private key of a kind this system uses", zh="文件内容不是本系统使用的私钥"),
        cure=Text(en="restore the file from backup or make new keys", zh="从备份恢复该文件，或重新生成密钥"),
        place=place,
    )


def _unseal(raw: bytes, passphrase: bytes, name: str) -> bytes:
    body = json.loads(raw)
    n = int(body["n"])
    if body["format"] != _FORMAT or body["kdf"] != "scrypt" or (body["r"], body["p"]) != (8, 1):
        raise ValueError("unknown format")
    if n & (n - 1) or not 1 << 14 <= n <= _SCRYPT_N_LIMIT:
        raise ValueError("scrypt cost out of range")
    salt, nonce, sealed = (base64.b64decode(body[part], validate=True) for part in ("salt", "nonce", "sealed"))
    return AESGCM(_stretch(passphrase, salt, n)).decrypt(nonce, sealed, name.encode())


def _stretch(passphrase: bytes, salt: bytes, n: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=8, p=1).derive(passphrase)
