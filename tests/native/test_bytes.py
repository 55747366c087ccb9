"""The byte interface: whatever the buffers hold, the kernel refuses or computes, and never strays outside them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from native_helpers import PATHS, holder

from vfl._native import kernel

FUNCTIONS = {
    "load": (5, 0), "dump": (3, 0), "trivial": (3, 1), "mul": (4, 0), "running": (4, 0), "unwind": (5, 0),
    "power": (4, 1), "power_shared": (4, 0), "multi_power": (5, 5),
    "segments": (5, 0), "pack": (3, 2), "table": (3, 1), "split": (4, 0),
    "table_powers": (4, 2), "half_plain": (5, 1), "join_plain": (5, 1), "join_elements": (7, 0),
}
GUARD = 64


def guarded(source: random.Random, words: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A buffer between two guard zones, and the whole."""
    whole = np.array([source.getrandbits(64) for _ in range(words + 2 * GUARD)], dtype=np.uint64)
    return whole[GUARD : GUARD + words], whole


def test_every_function_is_fuzzed() -> None:
    listed = {name for name in dir(kernel) if not name.startswith("_")} - {"paths", "bin_order"}
    assert listed == set(FUNCTIONS)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_random_buffers(path: str, name: str) -> None:
    source = random.Random(f"{path} {name}")
    buffers, integers = FUNCTIONS[name]
    backend = holder(path, 512)
    ring, k, lanes = backend._ring.record, backend._ring.limbs, backend._path.lanes
    shapes = [0, 1, 2, k, 2 * k, 3 * k, 4 * k, 7 * k, 14 * k, 2 * k * lanes, k * lanes, 2 * k << 4, 16, 17]
    accepted = 0
    for _ in range(300):
        made = [guarded(source, source.choice(shapes)) for _ in range(buffers - 1)]
        before = [(whole[:GUARD].copy(), whole[len(whole) - GUARD :].copy()) for _, whole in made]
        arguments: list[Any] = [ring, *(part for part, _ in made)]
        arguments += [source.choice([0, 1, 2, 4, 5, 8, -1, k, 64]) for _ in range(integers)]
        if name == "segments" and source.random() < 0.5:
            arguments[3] = np.zeros(source.randrange(9), dtype=np.int32)
            arguments[4] = np.sort(np.array([source.randrange(9) for _ in range(2)], dtype=np.int64))
        if name == "multi_power" and source.random() < 0.5:
            # A fitting shape with digits and steps of any bytes.
            outputs, positions, inputs = (source.randrange(1, 4) for _ in range(3))
            arguments[1], arguments[2] = guarded(source, 2 * k * outputs)[0], guarded(source, 2 * k * inputs)[0]
            digits = np.frombuffer(source.randbytes(outputs * positions * inputs), dtype=np.uint8)
            arguments[3] = digits >> source.choice([0, 4])
            steps = [source.choice([0, 1, 9, -1, 1 << 20]) for _ in range(positions + 1)]
            arguments[4] = np.array(steps, dtype=np.int32)
            arguments[5:] = [1, inputs, outputs, positions, source.choice([1, 4, 4, 4, 5])]
        if name == "join_elements":
            arguments[1] = arguments[2] = backend._ring_p.record
        try:
            getattr(kernel, name)(*arguments)
            accepted += 1
        except ValueError:
            pass
        for (part, whole), (low, high) in zip(made, before, strict=True):
            assert (whole[:GUARD] == low).all()
            assert (whole[len(part) + GUARD :] == high).all()
    assert accepted < 300


@pytest.mark.parametrize("path", PATHS)
def test_broken_ring_records_are_refused(path: str) -> None:
    record = holder(path, 512)._ring.record
    a = np.zeros((1, 2 * int(record[1])), dtype=np.uint64)
    for index, wrong in ((0, 99), (0, 2**63), (1, 0), (1, 2**40), (1, int(record[1]) + 1)):
        broken = record.copy()
        broken[index] = wrong
        with pytest.raises(ValueError, match="ring record"):
            kernel.mul(broken, a, a, a)
    for length in range(4):
        with pytest.raises(ValueError, match="ring record"):
            kernel.mul(record[:length].copy(), a, a, a)


def test_random_histograms() -> None:
    source = random.Random(5)
    for _ in range(500):
        rows, features = source.randrange(6), source.randrange(4)
        bins = np.array([source.randrange(5) for _ in range(rows * features)], dtype=np.uint8)
        chosen = np.array([source.randrange(-1, 7) for _ in range(source.randrange(6))], dtype=np.int32)
        n_bins = np.array([source.randrange(6) for _ in range(features)], dtype=np.int32)
        order = np.empty(features * len(chosen) + source.choice([0, 0, 0, 1]), dtype=np.int32)
        offsets = np.empty(int(n_bins.sum()) + source.choice([1, 1, 1, 0]), dtype=np.int64)
        try:
            refused = kernel.bin_order(bins, chosen, n_bins, order, offsets, rows, 1, False)
        except ValueError:
            continue
        columns = bins.reshape(rows, features)
        wrong = [f for f in range(features) if (columns[chosen, f] >= n_bins[f]).any()]
        assert refused == (wrong[0] if wrong else -1)
        if refused < 0:
            at = 0
            for f in range(features):
                for b in range(n_bins[f]):
                    listed = order[offsets[at] : offsets[at + 1]].tolist()
                    assert listed == [i for i in chosen.tolist() if columns[i, f] == b]
                    at += 1


def test_buffers_of_the_wrong_kind_are_refused() -> None:
    ring = holder(PATHS[0], 512)._ring
    words = np.zeros((4, ring.words), dtype=np.uint64)
    with pytest.raises(TypeError, match="read-write"):
        kernel.mul(ring.record, words[::2], words[::2], words[::2])
    with pytest.raises(TypeError, match="read-write"):
        kernel.mul(ring.record, words.tobytes(), words, words)  # type: ignore[arg-type]
