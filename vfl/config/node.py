"""A node's own configuration, ``node.toml``: where its identity, data and jobs live. Local and secret."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vfl.config.reading import read_toml
from vfl.roles import RoleName

__all__ = ["NodeConfig"]


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """One node. Relative paths are relative to the configuration file.

    Attributes
    ----------
    identity : Path
        Folder with keys and certificates (``vfl party join`` makes it).
    jobs : Path
        Folder of the jobs: journals, models, reports.
    coordinator : str
        ``host:port`` that this node dials out to; it opens no port of its own.
    """

    name: str
    role: RoleName
    coordinator: str
    identity: Path
    views: Path
    policy: Path
    jobs: Path
    language: str

    @classmethod
    def read(cls, path: Path) -> NodeConfig:
        top = read_toml(path)
        base = path.resolve().parent
        out = cls(
            name=top.text("name"),
            role=RoleName(top.text("role", one_of=("bank", "platform"))),
            coordinator=top.text("coordinator"),
            identity=base / top.text("identity", "identity"),
            views=base / top.text("views", "views.toml"),
            policy=base / top.text("policy", "policy.toml"),
            jobs=base / top.text("jobs", "jobs"),
            language=top.text("language", "zh", one_of=("zh", "en")),
        )
        top.done()
        return out
