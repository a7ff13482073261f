from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.execution.errors import CurveError
from noderr.execution.routing import ClobCurve, clob_curve, route
from noderr.execution.routing.testing import FEES, SIDES, instrument, levels
from noderr.market_data.order_book import OrderBook
from noderr.market_data.units import Scale
from noderr.types.trading import Side

D = Decimal


def live_book() -> OrderBook:
    book = OrderBook(Scale(price=2, size=3))
    book.load([(10_000, 1_500), (9_990, 4_000)], [(10_010, 2_000), (10_020, 500), (10_030, 9_000)])
    return book


@pytest.mark.parametrize(("side", "capacity"), [(Side.BUY, 11_500), (Side.SELL, 5_500)])
def test_a_live_books_other_side_is_taken(side: Side, capacity: int) -> None:
    curve = clob_curve(live_book(), side, taker_fee=D("0.001"), instrument=instrument("0.001"))
    assert (curve.side, curve.capacity, curve.quantity_digits) == (side, capacity, 3)


@pytest.mark.parametrize(("side", "size"), [(Side.BUY, 2_300), (Side.SELL, 4_100)])
def test_without_fees_it_costs_what_the_books_own_sweep_costs(side: Side, size: int) -> None:
    book = live_book()
    curve = clob_curve(book, side, taker_fee=D(0), instrument=instrument("0.001"))
    sweep = book.sweep(book.asks if side is Side.BUY else book.bids, size)
    assert curve.cost(size) == side.sign * sweep.cost
    assert curve.worst_price(size) == D(sweep.worst_price or 0) / 100


def test_only_so_many_levels_are_taken_as_are_asked_for() -> None:
    curve = clob_curve(live_book(), Side.BUY, taker_fee=D(0), instrument=instrument("0.001"), depth=2)
    assert curve.capacity == 2_500


def test_a_book_that_has_nothing_fills_nothing() -> None:
    curve = clob_curve(OrderBook(Scale(2, 3)), Side.SELL, taker_fee=D(0), instrument=instrument(min_notional="5"))
    assert (curve.capacity, curve.prices, curve.within(D(1)).capacity) == (0, [], 0)
    assert route(Side.SELL, D(1), {"a": curve}).filled == 0


@given(st.data(), SIDES, FEES, st.integers(0, 60))
def test_cost_and_fees_are_those_of_the_levels(data: st.DataObject, side: Side, fee: Decimal, quantity: int) -> None:
    ladder = data.draw(levels(side))
    curve = ClobCurve.of(side, ladder, taker_fee=fee, instrument=instrument())
    quantity = min(quantity, curve.capacity)
    notional, left = D(0), D(quantity) / 10**curve.quantity_digits
    for price, size in ladder:
        notional += price * min(left, size)
        left -= min(left, size)
    assert D(curve.cost(quantity)).scaleb(-curve.money_digits) == side.sign * notional + fee * notional
    assert D(curve.fees(quantity)).scaleb(-curve.money_digits) == abs(fee) * notional * (1 if fee > 0 else -1)


@given(st.data(), SIDES, FEES)
def test_supply_is_all_that_is_as_cheap(data: st.DataObject, side: Side, fee: Decimal) -> None:
    ladder = data.draw(levels(side))
    curve = ClobCurve.of(side, ladder, taker_fee=fee, instrument=instrument())
    taken = 0
    for (_, size), price in zip(ladder, curve.prices, strict=True):
        assert curve.supply(price - 1) == taken
        taken += int(size)
        assert curve.supply(price) == taken


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"levels": [(D(100), D(1)), (D(99), D(1))]}, "best first"),
        ({"levels": [(D(100), D(1)), (D(100), D(1))]}, "best first"),
        ({"levels": [(D(100), D(0))]}, "above 0"),
        ({"levels": [(D(-1), D(1))]}, "above 0"),
        ({"levels": [(D("NaN"), D(1))]}, "finite"),
        ({"taker_fee": D(1)}, "taker_fee"),
        ({"taker_fee": D("NaN")}, "taker_fee"),
    ],
)
def test_what_is_no_book_is_refused(wrong: dict[str, Any], words: str) -> None:
    given_ = {"levels": [(D(100), D(1))], "taker_fee": D(0), **wrong}
    with pytest.raises(CurveError, match=words):
        ClobCurve.of(Side.BUY, given_["levels"], taker_fee=given_["taker_fee"], instrument=instrument())
