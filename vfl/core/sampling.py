"""Which rows and features a tree sees: bagging, GOSS and feature fraction, drawn as LightGBM 4.7 draws them.

LightGBM's generator is a 32-bit linear congruential one; rows are drawn with one generator per block of 1,024
rows. The same seeds give the same draws as LightGBM with one thread.

Security: these draws are reproducible by anyone who knows the seed and hide nothing. GOSS keeps the rows with
the greatest gradients, so whoever sees the rows drawn learns something of the labels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vfl.errors import ConfigError, Text

__all__ = ["Bagging", "FeatureFraction", "Goss", "Random"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]

_BLOCK = 1024


class Random:
    """LightGBM's ``Random``: x ← 214013 x + 2531011 mod 2^32."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & 0xFFFFFFFF

    def _step(self) -> int:
        self._state = (214013 * self._state + 2531011) & 0xFFFFFFFF
        return self._state

    def uniform(self) -> float:
        """One of 2^15 numbers in [0, 1)."""
        return ((self._step() >> 16) & 0x7FFF) / 32768

    def integer(self, below: int) -> int:
        return (self._step() & 0x7FFFFFFF) % below

    def sample(self, n: int, k: int) -> IntArray:
        """``k`` of 0 … n-1, ascending; nothing where k > n or k <= 0."""
        if k > n or k <= 0:
            return np.empty(0, dtype=np.int64)
        if k == n:
            return np.arange(n, dtype=np.int64)
        if k > 1 and k > n / np.log2(k):
            taken: list[int] = []
            for number in range(n):
                if self.uniform() < (k - len(taken)) / (n - number):
                    taken.append(number)
            return np.array(taken, dtype=np.int64)
        chosen: set[int] = set()
        for number in range(n - k, n):
            drawn = self.integer(number + 1)
            chosen.add(number if drawn in chosen else drawn)
        return np.array(sorted(chosen), dtype=np.int64)


class Bagging:
    """``bagging_fraction`` of the rows, drawn afresh by each :meth:`draw` (LightGBM: every ``bagging_freq`` trees)."""

    def __init__(self, n_rows: int, fraction: float, seed: int = 3) -> None:
        if not 0 < fraction <= 1:
            raise _wrong("bagging_fraction", "0 < bagging_fraction <= 1")
        self._n_rows, self._fraction = n_rows, fraction
        self._states = np.arange(seed, seed - (-n_rows // _BLOCK)).astype(np.uint32)

    def draw(self) -> RowArray:
        """Rows in the bag, ascending."""
        uniform = np.empty((self._states.size, _BLOCK))
        # The last block stops at its last row, and goes on from there at the next draw.
        last = self._n_rows - (self._states.size - 1) * _BLOCK
        for step in range(_BLOCK):
            live = self._states if step < last else self._states[:-1]
            live[:] = live * np.uint32(214013) + np.uint32(2531011)
            uniform[: live.size, step] = ((live >> np.uint32(16)) & np.uint32(0x7FFF)) / 32768
        return np.flatnonzero(uniform.ravel()[: self._n_rows] < self._fraction).astype(np.int32)


class Goss:
    """Gradient-based one-side sampling (Ke et al., NIPS 2017, Algorithm 2).

    The ``top_rate`` share of rows with the greatest |gradient · hessian| is kept; of the rest a share
    ``other_rate`` (of all rows) is drawn and amplified.
    """

    def __init__(self, n_rows: int, top_rate: float = 0.2, other_rate: float = 0.1, seed: int = 3) -> None:
        if not (top_rate > 0 and other_rate > 0 and top_rate + other_rate <= 1):
            raise _wrong("top_rate, other_rate", "top_rate > 0, other_rate > 0, top_rate + other_rate <= 1")
        self._top = max(1, int(n_rows * top_rate))
        self._other = int(n_rows * other_rate)
        if self._other < 1:
            raise _wrong("other_rate", "other_rate · rows >= 1")
        self._n_rows = n_rows
        self._random = [Random(seed + block) for block in range(-(-n_rows // _BLOCK))]

    @staticmethod
    def starts_at(learning_rate: float) -> int:
        """The first tree (counted from 0) that is sampled; the ones before see all rows."""
        return int(1.0 / learning_rate)

    def draw(self, gradient: FloatArray, hessian: FloatArray) -> tuple[RowArray, FloatArray, FloatArray]:
        """Rows kept, ascending, and (rows,) gradients and hessians with the drawn ones amplified, in float32."""
        g, h = gradient.astype(np.float32), hessian.astype(np.float32)
        size = np.abs(g * h)
        great = size >= np.partition(size, -self._top)[-self._top]
        kept = great.copy()
        n_great, drawn = 0, 0
        for row, is_great in enumerate(great.tolist()):
            if is_great:
                n_great += 1
                continue
            rest = self._n_rows - row - (self._top - n_great)
            # LightGBM divides doubles: by zero gives an infinity or NaN, and then nothing or everything is drawn.
            wanted = self._other - drawn
            share = wanted / rest if rest else np.inf * wanted if wanted else 0.0
            if self._random[row // _BLOCK].uniform() < share:
                kept[row] = True
                drawn += 1
        amplified = kept & ~great
        factor = np.float32(self._n_rows - self._top) / np.float32(self._other)
        g[amplified] *= factor
        h[amplified] *= factor
        return np.flatnonzero(kept).astype(np.int32), g.astype(np.float64), h.astype(np.float64)


class FeatureFraction:
    """``feature_fraction`` of the features for each tree; features LightGBM would drop as trivial do not count."""

    def __init__(self, n_features: int, fraction: float, seed: int = 2) -> None:
        if not 0 < fraction <= 1:
            raise _wrong("feature_fraction", "0 < feature_fraction <= 1")
        self._n_features = n_features
        self._count = max(min(1, n_features), int(n_features * fraction + 0.5))
        self._random = Random(seed)
        self._all = fraction >= 1
        if not self._all:
            # LightGBM draws once before its first tree.
            self._random.sample(self._n_features, self._count)

    def draw(self) -> npt.NDArray[np.bool_]:
        """Mask over the features for the next tree."""
        mask = np.full(self._n_features, self._all)
        if not self._all:
            mask[self._random.sample(self._n_features, self._count)] = True
        return mask


def _wrong(name: str, rule: str) -> ConfigError:
    return ConfigError(
        "SAMPLING_PARAMETER",
        Text(f"Sampling parameter out of range: {name}.", f"抽样参数超出范围：{name}。"),
        cure=Text(f"Use {rule}.", f"请令 {rule}。"),
    )
