"""SQLite files of the coordinator: WAL, readable by their owner alone."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from vfl.errors import DataError, Place, Text

__all__ = ["open_store"]


def open_store(path: Path, schema: str) -> sqlite3.Connection:
    """Open or make a store in autocommit mode; DataError ``STORE_UNUSABLE``.

    A commit survives the end of the process at any moment (WAL, ``synchronous=NORMAL``); after a power cut the
    last moments may be missing, which costs nothing here: parties hold the truth and send again.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        # Operators' commands open the stores of a serving coordinator: each waits for the other's commits.
        db = sqlite3.connect(path, isolation_level=None, timeout=20.0)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.executescript(schema)
    except (OSError, sqlite3.Error) as error:
        raise DataError(
            "STORE_UNUSABLE",
            Text(en=f"the store cannot be opened ({error})", zh=f"无法打开存储文件（{error}）"),
            cure=Text(
                en="check disk space and permissions of the data folder, or restore its backup",
                zh="检查数据目录的磁盘空间与权限，或从备份恢复",
            ),
            place=Place(file=str(path)),
        ) from error
    return db
