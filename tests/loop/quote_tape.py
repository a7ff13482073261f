"""The best prices that one validator saw during a replay: for pictures, and for tests that look up a fill's market."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from noderr.market_data.events import MarketEvent
from noderr.market_data.live_market import MarketName
from noderr.market_data.market_books import MarketBooks
from noderr.market_data.order_book import Level
from noderr.market_data.units import Scale, to_decimal


@dataclass(frozen=True, slots=True)
class Best:
    """The best prices from `at_ns` on; None where the book is not known, or lacks a side."""

    at_ns: int
    bid: Decimal | None
    ask: Decimal | None

    @property
    def mid(self) -> Decimal | None:
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2


class QuoteTape:
    """Follows a validator: give it to its `followers`. `by_symbol` has each change, ascending."""

    def __init__(self, books: MarketBooks, symbols: Sequence[str], now_ns: Callable[[], int]) -> None:
        self.by_symbol: dict[str, list[Best]] = {symbol: [] for symbol in symbols}
        self._books = books
        self._now_ns = now_ns

    def __call__(self, event: MarketEvent) -> None:
        row = self.by_symbol.get(event.symbol)
        if row is None:
            return
        book = self._books.markets[MarketName(event.venue, event.symbol)].book
        bid, ask = (None, None) if book is None else (book.bids.best(), book.asks.best())
        scale = None if book is None else book.scale
        best = Best(self._now_ns(), _price(bid, scale), _price(ask, scale))
        if not row or (row[-1].bid, row[-1].ask) != (best.bid, best.ask):
            row.append(best)


def _price(level: Level | None, scale: Scale | None) -> Decimal | None:
    return None if level is None or scale is None else to_decimal(level[0], scale.price)
