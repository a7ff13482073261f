"""A venue's session on its connection: frames to events, and what the session asks for, done."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import structlog

from noderr.data_connectors.catalogue import FeedMetrics
from noderr.data_connectors.errors import NotConnectedError, SnapshotError
from noderr.data_connectors.frame_log import FrameRecorder
from noderr.data_connectors.session import AskingSession, Output, Reconnect, Resync, Send, VenueSession
from noderr.data_connectors.stream_client import Closed, Opened, RawFrame, StreamClient
from noderr.market_data.events import Duplicate, Gap, MarketEvent
from noderr.market_data.live_market import MarketName
from noderr.utils import Backoff, Clock

_log = structlog.get_logger("noderr.data_connectors.feed")
_RESYNC = Backoff(first_seconds=0.5, limit_seconds=60.0)
_CALM_SECONDS = 60.0
"""A book that held so long was good: the next resync does not wait for those before."""
_CHECK_SECONDS = 5.0
_SNAPSHOT_SECONDS = 30.0


class Snapshots(Protocol):
    """Where books are asked for that do not come on the connection."""

    async def fetch(self, symbol: str) -> bytes:
        """Raises `SnapshotError`."""

    async def close(self) -> None: ...


class VenueFeed:
    """A `noderr.market_data.feed.Feed`. `recorder` keeps every raw frame."""

    def __init__(
        self,
        session: VenueSession,
        client: StreamClient,
        *,
        clock: Clock,
        randomness: random.Random,
        metrics: FeedMetrics,
        snapshots: Snapshots | None = None,
        recorder: FrameRecorder | None = None,
    ) -> None:
        self._session = session
        self._client = client
        self._clock = clock
        self._randomness = randomness
        self._metrics = metrics
        self._snapshots = snapshots
        self._recorder = recorder
        self._tries: dict[str, tuple[int, float]] = {}
        """Of each symbol: how many resyncs in a row, and when the last one was."""
        self._waiting: dict[str, float] = {}
        """Since when each symbol has waited for its book."""
        self._resyncs: dict[asyncio.Task[None], str] = {}
        """What is being asked for, by whom."""
        self._not_before = 0.0
        """When the venue takes requests over HTTP again."""

    @property
    def markets(self) -> Sequence[MarketName]:
        return tuple(MarketName(self._session.venue, symbol) for symbol in self._session.symbols)

    def heard_ns(self) -> int | None:
        return self._client.heard_ns()

    def refused(self) -> Sequence[str]:
        return tuple(f"{self._session.venue} refuses {one}: {why}" for one, why in self._session.refused.items())

    async def run(self, take: Callable[[MarketEvent], None]) -> None:
        """Hand over events until cancelled."""
        session = self._session
        try:
            async with asyncio.TaskGroup() as tasks, contextlib.aclosing(self._client.events()) as events:
                tasks.create_task(self._watch_snapshots())
                async for event in events:
                    match event:
                        case RawFrame():
                            if self._recorder is not None:
                                self._recorder.write(event.received_ns, session.venue, event.payload)
                            outputs = session.on_frame(event.payload, event.received_ns)
                        case Opened():
                            self._waiting.clear()
                            outputs = session.open()
                        case Closed():
                            for resync in self._resyncs:
                                resync.cancel()
                            outputs = session.lost(event.reason, event.heard_ns)
                    if outputs:
                        await self._do(outputs, take, tasks)
        finally:
            if self._snapshots is not None:
                await self._snapshots.close()
            if self._recorder is not None:
                self._recorder.close()

    async def _do(
        self, outputs: Iterable[Output], take: Callable[[MarketEvent], None], tasks: asyncio.TaskGroup
    ) -> None:
        for output in outputs:
            match output:
                case Send():
                    await self._send(output.text)
                case Resync():
                    resync = tasks.create_task(self._resync(output, take, tasks))
                    self._resyncs[resync] = output.symbol
                    resync.add_done_callback(self._resyncs.pop)
                case Reconnect():
                    self._client.cut(output.reason)
                case _:
                    self._count(output)
                    take(output)

    async def _send(self, text: str) -> None:
        # Where the connection is gone its end is the next event, and everything is asked for anew.
        with contextlib.suppress(NotConnectedError):
            await self._client.send(text)

    async def _resync(self, ask: Resync, take: Callable[[MarketEvent], None], tasks: asyncio.TaskGroup) -> None:
        """Ask for a book: at once, and ever later when it does not hold. A venue bans who asks too often."""
        session, venue, symbol = self._session, self._session.venue, ask.symbol
        now = self._clock.monotonic()
        tries, before = self._tries.get(symbol, (0, now))
        tries = 0 if now - before > _CALM_SECONDS else tries
        self._tries[symbol] = (tries + 1, now)
        self._metrics.resyncs.labels(venue, symbol).inc()
        if tries:
            await self._clock.sleep(_RESYNC.jittered_seconds(tries - 1, self._randomness))
        if ask.send:
            for text in ask.send:
                await self._send(text)
            return
        if self._snapshots is None or not isinstance(session, AskingSession):
            self._client.cut(f"no book of {symbol} can be asked for")
            return
        while (wait := self._not_before - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)
        try:
            body = await self._snapshots.fetch(symbol)
        except SnapshotError as error:
            _log.warning("no snapshot", venue=venue, symbol=symbol, problem=str(error)[:300])
            # For all symbols, and on the next connection too.
            self._not_before = max(self._not_before, self._clock.monotonic() + error.retry_seconds)
            await self._do([ask], take, tasks)
            return
        await self._do(session.on_snapshot(symbol, body, self._clock.now_ns()), take, tasks)

    async def _watch_snapshots(self) -> None:
        """A book that was asked for and does not come: the connection is made anew."""
        while True:
            await self._clock.sleep(_CHECK_SECONDS)
            now, asking = self._clock.monotonic(), set(self._resyncs.values())
            waiting = [symbol for symbol in self._session.waiting() if symbol not in asking]
            self._waiting = {symbol: self._waiting.get(symbol, now) for symbol in waiting}
            for symbol, since in self._waiting.items():
                if now - since >= _SNAPSHOT_SECONDS:
                    self._client.cut(f"no book of {symbol} came for {_SNAPSHOT_SECONDS:g} s")

    def _count(self, event: MarketEvent) -> None:
        if isinstance(event, Gap):
            self._metrics.gaps.labels(event.venue, event.symbol).inc()
            _log.warning("book lost", venue=event.venue, symbol=event.symbol, reason=event.reason[:300])
        elif isinstance(event, Duplicate):
            self._metrics.duplicates.labels(event.venue, event.symbol).inc()
