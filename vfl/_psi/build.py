"""Build the extension beside this file: ``python vfl/_psi/build.py``. Installing the package does it by itself."""

from __future__ import annotations

import shlex
import subprocess
import sysconfig
from pathlib import Path

__all__ = ["main"]

_HERE = Path(__file__).resolve().parent
_SOURCES = ("module.c", "path_int64.c", "path_ifma.c")


def main() -> None:
    """Compile and link with the compiler Python was built with."""
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[:1]
    command = [
        *compiler, "-O3", "-std=c11", "-Wall", "-Wextra", "-fPIC", "-shared", "-fvisibility=hidden",
        f"-I{sysconfig.get_paths()['include']}", *[str(_HERE / name) for name in _SOURCES],
        "-o", str(_HERE / "_curve.abi3.so"),
    ]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
