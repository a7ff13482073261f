"""The router on a node's own books: what of an order which venue gets now.

A book that is unknown, crossed or stale counts as no venue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from noderr.exchanges.market_rules import Listing
from noderr.execution.allotment import Allotted, Wanted
from noderr.execution.routing.clob_curve import clob_curve
from noderr.execution.routing.route import route
from noderr.market_data.live_market import MarketName
from noderr.market_data.market_books import MarketBooks
from noderr.market_data.order_book import OrderBook
from noderr.market_data.units import to_decimal
from noderr.types.trading.portfolio import Reference

_LEVELS = 200
"""Of a book: what lies deeper is far beyond any limit, and looking at it takes time."""


class BookRouter:
    """`books` are asked for anew each time, since their service makes new ones when it starts again.

    `listings` by venue and symbol. What was not heard of for `max_age_seconds` is stale.
    """

    def __init__(
        self,
        books: Callable[[], MarketBooks],
        listings: Mapping[str, Mapping[str, Listing]],
        monotonic: Callable[[], float],
        max_age_seconds: float = 5.0,
    ) -> None:
        self._books = books
        self._listings = listings
        self._monotonic = monotonic
        self._max_age = max_age_seconds

    def allot(self, wanted: Wanted) -> Sequence[Allotted]:
        """The cheapest split over the venues that are known now, at the worst price that each is expected to meet.

        Its children are immediate-or-cancel: what they do not get is split anew on newer books.
        """
        order = wanted.order
        curves = {
            venue: clob_curve(
                book, order.side, taker_fee=listing.fees.taker, instrument=listing.instrument, depth=_LEVELS
            )
            for venue, listing, book in self._known(order.symbol)
            if venue not in wanted.shunned
        }
        if not curves:
            return ()
        plan = route(order.side, wanted.quantity, curves, limit_price=order.limit_price)
        return [
            Allotted(venue=child.venue, quantity=child.quantity, limit_price=child.limit_price)
            for child in plan.children
        ]

    def references(self) -> dict[str, Reference]:
        """The mid price of each symbol: halfway between the best bid and the best ask of all venues that are known."""
        found = {}
        for symbol in sorted({symbol for listings in self._listings.values() for symbol in listings}):
            reference = self._reference(symbol)
            if reference is not None:
                found[symbol] = reference
        return found

    def _reference(self, symbol: str) -> Reference | None:
        bids, asks, times = [], [], []
        markets = self._books().markets
        for venue, _, book in self._known(symbol):
            bid, ask = book.bids.best(), book.asks.best()
            received_ns = markets[MarketName(venue, symbol)].received_ns
            if bid is None or ask is None or received_ns is None:
                continue
            # In tenths of a unit, so that half of the sum has an exact number.
            bids.append(to_decimal(bid[0] * 5, book.scale.price + 1))
            asks.append(to_decimal(ask[0] * 5, book.scale.price + 1))
            times.append(received_ns)
        if not bids:
            return None
        return Reference(symbol=symbol, price=max(bids) + min(asks), as_of_ns=max(times))

    def _known(self, symbol: str) -> Iterator[tuple[str, Listing, OrderBook]]:
        """Venue by venue, in the order of their names."""
        books, now = self._books(), self._monotonic()
        for venue in sorted(self._listings):
            listing, name = self._listings[venue].get(symbol), MarketName(venue, symbol)
            market = books.markets.get(name)
            if listing is None or market is None or market.book is None or market.book.is_crossed():
                continue
            if now - books.heard[name] <= self._max_age:
                yield venue, listing, market.book
