"""What frames of Kraken's public WebSocket API v1 hold, and its checksum over the ten best levels."""

from __future__ import annotations

import zlib

import msgspec

from noderr.data_connectors.errors import FrameError
from noderr.data_connectors.event_time import checked_ns
from noderr.market_data.order_book import Level, OrderBook
from noderr.market_data.units import to_units

CHECKED_LEVELS = 10
_DIGITS_OF_SECONDS = 9


class RawLevel(msgspec.Struct, array_like=True, frozen=True):
    """As sent: price, volume, seconds since 1970; "r" for a level that is sent again."""

    price: str
    volume: str
    time: str
    again: str = ""


class RawTrade(msgspec.Struct, array_like=True, frozen=True):
    """`side` is "b" or "s": of who came last."""

    price: str
    volume: str
    time: str
    side: str
    kind: str
    misc: str


class Book(msgspec.Struct, frozen=True):
    """A snapshot has `as` and `bs`, an update `a`, `b` or both, and its last part the checksum."""

    snapshot_asks: list[RawLevel] | None = msgspec.field(default=None, name="as")
    snapshot_bids: list[RawLevel] | None = msgspec.field(default=None, name="bs")
    asks: list[RawLevel] | None = msgspec.field(default=None, name="a")
    bids: list[RawLevel] | None = msgspec.field(default=None, name="b")
    checksum: str | None = msgspec.field(default=None, name="c")


class Channel(msgspec.Struct, array_like=True, frozen=True):
    """Number of the channel, one or two parts, the channel's name, the pair."""

    number: int
    first: Book | list[RawTrade]
    second: Book | str
    third: str
    fourth: str = ""


class Event(msgspec.Struct, frozen=True):
    """What is no data: heartbeats, the system's status, answers to subscriptions."""

    event: str
    status: str | None = None
    pair: str | None = None
    message: str | None = msgspec.field(default=None, name="errorMessage")


_channel = msgspec.json.Decoder(Channel)
_event = msgspec.json.Decoder(Event)


def read_frame(payload: bytes) -> Channel | Event:
    """Raises `FrameError`."""
    try:
        return _event.decode(payload) if payload[:1] == b"{" else _channel.decode(payload)
    except msgspec.MsgspecError as error:
        raise FrameError(f"Kraken sent what its protocol has not: {error}") from error


def event_ns(seconds: str) -> int:
    """ "1618678133.363461" in nanoseconds. Raises `UnitsError` and `FrameError`."""
    return checked_ns(to_units(seconds, _DIGITS_OF_SECONDS))


class TopChecksum:
    """Kraken's checksum of one book, in the units of the venue's text; a side that did not change is not read."""

    def __init__(self) -> None:
        self._asks: bytes | None = None
        self._bids: bytes | None = None

    def forget(self) -> None:
        """The book is another one."""
        self._asks = self._bids = None

    def of(self, book: OrderBook, *, asks_changed: bool, bids_changed: bool) -> int:
        """CRC32 over the ten best asks, then bids."""
        asks, bids = self._asks, self._bids
        if asks is None or asks_changed:
            asks = self._asks = _text(book.asks.top(CHECKED_LEVELS))
        if bids is None or bids_changed:
            bids = self._bids = _text(book.bids.top(CHECKED_LEVELS))
        return zlib.crc32(asks + bids)


def _text(levels: list[Level]) -> bytes:
    """Price and volume without point and leading zeros: as units are."""
    return "".join([f"{price}{size}" for price, size in levels]).encode()
