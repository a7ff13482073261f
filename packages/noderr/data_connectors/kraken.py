"""Kraken's books by its published procedure: a snapshot, updates, and CRC32 over the ten best levels after each.

A snapshot has no checksum of its own: its book counts from the first update whose checksum it has. A frame that is lost
shows in the checksum of the next one, or, where it was about deeper levels, when these come up to the ten best. With
depth 10 every level is checked every time.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from noderr.data_connectors.errors import FrameError
from noderr.data_connectors.kraken_frames import (
    Book,
    Channel,
    Event,
    RawLevel,
    RawTrade,
    TopChecksum,
    event_ns,
    read_frame,
)
from noderr.data_connectors.session import Output, Reconnect, Resync, Send
from noderr.data_connectors.venue_book import BookState, VenueBook
from noderr.market_data.errors import BookError, UnitsError
from noderr.market_data.events import Duplicate, Trade
from noderr.market_data.order_book import Level
from noderr.market_data.units import Scale, digits_after_point, to_decimal, to_units

VENUE = "kraken"
URL = "wss://ws.kraken.com"
_DEPTHS = (10, 25, 100, 500, 1000)
_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_TAKERS = {"b": "buy", "s": "sell"}


def kraken_pair(symbol: str) -> str:
    """Kraken's name of a market: XBT/USD for BTC/USD."""
    return "/".join(_NAMES.get(currency, currency) for currency in symbol.split("/"))


class KrakenSession:
    """Books and trades of symbols over one connection. `check` is the checksum; it is on unless said otherwise."""

    venue = VENUE

    def __init__(self, symbols: Sequence[str], depth: int = 10, *, check: bool = True) -> None:
        """Raises `FrameError` for a depth that Kraken has not."""
        if depth not in _DEPTHS:
            raise FrameError(f"depth is {depth}: Kraken has {', '.join(map(str, _DEPTHS))}")
        self.symbols = tuple(symbols)
        self.refused: dict[str, str] = {}
        self._depth = depth
        self._check = check
        self._books = {kraken_pair(one): VenueBook(VENUE, one, Scale(0, 0), depth) for one in symbols}
        self._last: dict[str, bytes] = {}
        self._checksums = {pair: TopChecksum() for pair in self._books}
        self._good_ns = 0

    def open(self) -> list[Output]:
        for book in self._books.values():
            book.state = BookState.WAITING
            book.asked = True
        self._last.clear()
        pairs = list(self._books)
        return [Send(self._subscription("subscribe", pairs)), Send(_message("subscribe", pairs, {"name": "trade"}))]

    def on_frame(self, payload: bytes, received_ns: int) -> list[Output]:
        try:
            frame = read_frame(payload)
            if isinstance(frame, Event):
                self._on_event(frame)
                outputs: list[Output] = []
            else:
                outputs = self._on_channel(frame, payload, received_ns)
        except (FrameError, UnitsError) as error:
            return [*self.lost(str(error), self._good_ns), Reconnect(str(error))]
        self._good_ns = received_ns
        return outputs

    def lost(self, reason: str, heard_ns: int) -> list[Output]:
        return [gap for book in self._books.values() for gap in book.lose(reason, heard_ns)]

    def waiting(self) -> Sequence[str]:
        return [
            one.symbol
            for one in self._books.values()
            if one.state is BookState.WAITING and one.asked and one.symbol not in self.refused
        ]

    def _on_event(self, event: Event) -> None:
        if event.event == "subscriptionStatus" and event.status == "error":
            book = self._books.get(event.pair or "")
            for symbol in self.symbols if book is None else (book.symbol,):
                self.refused[symbol] = event.message or "refused"

    def _on_channel(self, frame: Channel, payload: bytes, received_ns: int) -> list[Output]:
        parts, channel, pair = _parted(frame)
        book = self._books.get(pair)
        if book is None:
            raise FrameError(f"Kraken sent data of {pair[:40]!r}, which was not asked for")
        if channel == "trade" and isinstance(frame.first, list):
            return [_trade(book.symbol, raw, received_ns) for raw in frame.first]
        if channel != f"book-{self._depth}" or not parts:
            raise FrameError(f"Kraken sent a frame of channel {channel[:40]!r} that is none of its books and trades")
        if book.state is BookState.LIVE and self._last.get(pair) == payload:
            return [Duplicate(venue=VENUE, symbol=book.symbol, received_ns=received_ns)]
        self._last[pair] = payload
        if parts[0].snapshot_asks is not None and parts[0].snapshot_bids is not None:
            self._checksums[pair].forget()
            return self._on_snapshot(book, parts[0].snapshot_bids, parts[0].snapshot_asks, received_ns)
        return self._on_update(book, self._checksums[pair], parts, received_ns)

    def _on_snapshot(
        self, book: VenueBook, bids: list[RawLevel], asks: list[RawLevel], received_ns: int
    ) -> list[Output]:
        sample = (bids or asks)[:1]
        if sample:
            # All levels of a pair have the same digits, and the checksum is made of them.
            book.book.scale = Scale(digits_after_point(sample[0].price), digits_after_point(sample[0].volume))
        try:
            book.book.load(_levels(book, bids), _levels(book, asks))
        except BookError as error:
            raise FrameError(f"{book.symbol}: {error}") from error
        events: list[Output] = [*book.lose("Kraken sent the book anew", received_ns)]
        book.state = BookState.UNCHECKED
        return events if self._check else [*events, book.snapshot(None, received_ns)]

    def _on_update(self, book: VenueBook, checksum: TopChecksum, parts: list[Book], received_ns: int) -> list[Output]:
        if book.state is BookState.WAITING:
            return []
        raw_bids = [level for part in parts for level in part.bids or ()]
        raw_asks = [level for part in parts for level in part.asks or ()]
        said = parts[-1].checksum
        if said is None or not (raw_bids or raw_asks):
            raise FrameError(f"Kraken sent an update of {book.symbol} without levels or without its checksum")
        bids, asks = _levels(book, raw_bids), _levels(book, raw_asks)
        at_ns = event_ns(max([level.time for level in raw_bids + raw_asks]))
        try:
            book.book.apply(bids, asks)
        except BookError as error:
            return self._broken(book, str(error))
        found = checksum.of(book.book, asks_changed=bool(asks), bids_changed=bool(bids)) if self._check else said
        if said != str(found):
            return self._broken(book, f"the book's checksum is {found}, Kraken says {said[:20]}")
        if book.state is BookState.UNCHECKED:
            return [book.snapshot(at_ns, received_ns)]
        return [book.delta(bids, asks, at_ns, received_ns)]

    def _broken(self, book: VenueBook, reason: str) -> list[Output]:
        gaps = book.lose(reason)
        pairs = [kraken_pair(book.symbol)]
        again = (self._subscription("unsubscribe", pairs), self._subscription("subscribe", pairs))
        return [*gaps, Resync(book.symbol, again)]

    def _subscription(self, event: str, pairs: list[str]) -> str:
        return _message(event, pairs, {"name": "book", "depth": self._depth})


