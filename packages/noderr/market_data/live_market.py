"""One market as its events come, live or replayed: its book, when it was heard, and what is to be recorded of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from noderr.market_data.events import BookDelta, BookSnapshot, Gap, MarketEvent, Trade
from noderr.market_data.order_book import Level, OrderBook
from noderr.market_data.records import Known, Lost, Print, Quote, Record
from noderr.market_data.units import Scale, to_decimal

_NOT_YET = "its first book has not come"


@dataclass(frozen=True, slots=True)
class MarketName:
    """A market at a venue; as text "kraken:BTC/USD"."""

    venue: str
    symbol: str

    def __str__(self) -> str:
        return f"{self.venue}:{self.symbol}"


class LiveMarket:
    """Sans-IO. `book` is what the venue's integrity check passed, and None while nobody knows."""

    def __init__(self, name: MarketName, recorded_ns: int = 0) -> None:
        """`recorded_ns` is the time of the last record there is: what is earlier cannot follow it."""
        self.name = name
        self.book: OrderBook | None = None
        self.problem = _NOT_YET
        """Why there is no book."""
        self.gaps = 0
        self.sequence: int | None = None
        self.received_ns: int | None = None
        """Of the last event."""
        self._recorded_ns = recorded_ns
        self._quoted: tuple[Level | None, Level | None] | None = None

    def take(self, event: MarketEvent) -> list[Record]:
        """Raises `BookError` for levels that no book has; a session hands out none."""
        self.received_ns = event.received_ns
        records: list[Record] = []
        if self._quoted is not None and event.received_ns < self._recorded_ns and not isinstance(event, Gap):
            # The record tells one story in order of time: it goes on when the clock has passed its end.
            records.append(_lost(self._recorded_ns, "the machine's clock was set back"))
            self._quoted = None
        match event:
            case BookSnapshot():
                self._take_snapshot(event, records)
            case BookDelta() if self.book is not None:
                self.book.apply(event.bids, event.asks)
                self.sequence = event.sequence
                self._quote(event.received_ns, records)
            case Trade() if self.book is not None and event.received_ns >= self._recorded_ns:
                self._quote(event.received_ns, records)
                records.append(
                    Print(event.received_ns, event.event_ns, event.price, event.quantity, event.taker, event.trade_id)
                )
            case Gap():
                self._lose(event, records)
            case _:
                pass
        if records:
            self._recorded_ns = records[-1].received_ns
        return records

    def _take_snapshot(self, event: BookSnapshot, records: list[Record]) -> None:
        if self._quoted is not None:
            records.append(_lost(event.received_ns, "the venue sent its book anew"))
        self.book = OrderBook(event.scale)
        self.book.load(event.bids, event.asks)
        self.sequence = event.sequence
        self._quoted = None
        self._quote(event.received_ns, records)

    def _quote(self, received_ns: int, records: list[Record]) -> None:
        """Record the best prices if they are others than before."""
        if self.book is None or received_ns < self._recorded_ns:
            return
        top = self.book.bids.best(), self.book.asks.best()
        if top == self._quoted:
            return
        if self._quoted is None:
            records.append(Known(received_ns))
        self._quoted = top
        (bid, bid_size), (ask, ask_size) = (_decimals(level, self.book.scale) for level in top)
        records.append(Quote(received_ns, bid, bid_size, ask, ask_size))

    def _lose(self, event: Gap, records: list[Record]) -> None:
        self.problem = event.reason
        self.gaps += self.book is not None
        if self._quoted is not None:
            # A gap begins with what was surely right last; more may be recorded since then.
            records.append(Lost(max(event.received_ns, self._recorded_ns), event.reason, event.received_ns))
        self.book = None
        self._quoted = None


def _lost(at_ns: int, reason: str) -> Lost:
    return Lost(at_ns, reason, at_ns)


def _decimals(level: Level | None, scale: Scale) -> tuple[Decimal | None, Decimal | None]:
    if level is None:
        return None, None
    return to_decimal(level[0], scale.price), to_decimal(level[1], scale.size)
