"""What `/api/v1/books` answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from noderr.market_data.consolidated_book import VenueLevel
from noderr.market_data.live_market import LiveMarket
from noderr.market_data.market_books import STALE_SECONDS, MarketBooks
from noderr.market_data.order_book import Level
from noderr.market_data.units import Scale, to_decimal
from noderr.types.trading import decimal_text

_LEVELS = 10
_SECOND_NS = 1_000_000_000


class LevelDescription(msgspec.Struct, frozen=True):
    """Decimal text: `price` in quote per base, `size` in base."""

    price: str
    size: str


class BookDescription(msgspec.Struct, frozen=True):
    """One market at one venue, its best levels first. Without a book there are no levels, and `problem` says why."""

    venue: str
    symbol: str
    known: bool
    stale: bool
    problem: str | None
    bids: tuple[LevelDescription, ...]
    asks: tuple[LevelDescription, ...]
    sequence: int | None
    gaps: int
    received_at: datetime | None


class BestLevel(msgspec.Struct, frozen=True):
    """The best of all venues that are fresh."""

    venue: str
    price: str
    size: str


class BestDescription(msgspec.Struct, frozen=True):
    """Of one symbol across venues."""

    symbol: str
    bid: BestLevel | None
    ask: BestLevel | None
    crossed: bool


class BooksDescription(msgspec.Struct, frozen=True):
    """Every market that the settings name."""

    books: tuple[BookDescription, ...]
    best: tuple[BestDescription, ...]
    missing: tuple[str, ...]


def describe_books(books: MarketBooks, now: float, missing: Sequence[str]) -> BooksDescription:
    """`now` is in monotonic seconds."""
    best = []
    for symbol, consolidated in books.consolidated.items():
        quote = consolidated.best(now)
        best.append(BestDescription(symbol, _best(quote.bid), _best(quote.ask), quote.is_crossed))
    return BooksDescription(
        tuple(_book(market, now - books.heard.get(name, now)) for name, market in books.markets.items()),
        tuple(best),
        tuple(missing),
    )


def _book(market: LiveMarket, age_seconds: float) -> BookDescription:
    book = market.book
    return BookDescription(
        market.name.venue,
        market.name.symbol,
        known=book is not None,
        stale=book is not None and age_seconds > STALE_SECONDS,
        problem=market.problem if book is None else None,
        bids=() if book is None else _levels(book.bids.top(_LEVELS), book.scale),
        asks=() if book is None else _levels(book.asks.top(_LEVELS), book.scale),
        sequence=market.sequence,
        gaps=market.gaps,
        received_at=(
            None if market.received_ns is None else datetime.fromtimestamp(market.received_ns / _SECOND_NS, UTC)
        ),
    )


def _levels(levels: Sequence[Level], scale: Scale) -> tuple[LevelDescription, ...]:
    return tuple(
        LevelDescription(decimal_text(to_decimal(price, scale.price)), decimal_text(to_decimal(size, scale.size)))
        for price, size in levels
    )


def _best(level: VenueLevel | None) -> BestLevel | None:
    return None if level is None else BestLevel(level.venue, decimal_text(level.price), decimal_text(level.size))
