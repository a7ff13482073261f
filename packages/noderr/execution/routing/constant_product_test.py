"""The amounts that Uniswap and Sushi published with their contracts, and what a pool must never do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.execution.routing.constant_product import MOST_RESERVE, amount_in, amount_out

ONE = 10**18
RESERVES = st.integers(10**3, MOST_RESERVE)


@pytest.mark.parametrize(
    ("swapped", "reserve_in", "reserve_out", "expected"),
    [
        # The table of v2-core's tests of the pair.
        (1, 5, 10, 1662497915624478906),
        (1, 10, 5, 453305446940074565),
        (2, 5, 10, 2851015155847869602),
        (2, 10, 5, 831248957812239453),
        (1, 10, 10, 906610893880149131),
        (1, 100, 100, 987158034397061298),
        (1, 1000, 1000, 996006981039903216),
        # More of a pool with the same fee, from the tests of another project.
        (1, 1, 4, 1996995493239859789),
        (1, 1, 100, 49924887330996494742),
        (1, 4, 1, 199519711827096257),
        (1, 100, 1, 9871580343970612),
        (1, 1, 1, 499248873309964947),
        (10, 100, 100, 9066108938801491315),
    ],
)
def test_the_published_amounts(swapped: int, reserve_in: int, reserve_out: int, expected: int) -> None:
    assert amount_out(swapped * ONE, reserve_in * ONE, reserve_out * ONE) == expected


def test_the_published_amount_that_must_go_in() -> None:
    # swapTokensForExactTokens of v2-periphery's tests of the router.
    assert amount_in(ONE, 5 * ONE, 10 * ONE) == 557227237267357629


@pytest.mark.parametrize(
    ("swapped", "reserve_in", "reserve_out", "expected"),
    [(0, ONE, ONE, 0), (1, ONE, 1000 * ONE, 996), (10, 1000 * ONE, ONE, 0), (1, ONE, ONE, 0), (100, ONE, ONE, 99)],
)
def test_a_few_base_units(swapped: int, reserve_in: int, reserve_out: int, expected: int) -> None:
    assert amount_out(swapped, reserve_in, reserve_out) == expected


@given(st.integers(1, MOST_RESERVE), RESERVES, RESERVES)
def test_nobody_gains_from_rounding(swapped: int, reserve_in: int, reserve_out: int) -> None:
    out = amount_out(swapped, reserve_in, reserve_out)
    # The contract's own check: the product with what the fee leaves never gets smaller.
    after = (reserve_in * 1000 + swapped * 997) * (reserve_out - out)
    assert after >= reserve_in * 1000 * reserve_out
    assert (reserve_in * 1000 + swapped * 997) * (reserve_out - out - 1) < reserve_in * 1000 * reserve_out


@given(st.integers(1, MOST_RESERVE), RESERVES, RESERVES)
def test_what_must_go_in_is_enough_and_one_less_or_two_is_not(wanted: int, reserve_in: int, reserve_out: int) -> None:
    wanted = wanted % (reserve_out - 1) + 1
    needed = amount_in(wanted, reserve_in, reserve_out)
    assert amount_out(needed, reserve_in, reserve_out) >= wanted
    # The contract adds one even to what is whole already.
    assert amount_out(max(0, needed - 2), reserve_in, reserve_out) < wanted
