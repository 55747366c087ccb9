"""Which arithmetic serves Paillier here: the native kernel where it runs, gmpy2 elsewhere.

Both give the same integers for the same inputs, so two parties need not agree on one.
``VFL_PAILLIER_BACKEND`` = ``native`` or ``gmpy2`` forces the choice.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import Protocol, cast

from vfl.crypto.backends.base import PublicBackend, SecretBackend
from vfl.errors import ConfigError, Text

__all__ = ["BackendChoice", "BackendFactory", "choose", "describe"]

_VARIABLE = "VFL_PAILLIER_BACKEND"
_NAMES = ("native", "gmpy2")


class BackendFactory(Protocol):
    """What a backend module offers."""

    def available(self) -> str | None:
        """None if it can run on this machine, else the reason."""

    def public(self, n: int, *, threads: int | None = None) -> PublicBackend: ...

    def secret(
        self, p: int, q: int, *, bases: tuple[int, int], threads: int | None = None
    ) -> SecretBackend: ...


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """The backend in use, for people: its name, the file it was loaded from, and why it was chosen."""

    name: str
    path: str
    reason: Text


def choose(preference: str | None = None) -> BackendFactory:
    """The backend module to use: ``preference``, else the environment's, else native, else gmpy2.

    Raises
    ------
    ConfigError
        ``BACKEND_UNKNOWN`` for another name; ``BACKEND_UNAVAILABLE`` if the one asked for cannot run here.
    """
    return _resolve(preference)[0]


def describe(preference: str | None = None) -> BackendChoice:
    """What :func:`choose` gives, and why."""
    return _resolve(preference)[1]


def _resolve(preference: str | None) -> tuple[BackendFactory, BackendChoice]:
    asked = preference or os.environ.get(_VARIABLE) or None
    if asked is not None and asked not in _NAMES:
        raise ConfigError(
            "BACKEND_UNKNOWN",
            Text(f"there is no Paillier backend {asked!r}", f"没有名为 {asked!r} 的 Paillier 后端"),
            cure=Text(
                f"set {_VARIABLE} to native or gmpy2, or unset it",
                f"把环境变量 {_VARIABLE} 设为 native 或 gmpy2，或取消设置",
            ),
        )
    if asked is not None:
        module, missing = _load(asked)
        if module is None:
            raise ConfigError(
                "BACKEND_UNAVAILABLE",
                Text(f"the {asked} Paillier backend cannot run here: {missing}",
                     f"{asked} Paillier 后端无法在此运行：{missing}"),
                cure=Text(
                    f"unset {_VARIABLE} to use gmpy2, or install the compiled package for this platform",
                    f"取消环境变量 {_VARIABLE} 以使用 gmpy2，或安装适合本平台的已编译软件包",
                ),
            )
        return module, _choice(asked, module, Text("asked for by name", "按名称指定"))
    module, missing = _load("native")
    if module is not None:
        return module, _choice("native", module, Text("the compiled kernel runs here", "本机可运行编译内核"))
    fallback, _ = _load("gmpy2")
    if fallback is None:
        raise ImportError("gmpy2 is a required dependency")
    return fallback, _choice(
        "gmpy2", fallback, Text(f"the compiled kernel is not used: {missing}", f"未使用编译内核：{missing}")
    )


def _load(name: str) -> tuple[BackendFactory | None, str]:
    try:
        module = cast(BackendFactory, importlib.import_module(f"{__name__}.{name}"))
    except ImportError as error:
        return None, str(error)
    missing = module.available()
    return (module, "") if missing is None else (None, missing)


def _choice(name: str, module: BackendFactory, reason: Text) -> BackendChoice:
    return BackendChoice(name, str(getattr(module, "__file__", "")), reason)
