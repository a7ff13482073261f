"""Venues made of a recording: they answer what a session asks for, from books that were built of the true frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from noderr.data_connectors.session import Output, Reconnect, Resync, Send, VenueSession
from noderr.market_data.events import BookDelta, BookSnapshot, Duplicate, Gap, Trade
from noderr.market_data.live_market import MarketName
from noderr.market_data.market_books import MarketBooks
from noderr.market_data.order_book import Level, OrderBook

type Top = tuple[list[Level], list[Level]]


class Wire[S: VenueSession]:
    """A session, its events taken as a node takes them, and what it asks of its venue."""

    def __init__(self, session: S, ask: Callable[[str], None]) -> None:
        """`ask` is called with each symbol whose book is wanted."""
        self.session = session
        self.books = MarketBooks([MarketName(session.venue, one) for one in session.symbols], lambda: 0.0)
        self.ask = ask
        self.gaps: list[Gap] = []
        self.duplicates = 0
        self.reconnects = 0
        self.events: list[BookSnapshot | BookDelta | Trade | Gap | Duplicate] = []

    def open(self) -> None:
        self.do(self.session.open())

    def frame(self, payload: bytes, received_ns: int) -> Sequence[Output]:
        return self.do(self.session.on_frame(payload, received_ns))

    def book(self, symbol: str) -> OrderBook | None:
        return self.books.markets[MarketName(self.session.venue, symbol)].book

    def top(self, symbol: str, levels: int = 100_000) -> Top | None:
        book = self.book(symbol)
        return None if book is None else (book.bids.top(levels), book.asks.top(levels))

    def do(self, outputs: Sequence[Output]) -> Sequence[Output]:
        for output in outputs:
            match output:
                case Send(text):
                    self._sent(text)
                case Resync(symbol, send):
                    if not send:
                        self.ask(symbol)
                    for text in send:
                        self._sent(text)
                case Reconnect(reason):
                    self.reconnects += 1
                    self.do(self.session.lost(reason, 0))
                    self.open()
                case _:
                    self.events.append(output)
                    self.gaps += [output] if isinstance(output, Gap) else []
                    self.duplicates += isinstance(output, Duplicate)
                    self.books.take(output)
        return outputs

    def _sent(self, text: str) -> None:
        said = json.loads(text)
        if said.get("event") == "subscribe" and said["subscription"]["name"] == "book":
            for pair in said["pair"]:
                self.ask(pair)


def decimal(units: int, digits: int) -> str:
    """As venues write it: with all its digits."""
    text = str(units).zfill(digits + 1)
    return f"{text[:-digits]}.{text[-digits:]}" if digits else text


def kraken_levels(levels: Sequence[Level], book: OrderBook) -> list[list[str]]:
    return [
        [decimal(price, book.scale.price), decimal(size, book.scale.size), "1618678133.000000"]
        for price, size in levels
    ]


def kraken_snapshot(pair: str, book: OrderBook, depth: int) -> bytes:
    """The frame with a whole book."""
    levels = {"as": kraken_levels(book.asks.top(depth), book), "bs": kraken_levels(book.bids.top(depth), book)}
    return json.dumps([1, levels, f"book-{depth}", pair]).encode()


def binance_snapshot(book: OrderBook, sequence: int) -> bytes:
    """The answer with a whole book."""
    sides = [
        [[decimal(price, 8), decimal(size, 8)] for price, size in side.top(100_000)] for side in (book.bids, book.asks)
    ]
    return json.dumps({"lastUpdateId": sequence, "bids": sides[0], "asks": sides[1]}).encode()
