"""Secrets decide no branch and no address, shown by MemorySanitizer on the paths written in C and on that of FMA.

The ADX path differs from int128 in one straight-line product; the IFMA path in straight-line vector code whose
lookups read whole table columns (path_ifma.c says why). The FMA path is built here with its products in C instead of
assembly, which the sanitizer cannot follow. Needs clang.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import variant
from native_helpers import holder, limbs, raw, units

from vfl._native import paths

CLANG = shutil.which("clang")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CLANG is None, reason="MemorySanitizer comes with clang")]


def build(folder: Path) -> Path:
    program = folder / "constant_time"
    sources = [Path(__file__).with_name("constant_time.c"), *(variant.SOURCES / f"path_{p}.c" for p in PATHS)]
    flags = ["-O1", "-g", "-std=gnu11", "-fsanitize=memory", f"-I{variant.SOURCES}"]
    subprocess.run([str(CLANG), *flags, *map(str, sources), "-o", str(program)], check=True, capture_output=True)
    return program


PATHS = tuple(path for path in ("fma", "int128", "portable") if path in paths())


def inputs(folder: Path, path: str) -> str:
    """Fill ``folder``; the window of both tables."""
    backend = holder(path, 512)
    table = backend.fixed_base_table(7, 256)
    files = {
        "n": backend._ring.record, "p": backend._ring_p.record, "q": backend._ring_q.record,
        "cipher": backend.load(raw(units(backend._n, 5), backend._n)), "exponent": backend._exponents[0],
        "half_p": backend._half_p, "garner": backend._garner, "crt": backend._crt,
        "table_p": backend._table_p.table, "table_n": table.table,
        "digits": np.arange(24, dtype=np.uint8) % 16,
        "exponents": limbs([x % (1 << 256) for x in units(backend._n, 5)], 4),
    }
    for name, array in files.items():
        (folder / name).write_bytes(np.ascontiguousarray(array).tobytes())
    return str(table.window)


@pytest.mark.parametrize("path", PATHS)
def test_secrets_decide_nothing(path: str, tmp_path: Path) -> None:
    program = build(tmp_path)
    window = inputs(tmp_path, path)
    for what in ("decrypt", "randomise", "public", "multipliers"):
        done = subprocess.run([program, path, tmp_path, what, window], capture_output=True, text=True)
        assert done.returncode == 0, f"{what}:\n{done.stderr[-3000:]}"
        assert "no secret decided anything" in done.stdout
    control = subprocess.run([program, path, tmp_path, "control", window], capture_output=True, text=True)
    assert control.returncode != 0
    assert "use-of-uninitialized-value" in control.stderr
