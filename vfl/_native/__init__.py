"""The compiled Paillier kernel, if this machine has one, and the code paths it can take here.

The kernel is optional: without it :mod:`vfl.crypto.backends.gmpy2` serves. ``VFL_NATIVE_PATH`` forces a path:

* ``ifma``: eight numbers per AVX-512 register, 52-bit limbs (Intel since Ice Lake, AMD since Zen 4);
* ``fma``: eight numbers in pairs of AVX2 registers, 52-bit limbs multiplied as doubles (Intel since Haswell, AMD since
  Zen);
* ``adx``: 64-bit limbs with two carry chains (x86-64 since Broadwell and Zen);
* ``int128``: 64-bit limbs through the compiler's 128-bit product (Arm64, older x86-64);
* ``portable``: 32-bit limbs, standard C.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from vfl._native import _kernel as kernel
else:
    try:
        from vfl._native import _kernel as kernel
    except ImportError:
        kernel = None

__all__ = ["Path", "active_path", "kernel", "paths", "why_not"]

_VARIABLE = "VFL_NATIVE_PATH"


class Path(NamedTuple):
    """One way of multiplying, as the kernel describes it."""

    name: str
    number: int
    limb_bits: int
    lanes: int
    limbs_multiple: int
    limbs_min: int
    limbs_max: int
    lift_redundant: int
    window: int
    table_bytes: int


def why_not() -> str | None:
    """None if the kernel runs here, else the reason in one sentence."""
    if kernel is None:
        return "the package was installed without its compiled kernel"
    wanted = os.environ.get(_VARIABLE)
    if wanted and wanted not in paths():
        return f"{_VARIABLE}={wanted} asks for a path that this machine does not have ({', '.join(paths())})"
    return None


def paths() -> dict[str, Path]:
    """The paths this machine can take, the fastest first; empty without a kernel."""
    if kernel is None:
        return {}
    return {row[0]: Path(*row) for row in kernel.paths()}


def active_path() -> str:
    """The path that new keys use: the one ``VFL_NATIVE_PATH`` asks for, else the fastest."""
    reason = why_not()
    if reason is not None:
        raise RuntimeError(reason)
    return os.environ.get(_VARIABLE) or next(iter(paths()))
