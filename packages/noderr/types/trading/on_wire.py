"""The records as protobuf messages (`wire/trading.proto`) and back.

A message from outside becomes a record only if every field makes sense: `…_from_wire` raises `FieldError` otherwise.
"""

from __future__ import annotations

import enum
from decimal import Decimal

from noderr.types.trading.decimals import decimal_text, parse_decimal
from noderr.types.trading.errors import FieldError
from noderr.types.trading.fill import Fill, Liquidity
from noderr.types.trading.instrument import Instrument
from noderr.types.trading.money import Money
from noderr.types.trading.order import Order, OrderType, Side, TimeInForce
from noderr.types.trading.position import Position
from noderr.types.trading.signal import Direction, Signal
from noderr.types.wire import trading_pb2 as pb


def money_to_wire(money: Money) -> pb.Money:
    return pb.Money(amount=decimal_text(money.amount), currency=money.currency)


def money_from_wire(message: pb.Money) -> Money:
    return Money(number_from_wire(message.amount, "Money", "amount"), message.currency)


def instrument_to_wire(instrument: Instrument) -> pb.Instrument:
    return pb.Instrument(
        symbol=instrument.symbol,
        tick_size=decimal_text(instrument.tick_size),
        lot_size=decimal_text(instrument.lot_size),
        min_quantity=decimal_text(instrument.min_quantity),
        min_notional=decimal_text(instrument.min_notional),
    )


def instrument_from_wire(message: pb.Instrument) -> Instrument:
    return Instrument(
        symbol=message.symbol,
        tick_size=number_from_wire(message.tick_size, "Instrument", "tick_size"),
        lot_size=number_from_wire(message.lot_size, "Instrument", "lot_size"),
        min_quantity=number_from_wire(message.min_quantity, "Instrument", "min_quantity"),
        min_notional=number_from_wire(message.min_notional, "Instrument", "min_notional"),
    )


def order_to_wire(order: Order) -> pb.Order:
    return pb.Order(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=pb.Side.Value(f"SIDE_{order.side.name}"),
        type=pb.OrderType.Value(f"ORDER_TYPE_{order.type.name}"),
        quantity=decimal_text(order.quantity),
        limit_price=None if order.limit_price is None else decimal_text(order.limit_price),
        time_in_force=pb.TimeInForce.Value(f"TIME_IN_FORCE_{order.time_in_force.name}"),
        expires_at_unix_ns=order.expires_at_ns,
        created_at_unix_ns=order.created_at_ns,
    )


def order_from_wire(message: pb.Order) -> Order:
    limited, expires = message.HasField("limit_price"), message.HasField("expires_at_unix_ns")
    return Order(
        client_order_id=message.client_order_id,
        symbol=message.symbol,
        side=side_from_wire(message.side, "Order.side"),
        type=_word(OrderType, pb.OrderType, message.type, "ORDER_TYPE_", "Order.type"),
        quantity=number_from_wire(message.quantity, "Order", "quantity"),
        limit_price=number_from_wire(message.limit_price, "Order", "limit_price") if limited else None,
        time_in_force=_word(
            TimeInForce, pb.TimeInForce, message.time_in_force, "TIME_IN_FORCE_", "Order.time_in_force"
        ),
        expires_at_ns=message.expires_at_unix_ns if expires else None,
        created_at_ns=message.created_at_unix_ns,
    )


def fill_to_wire(fill: Fill) -> pb.Fill:
    return pb.Fill(
        fill_id=fill.fill_id,
        client_order_id=fill.client_order_id,
        venue=fill.venue,
        symbol=fill.symbol,
        side=pb.Side.Value(f"SIDE_{fill.side.name}"),
        price=decimal_text(fill.price),
        quantity=decimal_text(fill.quantity),
        fee=money_to_wire(fill.fee),
        liquidity=pb.Liquidity.Value(f"LIQUIDITY_{fill.liquidity.name}"),
        at_unix_ns=fill.at_ns,
    )


def fill_from_wire(message: pb.Fill) -> Fill:
    return Fill(
        fill_id=message.fill_id,
        client_order_id=message.client_order_id,
        venue=message.venue,
        symbol=message.symbol,
        side=side_from_wire(message.side, "Fill.side"),
        price=number_from_wire(message.price, "Fill", "price"),
        quantity=number_from_wire(message.quantity, "Fill", "quantity"),
        fee=money_from_wire(message.fee),
        liquidity=_word(Liquidity, pb.Liquidity, message.liquidity, "LIQUIDITY_", "Fill.liquidity"),
        at_ns=message.at_unix_ns,
    )


def position_to_wire(position: Position) -> pb.Position:
    return pb.Position(
        symbol=position.symbol,
        quantity=decimal_text(position.quantity),
        average_price=None if position.average_price is None else decimal_text(position.average_price),
        realised_pnl=money_to_wire(position.realised_pnl),
        as_of_unix_ns=position.as_of_ns,
    )


def position_from_wire(message: pb.Position) -> Position:
    priced = message.HasField("average_price")
    return Position(
        symbol=message.symbol,
        quantity=number_from_wire(message.quantity, "Position", "quantity"),
        average_price=number_from_wire(message.average_price, "Position", "average_price") if priced else None,
        realised_pnl=money_from_wire(message.realised_pnl),
        as_of_ns=message.as_of_unix_ns,
    )


def signal_to_wire(signal: Signal) -> pb.Signal:
    return pb.Signal(
        symbol=signal.symbol,
        horizon_seconds=signal.horizon_seconds,
        direction=pb.Direction.Value(f"DIRECTION_{signal.direction.name}"),
        prediction_e8=signal.prediction_e8,
        confidence_bps=signal.confidence_bps,
        mid_price_e8=signal.mid_price_e8,
        observed_at_unix_s=signal.observed_at_s,
        model_hash=signal.model_hash,
    )


def signal_from_wire(message: pb.Signal) -> Signal:
    return Signal(
        symbol=message.symbol,
        horizon_seconds=message.horizon_seconds,
        direction=_word(Direction, pb.Direction, message.direction, "DIRECTION_", "Signal.direction"),
        prediction_e8=message.prediction_e8,
        confidence_bps=message.confidence_bps,
        mid_price_e8=message.mid_price_e8,
        observed_at_s=message.observed_at_unix_s,
        model_hash=message.model_hash,
    )


def number_from_wire(text: str, record: str, field: str) -> Decimal:
    """Raises `FieldError`."""
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise FieldError(record, field, text, 'a decimal number in its one writing, such as "0.5"') from error


def side_from_wire(number: int, place: str) -> Side:
    """`place` is the record and its field, such as "Order.side". Raises `FieldError`."""
    return _word(Side, pb.Side, number, "SIDE_", place)


def _word[E: enum.Enum](words: type[E], numbers: object, number: int, prefix: str, place: str) -> E:
    known = {numbers.Value(prefix + word.name): word for word in words}  # type: ignore[attr-defined]
    if number not in known:
        # Also what a later version of the protocol may say: not understood is refused, never guessed.
        record, _, field = place.partition(".")
        raise FieldError(record, field, number, f"one of {', '.join(word.name for word in words)}")
    return known[number]
