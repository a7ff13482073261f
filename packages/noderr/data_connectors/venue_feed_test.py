"""Feeds on real connections, loopback only: what a session asks for is done, and what goes wrong heals."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from noderr.data_connectors.binance import BinanceSession
from noderr.data_connectors.catalogue import FEED_CATALOGUE, FeedMetrics
from noderr.data_connectors.errors import SnapshotError
from noderr.data_connectors.frame_log import FrameRecorder, read_frames
from noderr.data_connectors.kraken import KrakenSession
from noderr.data_connectors.session import VenueSession
from noderr.data_connectors.stream_client import StreamClient
from noderr.data_connectors.testing import Behaviour, listening, until
from noderr.data_connectors.testing_frames import (
    SAME,
    SNAPSHOT,
    binance_depth,
    binance_snapshot,
    kraken_frame,
    kraken_levels,
)
from noderr.data_connectors.venue_feed import Snapshots, VenueFeed
from noderr.market_data.events import BookDelta, BookSnapshot, Duplicate, Gap, MarketEvent, Trade
from noderr.market_data.live_market import MarketName
from noderr.utils import ManualClock, seeded

T0 = 1_700_000_000_000_000_000


class Kraken:
    """Sends its snapshot to who subscribes, then `frames` one after the other when `go` says so."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = list(frames)
        self.asked: list[str] = []
        self.connection: ServerConnection | None = None

    async def __call__(self, connection: ServerConnection) -> None:
        self.connection = connection
        with contextlib.suppress(ConnectionClosed):
            while True:
                said = json.loads(await connection.recv())
                self.asked.append(f"{said['event']} {said['subscription']['name']}")
                if self.asked[-1] == "subscribe book":
                    await self.send(SNAPSHOT)
                    await self.send(kraken_frame({**SAME, "a": [*SAME["a"]]}))

    async def send(self, payload: bytes) -> None:
        assert self.connection is not None
        await self.connection.send(payload, text=True)


class Running:
    """A feed, and what it told."""

    def __init__(
        self,
        url: str,
        session: VenueSession,
        clock: ManualClock,
        snapshots: Snapshots | None = None,
        recorder: FrameRecorder | None = None,
    ) -> None:
        self.registry = CollectorRegistry()
        metrics = FeedMetrics(self.registry)
        client = StreamClient(session.venue, url, clock=clock, randomness=seeded(1, "test"), metrics=metrics)
        self.feed = VenueFeed(
            session,
            client,
            clock=clock,
            randomness=seeded(1, "resync"),
            metrics=metrics,
            snapshots=snapshots,
            recorder=recorder,
        )
        self.events: list[MarketEvent] = []

    @property
    def kinds(self) -> list[type]:
        return [type(event) for event in self.events]

    def sample(self, name: str, symbol: str) -> float | None:
        labels = {"venue": self.feed.markets[0].venue, "symbol": symbol}
        return self.registry.get_sample_value(name, labels)


@contextlib.asynccontextmanager
async def running(feed: Running) -> AsyncIterator[Running]:
    task = asyncio.create_task(feed.feed.run(feed.events.append))
    try:
        yield feed
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


async def test_a_book_comes_after_subscribing_and_is_asked_for_anew_when_it_is_wrong(clock: ManualClock) -> None:
    kraken = Kraken()
    async with (
        listening(kraken) as venue,
        running(Running(venue.url, KrakenSession(["BTC/USD"]), clock)) as feed,
    ):
        await until(lambda: feed.kinds == [BookSnapshot])
        assert feed.feed.markets == (MarketName("kraken", "BTC/USD"),)
        assert feed.feed.heard_ns() == T0
        await kraken.send(kraken_frame({"a": kraken_levels([["0.05005", "0.00000001"]]), "c": "1"}))
        await until(lambda: feed.kinds == [BookSnapshot, Gap, BookSnapshot], clock, 0.1)
        assert kraken.asked == ["subscribe book", "subscribe trade", "unsubscribe book", "subscribe book"]
        assert feed.sample("noderr_feed_gaps_total", "BTC/USD") == 1
        assert feed.sample("noderr_feed_resyncs_total", "BTC/USD") == 1
        assert venue.connections == 1


