"""Order flow against its definition in words, by hand and for any two books."""

from __future__ import annotations

from copy import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.alpha_edge.order_flow import depth, order_flow
from noderr.alpha_edge.testing import Law, mirrored, simulate, view
from noderr.types.trading.market_view import MarketView


def book(bid: int, bid_size: int, ask: int, ask_size: int) -> MarketView:
    return view((str(bid), str(bid_size)), (str(ask), str(ask_size)))


@pytest.mark.parametrize(
    ("now", "flow"),
    [
        ((100, 7, 102, 4), 2),  # Two more to buy at the same price.
        ((100, 5, 102, 3), 1),  # One less to sell.
        ((101, 2, 102, 4), 2),  # A better bid: all of it came.
        ((99, 9, 102, 4), -5),  # The best bid went: all of it is gone.
        ((100, 5, 103, 8), 4),  # The best ask was taken.
        ((100, 5, 101, 6), -6),  # A better ask: all of it came.
        ((101, 2, 103, 8), 6),  # The price rose.
        ((100, 5, 102, 4), 0),
    ],
)
def test_each_case_of_the_paper(now: tuple[int, int, int, int], flow: int) -> None:
    assert order_flow(book(100, 5, 102, 4), book(*now)) == flow


_BOOKS = st.tuples(st.integers(95, 99), st.integers(1, 20), st.integers(100, 104), st.integers(1, 20))


@settings(max_examples=100)
@given(_BOOKS, _BOOKS)
def test_it_is_the_equation_with_its_indicators(before: tuple[int, ...], now: tuple[int, ...]) -> None:
    (pb0, qb0, pa0, qa0), (pb, qb, pa, qa) = before, now
    expected = (pb >= pb0) * qb - (pb <= pb0) * qb0 - (pa <= pa0) * qa + (pa >= pa0) * qa0
    assert order_flow(book(*before), book(*now)) == expected


def test_it_loses_no_digit() -> None:
    before, now = view(("1", "1e20"), ("2", "1")), view(("1", "100000000000000000000.00000000000000000001"), ("2", "1"))
    assert order_flow(before, now) == Decimal("1e-20")
    assert depth(now) == Decimal("50000000000000000000.500000000000000000005")


def test_levels_add_up_as_far_as_both_views_have_them() -> None:
    views = simulate(Law(foretold=0, noise=1, bars=3), seed=1)
    shallow = view(("20000", "5"), ("20000.003", "5"))
    for before, now in pairwise(views):
        one, two = order_flow(before, now), order_flow(before, now, levels=2)
        deeper = [replace(one, bids=one.bids[1:], asks=one.asks[1:]) for one in (before, now)]
        assert two == one + order_flow(deeper[0], deeper[1])
        assert order_flow(before, now, levels=10) == two
        assert order_flow(shallow, now, levels=2) == order_flow(shallow, now)


def test_a_mirrored_book_has_the_opposite_flow() -> None:
    views = simulate(Law(foretold=0, noise=1, bars=3), seed=2)
    others = mirrored(views)
    for place in range(1, len(views)):
        assert order_flow(others[place - 1], others[place]) == -order_flow(views[place - 1], views[place])
