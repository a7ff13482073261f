"""A simulated venue: takers walk what is really there, makers wait in a queue, and money adds up."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from noderr.exchanges.errors import InvalidOrderError, OutcomeUnknownError
from noderr.exchanges.latency import ConstantLatency, DrawnLatency
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.exchanges.testing import (
    ASKS,
    BIDS,
    FEES,
    INSTRUMENT,
    after,
    money,
    order,
    ready_venue,
    said,
    simulated_venue,
    submitted,
    traded,
)
from noderr.exchanges.updates import Accepted, Filled, OrderUpdate
from noderr.market_data.testing import SYMBOL, T0, delta, gap, moment, snapshot
from noderr.types.trading import FieldError, OrderState, Side, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
TIF = TimeInForce


def test_a_taker_walks_the_levels_and_the_rest_is_canceled() -> None:
    venue = ready_venue("10000")
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
    venue = ready_venue("10000")
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
    venue = ready_venue("10000")
    submitted(venue, 1, BUY, "10", "101.10", TIF.IOC)
    assert after(venue, gap(2)) == []
    assert after(venue, snapshot(3, BIDS, ((10_100, 8_000), (10_200, 1_000)))) == []
    assert submitted(venue, 2, BUY, "9", "101", TIF.IOC, at=3)[1:] == ["Filled o-2 1@101 taker", "Canceled o-2"]


def test_fill_or_kill_is_all_or_nothing() -> None:
    venue = ready_venue("10000")
    assert submitted(venue, 1, BUY, "10.001", "101.10", TIF.FOK) == ["Rejected o-1 cannot-fill"]
    assert submitted(venue, 2, BUY, "10", "101.10", TIF.FOK)[1:] == [
        "Filled o-2 7@101 taker",
        "Filled o-2 3@101.1 taker",
    ]


def test_post_only_rests_or_is_refused() -> None:
    venue = ready_venue()
    assert submitted(venue, 1, BUY, "1", "101", post_only=True) == ["Rejected o-1 would-take"]
    assert submitted(venue, 2, BUY, "1", "100.99", post_only=True) == ["Accepted o-2"]
    with pytest.raises(InvalidOrderError, match="has to rest, GTC or GTD"):
        venue.submit(order(3, BUY, "1"), moment(1), post_only=True)
    assert venue.order("o-3") is None


def test_a_date_ends_an_order() -> None:
    venue = ready_venue()
    assert submitted(venue, 1, BUY, "1", "100", expires_at=9.0) == ["Accepted o-1"]
    assert venue.next_time_ns == moment(9)
    assert venue.on_time(moment(8.9)) == []
    (update,) = venue.on_time(moment(12))
    assert (said([update]), update.at_ns) == (["Expired o-1"], moment(9))
    assert money(venue) == ("1000", "0")
    assert venue.open_orders() == ()
    assert submitted(venue, 2, BUY, "1", "100", expires_at=9.0, at=12) == ["Rejected o-2 too-late"]


def test_a_date_comes_before_a_request_of_that_time() -> None:
    venue = ready_venue()
    submitted(venue, 1, BUY, "1", "100", expires_at=9.0)
    venue.cancel("o-1", moment(9))
    assert said(venue.on_time(moment(9))) == ["Expired o-1", "CancelRejected o-1 too-late"]
    slow = simulated_venue(latency=ConstantLatency(cancel=10**9))
    slow.on_market(snapshot(0, BIDS, ASKS), T0)
    submitted(slow, 1, BUY, "1", "100", expires_at=9.0)
    slow.cancel("o-1", moment(8))
    assert said(slow.on_time(moment(10))) == ["Expired o-1", "CancelRejected o-1 too-late"]


def test_our_own_orders_do_not_meet() -> None:
    venue = ready_venue(btc="5")
    submitted(venue, 1, SELL, "1", "100.50")
    assert submitted(venue, 2, BUY, "1", "100.50") == ["Accepted o-2", "Canceled o-2"]
    assert submitted(venue, 3, BUY, "1", "100.50", TIF.FOK) == ["Rejected o-3 cannot-fill"]
    assert submitted(venue, 4, BUY, "1", "100.50", post_only=True) == ["Rejected o-4 would-take"]
    assert [each.order.client_order_id for each in venue.open_orders()] == ["o-1"]


@pytest.mark.parametrize("own", ["101.05", "101.10"])
def test_what_lies_at_our_own_price_or_beyond_we_do_not_take(own: str) -> None:
    venue = ready_venue("10000", btc="5")
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
    venue = ready_venue("990")
    assert submitted(venue, *args) == [f"Rejected o-1 {reason}"]
    told = venue.order("o-1")
    assert told is not None
    assert told.state is OrderState.REJECTED
    assert money(venue) == ("990", "0")


def test_what_is_not_listed_is_not_traded() -> None:
    assert submitted(ready_venue(), 1, BUY, "1", "100", symbol="ETH/USD") == ["Rejected o-1 unknown-symbol"]


def test_an_id_is_used_once() -> None:
    venue = ready_venue()
    submitted(venue, 1, BUY, "1", "100")
    assert submitted(venue, 1, BUY, "2", "99") == ["Rejected o-1 duplicate-id"]
    told = venue.order("o-1")
    assert told is not None
    assert (told.state, told.order.quantity) == (OrderState.NEW, Decimal(1))


def test_cancels_that_come_too_late_or_find_nothing() -> None:
    venue = ready_venue()
    submitted(venue, 1, BUY, "1", "101")
    for name in ("o-1", "o-9"):
        venue.cancel(name, moment(2))
    assert said(venue.on_time(moment(2))) == ["CancelRejected o-1 too-late", "CancelRejected o-9 unknown-order"]


def test_fees_are_rounded_up_over_the_order_as_a_whole() -> None:
    venue = ready_venue("10000", fees=FEES)
    updates = after_order(venue, order(1, BUY, "7.333", "101.10"))
    fills = [one.fill for one in updates if isinstance(one, Filled)]
    assert [str(fill.fee) for fill in fills] == ["1.8382 USD", "0.08753238 USD"]
    exact = sum(fill.notional.amount for fill in fills) * Decimal("0.0026")
    assert 0 <= sum(fill.fee.amount for fill in fills) - exact < Decimal("1E-8")
    # What was bound for the worst price is free again.
    assert money(venue)[1] == "0"


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
    venue = ready_venue()
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
    venue = ready_venue()
    venue.on_market(snapshot(1, ((1, 1),), ((2, 1),), venue="binance"), moment(1))
    assert submitted(venue, 1, BUY, "1", "101", TIF.IOC)[1] == "Filled o-1 1@101 taker"
    assert venue.listings[SYMBOL].instrument == INSTRUMENT