def _message(event: str, pairs: list[str], subscription: dict[str, object]) -> str:
    return msgspec.json.encode({"event": event, "pair": pairs, "subscription": subscription}).decode()


def _parted(frame: Channel) -> tuple[list[Book], str, str]:
    """The books of a frame, its channel and its pair."""
    if isinstance(frame.second, str):
        return ([frame.first] if isinstance(frame.first, Book) else []), frame.second, frame.third
    return ([frame.first, frame.second] if isinstance(frame.first, Book) else []), frame.third, frame.fourth


def _levels(book: VenueBook, raw: list[RawLevel]) -> tuple[Level, ...]:
    """Raises `UnitsError`."""
    price, size = book.book.scale.price, book.book.scale.size
    return tuple([(to_units(level.price, price), to_units(level.volume, size)) for level in raw])


def _trade(symbol: str, raw: RawTrade, received_ns: int) -> Trade:
    price_digits, size_digits = digits_after_point(raw.price), digits_after_point(raw.volume)
    taker = _TAKERS.get(raw.side)
    if taker is None:
        raise FrameError(f"Kraken sent a trade of side {raw.side[:20]!r}")
    return Trade(
        venue=VENUE,
        symbol=symbol,
        price=to_decimal(to_units(raw.price, price_digits), price_digits),
        quantity=to_decimal(to_units(raw.volume, size_digits), size_digits),
        taker="buy" if taker == "buy" else "sell",
        trade_id=None,
        event_ns=event_ns(raw.time),
        received_ns=received_ns,
    )
