"""Resting orders at a simulated venue: their queue, what fills them, and what does not."""

from __future__ import annotations

from decimal import Decimal

from noderr.exchanges.testing import (
    ASKS,
    BIDS,
    after,
    money,
    order,
    ready_venue,
    said,
    simulated_venue,
    submitted,
    traded,
)
from noderr.exchanges.updates import Filled
from noderr.exchanges.venue import FeeSchedule
from noderr.market_data.testing import delta, gap, moment, snapshot
from noderr.types.trading import OrderState, Side

BUY = Side.BUY


def test_an_order_waits_behind_all_that_was_there() -> None:
    venue = ready_venue()
    assert submitted(venue, 1, BUY, "2", "100") == ["Accepted o-1"]
    assert money(venue) == ("800", "200")
    assert after(venue, traded(2, "100", "4", "sell")) == []
    assert after(venue, traded(3, "100", "2", "sell")) == ["Filled o-1 1@100 maker"]
    # The buyer of this one lifted an ask.
    assert after(venue, traded(4, "101", "9", "buy")) == []
    assert after(venue, traded(5, "100", "9", "sell")) == ["Filled o-1 1@100 maker"]
    assert money(venue) == ("800", "0")
    assert venue.open_orders() == ()


def test_who_cancels_stood_behind_us_as_long_as_that_is_possible() -> None:
    venue = ready_venue()
    submitted(venue, 1, BUY, "2", "100")
    assert after(venue, delta(2, bids=((10_000, 9_000),))) == []
    assert after(venue, delta(3, bids=((10_000, 5_000),))) == []
    # Of 5 ahead at most 1 is left.
    assert after(venue, delta(4, bids=((10_000, 1_000),))) == []
    assert after(venue, traded(6, "100", "2", "sell")) == ["Filled o-1 1@100 maker"]


def test_a_level_that_shrank_by_a_trade_that_is_told_later_counts_once() -> None:
    venue = ready_venue()
    submitted(venue, 1, BUY, "2", "100")
    assert after(venue, delta(2, bids=((10_000, 1_000),))) == []
    assert after(venue, traded(2.5, "100", "4", "sell")) == []
    assert after(venue, traded(2.6, "100", "2", "sell")) == ["Filled o-1 1@100 maker"]


def test_a_trade_at_a_worse_price_would_have_met_us_first() -> None:
    venue = ready_venue()
    submitted(venue, 1, BUY, "2", "100")
    assert after(venue, traded(2, "99.90", "0.5", "sell")) == ["Filled o-1 0.5@100 maker"]
    assert after(venue, traded(3, "99.90", "20", "sell")) == ["Filled o-1 1.5@100 maker"]


def test_what_was_traded_before_we_came_did_not_meet_us() -> None:
    venue = ready_venue()
    submitted(venue, 1, BUY, "2", "100", at=5)
    assert after(venue, traded(4, "99", "20", "sell")) == []


def test_our_orders_together_get_no_more_than_was_traded() -> None:
    venue = ready_venue()
    submitted(venue, 1, BUY, "2", "99.95")
    submitted(venue, 2, BUY, "2", "100.50")
    submitted(venue, 3, BUY, "2", "100.50")
    assert after(venue, traded(2, "100.50", "3", "sell")) == ["Filled o-2 2@100.5 maker", "Filled o-3 1@100.5 maker"]
    assert after(venue, traded(3, "99.90", "2", "sell")) == ["Filled o-3 1@100.5 maker", "Filled o-1 1@99.95 maker"]


def test_a_book_that_crosses_our_price_fills_it_by_what_it_shows() -> None:
    venue = ready_venue()
    submitted(venue, 1, BUY, "2", "100.50")
    assert after(venue, delta(2, asks=((10_040, 500), (10_050, 700)))) == ["Filled o-1 1.2@100.5 maker"]
    # The same again is no more.
    assert after(venue, delta(3, asks=((10_040, 500), (10_050, 700)))) == []
    assert after(venue, delta(4, asks=((10_040, 600),))) == ["Filled o-1 0.1@100.5 maker"]


def test_a_price_deeper_than_the_feed_tells_is_behind_something_unknown() -> None:
    venue = ready_venue()
    submitted(venue, 1, BUY, "2", "99")
    assert after(venue, traded(2, "99", "50", "sell")) == []
    assert after(venue, delta(3, bids=((9_900, 3_000),))) == []
    assert after(venue, traded(4, "99", "4", "sell")) == ["Filled o-1 1@99 maker"]


def test_a_taker_that_is_not_filled_whole_rests() -> None:
    venue = ready_venue("10000")
    assert submitted(venue, 1, BUY, "8", "101") == ["Accepted o-1", "Filled o-1 7@101 taker"]
    assert venue.open_orders()[0].state is OrderState.PARTIALLY_FILLED
    assert money(venue) == ("9192", "101")
    assert after(venue, traded(2, "101", "1", "sell")) == ["Filled o-1 1@101 maker"]


def test_while_nobody_knows_the_book_nothing_is_traded_and_what_rests_stays() -> None:
    venue = simulated_venue()
    assert submitted(venue, 1, BUY, "1", "100") == ["Rejected o-1 no-market"]
    venue.on_market(snapshot(1, BIDS, ASKS), moment(1))
    submitted(venue, 2, BUY, "1", "100")
    assert after(venue, gap(2)) == []
    assert submitted(venue, 3, BUY, "1", "100", at=2) == ["Rejected o-3 no-market"]
    assert after(venue, traded(3, "90", "100", "sell")) == []
    assert after(venue, delta(3, asks=((9_000, 5),))) == []
    assert [each.order.client_order_id for each in venue.open_orders()] == ["o-2"]
    assert after(venue, snapshot(4, ((9_500, 1_000),), ((9_900, 300),))) == ["Filled o-2 0.3@100 maker"]
    venue.cancel("o-2", moment(5))
    assert said(venue.on_time(moment(5))) == ["Canceled o-2"]


def test_a_maker_pays_the_makers_fee_and_gets_a_rebate() -> None:
    venue = ready_venue(fees=FeeSchedule(maker=Decimal("-0.0001"), taker=Decimal("0.0026")))
    venue.submit(order(1, BUY, "2", "100"), moment(1))
    venue.on_time(moment(1))
    assert money(venue) == ("799.48", "200.52")
    venue.on_market(traded(2, "99", "9", "sell"), moment(2))
    (update,) = venue.on_time(moment(2))
    assert isinstance(update, Filled)
    assert str(update.fill.fee) == "-0.02 USD"
    assert money(venue) == ("800.02", "0")
