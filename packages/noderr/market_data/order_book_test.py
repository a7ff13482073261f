from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.market_data.errors import BookError, UnitsError
from noderr.market_data.order_book import OrderBook
from noderr.market_data.testing import SCALE
from noderr.market_data.units import to_decimal, to_units

CHANGES = st.lists(st.tuples(st.booleans(), st.integers(1, 60), st.integers(0, 3)), max_size=120)


@given(CHANGES, st.one_of(st.none(), st.integers(1, 8)))
def test_a_book_is_what_a_sorted_dictionary_is(changes: list[tuple[bool, int, int]], depth: int | None) -> None:
    book = OrderBook(SCALE, depth)
    model: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for is_bid, price, size in changes:
        book.apply(((price, size),) if is_bid else (), () if is_bid else ((price, size),))
        side = model[not is_bid]
        side[price] = size
        if not size:
            del side[price]
        for kept in list(sorted(side, reverse=is_bid)[depth:] if depth is not None else ()):
            del side[kept]
    bids = sorted(model[0].items(), reverse=True)
    asks = sorted(model[1].items())
    assert (book.bids.top(100), book.asks.top(100)) == (bids, asks)
    assert (book.bids.best(), book.asks.best()) == (bids[0] if bids else None, asks[0] if asks else None)
    assert book.is_crossed() == bool(bids and asks and bids[0][0] >= asks[0][0])
    assert (book.bids.top(2), len(book.asks)) == (bids[:2], len(asks))


@given(
    st.lists(st.tuples(st.integers(1, 99), st.integers(1, 9)), unique_by=lambda level: level[0], min_size=1),
    st.integers(1, 400),
)
def test_a_sweep_takes_the_best_first_and_loses_nothing(levels: list[tuple[int, int]], size: int) -> None:
    book = OrderBook(SCALE)
    book.load((), levels)
    swept = book.sweep(book.asks, size)
    units = [price for price, there in sorted(levels) for _ in range(there)][:size]
    assert (swept.filled, swept.unfilled, swept.cost) == (len(units), size - len(units), sum(units))
    assert swept.worst_price == units[-1]


@pytest.mark.parametrize("levels", [((5, 1), (5, 2)), ((0, 1),), ((-3, 1),), ((3, 0),), ((3, -1),)])
def test_a_snapshot_that_no_book_has_is_refused(levels: tuple[tuple[int, int], ...]) -> None:
    book = OrderBook(SCALE)
    book.load([(1, 1)], [(2, 2)])
    with pytest.raises(BookError):
        book.load(levels, ())
    assert (book.bids.top(9), book.asks.top(9)) == ([(1, 1)], [(2, 2)])


@pytest.mark.parametrize("level", [(0, 1), (-1, 1), (1, -1)])
def test_a_level_that_is_none_is_refused(level: tuple[int, int]) -> None:
    with pytest.raises(BookError, match="price is positive"):
        OrderBook(SCALE).apply((level,), ())


def test_impossible_figures_are_refused() -> None:
    with pytest.raises(BookError, match="depth is 0"):
        OrderBook(SCALE, 0)
    book = OrderBook(SCALE)
    with pytest.raises(BookError, match="size is 0"):
        book.sweep(book.bids, 0)


@given(st.integers(0, 10**12), st.integers(0, 12), st.integers(0, 4))
def test_units_are_the_exact_number(units: int, digits: int, more: int) -> None:
    text = format(to_decimal(units, digits), "f")
    assert Fraction(to_units(text, digits + more), 10 ** (digits + more)) == Fraction(text)
    assert to_decimal(to_units(text, digits), digits) == to_decimal(units, digits)


@pytest.mark.parametrize(
    "text", ["", ".5", "-1", "+1", "1e3", "1_0", " 1", "1.2.3", "0x1", "NaN", "١", "²", "1.234", "9" * 41]
)
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(UnitsError):
        to_units(text, 2)


def test_needless_zeros_cost_no_digit() -> None:
    assert to_units("1.2300", 2) == 123
