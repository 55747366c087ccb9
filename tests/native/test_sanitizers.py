"""The suite under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import variant

SUITE = ["tests/native/test_arithmetic.py", "tests/native/test_units.py", "tests/native/test_holder.py",
         "tests/native/test_bytes.py", "tests/native/test_core.py"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def _runtime(name: str) -> str:
    found = subprocess.run(["cc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def test_no_stray_access_and_no_undefined_behaviour(tmp_path: Path) -> None:
    flags = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    kernel = variant.build(tmp_path / "kernel.so", *flags)
    environment = os.environ | {
        "LD_PRELOAD": f"{_runtime('libasan.so')}:{_runtime('libubsan.so')}",
        # Python itself keeps memory to the end; only errors inside the kernel are wanted.
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "PYTHONMALLOC": "malloc",
    }
    done = variant.run(kernel, *SUITE, "-k", "not 1024", environment=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]


def test_the_sanitizer_would_notice(tmp_path: Path) -> None:
    """A build that reads past a buffer must die, or the test above proves nothing."""
    source = tmp_path / "stray.c"
    source.write_text(
        '#define PY_SSIZE_T_CLEAN\n#include <Python.h>\n'
        "static PyObject *stray(PyObject *s, PyObject *a) { volatile char *p = malloc(8); char c = p[8];"
        " free((void *)p); return PyLong_FromLong(c); }\n"
        'static PyMethodDef m[] = {{"stray", stray, METH_NOARGS, 0}, {0}};\n'
        'static struct PyModuleDef d = {PyModuleDef_HEAD_INIT, "_kernel", 0, 0, m};\n'
        "PyMODINIT_FUNC PyInit__kernel(void) { return PyModule_Create(&d); }\n"
    )
    kernel = variant.build(tmp_path / "stray.so", "-O1", "-fsanitize=address", only=[source])
    code = (
        "import sys; sys.path.insert(0, 'tests/native'); import variant; variant._adopt(sys.argv[1]);"
        "sys.modules['vfl._native._kernel'].stray()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(kernel)], capture_output=True, text=True,
        env=os.environ | {"LD_PRELOAD": _runtime("libasan.so"), "ASAN_OPTIONS": "detect_leaks=0"},
    )
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr
