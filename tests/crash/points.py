"""Named instants of a node's life, and the plan that says at which of them a process kills itself.

A node under test passes *points*, such as ``out/platform-a/7:before`` (about to record the eighth envelope to
platform-a). Each point passed is written down; where the job's plan names it, the process dies by SIGKILL there.
The plan's line is taken away first, so that the process that follows passes by.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

__all__ = ["KEYS", "CrashPlan", "passed", "read_plan", "write_plan"]

KEYS = "VFL_CRASH_KEYS"
"""Environment variable: the folder of the keys that all jobs of a driver share."""

_PLAN, _LOG = "crash-plan", "crash-points"


class CrashPlan:
    """The plan of one job at one node; ``folder`` is a folder of that job that the driver can write to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def reach(self, point: str) -> None:
        """Note the point; die here if the plan's next line names it."""
        if not self._folder.is_dir():
            return
        with (self._folder / _LOG).open("a") as log:
            log.write(point + "\n")
        plan = read_plan(self._folder)
        if plan and plan[0] == point:
            write_plan(self._folder, plan[1:])
            os.kill(os.getpid(), signal.SIGKILL)


def read_plan(folder: Path) -> list[str]:
    """Points still to die at, in order."""
    try:
        return (folder / _PLAN).read_text().splitlines()
    except FileNotFoundError:
        return []


def write_plan(folder: Path, points: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = folder / f".{_PLAN}"
    scratch.write_text("\n".join(points))
    scratch.replace(folder / _PLAN)


def passed(folder: Path) -> list[str]:
    """Points passed so far, in order."""
    try:
        return (folder / _LOG).read_text().splitlines()
    except FileNotFoundError:
        return []
