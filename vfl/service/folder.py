"""A job's folder at one party: what was asked, how far it is, what came out.

``request.toml`` (bank: written by ``vfl run``), ``approved`` / ``cancel`` (written by the operator's commands),
``state.json`` (written by the node, read by everyone), ``journal.db``, results. The command line and the node meet
here and nowhere else, so a bank needs no open port.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vfl.crypto.keyproof import KeyRegistry
from vfl.errors import ConfigError, Place, Text, TransportError, VflError

__all__ = ["JobFolder", "JobState", "is_job_name", "job_folders", "known_keys", "model_unknown"]

FINAL = ("done", "failed", "cancelled", "refused")
_RECORD = ("request.toml", "proposal.toml", "approved", "cancel", "contract.json", "state.json", "journal.db",
           "audit.jsonl", "closed")  # fmt: skip
_JOB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


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
    told: bool = False
    """Whether the other parties know of the final state."""

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
        with self.writing(""):
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)

    def load(self) -> JobState:
        """The state; a fresh one where the node has not written any.

        ConfigError ``STATE_DAMAGED``.
        """
        try:
            return JobState(**json.loads(self.file("state.json").read_text()))
        except FileNotFoundError:
            if not self.file("closed").exists():
                return JobState(self.job)
            lost = JobState(self.job, told=True)
            lost.fail(_state_lost())
            return lost
        except (ValueError, TypeError):
            raise ConfigError(
                "STATE_DAMAGED",
                Text(en="the job's state file is damaged", zh="任务状态文件已损坏"),
                cure=Text(en="delete state.json: the node makes it again from the journal",
                          zh="删除 state.json，节点会根据日志重新生成"),
                place=Place(file=str(self.file("state.json"))),
            ) from None

    def remove_results(self) -> None:
        """Delete what a job wrote that did not end well; the record of it stays."""
        with self.writing(""):
            for path in self.path.iterdir():
                if path.name.startswith(_RECORD):
                    continue
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def save(self, state: JobState) -> None:
        self.write("state.json", json.dumps(asdict(state), ensure_ascii=False, indent=1).encode())

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole: readers see the old or the new one."""
        target = self.file(name)
        scratch = target.with_name(f".{name}.{os.getpid()}")
        with self.writing(name):
            with open(os.open(scratch, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            scratch.replace(target)

    @contextmanager
    def writing(self, name: str) -> Iterator[None]:
        """Around changes to the folder: a full or read-only disk is a TransportError ``FOLDER_NOT_WRITABLE``, which a
        retry may find mended."""
        try:
            yield
        except OSError as error:
            raise TransportError(
                "FOLDER_NOT_WRITABLE",
                Text(en=f"a file of the job cannot be written ({error.strerror})",
                     zh=f"任务文件无法写入（{error.strerror}）"),
                cure=Text(en="free disk space or mend the folder's permissions; the job then goes on by itself",
                          zh="请释放磁盘空间或修复目录权限，任务随后自动继续"),
                place=Place(file=str(self.file(name))),
            ) from error


def job_folders(root: Path) -> list[JobFolder]:
    """All jobs of a party, oldest first."""
    if not root.is_dir():
        return []
    found = []
    for path in root.iterdir():
        if path.is_dir() and is_job_name(path.name):
            try:
                found.append((path.stat().st_mtime, path.name))
            except FileNotFoundError:
                continue  # taken away while we looked
    return [JobFolder(root, name) for _, name in sorted(found)]


def is_job_name(name: str) -> bool:
    """Whether a job may be called so: the name comes from other parties, too, and becomes a folder's."""
    return _JOB_NAME.fullmatch(name) is not None


def _state_lost() -> ConfigError:
    return ConfigError(
        "STATE_LOST",
        Text(en="the job has ended, but its state file is gone", zh="任务已结束，但其状态文件已丢失"),
        cure=Text(en="read how it ended in audit.jsonl; start a new job if needed",
                  zh="结束情况见 audit.jsonl；如有需要请发起新任务"),
    )


def model_unknown(job: str) -> ConfigError:
    """A scoring job names a model that this party does not hold."""
    return ConfigError(
        "MODEL_UNKNOWN",
        Text(en=f"this node holds no model of job {job}", zh=f"本节点没有任务 {job} 的模型"),
        cure=Text(en="name a finished training job; `vfl status` lists them",
                  zh="请指定已完成的训练任务；可用 `vfl status` 查看"),
        place=Place(column="score.model"),
    )


def known_keys(root: Path, job: str) -> KeyRegistry:
    """The Paillier keys that this party has met in other jobs."""
    facts = [f.load().facts for f in job_folders(root) if f.job != job]
    return KeyRegistry(bytes.fromhex(str(key)) for known in facts for key in known.get("key_ids", ()))
