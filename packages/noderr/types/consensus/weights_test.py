"""Quorums: integers, strictly more than two thirds, and what follows from that for any two of them."""

from __future__ import annotations

import copy
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.types.consensus.errors import WeightError
from noderr.types.consensus.weights import VoterSet, has_quorum, max_faulty

WEIGHTS = st.dictionaries(st.binary(min_size=20, max_size=20), st.integers(1, 2**128 - 1), min_size=1, max_size=12)


def voter_set(weights: dict[bytes, int]) -> VoterSet:
    return VoterSet(3, 1, weights)


def address(number: int) -> bytes:
    return number.to_bytes(20, "big")


@pytest.mark.parametrize(
    ("voters", "faulty", "quorum"),
    # n, f and the quorum of n equal voters as PBFT (Castro and Liskov 1999) and CometBFT have them: f < n/3, > 2n/3.
    [(1, 0, 1), (3, 0, 3), (4, 1, 3), (6, 1, 5), (7, 2, 5), (10, 3, 7), (31, 10, 21), (100, 33, 67), (103, 34, 69)],
)
def test_equal_weights(voters: int, faulty: int, quorum: int) -> None:
    assert max_faulty(voters) == faulty
    assert [has_quorum(count, voters) for count in (quorum - 1, quorum)] == [False, True]
    assert quorum <= voters - faulty, "the honest alone decide"


@given(st.integers(0, 2**140), st.integers(1, 2**140))
def test_a_quorum_is_more_than_two_thirds_exactly(weight: int, total: int) -> None:
    assert has_quorum(weight, total) == (Fraction(weight, total) > Fraction(2, 3))


@given(WEIGHTS, st.data())
def test_two_quorums_share_more_than_a_third(weights: dict[bytes, int], data: st.DataObject) -> None:
    voters = voter_set(weights)
    first, second = (set(data.draw(st.lists(st.sampled_from(voters.voters)))) for _ in range(2))
    if voters.decides(first) and voters.decides(second):
        assert 3 * voters.weight_of(first & second) > voters.total


@given(WEIGHTS)
def test_one_weight_counted_twice_counts_once(weights: dict[bytes, int]) -> None:
    voters = voter_set(weights)
    one = voters.voters[0]
    assert voters.weight_of([one, one, one]) == weights[one]
    assert voters.weight_of([b"\xff" * 19 + b"\xfe"]) == weights.get(b"\xff" * 19 + b"\xfe", 0)


def test_the_digest_is_of_the_set_and_not_of_its_order() -> None:
    one = voter_set({address(1): 5, address(2): 7})
    other = voter_set({address(2): 7, address(1): 5})
    assert one.digest == other.digest
    different = [
        voter_set({address(1): 7, address(2): 5}),
        voter_set({address(1): 5}),
        copy.replace(one, epoch=2),
        copy.replace(one, tier=2),
    ]
    assert len({one.digest, *(each.digest for each in different)}) == 5


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({}, "has 0 voters: 1 to 256"),
        ({address(n): 1 for n in range(257)}, "has 257 voters"),
        ({b"short": 1}, "no voter's address"),
        ({address(1): 0}, "has the weight 0"),
        ({address(1): -1}, "has the weight -1"),
        ({address(1): True}, "has the weight True"),
        ({address(1): 1.5}, "has the weight 1.5"),
        ({address(1): 2**128}, "of 128 bits"),
    ],
)
def test_weights_that_make_no_set_are_refused(weights: dict[bytes, int], reason: str) -> None:
    with pytest.raises(WeightError, match=reason):
        voter_set(weights)
