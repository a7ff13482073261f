"""What frames of Coinbase's Advanced Trade market data hold."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from noderr.data_connectors.errors import FrameError
from noderr.data_connectors.event_time import checked_ns
from noderr.market_data.errors import UnitsError
from noderr.market_data.units import to_units

DIGITS = 12
"""After the point, that prices and sizes are counted in; the venue sends as many as each product has."""
_SECOND_NS = 1_000_000_000


class RawUpdate(msgspec.Struct, frozen=True):
    """A new size at a price; 0 for none."""

    side: Literal["bid", "offer"]
    price_level: str
    new_quantity: str


class BookEvent(msgspec.Struct, frozen=True):
    type: Literal["snapshot", "update"]
    product_id: str
    updates: list[RawUpdate]


class RawTrade(msgspec.Struct, frozen=True):
    """`side` is the maker's: SELL says that somebody bought."""

    trade_id: str
    product_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    time: str


class TradeEvent(msgspec.Struct, frozen=True):
    type: Literal["snapshot", "update"]
    trades: list[RawTrade]


class Frame(msgspec.Struct, frozen=True):
    """`sequence_num` counts the frames of a connection from 0, whatever their channel."""

    channel: str
    timestamp: str
    sequence_num: int
    events: msgspec.Raw


class Refused(msgspec.Struct, frozen=True):
    """The answer to a subscription that cannot be."""

    type: Literal["error"]
    message: str


_frame = msgspec.json.Decoder(Frame)
_refused = msgspec.json.Decoder(Refused)
_books = msgspec.json.Decoder(list[BookEvent])
_trades = msgspec.json.Decoder(list[TradeEvent])


def read_frame(payload: bytes) -> Frame | Refused:
    """Raises `FrameError`."""
    try:
        return _frame.decode(payload)
    except msgspec.MsgspecError as error:
        try:
            return _refused.decode(payload)
        except msgspec.MsgspecError:
            raise FrameError(f"Coinbase sent what its protocol has not: {error}") from error


def read_books(frame: Frame) -> list[BookEvent]:
    """Raises `FrameError`."""
    try:
        return _books.decode(frame.events)
    except msgspec.MsgspecError as error:
        raise FrameError(f"Coinbase sent a book that is none: {error}") from error


def read_trades(frame: Frame) -> list[TradeEvent]:
    """Raises `FrameError`."""
    try:
        return _trades.decode(frame.events)
    except msgspec.MsgspecError as error:
        raise FrameError(f"Coinbase sent trades that are none: {error}") from error


def time_ns(text: str) -> int:
    """ "2023-02-09T20:32:50.714964855Z" in nanoseconds UTC. Raises `FrameError`."""
    try:
        seconds = int(datetime.fromisoformat(text[:19] + "+00:00").timestamp())
        if text[-1:] != "Z" or text[19:20] not in (".", "Z"):
            raise ValueError(text)
        return checked_ns(seconds * _SECOND_NS + to_units("0" + (text[19:-1] or ".0"), 9))
    except (ValueError, UnitsError) as error:
        raise FrameError(f"Coinbase sent a time that is none: {text[:60]!r}") from error
