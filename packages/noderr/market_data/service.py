"""The service `market-data`: keeps the books of the markets that the settings name, and records their prices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from noderr.core.event_bus import Topic
from noderr.core.parts import NodeContext
from noderr.core.service import run_until
from noderr.market_data.bars import Bar
from noderr.market_data.events import MarketEvent
from noderr.market_data.feed import Feed
from noderr.market_data.live_market import MarketName
from noderr.market_data.market_books import MarketBooks
from noderr.market_data.price_recorder import PriceRecorder
from noderr.market_data.store import PriceRange

BAR_TOPIC = Topic("market.bar", Bar)
"""Bars of a minute, of every market, a few seconds after each ends."""
_TICK_SECONDS = 1.0
_log = structlog.get_logger("noderr.market_data")


class MarketDataService:
    """Without a feed it does nothing and says so. `open_feeds` is called in every start."""

    name = "market-data"
    critical = False
    requires: tuple[str, ...] = ("event-bus",)

    def __init__(
        self, node: NodeContext, names: Sequence[MarketName], open_feeds: Callable[[], Sequence[Feed]]
    ) -> None:
        self._node = node
        self._names = tuple(names)
        self._open_feeds = open_feeds
        self.books = MarketBooks(self._names, node.clock.monotonic)
        self._feeds: Sequence[Feed] = ()
        self._recorder: PriceRecorder | None = None
        self._listeners: list[Callable[[MarketEvent], None]] = []
        self._stopping = asyncio.Event()
        self._running = False

    @property
    def names(self) -> Sequence[MarketName]:
        """The markets that the settings name."""
        return self._names

    def listen(self, listener: Callable[[MarketEvent], None]) -> None:
        """Call it with every event from now on, in all starts, once `books` has taken it. It must return soon.

        What it raises is a failure of this service. A start makes `books` anew.
        """
        self._listeners.append(listener)

    async def start(self) -> None:
        """Raises `StoreError` when nothing can be recorded, and what opening the feeds raises."""
        self._stopping.clear()
        if not self._names:
            return
        recorder = self._recorder = await PriceRecorder.open(self._node.data_dir, self._names)
        self.books = MarketBooks(self._names, self._node.clock.monotonic, recorder.recorded_ns)
        self._feeds = self._open_feeds()

    async def run(self) -> None:
        self._running = True
        works = [feed.run(self._take) for feed in self._feeds]
        if self._recorder is not None:
            works.append(self._tick(self._recorder))
        try:
            await run_until(self._stopping, *works)
        finally:
            self._running = False
            await self._let_go()

    async def stop(self) -> None:
        self._stopping.set()
        if not self._running:
            await self._let_go()

    def missing(self) -> Sequence[str]:
        if not self._names:
            return ("no feed is configured: NODEOS_FEEDS is not set",)
        refused = [line for feed in self._feeds for line in feed.refused()]
        return (*refused, *self.books.missing())

    async def price_range(self, venue: str, symbol: str, from_ns: int, to_ns: int) -> PriceRange | None:
        """What this node received from one moment through the other; None where it may have missed something.

        Raises `StoreError`.
        """
        recorder, name = self._recorder, MarketName(venue, symbol)
        if recorder is None or name not in self.books.markets:
            return None
        return await recorder.price_range(name, from_ns, to_ns, self._known_until_ns(name))

    def _known_until_ns(self, name: MarketName) -> int:
        """Everything that reached this node until then is taken: what is on its way is not known to be there."""
        if self.books.markets[name].book is None:
            return 0
        return max((feed.heard_ns() or 0 for feed in self._feeds if name in feed.markets), default=0)

    def _take(self, event: MarketEvent) -> None:
        name, records = self.books.take(event)
        if records and self._recorder is not None:
            self._recorder.add(name, records)
        for listener in self._listeners:
            listener(event)

    async def _tick(self, recorder: PriceRecorder) -> None:
        while True:
            await self._node.clock.sleep(_TICK_SECONDS)
            await recorder.flush()
            for bar in self.books.closed_bars(self._node.clock.now_ns()):
                await self._node.bus.publish(BAR_TOPIC, bar)

    async def _let_go(self) -> None:
        """Close the store. What comes after the last record is unknown, which the next start marks."""
        recorder, self._recorder = self._recorder, None
        self._feeds = ()
        self.books = MarketBooks(self._names, self._node.clock.monotonic)
        if recorder is not None:
            await recorder.close()
