"""One book in a session: whether it is in step with the venue, and the events that tell of it."""

from __future__ import annotations

import enum

from noderr.market_data.events import BookDelta, BookSnapshot, Gap
from noderr.market_data.order_book import Level, OrderBook
from noderr.market_data.units import Scale


class BookState(enum.Enum):
    """Only LIVE books are told to others."""

    WAITING = "waiting"  # for a snapshot
    UNCHECKED = "unchecked"  # a snapshot came; the venue's check has not confirmed it yet
    LIVE = "live"


class VenueBook:
    """The book of one symbol."""

    def __init__(self, venue: str, symbol: str, scale: Scale, depth: int | None) -> None:
        self.venue = venue
        self.symbol = symbol
        self.depth = depth
        self.book = OrderBook(scale, depth)
        self.state = BookState.WAITING
        self.sequence: int | None = None
        self.asked = False
        """Whether a snapshot was asked for."""
        self._checked_ns = 0

    def lose(self, reason: str, good_ns: int | None = None) -> list[Gap]:
        """Nobody knows the book any more. The gap is told once, and only where there was something to lose.

        `good_ns` is until when it was surely right; not given, that is its last check that passed.
        """
        was_live = self.state is BookState.LIVE
        self.state = BookState.WAITING
        self.sequence = None
        if not was_live:
            return []
        at_ns = self._checked_ns if good_ns is None else good_ns
        return [Gap(venue=self.venue, symbol=self.symbol, reason=reason, received_ns=at_ns)]

    def snapshot(self, event_ns: int | None, received_ns: int) -> BookSnapshot:
        """The whole book, which is LIVE from here on."""
        self.state = BookState.LIVE
        self._checked_ns = received_ns
        book = self.book
        return BookSnapshot(
            venue=self.venue,
            symbol=self.symbol,
            scale=book.scale,
            bids=tuple(book.bids.top(len(book.bids))),
            asks=tuple(book.asks.top(len(book.asks))),
            sequence=self.sequence,
            event_ns=event_ns,
            received_ns=received_ns,
        )

    def delta(
        self, bids: tuple[Level, ...], asks: tuple[Level, ...], event_ns: int | None, received_ns: int
    ) -> BookDelta:
        """What was applied, and passed its check."""
        self._checked_ns = received_ns
        return BookDelta(
            venue=self.venue,
            symbol=self.symbol,
            bids=bids,
            asks=asks,
            sequence=self.sequence,
            event_ns=event_ns,
            received_ns=received_ns,
        )
