"""Binance's spot books by its published procedure: buffer the stream, fetch a snapshot, drop what it has, then no gap.

The stream is checked by its update ids, and by `bookTicker`: at an update id that both tell, the best prices and sizes
must be the same. Neither sees a wrong digit in a deep level; TLS keeps those out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from noderr.data_connectors.binance_frames import (
    DIGITS,
    AggregateTrade,
    BookTicker,
    Depth,
    binance_levels,
    read_frame,
    read_snapshot,
    stream_names,
)
from noderr.data_connectors.errors import FrameError
from noderr.data_connectors.event_time import checked_ns
from noderr.data_connectors.session import Output, Reconnect, Resync
from noderr.data_connectors.venue_book import BookState, VenueBook
from noderr.market_data.errors import BookError, UnitsError
from noderr.market_data.events import Duplicate, Trade
from noderr.market_data.order_book import Level
from noderr.market_data.units import Scale, to_decimal, to_units

VENUE = "binance"
URL = "wss://stream.binance.com:9443"
SNAPSHOT_URL = "https://api.binance.com"
SNAPSHOT_LEVELS = 1000
_MOST_BUFFERED = 5_000
_MOST_REMEMBERED = 64
_MS_NS = 1_000_000

type _Best = tuple[Level | None, Level | None]


def binance_symbol(symbol: str) -> str:
    """Binance's name of a market: BTCUSDT for BTC/USDT."""
    return symbol.replace("/", "")


def stream_path(symbols: Sequence[str]) -> str:
    """What follows `URL`: the streams of these symbols in one connection."""
    return f"/stream?streams={'/'.join(name for one in symbols for name in stream_names(binance_symbol(one)))}"


class _Market:
    """A book and what is needed to keep it in step."""

    def __init__(self, symbol: str) -> None:
        self.book = VenueBook(VENUE, symbol, Scale(DIGITS, DIGITS), None)
        self.buffer: deque[Depth] = deque()
        self.chain: deque[tuple[int, int]] = deque(maxlen=_MOST_REMEMBERED)
        """First and last ids of what was applied since the snapshot."""
        self.tickers: deque[BookTicker] = deque(maxlen=_MOST_REMEMBERED)
        self.last_trade: int | None = None
        self.last_trade_ns = 0

    def reset(self) -> None:
        self.book.state = BookState.WAITING
        self.book.sequence = None
        self.book.asked = False
        self.buffer.clear()
        self.chain.clear()
        self.tickers.clear()
        self.last_trade = None


