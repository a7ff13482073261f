"""Views: what changed is told once, in numbers without a gap, and what is not known is said to be so."""

from __future__ import annotations

from decimal import Decimal

from noderr.market_data.events import MarketEvent
from noderr.market_data.live_market import LiveMarket, MarketName
from noderr.market_data.testing import SYMBOL, VENUE, delta, gap, moment, snapshot, trade
from noderr.market_data.view_publisher import ViewPublisher
from noderr.types.trading import Side
from noderr.types.trading.market_view import MAX_TRADES, MarketView
from noderr.types.trading.market_view_on_wire import market_view_from_wire, market_view_to_wire

SECOND_NS = 1_000_000_000


class Told:
    def __init__(self) -> None:
        self.market = LiveMarket(MarketName(VENUE, SYMBOL))
        self.publisher = ViewPublisher(self.market)

    def take(self, *events: MarketEvent) -> MarketView | None:
        for event in events:
            self.market.take(event)
            self.publisher.on_event(event)
        return self.publisher.next_view(heartbeat_ns=SECOND_NS)


def test_nothing_is_told_before_anything_was_heard() -> None:
    assert Told().take() is None


def test_a_book_is_told_once_and_again_when_it_changes() -> None:
    told = Told()
    first = told.take(snapshot(0, bids=((10_000, 5), (9_990, 2)), asks=((10_100, 7),)))
    assert first is not None
    assert (first.sequence, first.known, first.received_ns) == (1, True, moment(0))
    assert [(one.price, one.size) for one in first.bids] == [
        (Decimal("100.00"), Decimal("0.005")),
        (Decimal("99.90"), Decimal("0.002")),
    ]
    assert told.take() is None
    second = told.take(delta(0.1, asks=((10_100, 0), (10_110, 1))))
    assert second is not None
    assert (second.sequence, second.asks[0].price) == (2, Decimal("101.10"))
    assert market_view_from_wire(market_view_to_wire(second)) == second


def test_the_same_book_is_told_again_after_a_while() -> None:
    told = Told()
    told.take(snapshot(0))
    assert told.take(delta(0.5, bids=((10_000, 5),))) is None
    again = told.take(delta(1.0, bids=((10_000, 5),)))
    assert again is not None
    assert again.sequence == 2


def test_trades_are_told_once_each_and_never_lost() -> None:
    told = Told()
    told.take(snapshot(0))
    many = told.take(*(trade(0.2, "100.5") for _ in range(MAX_TRADES + 3)))
    assert many is not None
    assert len(many.trades) == MAX_TRADES
    rest = told.take()
    assert rest is not None
    assert (len(rest.trades), rest.trades[0].taker, rest.sequence) == (3, Side.BUY, 3)
    assert told.take() is None


def test_a_book_that_is_lost_is_said_to_be_unknown() -> None:
    told = Told()
    told.take(snapshot(0))
    lost = told.take(gap(0.3))
    assert lost is not None
    assert (lost.known, lost.bids, lost.asks, lost.sequence) == (False, (), (), 2)


def test_a_crossed_book_is_told_as_unknown() -> None:
    told = Told()
    told.take(snapshot(0))
    crossed = told.take(delta(0.1, bids=((10_100, 1),)))
    assert crossed is not None
    assert not crossed.known


def test_a_gap_that_is_of_an_earlier_time_is_told_at_the_time_that_was_told_before() -> None:
    told = Told()
    told.take(snapshot(1))
    lost = told.take(gap(0.5))
    assert lost is not None
    assert (lost.known, lost.received_ns) == (False, moment(1))


def test_a_number_is_left_out_where_something_was_missed() -> None:
    told = Told()
    told.publisher = ViewPublisher(told.market, first=7)
    first = told.take(snapshot(0))
    told.publisher.skip()
    second = told.take(delta(0.1, bids=((10_010, 1),)))
    assert first is not None
    assert second is not None
    assert (first.sequence, second.sequence) == (7, 9)
