"""Coinbase's books (Advanced Trade, `level2`): a snapshot and updates, checked by the numbers of the frames.

The numbers cover all channels and products, so a frame that is missing may have been about any book: the connection is
made anew. `heartbeats`, one a second, tell of a loss also where nobody trades.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from noderr.data_connectors.coinbase_frames import (
    DIGITS,
    BookEvent,
    Frame,
    RawTrade,
    RawUpdate,
    Refused,
    read_books,
    read_frame,
    read_trades,
    time_ns,
)
from noderr.data_connectors.errors import FrameError
from noderr.data_connectors.session import Output, Reconnect, Send
from noderr.data_connectors.venue_book import BookState, VenueBook
from noderr.market_data.errors import BookError, UnitsError
from noderr.market_data.events import Duplicate, Trade
from noderr.market_data.order_book import Level
from noderr.market_data.units import Scale, to_decimal, to_units

VENUE = "coinbase"
URL = "wss://advanced-trade-ws.coinbase.com"
_CHANNELS = ("heartbeats", "level2", "market_trades")


def coinbase_product(symbol: str) -> str:
    """Coinbase's name of a market: BTC-USD for BTC/USD."""
    return symbol.replace("/", "-")


class CoinbaseSession:
    """Books and trades of symbols over one connection. `check` is the frames' numbers; on unless said otherwise."""

    venue = VENUE

    def __init__(self, symbols: Sequence[str], *, check: bool = True) -> None:
        self.symbols = tuple(symbols)
        self.refused: dict[str, str] = {}
        self._check = check
        self._books = {coinbase_product(one): VenueBook(VENUE, one, Scale(DIGITS, DIGITS), None) for one in symbols}
        self._number: int | None = None
        self._good_ns = 0

    def open(self) -> list[Output]:
        self._number = None
        for book in self._books.values():
            book.state = BookState.WAITING
            book.asked = True
        return [Send(_subscribe(channel, list(self._books))) for channel in _CHANNELS]

    def on_frame(self, payload: bytes, received_ns: int) -> list[Output]:
        try:
            frame = read_frame(payload)
            if isinstance(frame, Refused):
                self.refused = dict.fromkeys(self.symbols, frame.message[:200])
                return []
            if self._check and (known := self._check_number(frame, received_ns)):
                return known
            self._number = frame.sequence_num
            outputs = self._on_data(frame, received_ns)
        except (FrameError, UnitsError, BookError) as error:
            return [*self.lost(str(error), self._good_ns), Reconnect(str(error))]
        self._good_ns = received_ns
        return outputs

    def lost(self, reason: str, heard_ns: int) -> list[Output]:
        return [gap for book in self._books.values() for gap in book.lose(reason, heard_ns)]

    def waiting(self) -> Sequence[str]:
        return [
            one.symbol
            for one in self._books.values()
            if one.state is BookState.WAITING and one.symbol not in self.refused
        ]

    def _check_number(self, frame: Frame, received_ns: int) -> list[Output]:
        """What to do instead of reading the frame; nothing when its number is the one that comes next."""
        if self._number is not None and frame.sequence_num == self._number:
            return [Duplicate(venue=VENUE, symbol=one, received_ns=received_ns) for one in self.symbols]
        expected = 0 if self._number is None else self._number + 1
        if frame.sequence_num == expected:
            return []
        raise FrameError(f"frame {expected} comes next, Coinbase sent {frame.sequence_num}")

    def _on_data(self, frame: Frame, received_ns: int) -> list[Output]:
        at_ns = time_ns(frame.timestamp)
        outputs: list[Output] = []
        if frame.channel == "l2_data":
            for event in read_books(frame):
                outputs += self._on_book(event, at_ns, received_ns)
        elif frame.channel == "market_trades":
            for trades in read_trades(frame):
                # The trades of a snapshot happened before we came: they belong to no time that we know.
                if trades.type == "update":
                    outputs += [self._trade(raw, received_ns) for raw in reversed(trades.trades)]
        elif frame.channel not in ("subscriptions", "heartbeats"):
            raise FrameError(f"Coinbase sent a frame of channel {frame.channel[:40]!r}, which was not asked for")
        return outputs

    def _on_book(self, event: BookEvent, at_ns: int, received_ns: int) -> list[Output]:
        book = self._book(event.product_id)
        bids, asks = _levels(event.updates, "bid"), _levels(event.updates, "offer")
        if event.type == "snapshot":
            book.book.load(bids, asks)
            gaps = book.lose("Coinbase sent the book anew", received_ns)
            return [*gaps, book.snapshot(at_ns, received_ns)]
        if book.state is not BookState.LIVE:
            raise FrameError(f"Coinbase sent an update of {book.symbol} before its book")
        book.book.apply(bids, asks)
        if book.book.is_crossed():
            raise FrameError(f"{book.symbol} is crossed: its best bid is not below its best ask")
        return [book.delta(bids, asks, at_ns, received_ns)]

    def _trade(self, raw: RawTrade, received_ns: int) -> Trade:
        return Trade(
            venue=VENUE,
            symbol=self._book(raw.product_id).symbol,
            price=to_decimal(to_units(raw.price, DIGITS), DIGITS),
            quantity=to_decimal(to_units(raw.size, DIGITS), DIGITS),
            taker="buy" if raw.side == "SELL" else "sell",
            trade_id=raw.trade_id,
            event_ns=time_ns(raw.time),
            received_ns=received_ns,
        )

    def _book(self, product: str) -> VenueBook:
        book = self._books.get(product)
        if book is None:
            raise FrameError(f"Coinbase sent data of {product[:40]!r}, which was not asked for")
        return book


def _subscribe(channel: str, products: list[str]) -> str:
    return msgspec.json.encode({"type": "subscribe", "product_ids": products, "channel": channel}).decode()


def _levels(updates: list[RawUpdate], side: str) -> tuple[Level, ...]:
    """Raises `UnitsError`."""
    return tuple(
        [(to_units(one.price_level, DIGITS), to_units(one.new_quantity, DIGITS)) for one in updates if one.side == side]
    )
