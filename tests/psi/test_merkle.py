"""Roots of the published examples and of the recursive definition; proofs that hold, and forgeries that fail."""

from __future__ import annotations

import hashlib

import pytest

from vfl.crypto.merkle import MerkleTree, leaf_hash, node_hash, verify_inclusion
from vfl.errors import CryptoError, LocalProtocolError

# The example of Certificate Transparency's reference implementations.
LEAVES = [bytes.fromhex(x) for x in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


def test_roots_of_the_published_example() -> None:
    assert MerkleTree([]).root == hashlib.sha256().digest()
    for size, root in enumerate(ROOTS, start=1):
        assert MerkleTree(LEAVES[:size]).root.hex() == root


def test_every_proof_of_every_size_holds_and_the_root_is_the_definition() -> None:
    for size in range(1, 70):
        leaves = [f"leaf {i}".encode() for i in range(size)]
        tree = MerkleTree(leaves)
        assert len(tree) == size
        assert tree.root == by_definition(leaves)
        for index, leaf in enumerate(leaves):
            verify_inclusion(tree.root, leaf, index, size, tree.proof(index))


def test_forged_proofs_fail() -> None:
    leaves = [f"leaf {i}".encode() for i in range(13)]
    tree = MerkleTree(leaves)
    root, path = tree.root, tree.proof(6)
    flipped = bytes([path[1][0] ^ 1]) + path[1][1:]
    forgeries = [
        (root, b"other", 6, 13, path),
        (root, leaves[6], 7, 13, path),
        (root, leaves[6], -1, 13, path),
        (root, leaves[6], 13, 13, path),
        (root, leaves[6], 6, 0, path),
        (root, leaves[6], 6, 13, path[:-1]),
        (root, leaves[6], 6, 13, [*path, path[0]]),
        (root, leaves[6], 6, 13, [path[0], flipped, *path[2:]]),
        (leaf_hash(b"root"), leaves[6], 6, 13, path),
    ]
    for forged in forgeries:
        with pytest.raises(CryptoError, match="MERKLE_PROOF"):
            verify_inclusion(*forged)


def test_a_node_does_not_pass_for_a_leaf() -> None:
    tree = MerkleTree([b"a", b"b"])
    inner = b"\x01" + leaf_hash(b"a") + leaf_hash(b"b")
    with pytest.raises(CryptoError, match="MERKLE_PROOF"):
        verify_inclusion(tree.root, inner[1:], 0, 1, [])


def test_a_leaf_that_is_not_there_has_no_proof() -> None:
    for index in (-1, 2):
        with pytest.raises(LocalProtocolError, match="MERKLE_INDEX"):
            MerkleTree([b"a", b"b"]).proof(index)
