"""The weighted median against other projects' examples, a definition by brute force, and what liars can do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.oracle_consensus.errors import MedianError
from noderr.oracle_consensus.weighted_median import weighted_median, weighted_medians

VALUES = st.integers(-(2**63), 2**63 - 1)
WEIGHTED = st.lists(st.tuples(VALUES, st.integers(1, 2**128)), min_size=1, max_size=20)


# github.com/skip-mev/connect, pkg/math/voteweighted/math_test.go: TestComputeMedian, and of TestMedian what has prices
# of enough stake. Their half of an odd total is rounded down; in these cases both rules agree.
@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([(100, 1)], 100),
        ([(100, 1), (100, 1)], 100),
        ([(100, 1), (200, 1)], 100),
        ([(100, 10), (200, 20)], 200),
        ([(100, 10), (200, 20), (300, 30)], 200),
        ([(100, 100)], 100),
        ([(100, 68)], 100),
        ([(100, 50), (200, 50)], 100),
        ([(100, 33), (200, 33), (300, 33)], 200),
        ([(100, 33), (300, 33), (500, 33)], 300),
    ],
)
def test_cases_of_skip_connect(prices: list[tuple[int, int]], expected: int) -> None:
    assert weighted_median(*zip(*prices, strict=True)) == expected


# github.com/pyth-network/pyth-client: price and confidence of each publisher, and the price that they agree on.
# program/rust/test_data/aggregation/15 and 31, pyth/tests/qset/12.
@pytest.mark.parametrize(
    ("quotes", "expected"),
    [
        ([(price, 1000) for price in range(10_000, 17_000, 1000)], 13_000),
        ([(10_010_000, 10), (10_010_020, 10), (10_011_000, 10), (10_011_020, 10)], 10_010_510),
        (
            [
                (4329605500000, 1486500000),
                (4325720000000, 1290000000),
                (43254, 1),
                (4329150000000, 1500000000),
                (4329999999999, 3999999999),
                (4331609000000, 2422000000),
                (4329198852938, 3044669090),
                (0, 200000000),
                (4327900000000, 2000000000),
                (4332090000000, 1000000),
            ],
            4328634500000,
        ),
    ],
)
def test_cases_of_pyth(quotes: list[tuple[int, int]], expected: int) -> None:
    # Each publisher has three votes of one weight. Of an even number of votes Pyth takes the mean of the two in the
    # middle: ours, and ours from above.
    votes = [vote for price, confidence in quotes for vote in (price - confidence, price, price + confidence)]
    ones = [1] * len(votes)
    assert (weighted_median(votes, ones) - weighted_median([-vote for vote in votes], ones)) // 2 == expected


@given(WEIGHTED)
def test_it_is_the_smallest_with_half_of_the_weight_at_or_below(pairs: list[tuple[int, int]]) -> None:
    total = sum(weight for _, weight in pairs)
    halved = [x for x, _ in pairs if 2 * sum(weight for value, weight in pairs if value <= x) >= total]
    assert weighted_median(*zip(*pairs, strict=True)) == min(halved)


@given(WEIGHTED, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(pairs: list[tuple[int, int]], shuffler: Any) -> None:
    shuffled = list(pairs)
    shuffler.shuffle(shuffled)
    assert weighted_median(*zip(*pairs, strict=True)) == weighted_median(*zip(*shuffled, strict=True))


@given(WEIGHTED, WEIGHTED)
def test_liars_below_half_cannot_move_it_out_of_the_honest_range(
    honest: list[tuple[int, int]], liars: list[tuple[int, int]]
) -> None:
    # Scaled so that the honest have more weight whatever was drawn.
    scale = sum(weight for _, weight in liars) // sum(weight for _, weight in honest) + 1
    everybody = [(value, weight * scale) for value, weight in honest] + liars
    found = weighted_median(*zip(*everybody, strict=True))
    assert min(value for value, _ in honest) <= found <= max(value for value, _ in honest)


@given(st.lists(st.tuples(VALUES, VALUES, st.integers(1, 2**128)), min_size=1, max_size=20))
def test_every_column_has_its_own(rows: list[tuple[int, int, int]]) -> None:
    one, other, weights = zip(*rows, strict=True)
    assert weighted_medians([one, other], weights) == [weighted_median(one, weights), weighted_median(other, weights)]


def test_liars_with_half_can() -> None:
    assert weighted_median([100, 101, -999], [1, 1, 2]) == -999


@pytest.mark.parametrize(
    ("values", "weights", "reason"),
    [
        ([], [], "0 values have 0 weights"),
        ([1], [1, 1], "1 values have 2 weights"),
        ([1, 2], [1, 0], "a weight is 0"),
        ([1, 2], [1, -1], "a weight is -1"),
        ([1.5], [1], "1.5 is no int"),
        ([1], [True], "True is no int"),
    ],
)
def test_what_has_no_median_is_refused(values: list[Any], weights: list[Any], reason: str) -> None:
    with pytest.raises(MedianError, match=reason):
        weighted_median(values, weights)
