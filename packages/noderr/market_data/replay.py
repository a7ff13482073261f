"""Plays records again in the order in which they were received, on a clock that goes from one to the next."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from noderr.market_data.records import Record
from noderr.market_data.store import MarketStore
from noderr.utils import ManualClock

_SECOND_NS = 1_000_000_000
_PAGE = 2_000


async def stored_records(store: MarketStore, market: str) -> AsyncIterator[Record]:
    """All records of a market, in order. Raises `StoreGapError` where one is missing."""
    first = 0
    while rows := await store.read(market, first, _PAGE):
        for _, record in rows:
            yield record
        first = rows[-1][0] + 1


async def replay(
    sources: Mapping[str, AsyncIterator[Record]],
    clock: ManualClock,
    sink: Callable[[str, Record], Awaitable[None]],
) -> int:
    """Hand every record to `sink` with its market, at its time, and return how many there were.

    Records of one time come in the order of the markets' names; each market's own order is never changed, also where
    the machine's clock was set back: then the clock stands still. What sleeps on `clock` wakes in between.
    """
    waiting: list[tuple[int, str, Record]] = []
    for market in sources:
        await _fetch(sources, market, waiting)
    count = 0
    while waiting:
        at_ns, market, record = heapq.heappop(waiting)
        if (ahead_ns := at_ns - clock.now_ns()) > 0:
            await clock.advance(ahead_ns / _SECOND_NS)
        await sink(market, record)
        count += 1
        await _fetch(sources, market, waiting)
    return count


async def _fetch(
    sources: Mapping[str, AsyncIterator[Record]], market: str, waiting: list[tuple[int, str, Record]]
) -> None:
    """The heap holds one record of each market, so that no two entries are compared by their records."""
    async for record in sources[market]:
        heapq.heappush(waiting, (record.received_ns, market, record))
        return
