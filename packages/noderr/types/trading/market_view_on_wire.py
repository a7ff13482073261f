"""Views of markets as protobuf messages (`wire/market.proto`) and back.

A message from outside becomes a view only if every field makes sense: reading raises `FieldError` otherwise.
"""

from __future__ import annotations

from collections.abc import Sized

from noderr.types.trading.decimals import decimal_text
from noderr.types.trading.errors import FieldError
from noderr.types.trading.market_view import MAX_LEVELS, MAX_TRADES, MarketView, PriceLevel, TradePrint
from noderr.types.trading.on_wire import number_from_wire, side_from_wire
from noderr.types.wire import market_pb2 as pb
from noderr.types.wire import trading_pb2


def market_view_to_wire(view: MarketView) -> pb.MarketView:
    return pb.MarketView(
        venue=view.venue,
        symbol=view.symbol,
        received_at_unix_ns=view.received_ns,
        sequence=view.sequence,
        bids=map(_level_to_wire, view.bids),
        asks=map(_level_to_wire, view.asks),
        trades=map(_trade_to_wire, view.trades),
        known=view.known,
    )


def market_view_from_wire(message: pb.MarketView) -> MarketView:
    """Raises `FieldError`."""
    # Counted before anything is read, so that what is too much costs nothing.
    _check_most("bids", message.bids, MAX_LEVELS)
    _check_most("asks", message.asks, MAX_LEVELS)
    _check_most("trades", message.trades, MAX_TRADES)
    return MarketView(
        venue=message.venue,
        symbol=message.symbol,
        received_ns=message.received_at_unix_ns,
        sequence=message.sequence,
        bids=tuple(map(_level_from_wire, message.bids)),
        asks=tuple(map(_level_from_wire, message.asks)),
        trades=tuple(map(_trade_from_wire, message.trades)),
        known=message.known,
    )


def _check_most(field: str, items: Sized, most: int) -> None:
    if len(items) > most:
        raise FieldError("MarketView", field, len(items), f"at most {most} of them")


def _level_to_wire(level: PriceLevel) -> pb.PriceLevel:
    return pb.PriceLevel(price=decimal_text(level.price), size=decimal_text(level.size))


def _level_from_wire(message: pb.PriceLevel) -> PriceLevel:
    return PriceLevel(
        price=number_from_wire(message.price, "PriceLevel", "price"),
        size=number_from_wire(message.size, "PriceLevel", "size"),
    )


def _trade_to_wire(trade: TradePrint) -> pb.TradePrint:
    return pb.TradePrint(
        price=decimal_text(trade.price),
        quantity=decimal_text(trade.quantity),
        taker=trading_pb2.Side.Value(f"SIDE_{trade.taker.name}"),
        at_unix_ns=trade.at_ns,
    )


def _trade_from_wire(message: pb.TradePrint) -> TradePrint:
    return TradePrint(
        price=number_from_wire(message.price, "TradePrint", "price"),
        quantity=number_from_wire(message.quantity, "TradePrint", "quantity"),
        taker=side_from_wire(message.taker, "TradePrint.taker"),
        at_ns=message.at_unix_ns,
    )
