"""Resting orders in Coinbase's recorded SKL/USD, which has trades: they get no more than was traded at their price."""

from __future__ import annotations

import functools
import json
from decimal import Decimal
from pathlib import Path

import pytest

from noderr.data_connectors.coinbase import CoinbaseSession
from noderr.exchanges.account import Account
from noderr.exchanges.latency import ConstantLatency
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.exchanges.updates import Filled
from noderr.exchanges.venue import FeeSchedule
from noderr.market_data.events import BookDelta, BookSnapshot, MarketEvent, Trade
from noderr.market_data.order_book import OrderBook
from noderr.market_data.units import to_decimal
from noderr.types.trading import Instrument, Liquidity, Order, OrderType, Side
from tests.recordings.coinbase_test import SYMBOLS, current
from tests.recordings.recorded import frames
from tests.recordings.venues import Wire

SYMBOL = "SKL/USD"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    tick_size=Decimal("0.0001"),
    lot_size=Decimal("0.1"),
    min_quantity=Decimal(1),
    min_notional=Decimal(1),
)
SIZE = Decimal(1_000_000)
"""More than was traded: it never ends."""

type Event = tuple[int, BookSnapshot | BookDelta | Trade]


@functools.cache
def events(folder: Path) -> list[Event]:
    wire = Wire(CoinbaseSession(SYMBOLS), lambda _pair: None)
    wire.open()
    found: list[Event] = []
    number = 0
    for one in frames(folder / "COINBASE.ws.28.0"):
        payload = current(json.loads(one.payload), number)
        if payload is not None:
            number += 1
            before = len(wire.events)
            wire.frame(payload, one.received_ns)
            for event in wire.events[before:]:
                if event.symbol == SYMBOL and isinstance(event, BookSnapshot | BookDelta | Trade):
                    found.append((one.received_ns, event))
    assert not wire.gaps
    return found


def rested(recorded: list[Event], start: int, side: Side, away: int) -> tuple[Decimal, Decimal, Decimal]:
    """An order that comes after `start` events: what it got, what was traded at its price, and beyond it."""
    fees = FeeSchedule(maker=Decimal(0), taker=Decimal(0))
    account = Account({"USD": Decimal(10) ** 9, "SKL": Decimal(10) ** 9})
    venue = SimulatedVenue("coinbase", {SYMBOL: Listing(INSTRUMENT, fees)}, account, ConstantLatency())
    book: OrderBook | None = None
    got, at_price, beyond, limit = Decimal(0), Decimal(0), Decimal(0), Decimal(0)
    sent_ns = 0

    def apply(event: MarketEvent) -> None:
        nonlocal book
        if isinstance(event, BookSnapshot):
            book = OrderBook(event.scale)
            book.load(event.bids, event.asks)
        elif isinstance(event, BookDelta) and book is not None:
            book.apply(event.bids, event.asks)

    for place, (at_ns, event) in enumerate(recorded):
        if place == start:
            assert book is not None
            touch = (book.bids if side is Side.BUY else book.asks).best()
            assert touch is not None
            limit = to_decimal(touch[0], book.scale.price) - side.sign * away * INSTRUMENT.tick_size
            sent_ns = at_ns
            venue.submit(
                Order(
                    client_order_id="o-1",
                    symbol=SYMBOL,
                    side=side,
                    type=OrderType.LIMIT,
                    quantity=SIZE,
                    limit_price=limit,
                    created_at_ns=at_ns,
                ),
                at_ns,
                post_only=True,
            )
        venue.on_market(event, at_ns)
        apply(event)
        best = None if book is None else (book.asks if side is Side.BUY else book.bids).best()
        crossing = book is not None and best is not None and to_decimal(best[0], book.scale.price)
        if place >= start and crossing and crossing * side.sign <= limit * side.sign:
            break  # A book that crosses our price fills it too, which is not judged here.
        for update in venue.on_time(at_ns):
            if isinstance(update, Filled):
                assert (update.fill.price, update.fill.liquidity) == (limit, Liquidity.MAKER)
                got += update.fill.quantity
        if place >= start and isinstance(event, Trade) and event.taker == side.opposite.value:
            if event.event_ns >= sent_ns and event.price == limit:
                at_price += event.quantity
            elif event.event_ns >= sent_ns and event.price * side.sign < limit * side.sign:
                beyond += event.quantity
    return got, at_price, beyond


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("away", [0, 1, 5])
def test_a_resting_order_gets_what_was_traded_beyond_it_and_no_more_than_was_traded(
    recordings: Path, side: Side, away: int
) -> None:
    recorded = events(recordings)
    some = 0
    for start in range(1, len(recorded) - 1, len(recorded) // 40):
        got, at_price, beyond = rested(recorded, start, side, away)
        assert beyond <= got <= at_price + beyond
        some += at_price + beyond > 0
    assert some > 5
