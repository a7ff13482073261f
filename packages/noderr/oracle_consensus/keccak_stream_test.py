"""Random integers from a seed: as defined, within bounds, and without bias where division has one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.oracle_consensus.keccak_stream import KeccakStream
from noderr.types.keccak import keccak256

SEED = keccak256(b"seed")


def word(counter: int) -> int:
    return int.from_bytes(keccak256(SEED + counter.to_bytes(32, "big")), "big")


def test_words_are_as_defined() -> None:
    stream = KeccakStream(SEED)
    assert [stream.below(1 << 256) for _ in range(3)] == [word(0), word(1), word(2)]


@given(st.binary(min_size=32, max_size=32), st.integers(1, 1 << 256))
def test_what_is_drawn_is_below_the_bound(seed: bytes, bound: int) -> None:
    assert 0 <= KeccakStream(seed).below(bound) < bound


@pytest.mark.parametrize("bound", [0, -1, (1 << 256) + 1])
def test_a_bound_that_no_word_reaches_is_refused(bound: int) -> None:
    with pytest.raises(ValueError, match="the bound is 1 to 2"):
        KeccakStream(SEED).below(bound)


def test_words_that_would_favour_some_are_drawn_again() -> None:
    # Of this bound only one multiple fits, so that about half of the words must be rejected.
    bound = (1 << 255) + 1
    kept = [word(counter) for counter in range(200) if word(counter) < bound]
    assert 60 < len(kept) < 140
    stream = KeccakStream(SEED)
    assert [stream.below(bound) for _ in kept] == kept


def test_thirds_are_even() -> None:
    # Taken modulo, without rejection, results below 2^256 - bound would come twice as often: 2/3 instead of 1/2.
    bound = (1 << 256) // 3 * 2
    stream = KeccakStream(SEED)
    halves = Counter(stream.below(bound) < bound // 2 for _ in range(4000))
    # Four standard deviations of 4000 fair tosses: 4 · 31.6.
    assert abs(halves[True] - 2000) < 127
