"""For tests: orders, their fills, and the records of a market."""

from __future__ import annotations

from decimal import Decimal

from noderr.market_data.records import Print, Quote
from noderr.types.trading import Fill, Liquidity, Money, Order, OrderType, Side

SECOND_NS = 1_000_000_000
START_NS = 1_790_000_000 * SECOND_NS


def moment(seconds: float) -> int:
    """`seconds` after the start."""
    return START_NS + round(seconds * SECOND_NS)


def order(quantity: str = "1000", side: Side = Side.BUY, symbol: str = "BTC/USD", limit: str = "100") -> Order:
    return Order(
        client_order_id="parent-1",
        symbol=symbol,
        side=side,
        type=OrderType.LIMIT,
        quantity=Decimal(quantity),
        limit_price=Decimal(limit),
        created_at_ns=START_NS,
    )


def fill(
    of: Order, price: str, quantity: str, fee: str = "0", currency: str = "", *, number: int = 1, seconds: float = 1
) -> Fill:
    """The fee is in the quote currency unless another is named."""
    return Fill(
        fill_id=f"fill-{number}",
        client_order_id="child-1",
        venue="kraken",
        symbol=of.symbol,
        side=of.side,
        price=Decimal(price),
        quantity=Decimal(quantity),
        fee=Money(Decimal(fee), currency or of.symbol.partition("/")[2]),
        liquidity=Liquidity.TAKER,
        at_ns=moment(seconds),
    )


def quote(seconds: float, bid: str | None, ask: str | None) -> Quote:
    return Quote(
        moment(seconds),
        None if bid is None else Decimal(bid),
        None if bid is None else Decimal(1),
        None if ask is None else Decimal(ask),
        None if ask is None else Decimal(1),
    )


def printed(seconds: float, price: str, quantity: str = "1") -> Print:
    return Print(moment(seconds), moment(seconds), Decimal(price), Decimal(quantity), "buy", None)