class BinanceSession:
    """Books and trades of symbols over one connection. `check` is the `bookTicker` check; ids are always checked."""

    venue = VENUE

    def __init__(self, symbols: Sequence[str], *, check: bool = True) -> None:
        self.symbols = tuple(symbols)
        self.refused: dict[str, str] = {}
        self._check = check
        self._good_ns = 0
        self._markets = {binance_symbol(one): _Market(one) for one in symbols}

    def open(self) -> list[Output]:
        for market in self._markets.values():
            market.reset()
        return []

    def on_frame(self, payload: bytes, received_ns: int) -> list[Output]:
        try:
            frame = read_frame(payload)
            market = self._markets.get(frame.symbol)
            if market is None:
                raise FrameError(f"Binance sent data of {frame.symbol[:40]!r}, which was not asked for")
            match frame:
                case Depth():
                    outputs = self._on_depth(market, frame, received_ns)
                case BookTicker():
                    outputs = self._on_ticker(market, frame)
                case AggregateTrade():
                    outputs = self._on_trade(market, frame, received_ns)
        except (FrameError, UnitsError) as error:
            return [*self.lost(str(error), self._good_ns), Reconnect(str(error))]
        self._good_ns = received_ns
        return outputs

    def on_snapshot(self, symbol: str, payload: bytes, received_ns: int) -> list[Output]:
        market = self._markets[binance_symbol(symbol)]
        book = market.book
        if book.state is BookState.LIVE:
            return []
        try:
            snapshot = read_snapshot(payload)
            book.book.load(binance_levels(snapshot.bids), binance_levels(snapshot.asks))
        except (FrameError, UnitsError, BookError):
            return [Resync(symbol)]
        while market.buffer and market.buffer[0].last <= snapshot.last_update:
            market.buffer.popleft()
        if market.buffer and market.buffer[0].first > snapshot.last_update + 1:
            return [Resync(symbol)]  # Older than the stream that we have: the venue's own procedure asks again.
        book.asked = False
        book.sequence = snapshot.last_update
        market.chain.clear()
        for depth in market.buffer:
            if problem := self._apply(market, depth)[0]:
                return self._broken(market, problem)
        market.buffer.clear()
        return [book.snapshot(None, received_ns)]

    def lost(self, reason: str, heard_ns: int) -> list[Output]:
        return [gap for market in self._markets.values() for gap in market.book.lose(reason, heard_ns)]

    def waiting(self) -> Sequence[str]:
        return [one.book.symbol for one in self._markets.values() if one.book.asked]

    def _on_depth(self, market: _Market, depth: Depth, received_ns: int) -> list[Output]:
        book = market.book
        if depth.first > depth.last:
            raise FrameError(f"Binance sent updates {depth.first} to {depth.last} of {book.symbol}")
        if book.state is not BookState.LIVE:
            return self._buffer(market, depth)
        if (depth.first, depth.last) in market.chain:
            return [Duplicate(venue=VENUE, symbol=book.symbol, received_ns=received_ns)]
        if not market.chain and depth.last <= (book.sequence or 0):
            return []  # The snapshot has it already.
        problem, bids, asks = self._apply(market, depth)
        if problem:
            outputs = self._broken(market, problem)
            market.buffer.append(depth)  # It is good itself, and the snapshot may be older.
            return outputs
        return [book.delta(bids, asks, checked_ns(depth.event_ms * _MS_NS), received_ns)]

    def _buffer(self, market: _Market, depth: Depth) -> list[Output]:
        if len(market.buffer) >= _MOST_BUFFERED:
            market.buffer.popleft()  # The snapshot that comes is newer, or is asked for again.
        market.buffer.append(depth)
        if market.book.asked:
            return []
        market.book.asked = True
        return [Resync(market.book.symbol)]

    def _apply(self, market: _Market, depth: Depth) -> tuple[str, tuple[Level, ...], tuple[Level, ...]]:
        """What is wrong with the book afterwards, or ""; and the levels."""
        book = market.book
        expected = (book.sequence or 0) + 1
        bids, asks = binance_levels(depth.bids), binance_levels(depth.asks)
        # The first after a snapshot may begin before it; each other one begins where the one before ended.
        if depth.first > expected or (market.chain and depth.first != expected) or depth.last < expected:
            return f"update {expected} comes next, Binance sent {depth.first} to {depth.last}", bids, asks
        try:
            book.book.apply(bids, asks)
        except BookError as error:
            return str(error), bids, asks
        book.sequence = depth.last
        market.chain.append((depth.first, depth.last))
        if book.book.is_crossed():
            return "the book is crossed: its best bid is not below its best ask", bids, asks
        return self._compare(market), bids, asks

    def _compare(self, market: _Market) -> str:
        """Against what `bookTicker` said of this very update, if it did."""
        sequence = market.book.sequence
        for ticker in market.tickers if self._check else ():
            if ticker.update == sequence and (problem := _difference(market, ticker)):
                return problem
        return ""

    def _on_ticker(self, market: _Market, ticker: BookTicker) -> list[Output]:
        market.tickers.append(ticker)
        if market.book.state is BookState.LIVE and (problem := self._compare(market)):
            return self._broken(market, problem)
        return []

    def _on_trade(self, market: _Market, trade: AggregateTrade, received_ns: int) -> list[Output]:
        book, last = market.book, market.last_trade
        if trade.number == last:
            return [Duplicate(venue=VENUE, symbol=book.symbol, received_ns=received_ns)]
        good_ns, market.last_trade, market.last_trade_ns = market.last_trade_ns, trade.number, received_ns
        if last is not None and trade.number != last + 1:
            return self._broken(market, f"trade {last + 1} comes next, Binance sent {trade.number}", good_ns)
        return [
            Trade(
                venue=VENUE,
                symbol=book.symbol,
                price=to_decimal(to_units(trade.price, DIGITS), DIGITS),
                quantity=to_decimal(to_units(trade.quantity, DIGITS), DIGITS),
                taker="sell" if trade.buyer_is_maker else "buy",
                trade_id=str(trade.number),
                event_ns=checked_ns(trade.time_ms * _MS_NS),
                received_ns=received_ns,
            )
        ]

    def _broken(self, market: _Market, reason: str, good_ns: int | None = None) -> list[Output]:
        gaps = market.book.lose(reason, good_ns)
        market.buffer.clear()
        market.tickers.clear()
        market.book.asked = True
        return [*gaps, Resync(market.book.symbol)]


def _difference(market: _Market, ticker: BookTicker) -> str:
    book = market.book.book
    said: _Best = (
        (to_units(ticker.bid, DIGITS), to_units(ticker.bid_size, DIGITS)),
        (to_units(ticker.ask, DIGITS), to_units(ticker.ask_size, DIGITS)),
    )
    found: _Best = book.bids.best(), book.asks.best()
    return "" if said == found else f"at update {ticker.update} the best levels are {found}, bookTicker says {said}"
