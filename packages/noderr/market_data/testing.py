"""For tests: short ways to books, events and records."""

from __future__ import annotations

from decimal import Decimal

from noderr.market_data.events import BookDelta, BookSnapshot, Gap, Trade
from noderr.market_data.order_book import Level
from noderr.market_data.records import Quote
from noderr.market_data.units import Scale

SECOND = 1_000_000_000
T0 = 1_700_000_040 * SECOND
"""The beginning of a minute."""
VENUE, SYMBOL = "kraken", "BTC/USD"
SCALE = Scale(2, 3)


def snapshot(
    at: float = 0.0,
    bids: tuple[Level, ...] = ((10_000, 5),),
    asks: tuple[Level, ...] = ((10_100, 7),),
    venue: str = VENUE,
) -> BookSnapshot:
    """`at` is in seconds after T0."""
    return BookSnapshot(
        venue=venue,
        symbol=SYMBOL,
        scale=SCALE,
        bids=bids,
        asks=asks,
        sequence=1,
        event_ns=None,
        received_ns=moment(at),
    )


def delta(at: float, bids: tuple[Level, ...] = (), asks: tuple[Level, ...] = ()) -> BookDelta:
    return BookDelta(
        venue=VENUE, symbol=SYMBOL, bids=bids, asks=asks, sequence=2, event_ns=None, received_ns=moment(at)
    )


def trade(at: float, price: str, quantity: str = "1", received: float | None = None) -> Trade:
    return Trade(
        venue=VENUE,
        symbol=SYMBOL,
        price=Decimal(price),
        quantity=Decimal(quantity),
        taker="buy",
        trade_id=None,
        event_ns=moment(at),
        received_ns=moment(at if received is None else received),
    )


def gap(at: float, reason: str = "the connection was dropped") -> Gap:
    return Gap(venue=VENUE, symbol=SYMBOL, reason=reason, received_ns=moment(at))


def quote(at: float, bid: str, ask: str) -> Quote:
    one = Decimal(1)
    return Quote(moment(at), Decimal(bid), one, Decimal(ask), one)


def moment(seconds: float) -> int:
    return T0 + round(seconds * SECOND)
