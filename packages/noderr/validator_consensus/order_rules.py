"""What an order allows: every rule that its fills break, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from noderr.types.trading import Fill, Order, Side, TimeInForce
from noderr.types.trading.decimals import add


def broken_rules(order: Order, fills: Sequence[Fill], clock_skew_ns: int) -> Iterator[str]:
    """Nothing, if the fills are what was ordered. Raises `InexactError`."""
    for fill in fills:
        yield from _broken_by(fill, order, clock_skew_ns)
    total = Decimal(0)
    for fill in fills:
        total = add(total, fill.quantity)
    if total > order.quantity:
        yield f"{total} was traded, and {order.quantity} was ordered"
    if order.time_in_force is TimeInForce.FOK and total < order.quantity:
        yield f"{total} of {order.quantity} was traded, and the order was all or nothing"


def _broken_by(fill: Fill, order: Order, clock_skew_ns: int) -> Iterator[str]:
    name = f"fill {fill.fill_id} of {fill.venue}"
    if fill.client_order_id != order.client_order_id:
        yield f"{name} is of order {fill.client_order_id}, and {order.client_order_id} was ordered"
    if (fill.symbol, fill.side) != (order.symbol, order.side):
        yield f"{name} is a {fill.side.value} of {fill.symbol}, and a {order.side.value} of {order.symbol} was ordered"
    if order.limit_price is not None:
        if order.side is Side.BUY and fill.price > order.limit_price:
            yield f"{name} was at {fill.price}, and at most {order.limit_price} was ordered"
        if order.side is Side.SELL and fill.price < order.limit_price:
            yield f"{name} was at {fill.price}, and at least {order.limit_price} was ordered"
    if fill.at_ns < order.created_at_ns - clock_skew_ns:
        yield f"{name} was made at {fill.at_ns} ns, before the order, which was made at {order.created_at_ns} ns"
    if order.expires_at_ns is not None and fill.at_ns >= order.expires_at_ns:
        yield f"{name} was made at {fill.at_ns} ns, and the order expired at {order.expires_at_ns} ns"
