"""The service with feeds that a test speaks for, its record on a real disk, and its route."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from noderr.core.event_bus import EventBus
from noderr.core.openapi import openapi_document
from noderr.core.parts import NodeContext
from noderr.market_data.events import MarketEvent
from noderr.market_data.live_market import MarketName
from noderr.market_data.parts import BOOKS_PATH, market_parts
from noderr.market_data.service import BAR_TOPIC, MarketDataService
from noderr.market_data.store import PriceRange
from noderr.market_data.testing import SYMBOL, T0, VENUE, delta, gap, moment, snapshot, trade
from noderr.telemetry import NodeMetrics
from noderr.utils import ManualClock

NAME = MarketName(VENUE, SYMBOL)


class Spoken:
    """A feed that says what a test says."""

    def __init__(self) -> None:
        self.take: Callable[[MarketEvent], None] | None = None
        self.started = asyncio.Event()
        self.refusals: list[str] = []
        self.heard: int | None = None
        self.failure: asyncio.Future[None] | None = None

    @property
    def markets(self) -> Sequence[MarketName]:
        return (NAME,)

    async def run(self, take: Callable[[MarketEvent], None]) -> None:
        self.take = take
        self.started.set()
        self.failure = asyncio.get_running_loop().create_future()
        await self.failure

    def heard_ns(self) -> int | None:
        return self.heard

    def refused(self) -> Sequence[str]:
        return self.refusals

    def say(self, *events: MarketEvent) -> None:
        assert self.take is not None
        for event in events:
            self.take(event)
            self.heard = max(self.heard or 0, event.received_ns)


class Rig:
    """A service on a clock that stands still."""

    def __init__(self, folder: Path, names: Sequence[MarketName] = (NAME,)) -> None:
        self.clock = ManualClock(T0)
        metrics = NodeMetrics(CollectorRegistry(), tier="validator", version="1.2.3")
        self.bus = EventBus(metrics, self.clock)
        context = SimpleNamespace(clock=self.clock, data_dir=folder, bus=self.bus, metrics=metrics)
        self.node = cast(NodeContext, context)
        self.feed = Spoken()
        self.service = MarketDataService(self.node, names, lambda: [self.feed])

    async def pass_time(self, seconds: int) -> None:
        """In steps, so that what waits for the disk goes on in between."""
        for _ in range(seconds):
            await self.clock.advance(1)
            await self.service.price_range(VENUE, SYMBOL, 0, 0)

    async def range(self, start: float, end: float) -> PriceRange | None:
        return await self.service.price_range(VENUE, SYMBOL, moment(start), moment(end))

    async def books(self) -> dict[str, Any]:
        parts = market_parts(self.node, self.service)
        transport = httpx.ASGITransport(Starlette(routes=list(parts.routes)))
        async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
            answer = await client.get(BOOKS_PATH)
        assert answer.headers["cache-control"] == "no-store"
        found: dict[str, Any] = json.loads(answer.content)
        return found


@contextlib.asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[Rig]:
    await rig.service.start()
    task = asyncio.create_task(rig.service.run())
    await rig.feed.started.wait()
    try:
        yield rig
    finally:
        await rig.service.stop()
        await task
        rig.feed.started.clear()


async def test_without_a_feed_it_says_so_and_does_no_harm(tmp_path: Path) -> None:
    rig = Rig(tmp_path, names=())
    await rig.service.start()
    task = asyncio.create_task(rig.service.run())
    assert rig.service.missing() == ("no feed is configured: NODEOS_FEEDS is not set",)
    assert await rig.range(0, 1) is None
    await asyncio.sleep(0)
    assert not task.done()
    await rig.service.stop()
    await task
    assert os.listdir(tmp_path) == []


async def test_ready_names_the_books_that_are_not_known_or_stale(tmp_path: Path) -> None:
    async with running(Rig(tmp_path)) as rig:
        assert rig.service.missing() == ("kraken:BTC/USD has no book: its first book has not come",)
        rig.feed.say(snapshot(0))
        assert rig.service.missing() == ()
        await rig.clock.advance(61)
        assert rig.service.missing() == ("kraken:BTC/USD is stale: nothing came for 61 s",)
        rig.feed.say(delta(61, bids=((9_990, 1),)))
        assert rig.service.missing() == ()
        rig.feed.say(gap(62))
        assert rig.service.missing() == ("kraken:BTC/USD has no book: the connection was dropped",)
        rig.feed.refusals.append("kraken refuses BTC/USD: not supported")
        assert rig.service.missing()[0] == "kraken refuses BTC/USD: not supported"


async def test_prices_are_told_from_what_was_received(tmp_path: Path) -> None:
    async with running(Rig(tmp_path)) as rig:
        rig.feed.say(snapshot(0), trade(3, "100.7"), delta(5, bids=((10_050, 1),)))
        assert await rig.range(1, 4) == PriceRange(Decimal(100), Decimal(101))
        assert await rig.range(4, 5) == PriceRange(Decimal(100), Decimal(101))
        # Nothing was heard after the fifth second: a price may be on its way.
        assert await rig.range(4, 6) is None
        rig.feed.heard = moment(6)
        assert await rig.range(4, 6) == PriceRange(Decimal(100), Decimal(101))
        # A market that is lost now is not known up to the last frame of its connection.
        rig.feed.say(gap(6))
        rig.feed.heard = moment(9)
        assert await rig.range(4, 7) is None
        assert await rig.range(-3, 1) is None
        assert await rig.service.price_range("binance", SYMBOL, moment(1), moment(2)) is None


async def test_prices_outlive_a_restart_and_the_time_between_is_unknown(tmp_path: Path) -> None:
    async with running(Rig(tmp_path)) as rig:
        rig.feed.say(snapshot(0), delta(5, bids=((10_050, 1),)))
    async with running(rig):
        assert rig.service.missing() == ("kraken:BTC/USD has no book: its first book has not come",)
        assert await rig.range(1, 4) == PriceRange(Decimal(100), Decimal(101))
        rig.feed.say(snapshot(20), delta(25, bids=((10_060, 1),)))
        assert await rig.range(6, 8) is None
        assert await rig.range(21, 24) == PriceRange(Decimal(100), Decimal(101))


async def test_a_clock_that_is_set_back_between_two_runs_does_not_stop_the_service(tmp_path: Path) -> None:
    async with running(Rig(tmp_path)) as rig:
        rig.feed.say(snapshot(50))
    async with running(rig):
        rig.feed.say(snapshot(20), delta(30, bids=((10_060, 1),)), delta(51, bids=((10_070, 1),)))
        rig.feed.heard = moment(60)
        assert await rig.range(21, 24) is None
        assert await rig.range(52, 55) == PriceRange(Decimal("100.7"), Decimal(101))


async def test_bars_are_published_when_they_end(tmp_path: Path) -> None:
    async with running(Rig(tmp_path)) as rig:
        bars = rig.bus.subscribe(BAR_TOPIC, "test")
        rig.feed.say(snapshot(0), trade(3, "100.7"), trade(30, "100.1"))
        await rig.pass_time(61)
        assert bars.length == 0  # A trade may still be on its way.
        await rig.pass_time(3)
        assert bars.length == 1
        bar = await anext(aiter(bars))
        assert (bar.venue, bar.symbol, bar.open, bar.close, bar.trades) == (
            VENUE,
            SYMBOL,
            Decimal("100.7"),
            Decimal("100.1"),
            2,
        )
        assert (bar.close_ns, bar.complete) == (T0 + 60 * 10**9, True)
        rig.feed.say(gap(70))
        rig.feed.say(trade(71, "99"))
        await rig.pass_time(60)
        bar = await anext(aiter(bars))
        assert not bar.complete


async def test_a_feed_that_fails_fails_the_service_and_the_next_start_goes_on(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    await rig.service.start()
    task = asyncio.create_task(rig.service.run())
    await rig.feed.started.wait()
    rig.feed.say(snapshot(0))
    assert rig.feed.failure is not None
    rig.feed.failure.set_exception(OSError("the disk is full"))
    with pytest.raises(OSError, match="the disk is full"):
        await task
    await rig.service.stop()
    rig.feed.started.clear()
    async with running(rig):
        rig.feed.say(snapshot(5))
        assert await rig.range(1, 2) is None


async def test_the_route_shows_books_as_exact_text(tmp_path: Path) -> None:
    async with running(Rig(tmp_path)) as rig:
        rig.feed.say(snapshot(0, bids=((10_001, 1), (10_000, 5))), delta(2, asks=((10_100, 0), (10_120, 3))))
        said = await rig.books()
        (book,) = said["books"]
        assert (book["venue"], book["symbol"], book["known"], book["stale"], book["problem"]) == (
            VENUE,
            SYMBOL,
            True,
            False,
            None,
        )
        assert book["bids"] == [{"price": "100.01", "size": "0.001"}, {"price": "100", "size": "0.005"}]
        assert book["asks"] == [{"price": "101.2", "size": "0.003"}]
        assert book["received_at"] == "2023-11-14T22:14:02Z"
        assert said["best"] == [
            {
                "symbol": SYMBOL,
                "bid": {"venue": VENUE, "price": "100.01", "size": "0.001"},
                "ask": {"venue": VENUE, "price": "101.2", "size": "0.003"},
                "crossed": False,
            }
        ]
        assert said["missing"] == []
        rig.feed.say(gap(3))
        said = await rig.books()
        assert said["books"][0]["problem"] == "the connection was dropped"
        assert (said["books"][0]["bids"], said["books"][0]["gaps"], said["best"][0]["bid"]) == ([], 1, None)
        assert said["missing"] == ["kraken:BTC/USD has no book: the connection was dropped"]


def test_the_route_is_documented(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    document = openapi_document("node", "1.2.3", market_parts(rig.node, rig.service).operations)
    assert list(document["paths"]) == [BOOKS_PATH]
