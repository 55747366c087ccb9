"""Node packages, loaded by name: an institution installs only its own, and this package imports none of them."""

from __future__ import annotations

import importlib
from typing import Any

from vfl.errors import ConfigError, Text

__all__ = ["node_package"]


def node_package(module: str) -> Any:
    """The module of a node package, such as ``party_bank.roles``; ConfigError ``PACKAGE_MISSING``."""
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise ConfigError(
            "PACKAGE_MISSING",
            Text(en=f"the node package {package} is not installed here", zh=f"本机未安装节点程序包 {package}"),
            cure=Text(
                en=f"install {package}, or run this where it is installed",
                zh=f"请安装 {package}，或在已安装它的机器上运行",
            ),
        ) from None
