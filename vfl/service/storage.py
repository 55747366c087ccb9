"""The node's storage key: seals role state in journals. 32 random bytes, 0600, beside the identity."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from vfl.config.files import require_private_file

__all__ = ["storage_key"]


def storage_key(identity: Path) -> bytes:
    """Read the key, making it on first use; refused when other accounts may read it."""
    path = identity / "storage.key"
    if not path.exists():
        # Written aside and linked: a crash in between must not leave a short key under which nothing opens.
        scratch = identity / f".storage.key.{os.getpid()}"
        with open(os.open(scratch, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as out:
            out.write(secrets.token_bytes(32))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)
        scratch.unlink()
    require_private_file(path)
    return path.read_bytes()
