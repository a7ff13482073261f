"""Merkle trees over 32-byte values, of the shape and hashes of OpenZeppelin's, so that its `MerkleProof` verifies them.

A leaf is the hash of its value, so no inner node can be taken for one; pairs are hashed in ascending order, so a proof
needs no directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from noderr.types.keccak import keccak256

HASH_BYTES = 32

type Proof = tuple[bytes, ...]
"""The nodes beside the way from a leaf to the root, from below."""


@dataclass(frozen=True, slots=True)
class MerkleTree:
    """`proofs` in the order of the values that the tree was made of."""

    root: bytes
    proofs: tuple[Proof, ...]


def merkle_tree(values: Sequence[bytes]) -> MerkleTree:
    """The tree over these values, of which there is at least one."""
    leaves = [keccak256(value) for value in values]
    order = sorted(range(len(leaves)), key=leaves.__getitem__)
    # A complete binary tree in an array, its root first and the children of i at 2i + 1 and 2i + 2; leaves stand last.
    nodes = [b""] * (len(leaves) - 1) + [leaves[index] for index in reversed(order)]
    for parent in reversed(range(len(leaves) - 1)):
        nodes[parent] = _pair(nodes[2 * parent + 1], nodes[2 * parent + 2])
    places = {index: len(nodes) - 1 - place for place, index in enumerate(order)}
    return MerkleTree(nodes[0], tuple(_proof(nodes, places[index]) for index in range(len(leaves))))


def root_of(value: bytes, proof: Sequence[bytes]) -> bytes:
    """The root of the tree that has `value`, if the proof is one."""
    node = keccak256(value)
    for beside in proof:
        node = _pair(node, beside)
    return node


def _proof(nodes: Sequence[bytes], place: int) -> Proof:
    proof = []
    while place > 0:
        proof.append(nodes[place + 1 if place % 2 else place - 1])
        place = (place - 1) // 2
    return tuple(proof)


def _pair(one: bytes, other: bytes) -> bytes:
    return keccak256(one + other if one < other else other + one)
