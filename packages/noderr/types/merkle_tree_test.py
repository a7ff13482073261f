"""Merkle trees: roots and proofs are those of OpenZeppelin's JavaScript library and of a Python port of it."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from noderr.types.keccak import keccak256
from noderr.types.merkle_tree import merkle_tree, root_of

VALUES = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=70)


def value(account: int, amount: int) -> bytes:
    """What the standard tree hashes once more: keccak256(abi.encode(address, uint256))."""
    return keccak256(encode(["address", "uint256"], ["0x" + bytes([account]).hex() * 20, amount]))


def test_the_example_of_openzeppelin() -> None:
    # README of the npm package @openzeppelin/merkle-tree 1.0.8 (MIT).
    tree = merkle_tree([value(0x11, 5 * 10**18), value(0x22, 25 * 10**17)])
    assert tree.root.hex() == "d4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77"


# Made with murky-tree 1.0.1 (MIT), values 1 to n: account 0x0101… with 1e18, 0x0202… with 2e18, and so on.
@pytest.mark.parametrize(
    ("count", "root"),
    [
        (1, "8927f7e28527097ce56f0906ec80d5cade1831685c9b65a71a368c73de6957ec"),
        (2, "7fe14b17f9b326a9f68bb5d4e916e3dccb1ae4956f1669988d1e774d84d5e3d4"),
        (3, "af2dc996fddb2daabc5d605538360646b953e489aee64378c6ac876c8650c014"),
        (4, "6132a03389b2252f761a8af50e345052eb512a44502d5ebd9c7f55bac5c28729"),
        (5, "fa0a862875ee76743dd0249c5103a1749eb91ba697f1588dcc64bb72aa834c5e"),
        (7, "684b5d67ecff2fb5fbd6a6d4b1a6a5a4db04a171cd57a878fd7a68ff53d2a7d7"),
        (32, "57e6b10bba3771656c9c59a9b9e53e79e0c349a1fe89ce7e657c0c234c8ad435"),
    ],
)
def test_roots_of_another_library(count: int, root: str) -> None:
    assert merkle_tree([value(one, one * 10**18) for one in range(1, count + 1)]).root.hex() == root


def test_a_proof_of_another_library() -> None:
    values = [value(one, one * 10**18) for one in range(1, 8)]
    tree = merkle_tree(values)
    assert [node.hex() for node in tree.proofs[0]] == [
        "d45e232ae1bd6568055380cbc3ad5a649462deb801e33f2d19f0ae1c92052fff",
        "a0467234abddd2b5cbef0f1157f6fdb45d01ea69a78e24439c416150db5a94bf",
        "dc77e3f52ae1a7a9edae41b9e2ea8831e20bc7b29df5027bb3b06dc5ad2d85f7",
    ]


@given(VALUES)
def test_every_value_is_proven(values: list[bytes]) -> None:
    tree = merkle_tree(values)
    for one, proof in zip(values, tree.proofs, strict=True):
        assert root_of(one, proof) == tree.root
        assert 2 ** len(proof) < 4 * len(values)


@given(VALUES, st.binary(min_size=32, max_size=32), st.data())
def test_nothing_else_is(values: list[bytes], other: bytes, data: st.DataObject) -> None:
    tree = merkle_tree(values)
    index = data.draw(st.integers(0, len(values) - 1))
    proof = tree.proofs[index]
    if other not in values:
        assert root_of(other, proof) != tree.root
    if proof:
        assert root_of(values[index], proof[1:]) != tree.root, "an inner node is no value"
        assert root_of(values[index], (other, *proof[1:])) != tree.root or other == proof[0]
    assert root_of(values[index], (*proof, other)) != tree.root
