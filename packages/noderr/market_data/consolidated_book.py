"""One market across venues: the best prices of those books that are known and fresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from noderr.market_data.errors import BookError
from noderr.market_data.order_book import BookSide, OrderBook
from noderr.market_data.units import to_decimal


@dataclass(frozen=True, slots=True)
class VenueLevel:
    """`price` in quote per base, `size` in base."""

    venue: str
    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class BestQuote:
    """The highest bid and the lowest ask; they may cross, since venues differ: that is for the reader to judge."""

    bid: VenueLevel | None
    ask: VenueLevel | None

    @property
    def is_crossed(self) -> bool:
        return self.bid is not None and self.ask is not None and self.bid.price >= self.ask.price


@dataclass(frozen=True, slots=True)
class _Entry:
    book: OrderBook
    heard: float


class ConsolidatedBook:
    """Books of one symbol by venue. One that was not heard of for `max_age_seconds` does not count."""

    def __init__(self, max_age_seconds: float) -> None:
        """Raises `BookError`."""
        if not 0 < max_age_seconds < float("inf"):
            raise BookError(f"max_age_seconds is {max_age_seconds!r}: it must be a finite time above 0")
        self._max_age = max_age_seconds
        self._entries: dict[str, _Entry] = {}

    def update(self, venue: str, book: OrderBook, heard: float) -> None:
        """The venue's book as of `heard`, in monotonic seconds. The book itself is read when somebody asks."""
        self._entries[venue] = _Entry(book, heard)

    def drop(self, venue: str) -> None:
        """Its book is not known any more."""
        self._entries.pop(venue, None)

    def best(self, now: float) -> BestQuote:
        """At `now`, in monotonic seconds."""
        bids, asks = self.depth(now, 1)
        return BestQuote(bids[0] if bids else None, asks[0] if asks else None)

    def depth(self, now: float, count: int) -> tuple[list[VenueLevel], list[VenueLevel]]:
        """Bids and asks of all venues, the best first, at most `count` of a side."""
        fresh = {venue: one.book for venue, one in self._entries.items() if now - one.heard <= self._max_age}
        bids = _levels({venue: (book, book.bids) for venue, book in fresh.items()}, count)
        asks = _levels({venue: (book, book.asks) for venue, book in fresh.items()}, count)
        bids.sort(key=lambda level: (-level.price, level.venue))
        asks.sort(key=lambda level: (level.price, level.venue))
        return bids[:count], asks[:count]


def _levels(sides: Mapping[str, tuple[OrderBook, BookSide]], count: int) -> list[VenueLevel]:
    return [
        VenueLevel(venue, to_decimal(price, book.scale.price), to_decimal(size, book.scale.size))
        for venue, (book, side) in sides.items()
        for price, size in side.top(count)
    ]
