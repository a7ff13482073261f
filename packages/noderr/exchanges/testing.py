"""For tests: a simulated venue with the one market of `market_data.testing`, and short ways to orders."""

from __future__ import annotations

from decimal import Decimal

from noderr.exchanges.account import Account
from noderr.exchanges.latency import ConstantLatency, LatencyModel
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.simulated_venue import SimulatedVenue
from noderr.exchanges.updates import Filled, OrderUpdate
from noderr.exchanges.venue import FeeSchedule
from noderr.market_data.events import MarketEvent, Trade
from noderr.market_data.testing import SYMBOL, T0, VENUE, moment, snapshot
from noderr.types.trading import Instrument, Order, OrderType, Side, TimeInForce

INSTRUMENT = Instrument(
    symbol=SYMBOL,
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal("0.05"),
)
NO_FEES = FeeSchedule(maker=Decimal(0), taker=Decimal(0))
BIDS = ((10_000, 5_000), (9_990, 20_000))
ASKS = ((10_100, 7_000), (10_110, 3_000), (10_200, 1_000))
"""7 at 101.00, 3 at 101.10, 1 at 102.00."""
FEES = FeeSchedule(maker=Decimal("0.0016"), taker=Decimal("0.0026"))


def simulated_venue(
    usd: str = "1000", btc: str = "0", fees: FeeSchedule = NO_FEES, latency: LatencyModel | None = None
) -> SimulatedVenue:
    account = Account({"USD": Decimal(usd), "BTC": Decimal(btc)})
    return SimulatedVenue(VENUE, {SYMBOL: Listing(INSTRUMENT, fees)}, account, latency or ConstantLatency())


def order(
    number: int,
    side: Side,
    quantity: str,
    limit: str | None = None,
    tif: TimeInForce | None = None,
    *,
    expires_at: float | None = None,
    symbol: str = SYMBOL,
) -> Order:
    """A limit order that rests, or a market order; `expires_at` is in seconds after T0, and makes it GTD."""
    if tif is None:
        tif = TimeInForce.IOC if limit is None else TimeInForce.GTC if expires_at is None else TimeInForce.GTD
    return Order(
        client_order_id=f"o-{number}",
        symbol=symbol,
        side=side,
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        quantity=Decimal(quantity),
        limit_price=None if limit is None else Decimal(limit),
        time_in_force=tif,
        expires_at_ns=None if expires_at is None else moment(expires_at),
        created_at_ns=T0,
    )


def traded(at: float, price: str, quantity: str, taker: str) -> Trade:
    """`taker` is "buy" or "sell"."""
    return Trade(
        venue=VENUE,
        symbol=SYMBOL,
        price=Decimal(price),
        quantity=Decimal(quantity),
        taker="buy" if taker == "buy" else "sell",
        trade_id=None,
        event_ns=moment(at),
        received_ns=moment(at),
    )


def said(updates: list[OrderUpdate]) -> list[str]:
    """Short words: kind and id, of fills price and quantity."""
    words = []
    for one in updates:
        text = f"{type(one).__name__} {one.client_order_id}"
        if isinstance(one, Filled):
            text += f" {one.fill.quantity.normalize():f}@{one.fill.price.normalize():f} {one.fill.liquidity.value}"
        reason = getattr(one, "reason", None)
        words.append(text if reason is None else f"{text} {reason}")
    return words


def ready_venue(usd: str = "1000", btc: str = "0", fees: FeeSchedule = NO_FEES) -> SimulatedVenue:
    """Its book is known: `BIDS` and `ASKS`."""
    venue = simulated_venue(usd, btc, fees)
    venue.on_market(snapshot(0, BIDS, ASKS), T0)
    return venue


def after(venue: SimulatedVenue, event: MarketEvent) -> list[str]:
    """What is told when that has happened."""
    venue.on_market(event, event.received_ns)
    return said(venue.on_time(event.received_ns))


def submitted(
    venue: SimulatedVenue, *args: object, at: float = 1, post_only: bool = False, **more: object
) -> list[str]:
    """What is told when an order (the arguments are those of `order`) was submitted."""
    venue.submit(order(*args, **more), moment(at), post_only)  # type: ignore[arg-type]
    return said(venue.on_time(moment(at)))


def money(venue: SimulatedVenue, currency: str = "USD") -> tuple[str, str]:
    """Free and reserved."""
    balance = venue.balances()[currency]
    return f"{balance.free.normalize():f}", f"{balance.reserved.normalize():f}"
