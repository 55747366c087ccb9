"""Build the kernel with other compiler flags and run pytest on that build, in a process of its own.

``python tests/native/variant.py KERNEL.so PYTEST_ARGUMENTS`` runs tests on an existing build.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "vfl" / "_native"


def build(target: Path, *flags: str, only: list[Path] | None = None) -> Path:
    """Compile and link the kernel into ``target``; ``only`` lists object files to link instead."""
    inputs = only or sorted(SOURCES.glob("*.c"))
    include = sysconfig.get_paths()["include"]
    command = ["cc", "-shared", "-fPIC", "-std=c11", f"-I{include}", *flags, *map(str, inputs), "-o", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def run(kernel: Path, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """pytest on the build ``kernel``."""
    command = [sys.executable, __file__, str(kernel), "-q", "-x", "-p", "no:randomly", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=SOURCES.parents[1])


def _adopt(kernel: str) -> None:
    """Make ``kernel`` the module vfl._native._kernel before anything imports it."""
    name = "vfl._native._kernel"
    loader = importlib.machinery.ExtensionFileLoader(name, kernel)
    spec = importlib.util.spec_from_loader(name, loader)
    if spec is None:
        raise ImportError(kernel)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules[name] = module


if __name__ == "__main__":
    import pytest

    _adopt(sys.argv[1])
    sys.exit(pytest.main(sys.argv[2:]))
