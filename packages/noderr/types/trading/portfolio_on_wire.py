"""A portfolio as a protobuf message (`wire/trading.proto`) and back, with the same digest."""

from __future__ import annotations

from decimal import Decimal

from noderr.types.trading.decimals import decimal_text
from noderr.types.trading.on_wire import number_from_wire, position_from_wire, position_to_wire, side_from_wire
from noderr.types.trading.portfolio import OpenOrder, Portfolio, Reference
from noderr.types.wire import trading_pb2 as pb

_NO_PRICE = Decimal("NaN")
_MONEY = ("cash", "equity", "day_start_equity", "peak_equity")


def portfolio_to_wire(portfolio: Portfolio) -> pb.Portfolio:
    return pb.Portfolio(
        currency=portfolio.currency,
        cash=decimal_text(portfolio.cash),
        equity=decimal_text(portfolio.equity),
        day_start_equity=decimal_text(portfolio.day_start_equity),
        peak_equity=decimal_text(portfolio.peak_equity),
        positions=map(position_to_wire, portfolio.positions),
        open_orders=map(_open_order_to_wire, portfolio.open_orders),
        references=map(_reference_to_wire, portfolio.references),
        as_of_unix_ns=portfolio.as_of_ns,
    )


def portfolio_from_wire(message: pb.Portfolio) -> Portfolio:
    """Raises `FieldError`."""
    cash, equity, day_start, peak = (number_from_wire(getattr(message, field), "Portfolio", field) for field in _MONEY)
    return Portfolio(
        currency=message.currency,
        cash=cash,
        equity=equity,
        day_start_equity=day_start,
        peak_equity=peak,
        positions=tuple(map(position_from_wire, message.positions)),
        open_orders=tuple(map(_open_order_from_wire, message.open_orders)),
        references=tuple(map(_reference_from_wire, message.references)),
        as_of_ns=message.as_of_unix_ns,
    )


def _open_order_to_wire(order: OpenOrder) -> pb.OpenOrder:
    return pb.OpenOrder(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=pb.Side.Value(f"SIDE_{order.side.name}"),
        quantity=decimal_text(order.quantity),
        worst_price=decimal_text(order.worst_price),
    )


def _open_order_from_wire(message: pb.OpenOrder) -> OpenOrder:
    return OpenOrder(
        client_order_id=message.client_order_id,
        symbol=message.symbol,
        side=side_from_wire(message.side, "OpenOrder.side"),
        quantity=number_from_wire(message.quantity, "OpenOrder", "quantity"),
        worst_price=number_from_wire(message.worst_price, "OpenOrder", "worst_price"),
    )


def _reference_to_wire(reference: Reference) -> pb.Reference:
    return pb.Reference(
        symbol=reference.symbol,
        price=decimal_text(reference.price) if reference.usable else None,
        as_of_unix_ns=reference.as_of_ns,
    )


def _reference_from_wire(message: pb.Reference) -> Reference:
    priced = message.HasField("price")
    return Reference(
        symbol=message.symbol,
        price=number_from_wire(message.price, "Reference", "price") if priced else _NO_PRICE,
        as_of_ns=message.as_of_unix_ns,
    )
