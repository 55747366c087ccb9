"""Would these tests notice? A one-bit error is planted in each function of the kernel in turn, on the paths
unlike each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import variant
from native_helpers import PATHS

_LIST = re.search(r"enum planted \{(.*?)\};", (variant.SOURCES / "kernel.h").read_text(), re.DOTALL)
PLANTED = re.findall(r"PLANT_\w+", _LIST.group(1) if _LIST else "")[1:-1]
SUITE = ["tests/native/test_arithmetic.py", "tests/native/test_units.py", "tests/native/test_holder.py"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_the_suite_passes_on_a_build_without_error(tmp_path: Path) -> None:
    kernel = variant.build(tmp_path / "kernel.so", "-O2")
    done = variant.run(kernel, *SUITE, "-k", "not 1024")
    assert done.returncode == 0, done.stdout


def test_every_error_has_its_place() -> None:
    code = "".join(path.read_text() for path in variant.SOURCES.glob("*.[ch]"))
    assert len(PLANTED) > 20
    assert [name for name in PLANTED if f"PLANT({name})" not in code] == []


@pytest.mark.parametrize("name", PLANTED)
def test_planted_error_is_caught(name: str, tmp_path: Path) -> None:
    kernel = variant.build(tmp_path / "kernel.so", "-O1", f"-DVFL_PLANTED={name}")
    for path in {PATHS[0], "fma" if "fma" in PATHS else PATHS[0], PATHS[-1]}:
        only = "fma and not ifma" if path == "fma" else path
        done = variant.run(kernel, *SUITE, "-k", f"{only} and not 1024")
        assert done.returncode == 1, f"{name} on {path} went unnoticed:\n{done.stdout}"
