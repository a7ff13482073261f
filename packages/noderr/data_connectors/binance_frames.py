"""What frames of Binance's combined spot streams hold, and its snapshots."""

from __future__ import annotations

from typing import Any

import msgspec

from noderr.data_connectors.errors import FrameError
from noderr.market_data.order_book import Level
from noderr.market_data.units import to_units

DIGITS = 8
"""After the point, of every price and size."""

type RawLevels = list[tuple[str, str]]


class Depth(msgspec.Struct, frozen=True):
    """Updates `first` to `last` of a book."""

    event_ms: int = msgspec.field(name="E")
    symbol: str = msgspec.field(name="s")
    first: int = msgspec.field(name="U")
    last: int = msgspec.field(name="u")
    bids: RawLevels = msgspec.field(name="b")
    asks: RawLevels = msgspec.field(name="a")


class BookTicker(msgspec.Struct, frozen=True):
    """The best levels at one update."""

    update: int = msgspec.field(name="u")
    symbol: str = msgspec.field(name="s")
    bid: str = msgspec.field(name="b")
    bid_size: str = msgspec.field(name="B")
    ask: str = msgspec.field(name="a")
    ask_size: str = msgspec.field(name="A")


class AggregateTrade(msgspec.Struct, frozen=True):
    """What one order took at one price; `number` has no gaps."""

    symbol: str = msgspec.field(name="s")
    number: int = msgspec.field(name="a")
    price: str = msgspec.field(name="p")
    quantity: str = msgspec.field(name="q")
    time_ms: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class Snapshot(msgspec.Struct, frozen=True):
    """The answer of /api/v3/depth."""

    last_update: int = msgspec.field(name="lastUpdateId")
    bids: RawLevels
    asks: RawLevels


class _Frame(msgspec.Struct, frozen=True):
    stream: str
    data: msgspec.Raw


_frame = msgspec.json.Decoder(_Frame)
_snapshot = msgspec.json.Decoder(Snapshot)
_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    "depth@100ms": msgspec.json.Decoder(Depth),
    "bookTicker": msgspec.json.Decoder(BookTicker),
    "aggTrade": msgspec.json.Decoder(AggregateTrade),
}


def stream_names(symbol: str) -> list[str]:
    """The streams of BTCUSDT."""
    return [f"{symbol.lower()}@{kind}" for kind in _decoders]


def read_frame(payload: bytes) -> Depth | BookTicker | AggregateTrade:
    """Raises `FrameError`, for a stream that was not asked for too."""
    try:
        frame = _frame.decode(payload)
        name, _, kind = frame.stream.partition("@")
        decoder = _decoders.get(kind)
        if decoder is None:
            raise FrameError(f"Binance sent a frame of stream {frame.stream[:60]!r}, which was not asked for")
        data: Depth | BookTicker | AggregateTrade = decoder.decode(frame.data)
    except msgspec.MsgspecError as error:
        raise FrameError(f"Binance sent what its protocol has not: {error}") from error
    if data.symbol.lower() != name:
        raise FrameError(f"Binance sent data of {data.symbol[:40]!r} in stream {frame.stream[:60]!r}")
    return data


def read_snapshot(payload: bytes) -> Snapshot:
    """Raises `FrameError`."""
    try:
        return _snapshot.decode(payload)
    except msgspec.MsgspecError as error:
        raise FrameError(f"Binance answered with what is no book: {error}") from error


def binance_levels(raw: RawLevels) -> tuple[Level, ...]:
    """Raises `UnitsError`."""
    return tuple([(to_units(price, DIGITS), to_units(size, DIGITS)) for price, size in raw])
