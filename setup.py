"""The native kernels. They are optional: without a C compiler the install succeeds and pure Python serves."""

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel

_FLAGS = ["-O3", "-g0", "-std=c11", "-fvisibility=hidden"]
_DIR = "vfl/_native/"
_SOURCES = ["module.c", "order.c", "path_ifma.c", "path_fma.c", "path_adx.c", "path_int128.c",
            "path_portable.c"]
_HEADERS = ["kernel.h", "limbs.h", "rows.h", "groups.h", "batches.h", "powers.h", "multi.h", "holder.h", "algorithms.h"]
_PSI = "vfl/_psi/"
_PSI_SOURCES = ["module.c", "path_int64.c", "path_ifma.c"]
_PSI_HEADERS = ["curve.h", "field.h", "algorithms.h"]


class _StableAbiWheel(bdist_wheel):
    """One wheel per platform serves every Python from 3.11 on."""

    def finalize_options(self) -> None:
        self.py_limited_api = "cp311"
        super().finalize_options()


setup(
    ext_modules=[
        Extension(
            "vfl._native._kernel",
            sources=[_DIR + name for name in _SOURCES],
            depends=[_DIR + name for name in _HEADERS],
            extra_compile_args=_FLAGS,
            py_limited_api=True,
            optional=True,
        ),
        Extension(
            "vfl._psi._curve",
            sources=[_PSI + name for name in _PSI_SOURCES],
            depends=[_PSI + name for name in _PSI_HEADERS],
            extra_compile_args=_FLAGS,
            py_limited_api=True,
            optional=True,
        ),
    ],
    cmdclass={"bdist_wheel": _StableAbiWheel},
)
