"""A job's tables must not change while the job runs: a replay would make other messages than were sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from vfl.errors import DataError, Place, Text

__all__ = ["fingerprint", "keep_unchanged"]


def fingerprint(*files: Path) -> bytes:
    """SHA-256 over the files' SHA-256. Take it before the files are read: a later change then shows at the next
    start. A file that cannot be read counts as empty; whoever loads it says so."""
    outer = hashlib.sha256()
    for path in files:
        try:
            with path.open("rb") as file:
                outer.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            outer.update(hashlib.sha256().digest())
    return outer.digest()


def keep_unchanged(found: bytes, keep: Callable[[str, bytes], bytes], *, place: Place) -> None:
    """Keep the fingerprint ``found`` at the job's first start and compare at every later one.

    Raises DataError ``DATA_CHANGED``.
    """
    if keep("data", found) != found:
        raise DataError(
            "DATA_CHANGED",
            Text(en="the table, its declaration or its consents changed since this job began",
                 zh="任务开始后，数据表、其声明或授权记录被修改"),
            cure=Text(en="restore the files as they were, or cancel the job and start it again",
                      zh="恢复原文件，或取消任务后重新发起"),
            place=place,
        )