async def test_a_book_that_never_holds_is_asked_for_ever_more_slowly(clock: ManualClock) -> None:
    async def lies(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                if json.loads(await connection.recv())["subscription"]["name"] == "book":
                    times.append(clock.monotonic())
                    await connection.send(SNAPSHOT, text=True)
                    await connection.send(kraken_frame({**SAME, "c": str(len(times))}), text=True)

    times: list[float] = []
    async with listening(lies) as venue, running(Running(venue.url, KrakenSession(["BTC/USD"]), clock)) as feed:
        # Two messages for each time that it asks: unsubscribe and subscribe.
        await until(lambda: len(times) >= 13, clock, 0.1)
        waits = [later - earlier for earlier, later in zip(times, times[2::2], strict=False)]
        assert waits[-1] > 4
        assert feed.kinds == []


async def test_garbage_makes_the_connection_anew(clock: ManualClock) -> None:
    kraken = Kraken()
    async with (
        listening(kraken) as venue,
        running(Running(venue.url, KrakenSession(["BTC/USD"]), clock)) as feed,
    ):
        await until(lambda: feed.kinds == [BookSnapshot])
        await kraken.send(b"[garbage")
        await until(lambda: feed.kinds == [BookSnapshot, Gap, BookSnapshot], clock, 0.5)
        assert venue.connections == 2


async def test_a_dropped_connection_is_a_gap_by_the_time_of_the_last_frame(clock: ManualClock) -> None:
    kraken = Kraken()
    async with (
        listening(kraken) as venue,
        running(Running(venue.url, KrakenSession(["BTC/USD"]), clock)) as feed,
    ):
        await until(lambda: feed.kinds == [BookSnapshot])
        await clock.advance(3)
        await kraken.send(b'{"event":"heartbeat"}')
        await until(lambda: feed.feed.heard_ns() == T0 + 3 * 10**9)
        await clock.advance(4)
        assert kraken.connection is not None
        kraken.connection.transport.abort()
        await until(lambda: feed.kinds == [BookSnapshot, Gap])
        gap = feed.events[-1]
        assert gap.received_ns == T0 + 3 * 10**9
        assert feed.feed.heard_ns() is None
        await until(lambda: feed.kinds == [BookSnapshot, Gap, BookSnapshot], clock, 0.5)


async def test_duplicates_and_trades_are_told_and_counted(clock: ManualClock) -> None:
    kraken = Kraken()
    trade = kraken_frame([["5541.2", "0.1", "1534614057.3", "s", "l", ""]], channel="trade")  # type: ignore[arg-type]
    async with (
        listening(kraken) as venue,
        running(Running(venue.url, KrakenSession(["BTC/USD"]), clock)) as feed,
    ):
        await until(lambda: feed.kinds == [BookSnapshot])
        await kraken.send(kraken_frame(SAME))
        await kraken.send(trade)
        await until(lambda: feed.kinds == [BookSnapshot, Duplicate, Trade])
        assert feed.sample("noderr_feed_duplicates_total", "BTC/USD") == 1


async def test_a_market_that_the_venue_refuses_is_said(clock: ManualClock) -> None:
    async def refuses(connection: ServerConnection) -> None:
        said = {"event": "subscriptionStatus", "status": "error", "pair": "XBT/USD", "errorMessage": "not supported"}
        await connection.send(json.dumps(said))
        await connection.wait_closed()

    async with listening(refuses) as venue, running(Running(venue.url, KrakenSession(["BTC/USD"]), clock)) as feed:
        await until(lambda: feed.feed.refused() != ())
        assert feed.feed.refused() == ("kraken refuses BTC/USD: not supported",)
        await clock.advance(40)  # Nothing is waited for: it is not asked for again and again.
        assert venue.connections == 1


async def test_a_book_that_does_not_come_makes_the_connection_anew(clock: ManualClock) -> None:
    async def only_beats(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await connection.send('{"event":"heartbeat"}')
                await asyncio.sleep(0.005)

    async with (
        listening(only_beats, Kraken()) as venue,
        running(Running(venue.url, KrakenSession(["BTC/USD"]), clock)) as feed,
    ):
        await until(lambda: venue.connections == 1)
        await until(lambda: feed.kinds == [BookSnapshot], clock, 1)
        assert 30 <= clock.monotonic() <= 60
        assert venue.connections == 2


class Books:
    """Snapshots over HTTP, as a test says; `SnapshotError`s are raised."""

    def __init__(self, *answers: bytes | SnapshotError) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.closed = False

    async def fetch(self, symbol: str) -> bytes:
        assert symbol == "BTC/USDT"
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, SnapshotError):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


def sends(*payloads: bytes) -> Behaviour:
    async def behave(connection: ServerConnection) -> None:
        for payload in payloads:
            await connection.send(payload, text=True)
        await connection.wait_closed()

    return behave


async def test_a_snapshot_is_fetched_and_fetched_again_when_it_is_refused_or_too_old(clock: ManualClock) -> None:
    books = Books(SnapshotError("429", retry_seconds=107), binance_snapshot(3), binance_snapshot(12))
    async with (
        listening(sends(binance_depth(9, 11), binance_depth(12, 13))) as venue,
        running(Running(venue.url, BinanceSession(["BTC/USDT"]), clock, books)) as feed,
    ):
        await until(lambda: books.asked == 1)
        for _ in range(21):
            await clock.advance(5)
            await asyncio.sleep(0.01)
        # A venue that says how long to wait is listened to, on the next connection too.
        assert (books.asked, venue.connections) == (1, 2)
        await until(lambda: feed.kinds == [BookSnapshot], clock, 0.1)
        assert books.asked == 3
    assert books.closed


async def test_without_where_to_fetch_it_the_connection_is_made_anew(clock: ManualClock) -> None:
    async with (
        listening(sends(binance_depth(9, 11))) as venue,
        running(Running(venue.url, BinanceSession(["BTC/USDT"]), clock)) as feed,
    ):
        await until(lambda: venue.connections >= 2, clock, 0.5)
        assert feed.kinds == []


async def test_a_snapshot_of_the_connection_before_does_no_harm(clock: ManualClock) -> None:
    came = asyncio.Event()

    class Slow(Books):
        async def fetch(self, symbol: str) -> bytes:
            self.asked += 1
            if self.asked == 1:
                await came.wait()
            return binance_snapshot(12)

    async def drops(connection: ServerConnection) -> None:
        await connection.send(binance_depth(9, 11), text=True)
        await until(lambda: books.asked == 1)
        connection.transport.abort()

    books = Slow()
    async with (
        listening(drops, sends(binance_depth(13, 13), binance_depth(14, 14))) as venue,
        running(Running(venue.url, BinanceSession(["BTC/USDT"]), clock, books)) as feed,
    ):
        await until(lambda: venue.connections == 2, clock, 0.5)
        came.set()
        await until(lambda: BookSnapshot in feed.kinds, clock, 0.1)
        assert set(feed.kinds) <= {BookSnapshot, BookDelta}


async def test_every_raw_frame_is_recorded_with_its_time(clock: ManualClock, tmp_path: Path) -> None:
    recorder = FrameRecorder(tmp_path / "kraken.frames", 1_000_000)
    async with (
        listening(Kraken()) as venue,
        running(Running(venue.url, KrakenSession(["BTC/USD"]), clock, recorder=recorder)) as feed,
    ):
        await until(lambda: feed.kinds == [BookSnapshot])
    recorded = list(read_frames(tmp_path / "kraken.frames"))
    assert [one.payload for one in recorded] == [SNAPSHOT, kraken_frame(SAME)]
    assert {(one.received_ns, one.channel) for one in recorded} == {(T0, "kraken")}


def test_the_metrics_are_those_of_the_catalogue_and_follow_its_conventions() -> None:
    registry = CollectorRegistry()
    FeedMetrics(registry)
    found = {metric.name + ("_total" if metric.type == "counter" else ""): metric.type for metric in registry.collect()}
    assert found == {spec.name: spec.kind for spec in FEED_CATALOGUE}
    labels: Sequence[str] = sorted({label for spec in FEED_CATALOGUE for label in spec.labels})
    assert labels == ["outcome", "symbol", "venue"]
