"""A simulated venue: takers walk what is really there, makers wait in a queue, and money adds up."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from noderr.exchanges.errors import InvalidOrderError, OutcomeUnknownError
from noderr.exchanges.latency import ConstantLatency, DrawnLatency
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.exchanges.testing import FEES, INSTRUMENT, order, said, simulated_venue, traded
from noderr.exchanges.updates import Accepted, Filled, OrderUpdate
from noderr.exchanges.venue import FeeSchedule
from noderr.market_data.events import MarketEvent
from noderr.market_data.testing import SYMBOL, T0, delta, gap, moment, snapshot
from noderr.types.trading import FieldError, OrderState, Side, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
TIF = TimeInForce
BIDS = ((10_000, 5_000), (9_990, 20_000))
ASKS = ((10_100, 7_000), (10_110, 3_000), (10_200, 1_000))
"""7 at 101.00, 3 at 101.10, 1 at 102.00."""


def ready(usd: str = "1000", btc: str = "0", fees: FeeSchedule | None = None) -> SimulatedVenue:
    """Its book is known."""
    venue = simulated_venue(usd, btc, fees) if fees else simulated_venue(usd, btc)
    venue.on_market(snapshot(0, BIDS, ASKS), T0)
    return venue


def after(venue: SimulatedVenue, event: MarketEvent) -> list[str]:
    """What is told when that has happened."""
    venue.on_market(event, event.received_ns)
    return said(venue.on_time(event.received_ns))


def submitted(
    venue: SimulatedVenue, *args: object, at: float = 1, post_only: bool = False, **more: object
) -> list[str]:
    venue.submit(order(*args, **more), moment(at), post_only)  # type: ignore[arg-type]
    return said(venue.on_time(moment(at)))


def money(venue: SimulatedVenue, currency: str = "USD") -> tuple[str, str]:
    """Free and reserved."""
    balance = venue.balances()[currency]
    return f"{balance.free.normalize():f}", f"{balance.reserved.normalize():f}"


def test_a_taker_walks_the_levels_and_the_rest_is_canceled() -> None:
    venue = ready("10000")
    assert submitted(venue, 1, BUY, "12") == [
        "Accepted o-1",
        "Filled o-1 7@101 taker",
        "Filled o-1 3@101.1 taker",
        "Filled o-1 1@102 taker",
        "Canceled o-1",
    ]
    assert money(venue) == ("8887.7", "0")
    assert venue.balances()["BTC"].free == 11


def test_what_was_taken_is_gone_until_the_venue_shows_more() -> None:
    venue = ready("10000")
    assert "Filled o-1 7@101 taker" in submitted(venue, 1, BUY, "7", "101", TIF.IOC)
    assert submitted(venue, 2, BUY, "1", "101", TIF.IOC) == ["Accepted o-2", "Canceled o-2"]
    # Somebody took a part of it away: of what is still shown all would have been ours.
    assert after(venue, delta(2, asks=((10_100, 4_000),))) == []
    assert submitted(venue, 3, BUY, "1", "101", TIF.IOC, at=2) == ["Accepted o-3", "Canceled o-3"]
    # Two more came.
    assert after(venue, delta(3, asks=((10_100, 6_000),))) == []
    assert submitted(venue, 4, BUY, "5", "101", TIF.IOC, at=3)[1:] == ["Filled o-4 2@101 taker", "Canceled o-4"]
    assert after(venue, delta(4, asks=((10_100, 0),))) == []
    assert after(venue, delta(5, asks=((10_100, 1_000),))) == []
    assert submitted(venue, 5, BUY, "5", "101", TIF.IOC, at=5)[1:] == ["Filled o-5 1@101 taker", "Canceled o-5"]


def test_a_new_snapshot_gives_nothing_back_that_may_be_the_same() -> None:
    venue = ready("10000")
    submitted(venue, 1, BUY, "10", "101.10", TIF.IOC)
    assert after(venue, gap(2)) == []
    assert after(venue, snapshot(3, BIDS, ((10_100, 8_000), (10_200, 1_000)))) == []
    assert submitted(venue, 2, BUY, "9", "101", TIF.IOC, at=3)[1:] == ["Filled o-2 1@101 taker", "Canceled o-2"]


def test_an_order_waits_behind_all_that_was_there() -> None:
    venue = ready()
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
    venue = ready()
    submitted(venue, 1, BUY, "2", "100")
    assert after(venue, delta(2, bids=((10_000, 9_000),))) == []
    assert after(venue, delta(3, bids=((10_000, 5_000),))) == []
    # Of 5 ahead at most 1 is left.
    assert after(venue, delta(4, bids=((10_000, 1_000),))) == []
    assert after(venue, traded(6, "100", "2", "sell")) == ["Filled o-1 1@100 maker"]


def test_a_level_that_shrank_by_a_trade_that_is_told_later_counts_once() -> None:
    venue = ready()
    submitted(venue, 1, BUY, "2", "100")
    assert after(venue, delta(2, bids=((10_000, 1_000),))) == []
    assert after(venue, traded(2.5, "100", "4", "sell")) == []
    assert after(venue, traded(2.6, "100", "2", "sell")) == ["Filled o-1 1@100 maker"]


def test_a_trade_at_a_worse_price_would_have_met_us_first() -> None:
    venue = ready()
    submitted(venue, 1, BUY, "2", "100")
    assert after(venue, traded(2, "99.90", "0.5", "sell")) == ["Filled o-1 0.5@100 maker"]
    assert after(venue, traded(3, "99.90", "20", "sell")) == ["Filled o-1 1.5@100 maker"]


def test_what_was_traded_before_we_came_did_not_meet_us() -> None:
    venue = ready()
    submitted(venue, 1, BUY, "2", "100", at=5)
    assert after(venue, traded(4, "99", "20", "sell")) == []


def test_our_orders_together_get_no_more_than_was_traded() -> None:
    venue = ready()
    submitted(venue, 1, BUY, "2", "99.95")
    submitted(venue, 2, BUY, "2", "100.50")
    submitted(venue, 3, BUY, "2", "100.50")
    assert after(venue, traded(2, "100.50", "3", "sell")) == ["Filled o-2 2@100.5 maker", "Filled o-3 1@100.5 maker"]
    assert after(venue, traded(3, "99.90", "2", "sell")) == ["Filled o-3 1@100.5 maker", "Filled o-1 1@99.95 maker"]


def test_a_book_that_crosses_our_price_fills_it_by_what_it_shows() -> None:
    venue = ready()
    submitted(venue, 1, BUY, "2", "100.50")
    assert after(venue, delta(2, asks=((10_040, 500), (10_050, 700)))) == ["Filled o-1 1.2@100.5 maker"]
    # The same again is no more.
    assert after(venue, delta(3, asks=((10_040, 500), (10_050, 700)))) == []
    assert after(venue, delta(4, asks=((10_040, 600),))) == ["Filled o-1 0.1@100.5 maker"]


def test_a_price_deeper_than_the_feed_tells_is_behind_something_unknown() -> None:
    venue = ready()
    submitted(venue, 1, BUY, "2", "99")
    assert after(venue, traded(2, "99", "50", "sell")) == []
    assert after(venue, delta(3, bids=((9_900, 3_000),))) == []
    assert after(venue, traded(4, "99", "4", "sell")) == ["Filled o-1 1@99 maker"]


def test_a_taker_that_is_not_filled_whole_rests() -> None:
    venue = ready("10000")
    assert submitted(venue, 1, BUY, "8", "101") == ["Accepted o-1", "Filled o-1 7@101 taker"]
    assert venue.open_orders()[0].state is OrderState.PARTIALLY_FILLED
    assert money(venue) == ("9192", "101")
    assert after(venue, traded(2, "101", "1", "sell")) == ["Filled o-1 1@101 maker"]


def test_fill_or_kill_is_all_or_nothing() -> None:
    venue = ready("10000")
    assert submitted(venue, 1, BUY, "10.001", "101.10", TIF.FOK) == ["Rejected o-1 cannot-fill"]
    assert submitted(venue, 2, BUY, "10", "101.10", TIF.FOK)[1:] == [
        "Filled o-2 7@101 taker",
        "Filled o-2 3@101.1 taker",
    ]


def test_post_only_rests_or_is_refused() -> None:
    venue = ready()
    assert submitted(venue, 1, BUY, "1", "101", post_only=True) == ["Rejected o-1 would-take"]
    assert submitted(venue, 2, BUY, "1", "100.99", post_only=True) == ["Accepted o-2"]
    with pytest.raises(InvalidOrderError, match="has to rest, GTC or GTD"):
        venue.submit(order(3, BUY, "1"), moment(1), post_only=True)
    assert venue.order("o-3") is None


def test_a_date_ends_an_order() -> None:
    venue = ready()
    assert submitted(venue, 1, BUY, "1", "100", expires_at=9.0) == ["Accepted o-1"]
    assert venue.next_time_ns == moment(9)
    assert venue.on_time(moment(8.9)) == []
    (update,) = venue.on_time(moment(12))
    assert (said([update]), update.at_ns) == (["Expired o-1"], moment(9))
    assert money(venue) == ("1000", "0")
    assert venue.open_orders() == ()
    assert submitted(venue, 2, BUY, "1", "100", expires_at=9.0, at=12) == ["Rejected o-2 too-late"]


def test_a_date_comes_before_a_request_of_that_time() -> None:
    venue = ready()
    submitted(venue, 1, BUY, "1", "100", expires_at=9.0)
    venue.cancel("o-1", moment(9))
    assert said(venue.on_time(moment(9))) == ["Expired o-1", "CancelRejected o-1 too-late"]
    slow = simulated_venue(latency=ConstantLatency(cancel=10**9))
    slow.on_market(snapshot(0, BIDS, ASKS), T0)
    submitted(slow, 1, BUY, "1", "100", expires_at=9.0)
    slow.cancel("o-1", moment(8))
    assert said(slow.on_time(moment(10))) == ["Expired o-1", "CancelRejected o-1 too-late"]


def test_our_own_orders_do_not_meet() -> None:
    venue = ready(btc="5")
    submitted(venue, 1, SELL, "1", "100.50")
    assert submitted(venue, 2, BUY, "1", "100.50") == ["Accepted o-2", "Canceled o-2"]
    assert submitted(venue, 3, BUY, "1", "100.50", TIF.FOK) == ["Rejected o-3 cannot-fill"]
    assert submitted(venue, 4, BUY, "1", "100.50", post_only=True) == ["Rejected o-4 would-take"]
    assert [each.order.client_order_id for each in venue.open_orders()] == ["o-1"]


@pytest.mark.parametrize("own", ["101.05", "101.10"])
def test_what_lies_at_our_own_price_or_beyond_we_do_not_take(own: str) -> None:
    venue = ready("10000", btc="5")
    submitted(venue, 1, SELL, "1", own)
    assert submitted(venue, 2, BUY, "9", "102") == ["Accepted o-2", "Filled o-2 7@101 taker", "Canceled o-2"]


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ((1, BUY, "1", "100.005"), "off-tick"),
        ((1, BUY, "0.0015", "100"), "off-lot"),
        ((1, BUY, "0.001", "49"), "below-minimum"),
        ((1, BUY, "100", "100"), "insufficient-funds"),
        ((1, BUY, "9.9"), "insufficient-funds"),
        ((1, SELL, "1"), "insufficient-funds"),
        ((1, BUY, "9" * 77, "100000000.01"), "insufficient-funds"),
        ((1, BUY, "1" + "0" * 76, "9" * 70), "insufficient-funds"),
    ],
)
def test_what_the_venue_does_not_take(args: tuple[object, ...], reason: str) -> None:
    venue = ready("990")
    assert submitted(venue, *args) == [f"Rejected o-1 {reason}"]
    told = venue.order("o-1")
    assert told is not None
    assert told.state is OrderState.REJECTED
    assert money(venue) == ("990", "0")


def test_what_is_not_listed_is_not_traded() -> None:
    assert submitted(ready(), 1, BUY, "1", "100", symbol="ETH/USD") == ["Rejected o-1 unknown-symbol"]


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


def test_an_id_is_used_once() -> None:
    venue = ready()
    submitted(venue, 1, BUY, "1", "100")
    assert submitted(venue, 1, BUY, "2", "99") == ["Rejected o-1 duplicate-id"]
    told = venue.order("o-1")
    assert told is not None
    assert (told.state, told.order.quantity) == (OrderState.NEW, Decimal(1))


def test_cancels_that_come_too_late_or_find_nothing() -> None:
    venue = ready()
    submitted(venue, 1, BUY, "1", "101")
    for name in ("o-1", "o-9"):
        venue.cancel(name, moment(2))
    assert said(venue.on_time(moment(2))) == ["CancelRejected o-1 too-late", "CancelRejected o-9 unknown-order"]


def test_fees_are_rounded_up_over_the_order_as_a_whole() -> None:
    venue = ready("10000", fees=FEES)
    updates = after_order(venue, order(1, BUY, "7.333", "101.10"))
    fills = [one.fill for one in updates if isinstance(one, Filled)]
    assert [str(fill.fee) for fill in fills] == ["1.8382 USD", "0.08753238 USD"]
    exact = sum(fill.notional.amount for fill in fills) * Decimal("0.0026")
    assert 0 <= sum(fill.fee.amount for fill in fills) - exact < Decimal("1E-8")
    # What was bound for the worst price is free again.
    assert money(venue)[1] == "0"


def test_a_maker_pays_the_makers_fee_and_gets_a_rebate() -> None:
    venue = ready(fees=FeeSchedule(maker=Decimal("-0.0001"), taker=Decimal("0.0026")))
    venue.submit(order(1, BUY, "2", "100"), moment(1))
    venue.on_time(moment(1))
    assert money(venue) == ("799.48", "200.52")
    venue.on_market(traded(2, "99", "9", "sell"), moment(2))
    (update,) = venue.on_time(moment(2))
    assert isinstance(update, Filled)
    assert str(update.fill.fee) == "-0.02 USD"
    assert money(venue) == ("800.02", "0")


def after_order(venue: SimulatedVenue, *orders: object) -> list[OrderUpdate]:
    for one in orders:
        venue.submit(one, moment(1))  # type: ignore[arg-type]
    return venue.on_time(moment(1))


def test_words_take_their_time() -> None:
    venue = simulated_venue(latency=ConstantLatency(order=10**9, cancel=2 * 10**9, report=5 * 10**8))
    venue.on_market(snapshot(0, BIDS, ASKS), T0)
    assert venue.submit(order(1, BUY, "1", "100"), T0) == moment(1)
    with pytest.raises(OutcomeUnknownError, match="on its way"):
        venue.order("o-1")
    assert venue.next_time_ns == moment(1)
    assert venue.on_time(moment(1)) == []
    told = venue.order("o-1")
    assert told is not None
    assert told.state is OrderState.NEW
    assert venue.next_time_ns == moment(1.5)
    (update,) = venue.on_time(moment(1.5))
    assert isinstance(update, Accepted)
    assert update.at_ns == moment(1)
    # A cancel on its way does not stop a fill.
    venue.cancel("o-1", moment(2))
    venue.on_market(traded(3, "99", "9", "sell"), moment(3))
    assert said(venue.on_time(moment(9))) == ["Filled o-1 1@100 maker", "CancelRejected o-1 too-late"]


def test_what_is_due_before_an_event_comes_before_it() -> None:
    venue = simulated_venue(latency=ConstantLatency(order=10**9))
    venue.on_market(snapshot(0, BIDS, ASKS), T0)
    venue.submit(order(1, BUY, "1", "101"), T0)
    venue.on_market(delta(5, asks=((10_100, 0), (10_110, 0))), moment(5))
    assert said(venue.on_time(moment(5))) == ["Accepted o-1", "Filled o-1 1@101 taker"]


def test_a_clock_that_was_set_back_stands_still() -> None:
    venue = ready()
    venue.on_time(moment(10))
    venue.submit(order(1, BUY, "1", "100"), moment(3))
    (update,) = venue.on_time(moment(3))
    assert update.at_ns == moment(10)


def test_drawn_latencies_replay_and_reports_keep_their_order() -> None:
    def run() -> list[tuple[str, int]]:
        least = ConstantLatency(order=10**6, cancel=10**6, report=10**6)
        venue = simulated_venue("100000", latency=DrawnLatency(random.Random(5), least, 50 * 10**6))
        venue.on_market(snapshot(0, BIDS, ASKS), T0)
        for number in range(40):
            venue.submit(order(number, BUY, "0.1", "100"), T0)
        told = []
        while (at_ns := venue.next_time_ns) is not None:
            told += [(word, at_ns) for word in said(venue.on_time(at_ns))]
        return told

    first = run()
    assert first == run()
    words = [word for word, _ in first]
    arrivals = [told for told in words if told.startswith("Accepted")]
    assert (len(arrivals), len(set(arrivals))) == (40, 40)
    assert arrivals != sorted(arrivals)  # Orders overtake one another.
    with pytest.raises(FieldError, match="mean_rest_ns"):
        DrawnLatency(random.Random(5), ConstantLatency(), 0)
    with pytest.raises(FieldError, match="report"):
        ConstantLatency(report=-1)


def test_events_of_others_are_none_of_its_own() -> None:
    venue = ready()
    venue.on_market(snapshot(1, ((1, 1),), ((2, 1),), venue="binance"), moment(1))
    assert submitted(venue, 1, BUY, "1", "101", TIF.IOC)[1] == "Filled o-1 1@101 taker"
    assert venue.listings[SYMBOL].instrument == INSTRUMENT
