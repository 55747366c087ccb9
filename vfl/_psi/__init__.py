"""Curve25519 arithmetic for private set intersection: a C extension and its portable twin.

Both offer the same three functions over arrays of 32-byte u-coordinates; no policy and no choice of
randomness inside. Only :mod:`vfl.crypto.psi_curve` calls them.
"""

__all__: list[str] = []
