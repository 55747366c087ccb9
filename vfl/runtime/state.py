"""Role state as bytes: a JSON head and raw arrays.

Equal state gives equal bytes, so unchanged parts are not rewritten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["freeze", "thaw"]


def freeze(arrays: Mapping[str, Any], facts: Mapping[str, Any]) -> bytes:
    """numpy arrays (no object dtype) and JSON facts in one byte string."""
    if any(a.dtype.hasobject for a in arrays.values()):
        raise TypeError("role state holds plain numbers: an object array would be written as addresses")
    layout = {name: [a.dtype.str, list(a.shape)] for name, a in sorted(arrays.items())}
    head = json.dumps({"arrays": layout, "facts": dict(facts)}, sort_keys=True, ensure_ascii=False).encode()
    return b"".join(
        [len(head).to_bytes(8, "little"), head, *(np.ascontiguousarray(arrays[n]).tobytes() for n in layout)]
    )


def thaw(raw: bytes) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """The inverse of :func:`freeze`; arrays are writable copies."""
    size = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8 : 8 + size])
    offset = 8 + size
    arrays = {}
    for name, (kind, shape) in head["arrays"].items():
        dtype = np.dtype(kind)
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(raw, dtype, count, offset).reshape(shape).copy()
        offset += count * dtype.itemsize
    return arrays, head["facts"]
