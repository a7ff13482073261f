"""What this node tells others of a market: a view when it has changed, and now and then one when it has not."""

from __future__ import annotations

from noderr.market_data.events import MarketEvent, Trade
from noderr.market_data.live_market import LiveMarket
from noderr.market_data.order_book import BookSide, OrderBook
from noderr.market_data.units import to_decimal
from noderr.types.trading import Side
from noderr.types.trading.market_view import MAX_LEVELS, MAX_TRADES, MarketView, PriceLevel, TradePrint


class ViewPublisher:
    """Views of one market, numbered. Sans-IO: `on_event` after each event, `next_view` as often as one likes."""

    def __init__(self, market: LiveMarket, *, first: int = 1) -> None:
        """`first` is the number of the first view: one that leaves some out says that something was missed."""
        self.market = market
        self.sequence = first - 1
        """Of the newest view."""
        self._trades: list[TradePrint] = []
        self._told: MarketView | None = None

    def on_event(self, event: MarketEvent) -> None:
        """What was not told before; the market itself has taken it already."""
        if isinstance(event, Trade):
            self._trades.append(
                TradePrint(price=event.price, quantity=event.quantity, taker=Side(event.taker), at_ns=event.event_ns)
            )

    def skip(self) -> None:
        """Leave a number out, which says that something was missed."""
        self.sequence += 1

    def next_view(self, *, heartbeat_ns: int) -> MarketView | None:
        """The next view; None while nothing has changed, unless the last is older than `heartbeat_ns`.

        None as well before anything was heard of the market. More trades than one view holds go on with the next.
        """
        market = self.market
        if market.received_ns is None:
            return None
        # A book that crosses is on its way to another: nobody trades at these prices.
        book = None if market.book is None or market.book.is_crossed() else market.book
        bids, asks = ((), ()) if book is None else (_levels(book, book.bids), _levels(book, book.asks))
        known, told = book is not None, self._told
        if (
            told is not None
            and not self._trades
            and (told.bids, told.asks, told.known) == (bids, asks, known)
            and market.received_ns - told.received_ns < heartbeat_ns
        ):
            return None
        trades, self._trades = tuple(self._trades[:MAX_TRADES]), self._trades[MAX_TRADES:]
        self.sequence += 1
        self._told = MarketView(
            venue=market.name.venue,
            symbol=market.name.symbol,
            # A gap is of the time when the last was right, which may be before what was told.
            received_ns=market.received_ns if known or told is None else max(market.received_ns, told.received_ns),
            sequence=self.sequence,
            bids=bids,
            asks=asks,
            trades=trades,
            known=known,
        )
        return self._told


def _levels(book: OrderBook, side: BookSide) -> tuple[PriceLevel, ...]:
    scale = book.scale
    return tuple(
        PriceLevel(price=to_decimal(price, scale.price), size=to_decimal(size, scale.size))
        for price, size in side.top(MAX_LEVELS)
    )
