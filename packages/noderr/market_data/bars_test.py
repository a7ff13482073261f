from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.market_data.bars import Bar, BarBuilder
from noderr.market_data.errors import BarError, LateTradeError
from noderr.market_data.testing import SECOND, SYMBOL, T0, VENUE, moment, trade

STEP = 60 * SECOND


def builder(from_seconds: float = 0.0) -> BarBuilder:
    return BarBuilder(VENUE, SYMBOL, STEP, moment(from_seconds))


def test_a_bar_holds_what_was_traded_and_is_stamped_at_its_close() -> None:
    bars = builder()
    for at, price, quantity in ((1, "100.5", "2"), (5, "99", "1"), (59, "101", "0.5")):
        assert bars.on_trade(trade(at, price, quantity)) == []
    (bar,) = bars.on_trade(trade(60, "200"))
    assert (bar.open_ns, bar.close_ns) == (T0, T0 + STEP)
    assert (bar.open, bar.high, bar.low, bar.close) == tuple(map(Decimal, ("100.5", "101", "99", "101")))
    assert (bar.volume, bar.turnover, bar.trades, bar.complete) == (Decimal("3.5"), Decimal("350.5"), 3, True)


def test_an_interval_without_trades_is_a_bar_without_prices() -> None:
    bars = builder()
    bars.on_trade(trade(10, "100"))
    first, second, third = bars.close_until(moment(185))
    assert (first.trades, second.trades, third.trades) == (1, 0, 0)
    assert (second.open, second.high, second.low, second.close, second.volume) == (None, None, None, None, Decimal(0))
    assert second.complete


def test_the_first_bar_is_incomplete_when_its_beginning_was_not_seen() -> None:
    bars = builder(from_seconds=0.5)
    first, second = bars.close_until(moment(120))
    assert (first.open_ns, first.complete, second.complete) == (T0, False, True)


def test_a_gap_marks_every_bar_that_it_touches() -> None:
    bars = builder()
    assert [bar.complete for bar in bars.close_until(moment(60))] == [True]
    bars.on_gap()
    assert [bar.complete for bar in bars.close_until(moment(180))] == [False, False]
    bars.on_known(moment(190))
    assert [bar.complete for bar in bars.close_until(moment(300))] == [False, True]


def test_a_gap_that_ends_in_the_bar_in_which_it_began_marks_that_bar() -> None:
    bars = builder()
    bars.on_gap()
    bars.on_known(moment(5))
    assert [bar.complete for bar in bars.close_until(moment(120))] == [False, True]


def test_a_gap_that_ends_exactly_with_a_bar_leaves_the_next_whole() -> None:
    bars = builder()
    bars.on_gap()
    bars.on_known(moment(60))
    assert [bar.complete for bar in bars.close_until(moment(120))] == [False, True]


def test_a_late_trade_does_not_change_what_was_told() -> None:
    bars = builder()
    bars.close_until(moment(60))
    with pytest.raises(LateTradeError, match="all is closed until"):
        bars.on_trade(trade(59.9, "100"))
    (bar,) = bars.close_until(moment(120))
    assert bar.trades == 0


def test_what_makes_no_bar_is_refused() -> None:
    with pytest.raises(BarError, match="divide a day"):
        BarBuilder(VENUE, SYMBOL, 7 * SECOND, T0)
    with pytest.raises(BarError, match="at least a second"):
        BarBuilder(VENUE, SYMBOL, 1000, T0)
    with pytest.raises(BarError, match="from_ns"):
        BarBuilder(VENUE, SYMBOL, STEP, -1)
    with pytest.raises(BarError, match="in bars of kraken:BTC/EUR"):
        BarBuilder(VENUE, "BTC/EUR", STEP, T0).on_trade(trade(1, "1"))
    with pytest.raises(BarError, match="more than 10000 bars"):
        builder().on_trade(trade(60 * 10_002, "1"))


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 500), st.integers(1, 9)), max_size=60))
def test_bars_hold_every_trade_once_and_follow_one_another(raw: list[tuple[int, int, int]]) -> None:
    trades = [trade(at, str(price), str(quantity)) for at, price, quantity in sorted(raw, key=lambda one: one[0])]
    bars = builder()
    told: list[Bar] = [bar for one in trades for bar in bars.on_trade(one)] + bars.close_until(moment(660))
    assert [bar.open_ns for bar in told] == [T0 + number * STEP for number in range(11)]
    for bar in told:
        own = [one for one in trades if bar.open_ns <= one.event_ns < bar.close_ns]
        assert bar.trades == len(own)
        assert bar.volume == sum(one.quantity for one in own)
        assert bar.turnover == sum(one.price * one.quantity for one in own)
        assert (bar.high, bar.low) == ((max(o.price for o in own), min(o.price for o in own)) if own else (None, None))
        assert (bar.open, bar.close) == ((own[0].price, own[-1].price) if own else (None, None))
