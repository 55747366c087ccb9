"""A job's table must not change while the job runs: a replay would make other messages than were sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from vfl.errors import DataError, Place, Text

__all__ = ["keep_unchanged"]


def keep_unchanged(source: Path, keep: Callable[[str, bytes], bytes]) -> None:
    """Record the file's SHA-256 at the first start and compare at every later one.

    Raises DataError ``DATA_CHANGED``.
    """
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    if keep("data", digest) != digest:
        raise DataError(
            "DATA_CHANGED",
            Text(en="the file changed since this job began", zh="任务开始后该文件被修改"),
            cure=Text(en="restore the file as it was, or cancel the job and start it again",
                      zh="恢复原文件，或取消任务后重新发起"),
            place=Place(file=source.name),
        )
