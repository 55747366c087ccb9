"""The key-value store answers every stored key, whatever the core, and its length tells the count alone."""

from __future__ import annotations

import numpy as np
import pytest

from vfl.crypto import okvs
from vfl.crypto.randomness import JobSeed
from vfl.errors import CryptoError

SEED = JobSeed(b"o" * 32)


def pairs(count: int, *context: str | int) -> tuple[np.ndarray, np.ndarray]:
    stream = SEED.stream("pairs", count, *context)
    return stream.limbs(count, 3), stream.limbs(count, 1)[:, 0]


@pytest.mark.parametrize("count", [1, 2, 3, 10, 100, 1_024, 1_280, 20_000])
def test_stored_keys_give_their_values(count: int) -> None:
    keys, values = pairs(count)
    table = okvs.encode(keys, values, SEED.stream("fill"))
    assert len(table) == okvs.table_words(count)
    assert np.array_equal(okvs.decode(table, keys, count), values)


def test_other_keys_give_nothing_of_the_values() -> None:
    keys, values = pairs(2_000)
    others, _ = pairs(5_000, "others")
    found = okvs.decode(okvs.encode(keys, values, SEED.stream("fill")), others, 2_000)
    assert not np.isin(found, values).any()
    ones = np.unpackbits(found.view(np.uint8)).mean()
    assert abs(ones - 0.5) < 0.005  # 320,000 bits: six standard deviations


def test_the_table_looks_uniform_even_for_equal_values_under_a_mask() -> None:
    keys, masks = pairs(4_096)
    table = okvs.encode(keys, masks ^ np.uint64(7), SEED.stream("fill"))
    assert abs(np.unpackbits(table.view(np.uint8)).mean() - 0.5) < 0.006
    assert len(np.unique(table)) == len(table)


def test_keys_that_share_all_slots_form_a_core_and_are_solved() -> None:
    keys, values = pairs(3_000)
    for copy, original in ((10, 20), (11, 20), (12, 20), (13, 21), (14, 22)):
        keys[copy, :2] = keys[original, :2]  # the dense subset stays its own
    _, core = okvs._peel(okvs._slots(keys, okvs._segment(3_000)), 3 * okvs._segment(3_000))
    assert set(core.tolist()) == {10, 11, 12, 13, 14, 20, 21, 22}
    table = okvs.encode(keys, values, SEED.stream("fill"))
    assert np.array_equal(okvs.decode(table, keys, 3_000), values)


def test_equal_keys_with_different_values_have_no_solution() -> None:
    keys, values = pairs(1_500)
    keys[3] = keys[4]
    with pytest.raises(CryptoError, match="PSI_STORE_SINGULAR"):
        okvs.encode(keys, values, SEED.stream("fill"))


def test_the_same_stream_gives_the_same_table() -> None:
    keys, values = pairs(1_100)
    first, second = (okvs.encode(keys, values, SEED.stream("fill")) for _ in range(2))
    assert np.array_equal(first, second)
