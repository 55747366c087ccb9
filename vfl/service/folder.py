"""A job's folder at one party: what was asked, how far it is, what came out.

``request.toml`` (bank: written by ``vfl run``), ``approved`` / ``cancel`` (written by the operator's commands),
``state.json`` (written by the node, read by everyone), ``journal.db``, results. The command line and the node meet
here and nowhere else, so a bank needs no open port.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vfl.errors import ConfigError, Place, Text, VflError

__all__ = ["JobFolder", "JobState", "job_folders", "model_unknown"]

FINAL = ("done", "failed", "cancelled", "refused")


@dataclass(slots=True)
class JobState:
    """What ``vfl status`` shows.

    ``state``: proposed, waiting-approval, approved, running, paused, done, failed, cancelled, refused.
    """

    job: str
    state: str = "proposed"
    phase: str = ""
    stage: str = ""
    share: float = 0.0
    waiting_for: str = ""
    message_en: str = ""
    message_zh: str = ""
    code: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def final(self) -> bool:
        return self.state in FINAL

    def fail(self, error: VflError, state: str = "failed") -> None:
        self.state, self.code = state, error.code
        self.message_en, self.message_zh = error.in_("en"), error.in_("zh")


class JobFolder:
    """Paths of one job and atomic access to its state."""

    def __init__(self, root: Path, job: str) -> None:
        self.root = root
        self.job = job
        self.path = root / job

    def file(self, name: str) -> Path:
        return self.path / name

    def make(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def load(self) -> JobState:
        """The state; a fresh one where the node has not written any."""
        try:
            return JobState(**json.loads(self.file("state.json").read_text()))
        except FileNotFoundError:
            return JobState(self.job)
        except (ValueError, TypeError):
            raise ConfigError(
                "STATE_DAMAGED",
                Text(en="the job's state file is damaged", zh="任务状态文件已损坏"),
                cure=Text(en="delete state.json: the node makes it again from the journal",
                          zh="删除 state.json，节点会根据日志重新生成"),
                place=Place(file=str(self.file("state.json"))),
            ) from None

    def save(self, state: JobState) -> None:
        self.write("state.json", json.dumps(asdict(state), ensure_ascii=False, indent=1).encode())

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole: readers see the old or the new one."""
        target = self.file(name)
        scratch = target.with_name(f".{name}.{os.getpid()}")
        with open(os.open(scratch, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        scratch.replace(target)


def job_folders(root: Path) -> list[JobFolder]:
    """All jobs of a party, oldest first."""
    if not root.is_dir():
        return []
    found = [p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")]
    return [JobFolder(root, p.name) for p in sorted(found, key=lambda p: p.stat().st_mtime)]


def model_unknown(job: str) -> ConfigError:
    """A scoring job names a model that this party does not hold."""
    return ConfigError(
        "MODEL_UNKNOWN",
        Text(en=f"this node holds no model of job {job}", zh=f"本节点没有任务 {job} 的模型"),
        cure=Text(en="name a finished training job; `vfl status` lists them",
                  zh="请指定已完成的训练任务；可用 `vfl status` 查看"),
        place=Place(column="score.model"),
    )
