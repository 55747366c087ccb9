"""Generate ``vfl/pb/v1`` from ``protos/vfl/v1/*.proto``: ``python protos/generate.py [TARGET]``.

The wire names stay ``vfl.v1.*``; only the Python home differs (``vfl.pb.v1``), so the import lines and module
names that protoc writes are moved there. The result is committed; a test proves it fresh. No gRPC stubs are
generated: :mod:`vfl.runtime.grpc` makes them from the service descriptors and so stays the only home of gRPC.
"""

from __future__ import annotations

import re
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

__all__ = ["generate"]

PROTOS = Path(__file__).resolve().parent
HOME = PROTOS.parent / "vfl" / "pb" / "v1"

_MOVES = (
    (re.compile(r"^from vfl\.v1 import ", re.MULTILINE), "from vfl.pb.v1 import "),
    (re.compile(r"'vfl\.v1\.(\w+_pb2)'"), r"'vfl.pb.v1.\1'"),
)


def generate(target: Path = HOME) -> list[Path]:
    """Write the Python modules and stubs into ``target``; returns what was written, by name.

    Raises RuntimeError when protoc refuses a file (it prints the line itself).
    """
    sources = sorted(PROTOS.glob("vfl/v1/*.proto"))
    written: list[Path] = []
    with tempfile.TemporaryDirectory() as scratch:
        arguments = [
            "protoc",
            f"-I{PROTOS}",
            f"-I{files('grpc_tools') / '_proto'}",
            f"--python_out={scratch}",
            f"--pyi_out={scratch}",
            *(str(p) for p in sources),
        ]
        if protoc.main(arguments) != 0:
            raise RuntimeError("protoc refused the files")
        for made in sorted(Path(scratch, "vfl", "v1").iterdir()):
            text = made.read_text()
            for pattern, replacement in _MOVES:
                text = pattern.sub(replacement, text)
            path = target / made.name
            path.write_text(text)
            written.append(path)
    return written


if __name__ == "__main__":
    for path in generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HOME):
        print(path)
