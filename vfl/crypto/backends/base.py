"""What a Paillier arithmetic backend must do: flat batch operations, no policy and no choice of randomness.

Numbers travel as *limb arrays*: C-contiguous little-endian ``uint64`` arrays of shape ``(count, limbs)``.
A backend may keep ciphertexts in any internal form (Montgomery, base n, lane-interleaved); only
:meth:`PublicBackend.load` and :meth:`PublicBackend.dump` see the canonical form: fixed-width little-endian
residues mod n², ``2 * key_bytes`` bytes each. Every backend gives the same integers for the same inputs.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Limbs", "PublicBackend", "SecretBackend"]

Limbs = npt.NDArray[np.uint64]
"""Little-endian limbs, shape ``(count, limbs)``."""


class PublicBackend(Protocol):
    """Batch arithmetic mod n² for one public key. ``Array`` values are backend-owned ciphertext arrays."""

    name: str
    threads: int

    def load(self, raw: bytes | memoryview) -> Any:
        """Canonical bytes → ciphertext array; ValueError names the index of a value ≥ n², 0 or non-unit."""

    def dump(self, a: Any) -> bytes:
        """Ciphertext array → canonical bytes."""

    def count(self, a: Any) -> int: ...

    def take(self, a: Any, index: npt.NDArray[np.int64]) -> Any: ...

    def concat(self, parts: list[Any]) -> Any: ...

    def trivial(self, m: Limbs) -> Any:
        """(1 + n)^m without randomness: never leaves without :meth:`mul` by a fresh randomiser."""

    def mul(self, a: Any, b: Any) -> Any:
        """Element-wise product mod n²: homomorphic addition."""

    def inverse(self, a: Any) -> Any:
        """Element-wise inverse mod n² (batched by Montgomery's trick): homomorphic negation."""

    def power(self, a: Any, exponents: Limbs, negative: npt.NDArray[np.bool_] | None = None) -> Any:
        """Element-wise a**e: multiplication by (signed) plain integers."""

    def multi_power(
        self, a: Any, digits: npt.NDArray[np.uint8], steps: npt.NDArray[np.int32]
    ) -> Any:
        """Products of powers: for each group g and output o, ∏_j a[g, j]^e with e in base-16 digits.

        ``digits`` has shape (groups, outputs, positions, inputs), the most significant position first, and ``a``
        holds groups * inputs ciphertexts, group by group; ``steps[p]`` bits of shift stand before position p,
        ``steps[-1]`` after the last. The result holds groups * outputs ciphertexts.
        """

    def bucket_products(
        self, a: Any, bins: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
        rows: npt.NDArray[np.int32] | None, n_bins: npt.NDArray[np.int32],
    ) -> Any:
        """For each feature f and bin b the product of a[i] over the rows i with bins[i, f] == b.

        ``bins`` has shape (rows of a, features); ``rows`` selects a subset (None: all); the result holds
        ``sum(n_bins)`` ciphertexts, feature by feature; an empty bin holds 1 (a trivial zero).
        """

    def pack(self, a: Any, per: int, width: int) -> Any:
        """Shift and add: groups of ``per`` consecutive ciphertexts become ∏ a[i*per + j]^(2^(width*j))."""

    def nth_powers(self, r: Limbs) -> Any:
        """r^n mod n² with full-size r < n: the randomisers of replies under a peer's key."""

    def fixed_base_table(self, base: int, exponent_bits: int) -> Any:
        """Window table for :meth:`fixed_base_powers`; ``base`` is a residue mod n²."""

    def subset_table(self, a: Any) -> Any:
        """Table for :meth:`fixed_base_powers` under which bit i of an exponent stands for a[i], not for a power."""

    def fixed_base_powers(self, table: Any, exponents: Limbs) -> Any:
        """base**e mod n² for each exponent."""


class SecretBackend(PublicBackend, Protocol):
    """The key holder's arithmetic: the same, faster mod p² and q², and decryption."""

    def holder_randomisers(self, exponents_p: Limbs, exponents_q: Limbs) -> Any:
        """Fresh n-th residues by CRT from h_p^e mod p² and h_q^e mod q²; full-length exponents."""

    def decrypt(self, a: Any) -> Limbs:
        """Ciphertext array → plaintexts in [0, n), shape (count, key_bytes / 8)."""
