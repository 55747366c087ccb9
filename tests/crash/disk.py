"""A journal on a disk that fills up or turns read-only on request; SQLite itself raises the errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vfl.runtime.journal import Journal

__all__ = ["FULL", "READ_ONLY", "TroubledJournal"]

FULL, READ_ONLY = "crash-disk-full", "crash-disk-read-only"
"""Files in the job's folder: while they lie there, the journal cannot grow, or cannot be written."""
_NO_LIMIT = 1 << 30


class TroubledJournal(Journal):
    """Looks for the two files before each transaction."""

    def _write(self, *statements: Any, **more: Any) -> None:
        folder: Path = self.path.parent
        with self._lock:
            # A limit below the present size means: not one page more.
            self._db.execute(f"PRAGMA max_page_count = {1 if (folder / FULL).exists() else _NO_LIMIT}")
            self._db.execute(f"PRAGMA query_only = {'ON' if (folder / READ_ONLY).exists() else 'OFF'}")
            super()._write(*statements, **more)
