"""All markets of a node as their events come: books, best prices across venues, bars, and what is to be recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog

from noderr.market_data.bars import Bar, BarBuilder
from noderr.market_data.consolidated_book import ConsolidatedBook
from noderr.market_data.errors import BarError
from noderr.market_data.events import MarketEvent, Trade
from noderr.market_data.live_market import LiveMarket, MarketName
from noderr.market_data.records import Known, Lost, Record

_log = structlog.get_logger("noderr.market_data")
STALE_SECONDS = 60.0
BAR_NS = 60_000_000_000
_GRACE_NS = 2_000_000_000
"""How late a trade may come and still be in its bar."""


class MarketBooks:
    """Sans-IO: the same live and in a replay."""

    def __init__(
        self,
        names: Sequence[MarketName],
        monotonic: Callable[[], float],
        recorded_ns: Mapping[MarketName, int] | None = None,
    ) -> None:
        """`monotonic` tells seconds; `recorded_ns` when the record of each market ends, if it has one."""
        self._monotonic = monotonic
        self.markets = {name: LiveMarket(name, (recorded_ns or {}).get(name, 0)) for name in names}
        self.heard: dict[MarketName, float] = {}
        self.consolidated = {name.symbol: ConsolidatedBook(STALE_SECONDS) for name in names}
        self._bars: dict[MarketName, BarBuilder] = {}
        self._closed: list[Bar] = []

    def take(self, event: MarketEvent) -> tuple[MarketName, list[Record]]:
        """What is to be recorded of the event's market."""
        name = MarketName(event.venue, event.symbol)
        market = self.markets[name]
        records = market.take(event)
        now = self.heard[name] = self._monotonic()
        books = self.consolidated[name.symbol]
        if market.book is None:
            books.drop(name.venue)
        else:
            books.update(name.venue, market.book, now)
        self._keep_bars(name, event, records)
        return name, records

    def missing(self) -> list[str]:
        """Markets without a book, and those that were not heard of for a minute."""
        said = []
        now = self._monotonic()
        for name, market in self.markets.items():
            if market.book is None:
                said.append(f"{name} has no book: {market.problem[:120]}")
            elif (age := now - self.heard[name]) > STALE_SECONDS:
                said.append(f"{name} is stale: nothing came for {age:.0f} s")
        return said

    def closed_bars(self, now_ns: int) -> list[Bar]:
        """The bars that ended since this was asked last."""
        for builder in self._bars.values():
            self._closed += builder.close_until(now_ns - _GRACE_NS)
        bars, self._closed = self._closed, []
        return bars

    def _keep_bars(self, name: MarketName, event: MarketEvent, records: Sequence[Record]) -> None:
        for record in records:
            builder = self._bars.get(name)
            if isinstance(record, Lost) and builder is not None:
                builder.on_gap()
            elif isinstance(record, Known):
                if builder is None:
                    self._bars[name] = BarBuilder(name.venue, name.symbol, BAR_NS, record.received_ns)
                else:
                    builder.on_known(record.received_ns)
        if isinstance(event, Trade) and (builder := self._bars.get(name)) is not None:
            try:
                self._closed += builder.on_trade(event)
            except BarError as error:
                _log.warning("trade in no bar", problem=str(error))
